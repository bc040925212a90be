//! What somebody deletes is gone for him, stays gone, and changes nothing for anybody else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use sotto_db::Message;
use sotto_messenger::engine::call;
use sotto_messenger::records::{MessageId, MessageState};
use sotto_messenger::{Code, Event};
use sotto_testkit::life::{keeps, orphans};
use sotto_testkit::three::lose_sessions;
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, Seeded, Weather, World, contacts};

const SECRET: &str = "meet me at the old mill at nine";

fn shown(world: &World, who: usize, text: &str) -> Option<Message> {
    world.phones[who].messages().into_iter().find(|message| message.text.as_deref() == Some(text))
}

fn delete(world: &mut World, who: usize, text: &str) {
    let id = MessageId::from_bytes(&shown(world, who, text).expect("it is there").id);
    world.call(who, call::DeleteForMe { message: id }).unwrap();
}

fn delete_all(world: &mut World, who: usize) {
    let conversation = world.conversation(who);
    world.call(who, call::ConversationDelete { conversation }).unwrap();
}

/// A look into both databases: nothing refers to nothing, and where `text` is.
fn down(world: &mut World, text: &str) -> [bool; 2] {
    let held = [0, 1].map(|who| {
        world.kill(who);
        let lost = orphans(world.phones[who].folder());
        assert!(lost.is_empty(), "{who}: {lost:?}");
        keeps(world.phones[who].folder(), text)
    });
    (0..2).for_each(|who| world.start(who));
    held
}

/// What waits for the other side's receipt.
fn under_way(world: &World, who: usize) -> usize {
    world.phones[who].read(|reader| {
        let chat = contacts(reader).unwrap()[0].chat;
        reader.tables().items.of(&chat).unwrap().len()
    })
}

#[test]
fn a_deleted_message_stays_gone_whatever_its_sender_repeats() {
    let mut world = World::befriended(1);
    assert!(world.send(0, "before") && world.send(0, SECRET));
    world.run(SECOND / 2);
    world.set_online(1, false);
    delete(&mut world, 1, SECRET); // its receipt has not left
    assert_eq!(world.phones[1].texts(), ["before"]);
    world.run(HOUR);
    world.set_online(1, true); // its twins come
    world.kill(1);
    world.phones[1].tables(lose_sessions); // and then it is sealed anew
    world.start(1);
    assert!(world.send(0, "after"));
    world.run(4 * DAY);
    assert_eq!(world.phones[1].texts(), ["before", "after"]);
    assert_eq!(world.phones[0].texts(), ["before", SECRET, "after"]);
    assert!(world.phones[0].states().iter().all(|state| *state == MessageState::Delivered), "and it is delivered");
    assert_eq!(down(&mut world, SECRET), [true, false]);
    // What the other side reads is read all the same.
    world.read_all(1);
    world.run(MINUTE);
    assert!(world.phones[0].states().iter().all(|state| *state == MessageState::Read));
}

#[test]
fn a_read_mark_on_a_deleted_message_counts_for_those_before_it() {
    let mut world = World::befriended(2);
    assert!(world.send(0, "one") && world.send(0, SECRET));
    world.run(MINUTE);
    delete(&mut world, 0, SECRET);
    world.phones[0].events.clear();
    world.read_all(1);
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts(), ["one"]);
    assert_eq!(world.phones[0].states(), [MessageState::Read]);
    let told = world.phones[0].events.iter().filter(|event| matches!(event, Event::MessageState { .. }));
    assert_eq!(told.count(), 1, "nothing is said of what is gone");
    assert_eq!(down(&mut world, SECRET), [false, true]);
}

#[test]
fn what_no_node_has_does_not_leave_and_nobody_misses_it() {
    let mut world = World::befriended(3);
    world.set_online(0, false);
    world.run(SECOND);
    let long = "longer than an envelope ".repeat(1000);
    for text in ["first", SECRET, &long, "last"] {
        assert!(world.send(0, text));
    }
    delete(&mut world, 0, SECRET);
    delete(&mut world, 0, &long);
    assert_eq!(down(&mut world, SECRET), [false, false]);
    world.set_online(0, true);
    world.run(DAY);
    for who in 0..2 {
        assert_eq!(world.phones[who].texts(), ["first", "last"]);
        assert_eq!(under_way(&world, who), 0, "{who}");
    }
    assert_eq!(down(&mut world, "longer than an envelope"), [false, false]);

    // The newest one that was deleted is named by none.
    world.set_online(0, false);
    world.run(SECOND);
    assert!(world.send(0, SECRET));
    delete(&mut world, 0, SECRET);
    assert!(world.send(0, "the end"));
    let queries = world.phones[1].queries;
    world.set_online(0, true);
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), ["first", "last", "the end"]);
    world.kill(1);
    let holes = world.phones[1].tables(|tx| tx.holes.due(i64::MAX).unwrap().len());
    world.start(1);
    assert_eq!((holes, world.phones[1].queries - queries), (0, 0), "and nobody asks for it");
}

