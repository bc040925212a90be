//! js-waku's light node at our service node, and our light client at a service peer on js-libp2p.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sotto_interop::client::{Client, now_ns};
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::{CLUSTER, Peer, group, js};
use sotto_messenger::records::MessageState;
use sotto_net::PublishOutcome;

const TOPIC: &str = "/interop/1/one/proto";
const OTHER: &str = "/interop/1/two/proto";
const MS: i64 = 1_000_000;

/// Our node, alone in its network.
async fn alone() -> Node {
    let mut config = node_config();
    config.alone = true;
    Node::start(config).await
}

/// A js-waku light node that has dialled our node and found all its services.
fn joined(node: &Node) -> (Peer, String) {
    let mut light = js::light(CLUSTER);
    let peer_id = dial(&mut light, node);
    light.call("ready", json!({}));
    (light, peer_id)
}

fn dial(light: &mut Peer, node: &Node) -> String {
    let address = node.addresses.iter().find(|a| a.contains("/ws/")).unwrap();
    light.call("dial", json!({"addr": address}));
    address.rsplit('/').next().unwrap().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_goes_both_ways() {
    let mut node = alone().await;
    let mut light = js::light(CLUSTER);
    let peer_id = dial(&mut light, &node);
    light.call("ready", json!({}));
    let known = light.call("known", json!({"peer_id": peer_id}));
    // Cluster, number of shards, shards: as ENRs have them.
    assert_eq!(text(&known, "shards"), "0042010000");
    let asked = light.call("ask", json!({"peer_id": peer_id}));
    assert_eq!(asked["cluster"], CLUSTER);
    assert_eq!(asked["shards"], json!([0]));

    // Our node asks too: who belongs elsewhere is left, who belongs here stays.
    let mut foreign = js::light(CLUSTER + 1);
    dial(&mut foreign, &node);
    let left = foreign.event("disconnected");
    assert_eq!(text(&left, "peer_id"), peer_id);
    node.peers(|connected, _| connected == 1).await;
    let again = light.call("ask", json!({"peer_id": peer_id}));
    assert_eq!(again["cluster"], CLUSTER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_burst_of_200_arrives_whole() {
    let node = alone().await;
    let (mut light, _) = joined(&node);
    assert_eq!(light.call("subscribe", json!({"topics": [TOPIC, OTHER]})), true);
    let mut client = Client::start(&[&node.addresses[0]]);
    let mut sent = BTreeSet::new();
    let mut ids = Vec::new();
    for number in 0..200u8 {
        let topic = if number % 2 == 0 { TOPIC } else { OTHER };
        let payload = vec![number + 1; 512];
        sent.insert((topic.to_owned(), hex(&payload)));
        ids.push(client.publish(topic, &payload, now_ns()).await);
    }
    let mut hashes = BTreeSet::new();
    for id in ids {
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        hashes.insert(hex(&hash));
    }
    let (mut got, mut got_hashes) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..200 {
        let message = light.event("message");
        got.insert((text(&message, "topic").to_owned(), text(&message, "payload").to_owned()));
        got_hashes.insert(text(&message, "hash").to_owned());
    }
    assert_eq!(got, sent);
    assert_eq!(got_hashes, hashes, "both hash a message the same way");

    // Unwanted topics are no longer pushed. js does not wait for the answer, so the pushes decide.
    assert_eq!(light.call("unsubscribe", json!({"topics": [OTHER]})), true);
    let mut after = Vec::new();
    for round in 0..50u8 {
        for (topic, mark) in [(OTHER, 1), (TOPIC, 2)] {
            let id = client.publish(topic, &[round, mark, 77], now_ns()).await;
            client.published(id).await;
        }
        loop {
            let message = light.event("message");
            after.push(text(&message, "topic").to_owned());
            if text(&message, "payload") == hex(&[round, 2, 77]) {
                break;
            }
        }
        if after.last_chunk::<2>() == Some(&[TOPIC.to_owned(), TOPIC.to_owned()]) {
            return;
        }
    }
    panic!("pushed after the unsubscription: {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lightpush_v3_and_v2_reach_our_client_and_the_archive() {
    let node = alone().await;
    let (mut light, peer_id) = joined(&node);
    let known = light.call("known", json!({"peer_id": peer_id}));
    for id in ["/vac/waku/lightpush/3.0.0", "/vac/waku/lightpush/2.0.0-beta1"] {
        let listed = known["protocols"].as_array().unwrap();
        assert!(listed.contains(&json!(id)), "{id}");
    }
    let mut client = Client::start(&[&node.addresses[0]]);
    client.subscribe(&[TOPIC]).await;
    for legacy in [false, true] {
        let payload = vec![u8::from(legacy) + 1; 512];
        let params = json!({"topic": TOPIC, "payload": hex(&payload), "legacy": legacy});
        let sent = light.call("send", params);
        assert_eq!((&sent["accepted"], &sent["errors"]), (&json!(1), &json!([])));
        let message = client.message().await;
        assert_eq!((message.payload, message.live), (payload, true));
        assert_eq!(hex(&message.hash), text(&sent, "hash"));
        assert_eq!(client.check(vec![message.hash]).await, [message.hash]);
    }
    // A message that is too long is refused with a reason, up to the longest that js sends.
    for len in [150 * 1024, 400_000, 1_000_000] {
        for legacy in [false, true] {
            let payload = hex(&vec![9; len]);
            let params = json!({"topic": TOPIC, "payload": payload, "legacy": legacy});
            let sent = light.call("send", params);
            assert_eq!(sent["errors"], json!(["Remote peer rejected"]), "{len} B");
        }
    }
    let sent = light.call("send", json!({"topic": TOPIC, "payload": "07"}));
    assert_eq!(sent["accepted"], 1);
    assert_eq!(client.message().await.payload, [7]);
}

/// js opens a stream for each protocol ahead, and uses it later. Our node gives such a stream up after 20 s, and has to
/// say so: a request on it would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn streams_opened_ahead_are_not_used_once_they_are_given_up() {
    let node = alone().await;
    let (mut light, _) = joined(&node);
    tokio::time::sleep(Duration::from_secs(22)).await;
    let sent = light.call("send", json!({"topic": TOPIC, "payload": "05"}));
    assert_eq!(sent["errors"], json!([]));
    assert_eq!(light.call("subscribe", json!({"topics": [TOPIC]})), true);
    let pages = light.call("store", json!({"topics": [TOPIC]}));
    assert_eq!(hashes(&pages).concat(), [text(&sent, "hash")]);
}

/// 150 messages of one topic and 10 of another, 10 ms apart, the last half a second ago. js reckons nanoseconds in
/// doubles, which are 256 apart: multiples of 4 ms it hits exactly.
async fn filled(node: &Node) -> (i64, Vec<String>) {
    let mut client = Client::start(&[&node.addresses[0]]);
    let start = (now_ns() / (4 * MS) - 500) * 4 * MS;
    let mut hashes = Vec::new();
    for number in 0..150i64 {
        let time = start + number * 10 * MS;
        let payload = number.to_be_bytes();
        let id = client.publish(TOPIC, &payload, time).await;
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        hashes.push(hex(&hash));
        if number % 15 == 0 {
            let id = client.publish(OTHER, &payload, time).await;
            client.published(id).await;
        }
    }
    (start, hashes)
}

fn hashes(pages: &Value) -> Vec<Vec<String>> {
    let page = |page: &Value| {
        let messages = page.as_array().unwrap().iter();
        messages.map(|m| text(m, "hash").to_owned()).collect()
    };
    pages.as_array().unwrap().iter().map(page).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn store_by_time_and_by_hash_is_paged_to_the_end() {
    let node = alone().await;
    let (start, all) = filled(&node).await;
    let (mut light, _) = joined(&node);

    // 150 = 7 pages of 20 and one of 10; 150 = 5 pages of 30, with nothing behind the last.
    for (limit, sizes) in [(None, [[20; 7].as_slice(), &[10]].concat()), (Some(30), vec![30; 5])] {
        for forward in [true, false] {
            let params = json!({"topics": [TOPIC], "forward": forward, "limit": limit});
            let mut pages = hashes(&light.call("store", params));
            let got: Vec<usize> = pages.iter().map(Vec::len).collect();
            assert_eq!(got, sizes, "forward {forward}, limit {limit:?}");
            if !forward {
                pages.reverse();
            }
            assert_eq!(pages.concat(), all, "forward {forward}, limit {limit:?}");
        }
    }

    // Both ends of a range belong to it.
    let start_ms = start / MS;
    let params = json!({"topics": [TOPIC], "start_ms": start_ms + 200, "end_ms": start_ms + 500});
    let pages = hashes(&light.call("store", params));
    assert_eq!(pages.concat(), all[20..=50]);

    // By hash, with one that nobody holds.
    let mut wanted: Vec<String> = all.iter().step_by(3).cloned().collect();
    wanted.push("ab".repeat(32));
    let params = json!({"topics": [TOPIC], "hashes": wanted});
    let pages = hashes(&light.call("store_hashes", params));
    wanted.pop();
    assert_eq!(pages.concat(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_at_a_js_service_peer_over_tcp_and_websocket() {
    let mut peer = js::service();
    for (number, part) in ["/tcp/", "/ws/"].into_iter().enumerate() {
        let address = peer.addr(part);
        assert_eq!(address.contains("/ws/"), part == "/ws/");
        light_client(&mut peer, &address, number as u8).await;
    }
    let asked = peer.call("asked", json!({}));
    let count = |id: &str| asked[id].as_u64().unwrap_or(0);
    assert!(count("/vac/waku/metadata/1.0.0") >= 4, "{asked}");
    assert_eq!(count("/vac/waku/lightpush/3.0.0"), 2 * 250);
    assert_eq!(count("/vac/waku/lightpush/2.0.0-beta1"), 0);
}

async fn light_client(peer: &mut Peer, address: &str, number: u8) {
    let topic = format!("/interop/1/light-{number}/proto");
    let mut client = Client::start(&[address]);
    client.subscribe(&[&topic]).await;
    let start = now_ns();
    let mut sent = BTreeSet::new();
    let mut ids = Vec::new();
    for index in 0..250u8 {
        ids.push(client.publish(&topic, &[number, index, 1], now_ns()).await);
        if index % 50 == 49 {
            for id in ids.drain(..) {
                let (outcome, hash) = client.published(id).await;
                assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
                sent.insert(hash);
            }
        }
    }
    let mut got = BTreeSet::new();
    for _ in 0..250 {
        let message = client.message().await;
        assert!(message.live);
        got.insert(message.hash);
    }
    assert_eq!(got, sent);
    for _circle in ["receive", "publish"] {
        let told = peer.event("metadata");
        assert_eq!(told["cluster"], CLUSTER);
        assert_eq!(told["shards"], json!([0]));
    }

    for newest_first in [false, true] {
        let pages = client.pages(&topic, start, now_ns(), newest_first).await;
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(sizes, [100, 100, 50]);
        let mut cursors = Vec::new();
        for _ in 0..3 {
            let asked = peer.event("store");
            assert_eq!((&asked["by"], &asked["status"]), (&json!("time"), &json!(200)));
            cursors.push(asked["cursor"].as_str().map(str::to_owned));
        }
        assert_eq!(cursors[0], None);
        let edge = |page: &[sotto_net::Received]| {
            let one = if newest_first { page.first() } else { page.last() };
            Some(hex(&one.unwrap().hash))
        };
        assert_eq!(cursors[1..], [edge(&pages[0]), edge(&pages[1])]);
        let stored: BTreeSet<_> = pages.concat().iter().map(|m| m.hash).collect();
        assert_eq!(stored, sent);
    }
    let some: BTreeSet<[u8; 32]> = sent.iter().take(3).copied().collect();
    let asked = some.iter().copied().chain([[9; 32]]).collect();
    let present: BTreeSet<_> = client.check(asked).await.into_iter().collect();
    assert_eq!(present, some);
    assert_eq!(peer.event("store")["by"], "hash");
    // Nothing wanted any more: the node is told.
    let topics = Vec::new();
    client.send(sotto_net::Command::Subscribe { topics }).await;
    client.connectivity(|now| !now.subscribed).await;
}

/// Each request of our client and each answer once, as `docs/waku.md` has them; and a store that gives less than it is
/// asked for is read to the end all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_small_pages_is_read_to_the_end() {
    let mut peer = js::service_with_pages_of(1);
    let mut client = Client::start(&[&peer.addr("/tcp/")]);
    client.subscribe(&[TOPIC]).await;
    let start = now_ns();
    let mut sent = Vec::new();
    for payload in ["hello", "again"] {
        let id = client.publish(TOPIC, payload.as_bytes(), now_ns()).await;
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        assert_eq!(client.message().await.hash, hash);
        sent.push(hash);
    }
    for newest_first in [false, true] {
        let pages = client.pages(TOPIC, start, now_ns(), newest_first).await;
        let got: Vec<_> = pages.concat().iter().map(|m| m.hash).collect();
        assert_eq!((pages.len(), &got), (2, &sent));
        for cursor in [Value::Null, json!(hex(&sent[0]))] {
            assert_eq!(peer.event("store")["cursor"], cursor);
        }
        sent.reverse();
    }
    assert_eq!(client.check(vec![sent[0]]).await, [sent[0]]);
}

/// Cards, request, acceptance, texts both ways, what comes while one is away, and a file of 2 MB: one over TCP, the
/// other over WebSocket.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_and_talk_through_a_js_service_peer_alone() {
    let peer = js::service();
    let (tcp, ws) = (peer.addr("/tcp/"), peer.addr("/ws/"));
    let alice = Person::new("Alice", &[&tcp]).await;
    let mut bob = Person::new("Bob", &[&ws]).await;
    alice.befriend(&bob).await;

    let mut texts = BTreeSet::new();
    for number in 0..20 {
        for person in [&alice, &bob] {
            let text = format!("{} {number} 🌿", person.name());
            person.send(&text).await;
            texts.insert(text);
        }
    }
    for person in [&alice, &bob] {
        person.until("all texts", |_| (person.texts() == texts).then_some(())).await;
        person
            .until("delivered", |m| {
                let page = m.messages(&person.conversation(), None, 500).unwrap();
                let mut mine = page.iter().filter(|m| m.mine);
                mine.all(|m| m.state == MessageState::Delivered).then_some(())
            })
            .await;
    }

    // Messages of his absence wait in the store.
    bob.messenger.close().await.unwrap();
    for number in 0..5 {
        let text = format!("while you were away {number}");
        let message = alice.send(&text).await;
        alice.reached(&message, MessageState::Sent).await;
        texts.insert(text);
    }
    bob.move_to(&[&ws]).await;
    bob.until("the rest", |_| (bob.texts() == texts).then_some(())).await;

    let (bytes, message) = alice.send_file(2 * 1024 * 1024).await;
    assert!(bob.fetch_file(&message).await == bytes, "a file of 2 MB");
    for person in [alice, bob] {
        person.messenger.close().await.unwrap();
    }
}

/// One over TCP, two over WebSocket.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_three_lives_at_a_js_service_peer_alone() {
    let peer = js::service();
    let (tcp, ws) = (peer.addr("/tcp/"), peer.addr("/ws/"));
    let mut alice = Person::new("Alice", &[&tcp]).await;
    let mut bob = Person::new("Bob", &[&ws]).await;
    let mut carol = Person::new("Carol", &[&ws]).await;
    group::talk([&mut alice, &mut bob, &mut carol], &[&ws]).await;
}
