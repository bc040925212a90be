//! go-waku's nodes against ours: a row of the interop table is a test or two.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotto_interop::client::{Client, client_config, now_ns};
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_interop::{CLUSTER, PATIENCE, Peer, SHARD, go, group, shape};
use sotto_messenger::records::MessageState;
use sotto_net::{Command, Discv5Config, NodeConfig, PublishOutcome};
use sotto_wire::waku::{Message as _, WakuMessage, gossip_id, protocol, record_bytes};

const PUBSUB: &str = "/waku/2/rs/66/0";
const TOPIC: &str = "/interop/1/one/proto";
const OTHER: &str = "/interop/1/two/proto";
/// Seconds of traffic over a connection that must not break; `SOTTO_SOAK` sets another number.
const SOAK: u64 = 120;
/// A message without a receipt goes out again after two minutes and up to a quarter of one.
const SENT_AGAIN: Duration = Duration::from_secs(240);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn id_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

/// Looks again and again until `look` finds something.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Our node as the only one of its network.
fn alone() -> NodeConfig {
    let mut config = node_config();
    config.alone = true;
    config
}

/// Two service nodes of go-waku that relay to each other.
async fn two_nodes() -> (Peer, Peer) {
    let mut first = go::start("service", &[]);
    let second = go::start("service", &[]);
    first.call("connect", json!({"addr": second.addrs[0]}));
    meshed(&mut first, &second.peer_id).await;
    (first, second)
}

/// Waits until a go node has a peer in its mesh.
async fn meshed(node: &mut Peer, peer: &str) {
    until("a mesh", || {
        let mesh = relay(node)["mesh"].as_array().unwrap().clone();
        mesh.contains(&json!(peer)).then_some(())
    })
    .await;
}

/// The events of a go node's gossipsub.
fn relay(node: &mut Peer) -> Value {
    node.call("relay", json!({"pubsub": PUBSUB}))
}

fn publish(node: &mut Peer, payload: &[u8]) -> Value {
    let params = json!({"pubsub": PUBSUB, "topic": TOPIC, "payload": hex(payload)});
    node.call("publish", params)
}

/// The next message that a go node has from others.
fn foreign_message(node: &mut Peer, own: &BTreeSet<String>) -> Value {
    loop {
        let message = node.event("message");
        if !own.contains(text(&message, "hash")) {
            return message;
        }
    }
}

