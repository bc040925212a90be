//! Bad service nodes over real sockets: messages arrive all the same, the work is bounded, and exposed nodes are no
//! longer used.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use sotto_net::{
    Circle, Command, Event, Evidence, FailReason, NetConfig, NodeNumber, PublishOutcome, Published, Purpose,
};
use sotto_wire::waku::{FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, protocol};
use support::bad::{Bad, BadNode};
use support::peer::{Muxer, Peer};
use support::{Client, Node, PATIENCE, PUBSUB, TOPIC, alone, net_config, now_ns, single, soon};

const LATE: Duration = Duration::from_millis(300);

/// One circle of all these nodes, with short waits.
fn config(nodes: &[&str]) -> NetConfig {
    let mut config = net_config(nodes);
    config.single_circle = true;
    config.timing.late = LATE;
    config.timing.request = Duration::from_secs(2);
    config.timing.redial = Duration::from_millis(50);
    config
}

fn publish(id: u64, payload: Vec<u8>, not: Vec<NodeNumber>) -> Command {
    publish_for(id, payload, Purpose::Probe(not))
}

fn publish_for(id: u64, payload: Vec<u8>, purpose: Purpose) -> Command {
    let (topic, timestamp_ns) = (TOPIC.into(), now_ns());
    Command::Publish { id, topic, payload, timestamp_ns, other_ns: None, purpose, spread: None }
}

