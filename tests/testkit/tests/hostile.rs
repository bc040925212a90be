//! In each circle all service nodes but one are bad, each in its way. Everything arrives, once, for a bounded price.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::records::MessageState;
use sotto_testkit::{Conduct, Fleet, HOUR, MINUTE, SECOND, Seeded, World};

const TEXTS: usize = 20;

/// Two friends whose phones just started, with these nodes.
fn world(seed: u64, fleet: Fleet) -> World {
    let mut world = World::befriended(seed);
    for who in 0..2 {
        world.kill(who); // facts about nodes were facts about others
        world.start(who);
    }
    world.settle(fleet);
    world
}

/// Twenty texts, ten each way, a minute between them.
fn talk(world: &mut World, said: &mut Vec<String>) {
    for number in said.len()..said.len() + TEXTS {
        let text = format!("{number}");
        assert!(world.send(number % 2, &text));
        said.push(text);
        world.run(MINUTE);
    }
    said.sort_unstable();
}

fn arrived(world: &World, said: &[String]) -> bool {
    (0..2).all(|who| {
        let mut texts = world.phones[who].texts();
        texts.retain(|text| text.parse::<usize>().is_ok());
        texts.sort_unstable();
        texts == said
    })
}

fn delivered(world: &World) -> bool {
    let delivered = |state: &MessageState| *state >= MessageState::Delivered;
    (0..2).all(|who| world.phones[who].states().iter().all(delivered))
}

fn requests(world: &World) -> u64 {
    world.fleet.as_ref().unwrap().requests.iter().sum()
}

/// Hours until the condition holds, rounded up.
fn wait(world: &mut World, within: i64, what: &str, is: impl Fn(&World) -> bool) -> u64 {
    let began = world.now_ms;
    while !is(world) {
        let took = world.now_ms - began;
        let nodes = &world.fleet.as_ref().unwrap().nodes;
        assert!(took < within, "not {what} in time: {nodes:?}");
        world.run(if took < HOUR { 5 * MINUTE } else { HOUR });
    }
    ((world.now_ms - began) / HOUR) as u64 + 1
}

/// Two bad nodes of each kind in each circle, beside a good one: everything is known to have arrived.
#[test]
fn one_good_node_beside_two_of_each_kind() {
    for (seed, bad) in Conduct::BAD.into_iter().enumerate() {
        let circle = || vec![bad, Conduct::Good, bad];
        let mut world = world(500 + seed as u64, Fleet::of([circle(), circle()]));
        let (mut said, mut before) = (Vec::new(), 0);
        for _ in 0..2 {
            talk(&mut world, &mut said);
            let known = |world: &World| arrived(world, &said) && delivered(world);
            let hours = wait(&mut world, 8 * HOUR, "delivered", known);
            let made = requests(&world) - before;
            assert!(made <= 150 + 60 * hours, "{bad:?}: {made} in {hours} h");
            before += made;
        }
    }
}

/// Random bad nodes, three to ten in each circle: everything arrives, later texts sooner. With seeds 2 to 12 the first
/// twenty texts took 1.3 hours with three nodes and 4.3 hours with ten in the worst case, 0.5 and 2 hours in half of
/// the cases. None of the next twenty took longer than 1.3 hours.
#[test]
fn one_good_node_of_many_at_random() {
    for count in 3..=10 {
        for seed in 2..=4 {
            let seed = 100 * seed + count as u64;
            let mut world = world(seed, Fleet::one_good(count, &mut Seeded::new(seed)));
            let mut said = Vec::new();
            talk(&mut world, &mut said);
            let mut hours = wait(&mut world, 12 * HOUR, "there", |world| arrived(world, &said));
            hours += 6;
            world.run(6 * HOUR);
            talk(&mut world, &mut said);
            hours += wait(&mut world, 3 * HOUR, "there", |world| arrived(world, &said));
            let requests = requests(&world);
            assert!(requests <= 300 + 60 * hours, "{seed}: {requests}");
        }
    }
}

/// One of two nodes of a circle accepts and drops, or its disk is full. The times are those of docs/protocol.md: a
/// stored check after 60 to 80 s, other stores every 15 min.
#[test]
fn one_of_two_nodes_that_drops_or_has_a_full_disk_delays_by_the_documented_times_at_most() {
    let check = 80 * SECOND + 5 * SECOND;
    let turn = 15 * MINUTE + check;
    for seed in 620..632 {
        for (bad, online) in [(Conduct::Empty, check), (Conduct::Full, 5 * SECOND)] {
            let good = || vec![Conduct::Good; 2];
            let mixed = || vec![bad, Conduct::Good];
            // Both phones are on: the text is sent again as soon as a store says that it lacks it.
            let mut world = world(seed, Fleet::of([mixed(), good()]));
            world.run(MINUTE);
            for number in 0..4 {
                let text = format!("{number}");
                assert!(world.send(0, &text));
                shown(&mut world, &text, online);
                world.run(MINUTE);
            }
            // The reader comes after the sender has gone: one store has the text.
            let mut world = self::world(seed, Fleet::of([mixed(), mixed()]));
            world.run(MINUTE);
            world.kill(1);
            assert!(world.send(0, "4"));
            world.run(10 * MINUTE);
            world.kill(0);
            world.start(1);
            shown(&mut world, "4", turn);
        }
    }
}

/// Waits until the second phone shows a text.
fn shown(world: &mut World, text: &str, within: i64) {
    let began = world.now_ms;
    while !world.phones[1].texts().iter().any(|one| one == text) {
        let took = world.now_ms - began;
        let nodes = &world.fleet.as_ref().unwrap().nodes;
        assert!(took < within, "{text} not there in time: {nodes:?}");
        world.run(SECOND);
    }
}

/// Messages missed during a night are asked of more stores than the first one.
#[test]
fn a_night_is_asked_of_several_stores() {
    for seed in 600..610 {
        let receive = vec![Conduct::Empty, Conduct::Good];
        let mut world = world(seed, Fleet::of([vec![Conduct::Good], receive]));
        world.run(MINUTE);
        world.kill(1);
        assert!(world.send(0, "0"));
        world.run(10 * MINUTE);
        world.kill(0); // sends nothing again
        world.run(9 * HOUR);
        world.start(1);
        wait(&mut world, HOUR, "there", |world| world.phones[1].texts().contains(&"0".to_owned()));
    }
}
