//! The phrase is restored on another phone: the older install stops at once, and accepts nothing meant for the new one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::MessageState;
use sotto_messenger::{Code, Event};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World};

fn phrase(world: &World, who: usize) -> String {
    let phrase = world.phones[who].read(|reader| stored::phrase(reader).unwrap());
    phrase.unwrap().to_string()
}

fn restore(world: &mut World, from: usize, on: usize) {
    let phrase = phrase(world, from).into();
    world.call(on, call::AccountRestore { phrase }).unwrap();
}

fn told(world: &World, who: usize) -> usize {
    let code = Code::DeviceReplaced;
    let events = world.phones[who].events.iter();
    events.filter(|event| matches!(event, Event::Notice { code: one } if *one == code)).count()
}

fn replaced(world: &World, who: usize) -> bool {
    world.phones[who].read(|reader| stored::own(reader).unwrap().unwrap().replaced)
}

/// Alice (0) and Bob (1) are contacts; Alice's new phone (2) is empty.
fn three(seed: u64) -> World {
    let mut world = World::befriended(seed);
    world.add_phone();
    world.run(MINUTE);
    world
}

#[test]
fn the_older_install_is_told_within_ten_seconds_and_stops() {
    let mut world = three(300);
    assert!(world.send(0, "never to leave again"));
    world.run(MINUTE);
    restore(&mut world, 0, 2);
    world.run(10 * SECOND);
    assert_eq!((told(&world, 0), told(&world, 2)), (1, 0));
    assert!(replaced(&world, 0) && !replaced(&world, 2));
    assert!(world.phones[0].topics().is_empty(), "it hears nothing more");
    // Bob's messages are no longer for the older install: neither shown nor receipted there.
    assert!(world.send(1, "for the new phone"));
    let before = world.published.len();
    world.run(HOUR);
    let from_old = world.phones[0].texts();
    assert!(!from_old.contains(&"for the new phone".to_owned()));
    assert!(
        world.phones[1].states().contains(&MessageState::Sent)
            || world.phones[1].states().contains(&MessageState::Stored)
    );
    assert!(world.published.len() > before, "Bob tries again");
    assert_eq!(told(&world, 0), 1, "once");
    // A caller that waits for a sync gets its answer.
    assert!(world.sync(0));
    // The new install's own echo and later looks at the list change nothing.
    world.run(2 * DAY);
    assert!(!replaced(&world, 2));
}

/// A person who opens the app later learns it too, without sending anything.
#[test]
fn a_replaced_install_says_so_whenever_it_is_looked_at() {
    let mut world = three(302);
    restore(&mut world, 0, 2);
    world.run(10 * SECOND);
    world.kill(0);
    world.phones[0].events.clear();
    world.start(0);
    for who in 0..3 {
        let before = told(&world, who);
        for on in [false, true] {
            world.foreground(who, on).unwrap();
        }
        assert_eq!(told(&world, who), before + usize::from(who == 0));
    }
}

#[test]
fn the_envelope_looks_like_any_other_and_no_two_are_alike() {
    let mut world = three(301);
    let before = world.published.len();
    restore(&mut world, 0, 2);
    world.run(MINUTE);
    let home = |one: &&(String, Vec<u8>)| one.0.starts_with("/sotto/1/h");
    let sent: Vec<_> = world.published[before..].iter().filter(home).collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1.len(), 512);
    let topic = sent[0].0.clone();
    assert!(world.published[..before].iter().any(|one| one.0 == topic));
}

#[test]
fn after_a_restart_it_is_known_before_anything_else_is_taken() {
    for seed in 310..316 {
        let mut world = three(seed);
        world.kill(0);
        restore(&mut world, 0, 2);
        world.run(MINUTE);
        assert!(world.send(1, "while it was off"));
        world.run(MINUTE);
        world.start(0);
        assert!(world.send(1, "pushed before a store answers"));
        world.run(10 * SECOND);
        assert!(replaced(&world, 0));
        assert_eq!(told(&world, 0), 1);
        let texts = world.phones[0].texts();
        assert!(!texts.iter().any(|text| text.contains("while") || text.contains("pushed")), "{texts:?}");
    }
}

#[test]
fn without_a_store_pushes_wait_ten_seconds_and_no_longer() {
    let mut world = World::befriended(320);
    world.kill(0);
    world.weather.query_fails = 100;
    world.start(0);
    assert!(world.send(1, "no store"));
    world.run(5 * SECOND);
    assert!(!world.phones[0].texts().contains(&"no store".to_owned()));
    world.run(15 * SECOND);
    assert!(world.phones[0].texts().contains(&"no store".to_owned()));
    // From then on no push is held.
    assert!(world.send(1, "at once"));
    world.run(SECOND);
    assert!(world.phones[0].texts().contains(&"at once".to_owned()));
}

#[test]
fn an_old_takeover_replayed_changes_nothing() {
    let mut world = three(330);
    world.add_phone();
    let before = world.published.len();
    restore(&mut world, 0, 2);
    world.run(MINUTE);
    let home = |one: &&(String, Vec<u8>)| one.0.starts_with("/sotto/1/h");
    let (topic, payload) = world.published[before..].iter().find(home).cloned().unwrap();
    restore(&mut world, 2, 3);
    world.run(MINUTE);
    assert!(replaced(&world, 2) && !replaced(&world, 3));
    world.inject(&topic, &payload);
    let mut forged = payload.clone();
    forged[200] ^= 1;
    world.inject(&topic, &forged);
    world.run(MINUTE);
    assert!(!replaced(&world, 3));
    assert_eq!(told(&world, 3), 0);
}

#[test]
fn of_two_restored_at_the_same_time_one_stays() {
    for apart in [0, SECOND, 3 * SECOND] {
        let mut world = three(340);
        world.add_phone();
        restore(&mut world, 0, 2);
        world.run(apart);
        restore(&mut world, 0, 3);
        world.run(10 * MINUTE);
        assert!(replaced(&world, 0));
        let both = (replaced(&world, 2), replaced(&world, 3));
        assert!(both == (true, false) || both == (false, true), "{apart}: {both:?}");
    }
}
