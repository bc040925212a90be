//! Files over real sockets: uploads, file queries, stops, and messages meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sotto_net::service::{Archived, Request};
use sotto_net::{
    Circle, Command, Event, FailReason, NetConfig, NodeConfig, NodeKey, NodeNumber, PublishOutcome, Published, Purpose,
    Received,
};
use sotto_wire::waku::{
    self, LightPushRequest, Message as _, PushResponse, PushRpc, StoreQueryRequest, WakuMessage, WakuMetadata, protocol,
};
use support::bad::{Bad, BadNode};
use support::peer::{Muxer, Peer, Script};
use support::{Archive, Client, Node, PUBSUB, TOPIC, alone, archived, net_config, now_ns, single, soon};
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// A chunk's size on the wire.
const CHUNK: usize = 64 * 1024;
const MOST: usize = 16;

fn topic(file: u8) -> String {
    format!("/sotto/1/b00-{file:016x}/proto")
}

/// The chunks of a batch, each with its number.
fn chunks(file: u8, count: usize, size: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| [vec![file, number as u8], vec![0; size - 2]].concat()).collect()
}

fn upload(id: u64, file: u8, payloads: Vec<Vec<u8>>) -> Command {
    Command::Upload { id, topic: topic(file), payloads, timestamp_ns: now_ns(), not: Vec::new() }
}

fn download(id: u64, file: u8, start_ns: i64, most_bytes: usize) -> Command {
    let (topics, most_bytes) = (vec![topic(file)], Some(most_bytes));
    Command::Query { id, circle: Circle::Alone, topics, start_ns, end_ns: None, newest_first: false, most_bytes }
}

type Uploaded = (Option<NodeNumber>, Vec<bool>, Option<FailReason>);

async fn uploaded(client: &mut Client, wanted: u64) -> Uploaded {
    client
        .until("the end of an upload", |event| match event {
            Event::Uploaded { id, node, taken, failed } if id == wanted => Some((node, taken, failed)),
            _ => None,
        })
        .await
}

/// The pages of a file query, and whether the store has more.
async fn downloaded(client: &mut Client, wanted: u64) -> (Vec<Vec<Received>>, bool) {
    let mut pages = Vec::new();
    let more = client.until("the last page", |event| match event {
        Event::Page { id, messages, last, more } if id == wanted => {
            assert!(last || !more);
            pages.push(messages);
            last.then_some(more)
        }
        Event::QueryFailed { id, reason } if id == wanted => panic!("{reason:?}"),
        _ => None,
    });
    let more = more.await;
    (pages, more)
}

/// The chunks of a file that a node's store has, in order.
async fn stored(node: &Node, file: u8) -> Vec<Received> {
    let mut client = Client::start(single(node.tcp()));
    client.send(download(1, file, 0, usize::MAX)).await;
    downloaded(&mut client, 1).await.0.concat()
}

fn numbers(messages: &[Received]) -> BTreeSet<usize> {
    messages.iter().map(|one| usize::from(one.payload[1])).collect()
}

fn trues(taken: &[bool]) -> BTreeSet<usize> {
    taken.iter().enumerate().filter(|(_, taken)| **taken).map(|(number, _)| number).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Nothing comes through any more.
    Stall,
    /// Connections are closed.
    Cut,
}

/// A wire to a node.
struct Wire {
    address: String,
    mode: watch::Sender<Mode>,
    /// Connections of the client.
    open: watch::Receiver<usize>,
}

impl Wire {
    async fn to(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut address: Vec<&str> = node.split('/').collect();
        let to = format!("127.0.0.1:{}", address[4]);
        let ((mode, modes), (count, open)) = (watch::channel(Mode::Pass), watch::channel(0));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (to, mut modes, count) = (to.clone(), modes.clone(), count.clone());
                tokio::spawn(async move {
                    count.send_modify(|open| *open += 1);
                    let mut far = TcpStream::connect(to).await.unwrap();
                    let over = async { modes.wait_for(|mode| *mode != Mode::Pass).await.map(|mode| *mode) };
                    let mode = tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => Mode::Cut,
                        mode = over => mode.unwrap_or(Mode::Cut),
                    };
                    let mut bytes = [0; 4096];
                    while mode == Mode::Stall && near.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
                    drop((near, far));
                    count.send_modify(|open| *open -= 1);
                });
            }
        });
        address[4] = &port;
        Self { address: address.join("/"), mode, open }
    }

    async fn closed(&mut self) {
        soon("no connection", self.open.wait_for(|open| *open == 0)).await.unwrap();
    }
}

