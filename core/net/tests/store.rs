//! Store queries: pages in both directions, connections of their own, lying stores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sotto_net::{Circle, Command, Event, FailReason, KnownNode, NetConfig, NodeKey, Received, Source};
use sotto_wire::waku::{
    self, Message as _, StoreQueryRequest, StoreQueryResponse, WakuMessage, WakuMessageKeyValue, message_hash, protocol,
};
use support::peer::{Muxer, Peer, Script};
use support::{Archive, Client, Node, PUBSUB, TOPIC, alone, archived, net_config, single};

const START: i64 = 1_700_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn query(id: u64, circle: Circle, newest_first: bool) -> Command {
    Command::Query {
        id,
        circle,
        topics: vec![TOPIC.into()],
        start_ns: START,
        end_ns: Some(START + 1000 * SECOND),
        newest_first,
        most_bytes: None,
    }
}

/// All pages of a query, and the reason if it failed.
async fn pages(client: &mut Client, wanted: u64) -> (Vec<Vec<Received>>, Option<FailReason>) {
    let mut pages = Vec::new();
    let failed = client
        .until("the end of a query", |event| match event {
            Event::Page { id, messages, last, .. } if id == wanted => {
                pages.push(messages);
                last.then_some(None)
            }
            Event::QueryFailed { id, reason } if id == wanted => Some(Some(reason)),
            _ => None,
        })
        .await;
    (pages, failed)
}

/// 300 messages, three to a second, each with its number.
fn full() -> Archive {
    let mut archive = Archive::default();
    for number in 0..300u32 {
        let time = START + i64::from(number / 3) * SECOND;
        archive.put(archived(number.to_be_bytes().to_vec(), time));
    }
    archive
}

fn numbers(messages: &[Received]) -> Vec<u32> {
    let number = |one: &Received| u32::from_be_bytes(one.payload.as_slice().try_into().unwrap());
    let mut numbers: Vec<u32> = messages.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn three_hundred_messages_in_both_directions() {
    let node = Node::start_with(alone(), NodeKey::generate(), full()).await;
    let mut client = Client::start(single(node.tcp()));
    client.send(query(1, Circle::Receive, false)).await;
    let (forward, failed) = pages(&mut client, 1).await;
    assert_eq!(failed, None);
    assert_eq!(forward.iter().map(Vec::len).collect::<Vec<_>>(), [100; 3]);
    client.send(query(2, Circle::Other, true)).await;
    let (backward, failed) = pages(&mut client, 2).await;
    assert_eq!(failed, None);
    assert_eq!(backward.iter().map(Vec::len).collect::<Vec<_>>(), [100; 3]);
    for page in forward.iter().chain(&backward) {
        assert!(page.iter().map(|one| one.timestamp_ns).is_sorted());
        assert!(page.iter().all(|one| !one.live && one.topic == TOPIC));
    }
    let edge = |page: &Vec<Received>| page.first().unwrap().timestamp_ns;
    assert!(forward.iter().map(edge).is_sorted());
    assert!(backward.iter().rev().map(edge).is_sorted());
    let all: Vec<u32> = (0..300).collect();
    assert_eq!(numbers(&forward.concat()), all);
    assert_eq!(numbers(&backward.concat()), all);
}

#[tokio::test]
async fn an_empty_range_is_one_empty_last_page() {
    let node = Node::start(alone()).await;
    let mut client = Client::start(single(node.tcp()));
    client.send(query(1, Circle::Receive, false)).await;
    assert_eq!(pages(&mut client, 1).await, (vec![vec![]], None));
}

fn reply(messages: Vec<WakuMessageKeyValue>, cursor: Option<Vec<u8>>) -> Vec<u8> {
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some(String::new()),
        status_code: Some(200),
        status_desc: Some("OK".into()),
        messages,
        pagination_cursor: cursor,
    })
}

fn entry(payload: u8, time: i64) -> WakuMessageKeyValue {
    let message = WakuMessage::new(TOPIC.into(), vec![payload], time);
    WakuMessageKeyValue {
        message_hash: Some(message_hash(PUBSUB, &message).to_vec()),
        message: Some(message),
        pubsub_topic: Some(PUBSUB.into()),
    }
}

