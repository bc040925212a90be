//! Phones whose clocks are wrong, and nodes that lie about the time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::records::MessageState;
use sotto_messenger::{Code, Event};
use sotto_testkit::{Conduct, DAY, Fleet, HOUR, MINUTE, SECOND, World, contacts};

/// How far a clock is off, milliseconds.
const OFF: [i64; 7] = [-3 * HOUR, -5 * MINUTE, -30 * SECOND, 30 * SECOND, 5 * MINUTE, 3 * HOUR, 3 * DAY];
/// The phone with the wrong clock: the one who adds, or the one who invited.
const ADDER: usize = 0;
const INVITER: usize = 1;

fn skewed(world: &World, who: usize) -> bool {
    world.phones[who].events.contains(&Event::Notice { code: Code::ClockSkewed })
}

fn shows(world: &World, who: usize, text: &str) -> bool {
    world.phones[who].texts().iter().any(|one| one == text)
}

/// Lets time pass until the condition holds. Panics after `within`.
fn wait(world: &mut World, within: i64, what: &str, is: impl Fn(&World) -> bool) {
    let until = world.now_ms + within;
    while !is(world) {
        assert!(world.now_ms < until, "not in time: {what}");
        world.run(SECOND);
    }
}

fn has_contact(world: &World, who: usize) -> bool {
    world.phones[who].read(|reader| !contacts(reader).unwrap().is_empty())
}

/// Two new installs, one with a wrong clock, meet by invite and talk, all within two minutes.
fn meet(seed: u64, who: usize, off_ms: i64, on: bool) -> World {
    let case = format!("{who} off by {off_ms} ms, on screen {on}");
    let mut world = World::new(seed, 2);
    world.phones[who].clock_off_ms = off_ms;
    world.kill(who);
    world.start(who);
    for one in 0..2 {
        world.foreground(one, on).unwrap();
    }
    let began = world.now_ms;
    world.create(ADDER, "Alice");
    world.create(INVITER, "Bob");
    let link = world.invite(INVITER);
    world.add(ADDER, &link, "hello, it is me");
    wait(&mut world, 2 * MINUTE, &case, |world| has_contact(world, INVITER));
    world.accept(INVITER);
    assert!(world.send(INVITER, "welcome"));
    wait(&mut world, 2 * MINUTE, &case, |world| shows(world, ADDER, "welcome"));
    assert!(world.send(ADDER, "thanks"));
    wait(&mut world, 2 * MINUTE, &case, |world| shows(world, INVITER, "thanks") && skewed(world, who));
    let took = world.now_ms - began;
    assert!(took <= 2 * MINUTE, "{case}: {took}");
    assert!(!skewed(&world, 1 - who), "{case}: the other clock is right");
    world
}

/// A text that is sent while its reader is off reaches the reader from stores, after its sender has gone.
fn through_the_store(world: &mut World, from: usize, text: &str) {
    world.set_online(1 - from, false);
    assert!(world.send(from, text));
    world.run(2 * MINUTE);
    world.set_online(from, false);
    world.set_online(1 - from, true);
    wait(world, 2 * MINUTE, text, |world| shows(world, 1 - from, text));
    world.set_online(from, true);
}

#[test]
fn whoever_has_the_wrong_clock_first_contact_and_catch_up_take_two_minutes() {
    for (number, off_ms) in OFF.into_iter().enumerate() {
        for who in [ADDER, INVITER] {
            for on in [false, true] {
                let seed = 900 + 4 * number as u64 + 2 * who as u64 + u64::from(on);
                let mut world = meet(seed, who, off_ms, on);
                through_the_store(&mut world, who, "from the wrong clock");
                through_the_store(&mut world, 1 - who, "to the wrong clock");
                world.run(5 * MINUTE);
                for one in 0..2 {
                    let states = world.phones[one].states();
                    let delivered = |state: &MessageState| *state >= MessageState::Delivered;
                    assert!(states.iter().all(delivered), "{off_ms} {who}: {states:?}");
                }
            }
        }
    }
}

