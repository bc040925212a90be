//! Bad service nodes, each of one kind. All but the refusing ones claim to have relayed and did not, accept
//! subscriptions and answer filter pings.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushResponse, Message as _,
    MessagePush, PushResponse, PushRpc, StoreQueryRequest, StoreQueryResponse, WakuMessage, WakuMessageKeyValue,
    message_hash, protocol,
};
use tokio::sync::mpsc;

use super::peer::{Muxer, Peer, Script};
use super::{CLUSTER, PUBSUB, TOPIC, now_ns};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    /// Its store is empty, its filter silent.
    Silent,
    /// Its store returns other hashes than those of its messages.
    WrongHash,
    /// Its store returns the same page again and again, with the same cursor.
    SameCursor,
    /// Its store has endless messages, one on each page.
    Endless,
    /// Its store's frames announce more bytes than follow.
    Truncated,
    /// Its store and its filter send topics that nobody asked for.
    ForeignTopic,
    /// Its store returns other times than asked for; its filter pushes messages that are years old.
    Stale,
    /// Its filter pushes messages dated an hour ahead.
    Future,
    /// It sends one byte at a time.
    Drip,
    /// It accepts streams and never answers.
    Mute,
    /// It refuses every message, subscription and store query with this code.
    Refuses(u32),
    /// It supports only lightpush v2, and calls every message invalid.
    RefusesV2,
    /// It supports only lightpush v2, whose success has no count of relay peers, and answers nothing else.
    SilentV2,
}

impl Bad {
    pub(crate) const REFUSING: [Self; 4] =
        [Self::Refuses(400), Self::Refuses(413), Self::Refuses(420), Self::RefusesV2];

    pub(crate) const ALL: [Self; 14] = [
        Self::Silent,
        Self::WrongHash,
        Self::SameCursor,
        Self::Endless,
        Self::Truncated,
        Self::ForeignTopic,
        Self::Stale,
        Self::Future,
        Self::Drip,
        Self::Mute,
        Self::Refuses(400),
        Self::Refuses(413),
        Self::Refuses(420),
        Self::RefusesV2,
    ];
}

pub(crate) struct BadNode {
    pub(crate) bad: Bad,
    pub(crate) peer: Peer,
    /// Number of requests of any kind, except metadata.
    pub(crate) requests: Arc<AtomicUsize>,
    /// Number of publishes among them.
    pub(crate) swallowed: Arc<AtomicUsize>,
}

impl BadNode {
    pub(crate) async fn start(bad: Bad) -> Self {
        let (requests, swallowed) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        if matches!(bad, Bad::Drip | Bad::Mute) {
            return Self::slow(bad).await;
        }
        let (subscribers, mut subscribed) = mpsc::unbounded_channel();
        let (filter, store, pushes) = (requests.clone(), requests.clone(), swallowed.clone());
        let counted = requests.clone();
        let filter: Script = Arc::new(move |peer, body| {
            filter.fetch_add(1, Ordering::SeqCst);
            let request = FilterSubscribeRequest::decode(body.as_slice()).unwrap();
            let subscribe = i32::from(FilterSubscribeType::Subscribe);
            if request.filter_subscribe_type == Some(subscribe) {
                let _ = subscribers.send(peer);
            }
            match bad {
                Bad::Refuses(code) => subscribed_as(code, &request),
                _ => subscribed_as(200, &request),
            }
        });
        let push: Script = Arc::new(move |_, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            pushes.fetch_add(1, Ordering::SeqCst);
            match bad {
                Bad::Refuses(code) => refused(code),
                Bad::RefusesV2 => answer_v2(false, "invalid message length: too large"),
                Bad::SilentV2 => answer_v2(true, "OK"),
                _ => relayed(),
            }
        });
        let store: Script = Arc::new(move |_, body| {
            let count = store.fetch_add(1, Ordering::SeqCst);
            let request = StoreQueryRequest::decode(body.as_slice()).unwrap();
            page(bad, &request, count)
        });
        let lightpush = match bad {
            Bad::RefusesV2 | Bad::SilentV2 => protocol::LIGHTPUSH_V2,
            _ => protocol::LIGHTPUSH_V3,
        };
        let scripts = vec![(protocol::FILTER_SUBSCRIBE, filter), (lightpush, push), (protocol::STORE, store)];
        let peer = Peer::start(Muxer::Yamux, scripts).await;
        let pusher = peer.pusher();
        tokio::spawn(async move {
            while let Some(to) = subscribed.recv().await {
                for frame in pushed(bad) {
                    pusher(to, frame).await;
                }
            }
        });
        Self { bad, peer, requests, swallowed }
    }

    async fn slow(bad: Bad) -> Self {
        let peer = Peer::start(Muxer::Yamux, vec![]).await;
        let requests: Arc<AtomicUsize> = Arc::default();
        let answers = [
            (protocol::FILTER_SUBSCRIBE, subscribed_as(200, &FilterSubscribeRequest::default())),
            (protocol::LIGHTPUSH_V3, relayed()),
            (protocol::STORE, reply(vec![], None)),
        ];
        for (protocol, answer) in answers {
            let pace = match bad {
                Bad::Drip => Duration::from_secs(1),
                _ => Duration::from_secs(3600),
            };
            peer.drip(protocol, pace, answer, Arc::clone(&requests));
        }
        Self { bad, peer, requests, swallowed: Arc::default() }
    }

    pub(crate) fn asked(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn subscribed_as(code: u32, request: &FilterSubscribeRequest) -> Vec<u8> {
    waku::encode_framed(&FilterSubscribeResponse {
        request_id: Some(request.request_id.clone().unwrap_or_default()),
        status_code: Some(code),
        status_desc: None,
    })
}

fn relayed() -> Vec<u8> {
    waku::encode_framed(&LightPushResponse {
        request_id: Some(String::new()),
        status_code: Some(200),
        status_desc: None,
        relay_peer_count: Some(3),
    })
}

fn refused(code: u32) -> Vec<u8> {
    waku::encode_framed(&LightPushResponse {
        request_id: Some("N/A".into()),
        status_code: Some(code),
        status_desc: Some("no".into()),
        relay_peer_count: None,
    })
}

fn answer_v2(success: bool, info: &str) -> Vec<u8> {
    waku::encode_framed(&PushRpc {
        request_id: None,
        request: None,
        response: Some(PushResponse { is_success: Some(success), info: Some(info.into()) }),
    })
}

fn reply(messages: Vec<WakuMessageKeyValue>, cursor: Option<Vec<u8>>) -> Vec<u8> {
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some(String::new()),
        status_code: Some(200),
        status_desc: Some("OK".into()),
        messages,
        pagination_cursor: cursor,
    })
}

