//! Polite but useless nodes: they are asked with growing waits, cause no storm, and do not count as good.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sotto_net::{Circle, Command, Event, FailReason, NetConfig, PublishOutcome};
use sotto_wire::waku::{
    self, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushResponse, Message as _,
    StoreQueryResponse, WakuMetadata, protocol,
};
use support::peer::{Muxer, Peer, Script};
use support::{CLUSTER, Client, Node, TOPIC, alone, net_config, now_ns, single, soon};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep, timeout_at};

/// First wait before a node is dialled again.
const REDIAL: Duration = Duration::from_millis(50);
/// Time of counting: waits of 0.05, 0.1, 0.2 … 3.2 s, each ± half, are over half way.
const COUNTED: Duration = Duration::from_secs(6);

fn config(node: &str) -> NetConfig {
    let mut config = single(node);
    config.timing.redial = REDIAL;
    config
}

fn filter_answer(code: u32) -> Vec<u8> {
    waku::encode_framed(&FilterSubscribeResponse {
        request_id: Some("N/A".into()),
        status_code: Some(code),
        status_desc: None,
    })
}

/// A filter with fixed answers, and the number of its requests.
fn filter(code: u32) -> (Script, Arc<AtomicUsize>) {
    let asked: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&asked);
    let script: Script = Arc::new(move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        filter_answer(code)
    });
    (script, asked)
}

/// An empty store.
fn empty_store() -> Script {
    Arc::new(|_, _| {
        waku::encode_framed(&StoreQueryResponse {
            request_id: Some(String::new()),
            status_code: Some(200),
            status_desc: Some("OK".into()),
            messages: vec![],
            pagination_cursor: None,
        })
    })
}

fn query(id: u64) -> Command {
    Command::Query {
        id,
        circle: Circle::Receive,
        topics: vec![TOPIC.into()],
        start_ns: now_ns() - 120_000_000_000,
        end_ns: Some(now_ns()),
        newest_first: false,
        most_bytes: None,
    }
}

/// Asks a store after each gap, as the engine does, for a while. Returns the number of gaps.
async fn gaps(client: &mut Client, lasting: Duration) -> u64 {
    let end = Instant::now() + lasting;
    let mut gaps = 0;
    while let Ok(event) = timeout_at(end, client.events.recv()).await {
        let event = event.unwrap();
        client.note(&event);
        if matches!(event, Event::Connectivity(now) if now.gap) {
            gaps += 1;
            client.send(query(gaps)).await;
        }
    }
    gaps
}

/// A proxy to a peer: it counts connections, and cuts them all when told to.
async fn cutter(address: &str, cut: &broadcast::Sender<()>) -> (String, Arc<AtomicUsize>) {
    let parts: Vec<&str> = address.split('/').collect();
    let target = format!("127.0.0.1:{}", parts[4]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (count, cut) = (Arc::<AtomicUsize>::default(), cut.clone());
    let dials = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut here, _) = listener.accept().await.unwrap();
            dials.fetch_add(1, Ordering::SeqCst);
            let mut there = TcpStream::connect(&target).await.unwrap();
            let mut cut = cut.subscribe();
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut here, &mut there) => {}
                    _ = cut.recv() => {}
                }
            });
        }
    });
    (format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", parts[6]), count)
}

