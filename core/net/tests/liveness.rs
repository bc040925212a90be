//! Nodes that restart, lose subscriptions, hang or hang up, and a client that notices and backs off.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sotto_net::{
    Circle, Command, Connectivity, Event, FailReason, NetHandle, Network, NodeKey, PublishOutcome, Published, client,
};
use support::{Archive, Client, Node, TOPIC, alone, net_config, pair, single, soon};
use tokio::net::TcpListener;

/// Any peer id serves for a node that never gets to show one.
const NOBODY: &str = "16Uiu2HAmAR24Mbb6VuzoyUiGx42UenDkshENVDj4qnmmbabLvo31";

async fn connectivity(client: &mut Client, what: &str, wanted: impl Fn(&Connectivity) -> bool) -> Connectivity {
    client
        .until(what, |event| match event {
            Event::Connectivity(now) if wanted(&now) => Some(now),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_restarted_node_is_subscribed_again_and_leaves_a_gap() {
    let secret = NodeKey::generate().to_bytes();
    let key = || NodeKey::from_bytes(&secret).unwrap();
    let node = Node::start_with(alone(), key(), Archive::default()).await;
    let address = node.tcp().to_owned();
    let mut client = Client::start(single(&address));
    client.subscribe(&[TOPIC]).await;
    let first = connectivity(&mut client, "subscribed", |now| now.subscribed).await;
    assert!(!first.gap, "nothing was missed before the beginning");
    node.stop().await;
    connectivity(&mut client, "loss", |now| !now.subscribed).await;
    let mut config = alone();
    config.listen = vec![address.split("/p2p/").next().unwrap().to_owned()];
    let _node = Node::start_with(config, key(), Archive::default()).await;
    let again = connectivity(&mut client, "subscribed again", |now| now.subscribed).await;
    assert!(again.gap);
    client.publish(1, vec![1; 512]).await;
    let pushed = |event| matches!(event, Event::Message(_)).then_some(());
    client.until("a push after the restart", pushed).await;
}

#[tokio::test]
async fn a_node_that_forgot_us_is_subscribed_again_and_leaves_a_gap() {
    let mut config = alone();
    config.limits.subscription_life = Duration::from_millis(100);
    let node = Node::start(config).await;
    let mut config = single(node.tcp());
    config.timing.background_ping = Duration::from_millis(1500); // it sweeps every second
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    connectivity(&mut client, "subscribed", |now| now.subscribed).await;
    let gap = connectivity(&mut client, "a gap", |now| now.gap).await;
    assert!(gap.subscribed);
}

/// A listener that treats each connection as told, and the number of connections.
async fn trap(hold: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let dials = Arc::clone(&count);
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            dials.fetch_add(1, Ordering::SeqCst);
            if hold {
                held.push(socket);
            }
        }
    });
    (format!("/ip4/127.0.0.1/tcp/{port}/p2p/{NOBODY}"), count)
}

#[tokio::test]
async fn a_black_hole_costs_one_dial_and_no_more_time_than_is_allowed() {
    let (address, dials) = trap(true).await;
    let mut config = single(&address);
    config.timing.reach = Duration::from_secs(2);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    let before = Instant::now();
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Failed(FailReason::NoNode));
    assert!(before.elapsed() < Duration::from_secs(4));
    assert!(dials.load(Ordering::SeqCst) <= 2, "one dial for each circle");
}

#[tokio::test]
async fn a_node_that_hangs_up_is_dialled_less_and_less() {
    let (address, dials) = trap(false).await;
    let mut config = single(&address);
    config.timing.redial = Duration::from_millis(100);
    let client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Waits of 0.1, 0.2, 0.4, 0.8, 1.6 … s, each ± half.
    let count = dials.load(Ordering::SeqCst);
    assert!((3..=9).contains(&count), "{count} dials in 4 s");
}

#[tokio::test]
async fn publishing_goes_round_a_node_that_is_down() {
    let node = Node::start(alone()).await;
    let (down, _) = trap(false).await;
    let (hole, _) = trap(true).await;
    for first in [down.replace(NOBODY, &NodeKey::generate().peer_id()), hole] {
        let mut config = net_config(&[&first, node.tcp()]);
        config.single_circle = true;
        let mut client = Client::start(config);
        client.publish(1, vec![1; 512]).await;
        let (outcome, ..) = client.published().await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    }
}

/// A node on its own thread, which can be stopped with all its connections open.
fn freezable() -> (String, std::sync::mpsc::Sender<()>) {
    let (address, known) = std::sync::mpsc::channel();
    let (freeze, frozen) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let node = Node::start(alone()).await;
            address.send(node.tcp().to_owned()).unwrap();
            while frozen.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            std::thread::sleep(Duration::from_secs(60)); // the whole runtime stands still
        });
    });
    (known.recv().unwrap(), freeze)
}

