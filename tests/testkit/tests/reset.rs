//! New sessions in place of old ones: when, by which keys, and without loss or doubling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_db::Tables;
use sotto_messenger::records::MessageState;
use sotto_testkit::three::{lose_sessions, sending, sessions};
use sotto_testkit::{DAY, HOUR, MINUTE, Seeded, World};

/// Reads a phone's database by the engine's own queries, then restarts the phone.
fn look<T>(world: &mut World, who: usize, read: impl FnOnce(&mut Tables<'_>) -> T) -> T {
    world.kill(who);
    let read = world.phones[who].tables(read);
    world.start(who);
    read
}

/// The id of the pair that the only contact gave.
fn pair_given(tx: &Tables<'_>) -> [u8; 8] {
    let chat = tx.persons.all().unwrap()[0].chat;
    let devices = tx.devices.of(&chat).unwrap();
    let pair = devices[0].reset_pair.as_ref().unwrap();
    *pair.first_chunk().unwrap()
}

fn delivered(world: &World, who: usize) -> bool {
    let states = world.phones[who].states();
    states.iter().all(|state| *state == MessageState::Delivered)
}

#[test]
fn a_lost_session_is_begun_anew_by_the_reset_pair_and_nothing_is_lost() {
    let mut world = World::befriended(40);
    assert!(world.send(0, "before"));
    world.run(MINUTE);
    let pair = look(&mut world, 0, |tx| pair_given(tx));
    world.kill(1);
    world.phones[1].tables(lose_sessions);
    world.start(1);
    let long = "long ".repeat(1000);
    let middle = "middle ".repeat(150); // more than a handshake holds
    for text in ["short", &middle, &long] {
        assert!(world.send(0, text));
    }
    world.run(47 * HOUR);
    assert_eq!(look(&mut world, 0, |tx| sessions(tx).len()), 1, "too early");
    assert_eq!(world.phones[1].texts(), ["before"]);
    world.run(2 * DAY);
    assert_eq!(world.phones[1].texts(), ["before", "short", &middle, &long]);
    assert!(delivered(&world, 0), "{:?}", world.phones[0].states());
    assert!(world.send(1, "and back"));
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts(), world.phones[1].texts());

    let (sending, next) = look(&mut world, 0, |tx| (sending(tx).unwrap(), pair_given(tx)));
    assert_eq!(sending.prekey_id, Some(pair), "begun by the pair");
    assert!(sending.answered);
    assert_ne!(next, pair, "its answer brought another one");
    let (used, fresh) = look(&mut world, 1, |tx| (tx.prekeys.get(&pair).unwrap(), tx.prekeys.get(&next).unwrap()));
    assert!(used.is_none(), "used once");
    assert!(fresh.is_some());
    world.run(8 * DAY);
    assert_eq!(look(&mut world, 0, |tx| sessions(tx).len()), 1, "the old one went");
}

#[test]
fn where_the_pair_is_lost_too_the_bundle_does_it() {
    let mut world = World::befriended(41);
    let pair = look(&mut world, 0, |tx| pair_given(tx));
    world.kill(1);
    world.phones[1].tables(|tx| {
        lose_sessions(tx);
        tx.prekeys.remove(&pair).unwrap();
    });
    world.start(1);
    assert!(world.send(0, "still there?"));
    world.run(3 * DAY);
    let tried = look(&mut world, 0, |tx| sessions(tx).iter().any(|row| row.prekey_id == Some(pair)));
    assert!(tried, "the pair comes first");
    assert!(world.phones[1].texts().is_empty());
    world.run(4 * DAY);
    assert_eq!(world.phones[1].texts(), ["still there?"]);
    assert!(delivered(&world, 0));
}

#[test]
fn who_is_only_away_is_no_reason_to_begin_anew() {
    let mut world = World::befriended(42);
    world.kill(1);
    assert!(world.send(0, "for later"));
    world.run(10 * DAY);
    let before = look(&mut world, 0, |tx| sessions(tx));
    assert_eq!(before.len(), 1);
    world.start(1);
    world.run(3 * DAY);
    assert_eq!(world.phones[1].texts(), ["for later"]);
    assert!(delivered(&world, 0));
    // His cards are new now, so the search is over.
    let after = look(&mut world, 0, |tx| sessions(tx));
    assert_eq!(after.len(), 1);
    assert!(after[0].hash == before[0].hash);
    let due = look(&mut world, 0, |tx| tx.persons.all().unwrap()[0].cards_due_ms);
    assert_eq!(due, None);
}

#[test]
fn both_sides_begin_anew_at_once_and_agree() {
    for seed in 43..47 {
        let mut world = World::befriended(seed);
        for who in 0..2 {
            world.kill(who);
            world.phones[who].tables(|tx| {
                for mut row in sessions(tx) {
                    // The state of another life: nothing in it opens anything.
                    row.snapshot = other_snapshot(seed, who);
                    tx.sessions.put(&row).unwrap();
                }
            });
            world.start(who);
        }
        for who in 0..2 {
            assert!(world.send(who, &format!("by {who}")));
        }
        world.run(5 * DAY);
        for who in 0..2 {
            assert_eq!(world.phones[who].texts().len(), 2, "seed {seed}, {who}");
            assert!(delivered(&world, who), "seed {seed}, {who}");
        }
        let [a, b] = [0, 1].map(|who| look(&mut world, who, |tx| sending(tx)).unwrap().hash);
        assert_eq!(a, b, "one session, seed {seed}");
    }
}

