//! Requests of light clients, and messages on their way to archive and subscribers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::abortable;
use libp2p::gossipsub::{IdentTopic, PublishError};
use libp2p::{PeerId, Stream, StreamProtocol};
use sotto_wire::waku::{
    self, FilterStatus, FilterSubscribeRequest, FilterSubscribeResponse, Message as _, MessageError, MessagePush,
    PeerExchangeQuery, PeerExchangeResponse, PeerExchangeRpc, PeerExchangeStatus, PeerInfo, RATE_LIMITED_ID,
    StoreStatus, WakuMessage, protocol,
};
use tokio::time::Instant;

use super::actor::{Actor, Done};
use super::archive::{ArchiveRequest, Archived};
use super::config::Request;
use super::lightpush::{self, Push, Taken};
use super::push;
use super::pushers::Parcel;
use super::slots::Slot;
use super::{relay, store};
use crate::exchange::{self, TooLong};

/// For a peer to take an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Messages further from our clock are relayed and not archived, nanoseconds.
const DRIFT_NS: u64 = 20_000_000_000;
/// Most records given out at once.
const RECORDS: u64 = 60;

impl Actor {
    pub(super) fn request_cap(&self, protocol: &StreamProtocol) -> usize {
        match protocol.as_ref() {
            protocol::FILTER_SUBSCRIBE => waku::FILTER_REQUEST_CAP,
            protocol::LIGHTPUSH_V3 | protocol::LIGHTPUSH_V2 => waku::lightpush_request_cap(self.config.max_message),
            protocol::STORE => waku::STORE_REQUEST_CAP,
            protocol::PEER_EXCHANGE => waku::PEER_EXCHANGE_CAP,
            _ => waku::METADATA_CAP,
        }
    }

    /// Answers a request on its stream.
    pub(super) fn request(
        &mut self,
        peer: PeerId,
        protocol: &StreamProtocol,
        request: Result<Vec<u8>, TooLong>,
        (stream, slot): (Stream, Slot),
        now: Instant,
    ) {
        let allowed = self.allowed(&peer, now);
        // What is too long was thrown away: it is answered like what cannot be read, where there is no code for it.
        let body = request.as_deref().unwrap_or_default();
        let too_long = request.is_err();
        self.tap(&peer, protocol, body);
        let answer = match protocol.as_ref() {
            protocol::FILTER_SUBSCRIBE if too_long => filter_answer(RATE_LIMITED_ID.into(), FilterStatus::BadRequest),
            protocol::FILTER_SUBSCRIBE => self.filter(peer, body, allowed, now),
            protocol::LIGHTPUSH_V3 if too_long => lightpush::answer_v3(String::new(), Taken::TooLong),
            protocol::LIGHTPUSH_V3 => {
                let (id, taken) = self.push(peer, lightpush::read_v3(body), allowed);
                lightpush::answer_v3(id, taken)
            }
            protocol::LIGHTPUSH_V2 if too_long => lightpush::answer_v2(String::new(), Taken::TooLong),
            protocol::LIGHTPUSH_V2 => {
                let (id, taken) = self.push(peer, lightpush::read_v2(body), allowed);
                lightpush::answer_v2(id, taken)
            }
            protocol::STORE if too_long => store::refuse(StoreStatus::BadRequest, "query too long"),
            protocol::STORE => return self.store(&peer, body, allowed, (stream, slot)),
            protocol::PEER_EXCHANGE => self.records(&peer, body, allowed),
            _ => self.metadata.clone(),
        };
        self.answer((stream, slot), answer);
    }

    pub(super) fn answer(&mut self, (mut stream, slot): (Stream, Slot), answer: Vec<u8>) {
        self.work.push(Box::pin(async move {
            write(&mut stream, &answer).await;
            drop(slot);
            Done::Finished
        }));
    }

    /// Shows a request to whoever watches.
    fn tap(&self, peer: &PeerId, protocol: &StreamProtocol, body: &[u8]) {
        if let Some(tap) = &self.config.tap {
            let _ =
                tap.try_send(Request { peer: peer.to_string(), protocol: protocol.to_string(), body: body.to_vec() });
        }
    }

