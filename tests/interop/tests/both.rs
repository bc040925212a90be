//! All three together: our node serves js-waku's light node and our client, and relays with go-waku.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sotto_interop::client::{Client, now_ns};
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::{CLUSTER, Peer, go, group, js};
use sotto_net::PublishOutcome;

const PUBSUB: &str = "/waku/2/rs/66/0";
const TOPIC: &str = "/interop/1/both/proto";
const ROUNDS: u8 = 20;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn id_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

/// Two nodes of ours, `here` with js-waku's light node and `there` with our client, that know each other only by
/// go-waku's relay: what goes from one to the other goes across it.
#[tokio::test(flavor = "multi_thread")]
async fn messages_cross_a_go_relay_between_js_and_our_client() {
    let (mut relay, here, there) = apart().await;
    let mut light = js::light(CLUSTER);
    let ws = here.addresses.iter().find(|a| a.contains("/ws/")).unwrap();
    light.call("dial", json!({"addr": ws}));
    light.call("ready", json!({}));
    assert_eq!(light.call("subscribe", json!({"topics": [TOPIC]})), true);
    let mut client = Client::start(&[&there.addresses[0]]);
    client.subscribe(&[TOPIC]).await;

    let (mut from_js, mut from_us) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        let payload = hex(&[vec![round], b"js".to_vec()].concat());
        let sent = light.call("send", json!({"topic": TOPIC, "payload": payload}));
        assert_eq!(sent["accepted"], 1, "{sent}");
        from_js.insert(text(&sent, "hash").to_owned());
        let id = client.publish(TOPIC, &[round; 512], now_ns()).await;
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        from_us.insert(hex(&hash));
    }
    let all: BTreeSet<String> = from_js.union(&from_us).cloned().collect();
    let (mut at_us, mut at_js, mut at_go) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    while at_us.len() < all.len() {
        at_us.insert(hex(&client.message().await.hash));
    }
    while at_js.len() < all.len() {
        at_js.insert(text(&light.event("message"), "hash").to_owned());
    }
    while at_go.len() < all.len() {
        at_go.insert(text(&relay.event("message"), "hash").to_owned());
    }
    assert_eq!((&at_us, &at_js, &at_go), (&all, &all, &all));
    // Both archives have them too.
    let mut stored = BTreeSet::new();
    for message in client.pages(TOPIC, 0, now_ns(), false).await.concat() {
        stored.insert(hex(&message.hash));
    }
    assert_eq!(stored, all);
    let pages = light.call("store", json!({"topics": [TOPIC]}));
    let pages = pages.as_array().unwrap().iter();
    let messages = pages.flat_map(|page| page.as_array().unwrap());
    let stored: BTreeSet<String> = messages.map(|m| text(m, "hash").to_owned()).collect();
    assert_eq!(stored, all);
}

/// Two nodes of ours that know each other only by go-waku's relay.
async fn apart() -> (Peer, Node, Node) {
    let mut relay = go::start("relay", &[]);
    let mut config = node_config();
    config.peers = vec![relay.addrs[0].clone()];
    let mut here = Node::start(config.clone()).await;
    let mut there = Node::start(config).await;
    for node in [&mut here, &mut there] {
        node.peers(|_, relays| relays == 1).await;
        in_mesh(&mut relay, id_of(&node.addresses[0])).await;
    }
    (relay, here, there)
}

/// A file of 2 MB goes from a phone at one node of ours to a phone at another, across go-waku's relay alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_crosses_a_go_relay_between_two_phones() {
    let (_relay, here, there) = apart().await;
    let alice = Person::new("Alice", &[&here.addresses[0]]).await;
    let bob = Person::new("Bob", &[&there.addresses[0]]).await;
    alice.befriend(&bob).await;
    let (bytes, message) = alice.send_file(2 * 1024 * 1024).await;
    assert!(bob.fetch_file(&message).await == bytes);
}

/// Alice and Carol are at one node of ours, Bob at another, across go-waku's relay alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_three_crosses_a_go_relay() {
    let (_relay, here, there) = apart().await;
    let mut alice = Person::new("Alice", &[&here.addresses[0]]).await;
    let mut bob = Person::new("Bob", &[&there.addresses[0]]).await;
    let mut carol = Person::new("Carol", &[&here.addresses[0]]).await;
    group::talk([&mut alice, &mut bob, &mut carol], &[&here.addresses[0]]).await;
}

/// Waits until the go relay has a peer in its mesh.
async fn in_mesh(relay: &mut Peer, peer: &str) {
    loop {
        let seen = relay.call("relay", json!({"pubsub": PUBSUB}));
        if seen["mesh"].as_array().unwrap().contains(&json!(peer)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
