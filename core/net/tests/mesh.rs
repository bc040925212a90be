//! Two nodes in one mesh, and a light client that publishes to one and receives from the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use sotto_net::{Command, Event, FailReason, KnownNode, PublishOutcome, Published, Purpose, Source};
use support::{Client, Node, TOPIC, net_config, node_config};

#[tokio::test]
async fn what_one_node_takes_another_pushes() {
    let (a, b) = support::pair().await;
    let mut client = Client::start(net_config(&[a.tcp(), b.tcp()]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![7; 512]).await;
    let (mut taker, mut pushed) = (None, None);
    client
        .until("published and pushed", |event| {
            match event {
                Event::Published(Published { id: 1, outcome, node, hash, .. }) => {
                    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
                    taker = Some((node.unwrap(), hash));
                }
                Event::Message(message) => pushed = Some(message),
                _ => {}
            }
            (taker.is_some() && pushed.is_some()).then_some(())
        })
        .await;
    let ((taker, hash), pushed) = (taker.unwrap(), pushed.unwrap());
    assert_ne!(taker, pushed.node, "the circles share no node");
    assert_eq!((pushed.hash, pushed.live), (hash, true));
    assert_eq!((pushed.topic.as_str(), pushed.payload.len()), (TOPIC, 512));

    // The publish circle has it; it lacks hashes that nobody published.
    let hashes = vec![hash, [9; 32]];
    let not = None;
    client.send(Command::Check { id: 2, hashes, not }).await;
    let present = client.until("checked", checked(2)).await;
    assert_eq!(present, Ok((taker, vec![hash])));

    // Only the accepting node could answer: no answer is better than a worthless one.
    let (hashes, not) = (vec![hash], Some(taker));
    client.send(Command::Check { id: 3, hashes, not }).await;
    let present = client.until("checked", checked(3)).await;
    assert_eq!(present, Err(FailReason::NoOther));
}

/// Both nodes served the receive circle before: nothing is published to either, and the client reports it.
#[tokio::test]
async fn an_empty_circle_is_not_filled_by_the_other() {
    let (a, b) = support::pair().await;
    let mut config = net_config(&[a.tcp(), b.tcp()]);
    let known = |address: &str| KnownNode {
        peer: address.rsplit('/').next().unwrap().to_owned(),
        addresses: Vec::new(),
        source: Source::Static,
        circle: 1,
        successes: 1,
        failures: 0,
        answered_s: 1,
    };
    config.book = vec![known(a.tcp()), known(b.tcp())];
    let mut client = Client::start(config);
    client.send(Command::Foreground(true)).await;
    client.subscribe(&[TOPIC]).await;
    client
        .until("both hear, and nobody takes", |event| match event {
            Event::Connectivity(now) => {
                assert_eq!(now.publish_nodes, 0);
                (now.receive_nodes == 2).then_some(())
            }
            _ => None,
        })
        .await;
    client.publish(1, vec![7; 512]).await;
    let (outcome, node, _) = client.published().await;
    assert_eq!((outcome, node), (PublishOutcome::Failed(FailReason::NoNode), None));
}

#[tokio::test]
async fn on_screen_two_nodes_push_and_one_message_comes() {
    let (a, b) = support::pair().await;
    let mut config = net_config(&[a.tcp(), b.tcp()]);
    config.single_circle = true;
    let mut client = Client::start(config);
    client.send(Command::Foreground(true)).await;
    client.subscribe(&[TOPIC]).await;
    let both = |event| match event {
        Event::Connectivity(now) => (now.subscribed && now.receive_nodes == 2).then_some(()),
        _ => None,
    };
    client.until("two filter nodes", both).await;
    let publish = |id, not| Command::Publish {
        id,
        topic: TOPIC.into(),
        payload: vec![id as u8; 512],
        timestamp_ns: support::now_ns(),
        other_ns: None,
        purpose: Purpose::Probe(not),
        spread: None,
    };
    // Each through another node than the last one.
    let (mut takers, mut heard) = (Vec::new(), Vec::new());
    client.send(publish(0, Vec::new())).await;
    while takers.len() < 6 || heard.len() < 6 {
        let event = support::soon("an event", client.events.recv()).await;
        match event.unwrap() {
            Event::Published(Published { node, outcome, .. }) => {
                assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
                takers.push(node.unwrap());
                if takers.len() < 6 {
                    let not = node.into_iter().collect();
                    client.send(publish(takers.len() as u64, not)).await;
                }
            }
            Event::Message(message) => heard.push(message.payload[0]),
            _ => {}
        }
    }
    assert!(takers.windows(2).all(|pair| pair[0] != pair[1]), "{takers:?}");
    assert_eq!(heard, [0, 1, 2, 3, 4, 5]);
    // One node stops: the other still pushes, and the client reports a gap.
    a.stop().await;
    let gap = |event| match event {
        Event::Connectivity(now) => now.gap.then_some(now.subscribed),
        _ => None,
    };
    assert!(client.until("a gap", gap).await);
}

type Checked = Result<(u64, Vec<[u8; 32]>), FailReason>;

fn checked(wanted: u64) -> impl FnMut(Event) -> Option<Checked> {
    move |event| match event {
        Event::Checked { id, node, present } if id == wanted => Some(Ok((node, present))),
        Event::CheckFailed { id, reason } if id == wanted => Some(Err(reason)),
        _ => None,
    }
}

#[tokio::test]
async fn a_node_without_relay_peers_refuses() {
    let node = Node::start(node_config()).await;
    let mut client = Client::start(support::single(node.tcp()));
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Failed(FailReason::NoRelayPeers));
}

