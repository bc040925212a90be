//! An old copy of everything is put back, as from a backup: every state is true, nothing is lost, and the conversation
//! goes on within two minutes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use sotto_db::{Ahead, Link};
use sotto_messenger::records::MessageState;
use sotto_messenger::{Code, Event};
use sotto_testkit::three::sessions;
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World};

/// The files that a backup finds.
fn copy(world: &mut World, who: usize) -> Vec<u8> {
    world.kill(who);
    let bytes = std::fs::read(world.phones[who].folder().join("account.db")).unwrap();
    world.start(who);
    bytes
}

fn put_back(world: &mut World, who: usize, bytes: &[u8]) {
    world.kill(who);
    let folder = world.phones[who].folder().to_owned();
    for part in ["account.db-wal", "account.db-shm"] {
        let _ = std::fs::remove_file(folder.join(part));
    }
    std::fs::write(folder.join("account.db"), bytes).unwrap();
    world.phones[who].events.clear();
    world.start(who);
}

fn ids(world: &World, who: usize) -> BTreeSet<[u8; 32]> {
    let messages = world.phones[who].messages();
    messages.into_iter().map(|message| message.id).collect()
}

/// Messages shown as delivered are there, or were there before the copy was put back. True if all are shown so.
fn states_are_true(world: &World, who: usize, had: &BTreeSet<[u8; 32]>, what: &str) -> bool {
    let there = &ids(world, 1 - who) | had;
    let phone = &world.phones[who];
    let mine = phone.messages().into_iter().filter(|message| message.is_own());
    let mut all = true;
    for (message, state) in mine.zip(phone.states()) {
        let said = matches!(state, MessageState::Delivered | MessageState::Read);
        let text = message.text.unwrap_or_default();
        assert!(!said || there.contains(&message.id), "{what}: {text}");
        all &= said;
    }
    all
}

fn noticed(world: &World, who: usize) -> usize {
    let events = world.phones[who].events.iter();
    let rolled_back = |event: &&Event| matches!(event, Event::Notice { code } if *code == Code::StorageRolledBack);
    events.filter(rolled_back).count()
}

/// Who writes after the copy was made: the phone that goes back to it (true), or the other one.
const AFTER: &[(&str, &[bool])] = &[
    ("it wrote", &[true]),
    ("it wrote twice", &[true, true]),
    ("it was answered", &[true, false]),
    ("it answered", &[false, true]),
    ("it was answered again", &[false, true, false]),
    ("a talk", &[true, false, true, false, true, false]),
    ("another talk", &[false, true, true, false, false, true, false]),
    ("many", &[true, true, true, true, true, true, true, true, true, true, true, true]),
];

/// Two contacts have talked; the copy is made; then `after` happens.
fn went_on(seed: u64, who: usize, after: &[bool]) -> (World, Vec<u8>) {
    let mut world = World::befriended(seed);
    for round in 0..2 {
        for (one, name) in [(0, "a"), (1, "b")] {
            assert!(world.send(one, &format!("before {name}{round}")));
            world.run(20 * SECOND);
        }
    }
    world.run(2 * MINUTE); // receipts have left
    let old = copy(&mut world, who);
    for (i, own) in after.iter().enumerate() {
        let from = if *own { who } else { 1 - who };
        assert!(world.send(from, &format!("after {i} of {from}")));
        world.run(20 * SECOND);
    }
    world.run(MINUTE);
    (world, old)
}

#[test]
fn the_conversation_goes_on_and_every_state_is_true() {
    let none = BTreeSet::new();
    for (nth, (what, after)) in AFTER.iter().enumerate() {
        for who in 0..2 {
            for first in 0..2 {
                let what = format!("{what}, phone {who}, phone {first} writes first");
                let (mut world, old) = went_on(60 + nth as u64, who, after);
                let had = ids(&world, who);
                put_back(&mut world, who, &old);
                // At once, before anything could be noticed.
                for i in 0..3 {
                    assert!(world.send(first, &format!("new {i} of {first}")));
                }
                world.run(SECOND);
                assert!(world.send(1 - first, "new too"));
                let mut alive = false;
                for _ in 0..24 {
                    world.run(5 * SECOND);
                    let own = states_are_true(&world, who, &none, &what);
                    alive = states_are_true(&world, 1 - who, &had, &what) && own;
                }
                assert!(alive, "{what}: not alive after 2 minutes");
                assert_eq!(noticed(&world, who), 1, "{what}");
                assert_eq!(noticed(&world, 1 - who), 0, "{what}");
                // Nothing is lost: the other side's messages come again, or are asked for.
                assert!(world.send(1 - who, "is all there?"));
                world.run(10 * MINUTE);
                let missing: Vec<_> = ids(&world, 1 - who).difference(&ids(&world, who)).copied().collect();
                let messages = world.phones[1 - who].messages();
                let theirs = |id: &&[u8; 32]| messages.iter().any(|one| one.id == **id && one.is_own());
                assert_eq!(missing.iter().filter(theirs).count(), 0, "{what}");
                for one in 0..2 {
                    assert!(states_are_true(&world, one, &none, &what), "{what}");
                }
            }
        }
    }
}

