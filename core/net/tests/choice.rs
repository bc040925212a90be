//! Choice of nodes and keys: random among healthy nodes, exposed nodes last, new keys for every network and every
//! start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libp2p::PeerId;
use sotto_net::{Circle, Command, Event, Evidence, NetConfig, Network, NodeNumber, PublishOutcome, Purpose};
use sotto_wire::waku::{
    self, LightPushResponse, Message as _, StoreQueryRequest, StoreQueryResponse, WakuMessage, WakuMessageKeyValue,
    message_hash, protocol,
};
use support::bad::{Bad, BadNode};
use support::peer::{Muxer, Peer, Script};
use support::{Client, Node, PUBSUB, TOPIC, alone, net_config, now_ns, single};

/// One circle of all these nodes.
fn config(nodes: &[&str]) -> NetConfig {
    let mut config = net_config(nodes);
    config.single_circle = true;
    config.timing.redial = Duration::from_millis(50);
    config
}

/// New connections; earlier failures are forgotten.
async fn change_network(client: &Client) {
    let network = Command::NetworkChanged(Network::default());
    client.send(network).await;
}

/// The same with a subscription, which is made again.
async fn change_and_subscribe(client: &mut Client) {
    change_network(client).await;
    gap(client).await;
}

async fn gap(client: &mut Client) {
    let gap = |event| matches!(event, Event::Connectivity(now) if now.gap).then_some(());
    client.until("another filter node, and a gap", gap).await;
}

/// Publishes through a node, none of these if there is another. Returns the node.
async fn publish(client: &mut Client, id: u64, not: Vec<NodeNumber>) -> NodeNumber {
    spread(client, id, not, None).await
}

/// The same through the node that is drawn for a value.
async fn spread(client: &mut Client, id: u64, not: Vec<NodeNumber>, spread: Option<u64>) -> NodeNumber {
    send(client, id, Purpose::Probe(not), spread).await
}

async fn send(client: &mut Client, id: u64, purpose: Purpose, spread: Option<u64>) -> NodeNumber {
    let (topic, payload, timestamp_ns) = (TOPIC.into(), vec![id as u8; 512], now_ns());
    let command = Command::Publish { id, topic, payload, timestamp_ns, other_ns: None, purpose, spread };
    client.send(command).await;
    let (outcome, node, _) = client.published().await;
    assert!(matches!(outcome, PublishOutcome::Relayed { .. }));
    node.unwrap()
}

/// Four nodes that accept everything.
async fn four() -> Vec<BadNode> {
    let nodes = (0..4).map(|_| BadNode::start(Bad::Silent));
    futures::future::join_all(nodes).await
}

fn addresses(nodes: &[BadNode]) -> Vec<&str> {
    nodes.iter().map(|one| one.peer.address.as_str()).collect()
}

/// With four nodes and forty draws, all but one in ten thousand runs use each node.
#[tokio::test]
async fn who_is_connected_to_is_chosen_at_random() {
    let nodes = four().await;
    let mut client = Client::start(config(&addresses(&nodes)));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    for id in 0..40 {
        publish(&mut client, id, vec![]).await;
        change_and_subscribe(&mut client).await;
    }
    for node in &nodes {
        let published = node.swallowed.load(Ordering::SeqCst);
        assert!(published > 0, "never published through");
        assert!(node.asked() > published, "never subscribed to");
    }
}

#[tokio::test]
async fn of_those_connected_one_is_asked_at_random() {
    let nodes = four().await;
    let mut client = Client::start(config(&addresses(&nodes)));
    let mut takers = Vec::new();
    for id in 0..4 {
        takers.push(publish(&mut client, id, takers.clone()).await);
    }
    takers.sort_unstable();
    takers.dedup();
    assert_eq!(takers.len(), 4);
    let mut again = BTreeSet::new();
    for id in 4..64 {
        again.insert(publish(&mut client, id, vec![]).await);
    }
    assert_eq!(again.len(), 4, "each but once in ten million runs");
}

