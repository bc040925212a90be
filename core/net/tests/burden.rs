//! Peers that read nothing: their queues are bounded, and others are served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::AsyncWriteExt as _;
use libp2p::PeerId;
use sotto_net::service::{self, ArchiveRequest};
use sotto_net::{NodeConfig, NodeEvent, NodeKey, Sharding};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushRequest, LightPushResponse,
    MessagePush, StoreQueryRequest, StoreQueryResponse, WakuMessage, message_hash, protocol,
};
use support::peer::{Muxer, Peer};
use support::{Archive, Node, PUBSUB, TOPIC, alone, archived, node_config, now_ns, soon, through};

async fn subscribe(peer: &mut Peer, node: PeerId, topic: &str) -> Option<u32> {
    filter(peer, node, FilterSubscribeType::Subscribe, topic).await
}

async fn filter(peer: &mut Peer, node: PeerId, kind: FilterSubscribeType, topic: &str) -> Option<u32> {
    let request = FilterSubscribeRequest {
        request_id: Some("s".into()),
        filter_subscribe_type: Some(kind.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec![topic.into()],
    };
    let answer: FilterSubscribeResponse = peer.ask(node, protocol::FILTER_SUBSCRIBE, &request).await;
    answer.status_code
}

fn message(topic: &str, number: u32, len: usize) -> WakuMessage {
    let mut payload = vec![1; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    WakuMessage::new(topic.into(), payload, now_ns())
}

async fn publish(peer: &mut Peer, node: PeerId, message: &WakuMessage) -> Option<u32> {
    let request = LightPushRequest {
        request_id: Some("p".into()),
        pubsub_topic: Some(PUBSUB.into()),
        message: Some(message.clone()),
    };
    let answer: LightPushResponse = peer.ask(node, protocol::LIGHTPUSH_V3, &request).await;
    answer.status_code
}

async fn stored(peer: &mut Peer, node: PeerId, hash: [u8; 32]) -> usize {
    let query = StoreQueryRequest {
        request_id: Some("q".into()),
        message_hashes: vec![hash.to_vec()],
        ..StoreQueryRequest::default()
    };
    let found: StoreQueryResponse = peer.ask(node, protocol::STORE, &query).await;
    found.messages.len()
}

/// A relay peer that reads nothing.
async fn silent_relay(node: &mut Node) -> (Peer, libp2p::Stream) {
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    peer.hold(protocol::RELAY);
    let id = peer.dial(node.tcp()).await;
    let mut stream = peer.open(id, protocol::RELAY).await;
    let len = u8::try_from(PUBSUB.len()).unwrap();
    let head = [len + 6, 0x0a, len + 4, 0x08, 1, 0x12, len];
    let subscribe = [&head, PUBSUB.as_bytes()].concat();
    stream.write_all(&subscribe).await.unwrap();
    stream.flush().await.unwrap();
    node.relays(1).await;
    (peer, stream)
}

/// The network may deliver the message from elsewhere, and the node would not notice, because it knows it already.
#[tokio::test]
async fn what_no_relay_peer_could_be_given_is_refused_each_time_and_kept_all_the_same() {
    let mut config = node_config();
    config.limits.requests_per_second = u32::MAX;
    let mut node = Node::start(config).await;
    let _silent = silent_relay(&mut node).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let mut pushes = peer.frames(protocol::FILTER_PUSH);
    let at = peer.dial(node.tcp()).await;
    assert_eq!(subscribe(&mut peer, at, TOPIC).await, Some(200));
    let mut number = 0;
    let refused = loop {
        let next = message(TOPIC, number, 1024);
        match publish(&mut peer, at, &next).await {
            Some(200) => number += 1,
            status => {
                assert_eq!(status, Some(503));
                break next;
            }
        }
        assert!(number < 2000, "ever more waits");
    };
    assert_eq!(publish(&mut peer, at, &refused).await, Some(503));
    loop {
        let push = soon("a push", pushes.recv()).await.unwrap();
        let push: MessagePush = waku::decode(&push).unwrap();
        if push.waku_message.as_ref() == Some(&refused) {
            break;
        }
    }
    assert_eq!(stored(&mut peer, at, message_hash(PUBSUB, &refused)).await, 1);
}

/// gossipsub knows messages by their bytes, which do not contain the shard.
#[tokio::test]
async fn the_same_bytes_on_another_shard_are_not_said_to_be_relayed() {
    let mut config = node_config();
    config.sharding = Sharding::Static(vec![0, 1]);
    let mut node = Node::start(config).await;
    let _relay = silent_relay(&mut node).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let same = message(TOPIC, 1, 1024);
    assert_eq!(publish(&mut peer, at, &same).await, Some(200));
    assert_eq!(publish(&mut peer, at, &same).await, Some(200));
    let other = "/waku/2/rs/66/1";
    let request = LightPushRequest {
        request_id: Some("p".into()),
        pubsub_topic: Some(other.into()),
        message: Some(same.clone()),
    };
    for _ in 0..2 {
        let answer: LightPushResponse = peer.ask(at, protocol::LIGHTPUSH_V3, &request).await;
        assert_eq!(answer.status_code, Some(503));
    }
    assert_eq!(stored(&mut peer, at, message_hash(other, &same)).await, 1);
}

/// A node's address, and the number of pages that its archive was asked for, 2 MB each.
async fn long_pages(config: NodeConfig) -> (String, Arc<AtomicUsize>) {
    let mut archive = Archive::default();
    (0..14).for_each(|number| archive.put(archived(vec![number; 140_000], 1)));
    let (mut node, run) = service::start(config, NodeKey::generate()).unwrap();
    tokio::spawn(run);
    let Some(NodeEvent::Listening(addresses)) = node.events.recv().await else {
        panic!("does not listen");
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let _stop = node.stop;
        while let Some(request) = node.archive.recv().await {
            if let ArchiveRequest::Query { query, reply } = request {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = reply.send(archive.page(&query));
            }
        }
    });
    (addresses[0].clone(), asked)
}

fn everything() -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: Some("q".into()),
        include_data: Some(true),
        pubsub_topic: Some(PUBSUB.into()),
        ..StoreQueryRequest::default()
    }
}

