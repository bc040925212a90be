//! Peers of other kinds: lightpush v2 only, mplex only, one push a stream, another cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use futures::AsyncWriteExt as _;
use libp2p::PeerId;
use sotto_net::{Event, PublishOutcome};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushRequest, LightPushResponse,
    Message as _, MessagePush, PeerExchangeQuery, PeerExchangeRpc, PushRequest, PushResponse, PushRpc, WakuMessage,
    WakuMetadata, protocol,
};
use support::peer::{Muxer, Peer, Script};
use support::{Client, Node, PUBSUB, TOPIC, alone, now_ns, single, soon};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_node_with_lightpush_v2_only() {
    let script: Script = Arc::new(|_, body| {
        let rpc = PushRpc::decode(body.as_slice()).unwrap();
        let request = rpc.request.unwrap();
        assert_eq!(request.pubsub_topic.as_deref(), Some(PUBSUB));
        waku::encode_framed(&PushRpc {
            request_id: rpc.request_id,
            request: None,
            response: Some(PushResponse { is_success: Some(request.message.unwrap().payload == [4; 512]), info: None }),
        })
    });
    for muxer in [Muxer::Yamux, Muxer::Mplex] {
        let scripts = vec![(protocol::LIGHTPUSH_V2, Arc::clone(&script))];
        let peer = Peer::start(muxer, scripts).await;
        let mut client = Client::start(single(&peer.address));
        client.publish(1, vec![4; 512]).await;
        let (outcome, ..) = client.published().await;
        assert_eq!(outcome, PublishOutcome::Accepted);
    }
}

#[tokio::test]
async fn a_node_that_closes_without_an_answer_is_gone_round() {
    let silence: Script = Arc::new(|_, _| Vec::new());
    let silent = Peer::start(Muxer::Yamux, vec![(protocol::LIGHTPUSH_V3, silence)]).await;
    let node = Node::start(alone()).await;
    let mut config = support::net_config(&[&silent.address, node.tcp()]);
    config.single_circle = true;
    let mut client = Client::start(config);
    for id in 0..5 {
        client.publish(id, vec![id as u8 + 1; 512]).await;
        let (outcome, ..) = client.published().await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    }
}