/// Cards of one secret go through one node, cards of many secrets through all, whichever nodes are connected or
/// preferred.
#[tokio::test]
async fn what_is_spread_goes_through_the_node_that_was_drawn_for_it() {
    let nodes = four().await;
    let mut client = Client::start(config(&addresses(&nodes)));
    let first = send(&mut client, 0, Purpose::Message(None), None).await;
    client.send(Command::Evidence(vec![Evidence::Arrived(vec![(first, 0)], None)])).await;
    assert_eq!(publish(&mut client, 200, vec![]).await, first);
    let mut drawn = BTreeSet::new();
    for key in 0..40 {
        let id = 3 * key + 1;
        let node = spread(&mut client, id, vec![], Some(key)).await;
        drawn.insert(node);
        assert_eq!(spread(&mut client, id + 1, vec![], Some(key)).await, node);
        // The node had the message and dropped it: another node gets it.
        let other = spread(&mut client, id + 2, vec![node], Some(key)).await;
        assert_ne!(other, node);
    }
    assert_eq!(drawn.len(), 4, "each but once in twenty thousand runs");
}

fn page(message: WakuMessage) -> Vec<u8> {
    let entry = WakuMessageKeyValue {
        message_hash: Some(message_hash(PUBSUB, &message).to_vec()),
        message: Some(message),
        pubsub_topic: Some(PUBSUB.into()),
    };
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some(String::new()),
        status_code: Some(200),
        status_desc: Some("OK".into()),
        messages: vec![entry],
        pagination_cursor: None,
    })
}

fn query(id: u64, circle: Circle) -> Command {
    Command::Query {
        id,
        circle,
        topics: vec![TOPIC.into()],
        start_ns: now_ns() - 120_000_000_000,
        end_ns: Some(now_ns() + 20_000_000_000),
        newest_first: false,
        most_bytes: None,
    }
}

/// A store with one message, `off` from the start of the query. Returns the number of queries too.
fn store(off: i64) -> (Script, Arc<AtomicUsize>) {
    let asked: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&asked);
    let script: Script = Arc::new(move |_, body| {
        count.fetch_add(1, Ordering::SeqCst);
        let request = StoreQueryRequest::decode(body.as_slice()).unwrap();
        let time = request.time_start.unwrap() + off;
        page(WakuMessage::new(TOPIC.into(), vec![1; 512], time))
    });
    (script, asked)
}

/// A node that lied keeps no credit for other services: any other node comes first, although failures are forgiven.
#[tokio::test]
async fn a_liar_comes_last_whatever_else_it_is_good_for() {
    let (lies, asked) = store(-1);
    let relays: Script = Arc::new(|_, _| {
        waku::encode_framed(&LightPushResponse {
            request_id: Some(String::new()),
            status_code: Some(200),
            status_desc: None,
            relay_peer_count: Some(3),
        })
    });
    let scripts = vec![(protocol::STORE, lies), (protocol::LIGHTPUSH_V3, relays)];
    let liar = Peer::start(Muxer::Yamux, scripts).await;
    let (honest, _) = store(1);
    let honest = Peer::start(Muxer::Yamux, vec![(protocol::STORE, honest)]).await;
    let mut client = Client::start(config(&[&liar.address, &honest.address]));
    let mut found_out = 0;
    for id in 0..60 {
        let before = asked.load(Ordering::SeqCst);
        let circle = match id % 2 {
            0 => Circle::Receive,
            _ => Circle::Alone,
        };
        client.send(query(id, circle)).await;
        let page = |event| match event {
            Event::Page { messages, .. } => Some(messages.len()),
            Event::QueryFailed { .. } => panic!("there is an honest store"),
            _ => None,
        };
        assert_eq!(client.until("a page", page).await, 1);
        let lied = asked.load(Ordering::SeqCst) - before;
        found_out += u32::from(lied > 0);
        assert!(found_out <= 1, "asked again after it lied, round {id}");
        if found_out > 0 {
            // It is the only node that accepts messages, and does so well.
            publish(&mut client, id, vec![]).await;
        }
        change_network(&client).await;
    }
    assert_eq!(found_out, 1, "never asked");
}