/// 8 MiB for one address: four pages.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn pages_that_are_not_read_are_few_and_others_get_theirs() {
    let mut config = alone();
    config.limits.request_within = Duration::from_secs(5);
    let (node, asked) = long_pages(config).await;
    let address = through("127.0.0.2", &node).await;
    let query = waku::encode_framed(&everything());
    let mut crowd = Vec::new();
    for _ in 0..8 {
        let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
        let at = peer.dial(&address).await;
        let mut unread = Vec::new();
        for _ in 0..4 {
            let mut stream = peer.open(at, protocol::STORE).await;
            stream.write_all(&query).await.unwrap();
            stream.close().await.unwrap();
            unread.push(stream);
        }
        crowd.push((peer, unread));
    }
    let mut other = Peer::start(Muxer::Yamux, vec![]).await;
    let at = other.dial(&through("127.0.0.3", &node).await).await;
    for _ in 0..5 {
        let page: StoreQueryResponse = other.ask(at, protocol::STORE, &everything()).await;
        assert_eq!(page.messages.len(), 14);
    }
    let (late, _) = crowd.last_mut().unwrap();
    let none: StoreQueryResponse = late.ask(at, protocol::STORE, &everything()).await;
    assert_eq!(none.status_code, Some(503));
    assert_eq!(asked.load(Ordering::SeqCst), 4 + 5);
    drop(crowd);
    let mut same = Peer::start(Muxer::Yamux, vec![]).await;
    let at = same.dial(&address).await;
    let page: StoreQueryResponse = same.ask(at, protocol::STORE, &everything()).await;
    assert_eq!(page.messages.len(), 14);
}

