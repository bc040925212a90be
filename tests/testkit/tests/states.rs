//! States of messages are true: read, delivered, and the answers to copies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::records::MessageState;
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, Weather, World, contacts};

/// Nothing arrives, and no store keeps anything.
const VOID: Weather = Weather {
    push_lost: 100,
    push_doubled: 0,
    delay_ms: 0,
    publish_fails: 0,
    publish_lies: 0,
    publish_refused: 0,
    store_misses: 100,
    query_fails: 0,
    v2_nodes: 0,
};

fn calm() -> Weather {
    Weather::default()
}

fn unread(world: &World, who: usize) -> u32 {
    world.phones[who].read(|reader| {
        let contact = contacts(reader).unwrap().remove(0);
        let conversation = reader.tables().conversations.get(&contact.conversation).unwrap();
        conversation.unwrap().unread
    })
}

/// States of Alice's messages; delivered and read are not told apart.
fn states(world: &World) -> Vec<&'static str> {
    let states = world.phones[0].states().into_iter();
    let word = |state| match state {
        MessageState::Read => "read",
        MessageState::Delivered => "delivered",
        MessageState::Failed | MessageState::Received => "wrong",
        _ => "on its way",
    };
    states.map(word).collect()
}

/// Alice sends, and nothing arrives.
fn lose(world: &mut World, text: &str) {
    world.weather = VOID;
    assert!(world.send(0, text));
    world.run(SECOND);
    world.weather = calm();
}

/// Envelopes for a phone's home topic.
fn sent_to(world: &World, who: usize) -> usize {
    let home = &world.phones[who].topics()[0];
    let to = |(topic, _): &&(String, Vec<u8>)| topic == home;
    world.published.iter().filter(to).count()
}

#[test]
fn a_read_mark_says_nothing_of_what_did_not_arrive() {
    let mut world = World::befriended(901);
    assert!(world.send(0, "one"));
    world.run(SECOND);
    lose(&mut world, "two");
    assert!(world.send(0, "three"));
    world.run(2 * SECOND);
    world.read_all(1);
    world.run(30 * SECOND);
    assert_eq!(states(&world), ["read", "on its way", "read"]);
    assert_eq!(unread(&world, 1), 0);
    // It arrives later, and nobody looks at it: delivered, not read.
    world.run(10 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["one", "two", "three"]);
    assert_eq!(states(&world), ["read", "delivered", "read"]);
    assert_eq!(unread(&world, 1), 1);
    world.read_all(1);
    world.run(30 * SECOND);
    assert_eq!(states(&world), ["read"; 3]);
    assert_eq!(unread(&world, 1), 0);
}

/// A receipt covers at most 128 counters beyond the first missing one; for later ones the mark waits for the next
/// receipt.
#[test]
fn a_read_mark_waits_for_the_receipt() {
    let mut world = World::befriended(902);
    lose(&mut world, "lost");
    for n in 0..150 {
        assert!(world.send(0, &format!("{n}")));
    }
    world.run(5 * SECOND);
    assert_eq!(world.phones[1].texts().len(), 150);
    world.read_all(1);
    world.run(30 * SECOND);
    let before = states(&world);
    assert_eq!(before[0], "on its way");
    assert!(before.iter().filter(|state| **state == "read").count() >= 100);
    assert_eq!(before[150], "on its way", "no receipt goes so far");
    world.kill(0);
    world.start(0);
    world.run(15 * MINUTE);
    let after = states(&world);
    assert_eq!(after[0], "delivered", "it came after the mark");
    assert!(after[1..].iter().all(|state| *state == "read"), "{after:?}");
}

#[test]
fn a_long_text_is_read_once_it_is_whole() {
    let mut world = World::befriended(903);
    assert!(world.send(0, "before"));
    let honest = world.weather;
    world.weather.store_misses = 100; // its chunks are nowhere
    assert!(world.send(0, &"long ".repeat(4000)));
    world.run(SECOND);
    world.weather = honest;
    assert!(world.send(0, "after"));
    world.run(5 * SECOND);
    world.read_all(1);
    world.run(30 * SECOND);
    assert_eq!(world.phones[1].texts()[1], "…");
    assert_eq!(states(&world), ["read", "on its way", "read"]);
    assert_eq!(unread(&world, 1), 1, "what is not whole is not read");
    // The mark on this message itself does not help either.
    world.read_all(1);
    world.run(30 * SECOND);
    assert_eq!(unread(&world, 1), 1);
    world.run(HOUR);
    assert_eq!(world.phones[1].texts()[1].len(), 20_000);
    assert_eq!(states(&world), ["read", "delivered", "read"]);
    assert_eq!(unread(&world, 1), 1);
    world.read_all(1);
    world.run(30 * SECOND);
    assert_eq!(states(&world), ["read"; 3]);
    assert_eq!(unread(&world, 1), 0);
}

