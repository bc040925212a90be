//! A disk that is full in the middle of a catch-up: envelopes that could not be stored are fetched again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_testkit::{HOUR, MINUTE, World};

#[test]
fn a_page_that_found_no_room_is_fetched_again() {
    const BOB: usize = 1;
    let mut world = World::new(30, 3);
    for (who, name) in ["Alice", "Bob", "Carol"].iter().enumerate() {
        world.create(who, name);
    }
    world.run(MINUTE);
    for other in [0, 2] {
        let link = world.invite(other);
        world.run(MINUTE);
        world.add(BOB, &link, "");
        world.run(MINUTE);
        world.accept(other);
        world.run(MINUTE);
    }
    world.set_online(BOB, false);
    assert!(world.send(2, "from Carol"));
    world.run(1000);
    // The senders leave soon: only stores have their messages then.
    world.kill(2);
    world.run(5 * HOUR);
    for i in 0..50 {
        assert!(world.send(0, &format!("{i} {}", "x".repeat(200))));
        world.run(1000);
    }
    world.kill(0);
    world.phones[BOB].limit_pages(1);
    world.set_online(BOB, true);
    world.run(45);
    world.phones[BOB].limit_pages(1_000_000);
    world.run(HOUR);
    let texts = world.phones[BOB].texts();
    assert!(texts.contains(&"from Carol".to_owned()), "{texts:?}");
    assert_eq!(texts.len(), 51);
}
