//! Silent filter nodes and relay peers: a store is asked, in light and in relay mode, and not too often.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::Mode;
use sotto_testkit::{Conduct, Fleet, HOUR, MINUTE, SECOND, World};

/// Two friends in this mode, just started.
fn world(seed: u64, mode: Mode) -> World {
    let mut world = World::befriended(seed);
    for who in 0..2 {
        world.kill(who);
        world.phones[who].mode = mode;
        world.start(who);
    }
    world
}

/// The filter node, or the mesh, pushes nothing.
fn silent(seed: u64, mode: Mode) -> World {
    let mut world = world(seed, mode);
    world.run(MINUTE);
    world.weather.push_lost = 100;
    world
}

fn foreground(world: &mut World, on: bool) {
    world.foreground(1, on).unwrap();
}

#[test]
fn a_store_is_asked_four_times_an_hour_at_most() {
    for (seed, mode) in [(80, Mode::Light), (81, Mode::Relay)] {
        let mut world = silent(seed, mode);
        assert!(world.send(0, "0"));
        world.run(16 * MINUTE);
        assert_eq!(world.phones[1].texts(), ["0"], "{mode:?}");
        world.run(HOUR);
        let before = world.phones[1].queries;
        world.run(10 * HOUR);
        let asked = world.phones[1].queries - before;
        assert!((38..=41).contains(&asked), "{mode:?}: {asked}");
        // A push is a sign of life.
        world.weather.push_lost = 0;
        let topic = world.phones[1].topics()[0].clone();
        world.inject(&topic, &[7; 512]);
        world.run(SECOND);
        let before = world.phones[1].queries;
        for _ in 0..60 {
            world.run(10 * MINUTE);
            world.inject(&topic, &[7; 512]);
        }
        let asked = world.phones[1].queries - before;
        assert!(asked <= 1, "but for the own cards: {asked}");
    }
}

#[test]
fn who_opens_the_app_need_not_wait() {
    for (seed, mode) in [(82, Mode::Light), (83, Mode::Relay)] {
        let mut world = silent(seed, mode);
        world.run(16 * MINUTE); // the last question
        assert!(world.send(0, "0"));
        world.run(6 * MINUTE);
        foreground(&mut world, true);
        world.run(SECOND);
        assert_eq!(world.phones[1].texts(), ["0"], "{mode:?}");
        let before = world.phones[1].queries;
        for second in 0..240 {
            foreground(&mut world, second % 2 == 0);
            world.run(SECOND);
        }
        assert_eq!(world.phones[1].queries, before, "{mode:?}");
    }
}

/// One of two receive nodes pushes nothing and has an empty store.
#[test]
fn beside_an_empty_node_everything_comes_in_time_in_either_mode() {
    for (number, mode) in [Mode::Light, Mode::Relay].into_iter().enumerate() {
        for seed in 0..10 {
            let mut world = world(800 + 10 * number as u64 + seed, mode);
            let receive = vec![Conduct::Empty, Conduct::Good];
            world.settle(Fleet::of([vec![Conduct::Good], receive]));
            world.run(MINUTE);
            assert!(world.send(0, "0"));
            world.run(HOUR);
            assert_eq!(world.phones[1].texts(), ["0"], "{mode:?} {seed}");
        }
    }
}