async fn store(script: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> (Peer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let script: Script = Arc::new(move |_, _| script(count.fetch_add(1, Ordering::SeqCst)));
    let peer = Peer::start(Muxer::Yamux, vec![(protocol::STORE, script)]).await;
    (peer, asked)
}

#[tokio::test]
async fn lies_are_no_pages() {
    let wrong_hash = || WakuMessageKeyValue { message_hash: Some(vec![1; 32]), ..entry(1, START) };
    let other_topic = || {
        let message = WakuMessage::new("/sotto/1/h00-0001/proto".into(), vec![1], START);
        WakuMessageKeyValue {
            message_hash: Some(message_hash(PUBSUB, &message).to_vec()),
            message: Some(message),
            pubsub_topic: None,
        }
    };
    type Lie = Box<dyn Fn(usize) -> Vec<u8> + Send + Sync>;
    let lies: Vec<(&str, Lie)> = vec![
        ("hash", Box::new(move |_| reply(vec![wrong_hash()], None))),
        ("topic", Box::new(move |_| reply(vec![other_topic()], None))),
        ("time", Box::new(|_| reply(vec![entry(1, START - 1)], None))),
        ("order", Box::new(|_| reply(vec![entry(1, START + 2), entry(2, START + 1)], None))),
        ("data", Box::new(|_| reply(vec![WakuMessageKeyValue { message: None, ..entry(1, START) }], None))),
        ("cursor", Box::new(|_| reply(vec![entry(1, START)], Some(vec![1; 31])))),
        ("length", Box::new(|_| reply((0..101).map(|n| entry(n, START)).collect(), None))),
    ];
    for (what, lie) in lies {
        let (peer, _) = store(lie).await;
        let mut client = Client::start(single(&peer.address));
        client.send(query(1, Circle::Receive, false)).await;
        let got = pages(&mut client, 1).await;
        assert_eq!(got, (vec![], Some(FailReason::Lied)), "{what}");
    }
}

#[tokio::test]
async fn endless_cursors_end() {
    // The same page again and again with a new cursor.
    let again = |count: usize| reply(vec![entry(1, START)], Some(vec![count as u8; 32]));
    let (peer, asked) = store(again).await;
    let mut client = Client::start(single(&peer.address));
    client.send(query(1, Circle::Receive, false)).await;
    let (pages, failed) = pages(&mut client, 1).await;
    assert_eq!((pages.len(), failed), (1, Some(FailReason::Lied)));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

fn too_many() -> Vec<u8> {
    waku::encode_framed(&StoreQueryResponse {
        request_id: Some("N/A".into()),
        status_code: Some(429),
        status_desc: Some("too many requests".into()),
        ..StoreQueryResponse::default()
    })
}

/// 429 between two pages: the same page is asked for again, from the same cursor.
#[tokio::test]
async fn a_store_with_too_much_to_do_between_two_pages_is_waited_for() {
    let (peer, asked) = store(|count| match count {
        0 => reply(vec![entry(1, START)], Some(vec![7; 32])),
        1..=4 => too_many(),
        _ => reply(vec![entry(2, START + 1)], None),
    })
    .await;
    let mut config = single(&peer.address);
    config.timing.busy = Duration::from_millis(20);
    let mut client = Client::start(config);
    client.send(query(1, Circle::Receive, false)).await;
    let (pages, failed) = pages(&mut client, 1).await;
    assert_eq!((pages.len(), pages.concat().len(), failed), (2, 2, None));
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

/// Endless 429 between two pages: after a few retries the query ends.
#[tokio::test]
async fn a_store_with_too_much_to_do_for_ever_ends_the_query() {
    let (peer, asked) = store(|count| match count {
        0 => reply(vec![entry(1, START)], Some(vec![7; 32])),
        _ => too_many(),
    })
    .await;
    for (id, circle) in [(1, Circle::Receive), (2, Circle::Alone)] {
        asked.store(0, Ordering::SeqCst);
        let mut config = single(&peer.address);
        config.timing.busy = Duration::from_millis(20);
        let mut client = Client::start(config);
        client.send(query(id, circle, false)).await;
        let (pages, failed) = pages(&mut client, id).await;
        assert_eq!((pages.len(), failed), (1, Some(FailReason::Busy)));
        assert_eq!(asked.load(Ordering::SeqCst), 7);
    }
}

#[tokio::test]
async fn a_liar_is_replaced_and_then_avoided() {
    let (liar, asked) = store(|_| reply(vec![entry(1, START - 1)], None)).await;
    let (honest, _) = store(|_| reply(vec![entry(1, START)], None)).await;
    let mut config: NetConfig = net_config(&[&liar.address, &honest.address]);
    config.single_circle = true;
    let mut client = Client::start(config);
    for id in 0..20 {
        client.send(query(id, Circle::Receive, false)).await;
        let (pages, failed) = pages(&mut client, id).await;
        assert_eq!((pages.concat().len(), failed), (1, None));
    }
    assert!(asked.load(Ordering::SeqCst) <= 1, "asked again after it lied");
}

#[tokio::test]
async fn a_query_alone_shows_a_key_of_its_own() {
    let (mut peer, _) = store(|_| reply(vec![entry(1, START)], None)).await;
    let mut client = Client::start(single(&peer.address));
    let circles = [Circle::Receive, Circle::Alone, Circle::Receive, Circle::Alone];
    for (id, circle) in circles.into_iter().enumerate() {
        client.send(query(id as u64, circle, true)).await;
        let (pages, failed) = pages(&mut client, id as u64).await;
        assert_eq!((pages.concat().len(), failed), (1, None));
    }
    // The receive circle's connection served twice; each of the other queries came with a new key.
    let mut met = Vec::new();
    while let Ok(id) = peer.met.try_recv() {
        met.push(id);
    }
    assert_eq!(met.len(), 3);
    met.sort_unstable();
    met.dedup();
    assert_eq!(met.len(), 3);
}

#[tokio::test]
async fn what_a_store_is_asked() {
    let (sender, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let script: Script = Arc::new(move |_, body| {
        sender.send(StoreQueryRequest::decode(body.as_slice()).unwrap()).unwrap();
        reply(vec![], None)
    });
    let peer = Peer::start(Muxer::Yamux, vec![(protocol::STORE, script)]).await;
    let mut client = Client::start(single(&peer.address));
    client.send(query(1, Circle::Receive, true)).await;
    pages(&mut client, 1).await;
    let request = asked.recv().await.unwrap();
    assert_eq!(request.pubsub_topic.as_deref(), Some(PUBSUB));
    assert_eq!(request.content_topics, [TOPIC]);
    assert_eq!(request.time_start, Some(START));
    assert_eq!(request.pagination_forward, Some(false));
    // By hash: only hashes, without data.
    let (hashes, not) = (vec![[5; 32]], None);
    client.send(Command::Check { id: 2, hashes, not }).await;
    let request = asked.recv().await.unwrap();
    assert_eq!(request.message_hashes, [vec![5; 32]]);
    assert_eq!(request.include_data, Some(false));
    assert_eq!((request.pubsub_topic, request.time_start), (None, None));
}

/// The filter node has no store; a page comes from a node that was not connected.
#[tokio::test]
async fn a_store_is_reached_that_no_connected_node_has() {
    let mut config = alone();
    config.store = false;
    let near = Node::start(config).await;
    let (mut far, _) = store(|_| reply(vec![entry(1, START)], None)).await;
    let known = |address: &str, failures| KnownNode {
        peer: address.rsplit('/').next().unwrap().to_owned(),
        addresses: Vec::new(),
        source: Source::Static,
        circle: 1,
        successes: 0,
        failures,
        answered_s: 0,
    };
    let mut config = net_config(&[near.tcp(), &far.address]);
    // Both are of the receive circle. The one with the store was unreachable lately, so it is not the first choice.
    config.book = vec![known(near.tcp(), 0), known(&far.address, 3)];
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    client
        .until("a store to ask", |event| {
            matches!(event, Event::Connectivity(now) if now.subscribed && now.store).then_some(())
        })
        .await;
    assert!(far.met.try_recv().is_err(), "nobody needed it so far");
    client.send(query(1, Circle::Receive, false)).await;
    let (pages, failed) = pages(&mut client, 1).await;
    assert_eq!((pages.concat().len(), failed), (1, None));
}

/// If no known node has a store, the client reports that and searches for one, although it knows enough other nodes.
#[tokio::test]
async fn a_store_is_searched_where_no_known_node_has_one() {
    let mut archive = Archive::default();
    archive.put(archived(vec![1], START));
    let key = NodeKey::generate();
    let bytes = key.to_bytes();
    let far = Node::start_with(alone(), key, archive).await;
    let port = far.tcp().split('/').nth(4).unwrap().parse().unwrap();
    let mut config = alone();
    config.store = false;
    config.records = vec![support::tree::record(&bytes, port)];
    let near = Node::start(config).await;
    let mut client = Client::start(single(near.tcp()));
    client.subscribe(&[TOPIC]).await;
    client
        .until("a store to ask", |event| {
            matches!(event, Event::Connectivity(now) if now.subscribed && now.store).then_some(())
        })
        .await;
    client.send(query(1, Circle::Receive, false)).await;
    let (found, failed) = pages(&mut client, 1).await;
    assert_eq!((found.concat().len(), failed), (1, None));

    // Without a node that names one there is none.
    let mut config = alone();
    config.store = false;
    let lonely = Node::start(config).await;
    let mut client = Client::start(single(lonely.tcp()));
    client.subscribe(&[TOPIC]).await;
    client
        .until("no store", |event| {
            matches!(event, Event::Connectivity(now) if now.subscribed && !now.store).then_some(())
        })
        .await;
    client.send(query(1, Circle::Receive, false)).await;
    assert_eq!(pages(&mut client, 1).await.1, Some(FailReason::NoNode));
}