/// A message that this node alone had arrived.
fn arrived(node: NodeNumber) -> Evidence {
    Evidence::Arrived(vec![(node, 0)], None)
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

/// Publishes a message as the engine does, until a store other than the accepting node's has it.
async fn insist(client: &mut Client, id: u64, payload: Vec<u8>, heard: &mut BTreeSet<Vec<u8>>) {
    let (mut takers, mut hashes) = (Vec::new(), Vec::new());
    for attempt in 0..200 {
        let id = id * 1000 + attempt;
        client.send(publish(id, payload.clone(), takers.clone())).await;
        let (outcome, node, hash) = until(client, heard, |event| match event {
            Event::Published(Published { id: of, outcome, node, hash, .. }) if of == id => Some((outcome, node, hash)),
            _ => None,
        })
        .await;
        if !matches!(outcome, PublishOutcome::Relayed { .. }) {
            continue;
        }
        takers.splice(0..0, node);
        hashes.push(hash);
        let hashes = hashes.clone();
        client.send(Command::Check { id, hashes, not: node }).await;
        let present = until(client, heard, |event| match event {
            Event::Checked { id: of, present, .. } if of == id => Some(!present.is_empty()),
            Event::CheckFailed { id: of, .. } if of == id => Some(false),
            _ => None,
        })
        .await;
        if present {
            return;
        }
    }
    panic!("never stored");
}

/// The first event that `pick` accepts; messages before it are recorded.
async fn until<T>(client: &mut Client, heard: &mut BTreeSet<Vec<u8>>, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    client
        .until("an answer", |event| {
            match &event {
                Event::Message(one) => drop(heard.insert(one.payload.clone())),
                Event::Page { messages, .. } => {
                    heard.extend(messages.iter().map(|one| one.payload.clone()));
                }
                _ => {}
            }
            pick(event)
        })
        .await
}

fn payload(who: u8, number: u8) -> Vec<u8> {
    [vec![who, number], vec![0; 510]].concat()
}

/// All nodes but one are bad. A friend uses the good one; we know all of them. `which` rotates the kinds of bad nodes.
async fn one_good_of(count: usize, which: usize) {
    let good = Node::start(alone()).await;
    let mut bad = Vec::new();
    for number in 0..count - 1 {
        let kind = Bad::ALL[(which + number) % Bad::ALL.len()];
        bad.push(BadNode::start(kind).await);
    }
    let mut nodes: Vec<&str> = bad.iter().map(|node| node.peer.address.as_str()).collect();
    nodes.push(good.tcp());
    let mut client = Client::start(config(&nodes));
    let mut friend = Client::start(single(good.tcp()));
    friend.subscribe(&[TOPIC]).await;
    friend.subscribed().await;
    client.subscribe(&[TOPIC]).await;
    let (mut heard, mut answers) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..5 {
        insist(&mut client, number, payload(1, number as u8), &mut heard).await;
        friend.publish(number, payload(2, number as u8)).await;
        until(&mut friend, &mut answers, |event| match event {
            Event::Published(Published { outcome, .. }) => {
                assert!(matches!(outcome, PublishOutcome::Relayed { .. }));
                Some(())
            }
            _ => None,
        })
        .await;
    }
    // While a message is missing, another store is asked, as the engine does when nothing is pushed.
    let wanted: BTreeSet<Vec<u8>> = (0..5).map(|number| payload(2, number)).collect();
    let mut queries = 0;
    while !wanted.is_subset(&heard) {
        queries += 1;
        assert!(queries < 60, "not all came");
        let id = queries;
        client.send(query(id, Circle::Other)).await;
        until(&mut client, &mut heard, |event| match event {
            Event::Page { id: of, last, .. } if of == id => last.then_some(()),
            Event::QueryFailed { id: of, .. } if of == id => Some(()),
            _ => None,
        })
        .await;
    }
    let wanted: BTreeSet<Vec<u8>> = (0..5).map(|number| payload(1, number)).collect();
    while !wanted.is_subset(&answers) {
        until(&mut friend, &mut answers, |event| matches!(event, Event::Message(_)).then_some(())).await;
    }
    let asked: Vec<(Bad, usize)> = bad.iter().map(|node| (node.bad, node.asked())).collect();
    for (bad, asked) in asked {
        assert!(asked <= 120, "{bad:?} was asked {asked} times");
    }
}

#[tokio::test]
async fn one_good_node_of_many_is_enough() {
    // All at once, because most of the time is waiting.
    futures::future::join_all((3..=10).map(|count| one_good_of(count, 3 * count))).await;
}

/// A client is subscribed at a bad node and knows a good one. With one filter node the choice is random.
async fn subscribed_at_a_silent_node(foreground: bool) -> (Client, BadNode, Node) {
    let silent = BadNode::start(Bad::Silent).await;
    let good = Node::start(alone()).await;
    loop {
        let mut client = Client::start(config(&[&silent.peer.address, good.tcp()]));
        client.send(Command::Foreground(foreground)).await;
        client.subscribe(&[TOPIC]).await;
        client.subscribed().await;
        if foreground || silent.asked() > 0 {
            return (client, silent, good);
        }
    }
}

async fn gap(client: &mut Client) {
    let gap = |event| matches!(event, Event::Connectivity(now) if now.gap).then_some(());
    client.until("another filter node, and a gap", gap).await;
}

#[tokio::test]
async fn a_silent_filter_is_found_out_by_a_store() {
    let (mut client, silent, good) = subscribed_at_a_silent_node(false).await;
    let mut friend = Client::start(single(good.tcp()));
    tokio::time::sleep(3 * LATE).await; // it owes only later messages
    for number in 0..2 {
        friend.publish(number, payload(2, number as u8)).await;
        friend.published().await;
    }
    // The silent node's store is empty, the other's is not.
    let mut heard = BTreeSet::new();
    for id in 1.. {
        client.send(query(id, Circle::Other)).await;
        until(&mut client, &mut heard, |event| match event {
            Event::Page { id: of, last, .. } if of == id => last.then_some(()),
            _ => None,
        })
        .await;
        if heard.len() == 2 {
            break;
        }
    }
    gap(&mut client).await;
    friend.publish(3, payload(2, 3)).await;
    let came = |event| matches!(event, Event::Message(one) if one.payload == payload(2, 3));
    client.until("a push", |event| came(event).then_some(())).await;
    // The bad node comes last now: another connection goes to the good node.
    let asked = silent.asked();
    for id in 10..20 {
        client.publish(id, payload(1, id as u8)).await;
        client.published().await;
    }
    assert_eq!(silent.asked(), asked, "asked although it was found out");
}

#[tokio::test]
async fn a_silent_filter_is_found_out_by_another() {
    let (mut client, silent, good) = subscribed_at_a_silent_node(true).await;
    let both = |event| match event {
        Event::Connectivity(now) => (now.receive_nodes == 2).then_some(()),
        _ => None,
    };
    client.until("two filter nodes", both).await;
    let mut friend = Client::start(single(good.tcp()));
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut left = false;
    for number in 0.. {
        friend.publish(number, payload(2, number as u8)).await;
        friend.published().await;
        tokio::time::sleep(LATE).await;
        while let Ok(event) = client.events.try_recv() {
            left |= matches!(event, Event::Connectivity(now) if now.receive_nodes == 1);
        }
        if left {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "it stays");
    }
    let asked = silent.asked();
    for number in 100..110 {
        friend.publish(number, payload(2, number as u8)).await;
        let came = |event| matches!(event, Event::Message(one) if one.payload == payload(2, number as u8));
        client.until("a push", |event| came(event).then_some(())).await;
    }
    assert_eq!(silent.asked(), asked, "taken again although it was found out");
}

#[tokio::test]
async fn who_answers_byte_by_byte_or_never_costs_one_time_limit_each() {
    let drip = BadNode::start(Bad::Drip).await;
    let mute = BadNode::start(Bad::Mute).await;
    let good = Node::start(alone()).await;
    let nodes = [drip.peer.address.as_str(), mute.peer.address.as_str(), good.tcp()];
    let mut client = Client::start(config(&nodes));
    for id in 0..20 {
        client.publish(id, payload(1, id as u8)).await;
        let (outcome, ..) = client.published().await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    }
    assert!(drip.asked() <= 2, "{}", drip.asked());
    assert!(mute.asked() <= 2, "{}", mute.asked());
}

/// One node that accepts a message outweighs any number that refuse it; those are no longer asked.
#[tokio::test]
async fn a_message_that_some_refuse_is_taken_by_another() {
    for foreground in [false, true] {
        let good = Node::start(alone()).await;
        let mut refusing = Vec::new();
        for bad in Bad::REFUSING.into_iter().chain(Bad::REFUSING) {
            refusing.push(BadNode::start(bad).await);
        }
        let bad = refusing.iter().map(|node| node.peer.address.as_str());
        let nodes: Vec<&str> = bad.chain([good.tcp()]).collect();
        let mut client = Client::start(config(&nodes));
        client.send(Command::Foreground(foreground)).await;
        for id in 0..20 {
            client.publish(id, payload(1, id as u8)).await;
            let (outcome, ..) = client.published().await;
            assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
        }
        for node in &refusing {
            assert!(node.asked() <= 1, "{:?} was asked again", node.bad);
        }
    }
}

/// A message counts as refused only if all reachable nodes refused it.
#[tokio::test]
async fn a_message_is_refused_when_every_node_refuses_it() {
    let one = BadNode::start(Bad::Refuses(420)).await;
    let other = BadNode::start(Bad::RefusesV2).await;
    let mute = BadNode::start(Bad::Mute).await;
    let both = [one.peer.address.as_str(), &other.peer.address];
    let mut client = Client::start(config(&both));
    client.publish(1, payload(1, 1)).await;
    let (outcome, node, _) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Refused);
    assert!(node.is_some());
    assert_eq!((one.asked(), other.asked()), (1, 1));
    let mut client = Client::start(config(&[both[0], both[1], &mute.peer.address]));
    client.publish(1, payload(1, 1)).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Failed(FailReason::Timeout));
}