fn tapped(mut config: NodeConfig) -> (NodeConfig, mpsc::Receiver<Request>) {
    let (tap, requests) = mpsc::channel(1000);
    config.tap = Some(tap);
    (config, requests)
}

/// Waits for so many pushes.
async fn pushes(requests: &mut mpsc::Receiver<Request>, count: usize) {
    let mut seen = 0;
    while seen < count {
        let request = soon("a push", requests.recv()).await.unwrap();
        seen += usize::from(request.protocol == protocol::LIGHTPUSH_V3);
    }
}

#[tokio::test]
async fn a_batch_is_taken_whole_and_dated_in_order() {
    let node = Node::start(alone()).await;
    let mut client = Client::start(single(node.tcp()));
    let (payloads, timestamp_ns) = (chunks(1, MOST, CHUNK), now_ns());
    let (topic, not) = (topic(1), Vec::new());
    client.send(Command::Upload { id: 7, topic, payloads: payloads.clone(), timestamp_ns, not }).await;
    assert_eq!(uploaded(&mut client, 7).await, (Some(0), vec![true; MOST], None));
    let stored = stored(&node, 1).await;
    assert_eq!(stored.iter().map(|one| one.payload.clone()).collect::<Vec<_>>(), payloads);
    assert!(stored.iter().zip(timestamp_ns..).all(|(one, time_ns)| one.timestamp_ns == time_ns));
    // Nothing to avoid: it is the only node.
    let (payloads, timestamp_ns) = (chunks(1, 1, CHUNK), now_ns());
    client.send(Command::Upload { id: 8, topic: self::topic(1), payloads, timestamp_ns, not: vec![0] }).await;
    assert_eq!(uploaded(&mut client, 8).await, (Some(0), vec![true], None));
}

#[tokio::test]
async fn too_many_requests_end_a_batch_and_no_other_node_gets_the_rest() {
    let mut config = alone();
    config.limits.requests_per_second = 7; // metadata and six chunks
    let nodes = [Node::start(config.clone()).await, Node::start(config).await];
    let mut client = Client::start(one_circle(&[nodes[0].tcp(), nodes[1].tcp()]));
    client.send(upload(1, 1, chunks(1, MOST, 2048))).await;
    let (node, taken, failed) = uploaded(&mut client, 1).await;
    assert_eq!((node.is_some(), failed), (true, Some(FailReason::Busy)));
    assert!((6..MOST).contains(&trues(&taken).len()), "six in a second: {taken:?}");
    let stored = [numbers(&stored(&nodes[0], 1).await), numbers(&stored(&nodes[1], 1).await)];
    assert!(stored.contains(&trues(&taken)) && stored.contains(&BTreeSet::new()), "{taken:?} {stored:?}");
    // The node that is too busy for chunks is not too busy for a message.
    let not = (0..2).filter(|one| Some(*one) != node).collect();
    let (topic, payload, purpose) = (TOPIC.into(), vec![1; 512], Purpose::Probe(not));
    let (timestamp_ns, other_ns, spread) = (now_ns(), None, None);
    client.send(Command::Publish { id: 2, topic, payload, timestamp_ns, other_ns, purpose, spread }).await;
    let (outcome, by, _) = client.published().await;
    assert_eq!((outcome, by), (PublishOutcome::Relayed { peers: 1 }, node));
}

/// A node that relays to nobody: what it gets is refused.
fn config_of_nobody() -> NodeConfig {
    support::node_config()
}

