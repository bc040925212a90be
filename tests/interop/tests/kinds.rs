//! No kind of message is told by its request: what messengers publish, of each kind, goes through our light client to
//! our node (lightpush v3) and to go-waku's (v2), and what arrives there is read byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sotto_interop::client::Client;
use sotto_interop::node::{Node, node_config};
use sotto_interop::shape::{self, Told};
use sotto_interop::{CLUSTER, PATIENCE, SHARD, go};
use sotto_messenger::engine::call;
use sotto_messenger::records::SettingsPatch;
use sotto_net::PublishOutcome;
use sotto_testkit::three::lose_sessions;
use sotto_testkit::{DAY, HOUR, MINUTE, Record, Relayed, SECOND, World};
use sotto_wire::waku::{LightPushRequest, Message as _, PushRequest, PushRpc, WakuMessage, protocol};
use tokio::sync::mpsc;

const KINDS: [&str; 8] = ["card", "handshake", "acceptance", "text", "receipt", "typing", "chunk", "reset"];

/// The messages that two messengers publish, with their own times, on the simulated network.
struct Life {
    world: World,
    folder: tempfile::TempDir,
    read: usize,
    kinds: Vec<(&'static str, Relayed)>,
}

impl Life {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(7, 2);
        world.record = Some(Record::open(folder.path()));
        Self { world, folder, read: 0, kinds: Vec::new() }
    }

    /// Messages since the last call: `kind` on its lane, cards on lane c.
    fn took(&mut self, kind: &'static str, lane: char) {
        let all = Record::open(self.folder.path()).read().relayed;
        for one in &all[self.read..] {
            match one.topic.chars().nth("/sotto/1/".len()).unwrap() {
                'c' => self.kinds.push(("card", one.clone())),
                this if this == lane => self.kinds.push((kind, one.clone())),
                _ => {}
            }
        }
        self.read = all.len();
    }

    fn sessions(&mut self, who: usize) -> usize {
        self.world.kill(who);
        let sessions = self.world.phones[who].tables(|tx| tx.sessions.all().unwrap().len());
        self.world.start(who);
        sessions
    }

    /// A session is lost, and the side without receipts begins another.
    fn reset(&mut self) {
        self.world.kill(1);
        self.world.phones[1].tables(lose_sessions);
        self.world.start(1);
        assert!(self.world.send(0, "in vain"));
        for _ in 0..4 * DAY / HOUR {
            self.took("text", 'h');
            self.world.run(HOUR);
            if self.sessions(0) > 1 {
                self.world.run(MINUTE);
                self.took("reset", 'h');
                return;
            }
        }
        panic!("no reset");
    }
}

/// Every kind of message, each at least once.
fn every_kind() -> Vec<(&'static str, Relayed)> {
    let mut life = Life::new();
    life.world.create(0, "Alice");
    life.world.create(1, "Bob");
    life.world.run(MINUTE);
    let link = life.world.invite(1);
    life.world.run(MINUTE);
    life.took("none", 'h');
    life.world.add(0, &link, "hello");
    life.world.run(MINUTE);
    life.took("handshake", 'h');
    life.world.accept(1);
    life.world.run(SECOND);
    life.took("acceptance", 'h');
    life.world.run(MINUTE);
    life.took("none", 'h');
    life.world.kill(1);
    assert!(life.world.send(0, "short"));
    life.world.run(SECOND);
    life.took("text", 'h');
    let conversation = life.world.conversation(0);
    let typing = call::Typing { conversation };
    let wanted = SettingsPatch { typing: Some(true), ..SettingsPatch::default() };
    life.world.call(0, call::SettingsSet { patch: wanted }).unwrap();
    life.world.start(1);
    life.world.run(MINUTE);
    life.took("receipt", 'h');
    life.world.call(0, typing).unwrap();
    life.world.run(SECOND);
    life.took("typing", 'h');
    assert!(life.world.send(0, &"long ".repeat(30_000)));
    life.world.run(10 * MINUTE);
    life.took("chunk", 'b');
    life.reset();
    life.kinds
}