#[test]
fn where_nothing_was_sent_since_the_copy_nothing_is_begun_and_nothing_said() {
    for after in [&[][..], &[false]] {
        for who in 0..2 {
            let (mut world, old) = went_on(70, who, after);
            put_back(&mut world, who, &old);
            for one in 0..2 {
                assert!(world.send(one, "new"));
            }
            world.run(2 * MINUTE);
            for one in 0..2 {
                assert!(states_are_true(&world, one, &BTreeSet::new(), "nothing"), "{one}");
            }
            if after.is_empty() {
                world.kill(who);
                let rows = world.phones[who].tables(|tx| sessions(tx));
                assert!(rows.iter().all(|row| row.ahead == Ahead::No), "{who}");
                assert_eq!(noticed(&world, who), 0);
            }
        }
    }
}

/// Nobody answered since, and the old pair was used: the own list in the stores shows it, and all contacts get new
/// sessions.
#[test]
fn the_own_list_proves_it_too() {
    let mut world = World::befriended(71);
    let old = copy(&mut world, 0);
    world.run(2 * DAY);
    put_back(&mut world, 0, &old);
    world.run(MINUTE);
    assert_eq!(noticed(&world, 0), 1);
    for one in 0..2 {
        assert!(world.send(one, "new"));
    }
    world.run(2 * MINUTE);
    for one in 0..2 {
        assert!(states_are_true(&world, one, &BTreeSet::new(), "by the list"), "{one}");
    }
    world.phones[0].events.clear();
    world.run(3 * DAY);
    assert_eq!(noticed(&world, 0), 0, "once");
}

/// Restarts, kills and long absence of the other side do not count as an old copy.
#[test]
fn restarts_are_no_old_copy() {
    let mut world = World::befriended(72);
    for round in 0..30 {
        let who = round % 2;
        world.kill(who);
        world.start(who);
        if round % 3 == 0 {
            world.set_online(1 - who, round % 2 == 0);
        }
        for i in 0..3 {
            assert!(world.send(who, &format!("{round} {i}")));
        }
        world.run(if round % 5 == 0 { HOUR } else { 5 * SECOND });
    }
    for who in 0..2 {
        world.set_online(who, true);
    }
    world.run(DAY);
    for who in 0..2 {
        assert_eq!(world.phones[who].texts().len(), 90);
        assert!(states_are_true(&world, who, &BTreeSet::new(), "restarts"), "{who}");
        assert_eq!(noticed(&world, who), 0);
        world.kill(who);
        let rows = world.phones[who].tables(|tx| sessions(tx));
        assert!(rows.iter().all(|row| row.ahead == Ahead::No));
    }
}

/// Messages to a contact who is away, with a restart between any two: a receipt still covers all of them.
#[test]
fn many_starts_while_the_other_is_away() {
    let mut world = World::befriended(73);
    world.set_online(1, false);
    for i in 0..40 {
        world.kill(0);
        world.start(0);
        assert!(world.send(0, &format!("{i}")));
        world.run(SECOND);
    }
    world.set_online(1, true);
    world.run(10 * MINUTE);
    assert_eq!(world.phones[1].texts().len(), 40);
    assert!(states_are_true(&world, 0, &BTreeSet::new(), "many starts"));
}

/// A contact who receipts messages that were never sent gets a few new sessions and no more; another contact's sessions
/// stay.
#[test]
fn a_liar_gets_a_few_sessions_and_nobody_else_is_touched() {
    let mut world = World::befriended(74);
    assert!(world.send(1, "hello"));
    world.run(MINUTE);
    for round in 0..12 {
        world.kill(1);
        world.phones[1].tables(|tx| {
            for row in sessions(tx) {
                let lie = |link: &mut Link| {
                    link.tracker = 5000_u32.to_be_bytes().to_vec();
                    link.dirty = true;
                };
                tx.links.edit(&row.hash, lie).unwrap().unwrap();
            }
        });
        world.start(1);
        assert!(world.send(1, &format!("a lie {round}")));
        assert!(world.send(0, &format!("true {round}")));
        world.run(3 * MINUTE);
    }
    assert!((1..=6).contains(&noticed(&world, 0)), "{}", noticed(&world, 0));
    world.kill(0);
    let rows = world.phones[0].tables(|tx| sessions(tx));
    assert!(rows.len() <= 7, "{} sessions", rows.len());
    world.start(0);
    world.run(3 * HOUR); // the liar's phone takes a new session an hour
    assert_eq!(world.phones[1].texts().len(), 25, "nothing is lost by it");
}

/// A node alters the first message of a chain, and the true one arrives too: no session begins.
#[test]
fn a_changed_message_is_no_old_copy() {
    let mut world = World::befriended(75);
    for (who, text) in [(0, "one"), (1, "two")] {
        assert!(world.send(who, text));
        world.run(MINUTE);
    }
    world.kill(0);
    let sent = world.published.len();
    assert!(world.send(1, "three"));
    world.run(SECOND);
    let (topic, payload) = world.published[sent].clone();
    let mut changed = payload.clone();
    *changed.last_mut().unwrap() ^= 1;
    world.set_online(0, false);
    world.start(0);
    world.run(SECOND);
    world.inject(&topic, &changed);
    world.run(10 * SECOND);
    world.set_online(0, true);
    world.run(3 * MINUTE);
    assert_eq!(world.phones[0].texts().last().unwrap(), "three");
    for who in 0..2 {
        assert_eq!(noticed(&world, who), 0);
        world.kill(who);
        let rows = world.phones[who].tables(|tx| sessions(tx));
        assert!(rows.len() == 1 && rows[0].ahead == Ahead::No, "{who}");
        world.start(who);
    }
}
