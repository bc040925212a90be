//! Two circles of nodes for real: go-waku's node is one, ours the other. What each of them saw shows that neither saw
//! the other's half, that a phone is somebody else at each start, and that a request to publish says nothing but lane,
//! bucket, class and time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::shape::{self, Filter};
use sotto_interop::{PATIENCE, Peer, go};
use sotto_messenger::records::MessageState;
use sotto_net::NodeConfig;
use sotto_net::service::Request;
use sotto_wire::waku::{Message as _, StoreQueryRequest, protocol};
use tokio::sync::mpsc;

/// Starts of Alice's phone until each node has been each circle; a run fails by chance once in 2^11.
const STARTS: usize = 12;

/// Requests to our node since the last call, by peer.
fn tapped(tap: &mut mpsc::Receiver<Request>) -> BTreeMap<String, Vec<Request>> {
    let mut by_peer: BTreeMap<String, Vec<Request>> = BTreeMap::new();
    while let Ok(request) = tap.try_recv() {
        let of = by_peer.entry(request.peer.clone()).or_default();
        of.push(request);
    }
    by_peer
}

/// Bytes of streams to the go node, in the lines of the file from `from` on, once only earlier peers are connected and
/// something was recorded.
async fn ended(go: &mut Peer, before: &BTreeSet<String>, file: &Path, from: usize) -> Vec<Vec<u8>> {
    let wait = async {
        loop {
            let streams = go::captured(file, from);
            let served = [protocol::LIGHTPUSH_V2, protocol::FILTER_SUBSCRIBE];
            let any = |one: &Vec<u8>| served.iter().any(|id| go::framed(one, id).is_some());
            if connected(go) == *before && streams.iter().any(any) {
                return streams;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let streams = tokio::time::timeout(PATIENCE, wait).await;
    streams.expect("the end of her connection")
}

/// A node where people meet.
fn alone() -> NodeConfig {
    let mut config = node_config();
    config.alone = true;
    config
}

/// Peers connected to the go node.
fn connected(go: &mut Peer) -> BTreeSet<String> {
    let peers = go.call("peers", json!({}));
    peers["connected"].as_object().unwrap().keys().cloned().collect()
}

/// One text each way, a long one, an invite, signs of writing; receipts too.
async fn talk(alice: &Person, bob: &Person, mark: &str) {
    let subscribed = alice.until("a subscription", |m| m.connectivity().subscribed.then_some(()));
    subscribed.await;
    let long = "long ".repeat(2000);
    for (from, text) in [(alice, "short"), (bob, "answer"), (alice, &long)] {
        let id = from.send(&format!("{mark} {text}")).await;
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
        // They meet at a third node: cards need a store, and the first node met keeps its circle.
        let meeting = Node::start(alone()).await;
        let mut alice = Person::new("Alice", &[&meeting.addresses[0]]).await;
        let mut bob = Person::new("Bob", &[&meeting.addresses[0]]).await;
        alice.befriend(&bob).await;
        bob.move_to(&[&bobs.addresses[0]]).await;
        drop(meeting);
        bob.until("a subscription", |m| m.connectivity().subscribed.then_some(())).await;
        // The same account and database twice: opened, used, closed.
        let mut role = None;
        for opening in 0..2 {
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            tapped(&mut tap);
            alice.move_apart(&[&go.addrs[0], &own]).await;
            talk(&alice, &bob, &format!("{start} {opening}")).await;

            let at_go: BTreeSet<String> = &connected(&mut go) - &node_itself;
            alice.messenger.close().await.unwrap();
            // Streams are written down when they end, at the latest with their connection.
            let streams = ended(&mut go, &node_itself, &file, lines).await;
            let go_saw = |id: &str| streams.iter().any(|one| go::framed(one, id).is_some());
            let here = tapped(&mut tap);
            let asked =
                |id: &str| -> Vec<&Request> { here.values().flatten().filter(|one| one.protocol == id).collect() };
            let (pushes, filters) = (asked(protocol::LIGHTPUSH_V3), asked(protocol::FILTER_SUBSCRIBE));
            let published_here = !pushes.is_empty();
            assert_eq!(published_here, filters.is_empty(), "one half each");
            assert_eq!(*role.get_or_insert(published_here), published_here, "the same half as before");
            assert_eq!(go_saw(protocol::LIGHTPUSH_V2), !published_here);
            assert_eq!(go_saw(protocol::FILTER_SUBSCRIBE), published_here);
            for query in asked(protocol::STORE) {
                let query = StoreQueryRequest::decode(query.body.as_slice()).unwrap();
                let home = query.content_topics.iter().any(|topic| topic.contains("/h"));
                assert!(!(published_here && home), "the own topic, asked of a publish node");
            }
            let v3 = pushes.iter().map(|one| shape::lightpush_v3(&one.body));
            lanes.extend(v3.map(|told| told.unwrap().lane));
            let at_go_node = |id| streams.iter().filter_map(move |one| go::framed(one, id));
            let v2 = at_go_node(protocol::LIGHTPUSH_V2).map(shape::lightpush_v2);
            lanes.extend(v2.map(|told| told.unwrap().lane));
            let here_or_there = filters.iter().map(|one| one.body.as_slice());
            let wants: BTreeSet<Filter> = here_or_there
                .chain(at_go_node(protocol::FILTER_SUBSCRIBE))
                .map(|body| shape::filter(body).unwrap())
                .collect();
            assert!(wants.contains(&Filter::Subscribe), "{wants:?}");

            // Each node saw a peer id that nobody else saw, and that was new.
            let served = [protocol::LIGHTPUSH_V3, protocol::FILTER_SUBSCRIBE, protocol::STORE];
            let here: BTreeSet<&String> = served.iter().flat_map(|id| asked(id)).map(|one| &one.peer).collect();
            for peer in at_go.iter().chain(here) {
                assert!(ids.insert(peer.clone()), "the same peer id twice");
            }
            assert_eq!(at_go.len(), 1, "one connection to the go node");
        }
        bob.messenger.close().await.unwrap();
        roles.extend(role);
        if roles.len() == 2 {
            break;
        }
    }
    assert_eq!(roles.len(), 2, "each node was each circle");
    assert_eq!(lanes, BTreeSet::from(['b', 'c', 'h']));
}