fn one_circle(nodes: &[&str]) -> NetConfig {
    let mut config = net_config(nodes);
    config.single_circle = true;
    config
}

#[tokio::test]
async fn another_node_is_tried_while_no_chunk_was_taken() {
    let (useless, node) = (Node::start(config_of_nobody()).await, Node::start(alone()).await);
    let refusing = BadNode::start(Bad::Refuses(420)).await;
    let nodes = [useless.tcp(), &refusing.peer.address, node.tcp()];
    let mut client = Client::start(one_circle(&nodes));
    for id in 0..6 {
        client.send(upload(id, id as u8, chunks(id as u8, MOST, 2048))).await;
        let (_, taken, failed) = uploaded(&mut client, id).await;
        assert_eq!((taken, failed), (vec![true; MOST], None));
    }
    assert!(refusing.asked() <= 4, "a refusal ends a batch: {}", refusing.asked());
    let mut client = Client::start(one_circle(&nodes[1..2]));
    client.send(upload(1, 1, chunks(1, 2, 2048))).await;
    assert_eq!(uploaded(&mut client, 1).await, (Some(0), vec![false; 2], Some(FailReason::Refused)));
    let mut client = Client::start(one_circle(&nodes[..1]));
    client.send(upload(1, 1, chunks(1, 2, 2048))).await;
    assert_eq!(uploaded(&mut client, 1).await, (Some(0), vec![false; 2], Some(FailReason::NoRelayPeers)));
}

/// The node stores what it is known to have taken, and perhaps the chunks in flight.
async fn cut_short(mode: Mode) {
    let (config, mut requests) = tapped(alone());
    let node = Node::start(config).await;
    let mut wire = Wire::to(node.tcp()).await;
    let mut config = single(&wire.address);
    config.timing.upload = Duration::from_secs(3);
    let mut client = Client::start(config);
    client.send(upload(1, 1, chunks(1, MOST, CHUNK))).await;
    pushes(&mut requests, 8).await;
    wire.mode.send_replace(mode);
    let (by, taken, failed) = uploaded(&mut client, 1).await;
    assert_eq!((by, failed), (Some(0), Some(FailReason::Timeout)));
    let (taken, stored) = (trues(&taken), numbers(&stored(&node, 1).await));
    assert!(taken.len() >= 4 && taken.is_subset(&stored), "{taken:?} {stored:?}");
    wire.closed().await;
}

#[tokio::test]
async fn a_node_that_dies_has_what_it_took() {
    cut_short(Mode::Cut).await;
}

#[tokio::test]
async fn a_node_that_falls_silent_has_what_it_took() {
    cut_short(Mode::Stall).await;
}

