//! The cost of a message on the wire: TCP payload, both directions, measured at the client's sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use sotto_net::{Circle, Command, Event, Traffic};
use support::{Client, Node, TOPIC, alone, now_ns, single};

fn total(traffic: &Traffic) -> u64 {
    traffic.read_bytes() + traffic.written_bytes()
}

/// Bytes so far, after nothing has moved for a while.
async fn settled(traffic: &Traffic) -> u64 {
    let mut before = total(traffic);
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = total(traffic);
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn bytes_of_a_push_and_of_a_publish() {
    let node = Node::start(alone()).await;
    let config = single(node.tcp());
    let hearing = Arc::clone(&config.traffic);
    let mut hearer = Client::start(config);
    let config = single(node.tcp());
    let sending = Arc::clone(&config.traffic);
    let mut sender = Client::start(config);
    hearer.subscribe(&[TOPIC]).await;
    hearer.subscribed().await;
    println!("connect and subscribe: {} B", settled(&hearing).await);
    let mut bounds = [(512, 1100, 900), (512, 1100, 700), (2048, 2700, 2300)].into_iter();
    for (index, len) in [512, 512, 2048].into_iter().enumerate() {
        let before = (settled(&sending).await, settled(&hearing).await);
        sender.publish(index as u64, vec![index as u8 + 1; len]).await;
        sender.published().await;
        let pushed = |event| matches!(event, Event::Message(_)).then_some(());
        hearer.until("a push", pushed).await;
        let publish = settled(&sending).await - before.0;
        let push = settled(&hearing).await - before.1;
        println!("{len} B payload: publish {publish} B, push {push} B");
        let (_, publish_bound, push_bound) = bounds.next().unwrap();
        // The first publish connects.
        assert!(index == 0 || publish <= publish_bound, "{publish}");
        assert!(push <= push_bound, "{push}");
    }
}

/// The cost of 15 quiet minutes: a connection and one query. A phone in relay mode pays it, and a light one whose store
/// is not its filter node.
#[tokio::test]
async fn bytes_of_a_question_over_a_connection_of_its_own() {
    let node = Node::start(alone()).await;
    let config = single(node.tcp());
    let traffic = Arc::clone(&config.traffic);
    let mut client = Client::start(config);
    let mut before = settled(&traffic).await;
    for (id, bound) in [(1, 3500), (2, 700)] {
        let query = Command::Query {
            id,
            circle: Circle::Other,
            topics: vec![TOPIC.into()],
            start_ns: now_ns() - 900_000_000_000,
            end_ns: Some(now_ns()),
            newest_first: false,
            most_bytes: None,
        };
        client.send(query).await;
        let answered = |event| matches!(event, Event::Page { last: true, .. }).then_some(());
        client.until("the last page", answered).await;
        let now = settled(&traffic).await;
        println!("question {id}: {} B", now - before);
        assert!(now - before <= bound, "{}", now - before);
        before = now;
    }
}
