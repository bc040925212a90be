//! The network's last event is stored.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use sotto_db::Account;
use sotto_messenger::engine::book;
use sotto_messenger::{Config, Fleet, Messenger, Preset, system_clock};
use sotto_net::{Command, Event, KnownNode, NetHandle, Source};
use tokio::sync::mpsc;

#[tokio::test]
async fn nodes_named_at_the_close_are_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = Fleet::preset(Preset::Local);
    let (commands, mut told) = mpsc::channel(16);
    let (say, events) = mpsc::channel(16);
    let net = NetHandle { commands, events };
    let node = KnownNode {
        peer: "somebody".into(),
        addresses: vec!["/ip4/127.0.0.1/tcp/1".into()],
        source: Source::Invite,
        circle: 1,
        successes: 1,
        failures: 0,
        answered_s: 5,
    };
    let last = Event::Book { changed: vec![node.clone()], gone: Vec::new() };
    let actor = tokio::spawn(async move {
        while let Some(command) = told.recv().await {
            if command == Command::Close {
                break;
            }
        }
        say.send(last).await.unwrap();
        say.send(Event::Closed).await.unwrap();
    });
    let config = Config::new(folder.path(), [7; 32], fleet.clone());
    let messenger = Messenger::open_over(config, net, system_clock()).unwrap();
    messenger.close().await.unwrap();
    actor.await.unwrap();
    let account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let known = account.read(|tx| book::load(tx, &fleet));
    assert_eq!(known.unwrap(), std::slice::from_ref(&node));

    // In another network, or where none is named, it is in use no longer; its circle is not forgotten.
    let mut configured = fleet.clone();
    configured.dns_trees.push("enrtree://another".into());
    let known = account.read(|tx| book::load(tx, &configured)).unwrap();
    assert_eq!((known[0].source, known[0].circle), (Source::Former, 1));
    let unmet = KnownNode { answered_s: 0, ..node };
    let mut account = account;
    let put = |mut tx: sotto_db::Tables<'_>| {
        tx.nodes.put(&sotto_db::Node {
            network: book::network(&fleet),
            peer: unmet.peer.clone(),
            addresses: String::new(),
            source: Source::Dns as u8,
            circle: 1,
            successes: 0,
            failures: 0,
            answered_s: 0,
        })
    };
    account.transaction(put).unwrap();
    let known = account.read(|tx| book::load(tx, &configured)).unwrap();
    assert_eq!(known, [], "who was never met is nobody elsewhere");
    let known = account.read(|tx| book::load(tx, &fleet)).unwrap();
    assert_eq!(known[0].source, Source::Former);
}

/// A host that goes on in the thread that answers, as Kotlin's unconfined dispatcher does.
struct Inline {
    work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

impl Inline {
    fn go_on(self: Arc<Self>) {
        let mut work = self.work.lock().unwrap();
        let waker = Waker::from(Arc::clone(&self));
        let ended = work.as_mut().map(|work| work.as_mut().poll(&mut Context::from_waker(&waker)));
        if ended == Some(Poll::Ready(())) {
            *work = None;
        }
    }
}

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        self.go_on();
    }
}

async fn use_and_let_go(messenger: Messenger, ended: Sender<()>) {
    messenger.account_create("Alice").await.unwrap();
    while thread::current().name() != Some("sotto-engine") {
        messenger.profile_set("Alice").await.unwrap();
    }
    drop(messenger);
    ended.send(()).unwrap();
}

#[test]
fn the_last_reference_may_be_let_go_of_where_an_answer_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let (commands, mut told) = mpsc::channel(16);
    let (say, events) = mpsc::channel(16);
    let actor = thread::spawn(move || {
        while told.blocking_recv().is_some_and(|command| command != Command::Close) {}
        say.blocking_send(Event::Closed)
    });
    let config = Config::new(folder.path(), [7; 32], Fleet::preset(Preset::Local));
    let messenger = Messenger::open_over(config, NetHandle { commands, events }, system_clock()).unwrap();
    let (ended, end) = std::sync::mpsc::channel();
    let work = use_and_let_go(messenger, ended);
    Arc::new(Inline { work: Mutex::new(Some(Box::pin(work))) }).go_on();
    end.recv().expect("it went on and came to its end");
    actor.join().unwrap().expect("the engine closes by itself");
    // Nobody waits for the engine here, and a process that ends under a running cipher crashes. The engine frees the
    // folder last.
    while let Err(error) = Account::open(&folder.path().join("account.db"), &[7; 32]) {
        assert_eq!(error, sotto_db::Error::InUse);
        thread::sleep(Duration::from_millis(5));
    }
}