/// Bob's sessions are lost, and Alice is about to notice.
fn about_to_be_reset() -> World {
    let mut world = World::befriended(50);
    world.kill(1);
    world.phones[1].tables(lose_sessions);
    world.start(1);
    assert!(world.send(0, "once"));
    world.run(47 * HOUR);
    world
}

#[test]
fn a_kill_in_the_middle_of_a_reset_loses_and_doubles_nothing() {
    let mut world = about_to_be_reset();
    let before = [0, 1].map(|who| world.phones[who].effects);
    while world.phones[1].texts().is_empty() || !delivered(&world, 0) {
        world.run(HOUR);
    }
    for (who, before) in before.into_iter().enumerate() {
        let effects = world.phones[who].effects - before;
        assert!(effects > 12, "{effects}");
        for part in 0..12 {
            let mut world = about_to_be_reset();
            world.kill_after(who, effects * part / 12);
            for _ in 0..60 {
                world.run(HOUR);
                if !world.phones[who].is_up() {
                    world.start(who);
                }
            }
            assert_eq!(world.phones[1].texts(), ["once"], "{who}, {part}");
            assert!(delivered(&world, 0), "{who}, {part}");
        }
    }
}

/// A ratchet that belongs to two others.
fn other_snapshot(seed: u64, who: usize) -> sotto_db::Private {
    let mut others = World::befriended(seed + 1000);
    look(&mut others, who, |tx| sessions(tx)[0].snapshot.clone())
}

#[test]
fn after_five_thousand_messages_without_an_answer_the_next_leave_by_a_new_session() {
    let mut world = World::befriended(48);
    assert!(world.send(1, "hello")); // the chain of Alice begins after it
    world.run(MINUTE);
    world.kill(1);
    world.kill(0);
    // 4,990 messages that were given up and that nobody will get.
    world.phones[0].tables(|tx| {
        let mut row = sessions(tx).remove(0);
        let mut ratchet = sotto_crypto::Session::from_bytes(&row.snapshot).unwrap();
        let mut rng = Seeded::new(1);
        for _ in 0..4_990 {
            ratchet.encrypt(&mut rng, &sotto_crypto::Random([0; 16]), b"").unwrap();
        }
        tx.links.edit(&row.hash, |link| link.seq += 4_990).unwrap().unwrap();
        row.snapshot = ratchet.to_bytes().as_slice().into();
        tx.sessions.put(&row).unwrap();
    });
    world.start(0);
    for i in 0..20 {
        assert!(world.send(0, &format!("{i}")));
    }
    let (rows, new) = look(&mut world, 0, |tx| (sessions(tx), sending(tx).unwrap()));
    assert_eq!(rows.len(), 2);
    let old = rows.iter().find(|row| row.hash != new.hash).unwrap();
    let seq = look(&mut world, 0, |tx| tx.links.get(&new.hash).unwrap().unwrap().seq);
    let ratchet = sotto_crypto::Session::from_bytes(&old.snapshot).unwrap();
    assert_eq!(ratchet.sent_in_chain(), 5_000);
    assert!(seq > 0 && !new.answered);
    world.run(HOUR);
    world.start(1);
    world.run(HOUR);
    assert_eq!(world.phones[1].texts().len(), 21);
    assert_eq!(world.phones[1].texts(), world.phones[0].texts());
    assert!(delivered(&world, 0));
    assert_eq!(look(&mut world, 1, |tx| sessions(tx)).len(), 2);
    world.run(8 * DAY);
    assert_eq!(look(&mut world, 0, |tx| sessions(tx)).len(), 1);
}

/// Messages that the old session still had to send after its seven days leave by the new one.
#[test]
fn an_old_session_ends_and_what_it_carried_does_not() {
    let mut world = World::befriended(49);
    world.kill(1);
    assert!(world.send(0, "sealed in the old one"));
    world.kill(0);
    world.phones[0].tables(|tx| {
        let mut row = sessions(tx).remove(0);
        tx.links.edit(&row.hash, |link| link.seq = 5_000).unwrap().unwrap();
        let mut ratchet = sotto_crypto::Session::from_bytes(&row.snapshot).unwrap();
        let mut rng = Seeded::new(1);
        for _ in 0..5_000 {
            ratchet.encrypt(&mut rng, &sotto_crypto::Random([0; 16]), b"").unwrap();
        }
        row.snapshot = ratchet.to_bytes().as_slice().into();
        tx.sessions.put(&row).unwrap();
    });
    world.start(0);
    assert!(world.send(0, "in the new one"));
    world.run(9 * DAY);
    assert_eq!(look(&mut world, 0, |tx| sessions(tx).len()), 1);
    // All stored messages of the old session are gone, so only the new one can bring it.
    world.kill(1);
    world.phones[1].tables(lose_sessions);
    world.start(1);
    world.run(DAY);
    let mut texts = world.phones[1].texts();
    texts.sort();
    assert_eq!(texts, ["in the new one", "sealed in the old one"]);
    assert!(delivered(&world, 0));
}
