//! Missed messages are asked of a store, in whatever order network events come. Messages that could not leave are sent
//! later. The engine alone, event by event.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use rand_core::UnwrapErr;
use sotto_db::Account;
use sotto_messenger::engine::input::{Effect, Input};
use sotto_messenger::engine::{Engine, EngineConfig, call};
use sotto_messenger::{Event, Mode};
use sotto_net::{
    Circle, Command as NetCommand, Connectivity, Event as NetEvent, FailReason, PublishOutcome, Published, Received,
};
use sotto_wire::topic::BucketTable;

const KEY: [u8; 32] = [7; 32];
const BEGIN: i64 = 1_790_000_000_000;
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

fn account(folder: &Path) -> Account {
    Account::open(&folder.join("account.db"), &KEY).unwrap()
}

fn engine(account: Account) -> (Engine, Vec<Effect>) {
    let config = EngineConfig {
        cluster: 66,
        buckets: BucketTable::new(&[(0, 4)]).unwrap(),
        store_retention_s: 30 * 86_400,
        single_circle: false,
        network: "test".into(),
        invite_nodes: Vec::new(),
        read_receipts: false,
        suites: sotto_crypto::SUITES,
        mode: Mode::Light,
    };
    let rng = Box::new(UnwrapErr(getrandom::SysRng));
    Engine::open(account, config, rng, BEGIN).unwrap()
}

/// An engine with an account, and the topic it hears.
fn created(folder: &Path) -> (Engine, String) {
    let (mut engine, _) = engine(account(folder));
    let name = "Alice".to_owned();
    let effects = engine.call(BEGIN, call::AccountCreate { name }).1;
    let topic = effects.iter().find_map(|effect| match effect {
        Effect::Net(NetCommand::Subscribe { topics }) => topics.first().cloned(),
        _ => None,
    });
    (engine, topic.unwrap())
}

/// The catch-up query: id, and start in milliseconds.
fn asked(effects: &[Effect]) -> Option<(u64, i64)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Net(NetCommand::Query { id, circle: Circle::Receive, start_ns, .. }) => {
            Some((*id, *start_ns / 1_000_000))
        }
        _ => None,
    })
}

fn net(engine: &mut Engine, now_ms: i64, event: NetEvent) -> Option<(u64, i64)> {
    asked(&engine.handle(now_ms, Input::Net(event)))
}

/// Ids of the messages to publish.
fn published(effects: &[Effect]) -> Vec<u64> {
    let id = |effect: &Effect| match effect {
        Effect::Net(NetCommand::Publish { id, .. }) => Some(*id),
        _ => None,
    };
    effects.iter().filter_map(id).collect()
}

fn online(subscribed: bool, gap: bool) -> NetEvent {
    NetEvent::Connectivity(Connectivity {
        publish_nodes: 1,
        receive_nodes: 1,
        store: true,
        subscribed,
        gap,
        relay_peers: 0,
    })
}

fn last_page(id: u64, messages: Vec<Received>) -> NetEvent {
    NetEvent::Page { id, messages, last: true, more: false }
}

fn received(topic: &str, timestamp_ms: i64, live: bool) -> Received {
    Received {
        topic: topic.to_owned(),
        payload: vec![0; 2048],
        timestamp_ns: timestamp_ms * 1_000_000,
        hash: [1; 32],
        node: 1,
        live,
    }
}

#[test]
fn what_is_missed_while_a_store_is_asked_is_asked_for_after() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, _) = created(folder.path());
    let (first, _) = net(&mut engine, BEGIN, online(true, false)).expect("the first catch-up");
    let later = BEGIN + 10 * MINUTE;
    assert_eq!(net(&mut engine, later, online(true, true)), None, "one at a time");
    let second = net(&mut engine, later, last_page(first, Vec::new()));
    let (second, start) = second.expect("what was missed meanwhile");
    assert!(start <= BEGIN);
    assert_eq!(net(&mut engine, later, last_page(second, Vec::new())), None);
}

#[test]
fn a_push_before_the_gap_is_told_hides_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, topic) = created(folder.path());
    let (first, _) = net(&mut engine, BEGIN, online(true, false)).unwrap();
    net(&mut engine, BEGIN, last_page(first, Vec::new()));
    let lost = BEGIN + MINUTE;
    net(&mut engine, lost, online(false, false));
    // Subscribed again, and the first push comes before the network says so.
    let back = lost + 30 * MINUTE;
    let push = NetEvent::Message(received(&topic, back, true));
    net(&mut engine, back, push);
    let (_, start) = net(&mut engine, back, online(true, true)).expect("a catch-up");
    assert!(start <= lost, "{} ms are never asked for", start - lost);
}

