//! After many lost messages the next one is shown soon, whatever else the bucket carries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_crypto::{Random, Session};
use sotto_testkit::three::sending;
use sotto_testkit::{HOUR, MINUTE, Relayed, SECOND, Seeded, World};
use sotto_wire::content::{Kind, Message};

/// An envelope for nobody here: a version, and random bytes.
fn junk(rng: &mut Seeded, length: usize) -> Vec<u8> {
    let mut payload = vec![0; length];
    let words = payload.as_chunks_mut::<8>().0;
    words.iter_mut().for_each(|word| *word = rng.draw().to_be_bytes());
    payload[0] = 1;
    payload
}

/// Two contacts who have talked. With `answered`, Bob wrote last, so Alice's next message begins a new chain.
fn talked(seed: u64, answered: bool) -> World {
    let mut world = World::befriended(seed);
    assert!(world.send(0, "first"));
    world.run(MINUTE);
    if answered {
        assert!(world.send(1, "an answer"));
        world.run(MINUTE);
    }
    world
}

/// Alice's next messages are sealed and lost for good.
fn lose(world: &mut World, count: u32) {
    world.kill(0);
    let mut rng = Seeded::new(77);
    world.phones[0].tables(|tx| {
        let mut row = sending(tx).unwrap();
        let mut session = Session::from_bytes(&row.snapshot).unwrap();
        for _ in 0..count {
            session.encrypt(&mut rng, &Random([0; 16]), &[0x80]).unwrap();
        }
        row.snapshot = session.to_bytes().as_slice().into();
        tx.links.edit(&row.hash, |link| link.seq += count).unwrap().unwrap();
        tx.sessions.put(&row).unwrap();
    });
    world.start(0);
    world.run(5);
}

fn open_app(world: &mut World, who: usize) {
    world.foreground(who, true).unwrap();
    world.run(MINUTE);
}

#[test]
fn the_message_after_a_gap_is_shown_soon() {
    for (seed, lost) in [(921, 70), (922, 200), (923, 20_000)] {
        for next_chain in [false, true] {
            let mut world = talked(seed, next_chain);
            open_app(&mut world, 1);
            if !next_chain {
                // Bob's receipt has not arrived, so Alice goes on in the chain that he knows.
                assert!(world.send(0, "just before"));
                world.run(100);
                assert_eq!(world.phones[1].texts().last().unwrap(), "just before");
            }
            lose(&mut world, lost);
            for n in 0..3 {
                let text = format!("after {lost}: {n}");
                assert!(world.send(0, &text));
                world.run(5 * SECOND);
                let shown = world.phones[1].texts();
                assert_eq!(shown.last(), Some(&text), "next chain: {next_chain}");
            }
        }
    }
}

#[test]
fn a_flood_in_the_bucket_does_not_hide_it() {
    let mut world = talked(931, true);
    open_app(&mut world, 1);
    lose(&mut world, 200);
    let bob = world.phones[1].topics()[0].clone();
    let mut rng = Seeded::new(5);
    for tenth in 0..80 {
        if tenth == 30 {
            assert!(world.send(0, "through the flood"));
        }
        for _ in 0..5 {
            world.inject(&bob, &junk(&mut rng, 512));
        }
        world.run(SECOND / 10);
    }
    assert_eq!(world.phones[1].texts().last().unwrap(), "through the flood");
}

/// An author cannot choose the time that a store is asked for: arrival times count, not the author's clock.
#[test]
fn a_missing_parent_is_asked_for_by_arrival_times() {
    let mut world = talked(941, false);
    world.run(30 * MINUTE);
    let before = world.now_ms;
    world.phones[0].clock_off_ms = -3 * HOUR;
    let calm = world.weather;
    world.weather.push_lost = 100;
    assert!(world.send(0, "lost, and in the store"));
    world.run(SECOND);
    world.weather = calm;
    let asked = world.phones[1].asked.len();
    assert!(world.send(0, "names it"));
    world.run(20 * SECOND);
    assert_eq!(world.phones[1].asked.len(), asked + 1, "the hole");
    let (from, until) = world.phones[1].asked[asked];
    let (from, until) = (from / 1_000_000, until.unwrap() / 1_000_000);
    assert!(from >= before - HOUR && from < before, "{}", from - before);
    assert!(until >= before && until <= world.now_ms + MINUTE);
}