/// The archive has nothing of other shards and is not asked for them. However many clients ask, it still gets messages
/// to store.
#[tokio::test]
async fn queries_leave_an_archive_that_stands_still_room_for_messages() {
    let mut config = alone();
    config.limits.requests_per_second = u32::MAX;
    let (mut node, run) = service::start(config, NodeKey::generate()).unwrap();
    tokio::spawn(run);
    let Some(NodeEvent::Listening(addresses)) = node.events.recv().await else {
        panic!("does not listen");
    };
    let query = waku::encode_framed(&everything());
    let mut crowd = Vec::new();
    for _ in 0..40 {
        let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
        let at = peer.dial(&addresses[0]).await;
        let mut waiting = Vec::new();
        for _ in 0..28 {
            let mut stream = peer.open(at, protocol::STORE).await;
            stream.write_all(&query).await.unwrap();
            stream.close().await.unwrap();
            waiting.push(stream);
        }
        // Answered after those were read.
        assert_eq!(subscribe(&mut peer, at, "/t/1/x/proto").await, Some(200));
        crowd.push((peer, waiting));
    }
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(&addresses[0]).await;
    for shard in ["/waku/2/rs/66/1", "/waku/2/rs/1/0", "/waku/2/default-waku/proto", ""] {
        let elsewhere = StoreQueryRequest { pubsub_topic: Some(shard.into()), ..everything() };
        let nothing: StoreQueryResponse = peer.ask(at, protocol::STORE, &elsewhere).await;
        assert_eq!((nothing.status_code, nothing.messages.len()), (Some(200), 0));
    }
    for number in 0..200 {
        let kept = message(TOPIC, number, 1024);
        assert_eq!(publish(&mut peer, at, &kept).await, Some(200));
    }
    let (mut queries, mut puts) = (0, 0);
    let mut held = Vec::new();
    while let Ok(request) = node.archive.try_recv() {
        match request {
            ArchiveRequest::Put(_) => puts += 1,
            query => {
                queries += 1;
                held.push(query);
            }
        }
    }
    assert_eq!((queries, puts), (32, 200));
}

/// Six peers that read nothing, with less than 2 MB queued for each, and one that reads.
#[tokio::test]
async fn who_reads_no_pushes_is_left_when_there_is_too_much_for_all() {
    let mut config = alone();
    config.limits.requests_per_second = u32::MAX;
    config.limits.push_bytes_in_all = 4_000_000;
    let node = Node::start(config).await;
    let mut silent = Vec::new();
    for number in 0..6 {
        let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
        peer.hold(protocol::FILTER_PUSH);
        let at = peer.dial(node.tcp()).await;
        soon("being identified", peer.asked.recv()).await.unwrap(); // one stream for all pushes
        let topic = format!("/t/1/{number}/proto");
        assert_eq!(subscribe(&mut peer, at, &topic).await, Some(200));
        silent.push((peer, topic));
    }
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let mut pushes = peer.frames(protocol::FILTER_PUSH);
    let at = peer.dial(node.tcp()).await;
    assert_eq!(subscribe(&mut peer, at, TOPIC).await, Some(200));
    for (_, topic) in &silent {
        for number in 0..18 {
            let one = message(topic, number, 100_000);
            assert_eq!(publish(&mut peer, at, &one).await, Some(200));
            let one = message(TOPIC, number, 1000);
            assert_eq!(publish(&mut peer, at, &one).await, Some(200));
            soon("a push", pushes.recv()).await.unwrap();
        }
    }
    let mut left = 0;
    for (peer, topic) in &mut silent {
        let ping = FilterSubscribeType::SubscriberPing;
        match filter(peer, at, ping, topic).await {
            Some(404) => left += 1,
            status => assert_eq!(status, Some(200)),
        }
    }
    assert!(left >= 3, "{left}");
    let ping = FilterSubscribeType::SubscriberPing;
    assert_eq!(filter(&mut peer, at, ping, TOPIC).await, Some(200));
}
