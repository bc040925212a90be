//! A busy bucket is left, and its messages arrive all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::records::MessageState;
use sotto_messenger::{Code, Event, Mode};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World};

fn told(world: &World, who: usize) -> usize {
    let code = Code::BucketBusy;
    let events = world.phones[who].events.iter();
    events.filter(|event| **event == Event::Notice { code }).count()
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
    assert!(numbers.left && numbers.bytes_day >= 20_000_000, "{numbers:?}");
    assert!(numbers.people > 100, "{numbers:?}");

    // It stays left after a kill, and a store returns the messages.
    world.kill(1);
    world.start(1);
    world.run(MINUTE);
    assert!(world.phones[1].topics().is_empty());
    assert!(world.send(0, "by store"));
    world.run(17 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["by store"]);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
    world.foreground(1, true).unwrap();
    assert!(world.send(0, "while it is on screen"));
    world.run(20 * SECOND);
    assert_eq!(world.phones[1].texts().len(), 2);
    world.foreground(1, false).unwrap();

    world.run(DAY);
    assert_eq!(world.phones[1].topics(), [topic]);
    assert!(!world.phones[1].bucket(world.now_ms).left);
    assert!(world.send(0, "at once"));
    world.run(SECOND);
    assert_eq!(world.phones[1].texts().len(), 3);
    assert_eq!(told(&world, 1), 1);
}

/// A polled bucket is asked for every 15 minutes; without a network the waits grow.
#[test]
fn polling_is_bounded() {
    let mut world = World::befriended(71);
    loud(&mut world);
    assert!(world.phones[1].bucket(world.now_ms).left);
    world.run(HOUR);
    let asked = |world: &World| world.phones[1].queries;
    let before = asked(&world);
    world.run(5 * HOUR);
    let polled = asked(&world) - before;
    assert!((19..=22).contains(&polled), "{polled}");
    world.set_online(1, false);
    let (before, effects) = (asked(&world), world.phones[1].effects);
    world.run(5 * HOUR);
    let polled = asked(&world) - before;
    assert!(polled <= 14, "{polled}");
    let effects = world.phones[1].effects - effects;
    assert!(effects <= 4 * polled, "nothing else wakes it: {effects}");
    world.run(19 * HOUR);
    let day = asked(&world) - before;
    assert!(day <= polled + 11, "every two hours: {day}");

    // With a conversation on screen it is polled at once, and also when a node is back.
    let before = asked(&world);
    world.foreground(1, true).unwrap();
    world.run(SECOND);
    assert_eq!(asked(&world) - before, 1);
    world.foreground(1, false).unwrap();
    world.run(3 * HOUR);
    assert!(world.send(0, "back"));
    world.set_online(1, true);
    world.run(SECOND);
    assert_eq!(world.phones[1].texts(), ["back"]);
}

/// Makes the bucket of person 1 busy.
fn loud(world: &mut World) {
    let topic = world.phones[1].topics()[0].clone();
    for i in 0..310_u32 {
        let mut other = vec![1; 65_536];
        other[1..5].copy_from_slice(&i.to_be_bytes());
        world.inject(&topic, &other);
        world.run(SECOND);
    }
}

/// A relay receives the whole shard anyway: leaving the bucket would end the relay.
#[test]
fn a_relay_stays_in_its_bucket() {
    let mut world = World::befriended(72);
    world.kill(1);
    world.phones[1].mode = Mode::Adaptive;
    world.start(1);
    world.run(SECOND);
    world.network_changed(1, false).unwrap();
    world.power_changed(1, true).unwrap();
    world.run(SECOND);
    let topic = world.phones[1].topics()[0].clone();
    loud(&mut world);
    assert_eq!(world.phones[1].topics(), std::slice::from_ref(&topic));
    let numbers = world.phones[1].bucket(world.now_ms);
    assert!(!numbers.left && numbers.bytes_day > 20_000_000);
    assert_eq!(told(&world, 1), 0);

    // In light mode again, the next envelope makes it leave; as a relay it receives again at once.
    world.power_changed(1, false).unwrap();
    world.inject(&topic, &[7; 65_536]);
    world.run(MINUTE);
    assert!(world.phones[1].topics().is_empty() && world.phones[1].bucket(world.now_ms).left);
    world.power_changed(1, true).unwrap();
    assert_eq!(world.phones[1].topics(), std::slice::from_ref(&topic));
    assert!(world.send(0, "heard"));
    world.run(SECOND);
    assert_eq!(world.phones[1].texts(), ["heard"]);
    let before = world.phones[1].queries;
    world.run(5 * HOUR);
    let asked = world.phones[1].queries - before;
    assert!(asked <= 21, "only what is quiet is asked for: {asked}");
    world.power_changed(1, false).unwrap();
    world.run(SECOND);
    assert!(world.phones[1].topics().is_empty());
}