/// A text loses its place to later texts of the same contact. Its pointer, sealed again, fetches it; it is not
/// receipted before.
#[test]
fn a_long_text_that_lost_its_place_is_fetched_when_its_pointer_comes_again() {
    let mut world = World::befriended(904);
    world.weather.store_misses = 100; // its chunks are nowhere
    assert!(world.send(0, &"long ".repeat(4000)));
    world.run(5 * SECOND);
    world.weather = calm();
    let id = world.phones[1].messages()[0].id;
    world.kill(1);
    world.phones[1].tables(|tx| {
        let files = tx.attachments.remove_of(&id).unwrap();
        let content = tx.files.drop_unused(&files[0]).unwrap().unwrap();
        assert!(tx.contents.drop_unused(&content).unwrap());
    });
    world.start(1);
    world.kill(0);
    world.phones[0].tables(|tx| {
        let item = tx.items.of_message(&id).unwrap().unwrap();
        // So long ago that it is sealed again.
        tx.parcels.edit(&item.parcel, |parcel| parcel.sealed_ms = 0).unwrap().unwrap();
    });
    world.start(0);
    world.weather.store_misses = 100;
    world.run(4 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["…"]);
    assert_eq!(states(&world), ["on its way"]);
    world.weather = calm();
    world.run(HOUR);
    assert_eq!(world.phones[1].texts()[0].len(), 20_000);
    assert_eq!(states(&world), ["delivered"]);
}

/// Two contacts who have written to each other, so nodes are proven; then Alice writes once more. Returns Bob's topic
/// and the payload.
fn talked(seed: u64) -> (World, String, Vec<u8>) {
    let mut world = World::befriended(seed);
    for n in 0..12 {
        assert!(world.send(n % 2, &format!("{n}")));
        world.run(30 * SECOND);
    }
    let before = world.published.len();
    assert!(world.send(0, "the last"));
    world.run(SECOND);
    let bob = world.phones[1].topics()[0].clone();
    let sent = world.published[before..].iter();
    let sent = sent.rev().find(|(topic, _)| *topic == bob).unwrap();
    let payload = sent.1.clone();
    world.run(10 * MINUTE);
    (world, bob, payload)
}

#[test]
fn a_replayed_payload_draws_few_answers() {
    let (mut world, bob, payload) = talked(911);
    let before = sent_to(&world, 0);
    let mut times = Vec::new();
    for _ in 0..8640 {
        let sent = sent_to(&world, 0);
        world.inject(&bob, &payload);
        world.run(10 * SECOND);
        if sent_to(&world, 0) > sent {
            times.push(world.now_ms);
        }
    }
    let answers = sent_to(&world, 0) - before;
    assert!((1..=12).contains(&answers), "{answers} in a day");
    let soonest = times.windows(2).map(|pair| pair[1] - pair[0]).min();
    assert!(soonest.unwrap() >= 80 * SECOND, "{soonest:?}"); // looked at every 10 s
}

#[test]
fn a_payload_below_the_floor_draws_none() {
    let (mut world, bob, payload) = talked(912);
    assert!(world.send(0, "the one before is receipted"));
    world.run(5 * MINUTE);
    let before = sent_to(&world, 0);
    for _ in 0..600 {
        world.inject(&bob, &payload);
        world.run(MINUTE);
    }
    assert_eq!(sent_to(&world, 0), before);
}

/// Receipts and typing notices draw no receipt, however often they come.
#[test]
fn a_replayed_receipt_draws_none() {
    let mut world = World::befriended(913);
    assert!(world.send(1, "receipt me"));
    let before = world.published.len();
    world.run(MINUTE);
    let bob = world.phones[1].topics()[0].clone();
    let receipts = world.published[before..].iter();
    let receipts: Vec<_> = receipts.filter(|(topic, _)| *topic == bob).collect();
    assert_eq!(receipts.len(), 1);
    let payload = receipts[0].1.clone();
    world.run(10 * MINUTE);
    let before = sent_to(&world, 0);
    for _ in 0..60 {
        world.inject(&bob, &payload);
        world.run(2 * MINUTE);
    }
    assert_eq!(sent_to(&world, 0), before);
}

/// Before or after the message itself, a copy from the future delays no answer.
#[test]
fn a_copy_from_the_future_changes_nothing() {
    for first in [true, false] {
        let mut world = World::befriended(914);
        world.run(5 * MINUTE);
        let before = world.published.len();
        if first {
            world.weather = VOID;
        }
        assert!(world.send(0, "is it there?"));
        world.run(SECOND);
        world.weather = VOID; // Bob's receipt is lost
        let (bob, payload) = world.published[before].clone();
        let future = world.now_ms + DAY;
        world.inject_at(&bob, &payload, future);
        world.run(MINUTE);
        assert_eq!(world.phones[1].texts(), ["is it there?"]);
        assert_eq!(states(&world), ["on its way"]);
        world.weather = calm();
        world.run(5 * MINUTE);
        assert_eq!(states(&world), ["delivered"], "first: {first}");
    }
}