#[tokio::test]
async fn of_liars_the_one_that_lied_longest_ago_comes_first() {
    let asked: Arc<std::sync::Mutex<Vec<usize>>> = Arc::default();
    let mut liars = Vec::new();
    for number in 0..2 {
        let (asked, (lies, _)) = (Arc::clone(&asked), store(-1));
        let script: Script = Arc::new(move |peer, body| {
            asked.lock().unwrap().push(number);
            lies(peer, body)
        });
        liars.push(Peer::start(Muxer::Yamux, vec![(protocol::STORE, script)]).await);
    }
    let mut client = Client::start(config(&[&liars[0].address, &liars[1].address]));
    for id in 0..12 {
        client.send(query(id, Circle::Receive)).await;
        let failed = |event| matches!(event, Event::QueryFailed { .. }).then_some(());
        client.until("a failure", failed).await;
        change_network(&client).await;
    }
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 24);
    for turn in asked.chunks(2) {
        assert_eq!(turn, &asked[..2], "{asked:?}");
    }
}

/// An exposed filter node is not used again while there is another, although failures are forgiven.
#[tokio::test]
async fn a_silent_filter_comes_last_for_a_while() {
    let late = Duration::from_millis(300);
    let silent = BadNode::start(Bad::Silent).await;
    let good = Node::start(alone()).await;
    let mut config = config(&[&silent.peer.address, good.tcp()]);
    config.timing.late = late;
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    while silent.asked() == 0 {
        change_and_subscribe(&mut client).await;
    }
    let mut friend = Client::start(single(good.tcp()));
    tokio::time::sleep(3 * late).await; // it owes only later messages
    for id in 0..2 {
        friend.publish(id, vec![id as u8 + 1; 512]).await;
        friend.published().await;
    }
    let mut heard = BTreeSet::new();
    for id in 0.. {
        client.send(query(id, Circle::Other)).await;
        let last = |event| match event {
            Event::Page { messages, last, .. } => {
                heard.extend(messages.into_iter().map(|one| one.hash));
                last.then_some(())
            }
            _ => None,
        };
        client.until("a page", last).await;
        if heard.len() == 2 {
            break;
        }
    }
    gap(&mut client).await;
    let asked = silent.asked();
    for _ in 0..12 {
        change_and_subscribe(&mut client).await;
    }
    assert_eq!(silent.asked(), asked, "taken again");
}

/// Keys that a node met since the last call.
fn met(node: &mut BadNode) -> Vec<PeerId> {
    let mut met = Vec::new();
    while let Ok(peer) = node.peer.met.try_recv() {
        met.push(peer);
    }
    met
}

/// Both circles use a new key after each change of network and at each start, also with the last run's book.
#[tokio::test]
async fn no_key_is_shown_twice() {
    let mut nodes = [BadNode::start(Bad::Silent).await, BadNode::start(Bad::Silent).await];
    let config = net_config(&addresses(&nodes));
    let mut book = Vec::new();
    let mut seen: [Vec<PeerId>; 2] = Default::default();
    let mut id = 0;
    for _start in 0..3 {
        let mut config = config.clone();
        config.book = std::mem::take(&mut book);
        let mut client = Client::start(config);
        client.subscribe(&[TOPIC]).await;
        client.subscribed().await;
        for network in 0..3 {
            if network > 0 {
                change_and_subscribe(&mut client).await;
            }
            publish(&mut client, id, vec![]).await;
            id += 1;
            for (node, seen) in nodes.iter_mut().zip(&mut seen) {
                let met = met(node);
                assert_eq!(met.len(), 1, "one circle, one connection");
                seen.extend(met);
            }
        }
        client.send(Command::Close).await;
        let closed = |event| matches!(event, Event::Closed).then_some(());
        client.until("the end", closed).await;
        book.extend(client.book.into_values());
        assert_eq!(book.len(), 2);
    }
    let [one, other] = seen;
    let all: BTreeSet<PeerId> = one.into_iter().chain(other).collect();
    assert_eq!(all.len(), 2 * 9);
}
