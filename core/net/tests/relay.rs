//! Relay mode: a relaying phone receives by gossip, publishes by lightpush, and serves its neighbours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use sotto_net::service::{self, ArchivePage, ArchiveRequest};
use sotto_net::{
    Circle, Command, Connectivity, Event, Network, NodeEvent, NodeKey, PublishOutcome, Published, Purpose,
};
use support::{Client, Node, TOPIC, net_config, node_config, single, soon};

/// Two relays without filter: their messages come by gossip.
async fn deaf_to_filters() -> (Node, Node) {
    let mut config = node_config();
    config.limits.subscribers = 0;
    let mut a = Node::start(config.clone()).await;
    config.peers = vec![a.tcp().to_owned()];
    let mut b = Node::start(config).await;
    a.relays(1).await;
    b.relays(1).await;
    (a, b)
}

async fn connectivity(client: &mut Client, what: &str, wanted: impl Fn(&Connectivity) -> bool) {
    client.until(what, |event| matches!(event, Event::Connectivity(now) if wanted(&now)).then_some(())).await;
}

async fn heard(client: &mut Client, payload: u8) -> u64 {
    client
        .until("a message", |event| match event {
            Event::Message(one) if one.payload == [payload; 512] => {
                assert!(one.live && one.topic == TOPIC);
                Some(one.node)
            }
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_relay_hears_without_a_filter_and_publishes_by_lightpush() {
    let (a, b) = deaf_to_filters().await;
    let mut config = net_config(&[a.tcp(), b.tcp()]);
    config.timing.redial = Duration::from_millis(50);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.send(Command::Relay(true)).await;
    connectivity(&mut client, "a mesh", |now| now.subscribed && now.relay_peers == 1).await;
    // The relay knows only the receive circle's node; the other node learns of it by gossip.
    let other = Client::start(single(b.tcp()));
    other.publish(1, vec![7; 512]).await;
    let relay = heard(&mut client, 7).await;
    client.publish(2, vec![8; 512]).await;
    let (outcome, taker, _) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    assert!(taker.unwrap() < 2, "the publish circle's node took it");
    assert_eq!(heard(&mut client, 8).await, relay, "and gossip brought it");
}

#[tokio::test]
async fn light_again_means_a_filter_and_a_gap() {
    let mut a = Node::start(node_config()).await;
    let mut client = Client::start(single(a.tcp()));
    client.subscribe(&[TOPIC]).await;
    client.send(Command::Relay(true)).await;
    connectivity(&mut client, "a mesh", |now| now.relay_peers == 1).await;
    a.relays(1).await;
    // With one relay peer a filter node is kept as long as a conversation is on screen.
    client.send(Command::Foreground(true)).await;
    connectivity(&mut client, "a filter node", |now| now.receive_nodes == 1).await;
    client.send(Command::Foreground(false)).await;
    connectivity(&mut client, "no filter node", |now| now.receive_nodes == 0).await;
    client.send(Command::Relay(false)).await;
    connectivity(&mut client, "a filter instead", |now| {
        now.subscribed && now.gap && now.relay_peers == 0 && now.receive_nodes == 1
    })
    .await;
}

#[tokio::test]
async fn a_relaying_phone_serves_its_neighbours() {
    let mut a = Node::start(node_config()).await;
    let mut config = single(a.tcp());
    config.listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    let mut phone = Client::start(config);
    phone.subscribe(&[TOPIC]).await;
    phone.send(Command::Relay(true)).await;
    let serving = |event| match event {
        Event::Serving { addresses } => Some(addresses),
        _ => None,
    };
    let addresses = phone.until("an address", serving).await;
    a.relays(1).await;
    let mut neighbour = Client::start(single(&addresses[0]));
    neighbour.subscribe(&[TOPIC]).await;
    neighbour.subscribed().await;
    neighbour.publish(1, vec![5; 512]).await;
    let (outcome, ..) = neighbour.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    heard(&mut neighbour, 5).await;
    heard(&mut phone, 5).await;
    phone.send(Command::Relay(false)).await;
    assert!(phone.until("an end", serving).await.is_empty());
    connectivity(&mut neighbour, "loss", |now| !now.subscribed).await;
}

/// A phone whose engine does not run keeps few large messages, and reports that others were lost.
#[tokio::test]
async fn what_waits_for_the_engine_is_bounded_by_bytes() {
    const LARGE: usize = 140_000;
    const MANY: usize = 40;
    let mut a = Node::start(node_config()).await;
    let config = single(a.tcp());
    let traffic = Arc::clone(&config.traffic);
    let mut phone = Client::start(config);
    phone.subscribe(&[TOPIC]).await;
    phone.send(Command::Relay(true)).await;
    connectivity(&mut phone, "a mesh", |now| now.relay_peers == 1).await;
    a.relays(1).await;
    let mut other = Client::start(single(a.tcp()));
    let before = traffic.read_bytes();
    for number in 0..MANY {
        other.publish(number as u64, vec![number as u8; LARGE]).await;
        let (outcome, ..) = other.published().await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    }
    let all = async {
        while traffic.read_bytes() - before < (MANY * LARGE) as u64 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("all messages at the phone", all).await;
    let mut bytes = 0;
    phone
        .until("a gap", |event| match event {
            Event::Message(one) => {
                bytes += one.payload.len();
                None
            }
            Event::Connectivity(now) => now.gap.then_some(()),
            _ => None,
        })
        .await;
    assert!((LARGE..3 << 20).contains(&bytes), "{bytes}");
}

/// The port is taken: the phone relays without serving, and serves when the port is free, without an earlier
/// interruption.
#[tokio::test]
async fn a_port_that_was_taken_is_tried_again() {
    let a = Node::start(node_config()).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut config = single(a.tcp());
    config.listen = vec![format!("/ip4/127.0.0.1/tcp/{port}")];
    let mut phone = Client::start(config);
    phone.subscribe(&[TOPIC]).await;
    phone.send(Command::Relay(true)).await;
    connectivity(&mut phone, "a mesh", |now| now.relay_peers == 1).await;
    // Some failed tries.
    tokio::time::sleep(Duration::from_millis(500)).await;
    while let Ok(event) = phone.events.try_recv() {
        assert!(!matches!(event, Event::Serving { .. }), "{event:?}");
        assert!(!matches!(event, Event::Connectivity(now) if now.relay_peers == 0));
    }
    drop(taken);
    let addresses = phone
        .until("an address", |event| match event {
            Event::Serving { addresses } => Some(addresses),
            _ => None,
        })
        .await;
    assert!(addresses[0].contains(&format!("/tcp/{port}/")), "{addresses:?}");
    connectivity(&mut phone, "a mesh again", |now| now.relay_peers == 1).await;
}

/// A switch ends a filter connection together with pushes in flight: a store must be asked, in both directions.
#[tokio::test]
async fn taking_over_leaves_a_gap_to_be_filled() {
    let (mut a, mut b) = support::pair().await;
    let mut config = net_config(&[a.tcp(), b.tcp()]);
    config.single_circle = true;
    let mut client = Client::start(config);
    client.send(Command::Foreground(true)).await;
    client.subscribe(&[TOPIC]).await;
    connectivity(&mut client, "two filters", |now| now.subscribed && now.receive_nodes == 2).await;
    client.send(Command::Relay(true)).await;
    connectivity(&mut client, "a gap with a mesh", |now| now.gap && now.subscribed && now.relay_peers > 0).await;
    a.relays(2).await;
    b.relays(2).await;
    client.send(Command::Relay(false)).await;
    connectivity(&mut client, "a gap with filters", |now| now.gap && now.subscribed && now.relay_peers == 0).await;
}

/// A store is slow; meanwhile the relay replaces the filter at the same node.
#[tokio::test]
async fn taking_over_waits_for_the_answer_of_a_store() {
    let (mut node, run) = service::start(node_config(), NodeKey::generate()).unwrap();
    let run = tokio::spawn(run);
    let Some(NodeEvent::Listening(addresses)) = node.events.recv().await else {
        panic!("does not listen");
    };
    let mut client = Client::start(single(&addresses[0]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client
        .send(Command::Query {
            id: 1,
            circle: Circle::Receive,
            topics: vec![TOPIC.into()],
            start_ns: 0,
            end_ns: Some(support::now_ns()),
            newest_first: false,
            most_bytes: None,
        })
        .await;
    let asked = soon("a question", async {
        loop {
            match node.archive.recv().await.unwrap() {
                ArchiveRequest::Query { reply, .. } => break reply,
                ArchiveRequest::Put(_) => {}
            }
        }
    })
    .await;
    client.send(Command::Relay(true)).await;
    let mut asked = Some(asked);
    client
        .until("the page, after the mesh", |event| match event {
            Event::Connectivity(now) if now.relay_peers == 1 => {
                let answer = ArchivePage { messages: vec![support::archived(vec![1], 1)], more: false };
                if let Some(reply) = asked.take() {
                    let _ = reply.send(Ok(answer));
                }
                None
            }
            Event::Page { messages, last, .. } => {
                assert!(asked.is_none() && last && messages.len() == 1);
                Some(())
            }
            Event::QueryFailed { reason, .. } => panic!("{reason:?}"),
            _ => None,
        })
        .await;
    connectivity(&mut client, "no filter node", |now| now.receive_nodes == 0).await;
    run.abort();
}

/// Whatever replaces what, and however the network changes, each publish ends once, with success.
#[tokio::test]
async fn publishes_outlive_every_change_of_mode() {
    const ALL: u64 = 40;
    let (a, b) = support::pair().await;
    let mut config = net_config(&[a.tcp(), b.tcp()]);
    config.timing.reach = support::PATIENCE;
    config.timing.request = support::PATIENCE;
    config.timing.redial = Duration::from_millis(50);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let commands = client.commands.clone();
    let feed = tokio::spawn(async move {
        for id in 0..ALL {
            let publish = Command::Publish {
                id,
                topic: TOPIC.into(),
                payload: vec![id as u8; 512],
                timestamp_ns: support::now_ns(),
                other_ns: None,
                purpose: Purpose::Probe(Vec::new()),
                spread: None,
            };
            commands.send(publish).await.unwrap();
            let change = match id % 8 {
                0 => Command::Relay(true),
                4 => Command::Relay(false),
                6 => Command::NetworkChanged(Network::default()),
                _ => continue,
            };
            commands.send(change).await.unwrap();
            tokio::time::sleep(Duration::from_millis(id % 5 * 20)).await;
        }
    });
    let mut ended = Vec::new();
    client
        .until("all ends", |event| {
            if let Event::Published(Published { id, outcome, .. }) = event {
                assert!(matches!(outcome, PublishOutcome::Relayed { .. }), "{outcome:?}");
                ended.push(id);
            }
            (ended.len() as u64 == ALL).then_some(())
        })
        .await;
    feed.await.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, (0..ALL).collect::<Vec<_>>());
}