#[tokio::test]
async fn with_a_conversation_on_screen_a_dead_node_is_noticed_within_ten_seconds() {
    let (address, freeze) = freezable();
    let mut client = Client::start(single(&address));
    client.send(Command::Foreground(true)).await;
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    freeze.send(()).unwrap();
    let before = Instant::now();
    connectivity(&mut client, "loss", |now| !now.subscribed).await;
    let took = before.elapsed();
    println!("a dead filter node was noticed after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn nothing_is_sent_while_nothing_happens() {
    let node = Node::start(alone()).await;
    let config = single(node.tcp());
    let traffic = Arc::clone(&config.traffic);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    // The traffic of connecting ends within a second; then there is silence.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = (traffic.written_bytes(), traffic.read_bytes());
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(before, (traffic.written_bytes(), traffic.read_bytes()));
    assert!(before.0 > 0);
}

/// A phone that receives and then publishes something is watched until its unused publish connection closes. Returns
/// its events, and the nodes.
async fn until_closed(single_circle: bool) -> (Client, Vec<Connectivity>, [Node; 2]) {
    let (a, b) = pair().await;
    let nodes = [a.tcp(), b.tcp()];
    let mut config = net_config(&nodes[usize::from(single_circle)..]);
    config.single_circle = single_circle;
    config.timing.unused = Duration::from_secs(3); // more than it takes to connect
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let mut told = Vec::new();
    for id in 0..2 {
        client.publish(id, vec![1; 512]).await;
        for publish_nodes in [1, 0] {
            let wanted = |event| match event {
                Event::Connectivity(now) => {
                    told.push(now);
                    (now.publish_nodes == publish_nodes).then_some(())
                }
                Event::Lost { .. } => panic!("we closed it ourselves"),
                _ => None,
            };
            client.until("a connection to publish over", wanted).await;
        }
    }
    (client, told, [a, b])
}

async fn closed(single_circle: bool) {
    let (_client, _, [mut a, mut b]) = until_closed(single_circle).await;
    // Each knows the other, and one knows the filter node.
    let all = async {
        while a.peers.borrow().0 + b.peers.borrow().0 != 3 {
            tokio::select! {
                changed = a.peers.changed() => changed.unwrap(),
                changed = b.peers.changed() => changed.unwrap(),
            }
        }
    };
    soon("the end of a connection", all).await;
}

#[tokio::test]
async fn a_connection_to_publish_over_is_closed_when_unused_and_made_again() {
    tokio::join!(closed(false), closed(true));
}

#[tokio::test]
async fn a_node_to_publish_to_that_dies_is_told_of() {
    let [a, b] = [Node::start(alone()).await, Node::start(alone()).await];
    let mut client = Client::start(net_config(&[a.tcp(), b.tcp()]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![1; 512]).await;
    let (outcome, taker, _) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    let of_circle = |node: &Node| {
        let known = client.book.values();
        let mut known = known.filter(|known| node.tcp().ends_with(&known.peer));
        known.next().map(|known| known.circle)
    };
    let dies = match of_circle(&a) {
        Some(0) => a,
        _ => b,
    };
    dies.stop().await;
    let lost = |event| match event {
        Event::Lost { node } => Some(node),
        _ => None,
    };
    assert_eq!(Some(client.until("its end", lost).await), taker);
}

#[tokio::test]
async fn a_connection_to_a_filter_node_stays_though_nothing_comes() {
    let (mut client, told, _nodes) = until_closed(false).await;
    // It was used earlier than the connection that was closed.
    for now in told {
        assert!(now.subscribed && now.receive_nodes == 1 && !now.gap);
    }
    client.publish(9, vec![9; 512]).await;
    let pushed = |event| match event {
        Event::Connectivity(now) => {
            assert!(now.subscribed && !now.gap);
            None
        }
        Event::Message(one) => (one.payload == [9; 512]).then_some(()),
        _ => None,
    };
    client.until("a push", pushed).await;
}

#[tokio::test]
async fn another_network_means_other_keys_and_a_gap() {
    let mut node = Node::start(alone()).await;
    let mut client = Client::start(single(node.tcp()));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![1; 512]).await;
    client.published().await;
    node.connected(2).await;
    client.send(Command::NetworkChanged(Network::default())).await;
    connectivity(&mut client, "subscribed again", |now| now.subscribed && now.gap).await;
    client.publish(2, vec![2; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    node.connected(2).await;
}

#[tokio::test]
async fn closing_answers_what_is_open() {
    let (address, _) = trap(true).await;
    let mut client = Client::start(single(&address));
    client.publish(1, vec![1; 512]).await;
    let query = Command::Query {
        id: 2,
        circle: Circle::Receive,
        topics: vec![TOPIC.into()],
        start_ns: 0,
        end_ns: Some(1),
        newest_first: false,
        most_bytes: None,
    };
    client.send(query).await;
    client.send(Command::Close).await;
    let (mut published, mut failed) = (0, 0);
    client
        .until("closed", |event| {
            match event {
                Event::Published(Published { outcome: PublishOutcome::Failed(FailReason::Closing), .. }) => {
                    published += 1
                }
                Event::QueryFailed { id: 2, reason: FailReason::Closing } => failed += 1,
                Event::Closed => return Some(()),
                _ => {}
            }
            None
        })
        .await;
    assert_eq!((published, failed), (1, 1));
    assert_eq!(soon("the end", client.events.recv()).await, None);
}

#[test]
fn starts_outside_a_runtime_and_runs_on_one_thread() {
    let (handle, future) = client::start(net_config(&[])).unwrap();
    let NetHandle { commands, mut events } = handle;
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
    });
    commands.blocking_send(Command::Close).unwrap();
    assert_eq!(events.blocking_recv(), Some(Event::Closed));
    thread.join().unwrap();
}

#[test]
fn bad_addresses_are_told_at_once() {
    for bad in ["x", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1"] {
        let error = client::start(net_config(&[bad])).err().unwrap();
        assert!(!error.to_string().contains("127"), "{error}");
    }
}
