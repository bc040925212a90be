//! A bucket that carries too much is left, and what it holds comes all the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use sotto_messenger::engine::input::Command;
use sotto_messenger::records::MessageState;
use sotto_messenger::{Code, Event};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World};

fn told(world: &World, who: usize) -> usize {
    let code = Code::BucketBusy.as_str();
    let events = world.phones[who].events.iter();
    events
        .filter(|event| **event == Event::Notice { code })
        .count()
}

#[test]
fn a_bucket_over_twenty_megabytes_a_day_is_left_polled_and_heard_again() {
    let mut world = World::befriended(70);
    let topic = world.phones[1].topics()[0].clone();
    assert!(world.phones[1].bucket(world.now_ms).people >= 1);
    for i in 0..304_u32 {
        let mut other = vec![1; 65_536];
        other[1..5].copy_from_slice(&i.to_be_bytes());
        world.inject(&topic, &other);
        world.run(SECOND);
    }
    assert_eq!(told(&world, 1), 0);
    for i in 0..5_u8 {
        world.inject(&topic, &vec![i; 65_536]);
        world.run(SECOND);
    }
    assert_eq!(told(&world, 1), 1, "said once");
    assert!(world.phones[1].topics().is_empty());
    let numbers = world.phones[1].bucket(world.now_ms);
    assert!(
        numbers.left && numbers.bytes_day >= 20_000_000,
        "{numbers:?}"
    );
    assert!(numbers.people > 100, "{numbers:?}");

    // It stays so after a kill, and a store brings what there is.
    world.kill(1);
    world.start(1);
    world.run(MINUTE);
    assert!(world.phones[1].topics().is_empty());
    assert!(world.send(0, "by store"));
    world.run(17 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["by store"]);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
    world.call(1, Command::Foreground { on: true }).unwrap();
    assert!(world.send(0, "while it is on screen"));
    world.run(20 * SECOND);
    assert_eq!(world.phones[1].texts().len(), 2);
    world.call(1, Command::Foreground { on: false }).unwrap();

    world.run(DAY);
    assert_eq!(world.phones[1].topics(), [topic]);
    assert!(!world.phones[1].bucket(world.now_ms).left);
    assert!(world.send(0, "at once"));
    world.run(SECOND);
    assert_eq!(world.phones[1].texts().len(), 3);
    assert_eq!(told(&world, 1), 1);
}

/// What is polled is asked for every 15 minutes, not more often, and without a network no more than that either.
#[test]
fn polling_is_bounded() {
    let mut world = World::befriended(71);
    let topic = world.phones[1].topics()[0].clone();
    for i in 0..310_u32 {
        let mut other = vec![1; 65_536];
        other[1..5].copy_from_slice(&i.to_be_bytes());
        world.inject(&topic, &other);
        world.run(SECOND);
    }
    assert!(world.phones[1].bucket(world.now_ms).left);
    world.run(HOUR);
    let asked = |world: &World| world.phones[1].queries;
    let before = asked(&world);
    world.run(5 * HOUR);
    let polled = asked(&world) - before;
    assert!((19..=22).contains(&polled), "{polled}");
    world.set_online(1, false);
    let before = asked(&world);
    world.run(5 * HOUR);
    let polled = asked(&world) - before;
    assert!(polled <= 75, "{polled}");
}