fn entry(topic: &str, payload: Vec<u8>, time: i64) -> WakuMessageKeyValue {
    let message = WakuMessage::new(topic.into(), payload, time);
    WakuMessageKeyValue {
        message_hash: Some(message_hash(PUBSUB, &message).to_vec()),
        message: Some(message),
        pubsub_topic: Some(PUBSUB.into()),
    }
}

const FOREIGN: &str = "/sotto/1/h00-0001/proto";

fn page(bad: Bad, request: &StoreQueryRequest, count: usize) -> Vec<u8> {
    if let Bad::Refuses(code) = bad {
        return waku::encode_framed(&StoreQueryResponse { status_code: Some(code), ..StoreQueryResponse::default() });
    }
    if !request.message_hashes.is_empty() {
        return reply(vec![], None); // it has nothing
    }
    let start = request.time_start.unwrap_or_default();
    let garbage = |number: usize| [b"bad".as_slice(), &number.to_be_bytes()].concat();
    match bad {
        Bad::WrongHash => {
            let wrong = WakuMessageKeyValue { message_hash: Some(vec![1; 32]), ..entry(TOPIC, garbage(0), start) };
            reply(vec![wrong], None)
        }
        Bad::SameCursor => reply(vec![entry(TOPIC, garbage(0), start)], Some(vec![7; 32])),
        Bad::Endless => {
            let one = entry(TOPIC, garbage(count), start + count as i64);
            let cursor = one.message_hash.clone();
            reply(vec![one], cursor)
        }
        Bad::Truncated => {
            let mut page = reply(vec![entry(TOPIC, garbage(0), start)], None);
            page.truncate(page.len() - 10);
            page
        }
        Bad::ForeignTopic => reply(vec![entry(FOREIGN, garbage(0), start)], None),
        Bad::Stale => reply(vec![entry(TOPIC, garbage(0), start - 1)], None),
        _ => reply(vec![], None),
    }
}

/// The push to a new subscriber.
fn pushed(bad: Bad) -> Vec<Vec<u8>> {
    let (topic, shard, time) = match bad {
        Bad::ForeignTopic => (FOREIGN, PUBSUB.to_owned(), now_ns()),
        Bad::WrongHash => (TOPIC, format!("/waku/2/rs/{CLUSTER}/7"), now_ns()),
        Bad::Stale => (TOPIC, PUBSUB.to_owned(), 1_000_000_000),
        Bad::Future => (TOPIC, PUBSUB.to_owned(), now_ns() + 3600 * 1_000_000_000),
        _ => return Vec::new(),
    };
    let push = |number: u8| {
        waku::encode_framed(&MessagePush {
            waku_message: Some(WakuMessage::new(
                topic.into(),
                [b"bad".as_slice(), &[number; 8]].concat(),
                time + i64::from(number),
            )),
            pubsub_topic: Some(shard.clone()),
        })
    };
    (0..20).map(push).collect()
}
