//! First contact, and the messages of two friends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::records::MessageState;
use sotto_testkit::{MINUTE, SECOND, World};

#[test]
fn invite_request_acceptance_and_texts_both_ways() {
    let mut world = World::befriended(1);
    for i in 0..10 {
        assert!(world.send(0, &format!("from Alice {i} 🌿")));
        world.run(SECOND);
        assert!(world.send(1, &format!("from Bob {i} 🌊")));
        world.run(SECOND);
    }
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts(), world.phones[1].texts());
    assert_eq!(world.phones[0].texts().len(), 20);
    assert!(world.phones[0].states().iter().all(|state| *state == MessageState::Delivered));
    world.read_all(1);
    world.run(MINUTE);
    assert!(world.phones[0].states().iter().all(|state| *state == MessageState::Read));
    assert!(world.phones[1].states().iter().all(|state| *state == MessageState::Delivered));
}

#[test]
fn a_long_text_travels_in_chunks_and_is_delivered_when_whole() {
    let mut world = World::befriended(2);
    let long: String = (0..30_000).map(|i| format!("word{i:06} ")).collect();
    assert_eq!(long.len(), 330_000);
    assert!(world.send(0, &long));
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), [long]);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}