    /// Counts a request; false when the peer has had its share of this second.
    fn allowed(&mut self, peer: &PeerId, now: Instant) -> bool {
        let Some(state) = self.peers.get_mut(peer) else {
            return false;
        };
        let (since, count) = state.window;
        state.window = if now.duration_since(since) >= Duration::from_secs(1) { (now, 1) } else { (since, count + 1) };
        state.window.1 <= self.config.limits.requests_per_second
    }

    fn filter(&mut self, peer: PeerId, body: &[u8], allowed: bool, now: Instant) -> Vec<u8> {
        let (id, status) = match waku::decode::<FilterSubscribeRequest>(body) {
            Ok(_) if !allowed => (RATE_LIMITED_ID.into(), FilterStatus::TooManyRequests),
            Ok(request) => {
                let status = self.subscriptions.request(peer, &request, now);
                (request.request_id.unwrap_or_default(), status)
            }
            Err(_) => (RATE_LIMITED_ID.into(), FilterStatus::BadRequest),
        };
        if !self.subscriptions.has(&peer) {
            self.pushers.end(&peer);
        }
        filter_answer(id, status)
    }

    fn push(&mut self, peer: PeerId, push: Option<Push>, allowed: bool) -> (String, Taken) {
        let Some(push) = push else {
            return (String::new(), Taken::Malformed);
        };
        if !allowed {
            return (push.id, Taken::TooMany);
        }
        let taken = match push.message {
            Some(message) => self.relay(peer, push.pubsub_topic, message),
            None => Taken::Malformed,
        };
        (push.id, taken)
    }

    /// Relays a message of a light client.
    fn relay(&mut self, from: PeerId, pubsub_topic: Option<String>, mut message: WakuMessage) -> Taken {
        match message.validate(self.config.max_message) {
            Ok(()) => {}
            Err(MessageError::TooLarge) => return Taken::TooLarge,
            Err(_) => return Taken::Invalid,
        }
        let Some(topic) = self.served(pubsub_topic, &message.content_topic) else {
            return Taken::OtherShard;
        };
        if message.timestamp.unwrap_or_default() == 0 {
            message.timestamp = Some(now_ns());
        }
        let hash = waku::message_hash(&topic, &message);
        let ident = IdentTopic::new(topic.as_str()).hash();
        let relay = &mut self.swarm.behaviour_mut().relay;
        let peers = relay::peers(relay, &ident);
        match relay.publish(ident, lightpush::data(&message)) {
            Ok(_) => {
                self.unrelayed.remove(&hash);
                self.deliver(from, &topic, message, hash);
                Taken::Relayed(peers)
            }
            Err(PublishError::Duplicate) => {
                if self.deliver(from, &topic, message, hash) {
                    self.unrelayed.insert(hash); // the same bytes came on another shard
                }
                match self.unrelayed.contains(&hash) {
                    true => Taken::Overloaded,
                    false => Taken::Seen(peers.max(1)),
                }
            }
            // Kept all the same: should others bring it now, gossipsub does not tell us.
            Err(PublishError::AllQueuesFull(_)) => {
                self.unrelayed.insert(hash);
                self.deliver(from, &topic, message, hash);
                Taken::Overloaded
            }
            Err(PublishError::NoPeersSubscribedToTopic) if self.config.alone => {
                if self.deliver(from, &topic, message, hash) { Taken::Relayed(1) } else { Taken::Seen(1) }
            }
            Err(PublishError::NoPeersSubscribedToTopic) => Taken::NoPeers,
            Err(PublishError::MessageTooLarge) => Taken::TooLarge,
            Err(_) => Taken::Overloaded,
        }
    }

    /// The shard topic to use, if it is one of ours.
    pub(super) fn served(&self, asked: Option<String>, content_topic: &str) -> Option<String> {
        let cluster = self.config.cluster;
        let topic = match asked {
            Some(topic) => topic,
            None => self.config.sharding.shard(cluster, content_topic)?.to_string(),
        };
        let shard: waku::Shard = topic.parse().ok()?;
        let ours = shard.cluster == cluster && self.config.sharding.list().contains(&shard.shard);
        ours.then_some(topic)
    }