#[tokio::test]
async fn what_is_stopped_closes_its_connection_and_says_nothing() {
    let mute = BadNode::start(Bad::Mute).await;
    let mut wire = Wire::to(&mute.peer.address).await;
    let mut client = Client::start(single(&wire.address));
    for command in [upload(1, 1, chunks(1, MOST, 2048)), download(1, 1, 0, 1)] {
        client.send(command).await;
        soon("a request", async {
            while mute.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        mute.requests.store(0, Ordering::SeqCst);
        assert_eq!(*wire.open.borrow(), 1);
        client.send(Command::Stop { id: 1 }).await;
        wire.closed().await;
    }
    // The places of both are free, and only others are heard of.
    wire.mode.send_replace(Mode::Cut);
    client.send(upload(2, 1, chunks(1, 1, 2048))).await;
    let failed = client.until("another upload", |event| match event {
        Event::Uploaded { id, failed, .. } => Some((id, failed)),
        Event::Page { id, .. } | Event::QueryFailed { id, .. } => panic!("{id} was stopped"),
        _ => None,
    });
    assert_eq!(failed.await, (2, Some(FailReason::Timeout)));
}

#[tokio::test]
async fn a_file_query_ends_at_so_many_bytes_and_says_if_there_is_more() {
    const START: i64 = 1_700_000_000_000_000_000;
    let mut archive = Archive::default();
    for (number, payload) in (0..).zip(chunks(1, 50, CHUNK)) {
        archive.put(archived(payload, START + number));
    }
    let (config, mut requests) = tapped(alone());
    let node = Node::start_with(config, NodeKey::generate(), archive).await;
    let mut client = Client::start(single(node.tcp()));
    let query = |id, circle, start_ns, most_bytes| Command::Query {
        id,
        circle,
        topics: vec![TOPIC.into()],
        start_ns,
        end_ns: None,
        newest_first: false,
        most_bytes,
    };
    let sizes = |pages: &[Vec<Received>]| pages.iter().map(Vec::len).collect::<Vec<_>>();
    let mut read = BTreeSet::new();
    for (id, size, left) in [(1, 20, true), (2, 20, true), (3, 10, false)] {
        client.send(query(id, Circle::Alone, START + read.len() as i64, Some(20 * CHUNK))).await;
        let (pages, more) = downloaded(&mut client, id).await;
        assert_eq!((sizes(&pages), more), (vec![size], left));
        read.extend(numbers(&pages.concat()));
    }
    assert_eq!(read, (0..50).collect());
    client.send(query(4, Circle::Receive, START, Some(20 * CHUNK + 1))).await;
    let (pages, more) = downloaded(&mut client, 4).await;
    assert_eq!((sizes(&pages), more), (vec![20, 20], true));
    client.send(query(5, Circle::Alone, START, Some(usize::MAX))).await;
    let (pages, more) = downloaded(&mut client, 5).await;
    assert_eq!((sizes(&pages), more), (vec![20, 20, 10], false));
    while let Ok(request) = requests.try_recv() {
        if request.protocol == protocol::STORE {
            let asked = StoreQueryRequest::decode(request.body.as_slice()).unwrap();
            assert_eq!(asked.pagination_limit, Some(20), "no page is larger than 1.3 MB");
        }
    }
}

/// Two uploads, two downloads and a message: each goes over another connection and shows another peer id.
#[tokio::test]
async fn each_upload_and_each_download_shows_a_key_of_its_own() {
    let (config, mut requests) = tapped(alone());
    let node = Node::start(config).await;
    let mut client = Client::start(single(node.tcp()));
    client.send(upload(1, 1, chunks(1, MOST, CHUNK))).await;
    client.send(upload(2, 2, chunks(2, MOST, CHUNK))).await;
    client.publish(3, vec![1; 512]).await;
    let (mut order, mut waiting) = (Vec::new(), BTreeSet::from([1, 2, 3]));
    while !waiting.is_empty() {
        let event = soon("three answers", client.events.recv()).await.unwrap();
        let id = match event {
            Event::Uploaded { id, failed, .. } => {
                assert_eq!(failed, None);
                id
            }
            Event::Published(published) => {
                assert!(published.is_taken());
                published.id
            }
            _ => continue,
        };
        order.push(id);
        assert!(waiting.remove(&id), "one answer each");
    }
    client.send(upload(4, 1, chunks(1, 1, CHUNK))).await;
    uploaded(&mut client, 4).await;
    client.send(download(5, 1, 0, 1)).await;
    client.send(download(6, 2, 0, 1)).await;
    downloaded(&mut client, 5).await;
    let mut seen = BTreeSet::new();
    while let Ok(Request { peer, protocol, body }) = requests.try_recv() {
        let of = match protocol.as_str() {
            protocol::LIGHTPUSH_V3 => {
                let message = LightPushRequest::decode(body.as_slice()).unwrap().message.unwrap();
                (message.content_topic, "up")
            }
            protocol::STORE => (StoreQueryRequest::decode(body.as_slice()).unwrap().content_topics.remove(0), "down"),
            _ => continue,
        };
        seen.insert((peer, of));
    }
    let peers: BTreeSet<&str> = seen.iter().map(|(peer, _)| peer.as_str()).collect();
    assert_eq!(peers.len(), seen.len(), "no peer did two things: {seen:?}");
    let count = |topic: &str, way| seen.iter().filter(|(_, of)| *of == (topic.to_owned(), way)).count();
    assert_eq!(count(&topic(1), "up"), 2, "a connection for each batch");
    assert_eq!((count(&topic(2), "up"), count(TOPIC, "up")), (1, 1));
    assert!(count(&topic(1), "down") == 1);
}

#[tokio::test]
async fn another_file_goes_through_another_node() {
    let nodes = [Node::start(alone()).await, Node::start(alone()).await, Node::start(alone()).await];
    let addresses: Vec<&str> = nodes.iter().map(Node::tcp).collect();
    let mut client = Client::start(one_circle(&addresses));
    let mut used = Vec::new();
    for (id, file) in [(1, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 2)] {
        client.send(upload(id, file, chunks(file, 2, 2048))).await;
        let (node, _, failed) = uploaded(&mut client, id).await;
        assert_eq!(failed, None);
        used.push(node.unwrap());
    }
    assert_eq!((used[1], used[4], used[5]), (used[0], used[0], used[2]), "a file stays with its node: {used:?}");
    assert_eq!(BTreeSet::from([used[0], used[2], used[3]]).len(), 3, "each file has another node: {used:?}");
}

#[tokio::test]
async fn a_file_is_read_from_one_store_and_another_file_from_another() {
    let archive = || {
        let mut archive = Archive::default();
        for file in [1, 2] {
            for (number, payload) in (1..).zip(chunks(file, 25, 2048)) {
                let message = WakuMessage::new(topic(file), payload, number);
                let hash = waku::message_hash(PUBSUB, &message);
                archive.put(Archived { hash, pubsub_topic: PUBSUB.into(), message });
            }
        }
        archive
    };
    let node = || Node::start_with(alone(), NodeKey::generate(), archive());
    let nodes = [node().await, node().await, node().await];
    let mut client = Client::start(one_circle(&[nodes[0].tcp(), nodes[1].tcp(), nodes[2].tcp()]));
    let mut used = Vec::new();
    for (id, file, start_ns, left) in [(1, 1, 0, true), (2, 2, 0, true), (3, 1, 21, false), (4, 1, 0, true)] {
        client.send(download(id, file, start_ns, 1)).await;
        let (pages, more) = downloaded(&mut client, id).await;
        assert_eq!(more, left);
        used.push(pages[0][0].node);
    }
    assert!(used[2] == used[0] && used[1] != used[0], "{used:?}");
    assert!(!used[..3].contains(&used[3]), "that store had no more, so another is read: {used:?}");
}

#[tokio::test]
async fn a_node_with_lightpush_v2_only_takes_chunks() {
    let left = AtomicUsize::new(3);
    let script: Script = Arc::new(move |_, body| {
        let rpc = PushRpc::decode(body.as_slice()).unwrap();
        let free = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let info = Some(if free { "OK" } else { "exceeds the rate limit" }.to_owned());
        let response = Some(PushResponse { is_success: Some(free), info });
        waku::encode_framed(&PushRpc { request_id: rpc.request_id, request: None, response })
    });
    let peer = Peer::start(Muxer::Mplex, vec![(protocol::LIGHTPUSH_V2, script)]).await;
    let mut client = Client::start(single(&peer.address));
    // One at a time: the scripted peer resets a stream that comes together with another.
    for id in 0..3 {
        client.send(upload(id, 1, chunks(1, 1, CHUNK))).await;
        assert_eq!(uploaded(&mut client, id).await, (Some(0), vec![true], None));
    }
    client.send(upload(3, 1, chunks(1, 1, CHUNK))).await;
    assert_eq!(uploaded(&mut client, 3).await, (Some(0), vec![false], Some(FailReason::Busy)));
}

/// What another network accepts reaches nobody.
#[tokio::test]
async fn a_node_of_another_network_gets_no_chunk() {
    let pushed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pushed);
    let push: Script = Arc::new(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Vec::new()
    });
    let foreign = waku::encode_framed(&WakuMetadata::new(99, &[0]));
    let metadata: Script = Arc::new(move |_, _| foreign.clone());
    let scripts = vec![(protocol::LIGHTPUSH_V3, push), (protocol::METADATA, metadata)];
    let peer = Peer::start(Muxer::Yamux, scripts).await;
    let mut client = Client::start(single(&peer.address));
    client.send(upload(1, 1, chunks(1, 2, 2048))).await;
    let (_, taken, failed) = uploaded(&mut client, 1).await;
    assert_eq!((taken, failed), (vec![false; 2], Some(FailReason::Lied)));
    assert_eq!(pushed.load(Ordering::SeqCst), 0);
}

