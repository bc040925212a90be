//! What the network says last is stored.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use sotto_db::Account;
use sotto_messenger::engine::book;
use sotto_messenger::{Config, Fleet, Messenger, system_clock};
use sotto_net::{Command, Event, KnownNode, NetHandle, Source};
use tokio::sync::mpsc;

#[tokio::test]
async fn nodes_named_at_the_close_are_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let fleet = Fleet::preset("local").unwrap();
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
    let put = |tx: &sotto_db::Tables<'_>| {
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