/// The store of the node in use is asked after each gap, and may be empty for that reason: others are asked all the
/// same.
#[test]
fn gaps_put_off_no_question_to_other_stores() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, _) = created(folder.path());
    let (mut of_gaps, mut by_turns) = (0, 0);
    let mut effects = engine.handle(BEGIN, Input::Net(online(true, false)));
    for minute in 0..60 {
        let now = BEGIN + minute * MINUTE;
        if minute % 5 == 0 {
            effects.extend(engine.handle(now, Input::Net(online(true, true))));
        }
        effects.extend(engine.handle(now, Input::Tick));
        while let Some(effect) = effects.pop() {
            let Effect::Net(NetCommand::Query { id, circle, .. }) = effect else {
                continue;
            };
            match circle {
                Circle::Receive => of_gaps += 1,
                Circle::Other => by_turns += 1,
                Circle::Alone => {}
            }
            effects.extend(engine.handle(now, Input::Net(last_page(id, Vec::new()))));
        }
    }
    assert!(of_gaps >= 12, "{of_gaps}");
    assert!((3..=4).contains(&by_turns), "{by_turns}");
}

#[test]
fn who_left_the_bucket_and_was_replaced_sleeps() {
    let folder = tempfile::tempdir().unwrap();
    drop(created(folder.path()));
    let mut account = account(folder.path());
    let flags = account.transaction(|mut tx| {
        tx.kv.set("bucket_left", &[1])?;
        tx.kv.set("replaced", &[1])
    });
    flags.unwrap();
    let (mut engine, _) = engine(account);
    let now = BEGIN + SECOND;
    let effects = engine.handle(now, Input::Tick);
    let wake = effects.iter().find_map(|effect| match effect {
        Effect::WakeAt(at) => Some(*at),
        _ => None,
    });
    assert!(wake.is_none_or(|at| at.is_none_or(|at| at > now)), "{wake:?}");
}

#[test]
fn an_envelope_in_two_polls_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    drop(created(folder.path()));
    let mut account = account(folder.path());
    // Too much to hear it again.
    let (hour, bytes) = (BEGIN / (60 * MINUTE), 15_000_000_i64);
    let flags = account.transaction(|mut tx| {
        tx.kv.set("bucket", &[hour.to_be_bytes(), bytes.to_be_bytes()].concat())?;
        tx.kv.set("bucket_left", &[1])
    });
    flags.unwrap();
    let (mut engine, _) = engine(account);
    let topic = "/sotto/1/h04-0000/proto"; // not looked at in a page
    let mut effects = engine.foreground(BEGIN, true).1;
    let (mut now, mut polls) = (BEGIN, 0);
    while polls < 4 {
        assert!(now < BEGIN + 10 * MINUTE, "{polls} polls");
        if let Some((id, start)) = asked(&effects) {
            let seen = start <= BEGIN + SECOND && now > BEGIN + SECOND;
            let page = vec![received(topic, BEGIN + SECOND, false); usize::from(seen)];
            polls += u32::from(seen);
            engine.handle(now, Input::Net(last_page(id, page)));
        }
        now += 5 * SECOND;
        effects = engine.handle(now, Input::Tick);
    }
    assert_eq!(engine.bucket(now).bytes_day, 15_000_000 + 2048 + 220);
}

/// The nodes lost their relay peers; then the first retried card of three is relayed.
#[test]
fn once_one_is_relayed_the_others_leave_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, _) = created(folder.path());
    engine.handle(BEGIN, Input::Net(online(true, false)));
    let answer = |engine: &mut Engine, now, id, outcome| {
        let (hash, node) = ([1; 32], Some(1));
        let event = NetEvent::Published(Published::new(id, hash, BEGIN * 1_000_000, node, outcome));
        published(&engine.handle(now, Input::Net(event)))
    };
    let cards = published(&engine.call(BEGIN, call::InviteCreate {}).1);
    assert_eq!(cards.len(), 3);
    for &id in &cards {
        let failed = PublishOutcome::Failed(FailReason::NoRelayPeers);
        assert!(answer(&mut engine, BEGIN, id, failed).is_empty());
    }
    let mut now = BEGIN;
    let mut tried = loop {
        now += 10;
        assert!(now <= BEGIN + 3 * SECOND, "the first waits 3 s at most");
        let tried = published(&engine.handle(now, Input::Tick));
        if !tried.is_empty() {
            break tried;
        }
    };
    let relayed = PublishOutcome::Relayed { peers: 1 };
    tried.extend(answer(&mut engine, now, tried[0], relayed));
    tried.sort_unstable();
    assert_eq!(tried, cards, "at once");
}

#[test]
fn a_node_of_another_network_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, _) = created(folder.path());
    let told = |effects: Vec<Effect>| {
        let other = sotto_messenger::Code::NetworkOther;
        let is = |effect: &&Effect| matches!(effect, Effect::Emit(Event::Notice { code }) if *code == other);
        effects.iter().filter(is).count()
    };
    for count in [1, 0, 0] {
        let effects = engine.handle(BEGIN, Input::Net(NetEvent::OtherNetwork));
        assert_eq!(told(effects), count);
    }
}