#[test]
fn what_has_left_arrives_though_its_sender_deleted_it() {
    for whole in [false, true] {
        let mut world = World::befriended(4);
        world.set_online(1, false);
        assert!(world.send(0, "one") && world.send(0, SECRET));
        world.run(MINUTE);
        match whole {
            false => delete(&mut world, 0, SECRET),
            true => delete_all(&mut world, 0),
        }
        assert_eq!(down(&mut world, SECRET), [false, false], "what waits for its receipt is sealed");
        world.weather = Weather { store_misses: 100, ..Weather::default() }; // it has to be sent again
        world.set_online(1, true);
        world.run(2 * DAY);
        assert_eq!(world.phones[1].texts(), ["one", SECRET]);
        assert_eq!(world.phones[0].texts().len(), usize::from(!whole));
        assert_eq!(under_way(&world, 0), 0, "and its receipt ends it");
        assert!(world.send(1, "got it"));
        world.run(MINUTE);
        assert_eq!(world.phones[0].texts().last().unwrap(), "got it");
    }
}

#[test]
fn what_cannot_be_sealed_anew_any_more_ends() {
    let mut world = World::befriended(5);
    world.set_online(1, false);
    assert!(world.send(0, SECRET));
    world.run(MINUTE);
    delete(&mut world, 0, SECRET);
    world.kill(1);
    world.phones[1].tables(lose_sessions);
    world.start(1);
    world.set_online(1, true);
    assert!(world.send(0, "after"));
    world.run(4 * DAY);
    assert_eq!(world.phones[1].texts(), ["after"]);
    assert_eq!((under_way(&world, 0), down(&mut world, SECRET)), (0, [false, false]));
}

#[test]
fn a_long_text_on_its_way_is_fetched_no_more() {
    for whole in [false, true] {
        let mut world = World::befriended(6);
        world.weather = Weather { store_misses: 100, ..Weather::default() };
        let long = "twelve bytes".repeat(5000);
        assert!(world.send(0, &long));
        world.run(MINUTE);
        world.weather = Weather::default();
        assert_eq!(world.phones[1].texts(), ["…"]);
        match whole {
            false => {
                let message = MessageId::from_bytes(&world.phones[1].messages()[0].id);
                world.call(1, call::DeleteForMe { message }).unwrap();
            }
            true => delete_all(&mut world, 1),
        }
        let queries = world.phones[1].queries;
        world.run(HOUR);
        assert_eq!(world.phones[1].texts(), Vec::<String>::new());
        assert_eq!(world.phones[1].read(|reader| reader.counts().unwrap().fetches), 0);
        assert_eq!(world.phones[0].states(), [MessageState::Delivered], "its sender is done with it");
        assert!(world.phones[1].queries - queries < 8, "{}", world.phones[1].queries - queries);
        world.run(3 * DAY);
        assert_eq!(down(&mut world, "twelve bytes"), [true, false]);
    }
}

