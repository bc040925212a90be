//! Two circles of nodes for real: go-waku's node is one, ours the other. What each of them saw shows that neither saw the
//! other's half, that a phone is somebody else at each start, and that a request to publish says nothing but lane,
//! bucket, class and time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::{PATIENCE, Peer, go};
use sotto_messenger::records::MessageState;
use sotto_net::NodeConfig;
use sotto_net::service::Request;
use sotto_wire::waku::{
    self, LightPushRequest, Message as _, PushRequest, PushRpc, StoreQueryRequest, WakuMessage,
    protocol,
};
use tokio::sync::mpsc;

const PUBSUB: &str = "/waku/2/rs/66/0";
/// Starts of Alice's phone until each node was each circle; one more in so many runs is in vain: 2^-11.
const STARTS: usize = 12;

/// What our node was asked since the last look, by peer.
fn tapped(tap: &mut mpsc::Receiver<Request>) -> BTreeMap<String, Vec<Request>> {
    let mut by_peer: BTreeMap<String, Vec<Request>> = BTreeMap::new();
    while let Ok(request) = tap.try_recv() {
        let of = by_peer.entry(request.peer.clone()).or_default();
        of.push(request);
    }
    by_peer
}

/// What came in over streams that others opened to the go node, in the file's lines from `from` on.
fn captured(file: &Path, from: usize) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().skip(from);
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["opened_by_go"] == false)
        .map(|line| {
            let hex = line["in"].as_str().unwrap().as_bytes();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            hex.chunks(2).map(|pair| byte(pair).unwrap()).collect()
        })
        .collect()
}