/// It accepts the subscription, answers the store query that follows, and hangs up.
async fn hangs_up(foreground: bool) {
    let (cut, _) = broadcast::channel(1);
    let (subscribed, mut cuts) = mpsc::unbounded_channel();
    let takes: Script = Arc::new(move |_, _| {
        subscribed.send(()).unwrap();
        filter_answer(200)
    });
    let scripts = vec![(protocol::FILTER_SUBSCRIBE, takes), (protocol::STORE, empty_store())];
    let peer = Peer::start(Muxer::Yamux, scripts).await;
    let (address, dials) = cutter(&peer.address, &cut).await;
    tokio::spawn(async move {
        while let Some(()) = cuts.recv().await {
            sleep(Duration::from_millis(100)).await;
            let _ = cut.send(());
        }
    });
    let mut client = Client::start(config(&address));
    client.send(Command::Foreground(foreground)).await;
    client.subscribe(&[TOPIC]).await;
    client.subscribed().await;
    let gap = |event| matches!(event, Event::Connectivity(now) if now.gap).then_some(());
    client.until("a gap", gap).await;
    let (dialled, gaps) = (dials.load(Ordering::SeqCst), gaps(&mut client, COUNTED).await);
    let dialled = dials.load(Ordering::SeqCst) - dialled;
    assert!(dialled <= 10, "{dialled} dials, on screen: {foreground}");
    assert!(gaps <= 8, "{gaps} gaps, on screen: {foreground}");
}

#[tokio::test]
async fn who_takes_subscriptions_and_hangs_up_is_dialled_less_and_less() {
    tokio::join!(hangs_up(false), hangs_up(true));
}

/// It never accepts a subscription. Its store is empty, and not asked.
async fn refuses(code: u32) {
    let (script, asked) = filter(code);
    let mut peer = Peer::start(Muxer::Yamux, vec![(protocol::FILTER_SUBSCRIBE, script)]).await;
    let mut client = Client::start(config(&peer.address));
    client.subscribe(&[TOPIC]).await;
    soon("a second connection", async {
        peer.met.recv().await;
        peer.met.recv().await;
    })
    .await;
    let before = asked.load(Ordering::SeqCst);
    gaps(&mut client, COUNTED).await;
    let asked = asked.load(Ordering::SeqCst) - before;
    let mut dials = 0;
    while peer.met.try_recv().is_ok() {
        dials += 1;
    }
    assert!(dials <= 9, "{code}: {dials} dials");
    assert!(asked <= 40, "{code}: {asked} requests");
    client.send(Command::Close).await;
    let closed = |event| matches!(event, Event::Closed).then_some(());
    client.until("the end", closed).await;
    let known = client.book.values().next().unwrap();
    assert_eq!(known.successes, 0, "{code}: taken for a good one");
}

#[tokio::test]
async fn who_refuses_each_subscription_is_dialled_less_and_less_and_proves_nothing() {
    tokio::join!(refuses(429), refuses(404), refuses(503));
}

/// It answers each query with a refusal.
#[tokio::test]
async fn a_store_that_refuses_each_query_proves_nothing() {
    let refuses: Script = Arc::new(|_, _| {
        waku::encode_framed(&StoreQueryResponse {
            request_id: Some(String::new()),
            status_code: Some(400),
            status_desc: Some("bad request".into()),
            ..StoreQueryResponse::default()
        })
    });
    let without: Script = Arc::new(|_, _| Vec::new());
    for scripts in [vec![(protocol::STORE, refuses)], vec![(protocol::LIGHTPUSH_V3, without)]] {
        let peer = Peer::start(Muxer::Yamux, scripts).await;
        let mut client = Client::start(config(&peer.address));
        let query = Command::Query {
            id: 1,
            circle: Circle::Alone,
            topics: vec![TOPIC.into()],
            start_ns: 0,
            end_ns: Some(1),
            newest_first: false,
            most_bytes: None,
        };
        client.send(query).await;
        let failed = |event| match event {
            Event::QueryFailed { reason, .. } => Some(reason),
            _ => None,
        };
        let reason = client.until("a refusal", failed).await;
        assert_eq!(reason, FailReason::Unsupported);
        client.send(Command::Close).await;
        let closed = |event| matches!(event, Event::Closed).then_some(());
        client.until("the end", closed).await;
        let known = client.book.values().next().unwrap();
        assert_eq!(known.successes, 0, "taken for a good one");
    }
}