/// A clock that was right is wrong after a restart.
#[test]
fn a_clock_that_is_wrong_after_a_restart_is_found_by_what_a_store_does_not_have() {
    for (number, off_ms) in OFF.into_iter().enumerate() {
        let mut world = World::befriended(950 + number as u64);
        world.phones[0].clock_off_ms = off_ms;
        world.kill(0);
        // Messages that came while it was down arrive, whatever the clock says.
        assert!(world.send(1, "good morning"));
        world.run(10 * MINUTE);
        world.set_online(1, false);
        world.start(0);
        wait(&mut world, 2 * MINUTE, "caught up", |world| shows(world, 0, "good morning"));
        through_the_store(&mut world, 0, "morning");
        assert!(skewed(&world, 0) && !skewed(&world, 1), "{off_ms}");
        through_the_store(&mut world, 1, "how are you?");
    }
}

/// Nodes that date nothing: messages of others suggest the time.
#[test]
fn where_nodes_date_nothing_the_time_comes_from_others() {
    for (number, off_ms) in OFF.into_iter().enumerate() {
        let mut world = World::befriended(970 + number as u64);
        world.undated = true;
        world.phones[0].clock_off_ms = off_ms;
        world.kill(0);
        world.start(0);
        assert!(world.send(1, "good morning"));
        world.run(2 * MINUTE);
        assert!(skewed(&world, 0) && !skewed(&world, 1), "{off_ms}");
        through_the_store(&mut world, 0, "morning");
    }
}

/// One node of each circle lies: about its messages, about their times, and by its pushes.
#[test]
fn one_liar_a_circle_moves_no_right_clock() {
    for seed in 980..983 {
        for liar in [Conduct::Empty, Conduct::SaysStored, Conduct::Forges, Conduct::Future] {
            for circles in [
                [vec![liar, Conduct::Good], vec![Conduct::Good; 2]],
                [vec![Conduct::Good; 2], vec![liar, Conduct::Good]],
            ] {
                let mut world = World::befriended(seed);
                for who in 0..2 {
                    world.kill(who);
                    world.start(who);
                }
                world.settle(Fleet::of(circles));
                for number in 0..6 {
                    assert!(world.send(number % 2, &format!("{number}")));
                    world.run(2 * MINUTE);
                }
                assert!(!skewed(&world, 0) && !skewed(&world, 1), "{liar:?} {seed}");
            }
        }
    }
}

/// Bounds of store queries are equal for all phones: nothing links two sessions of one phone.
#[test]
fn the_bounds_of_no_question_tell_one_phone_from_another() {
    let mut world = World::befriended(1000);
    world.phones[0].clock_off_ms = 7_321;
    for number in 0..24 {
        let long = "long ".repeat(5_000);
        let text = if number % 5 == 0 { long } else { format!("{number}") };
        world.set_online(1, number % 3 != 0);
        assert!(world.send(0, &text));
        world.run(20 * MINUTE + 13_577);
        world.set_online(1, true);
        world.foreground(1, number % 2 == 0).unwrap();
        world.run(39 * MINUTE + 11);
        world.kill(number % 2);
        world.start(number % 2);
    }
    let (start, end) = (10 * MINUTE * 1_000_000, MINUTE * 1_000_000);
    for phone in &world.phones {
        assert!(phone.asked.len() > 50, "{}", phone.asked.len());
        for (start_ns, end_ns) in &phone.asked {
            assert_eq!(start_ns % start, 0);
            assert!(end_ns.is_none_or(|end_ns| end_ns % end == 0));
        }
    }
}

#[test]
fn a_card_that_no_store_keeps_leaves_ever_more_rarely() {
    let mut world = World::new(77, 1);
    world.weather.store_misses = 100;
    world.create(0, "Alice");
    world.invite(0);
    world.run(DAY);
    let mut times = std::collections::BTreeMap::<&[u8], u32>::new();
    for (_, payload) in &world.published {
        *times.entry(payload).or_default() += 1;
    }
    let most = times.values().max().copied().unwrap();
    assert!((20..=45).contains(&most), "one card left {most} times a day");
}
