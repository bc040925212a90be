//! Attacks that have stopped other nodes: handmade hostile peers against a node over real sockets. The node lives on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::AsyncWriteExt as _;
use sotto_net::PublishOutcome;
use sotto_wire::waku::{Message as _, WakuMessage, protocol};
use support::peer::{Muxer, Peer};
use support::raw::{self, DATA, MPLEX, RST, Raw, SYN, WINDOW_UPDATE, YAMUX, yamux};
use support::{Client, Node, PUBSUB, TOPIC, alone, now_ns, single, soon};
use tokio::sync::{Mutex, MutexGuard};

/// Memory is the process's, so one attack runs at a time.
async fn alone_in_process() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::const_new(());
    ONE.lock().await
}

/// A new client is served.
async fn lives(node: &Node) {
    let mut client = Client::start(single(node.tcp()));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    client.publish(1, vec![1; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
}

/// A protobuf field of bytes.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(number << 3 | 2, &mut out);
    varint(bytes.len() as u64, &mut out);
    out.extend(bytes);
    out
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A gossipsub RPC with its length.
fn rpc(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let mut frame = Vec::new();
    varint(body.len() as u64, &mut frame);
    frame.extend(body);
    frame
}

fn subscribe(topic: &str) -> Vec<u8> {
    field(1, &[vec![0x08, 1], field(2, topic.as_bytes())].concat())
}

fn graft(topic: &str) -> Vec<u8> {
    field(3, &field(3, &field(1, topic.as_bytes())))
}

fn prune(topic: &str, backoff_s: u64) -> Vec<u8> {
    let mut body = field(1, topic.as_bytes());
    body.push(3 << 3);
    varint(backoff_s, &mut body);
    field(3, &field(4, &body))
}

fn publish(data: &[u8]) -> Vec<u8> {
    let message = [field(2, data), field(4, PUBSUB.as_bytes())].concat();
    field(2, &message)
}

/// A relay peer that sends arbitrary bytes, subscribed to the shard.
async fn gossiper(node: &mut Node) -> (Peer, libp2p::Stream) {
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let _ = peer.frames(protocol::RELAY);
    let id = peer.dial(node.tcp()).await;
    let mut stream = peer.open(id, protocol::RELAY).await;
    stream.write_all(&rpc(&[subscribe(PUBSUB)])).await.unwrap();
    stream.flush().await.unwrap();
    node.relays(1).await;
    (peer, stream)
}

#[tokio::test]
async fn prunes_with_endless_backoffs() {
    let _one = alone_in_process().await;
    let mut node = Node::start(alone()).await;
    let (_peer, mut stream) = gossiper(&mut node).await;
    for backoff in [u64::MAX, u64::MAX - 1, u64::MAX / 1000, i64::MAX as u64, 0] {
        let frame = rpc(&[graft(PUBSUB), prune(PUBSUB, backoff)]);
        stream.write_all(&frame).await.unwrap();
    }
    // The node does not remember names of foreign shards.
    let names: Vec<Vec<u8>> = (0..1000).map(|n| prune(&format!("/waku/2/rs/66/{n}"), u64::MAX)).collect();
    stream.write_all(&rpc(&names)).await.unwrap();
    // The peer is not ignored: its valid message is accepted and pushed to a subscriber.
    let mut client = Client::start(single(node.tcp()));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let message = WakuMessage::new(TOPIC.into(), vec![9; 512], now_ns());
    let frame = rpc(&[publish(&message.encode_to_vec())]);
    stream.write_all(&frame).await.unwrap();
    stream.flush().await.unwrap();
    client
        .until("the message", |event| {
            matches!(event, sotto_net::Event::Message(one) if one.payload == [9; 512]).then_some(())
        })
        .await;
}

#[tokio::test]
async fn what_is_no_waku_message_is_not_passed_on_and_ends_its_sender() {
    let _one = alone_in_process().await;
    let mut node = Node::start(alone()).await;
    let mut client = Client::start(single(node.tcp()));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let (_peer, mut stream) = gossiper(&mut node).await;
    node.connected(2).await;
    let good = WakuMessage::new(TOPIC.into(), vec![1; 512], now_ns());
    let bad = [
        WakuMessage::new(TOPIC.into(), Vec::new(), 1),
        WakuMessage::new(String::new(), vec![1], 1),
        WakuMessage::new(TOPIC.into(), vec![0; 151 * 1024], 1),
        WakuMessage { meta: Some(vec![0; 65]), ..good.clone() },
    ];
    let mut data: Vec<Vec<u8>> = bad.iter().map(WakuMessage::encode_to_vec).collect();
    data.extend((0..8u8).map(|n| vec![0xff, n]));
    stream.write_all(&rpc(&[publish(&good.encode_to_vec())])).await.unwrap();
    for one in &data {
        stream.write_all(&rpc(&[publish(one)])).await.unwrap();
    }
    stream.flush().await.unwrap();
    node.connected(1).await;
    client
        .until("one message and no other", |event| match event {
            sotto_net::Event::Message(one) => {
                assert_eq!(one.payload, [1; 512]);
                Some(())
            }
            _ => None,
        })
        .await;
    client.publish(1, vec![2; 512]).await;
    client
        .until("the next message", |event| match event {
            sotto_net::Event::Message(one) => {
                assert_eq!(one.payload, [2; 512]);
                Some(())
            }
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn subscriptions_to_what_we_do_not_relay_are_not_remembered() {
    let _one = alone_in_process().await;
    let mut node = Node::start(alone()).await;
    let (_peer, mut stream) = gossiper(&mut node).await;
    let before = raw::memory();
    // 400 names of 150,000 bytes, each new.
    for n in 0..400u32 {
        let name = format!("{n}{}", "x".repeat(150_000));
        stream.write_all(&rpc(&[subscribe(&name)])).await.unwrap();
    }
    stream.flush().await.unwrap();
    lives(&node).await;
    let grown = raw::memory().saturating_sub(before);
    println!("400 names of 150 kB: {grown} B more");
    assert!(grown < 30_000_000, "{grown}");
    assert_eq!(node.peers.borrow().1, 1);
}

#[tokio::test]
async fn windows_that_are_not_kept() {
    let _one = alone_in_process().await;
    let node = Node::start(alone()).await;
    let body = vec![0; 400 * 1024];
    let len = |bytes: usize| u32::try_from(bytes).unwrap();
    let open = || yamux(WINDOW_UPDATE, SYN, 1, 0, &[]);
    let part = |flags| yamux(DATA, flags, 1, len(body.len()), &body);
    let credit = |amount| yamux(WINDOW_UPDATE, 0, 1, amount, &[]);
    let small: Vec<u8> = (0..64).flat_map(|_| yamux(DATA, 0, 1, 16 * 1024, &body[..16 * 1024])).collect();
    let attacks: [(&str, Vec<Vec<u8>>); 6] = [
        ("a first frame over the window", vec![part(SYN)]),
        ("a frame over the window", vec![open(), part(0)]),
        ("many small frames over the window", vec![open(), small]),
        ("credit beyond counting", vec![open(), credit(u32::MAX), credit(u32::MAX), credit(u32::MAX)]),
        ("a length without end", vec![open(), yamux(DATA, 0, 1, u32::MAX, &body)]),
        ("a stream opened twice", vec![open(), open(), part(SYN), open()]),
    ];
    let before = raw::memory();
    for (what, frames) in attacks {
        let mut peer = Raw::dial(node.tcp(), YAMUX).await;
        for frame in frames {
            if !peer.write(&frame).await {
                break;
            }
        }
        println!("{what}");
        lives(&node).await;
    }
    let grown = raw::memory().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} B more");
}

/// Streams over one connection.
const STREAMS: u32 = 100_000;

/// The frames that open a stream.
type Way = Box<dyn Fn(u32) -> Vec<u8>>;

#[tokio::test]
async fn a_hundred_thousand_yamux_streams() {
    let _one = alone_in_process().await;
    let node = Node::start(alone()).await;
    let hello = b"\x13/multistream/1.0.0\n";
    let half = |id| yamux(DATA, SYN, id, 20, hello);
    let ways: [(&str, Way); 3] = [
        ("opened", Box::new(|id| yamux(WINDOW_UPDATE, SYN, id, 0, &[]))),
        ("half negotiated", Box::new(half)),
        ("opened and reset", Box::new(move |id| [half(id), yamux(DATA, RST, id, 0, &[])].concat())),
    ];
    let before = raw::memory();
    for (what, frame) in ways {
        let mut peer = Raw::dial(node.tcp(), YAMUX).await;
        let mut sent = 0;
        for chunk in 0..STREAMS / 1000 {
            let ids = (chunk * 1000..chunk * 1000 + 1000).map(|n| 2 * n + 1);
            let frames: Vec<u8> = ids.flat_map(&frame).collect();
            if !peer.write(&frames).await {
                break;
            }
            sent += 1000;
        }
        let grown = raw::memory().saturating_sub(before);
        println!("{sent} streams {what}: {grown} B more");
        assert!(grown < 64 << 20, "{grown} B more");
        lives(&node).await;
    }
}

#[tokio::test]
async fn a_hundred_thousand_mplex_streams() {
    let _one = alone_in_process().await;
    let node = Node::start(alone()).await;
    let before = raw::memory();
    let mut peer = Raw::dial(node.tcp(), MPLEX).await;
    let mut sent = 0;
    for chunk in 0..u64::from(STREAMS) / 1000 {
        let mut frames = Vec::new();
        for id in chunk * 1000..chunk * 1000 + 1000 {
            varint(id << 3, &mut frames); // new stream, with a name
            frames.extend([1, b'x']);
        }
        if !peer.write(&frames).await {
            break;
        }
        sent += 1000;
    }
    let grown = raw::memory().saturating_sub(before);
    println!("{sent} mplex streams: {grown} B more");
    assert!(grown < 64 << 20, "{grown} B more");
    lives(&node).await;
}

/// Whether the bytes of a relay frame graft us.
fn grafts(frame: &[u8]) -> bool {
    let graft = field(3, &field(1, PUBSUB.as_bytes()));
    frame.windows(graft.len()).any(|part| part == graft)
}

/// How often the node woke up, and the number of seconds.
struct Idle(usize, Instant);

impl Idle {
    fn begin(node: &Node) -> Self {
        Self(node.polls.load(Ordering::Relaxed), Instant::now())
    }

    /// A heartbeat and one tick of the node in each second, and `more` for its traffic.
    fn end(self, node: &Node, more: usize) {
        let polls = node.polls.load(Ordering::Relaxed) - self.0;
        let seconds = self.1.elapsed().as_secs() as usize + 1;
        assert!(polls <= 3 * seconds + more, "{polls} in {seconds} s");
    }
}

/// Gossipsub resets the timer of its heartbeat without polling it: without other events no heartbeat follows. A pruned
/// peer is grafted again only by a heartbeat.
#[tokio::test]
async fn an_idle_relay_keeps_its_heartbeat_and_does_not_spin() {
    const BACKOFF_S: u64 = 5;
    let node = Node::start(alone()).await;
    let idle = Idle::begin(&node);
    tokio::time::sleep(Duration::from_secs(10)).await; // nobody there
    idle.end(&node, 0);
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let mut frames = peer.frames(protocol::RELAY);
    let id = peer.dial(node.tcp()).await;
    let mut stream = peer.open(id, protocol::RELAY).await;
    stream.write_all(&rpc(&[subscribe(PUBSUB)])).await.unwrap();
    stream.flush().await.unwrap();
    let idle = Idle::begin(&node);
    for _ in 0..4 {
        while !grafts(&soon("a graft", frames.recv()).await.unwrap()) {}
        let frame = rpc(&[prune(PUBSUB, BACKOFF_S)]);
        stream.write_all(&frame).await.unwrap();
        stream.flush().await.unwrap();
    }
    idle.end(&node, 100);
}