#[test]
fn a_request_goes_on_without_its_text_and_one_that_came_keeps_none() {
    let mut world = World::new(7, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.run(MINUTE);
    world.set_online(0, false);
    world.run(SECOND);
    world.add(0, &link, SECRET);
    delete(&mut world, 0, SECRET);
    assert_eq!(down(&mut world, SECRET), [false, false]);
    world.set_online(0, true);
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    assert!(world.send(1, "hi"));
    world.run(MINUTE);
    assert_eq!([world.phones[0].texts(), world.phones[1].texts()], [["hi"], ["hi"]]);

    let mut world = sotto_testkit::three::asked(8, 0, SECRET);
    let at_bobs = world.phones[1].read(|reader| contacts(reader).unwrap()[0].person.request_text.clone());
    assert_eq!(at_bobs.as_deref(), Some(SECRET));
    delete(&mut world, 1, SECRET);
    world.run(MINUTE);
    world.kill(1);
    assert!(!keeps(world.phones[1].folder(), SECRET));
    world.start(1);
    world.accept(1);
    world.run(MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
    assert_eq!(world.phones[1].texts(), Vec::<String>::new());
}

#[test]
fn what_is_deleted_is_missing_in_every_way() {
    let mut world = World::befriended(9);
    assert!(world.send(0, SECRET));
    world.run(MINUTE);
    let message = MessageId::from_bytes(&shown(&world, 1, SECRET).unwrap().id);
    let conversation = world.conversation(1);
    let arrival = world.phones[1].read(|reader| reader.arrivals_page(0, 10).unwrap()[0].0);
    delete(&mut world, 1, SECRET);
    let missing = Some(Code::MessageMissing);
    let code = |done: Result<(), sotto_messenger::Error>| done.err().map(|error| error.code());
    assert_eq!(code(world.call(1, call::DeleteForMe { message: message.clone() })), missing);
    assert_eq!(code(world.call(1, call::Retry { message: message.clone() })), missing);
    assert_eq!(code(world.call(1, call::MarkRead { conversation, message })), missing);
    let text = "to what?".to_owned();
    assert_eq!(code(world.call(1, call::Answer { arrival, text }).map(drop)), missing);
    assert_eq!(world.phones[1].read(|reader| reader.arrivals_page(0, 10).unwrap().len()), 0);
    assert!(world.send(0, "next"));
    world.run(MINUTE);
    let next = world.phones[1].read(|reader| reader.arrivals_page(0, 10).unwrap()[0].0);
    assert!(next > arrival, "no number is used twice");
}

const STORM: Weather = Weather {
    push_lost: 30,
    push_doubled: 20,
    delay_ms: 15_000,
    publish_fails: 20,
    publish_lies: 10,
    publish_refused: 0,
    store_misses: 20,
    query_fails: 30,
    v2_nodes: 0,
};

/// What each side shows is what was said and came, but for what it deleted.
fn storm(seed: u64) {
    let mut world = World::befriended(seed);
    world.weather = STORM;
    let mut rng = Seeded::new(seed ^ 0xde1e7e);
    let mut said = [BTreeMap::new(), BTreeMap::new()];
    let mut gone = [BTreeSet::new(), BTreeSet::new()];
    for i in 0..60 {
        let who = rng.below(2) as usize;
        let ids = ids(&world, who);
        match rng.below(10) {
            0 => {
                let online = rng.chance(60);
                world.set_online(who, online);
            }
            1 => {
                world.kill(who);
                world.start(who);
            }
            2..=4 if !ids.is_empty() => {
                let id = &ids[rng.below(ids.len() as u64) as usize];
                world.call(who, call::DeleteForMe { message: id.clone() }).unwrap();
                gone[who].insert(id.clone());
            }
            5 if rng.chance(20) => {
                gone[who].extend(ids);
                delete_all(&mut world, who);
            }
            _ => {
                let long = if rng.chance(10) { " and on".repeat(2000) } else { String::new() };
                let text = format!("{seed}/{i} by {who}{long}");
                let conversation = world.conversation(who);
                let id = world.call(who, call::Send { conversation, post: text.clone().into() }).unwrap();
                said[who].insert(id, text);
            }
        }
        world.run((rng.below(40) * 1000) as i64);
    }
    (0..2).for_each(|who| world.set_online(who, true));
    world.run(2 * HOUR);
    world.weather = Weather::default();
    world.run(3 * DAY);
    let shown = [0, 1].map(|who| ids(&world, who));
    for who in 0..2 {
        let other = 1 - who;
        for (id, text) in &said[who] {
            assert_eq!(shown[who].contains(id), !gone[who].contains(id), "{seed}: {who} wrote {}", &text[..9]);
        }
        // All of the other side's came but for what that took back before it had left.
        for (id, text) in &said[other] {
            let (here, deleted) = (shown[who].contains(id), gone[who].contains(id));
            assert!(!(here && deleted), "{seed}: {who} shows {}", &text[..9]);
            assert!(here || deleted || gone[other].contains(id), "{seed}: {who} lacks {}", &text[..9]);
        }
        let waits = world.phones[who].messages().into_iter().filter(|message| message.fetching);
        for message in waits.map(|message| MessageId::from_bytes(&message.id)) {
            assert!(gone[other].contains(&message), "{seed}: {who} waits for a text");
        }
        assert!(world.phones[who].states().iter().all(|state| *state == MessageState::Delivered), "{seed}: {who}");
        assert_eq!(under_way(&world, who), 0, "{seed}: {who}");
    }
    // Both show the rest in one order.
    let both = |shown: &[MessageId], others: &[MessageId]| -> Vec<MessageId> {
        shown.iter().filter(|id| others.contains(id)).cloned().collect()
    };
    assert_eq!(both(&shown[0], &shown[1]), both(&shown[1], &shown[0]), "{seed}: one order");
    for (who, gone) in gone.iter().enumerate() {
        world.kill(who);
        let lost = orphans(world.phones[who].folder());
        assert!(lost.is_empty(), "{seed}, {who}: {lost:?}");
        for text in said.iter().flatten().filter(|(id, _)| gone.contains(id)).map(|(_, text)| text) {
            assert!(!keeps(world.phones[who].folder(), text), "{seed}: {who} keeps {}", &text[..9]);
        }
    }
}

/// What a phone shows, oldest first.
fn ids(world: &World, who: usize) -> Vec<MessageId> {
    world.phones[who].messages().iter().map(|message| MessageId::from_bytes(&message.id)).collect()
}

#[test]
fn any_order_of_deletes_arrivals_and_restarts_leaves_both_sides_right() {
    for seed in 0..8 {
        storm(seed);
    }
}