fn disconnects(node: &mut Peer) -> Value {
    node.call("peers", json!({}))["disconnects"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_light_client_at_a_go_service_node() {
    let (mut node, mut other) = two_nodes().await;
    let mut config = client_config(&[&node.addrs[0]]);
    config.timing.background_ping = Duration::from_millis(500);
    let mut client = Client::start_with(config);
    client.subscribe(&[TOPIC]).await;

    // Filter: what reaches the node by relay is pushed to us.
    let mut sent = BTreeSet::new();
    for number in 0..30 {
        let message = publish(&mut other, &[number; 600]);
        sent.insert(text(&message, "hash").to_owned());
    }
    let mut got = BTreeSet::new();
    while got.len() < 30 {
        let message = client.message().await;
        assert!(message.live);
        got.insert(hex(&message.hash));
    }
    assert_eq!(got, sent, "both hash a message the same way");

    // Lightpush v2, on to the other node by relay.
    for number in 0..10u8 {
        let payload = [100 + number; 512];
        let id = client.publish(TOPIC, &payload, now_ns()).await;
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Accepted);
        let message = foreign_message(&mut other, &sent);
        assert_eq!(text(&message, "hash"), hex(&hash));
        assert_eq!(text(&message, "payload"), hex(&payload));
    }

    let requests = |node: &mut Peer, kind: &str| {
        let counters = node.call("counters", json!({}));
        let count = &counters[format!("waku_filter_requests:{kind}")];
        count.as_f64().unwrap_or_default() as u32
    };
    until("pings", || (requests(&mut node, "SUBSCRIBER_PING") >= 2).then_some(())).await;
    assert_eq!(requests(&mut node, "SUBSCRIBE"), 1, "pings are answered");
    assert_eq!(disconnects(&mut node), json!({}), "metadata is accepted");

    // The connection breaks: subscribed again, by itself.
    let peers = node.call("peers", json!({}));
    let mut hearing = 0;
    for (peer, known) in peers["connected"].as_object().unwrap() {
        if *peer != other.peer_id {
            hearing += usize::from(known["protocols"].to_string().contains("filter-push"));
            node.call("disconnect", json!({"peer": peer}));
        }
    }
    assert_eq!(hearing, 1, "one circle is pushed to, the other is not");
    until("a new subscription", || (requests(&mut node, "SUBSCRIBE") >= 2).then_some(())).await;
    let again = publish(&mut other, b"after the break");
    while hex(&client.message().await.hash) != text(&again, "hash") {}

    // One topic is no longer wanted.
    client.subscribe(&[OTHER]).await;
    until("an unsubscription", || (requests(&mut node, "UNSUBSCRIBE") >= 1).then_some(())).await;
    publish(&mut other, b"unwanted");
    let params = json!({"pubsub": PUBSUB, "topic": OTHER, "payload": "77616e746564"});
    other.call("publish", params);
    assert_eq!(client.message().await.payload, b"wanted");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_through_two_go_nodes_alone() {
    let ours = Node::start(alone()).await;
    let mut alice = Person::new("Alice", &[&ours.addresses[0]]).await;
    let mut bob = Person::new("Bob", &[&ours.addresses[0]]).await;
    alice.befriend(&bob).await; // cards need a store
    let (first, second) = two_nodes().await;
    let nodes = [first.addrs[0].as_str(), second.addrs[0].as_str()];
    for person in [&mut alice, &mut bob] {
        person.move_to(&nodes).await;
        // The second node is asked for a store before it is said that there is none.
        person
            .until("a subscription, and no store", |m| {
                let now = m.connectivity();
                (now.subscribed && !now.store).then_some(())
            })
            .await;
    }
    drop(ours);

    let mut all = alice.texts();
    let mut ids = Vec::new();
    for number in 0..10 {
        for person in [&alice, &bob] {
            let line = format!("{number} from {} 🌿", person.name());
            ids.push((person.name(), person.send(&line).await));
            all.insert(line);
        }
    }
    for (name, id) in &ids {
        let person = if *name == alice.name() { &alice } else { &bob };
        person.reached(id, MessageState::Delivered).await;
    }
    assert_eq!((alice.texts(), bob.texts()), (all.clone(), all.clone()));

    // Without an answer it is `sent` once both nodes have accepted it: v2 tells no relay count.
    bob.messenger.close().await.unwrap();
    let line = "while you were away".to_owned();
    let id = alice.send(&line).await;
    alice.reached(&id, MessageState::Sent).await;
    assert_eq!(alice.state(&id), MessageState::Sent, "nobody stores it");
    // Nor can Bob ask for it: he has it when it is sent again.
    bob.move_to(&nodes).await;
    alice.reached_within(&id, MessageState::Delivered, SENT_AGAIN).await;
    all.insert(line);
    assert_eq!((alice.texts(), bob.texts()), (all.clone(), all));
    for person in [alice, bob] {
        person.messenger.close().await.unwrap();
    }
}

/// Payloads that a go node got by lightpush, counted each time.
fn taken(file: &Path) -> Vec<Vec<u8>> {
    let streams = go::captured(file, 0);
    let bodies = streams.iter();
    let bodies = bodies.filter_map(|one| go::framed(one, protocol::LIGHTPUSH_V2));
    bodies.map(|body| shape::lightpush_v2(body).unwrap().payload).collect()
}

/// v2 tells no relay count, so one node's yes is none: `sent` comes when two nodes have taken the same message, and
/// with one alone it stays queued, however often that one says yes.
#[tokio::test(flavor = "multi_thread")]
async fn sent_means_that_two_go_nodes_have_taken_it() {
    let ours = Node::start(alone()).await;
    let mut alice = Person::new("Alice", &[&ours.addresses[0]]).await;
    let bob = Person::new("Bob", &[&ours.addresses[0]]).await;
    alice.befriend(&bob).await; // cards need a store
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        let id = from.send(&format!("to {}", to.name())).await;
        from.reached(&id, MessageState::Delivered).await;
    }
    bob.messenger.close().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = ["first", "second"].map(|name| folder.path().join(name));
    let start = |file: &PathBuf| go::start("service", &["-capture", file.to_str().unwrap()]);
    let (mut first, mut second) = (start(&files[0]), start(&files[1]));
    first.call("connect", json!({"addr": second.addrs[0]}));
    meshed(&mut first, &second.peer_id).await;

    alice.move_to(&[&first.addrs[0]]).await;
    let mut queued = Vec::new();
    for number in 0..2 {
        let before = taken(&files[0]);
        queued.push(alice.send(&format!("by one {number}")).await);
        until("a message that one node has taken twice", || {
            let mut new = taken(&files[0]);
            new.retain(|payload| !before.contains(payload));
            let often = |one| new.iter().filter(|payload| *payload == one).count() >= 2;
            new.iter().any(often).then_some(())
        })
        .await;
        // The second yes for the message before has been read by now.
        assert_eq!(alice.state(&queued[0]), MessageState::Queued);
    }

    alice.move_to(&[&first.addrs[0], &second.addrs[0]]).await;
    let before = taken(&files[0]);
    let count = |node: &mut Peer| {
        let counters = node.call("counters", json!({}));
        counters["waku_lightpush_messages"].as_f64().unwrap_or(0.0)
    };
    let counted = [count(&mut first), count(&mut second)];
    let id = alice.send("by two").await;
    alice.reached(&id, MessageState::Sent).await;
    let [at_first, at_second] = [0, 1].map(|node: usize| taken(&files[node]));
    let new = |payload: &&Vec<u8>| !before.contains(payload) && at_second.contains(payload);
    assert!(at_first.iter().any(|payload| new(&payload)), "the same at both");
    assert!(count(&mut first) > counted[0] && count(&mut second) > counted[1]);
    assert_eq!(alice.state(&id), MessageState::Sent, "nobody stores it");
    alice.messenger.close().await.unwrap();
}

/// Our node, with `peer` as its relay peer, and a client that hears and speaks through it.
async fn our_relay(peer: &str) -> (Node, Client) {
    let mut config = node_config();
    config.peers = vec![peer.to_owned()];
    let mut node = Node::start(config).await;
    node.peers(|_, relays| relays == 1).await;
    let mut client = Client::start(&[&node.addresses[0]]);
    client.subscribe(&[TOPIC]).await;
    (node, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn our_relay_and_a_go_relay_gossip_both_ways() {
    let mut peer = go::start("relay", &[]);
    let (node, mut client) = our_relay(&peer.addrs[0]).await;
    meshed(&mut peer, id_of(&node.addresses[0])).await;

    let mut own = BTreeSet::new();
    for size in [1, 512, 150_000] {
        let params = json!({"pubsub": PUBSUB, "topic": TOPIC, "random": size});
        let sent = peer.call("publish", params);
        own.insert(text(&sent, "hash").to_owned());
        let message = client.message().await;
        assert_eq!(hex(&message.hash), text(&sent, "hash"));
        assert_eq!(hex(&message.payload), text(&sent, "payload"));

        let id = client.publish(TOPIC, &vec![7; size], now_ns()).await;
        let (outcome, hash) = client.published(id).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        let message = foreign_message(&mut peer, &own);
        assert_eq!(text(&message, "hash"), hex(&hash));
        assert_eq!(text(&message, "payload"), hex(&vec![7; size]));
        client.message().await; // our own, by the filter
    }
    soak(&mut peer, &mut client, own).await;
    assert_eq!(disconnects(&mut peer), json!({}));
    let seen = relay(&mut peer);
    assert_eq!(seen["rejected"], json!({}));
    assert_eq!((&seen["grafts"], &seen["prunes"]), (&json!(1), &json!(0)));
}

/// Twenty messages a second, ten each way, for as long as [`SOAK`]: all arrive. `theirs`: what go has published.
async fn soak(peer: &mut Peer, client: &mut Client, mut theirs: BTreeSet<String>) {
    let wanted = std::env::var("SOTTO_SOAK").map(|seconds| seconds.parse().unwrap());
    let length = Duration::from_secs(wanted.unwrap_or(SOAK));
    let before = theirs.len();
    let (mut ours, mut heard) = (BTreeSet::new(), BTreeSet::new());
    let begin = Instant::now();
    let mut round = 0u32;
    while begin.elapsed() < length {
        let mut ids = Vec::new();
        for number in 0..50u32 {
            let size = if number == 49 { 60_000 } else { 512 };
            let params = json!({"pubsub": PUBSUB, "topic": TOPIC, "random": size});
            let sent = peer.call("publish", params);
            theirs.insert(text(&sent, "hash").to_owned());
            let mut payload = vec![1; size];
            payload[..4].copy_from_slice(&round.to_be_bytes());
            payload[4..8].copy_from_slice(&number.to_be_bytes());
            ids.push(client.publish(TOPIC, &payload, now_ns()).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for id in ids {
            let (outcome, hash) = client.published(id).await;
            assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
            ours.insert(hex(&hash));
        }
        // Our client hears its own by the filter, too.
        while heard.len() < ours.len() + theirs.len() - before {
            heard.insert(hex(&client.message().await.hash));
        }
        round += 1;
    }
    let mut arrived = BTreeSet::new();
    while arrived.len() < ours.len() {
        let message = foreign_message(peer, &theirs);
        arrived.insert(text(&message, "hash").to_owned());
    }
    assert_eq!(arrived, ours);
    assert!(heard.is_superset(&ours));
}

/// A go node without a mesh announces and asks. That both have the same ids shows in what is asked for once only.
#[tokio::test(flavor = "multi_thread")]
async fn messages_go_by_ihave_and_iwant_both_ways() {
    let mut lazy = go::start("relay", &["-lazy"]);
    let (node, mut client) = our_relay(&lazy.addrs[0]).await;
    let (_behind, mut far) = our_relay(&node.addresses[0]).await;
    until("a refused graft", || (relay(&mut lazy)["refused"].as_u64() > Some(0)).then_some(())).await;

    // From go: announced for three heartbeats, asked for once.
    let sent = publish(&mut lazy, b"announced by go");
    let message = client.message().await;
    assert_eq!(hex(&message.hash), text(&sent, "hash"));
    let (id, seen) = until("three announcements", || {
        let seen = relay(&mut lazy);
        let counts = seen["ihave_out"].as_object().unwrap();
        let often = counts.iter().find(|(_, count)| count.as_u64() >= Some(3));
        often.map(|(id, _)| (id.clone(), seen.clone()))
    })
    .await;
    assert_eq!(seen["iwant_in"][id], 1, "{seen}");
    far.message().await;

    // To go: messages that came to our node from a third one. The first may still go straight, while our node has not
    // heard that its graft is refused.
    let mut own = BTreeSet::from([text(&sent, "hash").to_owned()]);
    for number in 0..20u8 {
        let (payload, time) = ([number; 512], now_ns());
        let publish = far.publish(TOPIC, &payload, time).await;
        let (outcome, hash) = far.published(publish).await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        let message = foreign_message(&mut lazy, &own);
        assert_eq!(text(&message, "hash"), hex(&hash));
        own.insert(hex(&hash));
        let bytes = WakuMessage::new(TOPIC.into(), payload.to_vec(), time).encode_to_vec();
        let id = hex(&gossip_id(&bytes));
        let seen = relay(&mut lazy);
        if seen["iwant_out"][&id] == 1 {
            assert!(seen["ihave_in"][&id].as_u64() > Some(0), "{seen}");
            assert_eq!(disconnects(&mut lazy), json!({}));
            return;
        }
    }
    panic!("go never asked: {}", relay(&mut lazy));
}

/// go's light client, connected with our node.
fn go_light(node: &Node) -> (Peer, String) {
    go_light_with(node, &[])
}

fn go_light_with(node: &Node, flags: &[&str]) -> (Peer, String) {
    let mut light = go::start("light", flags);
    light.call("connect", json!({"addr": node.addresses[0]}));
    (light, id_of(&node.addresses[0]).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_go_light_client_at_our_service_node() {
    let node = Node::start(alone()).await;
    let (mut light, id) = go_light(&node);
    let metadata = light.call("metadata", json!({"peer": id}));
    assert_eq!(metadata, json!({"cluster": CLUSTER, "shards": [SHARD]}));
    let mut client = Client::start(&[&node.addresses[0]]);
    client.subscribe(&[TOPIC]).await;

    // Lightpush v2, and what it pushes comes back by the filter.
    let criterion = json!({"peer": id, "pubsub": PUBSUB, "topics": [TOPIC, OTHER]});
    light.call("filter_subscribe", criterion.clone());
    light.call("filter_ping", json!({"peer": id}));
    for number in 0..10u8 {
        let topic = if number % 2 == 0 { TOPIC } else { OTHER };
        let payload = hex(&[number; 512]);
        let params = json!({"peer": id, "pubsub": PUBSUB, "topic": topic, "payload": payload});
        let sent = light.call("lightpush", params);
        let back = light.event("message");
        assert_eq!((text(&back, "via"), text(&back, "topic")), ("filter", topic));
        assert_eq!(text(&back, "hash"), text(&sent, "hash"));
        if topic == TOPIC {
            let message = client.message().await;
            assert_eq!(hex(&message.hash), text(&sent, "hash"));
            assert_eq!(client.check(vec![message.hash]).await, [message.hash]);
        }
    }
    let foreign = json!({"peer": id, "pubsub": "/waku/2/rs/66/5", "topic": TOPIC, "payload": "00"});
    light.try_call("lightpush", foreign).unwrap_err();

    // Unsubscribed: nothing comes, and a ping is answered with 404.
    light.call("filter_unsubscribe", criterion);
    let gone = light.try_call("filter_ping", json!({"peer": id}));
    assert!(gone.unwrap_err().contains("404"));
    let publish = client.publish(TOPIC, b"not for go", now_ns()).await;
    client.published(publish).await;
    client.message().await;
    let silence = light.event_within("message", Duration::from_secs(1));
    assert_eq!(silence, None);
    assert_eq!(disconnects(&mut light), json!({}));
}

/// A message published the moment go has subscribed: our node may not know its agent yet, and an app may have changed
/// the agent.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_pushes_to_a_go_light_client_arrive() {
    let node = Node::start(alone()).await;
    let mut client = Client::start(&[&node.addresses[0]]);
    client.subscribe(&[OTHER]).await;
    for round in 0..10u8 {
        let agent = ["go-waku", "an app"][usize::from(round % 2)];
        let (mut light, id) = go_light_with(&node, &["-agent", agent]);
        let criterion = json!({"peer": id, "pubsub": PUBSUB, "topics": [TOPIC]});
        light.call("filter_subscribe", criterion);
        let mut wanted = BTreeSet::new();
        for number in 0..3u8 {
            let payload = [round, number, 7];
            client.publish(TOPIC, &payload, now_ns()).await;
            wanted.insert(hex(&payload));
        }
        while !wanted.is_empty() {
            let message = light.event("message");
            wanted.remove(text(&message, "payload"));
        }
    }
}

fn hashes(answer: &Value) -> Vec<Vec<String>> {
    let page = |page: &Value| match page.as_array() {
        Some(page) => page.iter().map(|m| text(m, "hash").to_owned()).collect(),
        None => Vec::new(),
    };
    let pages = answer["pages"].as_array().unwrap();
    pages.iter().map(page).filter(|page: &Vec<_>| !page.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn go_reads_our_store() {
    let node = Node::start(alone()).await;
    let mut client = Client::start(&[&node.addresses[0]]);
    let start = now_ns() - 2_000_000_000;
    let time = |number: usize| start + number as i64 * 10_000_000;
    let mut all = Vec::new();
    for number in 0..50 {
        for topic in [TOPIC, OTHER] {
            let payload = format!("{topic} {number}");
            let publish = client.publish(topic, payload.as_bytes(), time(number)).await;
            let (outcome, hash) = client.published(publish).await;
            assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
            if topic == TOPIC {
                all.push(hex(&hash));
            }
        }
    }
    let (mut light, id) = go_light(&node);
    let mut query = |more: Value| {
        let mut params = json!({"peer": id, "pubsub": PUBSUB, "topics": [TOPIC], "limit": 100});
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        light.try_call("store_query", params)
    };

    // By topic, paged both ways: 50 = 20 + 20 + 10, 50 = 25 + 25 with nothing behind.
    for (limit, sizes) in [(20, vec![20, 20, 10]), (25, vec![25, 25])] {
        for backward in [false, true] {
            let found = query(json!({"limit": limit, "backward": backward}));
            let mut pages = hashes(&found.unwrap());
            let got: Vec<usize> = pages.iter().map(Vec::len).collect();
            assert_eq!(got, sizes, "backward {backward}");
            if backward {
                pages.reverse();
            }
            assert_eq!(pages.concat(), all, "backward {backward}, limit {limit}");
        }
    }

    // By shard alone, and by time: both ends of a range belong to it.
    let every = query(json!({"topics": []})).unwrap();
    assert_eq!(hashes(&every).concat().len(), 100);
    let range = json!({"start": time(10).to_string(), "end": time(19).to_string()});
    let found = query(range).unwrap();
    assert_eq!(hashes(&found).concat(), all[10..20]);
    let first = &found["pages"][0][0];
    assert_eq!(text(first, "payload"), hex(format!("{TOPIC} 10").as_bytes()));
    assert_eq!(text(first, "timestamp"), time(10).to_string());
    assert_eq!((text(first, "topic"), text(first, "pubsub")), (TOPIC, PUBSUB));

    // By hash, with one that nobody holds; with and without the messages.
    let mut asked: Vec<String> = all.iter().step_by(5).cloned().collect();
    asked.push("ab".repeat(32));
    for hashes_only in [false, true] {
        let found = query(json!({"hashes": asked, "hashes_only": hashes_only})).unwrap();
        assert_eq!(hashes(&found).concat(), asked[..10]);
        let first = &found["pages"][0][0];
        assert_eq!(first.get("payload").is_none(), hashes_only);
    }
}

/// go asks our node for others and connects to the one it is given.
#[tokio::test(flavor = "multi_thread")]
async fn go_finds_a_node_through_our_peer_exchange() {
    let mut hidden = go::start("service", &[]);
    let record = hidden.call("record", json!({}));
    let mut config = alone();
    config.records = vec![unhex(text(&record, "rlp"))];
    let node = Node::start(config).await;
    let (mut light, id) = go_light(&node);
    light.call("peer_exchange", json!({"peer": id, "count": 5}));
    until("a connection to the node that was hidden", || {
        let peers = light.call("peers", json!({}));
        peers["connected"].get(&hidden.peer_id).map(|_| ())
    })
    .await;
}

/// Our client knows one node, and that one names the other: two are needed, since a node that hears for us never
/// publishes for us.
#[tokio::test(flavor = "multi_thread")]
async fn our_client_finds_a_second_node_through_gos_peer_exchange() {
    let mut known = go::start("service", &["-discv5"]);
    let record = known.call("record", json!({}));
    let mut hidden = go::start("service", &["-discv5", "-boot", text(&record, "enr")]);
    meshed(&mut known, &hidden.peer_id).await;
    let mut config = client_config(&[&known.addrs[0]]);
    config.single_circle = false;
    let mut client = Client::start_with(config);
    client.subscribe(&[TOPIC]).await;
    let end = Instant::now() + PATIENCE;
    let hash = loop {
        let id = client.publish(TOPIC, b"by the other", now_ns()).await;
        let (outcome, hash) = client.published(id).await;
        if outcome == PublishOutcome::Accepted {
            break hash;
        }
        assert!(Instant::now() < end, "{outcome:?}");
    };
    assert_eq!(client.message().await.hash, hash);
    let counters = hidden.call("counters", json!({}));
    let pushed = &counters["waku_lightpush_messages"];
    assert!(pushed.as_f64() >= Some(1.0), "{pushed}");
}

/// Our node finds a go node from one record, and another go node finds ours; and what ours found it hands on.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_find_each_other_by_discv5() {
    let mut known = go::start("service", &["-discv5"]);
    let record = known.call("record", json!({}));
    let mut config = node_config();
    config.discovery =
        Some(Discv5Config { listen: "127.0.0.1:0".parse().unwrap(), bootstrap: vec![text(&record, "enr").to_owned()] });
    let mut node = Node::start(config).await;
    node.peers(|_, relays| relays == 1).await;
    let own = id_of(&node.addresses[0]).to_owned();
    meshed(&mut known, &own).await;

    let record = node.record.clone().unwrap();
    let mut other = go::start("service", &["-discv5", "-boot", &record]);
    meshed(&mut other, &own).await;
    node.peers(|_, relays| relays == 2).await;

    let (mut light, id) = go_light(&node);
    light.call("peer_exchange", json!({"peer": id, "count": 5}));
    until("connections to what our node found", || {
        let peers = light.call("peers", json!({}));
        peers["connected"].get(&known.peer_id).map(|_| ())
    })
    .await;
}

/// A phone in relay mode is told one go relay by peer exchange, asks it over UDP, and relays with another go relay.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_relays_finds_a_go_node_by_discv5() {
    let mut known = go::start("relay", &["-discv5"]);
    let record = known.call("record", json!({}));
    let mut hidden = go::start("relay", &["-discv5", "-boot", text(&record, "enr")]);
    meshed(&mut known, &hidden.peer_id).await;
    let mut config = alone();
    config.records = vec![record_bytes(text(&record, "enr")).unwrap()];
    let node = Node::start(config).await;
    let mut config = client_config(&[&node.addresses[0]]);
    config.timing.discover = Duration::from_millis(100);
    let mut phone = Client::start_with(config);
    phone.subscribe(&[TOPIC]).await;
    phone.send(Command::Relay(true)).await;
    phone.connectivity(|now| now.relay_peers == 3).await;
    for peer in [&mut known, &mut hidden] {
        until("the phone in both meshes", || (relay(peer)["mesh"].as_array().unwrap().len() == 2).then_some(())).await;
    }
}

/// Two go nodes and ours, which alone has a store: a phone publishes and listens at whichever of them it chooses.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_three_lives_at_go_nodes_with_our_store() {
    let (mut first, second) = two_nodes().await;
    let mut config = node_config();
    config.peers = vec![first.addrs[0].clone(), second.addrs[0].clone()];
    let mut store = Node::start(config).await;
    store.peers(|_, relays| relays == 2).await;
    meshed(&mut first, id_of(&store.addresses[0])).await;
    let nodes = [first.addrs[0].as_str(), second.addrs[0].as_str(), store.addresses[0].as_str()];
    let mut alice = Person::new("Alice", &nodes).await;
    let mut bob = Person::new("Bob", &nodes).await;
    let mut carol = Person::new("Carol", &nodes).await;
    group::talk([&mut alice, &mut bob, &mut carol], &nodes).await;
}