#[tokio::test]
async fn who_is_preferred_is_used_first_and_another_for_what_it_had() {
    let nodes = [Node::start(alone()).await, Node::start(alone()).await, Node::start(alone()).await];
    let all: Vec<&str> = nodes.iter().map(Node::tcp).collect();
    let mut client = Client::start(config(&all));
    let (mut takers, mut heard) = (BTreeSet::new(), BTreeSet::new());
    let mut number = 0;
    let mut taker = async |client: &mut Client, id: u64, purpose: Purpose| {
        number += 1;
        client.send(publish_for(id, payload(1, number), purpose)).await;
        until(client, &mut heard, |event| match event {
            Event::Published(Published { id: of, node, .. }) if of == id => node,
            _ => None,
        })
        .await
    };
    // Connected to all of them: the same message goes to each.
    for _ in 0..3 {
        assert!(takers.insert(taker(&mut client, 0, Purpose::Message(None)).await));
    }
    for preferred in takers {
        client.send(Command::Evidence(vec![arrived(preferred)])).await;
        for id in 0..10 {
            let id = 100 * (preferred + 1) + id;
            assert_eq!(taker(&mut client, id, Purpose::Message(None)).await, preferred);
            assert_ne!(taker(&mut client, id, Purpose::Message(None)).await, preferred);
        }
        let missing = Evidence::Missing(preferred);
        client.send(Command::Evidence(vec![missing; 3])).await;
    }
}