/// It opens push streams one after the other, without a push.
#[tokio::test]
async fn who_opens_push_streams_without_end_is_left() {
    let (subscribed, mut subscribers) = mpsc::unbounded_channel();
    let subscribe = i32::from(FilterSubscribeType::Subscribe);
    let takes: Script = Arc::new(move |peer, body| {
        let request = FilterSubscribeRequest::decode(body.as_slice()).unwrap();
        if request.filter_subscribe_type == Some(subscribe) {
            subscribed.send(peer).unwrap();
        }
        filter_answer(200)
    });
    let mut peer = Peer::start(Muxer::Yamux, vec![(protocol::FILTER_SUBSCRIBE, takes)]).await;
    let mut config = single(&peer.address);
    config.timing.redial = Duration::from_secs(1);
    let mut client = Client::start(config);
    client.subscribe(&[TOPIC]).await;
    let to = soon("a subscriber", subscribers.recv()).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..100 {
        held.extend(peer.try_open(to, protocol::FILTER_PUSH).await);
    }
    let gap = async {
        let again = subscribers.recv();
        tokio::pin!(again);
        let mut gaps = 0;
        loop {
            tokio::select! {
                event = client.events.recv() => {
                    gaps += u32::from(matches!(event.unwrap(), Event::Connectivity(now) if now.gap));
                }
                _ = &mut again => return gaps,
            }
        }
    };
    let gaps = soon("another connection", gap).await;
    assert!(gaps <= 3, "{gaps} gaps");
}

/// Messages that a node accepts before it named our network reach nobody. A node that was of another network may
/// return.
#[tokio::test]
async fn a_node_of_another_network_gets_nothing_and_is_tried_again_later() {
    let ours = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&ours);
    let metadata: Script = Arc::new(move |_, _| {
        let cluster = match now.load(Ordering::SeqCst) {
            true => CLUSTER,
            false => 1,
        };
        waku::encode_framed(&WakuMetadata::new(cluster, &[0]))
    });
    let taken = Arc::new(AtomicUsize::new(0));
    let takes = Arc::clone(&taken);
    let relayed: Script = Arc::new(move |_, _| {
        takes.fetch_add(1, Ordering::SeqCst);
        waku::encode_framed(&LightPushResponse {
            request_id: Some(String::new()),
            status_code: Some(200),
            status_desc: None,
            relay_peer_count: Some(3),
        })
    });
    let scripts = vec![(protocol::METADATA, metadata), (protocol::LIGHTPUSH_V3, relayed)];
    let peer = Peer::start(Muxer::Yamux, scripts).await;
    let mut config = config(&peer.address);
    config.timing.reach = Duration::from_secs(3);
    let mut client = Client::start(config);
    client.publish(1, vec![4; 512]).await;
    let (outcome, ..) = client.published().await;
    assert_eq!(outcome, PublishOutcome::Failed(FailReason::NoNode));
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    ours.store(true, Ordering::SeqCst);
    soon("a node that is of our network now", async {
        for id in 2.. {
            client.publish(id, vec![4; 512]).await;
            if client.published().await.0 == (PublishOutcome::Relayed { peers: 3 }) {
                return;
            }
        }
    })
    .await;
}

/// 429 to each filter request: another node is used, though one is enough, and the first one not again soon.
#[tokio::test]
async fn a_filter_node_with_too_much_to_do_is_left_for_another_off_screen() {
    loop {
        let (script, asked) = filter(429);
        let busy = Peer::start(Muxer::Yamux, vec![(protocol::FILTER_SUBSCRIBE, script)]).await;
        let good = Node::start(alone()).await;
        let mut config = net_config(&[&busy.address, good.tcp()]);
        config.single_circle = true;
        config.timing.redial = REDIAL;
        let mut client = Client::start(config);
        client.subscribe(&[TOPIC]).await;
        client.subscribed().await;
        let before = asked.load(Ordering::SeqCst);
        if before == 0 {
            continue; // the good one was asked first
        }
        assert_eq!(before, 4, "asked a few times, then left");
        let mut friend = Client::start(single(good.tcp()));
        friend.publish(1, vec![3; 512]).await;
        friend.published().await;
        let pushed = |event| matches!(event, Event::Message(_)).then_some(());
        client.until("a push of the other", pushed).await;
        return;
    }
}
