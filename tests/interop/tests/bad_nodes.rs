//! Engine and client together, over sockets: two people whose nodes are bad but for one in each circle.
//!
//! The kinds are those that are found out within seconds. What costs minutes is left to the simulation
//! (`tests/testkit/tests/hostile.rs`, `quiet.rs`): a v3 node that gives a count of relay peers and relays nothing, 60
//! to 80 s until a store is asked; two silent filter nodes, one with an empty store, and no other beside them, 15 min.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sotto_interop::CLUSTER;
use sotto_interop::node::{Node, node_config};
use sotto_interop::person::Person;
use sotto_messenger::records::MessageState;
use sotto_net::{KnownNode, NetConfig, Sharding, Source};

use self::bad::{Bad, BadNode};

#[path = "../../../core/net/tests/support/bad.rs"]
#[allow(dead_code, reason = "it serves other tests too")]
mod bad;
#[path = "../../../core/net/tests/support/peer.rs"]
#[allow(dead_code, reason = "it serves other tests too")]
mod peer;

// Topic of the bad nodes' messages.
const PUBSUB: &str = "/waku/2/rs/66/0";
const TOPIC: &str = "/sotto/1/h00-0000/proto";

async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let found = tokio::time::timeout(sotto_interop::PATIENCE, future).await;
    found.unwrap_or_else(|_| panic!("in vain: {what}"))
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_nanos()).unwrap()
}

/// Says yes and relays nothing; refuses, in either version.
const PUBLISH: [Bad; 3] = [Bad::SilentV2, Bad::Refuses(420), Bad::RefusesV2];
/// Pushes nothing and has an empty store; refuses; never answers.
const RECEIVE: [Bad; 3] = [Bad::Silent, Bad::Refuses(400), Bad::Mute];
const TEXTS: usize = 20;
/// Between them: a talk, no burst.
const PAUSE: Duration = Duration::from_millis(300);
/// Beyond reason: for a round of texts on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// Two circles of which each has one good node, and quick to lose patience.
fn net(publish: &[&str], receive: &[&str]) -> NetConfig {
    let both = [publish, receive];
    let nodes = both.concat().into_iter().map(str::to_owned);
    let mut net = NetConfig::new(nodes.collect(), CLUSTER, Sharding::Static(vec![0]));
    let known = |circle: u8, address: &str| KnownNode {
        peer: address.rsplit('/').next().unwrap().to_owned(),
        addresses: Vec::new(),
        source: Source::Static,
        circle,
        successes: 0,
        failures: 0,
        answered_s: 0,
    };
    for (circle, nodes) in both.iter().enumerate() {
        let nodes = nodes.iter().map(|node| known(circle as u8, node));
        net.book.extend(nodes);
    }
    net.timing.late = Duration::from_millis(500);
    net.timing.request = Duration::from_secs(2);
    net.timing.redial = Duration::from_millis(100);
    net
}

async fn bad(kinds: [Bad; 3]) -> Vec<BadNode> {
    let mut nodes = Vec::new();
    for kind in kinds {
        nodes.push(BadNode::start(kind).await);
    }
    nodes
}

fn with<'a>(bad: &'a [BadNode], good: &'a Node) -> Vec<&'a str> {
    let bad = bad.iter().map(|node| node.peer.address.as_str());
    bad.chain([good.addresses[0].as_str()]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_talk_through_one_good_node_of_four_in_each_circle() {
    let mut first = Node::start(node_config()).await;
    let mut config = node_config();
    config.peers = vec![first.addresses[0].clone()];
    let mut second = Node::start(config).await;
    first.peers(|_, relays| relays == 1).await;
    second.peers(|_, relays| relays == 1).await;
    let mut people = Vec::new();
    for name in ["Alice", "Bob"] {
        people.push(Person::new(name, &[first.addresses[0].as_str()]).await);
    }
    people[0].befriend(&people[1]).await;
    for person in &people {
        // The accepting nodes are known; otherwise the next accepting node would get the credit.
        person.messenger.sync_once(sotto_interop::PATIENCE).await.unwrap();
    }

    let (publish, receive) = (bad(PUBLISH).await, bad(RECEIVE).await);
    let net = net(&with(&publish, &first), &with(&receive, &second));
    for person in &mut people {
        person.move_over(net.clone()).await;
        person.messenger.set_foreground(true).await.unwrap();
    }
    let took = talk(&people, 0..TEXTS).await;
    println!("all delivered after {took:?}");
    for node in publish.iter().chain(&receive) {
        println!("{:?}: {} requests", node.bad, node.asked());
        assert!(node.asked() <= 60, "{:?}: {}", node.bad, node.asked());
    }
    // Nodes that refuse what others accept are avoided after that.
    let refused = |node: &&BadNode| matches!(node.bad, Bad::Refuses(_) | Bad::RefusesV2);
    for node in publish.iter().filter(refused) {
        let count = node.swallowed.load(Ordering::SeqCst);
        assert!(count <= 6, "{:?}: {count}", node.bad);
    }
    // The findings of receipts are kept for the next start.
    for person in people {
        let known = person.remembered().await;
        let successes = |address: &str| {
            let node = known.iter().find(|node| address.ends_with(&node.peer));
            node.unwrap().successes
        };
        assert_eq!(successes(&first.addresses[0]), 1);
        for node in &publish {
            assert_eq!(successes(&node.peer.address), 0, "{:?}", node.bad);
        }
    }
}

/// Sends these texts in turns until all are delivered; returns the time.
async fn talk(people: &[Person], numbers: Range<usize>) -> Duration {
    let began = Instant::now();
    let mut sent = Vec::new();
    for number in numbers {
        let who = number % 2;
        sent.push((who, number, people[who].send(&number.to_string()).await));
        tokio::time::sleep(PAUSE).await;
    }
    for (who, number, message) in &sent {
        let delivered = MessageState::Delivered;
        people[*who].reached_within(message, delivered, PATIENCE).await;
        assert!(people[1 - who].texts().contains(&number.to_string()));
    }
    began.elapsed()
}
