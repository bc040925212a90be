//! Limits of a node, and its refusals, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::PeerId;
use sotto_net::service::{self, ArchiveRequest};
use sotto_net::{NodeEvent, NodeKey};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushRequest, LightPushResponse,
    PeerExchangeQuery, PeerExchangeRpc, PushRequest, PushRpc, StoreQueryRequest, StoreQueryResponse, WakuMessage,
    protocol,
};
use support::peer::{Muxer, Peer};
use support::{Node, PUBSUB, TOPIC, alone, now_ns, soon, through};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};

fn subscribe(topics: std::ops::Range<usize>) -> FilterSubscribeRequest {
    FilterSubscribeRequest {
        request_id: Some("s".into()),
        filter_subscribe_type: Some(FilterSubscribeType::Subscribe.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: topics.map(|n| format!("/t/1/{n}/proto")).collect(),
    }
}

async fn filter(peer: &mut Peer, node: PeerId, request: &FilterSubscribeRequest) -> u32 {
    let answer: FilterSubscribeResponse = peer.ask(node, protocol::FILTER_SUBSCRIBE, request).await;
    answer.status_code.unwrap()
}

fn push_v3(payload: usize) -> LightPushRequest {
    LightPushRequest {
        request_id: Some("p".into()),
        pubsub_topic: Some(PUBSUB.into()),
        message: Some(WakuMessage::new(TOPIC.into(), vec![1; payload], now_ns())),
    }
}

fn push_v2(payload: usize) -> PushRpc {
    PushRpc {
        request_id: Some("p".into()),
        request: Some(PushRequest { pubsub_topic: Some(PUBSUB.into()), message: push_v3(payload).message }),
        response: None,
    }
}

#[tokio::test]
async fn subscriptions_end_where_the_limits_are() {
    let mut config = alone();
    config.limits.subscribers = 2;
    let node = Node::start(config).await;
    let mut one = Peer::start(Muxer::Yamux, vec![]).await;
    let at = one.dial(node.tcp()).await;
    assert_eq!(filter(&mut one, at, &subscribe(0..101)).await, 400);
    for hundred in 0..10 {
        let part = subscribe(hundred * 100..hundred * 100 + 100);
        assert_eq!(filter(&mut one, at, &part).await, 200);
    }
    assert_eq!(filter(&mut one, at, &subscribe(1000..1001)).await, 503);
    assert_eq!(filter(&mut one, at, &subscribe(0..100)).await, 200);
    let mut two = Peer::start(Muxer::Mplex, vec![]).await;
    let at = two.dial(node.tcp()).await;
    assert_eq!(filter(&mut two, at, &subscribe(0..1)).await, 200);
    let mut three = Peer::start(Muxer::Yamux, vec![]).await;
    let at = three.dial(node.tcp()).await;
    assert_eq!(filter(&mut three, at, &subscribe(0..1)).await, 503);
}

/// Each protocol reports 429 in its own way, under the id `N/A`.
#[tokio::test]
async fn too_many_requests_have_no_id() {
    let mut config = alone();
    config.limits.requests_per_second = 0;
    let node = Node::start(config).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let none = || Some("N/A".to_owned());
    let answer: FilterSubscribeResponse = peer.ask(at, protocol::FILTER_SUBSCRIBE, &subscribe(0..1)).await;
    assert_eq!((answer.request_id, answer.status_code), (none(), Some(429)));
    let answer: LightPushResponse = peer.ask(at, protocol::LIGHTPUSH_V3, &push_v3(9)).await;
    assert_eq!((answer.request_id, answer.status_code), (none(), Some(429)));
    let answer: PushRpc = peer.ask(at, protocol::LIGHTPUSH_V2, &push_v2(9)).await;
    let response = answer.response.unwrap();
    assert_eq!(
        (answer.request_id, response.is_success, response.info),
        (none(), Some(false), Some("TOO_MANY_REQUESTS".into()))
    );
    let query = StoreQueryRequest { request_id: Some("q".into()), ..StoreQueryRequest::default() };
    let answer: StoreQueryResponse = peer.ask(at, protocol::STORE, &query).await;
    assert_eq!((answer.request_id, answer.status_code), (none(), Some(429)));
    assert!(answer.status_desc.is_some(), "nim wants it");
    let query = PeerExchangeRpc { query: Some(PeerExchangeQuery { num_peers: Some(1) }), response: None };
    let answer: PeerExchangeRpc = peer.ask(at, protocol::PEER_EXCHANGE, &query).await;
    assert_eq!(answer.response.unwrap().status_code, Some(429));
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_such() {
    let node = Node::start(alone()).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let largest = waku::MAX_MESSAGE - 100;
    let answer: LightPushResponse = peer.ask(at, protocol::LIGHTPUSH_V3, &push_v3(largest)).await;
    assert_eq!(answer.status_code, Some(200));
    // Over the limit of a message; and over that of a request, which is discarded.
    for (payload, id) in [(waku::MAX_MESSAGE, "p"), (1 << 20, "N/A")] {
        let answer: LightPushResponse = peer.ask(at, protocol::LIGHTPUSH_V3, &push_v3(payload)).await;
        assert_eq!(answer.status_code, Some(413), "{payload}");
        assert_eq!(answer.request_id.as_deref(), Some(id));
        let answer: PushRpc = peer.ask(at, protocol::LIGHTPUSH_V2, &push_v2(payload)).await;
        assert_eq!(answer.response.unwrap().is_success, Some(false));
        assert_eq!(answer.request_id.as_deref(), Some(id));
    }
    let mut long = subscribe(0..1);
    long.content_topics = vec!["x".repeat(waku::FILTER_REQUEST_CAP)];
    assert_eq!(filter(&mut peer, at, &long).await, 400);
    let query =
        StoreQueryRequest { request_id: Some("x".repeat(waku::STORE_REQUEST_CAP)), ..StoreQueryRequest::default() };
    let answer: StoreQueryResponse = peer.ask(at, protocol::STORE, &query).await;
    assert_eq!(answer.status_code, Some(400));
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed() {
    let mut config = alone();
    config.limits.connections = 2;
    let mut node = Node::start(config).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
        peer.dial(node.tcp()).await;
        peers.push(peer);
    }
    node.connected(2).await;
    let at = node.tcp().rsplit('/').next().unwrap().parse().unwrap();
    let served = &mut peers[0];
    assert_eq!(filter(served, at, &subscribe(0..1)).await, 200);
}

/// A blocked archive: few large messages wait for it, and further ones are accepted all the same.
#[tokio::test]
async fn what_waits_for_the_archive_is_bounded_by_bytes() {
    let mut config = alone();
    config.limits.requests_per_second = 1000;
    let (mut node, run) = service::start(config, NodeKey::generate()).unwrap();
    let run = tokio::spawn(run);
    let Some(NodeEvent::Listening(addresses)) = node.events.recv().await else {
        panic!("does not listen");
    };
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(&addresses[0]).await;
    for many in [130, 1] {
        for number in 0..many {
            let mut push = push_v3(150_000);
            if let Some(message) = &mut push.message {
                message.payload[0] = number;
            }
            let answer: LightPushResponse = peer.ask(at, protocol::LIGHTPUSH_V3, &push).await;
            assert_eq!(answer.status_code, Some(200));
        }
        let mut waiting = 0;
        while let Ok(ArchiveRequest::Put(one)) = node.archive.try_recv() {
            assert_eq!(one.message.payload.len(), 150_000);
            waiting += 1;
        }
        assert_eq!(waiting, many.min(111), "16 MiB");
    }
    run.abort();
}

fn port(node: &Node) -> u16 {
    node.tcp().split('/').nth(4).unwrap().parse().unwrap()
}

/// A connection from this address without traffic.
#[cfg(target_os = "linux")]
async fn dial(port: u16, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let to = format!("127.0.0.1:{port}").parse().unwrap();
    soon("a connection", socket.connect(to)).await.unwrap()
}

/// 127.0.0.1 is not counted; 127.0.0.2 is an address like any other.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_gets_so_many_connections_and_another_has_its_own() {
    let mut config = alone();
    config.limits.connections_per_ip = 3;
    let node = Node::start(config).await;
    let port = port(&node);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(dial(port, "127.0.0.2").await);
    }
    let mut refused = dial(port, "127.0.0.2").await;
    let end = soon("the end of one too many", refused.read(&mut [0; 64])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    // The first connection still works: it negotiates when asked.
    let mut other = dial(port, "127.0.0.3").await;
    for socket in [&mut open[0], &mut other] {
        tokio::io::AsyncWriteExt::write_all(socket, b"\x13/multistream/1.0.0\n").await.unwrap();
        let mut hello = [0; 20];
        let read = soon("a hello", socket.read_exact(&mut hello)).await;
        assert_eq!(read.unwrap(), 20);
    }
    // A closed connection makes room.
    drop(open);
    let again = async {
        loop {
            let mut socket = dial(port, "127.0.0.2").await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"\x13/multistream/1.0.0\n").await;
            if socket.read_exact(&mut [0; 20]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("room", again).await;
}

/// Eight addresses with as many connections being set up as allowed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_says_nothing_keeps_no_newcomer_out() {
    let node = Node::start(alone()).await;
    let mut silent = Vec::new();
    for ip in 2..10 {
        for _ in 0..16 {
            silent.push(dial(port(&node), &format!("127.0.0.{ip}")).await);
        }
    }
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(&through("127.0.0.10", node.tcp()).await).await;
    assert_eq!(filter(&mut peer, at, &subscribe(0..1)).await, 200);
}

/// js-waku opens streams in advance without a request; others stop in the middle.
#[tokio::test]
async fn streams_that_say_nothing_cost_a_place_for_a_while() {
    let mut config = alone();
    config.limits.requests_at_once = 4;
    config.limits.request_within = Duration::from_millis(300);
    let node = Node::start(config).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let mut idle = Vec::new();
    for protocol in [protocol::STORE, protocol::LIGHTPUSH_V3, protocol::LIGHTPUSH_V2] {
        let mut stream = peer.open(at, protocol).await;
        // With lazy negotiation the first byte opens a stream: here of a frame that does not end.
        stream.write_all(&[0xff]).await.unwrap();
        stream.flush().await.unwrap();
        idle.push(stream);
    }
    assert_eq!(filter(&mut peer, at, &subscribe(0..1)).await, 200, "one place is left");
    for mut stream in idle {
        let end = soon("the end of an idle stream", stream.read(&mut [0; 16])).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    assert_eq!(filter(&mut peer, at, &subscribe(0..1)).await, 200);
}

const PING: &str = "/ipfs/ping/1.0.0";

async fn ping(stream: &mut libp2p::Stream) -> std::io::Result<()> {
    stream.write_all(&[7; 32]).await?;
    stream.flush().await?;
    let mut echo = [0; 32];
    soon("an echo", stream.read_exact(&mut echo)).await
}

/// A stream with pings is kept for the next ping, however much later; a silent one is not.
#[tokio::test]
async fn a_ping_stream_stays_once_it_was_used() {
    let mut config = alone();
    config.limits.requests_at_once = 1;
    config.limits.request_within = Duration::from_millis(300);
    let node = Node::start(config).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let mut used = peer.open(at, PING).await;
    ping(&mut used).await.unwrap();
    let mut half = Vec::new();
    for _ in 0..3 {
        let mut stream = peer.open(at, PING).await;
        stream.write_all(&[7; 31]).await.unwrap(); // less than one
        stream.flush().await.unwrap();
        half.push(stream);
    }
    let mut fifth = peer.open(at, PING).await;
    assert!(ping(&mut fifth).await.is_err(), "four are held");
    for mut stream in half {
        let end = soon("the end of a silent stream", stream.read(&mut [0; 1])).await;
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    ping(&mut used).await.unwrap();
    assert_eq!(filter(&mut peer, at, &subscribe(0..1)).await, 200);
}

/// 17 peers with 32 streams each have the share of their address, 512.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_gets_so_many_streams_and_another_has_its_own() {
    let mut config = alone();
    config.limits.request_within = Duration::from_secs(3600);
    let node = Node::start(config).await;
    let address = through("127.0.0.2", node.tcp()).await;
    let mut crowd = Vec::new();
    for _ in 0..17 {
        let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
        let at = peer.dial(&address).await;
        let mut held = Vec::new();
        for _ in 0..32 {
            let mut stream = peer.open(at, protocol::STORE).await;
            let _ = stream.write_all(&[0xff]).await; // the last ones are reset at once
            let _ = stream.flush().await;
            held.push(stream);
        }
        crowd.push((peer, held));
    }
    let (_, last) = crowd.last_mut().unwrap();
    let end = soon("the end of one too many", last[31].read(&mut [0; 1])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    let mut same = Peer::start(Muxer::Yamux, vec![]).await;
    let at = same.dial(&address).await;
    let request = waku::encode_framed(&subscribe(0..1));
    let refused = same.say(at, protocol::FILTER_SUBSCRIBE, &request).await;
    assert!(refused.is_empty());
    let mut other = Peer::start(Muxer::Yamux, vec![]).await;
    let at = other.dial(&through("127.0.0.3", node.tcp()).await).await;
    assert_eq!(filter(&mut other, at, &subscribe(0..1)).await, 200);
}

/// A reader that reads to the end of the stream, as js-waku does, gets there.
#[tokio::test]
async fn an_answer_is_followed_by_the_end() {
    let node = Node::start(alone()).await;
    for muxer in [Muxer::Yamux, Muxer::Mplex] {
        let mut peer = Peer::start(muxer, vec![]).await;
        let at = peer.dial(node.tcp()).await;
        let mut stream = peer.open(at, protocol::FILTER_SUBSCRIBE).await;
        // The client leaves its half open.
        let request = waku::encode_framed(&subscribe(0..1));
        stream.write_all(&request).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        let read = soon("an answer and its end", stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "{read:?}");
        let answer: FilterSubscribeResponse = waku::decode_framed(&answer, 1024).unwrap();
        assert_eq!(answer.status_code, Some(200));
    }
}