/// A node that accepted everything and did nothing does not come back as a good one in the next run; a useful node is
/// used first.
#[tokio::test]
async fn what_publish_nodes_are_worth_is_known_after_a_restart() {
    let mut liars = Vec::new();
    for _ in 0..4 {
        liars.push(BadNode::start(Bad::Silent).await);
    }
    let good = Node::start(alone()).await;
    let bad = liars.iter().map(|node| node.peer.address.as_str());
    let nodes: Vec<&str> = bad.chain([good.tcp()]).collect();
    let swallowed = || -> usize {
        let each = liars.iter().map(|node| &node.swallowed);
        each.map(|count| count.load(Ordering::SeqCst)).sum()
    };
    let mut client = Client::start(config(&nodes));
    let (mut heard, mut evidence) = (BTreeSet::new(), Vec::new());
    for number in 0..5 {
        let before = swallowed();
        client.send(publish_for(1, payload(1, number), Purpose::Message(None))).await;
        let node = until(&mut client, &mut heard, |event| match event {
            Event::Published(Published { node, .. }) => node,
            _ => None,
        })
        .await;
        // As receipts tell the engine; some liars are not exposed yet.
        match swallowed() == before {
            true => evidence.push(arrived(node)),
            false if number % 2 == 0 => evidence.extend(vec![Evidence::Missing(node); 3]),
            false => {}
        }
    }
    client.send(Command::Evidence(evidence)).await;
    assert_eq!(swallowed(), 4, "each had one");
    let mut book = BTreeMap::new();
    for _ in 0..3 {
        client.send(Command::Close).await;
        let closed = |event| matches!(event, Event::Closed).then_some(());
        client.until("the end", closed).await;
        book.append(&mut client.book);
        for node in book.values() {
            let is_good = good.tcp().ends_with(&node.peer);
            assert_eq!(node.successes > 0, is_good);
        }
        let mut config = config(&nodes);
        config.book = book.values().cloned().collect();
        client = Client::start(config);
        for id in 0..10 {
            client.publish(id, payload(1, id as u8)).await;
            client.published().await;
        }
        assert_eq!(swallowed(), 4, "a liar is used first");
    }
}

#[tokio::test]
async fn who_brought_messages_is_asked_and_subscribed_at_first() {
    let nodes = [Node::start(alone()).await, Node::start(alone()).await, Node::start(alone()).await];
    let mut friend = Client::start(single(nodes[1].tcp()));
    friend.publish(1, payload(2, 1)).await;
    friend.published().await;
    let all: Vec<&str> = nodes.iter().map(Node::tcp).collect();
    let mut client = Client::start(config(&all));
    let mut bringer = None;
    for id in 0..6 {
        client.send(query(id, Circle::Other)).await;
        let page = |event| match event {
            Event::Page { messages, last, .. } => last.then_some(messages),
            _ => None,
        };
        let messages = client.until("a page", page).await;
        bringer = bringer.or(messages.first().map(|one| one.node));
    }
    let opened = bringer.map(|node| Evidence::Opened(node, false));
    client.send(Command::Evidence(opened.into_iter().collect())).await;
    for id in 10..30 {
        client.send(query(id, Circle::Receive)).await;
        let brought = |event| match event {
            Event::Page { messages, last, .. } => last.then_some(messages.len()),
            _ => None,
        };
        assert_eq!(client.until("a page", brought).await, 1);
    }
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    friend.publish(2, payload(2, 2)).await;
    let came = |event| matches!(event, Event::Message(one) if Some(one.node) == bringer);
    client.until("a push", |event| came(event).then_some(())).await;
}

/// Its queue reaches the limit of bytes long before the limit of messages.
#[tokio::test]
async fn a_subscriber_that_takes_nothing_is_dropped_before_it_costs_much() {
    let mut node = alone();
    node.limits.push_bytes = 400_000;
    let node = Node::start(node).await;
    let mut slow = Peer::start(Muxer::Yamux, vec![]).await;
    slow.hold(protocol::FILTER_PUSH);
    let server = slow.dial(node.tcp()).await;
    let mut subscribe = FilterSubscribeRequest {
        request_id: Some("1".into()),
        filter_subscribe_type: Some(FilterSubscribeType::Subscribe.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec![TOPIC.into()],
    };
    let ask = protocol::FILTER_SUBSCRIBE;
    let answer: FilterSubscribeResponse = slow.ask(server, ask, &subscribe).await;
    assert_eq!(answer.status_code, Some(200));
    let mut client = Client::start(single(node.tcp()));
    let mut codes = Vec::new();
    subscribe.filter_subscribe_type = Some(FilterSubscribeType::SubscriberPing.into());
    for id in 0..40u8 {
        client.publish(u64::from(id), vec![id; 100_000]).await;
        client.published().await;
        let answer: FilterSubscribeResponse = slow.ask(server, ask, &subscribe).await;
        codes.push(answer.status_code.unwrap());
        if codes.last() == Some(&404) {
            break;
        }
    }
    assert_eq!(codes.last(), Some(&404));
    assert!(codes.len() > 4, "one queue's worth must fit");
    soon("a stop", node.stop()).await;
}