/// The same, once nobody but those of before is connected to the go node and something has been written down.
async fn ended(go: &mut Peer, before: &BTreeSet<String>, file: &Path, from: usize) -> Vec<Vec<u8>> {
    let wait = async {
        loop {
            let streams = captured(file, from);
            let served = [protocol::LIGHTPUSH_V2, protocol::FILTER_SUBSCRIBE];
            let any = |one: &Vec<u8>| served.iter().any(|id| framed(one, id).is_some());
            if connected(go) == *before && streams.iter().any(any) {
                return streams;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let streams = tokio::time::timeout(PATIENCE, wait).await;
    streams.expect("the end of her connection")
}

/// The frame that follows a protocol's name on a stream.
fn framed<'a>(stream: &'a [u8], id: &str) -> Option<&'a [u8]> {
    let name = format!("{id}\n");
    let at = stream
        .windows(name.len())
        .position(|part| part == name.as_bytes())?;
    Some(&stream[at + name.len()..]).filter(|rest| !rest.is_empty())
}

/// Says what is not lane, bucket, class and time in a message: nothing. Its lane.
fn lane(message: &WakuMessage, encoded: &[u8]) -> String {
    let timestamp = message.timestamp.unwrap();
    assert_eq!(timestamp % 1_000_000_000, 0, "whole seconds");
    let (topic, payload) = (message.content_topic.clone(), message.payload.clone());
    assert!([512, 2048, 8192, 65536].contains(&payload.len()));
    assert_eq!(payload[0], 1, "the version");
    assert_eq!(
        encoded,
        WakuMessage::new(topic.clone(), payload, timestamp).encode_to_vec()
    );
    let parts: Vec<&str> = topic.split('/').collect();
    assert_eq!(
        (parts[..3].join("/"), parts[4]),
        ("/sotto/1".into(), "proto")
    );
    let (lane, bucket) = parts[3].split_once('-').unwrap();
    assert!(
        matches!((lane.len(), bucket.len()), (3, 4) | (1, 16)),
        "{topic}"
    );
    lane[..1].to_owned()
}

/// A request to publish, v3, as our node had it: its lane.
fn lane_v3(body: &[u8]) -> String {
    let request = LightPushRequest::decode(body).unwrap();
    assert_eq!(request.pubsub_topic.as_deref(), Some(PUBSUB));
    assert_eq!(request.encode_to_vec(), body);
    let id = request.request_id.unwrap();
    assert!(id.len() == 4 && id.chars().all(|c| c.is_ascii_hexdigit()));
    let message = request.message.unwrap();
    lane(&message, &message.encode_to_vec())
}

/// The same, v2, as the go node had it.
fn lane_v2(frame: &[u8]) -> String {
    let rpc: PushRpc = waku::decode_framed(frame, 1 << 20).unwrap();
    assert_eq!(
        rpc.encode_to_vec(),
        waku::encode_framed(&rpc)[frame.len() - rpc.encoded_len()..]
    );
    assert_eq!((rpc.request_id.unwrap().len(), rpc.response), (4, None));
    let PushRequest {
        pubsub_topic,
        message,
    } = rpc.request.unwrap();
    assert_eq!(pubsub_topic.as_deref(), Some(PUBSUB));
    let message = message.unwrap();
    lane(&message, &message.encode_to_vec())
}

/// A node where people meet.
fn alone() -> NodeConfig {
    let mut config = node_config();
    config.alone = true;
    config
}

/// Who is connected to the go node.
fn connected(go: &mut Peer) -> BTreeSet<String> {
    let peers = go.call("peers", json!({}));
    peers["connected"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

/// One text each way, a long one, an invite: every kind of message, receipts included.
async fn talk(alice: &Person, bob: &Person, start: usize) {
    let subscribed = alice.until("a subscription", |m| {
        m.connectivity().subscribed.then_some(())
    });
    subscribed.await;
    let long = "long ".repeat(2000);
    for (from, text) in [(alice, "short"), (bob, "answer"), (alice, &long)] {
        let id = from.send(&format!("{start} {text}")).await;
        from.reached(&id, MessageState::Delivered).await;
    }
    alice.messenger.invite().await.unwrap();
    let typed = alice.messenger.typing(&alice.conversation()).await;
    typed.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_circle_sees_the_others_half() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go.jsonl");
    let mut go = go::start("service", &["-capture", file.to_str().unwrap()]);
    let (sender, mut tap) = mpsc::channel(100_000);
    let mut config = node_config();
    config.peers = vec![go.addrs[0].clone()];
    config.tap = Some(sender);
    let mut ours = Node::start(config).await;
    ours.peers(|_, relays| relays == 1).await;
    let own = ours.addresses[0].clone();
    // Bob's node, so that he is nobody to the two.
    let mut config = node_config();
    config.peers = vec![own.clone()];
    let mut bobs = Node::start(config).await;
    bobs.peers(|_, relays| relays == 1).await;
    let (mut ids, mut lanes, mut roles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let node_itself = connected(&mut go);

    for start in 0..STARTS {
        // They meet at a third node: cards need a store, and whoever was met first keeps its circle.
        let meeting = Node::start(alone()).await;
        let mut alice = Person::new("Alice", &[&meeting.addresses[0]]).await;
        let mut bob = Person::new("Bob", &[&meeting.addresses[0]]).await;
        alice.befriend(&bob).await;
        bob.move_to(&[&bobs.addresses[0]]).await;
        drop(meeting);
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        bob.until("a subscription", |m| {
            m.connectivity().subscribed.then_some(())
        })
        .await;
        tapped(&mut tap);
        alice.move_apart(&[&go.addrs[0], &own]).await;
        talk(&alice, &bob, start).await;

        let at_go: BTreeSet<String> = &connected(&mut go) - &node_itself;
        alice.messenger.close().await.unwrap();
        bob.messenger.close().await.unwrap();
        // Streams are written down when they end, at the latest with their connection.
        let streams = ended(&mut go, &node_itself, &file, lines).await;
        let go_saw = |id: &str| streams.iter().any(|one| framed(one, id).is_some());
        let here = tapped(&mut tap);
        let asked = |id: &str| -> Vec<&Request> {
            here.values()
                .flatten()
                .filter(|one| one.protocol == id)
                .collect()
        };
        let (pushes, filters) = (
            asked(protocol::LIGHTPUSH_V3),
            asked(protocol::FILTER_SUBSCRIBE),
        );
        let published_here = !pushes.is_empty();
        assert_eq!(published_here, filters.is_empty(), "one half each");
        assert_eq!(go_saw(protocol::LIGHTPUSH_V2), !published_here);
        assert_eq!(go_saw(protocol::FILTER_SUBSCRIBE), published_here);
        for query in asked(protocol::STORE) {
            let query = StoreQueryRequest::decode(query.body.as_slice()).unwrap();
            let home = query
                .content_topics
                .iter()
                .any(|topic| topic.contains("/h"));
            assert!(
                !(published_here && home),
                "the own topic, asked of a publish node"
            );
        }
        lanes.extend(pushes.iter().map(|one| lane_v3(&one.body)));
        let v2 = streams
            .iter()
            .filter_map(|one| framed(one, protocol::LIGHTPUSH_V2));
        lanes.extend(v2.map(lane_v2));

        // Who she was to either, she was to nobody else, and not before.
        let served = [
            protocol::LIGHTPUSH_V3,
            protocol::FILTER_SUBSCRIBE,
            protocol::STORE,
        ];
        let here: BTreeSet<&String> = served
            .iter()
            .flat_map(|id| asked(id))
            .map(|one| &one.peer)
            .collect();
        for peer in at_go.iter().chain(here) {
            assert!(ids.insert(peer.clone()), "the same peer id twice");
        }
        assert_eq!(at_go.len(), 1, "one connection to the go node");
        roles.insert(published_here);
        if roles.len() == 2 {
            break;
        }
    }
    assert_eq!(roles.len(), 2, "each node was each circle");
    let wanted = ["b", "c", "h"].map(str::to_owned);
    assert_eq!(lanes, BTreeSet::from(wanted));
}