/// Uploads and downloads hang at a silent node, and more wait for their places: a message passes them all.
#[tokio::test]
async fn a_message_waits_for_no_file() {
    let (mute, node) = (BadNode::start(Bad::Mute).await, Node::start(alone()).await);
    let mut client = Client::start(one_circle(&[&mute.peer.address, node.tcp()]));
    let publish = |id, not| {
        let (topic, payload, purpose) = (TOPIC.into(), vec![id as u8; 512], Purpose::Probe(vec![not]));
        Command::Publish { id, topic, payload, timestamp_ns: now_ns(), other_ns: None, purpose, spread: None }
    };
    client.send(publish(1, 0)).await;
    client.send(publish(2, 1)).await;
    let (_, good, _) = client.published().await;
    let (topic, payloads, not) = (topic(1), chunks(1, 1, 512), vec![good.unwrap()]);
    for id in 10..20 {
        let (topic, payloads, not) = (topic.clone(), payloads.clone(), not.clone());
        client.send(Command::Upload { id, topic, payloads, timestamp_ns: now_ns(), not }).await;
        client.send(download(id + 10, 1, 0, 1)).await;
    }
    client.send(publish(3, 1 - good.unwrap())).await;
    let passed = client.until("a message", |event| match event {
        Event::Published(Published { id: 3, node, .. }) => Some(node),
        Event::Uploaded { .. } => panic!("an upload went first"),
        _ => None,
    });
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), passed).await.unwrap(), good);
}