/// The traffic of a js light client over mplex: metadata, filter, lightpush of both versions, peer exchange.
#[tokio::test]
async fn a_light_client_that_speaks_mplex_only() {
    let node = Node::start(alone()).await;
    let mut peer = Peer::start(Muxer::Mplex, vec![]).await;
    let mut pushes = peer.frames(protocol::FILTER_PUSH);
    let server = peer.dial(node.tcp()).await;

    let ours = WakuMetadata::new(support::CLUSTER, &[]);
    let theirs: WakuMetadata = peer.ask(server, protocol::METADATA, &ours).await;
    assert_eq!(theirs, WakuMetadata::new(support::CLUSTER, &[0]));

    let subscribe = FilterSubscribeRequest {
        request_id: Some("1".into()),
        filter_subscribe_type: Some(FilterSubscribeType::Subscribe.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec![TOPIC.into()],
    };
    let answer: FilterSubscribeResponse = peer.ask(server, protocol::FILTER_SUBSCRIBE, &subscribe).await;
    assert_eq!(answer.status_code, Some(200));
    assert_eq!(answer.request_id.as_deref(), Some("1"));

    let message = |number| WakuMessage::new(TOPIC.into(), vec![number; 512], now_ns());
    let request =
        LightPushRequest { request_id: Some("2".into()), pubsub_topic: Some(PUBSUB.into()), message: Some(message(1)) };
    let answer: LightPushResponse = peer.ask(server, protocol::LIGHTPUSH_V3, &request).await;
    assert_eq!((answer.status_code, answer.relay_peer_count), (Some(200), Some(1)));
    let request = PushRpc {
        request_id: Some("3".into()),
        request: Some(PushRequest { pubsub_topic: Some(PUBSUB.into()), message: Some(message(2)) }),
        response: None,
    };
    let answer: PushRpc = peer.ask(server, protocol::LIGHTPUSH_V2, &request).await;
    assert_eq!(answer.response.unwrap().is_success, Some(true));
    for number in [1, 2] {
        let body = soon("a push", pushes.recv()).await.unwrap();
        let push = MessagePush::decode(body.as_slice()).unwrap();
        assert_eq!(push.pubsub_topic.as_deref(), Some(PUBSUB));
        assert_eq!(push.waku_message.unwrap().payload, [number; 512]);
    }

    let foreign = LightPushRequest {
        request_id: Some("4".into()),
        pubsub_topic: Some("/waku/2/rs/66/5".into()),
        message: Some(message(3)),
    };
    let answer: LightPushResponse = peer.ask(server, protocol::LIGHTPUSH_V3, &foreign).await;
    assert_eq!(answer.status_code, Some(421));

    let query = PeerExchangeRpc { query: Some(PeerExchangeQuery { num_peers: Some(5) }), response: None };
    let answer: PeerExchangeRpc = peer.ask(server, protocol::PEER_EXCHANGE, &query).await;
    assert_eq!(answer.response.unwrap().status_code, Some(200));
    assert!(answer.query.is_some(), "nim wants it");
}

/// go-waku reads one push from a stream and closes it: further pushes there would be lost. It may subscribe before our
/// node knows its agent, and an app may have changed the agent.
#[tokio::test]
async fn a_subscriber_that_reads_one_push_a_stream_gets_them_all() {
    for agent in ["go-waku", "an app on go-waku"] {
        for identified in [true, false] {
            let node = Node::start(alone()).await;
            let mut peer = Peer::start_as(agent, Muxer::Yamux, vec![]).await;
            let pushes = peer.first_frames(protocol::FILTER_PUSH);
            let server = peer.dial(node.tcp()).await;
            if identified {
                // The node asks for our cluster once it knows what we are.
                soon("being identified", peer.asked.recv()).await.unwrap();
            }
            subscribe(&mut peer, server).await;
            push_ten(&mut peer, server).await;
            assert_eq!(ten(pushes).await, Vec::from_iter(0..10), "{agent} {identified}");
        }
    }
}

/// go-waku resets pushes before its subscribe call has returned. Here nobody accepts the protocol for a while, which
/// looks the same.
#[tokio::test]
async fn a_push_that_is_reset_comes_again() {
    for agent in ["go-waku", "another"] {
        let node = Node::start(alone()).await;
        let mut peer = Peer::start_as(agent, Muxer::Yamux, vec![]).await;
        let server = peer.dial(node.tcp()).await;
        subscribe(&mut peer, server).await;
        push_ten(&mut peer, server).await; // round trips behind the first push
        let pushes = peer.first_frames(protocol::FILTER_PUSH);
        let mut numbers = ten(pushes).await;
        numbers.sort_unstable();
        assert_eq!(numbers, Vec::from_iter(0..10), "{agent}");
    }
}

/// A reset after a whole write, of any length, on a stream for one push or for many. Over yamux a reset reads like an
/// end.
#[tokio::test]
async fn a_push_whose_stream_is_reset_comes_again() {
    for agent in ["go-waku", "another"] {
        for len in [512, 140_000] {
            let node = Node::start(alone()).await;
            let mut peer = Peer::start_as(agent, Muxer::Yamux, vec![]).await;
            let mut pushes = peer.frames_after_a_reset(protocol::FILTER_PUSH);
            let server = peer.dial(node.tcp()).await;
            soon("being identified", peer.asked.recv()).await.unwrap();
            subscribe(&mut peer, server).await;
            push(&mut peer, server, vec![7; len]).await;
            let again = soon("the push again", pushes.recv()).await.unwrap();
            let again = MessagePush::decode(again.as_slice()).unwrap();
            assert_eq!(again.waku_message.unwrap().payload, vec![7; len]);
        }
    }
}

async fn subscribe(peer: &mut Peer, server: PeerId) {
    let subscribe = FilterSubscribeRequest {
        request_id: Some("1".into()),
        filter_subscribe_type: Some(FilterSubscribeType::Subscribe.into()),
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec![TOPIC.into()],
    };
    let answer: FilterSubscribeResponse = peer.ask(server, protocol::FILTER_SUBSCRIBE, &subscribe).await;
    assert_eq!(answer.status_code, Some(200));
}

async fn push_ten(peer: &mut Peer, server: PeerId) {
    for number in 0..10 {
        push(peer, server, vec![number; 512]).await;
    }
}

async fn push(peer: &mut Peer, server: PeerId, payload: Vec<u8>) {
    let request = LightPushRequest {
        request_id: Some("2".into()),
        pubsub_topic: Some(PUBSUB.into()),
        message: Some(WakuMessage::new(TOPIC.into(), payload, now_ns())),
    };
    let answer: LightPushResponse = peer.ask(server, protocol::LIGHTPUSH_V3, &request).await;
    assert_eq!(answer.status_code, Some(200));
}

/// The numbers of ten different pushes, in the order of arrival.
async fn ten(mut pushes: mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<u8> {
    let mut numbers = Vec::new();
    while numbers.len() < 10 {
        let body = soon("a push", pushes.recv()).await.unwrap();
        let push = MessagePush::decode(body.as_slice()).unwrap();
        let number = push.waku_message.unwrap().payload[0];
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

/// Without a ping it would wait: a dropped mplex stream is reset only with the next packet.
#[tokio::test]
async fn a_request_over_the_limit_ends_its_stream() {
    for muxer in [Muxer::Yamux, Muxer::Mplex] {
        let node = Node::start(alone()).await;
        let mut peer = Peer::start(muxer, vec![]).await;
        let server = peer.dial(node.tcp()).await;
        soon("being identified", peer.asked.recv()).await.unwrap();
        let request = waku::encode_framed(&LightPushRequest {
            request_id: Some("1".into()),
            pubsub_topic: Some(PUBSUB.into()),
            message: Some(WakuMessage::new(TOPIC.into(), vec![1; 5 << 20], now_ns())),
        });
        let answer = peer.say(server, protocol::LIGHTPUSH_V3, &request).await;
        assert_eq!(answer, []);
    }
}

#[tokio::test]
async fn too_many_requests_are_answered_as_such() {
    let mut config = alone();
    config.limits.requests_per_second = 2;
    let node = Node::start(config).await;
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let server = peer.dial(node.tcp()).await;
    let ping = FilterSubscribeRequest {
        request_id: Some("1".into()),
        filter_subscribe_type: Some(FilterSubscribeType::SubscriberPing.into()),
        ..FilterSubscribeRequest::default()
    };
    let mut codes = Vec::new();
    for _ in 0..20 {
        let answer: FilterSubscribeResponse = peer.ask(server, protocol::FILTER_SUBSCRIBE, &ping).await;
        codes.push(answer.status_code.unwrap());
    }
    assert_eq!(codes[..2], [404, 404]);
    assert!(codes[2..].contains(&429));
}

/// A node that pushes each message on its own stream, as go nodes do, then several on one, as nim nodes do.
#[tokio::test]
async fn pushes_are_taken_one_a_stream_and_many_a_stream() {
    let taken: Script = Arc::new(|_, body| {
        let request = FilterSubscribeRequest::decode(body.as_slice()).unwrap();
        waku::encode_framed(&FilterSubscribeResponse {
            request_id: request.request_id,
            status_code: Some(200),
            status_desc: None,
        })
    });
    let scripts = vec![(protocol::FILTER_SUBSCRIBE, taken)];
    let mut peer = Peer::start(Muxer::Yamux, scripts).await;
    let mut client = Client::start(single(&peer.address));
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let at = soon("a subscriber", peer.met.recv()).await.unwrap();
    let push = |number: u8| {
        waku::encode_framed(&MessagePush {
            waku_message: Some(WakuMessage::new(TOPIC.into(), vec![number; 512], now_ns())),
            pubsub_topic: Some(PUBSUB.into()),
        })
    };
    for number in 0..10 {
        let mut stream = peer.open(at, protocol::FILTER_PUSH).await;
        stream.write_all(&push(number)).await.unwrap();
        stream.close().await.unwrap();
    }
    let mut stream = peer.open(at, protocol::FILTER_PUSH).await;
    for number in 10..20 {
        stream.write_all(&push(number)).await.unwrap();
    }
    stream.flush().await.unwrap();
    let mut heard = std::collections::BTreeSet::new();
    client
        .until("all of them", |event| {
            if let Event::Message(one) = event {
                heard.insert(one.payload[0]);
            }
            (heard.len() == 20).then_some(())
        })
        .await;
}

/// 429 to each filter request: the client retries with growing waits, then uses another node.
#[tokio::test]
async fn a_filter_node_with_too_much_to_do_is_left_for_another() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let busy: Script = Arc::new(move |_, _| {
        times.lock().unwrap().push(std::time::Instant::now());
        waku::encode_framed(&FilterSubscribeResponse {
            request_id: Some("N/A".into()),
            status_code: Some(429),
            status_desc: None,
        })
    });
    let peer = Peer::start(Muxer::Yamux, vec![(protocol::FILTER_SUBSCRIBE, busy)]).await;
    let node = Node::start(alone()).await;
    let mut config = support::net_config(&[&peer.address, node.tcp()]);
    config.single_circle = true;
    config.timing.redial = std::time::Duration::from_millis(100);
    let mut client = Client::start(config);
    // Which of the two is asked first is random; with a conversation on screen both are.
    client.send(sotto_net::Command::Foreground(true)).await;
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let often = async {
        while asked.lock().unwrap().len() < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    soon("four requests", often).await;
    let times = asked.lock().unwrap().clone();
    // Waits of 0.1, 0.2 and 0.4 s, each ± half.
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, least) in waits.iter().zip([50, 100, 200]) {
        assert!(*wait >= std::time::Duration::from_millis(least), "{waits:?}");
    }
    client.publish(1, vec![3; 512]).await;
    let pushed = |event| matches!(event, Event::Message(_)).then_some(());
    client.until("a push of the other", pushed).await;
}

/// 429 to a lightpush: another node accepts it.
#[tokio::test]
async fn a_publish_node_with_too_much_to_do_is_gone_round() {
    let busy: Script = Arc::new(|_, _| {
        waku::encode_framed(&LightPushResponse {
            request_id: Some("N/A".into()),
            status_code: Some(429),
            status_desc: None,
            relay_peer_count: None,
        })
    });
    let peer = Peer::start(Muxer::Yamux, vec![(protocol::LIGHTPUSH_V3, busy)]).await;
    let node = Node::start(alone()).await;
    let mut config = support::net_config(&[&peer.address, node.tcp()]);
    config.single_circle = true;
    let mut client = Client::start(config);
    for id in 0..5 {
        client.publish(id, vec![id as u8 + 1; 512]).await;
        let (outcome, ..) = client.published().await;
        assert_eq!(outcome, PublishOutcome::Relayed { peers: 1 });
    }
}

/// proto3 drops zero and empty values; nim nodes require them.
#[tokio::test]
async fn answers_carry_what_is_zero_or_empty() {
    let node = Node::start(support::node_config()).await; // no relay peers
    let mut peer = Peer::start(Muxer::Yamux, vec![]).await;
    let at = peer.dial(node.tcp()).await;
    let request = PushRpc {
        request_id: Some(String::new()),
        request: Some(PushRequest {
            pubsub_topic: Some(PUBSUB.into()),
            message: Some(WakuMessage::new(TOPIC.into(), vec![1; 9], now_ns())),
        }),
        response: None,
    };
    let answer: PushRpc = peer.ask(at, protocol::LIGHTPUSH_V2, &request).await;
    assert_eq!(answer.request_id.as_deref(), Some(""));
    assert_eq!(answer.response.unwrap().is_success, Some(false));
    let query = waku::StoreQueryRequest::default();
    let answer: waku::StoreQueryResponse = peer.ask(at, protocol::STORE, &query).await;
    assert_eq!(answer.request_id.as_deref(), Some(""));
    assert!(answer.status_code.is_some() && answer.status_desc.is_some());
    let answer: PeerExchangeRpc = peer
        .ask(
            at,
            protocol::PEER_EXCHANGE,
            &PeerExchangeRpc { query: Some(PeerExchangeQuery { num_peers: Some(0) }), response: None },
        )
        .await;
    assert!(answer.query.is_some() && answer.response.unwrap().status_code.is_some());
    let ping = FilterSubscribeRequest::default();
    let answer: FilterSubscribeResponse = peer.ask(at, protocol::FILTER_SUBSCRIBE, &ping).await;
    assert_eq!(answer.request_id.as_deref(), Some(""));
    assert_eq!(answer.status_code, Some(404));
}