/// A contact that names parents which never existed has the phone ask, but not again before the contact took the
/// question.
#[test]
fn one_question_waits_for_an_author() {
    let mut world = talked(943, false);
    for n in 0..20_u8 {
        world.kill(0);
        world.phones[0].tables(|tx| {
            let contact = tx.persons.all().unwrap().remove(0);
            let mut conversation = tx.conversations.with(&contact.chat).unwrap().unwrap();
            conversation.heads = (0..3).flat_map(|i| [0xa0 + i, n, 1, 2, 3, 4, 5, 6]).collect();
            tx.conversations.put(&conversation).unwrap();
        });
        world.start(0);
        world.run(SECOND);
        assert!(world.send(0, &format!("{n}")));
    }
    world.run(SECOND);
    assert_eq!(world.phones[1].texts().len(), 21);
    world.set_online(0, false);
    world.run(40 * HOUR);
    world.kill(1);
    let wants = world.phones[1].tables(|tx| {
        let contact = tx.persons.all().unwrap().remove(0);
        let rows = tx.items.of(&contact.chat).unwrap().into_iter();
        let content = rows.filter_map(|row| Message::decode(&row.m).ok());
        content.filter(|message| message.kind == Kind::Want).count()
    });
    assert_eq!(wants, 1);
}

/// A parent that was dropped while the phone was off is in the period that another store is asked for.
#[test]
fn a_parent_missed_while_the_phone_was_off_is_found_at_another_store() {
    let mut world = talked(942, false);
    world.set_online(1, false);
    world.run(10 * HOUR);
    assert!(world.send(0, "in the same page"));
    world.run(SECOND);
    let calm = world.weather;
    world.weather.store_misses = 100;
    assert!(world.send(0, "not in the first store"));
    world.run(SECOND);
    let (_, missed) = world.published.last().unwrap().clone();
    world.weather = calm;
    assert!(world.send(0, "names it"));
    world.run(SECOND);
    let sent_ms = world.now_ms;
    world.set_online(0, false); // nobody sends it again
    world.run(5 * HOUR);
    world.set_online(1, true);
    world.run(3 * SECOND);
    assert_eq!(world.phones[1].texts().last().unwrap(), "names it");
    assert_eq!(world.phones[1].texts().len(), 3);
    let bob = world.phones[1].topics()[0].clone();
    world.restore(&Relayed { topic: bob, payload: missed, timestamp_ns: sent_ms / 1000 * 1_000_000_000 });
    world.run(20 * SECOND);
    assert_eq!(world.phones[1].texts().len(), 4);
}

/// Envelopes that came while the app was closed are searched when it opens.
#[test]
fn opening_the_app_looks_for_what_waits() {
    let mut world = talked(932, false);
    lose(&mut world, 200);
    assert!(world.send(0, "in the background"));
    world.run(10 * SECOND);
    world.foreground(1, true).unwrap();
    world.run(5 * SECOND);
    assert_eq!(world.phones[1].texts().last().unwrap(), "in the background");
}

/// At most 8 MB wait. The oldest make room, and a message among the newest is still found.
#[test]
fn what_waits_is_bounded_and_the_newest_is_kept() {
    let mut world = talked(933, false);
    lose(&mut world, 200);
    let bob = world.phones[1].topics()[0].clone();
    let mut rng = Seeded::new(6);
    for n in 0..400 {
        if n == 390 {
            assert!(world.send(0, "among the junk"));
        }
        let payload = junk(&mut rng, 65_536);
        world.inject(&bob, &payload);
        world.inject(&bob, &payload); // a second copy: it waits once
        world.run(SECOND);
    }
    world.kill(1);
    let (count, bytes) = world.phones[1].tables(|tx| {
        let waiting = tx.waiting.tags().unwrap();
        let bytes: u64 = waiting.iter().map(|(.., length)| u64::from(*length)).sum();
        (waiting.len(), bytes)
    });
    assert!((100..=128).contains(&count), "{count}");
    assert!(bytes <= 8 * 1024 * 1024, "{bytes}");
    world.start(1);
    world.foreground(1, true).unwrap();
    world.run(10 * SECOND);
    assert_eq!(world.phones[1].texts().last().unwrap(), "among the junk");
}
