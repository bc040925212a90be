//! Whatever the network does, everything acknowledged arrives once, in one order, and its state says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use sotto_db::{Class, Parcel};
use sotto_messenger::records::MessageState;
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, Seeded, Weather, World};

const STORM: Weather = Weather {
    push_lost: 30,
    push_doubled: 20,
    delay_ms: 15_000,
    publish_fails: 30,
    publish_lies: 10,
    publish_refused: 3,
    store_misses: 20,
    query_fails: 30,
    v2_nodes: 0,
};

/// Every text is shown once, in the same order on both sides, and is delivered.
fn check(world: &World, said: &BTreeSet<String>) {
    let [alice, bob] = [world.phones[0].texts(), world.phones[1].texts()];
    assert_eq!(alice, bob, "one order");
    assert_eq!(alice.len(), said.len(), "each once");
    assert_eq!(&alice.into_iter().collect::<BTreeSet<_>>(), said, "all of it");
    for phone in &world.phones {
        let delivered = |state: &MessageState| *state >= MessageState::Delivered;
        assert!(phone.states().iter().all(delivered), "{:?}", phone.states());
    }
}

fn storm(seed: u64) {
    let mut world = World::befriended(seed);
    world.weather = STORM;
    let mut rng = Seeded::new(seed ^ 0x5eed);
    let mut said = BTreeSet::new();
    for i in 0..40 {
        let who = rng.below(2) as usize;
        let text = format!("{seed}/{i} by {who}");
        if rng.chance(10) {
            let online = rng.chance(50);
            world.set_online(who, online);
        }
        if rng.chance(5) {
            world.kill(who);
            world.start(who);
        }
        assert!(world.send(who, &text));
        said.insert(text);
        world.run((rng.below(30) * 1000) as i64);
    }
    world.set_online(0, true);
    world.set_online(1, true);
    world.run(2 * HOUR);
    world.weather = Weather::default();
    world.run(2 * DAY);
    check(&world, &said);
    assert_eq!(world.most_ticks, 1, "what was done is due no more");
}

#[test]
fn storms_lose_and_double_nothing() {
    for seed in 0..12 {
        storm(seed);
    }
}

#[test]
fn first_contact_comes_through_a_storm() {
    for seed in 100..106 {
        let mut world = World::new(seed, 2);
        world.weather = STORM;
        world.create(0, "Alice");
        world.create(1, "Bob");
        let link = world.invite(1);
        world.run(10 * MINUTE);
        world.add(0, &link, "me");
        world.run(DAY);
        world.accept(1);
        world.run(DAY);
        assert!(world.send(0, "there?"));
        assert!(world.send(1, "here!"));
        world.run(3 * DAY);
        check(&world, &["me", "there?", "here!"].map(String::from).into());
    }
}

#[test]
fn long_texts_come_through_a_storm() {
    for seed in 200..203 {
        let mut world = World::befriended(seed);
        world.weather = STORM;
        let long = "twelve bytes".repeat(25_000);
        assert!(world.send(0, &long));
        world.run(4 * DAY);
        check(&world, &[long].into());
    }
}

#[test]
fn a_week_without_network_and_everything_arrives_at_once() {
    let mut world = World::befriended(7);
    world.set_online(0, false);
    world.set_online(1, false);
    let mut said = BTreeSet::new();
    for i in 0..50 {
        for who in 0..2 {
            let text = format!("{i} by {who}");
            assert!(world.send(who, &text));
            said.insert(text);
        }
        world.run(3 * HOUR);
    }
    world.set_online(0, true);
    world.run(HOUR);
    world.set_online(1, true);
    world.run(HOUR);
    let [alice, bob] = [world.phones[0].texts(), world.phones[1].texts()];
    assert_eq!(alice, bob);
    check(&world, &said);
}

#[test]
fn nothing_is_done_without_network_or_work() {
    let mut world = World::befriended(8);
    world.run(HOUR);
    world.set_online(0, false);
    world.run(SECOND);
    let before = world.phones[0].effects;
    world.run(10 * HOUR);
    assert!(world.phones[0].effects - before <= 3, "no work without network but to say so, once");
    world.set_online(0, true);
    world.run(MINUTE);
    let before = world.phones[0].effects;
    world.run(2 * HOUR); // cards are due 14 hours after they were made, at the earliest
    let done = world.phones[0].effects - before;
    // Four queries an hour: a store is asked, because the filter node may be silent.
    let asked = |hours: u64| 3 * 4 * hours;
    assert!(done <= asked(2) + 2, "nobody writes, no card is due: {done}");
    let before = world.phones[0].effects;
    world.run(20 * HOUR);
    let done = world.phones[0].effects - before;
    assert!((asked(19) + 5..=asked(20) + 120).contains(&done), "cards, once or twice: {done}");
}

#[test]
fn more_rows_than_are_worked_on_at_once_need_no_time() {
    let mut world = World::befriended(9);
    world.set_online(0, false);
    world.run(MINUTE);
    world.kill(0);
    world.phones[0].tables(|tx| {
        for _ in 0..1000 {
            tx.parcels.add(past()).unwrap();
        }
    });
    world.start(0);
    world.run(SECOND);
    world.kill(0);
    assert_eq!(world.phones[0].tables(|tx| tx.parcels.of(&PAST).unwrap().len()), 0);
    assert!((1000 / 32..=1000).contains(&world.most_ticks), "{}", world.most_ticks);
}

const PAST: sotto_db::Chat = [7; 33];

/// Nobody needs it any more.
fn past() -> Parcel {
    Parcel {
        id: 0,
        class: Class::Once,
        party: Some(PAST),
        batch: None,
        topic: String::new(),
        payload: Some(vec![7]),
        sealed_ms: 0,
        attempts: 0,
        due_ms: 0,
        last_s: 0,
        check_ms: None,
        give_up_ms: 0,
    }
}