/// Texts published one after another, and how long each waits for its answer: first alone, then while two files go up
/// and come down, with the bytes that went up meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_do_not_wait_behind_chunks() {
    let mut config = alone();
    config.limits.requests_per_second = 10_000;
    let node = Node::start(config).await;
    let mut client = Client::start(single(node.tcp()));
    let (alone, _) = texts(&mut client, 20, false).await;
    let (beside, bytes) = texts(&mut client, 40, true).await;
    println!("texts wait {alone:?} (p50); beside {} MB of chunks {beside:?}", bytes / 1_000_000);
    assert!(bytes > 0 && beside < Duration::from_millis(500), "{beside:?} {bytes}");
}

async fn texts(client: &mut Client, count: usize, files: bool) -> (Duration, usize) {
    let mut next = 1000;
    let mut batch = |file| {
        next += 1;
        upload(next, file, chunks(file, MOST, CHUNK))
    };
    if files {
        client.send(batch(1)).await;
        client.send(batch(2)).await;
    }
    let (mut waits, mut bytes) = (Vec::new(), 0);
    let mut asked = Instant::now();
    client.publish(0, vec![1; 2048]).await;
    while waits.len() < count {
        match soon("an answer", client.events.recv()).await.unwrap() {
            Event::Uploaded { id, taken, failed, .. } => {
                assert_eq!(failed, None);
                bytes += taken.len() * CHUNK;
                let file = 1 + (id % 2) as u8;
                client.send(batch(file)).await;
                client.send(download(1, file, now_ns() - 1_000_000_000, 20 * CHUNK)).await;
            }
            Event::Published(published) => {
                assert!(published.is_taken());
                waits.push(asked.elapsed());
                if waits.len() < count {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    asked = Instant::now();
                    client.publish(waits.len() as u64, vec![1; 2048]).await;
                }
            }
            _ => {}
        }
    }
    waits.sort_unstable();
    (waits[count / 2], bytes)
}