    /// Gives a message to archive, subscribers and who hears through this node, once; false if it had been given before.
    pub(super) fn deliver(&mut self, from: PeerId, topic: &str, message: WakuMessage, hash: [u8; 32]) -> bool {
        if !self.recent.insert(hash) {
            return false;
        }
        self.ends.hearing.give(from, topic, &message);
        let wanting = self.subscriptions.wanting(topic, &message.content_topic);
        if !wanting.is_empty() {
            let frame = waku::encode_framed(&MessagePush {
                waku_message: Some(message.clone()),
                pubsub_topic: Some(topic.into()),
            });
            let (parcel, left) = self.pushers.parcel(frame);
            for peer in left {
                log::debug!("a subscriber is the slowest");
                self.subscriptions.remove(&peer);
            }
            for peer in wanting {
                self.push_to(peer, &parcel);
            }
        }
        self.archive(topic, message, hash);
        true
    }

    fn push_to(&mut self, peer: PeerId, parcel: &Parcel) {
        let style = self.peers.get(&peer).map(|state| state.style);
        let Some(style) = style.filter(|_| self.subscriptions.has(&peer)) else {
            return;
        };
        let (opener, work) = (&self.opener, &self.work);
        let start = |generation, frames| {
            let (run, abort) = abortable(push::run(opener.clone(), peer, frames));
            work.push(Box::pin(async move {
                let _ = run.await;
                Done::PushEnded(peer, generation)
            }));
            abort
        };
        if !self.pushers.push(peer, style, parcel, start) {
            log::debug!("a subscriber is too slow");
            self.subscriptions.remove(&peer);
        }
    }

    fn archive(&mut self, topic: &str, message: WakuMessage, hash: [u8; 32]) {
        let timestamp = message.timestamp.unwrap_or_default();
        let fresh = timestamp.abs_diff(now_ns()) <= DRIFT_NS;
        if !self.config.store || message.ephemeral == Some(true) || !fresh {
            return;
        }
        let put = self
            .ends
            .archive
            .put(message.encoded_len(), || ArchiveRequest::Put(Archived { hash, pubsub_topic: topic.into(), message }));
        if !put {
            log::warn!("the archive takes no more: a message is not kept");
        }
    }

    fn records(&self, peer: &PeerId, body: &[u8], allowed: bool) -> Vec<u8> {
        let query = waku::decode::<PeerExchangeRpc>(body).ok().and_then(|rpc| rpc.query);
        let (status, wanted) = match query {
            _ if !allowed => (PeerExchangeStatus::TooManyRequests, 0),
            Some(query) => (PeerExchangeStatus::Ok, query.num_peers.unwrap_or_default()),
            None => (PeerExchangeStatus::BadRequest, 0),
        };
        let wanted = usize::try_from(wanted.min(RECORDS)).unwrap_or_default();
        let learnt = self.learnt.for_peer(peer);
        let record = |enr: &Vec<u8>| PeerInfo { enr: Some(enr.clone()) };
        waku::encode_framed(&PeerExchangeRpc {
            query: Some(PeerExchangeQuery::default()), // nim wants it here too
            response: Some(PeerExchangeResponse {
                peer_infos: self.config.records.iter().chain(&learnt).take(wanted).map(record).collect(),
                status_code: Some(status.code()),
                status_desc: None,
            }),
        })
    }
}

fn filter_answer(id: String, status: FilterStatus) -> Vec<u8> {
    waku::encode_framed(&FilterSubscribeResponse {
        request_id: Some(id),
        status_code: Some(status.code()),
        status_desc: None,
    })
}

/// Writes an answer, for as long as that may take.
pub(super) async fn write(stream: &mut Stream, answer: &[u8]) {
    exchange::write_answer(stream, answer, ANSWER_WITHIN).await;
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