/// Publishes all at one node, in their order.
async fn publish(node: &str, all: &[(&'static str, Relayed)], wanted: PublishOutcome) {
    let mut client = Client::start(&[node]);
    for (_, one) in all {
        let id = client.publish(&one.topic, &one.payload, one.timestamp_ns).await;
        assert_eq!(client.published(id).await.0, wanted);
    }
}

/// Everything arrived, and nothing but lane, class and time was told.
fn compare(all: &[(&'static str, Relayed)], told: Vec<Result<Told, String>>) {
    let mut arrived = BTreeMap::new();
    for told in told {
        let told = told.unwrap();
        arrived.insert(told.payload.clone(), told);
    }
    assert_eq!(arrived.len(), all.len());
    for (kind, one) in all {
        let told = &arrived[&one.payload];
        assert_eq!(told.timestamp_ns, one.timestamp_ns, "{kind}");
        let lane = match *kind {
            "card" => 'c',
            "chunk" => 'b',
            _ => 'h',
        };
        assert_eq!(told.lane, lane, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_message_is_published_by_the_same_request() {
    let mut seen = BTreeSet::new();
    let mut all = every_kind();
    all.retain(|(kind, one)| *kind != "none" && seen.insert(one.payload.clone()));
    let kinds: BTreeSet<&str> = all.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, BTreeSet::from(KINDS));
    let medium = |kind| {
        let mut of = all.iter().filter(move |(this, _)| *this == kind);
        of.any(|(_, one)| one.payload.len() == 2048)
    };
    assert!(medium("handshake") && medium("reset"), "keys need 2 KiB");

    let (sender, mut tap) = mpsc::channel(100_000);
    let mut config = node_config();
    config.alone = true;
    config.tap = Some(sender);
    let node = Node::start(config).await;
    publish(&node.addresses[0], &all, PublishOutcome::Relayed { peers: 1 }).await;
    let mut told = Vec::new();
    while told.len() < all.len() {
        let request = tokio::time::timeout(PATIENCE, tap.recv()).await;
        let request = request.unwrap().unwrap();
        if request.protocol == protocol::LIGHTPUSH_V3 {
            told.push(shape::lightpush_v3(&request.body));
        }
    }
    compare(&all, told);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("go.jsonl");
    let go = go::start("service", &["-capture", file.to_str().unwrap()]);
    publish(&go.addrs[0], &all, PublishOutcome::Accepted).await;
    // Streams are written down when they end, at the latest with their connection.
    let told = async {
        loop {
            let streams = go::captured(&file, 0);
            let bodies = streams.iter();
            let bodies = bodies.filter_map(|one| go::framed(one, protocol::LIGHTPUSH_V2));
            let told: Vec<_> = bodies.map(shape::lightpush_v2).collect();
            if told.len() >= all.len() {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    compare(&all, told.expect("all requests at the go node"));
}

type Change = fn(&mut LightPushRequest);

fn message(request: &mut LightPushRequest) -> &mut WakuMessage {
    request.message.as_mut().unwrap()
}

/// The comparison sees whatever else a request could say.
#[test]
fn a_request_that_says_more_is_noticed() {
    let message_of = WakuMessage::new;
    let good = LightPushRequest {
        request_id: Some("09af".into()),
        pubsub_topic: Some(format!("/waku/2/rs/{CLUSTER}/{SHARD}")),
        message: Some(message_of("/sotto/1/h00-0000/proto".into(), vec![1; 512], 1_795_608_000_000_000_000)),
    };
    let told = |request: &LightPushRequest| shape::lightpush_v3(&request.encode_to_vec());
    let told_v2 = |request: &LightPushRequest| {
        let LightPushRequest { request_id, pubsub_topic, message } = request.clone();
        let request = Some(PushRequest { pubsub_topic, message });
        let rpc = PushRpc { request_id, request, response: None };
        shape::lightpush_v2(&rpc.encode_to_vec())
    };
    assert_eq!(told(&good).unwrap().lane, 'h');
    assert_eq!(told_v2(&good), told(&good));
    let more: [(&str, Change); 14] = [
        ("meta", |r| message(r).meta = Some(vec![1])),
        ("version 0", |r| message(r).version = Some(0)),
        ("ephemeral", |r| message(r).ephemeral = Some(false)),
        ("proof", |r| message(r).rate_limit_proof = Some(Vec::new())),
        ("no time", |r| message(r).timestamp = None),
        ("a nanosecond", |r| {
            *message(r).timestamp.as_mut().unwrap() += 1;
        }),
        ("no class", |r| message(r).payload.push(0)),
        ("an envelope's version", |r| message(r).payload[0] = 2),
        ("another bucket", |r| {
            message(r).content_topic = "/sotto/1/h00-0001/proto".into();
        }),
        ("capitals", |r| {
            message(r).content_topic = "/sotto/1/b-0123456789ABCDEF/proto".into();
        }),
        ("another lane", |r| {
            message(r).content_topic = "/sotto/1/t00-0000/proto".into();
        }),
        ("a longer id", |r| r.request_id = Some("09af0".into())),
        ("no id", |r| r.request_id = None),
        ("another shard", |r| {
            r.pubsub_topic = Some("/waku/2/rs/66/1".into());
        }),
    ];
    for (what, change) in more {
        let mut request = good.clone();
        change(&mut request);
        told(&request).expect_err(what);
        told_v2(&request).expect_err(what);
    }
    let bytes = good.encode_to_vec();
    for behind in [&[0x78, 1][..], &[0x0a, 0], &[0x0a]] {
        shape::lightpush_v3(&[&bytes, behind].concat()).expect_err("something behind it");
    }
    let mut longer = bytes.clone();
    assert_eq!(longer[..2], [0x0a, 4]);
    longer.splice(1..2, [0x84, 0]);
    shape::lightpush_v3(&longer).expect_err("a length with a spare byte");
}