#[tokio::test]
async fn a_node_alone_in_its_network_takes_pushes_and_knows_repeats() {
    let node = Node::start(support::alone()).await;
    // Over WebSocket this time.
    let mut client = Client::start(support::single(&node.addresses[1]));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let publish = |id| Command::Publish {
        id,
        topic: TOPIC.into(),
        payload: vec![3; 512],
        timestamp_ns: 1_700_000_000_000_000_000,
        other_ns: None,
        purpose: Purpose::Probe(Vec::new()),
        spread: None,
    };
    client.send(publish(1)).await;
    let mut pushes = 0;
    let mut outcomes = Vec::new();
    let count = |event: Event, pushes: &mut u32, outcomes: &mut Vec<PublishOutcome>| match event {
        Event::Message(_) => *pushes += 1,
        Event::Published(Published { outcome, .. }) => outcomes.push(outcome),
        _ => {}
    };
    client
        .until("first", |event| {
            count(event, &mut pushes, &mut outcomes);
            (pushes == 1 && outcomes.len() == 1).then_some(())
        })
        .await;
    client.send(publish(2)).await;
    client
        .until("second", |event| {
            count(event, &mut pushes, &mut outcomes);
            (outcomes.len() == 2).then_some(())
        })
        .await;
    client.send(Command::Close).await;
    client
        .until("closed", |event| {
            let closed = event == Event::Closed;
            count(event, &mut pushes, &mut outcomes);
            closed.then_some(())
        })
        .await;
    assert_eq!(outcomes, vec![PublishOutcome::Relayed { peers: 1 }; 2]);
    assert_eq!(pushes, 1, "one message, one push");
}

#[tokio::test]
async fn what_is_too_large_is_refused_without_asking() {
    let mut client = Client::start(net_config(&[]));
    client.publish(1, vec![1; 200 * 1024]).await;
    let (outcome, node, _) = client.published().await;
    assert_eq!((outcome, node), (PublishOutcome::Refused, None));
    client.publish(2, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Failed(FailReason::NoNode));
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order_of_asking() {
    const BURST: u64 = 600;
    let (a, b) = support::pair().await;
    let mut sender = Client::start(support::single(a.tcp()));
    let mut hearer = Client::start(support::single(b.tcp()));
    hearer.subscribe(&[TOPIC]).await;
    hearer.subscribed().await;
    let before = std::time::Instant::now();
    let commands = sender.commands.clone();
    let feed = tokio::spawn(async move {
        for id in 0..BURST {
            let command = Command::Publish {
                id,
                topic: TOPIC.into(),
                payload: [id.to_be_bytes().as_slice(), &[0; 504]].concat(),
                timestamp_ns: support::now_ns(),
                other_ns: None,
                purpose: Purpose::Probe(Vec::new()),
                spread: None,
            };
            commands.send(command).await.unwrap();
        }
    });
    let mut taken = 0;
    sender
        .until("all published", |event| {
            if let Event::Published(Published { outcome, .. }) = event {
                assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
                taken += 1;
            }
            (taken == BURST).then_some(())
        })
        .await;
    feed.await.unwrap();
    // The receiver has read nothing so far: messages that do not fit its channel wait at the node.
    let mut heard = Vec::new();
    hearer
        .until("all heard", |event| {
            match event {
                Event::Message(one) => heard.push(one.payload[..8].to_vec()),
                Event::Connectivity(now) => assert!(!now.gap),
                _ => {}
            }
            (heard.len() as u64 == BURST).then_some(())
        })
        .await;
    println!("{BURST} messages through two nodes in {:?}", before.elapsed());
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len() as u64, BURST);
}
