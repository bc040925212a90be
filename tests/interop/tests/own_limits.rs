//! Nodes with the limits that they have by themselves: go-waku's for our client, ours for js-waku.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_interop::client::{Client, client_config, now_ns};
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::{CLUSTER, Peer, go, js};
use sotto_messenger::records::MessageState;
use sotto_net::service::Limits;
use sotto_net::{Command, FailReason, PublishOutcome, Timing};

const PUBSUB: &str = "/waku/2/rs/66/0";
const TOPIC: &str = "/interop/1/one/proto";
const OTHER: &str = "/interop/1/two/proto";
/// Longest wait for what is tried again and again, with ever longer waits between.
const IN_THE_END: Duration = Duration::from_secs(240);

/// How often a go node has said 429 in a protocol.
fn refused(node: &mut Peer, protocol: &str) -> u64 {
    let counters = node.call("counters", json!({}));
    let count = &counters[format!("waku_{protocol}_errors:ratelimit_failure")];
    count.as_f64().unwrap_or_default() as u64
}

/// Two go nodes that answer one request of a peer in a second, and relay to each other.
async fn two_limited_nodes() -> (Peer, Peer) {
    let mut first = go::start("service", &["-limited"]);
    let second = go::start("service", &["-limited"]);
    first.call("connect", json!({"addr": second.addrs[0]}));
    loop {
        let relay = first.call("relay", json!({"pubsub": PUBSUB}));
        if relay["mesh"] == json!([second.peer_id]) {
            return (first, second);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn want(client: &Client, topics: &[&str]) {
    let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
    client.send(Command::Subscribe { topics }).await;
}

/// A request too many is no reason to leave the node, and a message too many is not refused for good.
#[tokio::test(flavor = "multi_thread")]
async fn our_client_waits_for_a_go_node_that_has_too_much_to_do() {
    let (mut node, mut other) = two_limited_nodes().await;
    let mut config = client_config(&[&node.addrs[0]]);
    config.timing = Timing::default(); // it waits from one second on
    let mut client = Client::start_with(config);
    client.subscribe(&[TOPIC]).await;
    while refused(&mut node, "filter") == 0 {
        for topics in [&[TOPIC, OTHER][..], &[TOPIC]] {
            want(&client, topics).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    want(&client, &[TOPIC, OTHER]).await;
    for topic in [OTHER, TOPIC] {
        let heard = async {
            loop {
                let params = json!({"pubsub": PUBSUB, "topic": topic, "random": 512});
                other.call("publish", params);
                let message = tokio::time::timeout(Duration::from_secs(1), client.message());
                if message.await.is_ok_and(|message| message.topic == topic) {
                    return;
                }
            }
        };
        let heard = tokio::time::timeout(IN_THE_END, heard).await;
        heard.expect("both subscriptions in the end");
    }

    let mut left: Vec<u8> = (0..10).collect();
    while !left.is_empty() {
        let mut ids = Vec::new();
        for number in left.drain(..) {
            let id = client.publish(TOPIC, &[number; 512], now_ns()).await;
            ids.push((number, id));
        }
        for (number, id) in ids {
            match client.published(id).await.0 {
                PublishOutcome::Accepted => {}
                PublishOutcome::Failed(FailReason::Busy | FailReason::NoNode) => left.push(number),
                other => panic!("{other:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(refused(&mut node, "lightpush") > 0);
    let peers = node.call("peers", json!({}));
    assert_eq!(peers["disconnects"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_through_go_nodes_with_their_own_limits() {
    let mut config = node_config();
    config.alone = true;
    let ours = Node::start(config).await;
    let mut alice = Person::new("Alice", &[&ours.addresses[0]]).await;
    let mut bob = Person::new("Bob", &[&ours.addresses[0]]).await;
    alice.befriend(&bob).await; // cards need a store
    let (mut first, mut second) = two_limited_nodes().await;
    let nodes = [first.addrs[0].as_str(), second.addrs[0].as_str()];
    for person in [&mut alice, &mut bob] {
        person.move_to(&nodes).await;
        let subscribed = person.until("a subscription", |m| m.connectivity().subscribed.then_some(()));
        subscribed.await;
    }
    drop(ours);
    let (mut all, mut ids) = (alice.texts(), Vec::new());
    for number in 0..8 {
        for person in [&alice, &bob] {
            let line = format!("{number} from {}", person.name());
            ids.push((person.name(), person.send(&line).await));
            all.insert(line);
        }
    }
    for (name, id) in &ids {
        let person = if *name == alice.name() { &alice } else { &bob };
        person.reached_within(id, MessageState::Delivered, IN_THE_END).await;
        assert_eq!(person.state(id), MessageState::Delivered, "not failed");
    }
    assert_eq!((alice.texts(), bob.texts()), (all.clone(), all));
    let much = refused(&mut first, "lightpush") + refused(&mut second, "lightpush");
    println!("{much} requests too many for 16 texts, each by two nodes, and their receipts");
    assert!(much > 0);
    // After each wait all that waits is tried at once: bounded by the square of what there is to send.
    assert!(much < 1500, "{much}");
    for person in [alice, bob] {
        person.messenger.close().await.unwrap();
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

/// js-waku sends more than our node answers by itself: what was accepted is there, what was not is said, and then it
/// goes on.
#[tokio::test(flavor = "multi_thread")]
async fn js_meets_our_nodes_own_limits() {
    let mut config = node_config();
    config.alone = true;
    config.limits = Limits::default();
    let node = Node::start(config).await;
    let mut light = js::light(CLUSTER);
    let address = node.addresses.iter().find(|a| a.contains("/ws/")).unwrap();
    light.call("dial", json!({"addr": address}));
    light.call("ready", json!({}));
    assert_eq!(light.call("subscribe", json!({"topics": [TOPIC]})), true);
    let mut accepted = BTreeSet::new();
    let mut much = false;
    for round in 0..6 {
        let params = json!({"topic": TOPIC, "round": round, "count": 200 << round});
        let sent = light.call("burst", params);
        for hash in sent["accepted"].as_array().unwrap() {
            accepted.insert(hash.as_str().unwrap().to_owned());
        }
        much = sent["errors"].as_array().is_some_and(|errors| !errors.is_empty());
        println!("{} at once: {}", 200 << round, sent["errors"]);
        if much {
            break;
        }
    }
    assert!(much && !accepted.is_empty());
    let mut pushed = BTreeSet::new();
    while !pushed.is_superset(&accepted) {
        pushed.insert(text(&light.event("message"), "hash").to_owned());
    }
    // A second later it is served as before, by the same connection.
    let sent = loop {
        let sent = light.call("send", json!({"topic": TOPIC, "payload": "05"}));
        if sent["accepted"] == 1 {
            break text(&sent, "hash").to_owned();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    while text(&light.event("message"), "hash") != sent {}
    let mut client = Client::start(&[&node.addresses[0]]);
    let mut stored = BTreeSet::new();
    for message in client.pages(TOPIC, 0, now_ns(), false).await.concat() {
        stored.insert(message.hash.map(|byte| format!("{byte:02x}")).concat());
    }
    assert!(stored.is_superset(&accepted) && stored.contains(&sent));
    assert_eq!(light.event_within("disconnected", Duration::ZERO), None);
}
