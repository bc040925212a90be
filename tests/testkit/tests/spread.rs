//! Messages to many contacts are spread: cards of each secret over the day and the nodes, news over hours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{ContactId, ContactState};
use sotto_testkit::{Contact, HOUR, MINUTE, World, contacts};

const FRIENDS: usize = 4;

fn answer(world: &mut World, who: usize, chat: &[u8; 33], action: ContactAction) {
    let contact = ContactId(sotto_crypto::account_id(chat));
    world.call(who, call::ContactAnswer { contact, action }).unwrap();
}

/// Alice (0) and her contacts (1 to 4), who do not know each other.
fn friends(seed: u64) -> World {
    let mut world = World::new(seed, 1 + FRIENDS);
    for who in 0..=FRIENDS {
        world.create(who, if who == 0 { "Alice" } else { "Friend" });
    }
    world.run(MINUTE);
    for who in 1..=FRIENDS {
        let link = world.invite(0);
        world.run(MINUTE);
        world.add(who, &link, "it is me");
        world.run(MINUTE);
        let contacts = world.phones[0].read(|reader| contacts(reader).unwrap());
        let asks = |one: &&Contact| ContactState::from(one.state) == ContactState::Incoming;
        let chat = contacts.iter().find(asks).unwrap().chat;
        answer(&mut world, 0, &chat, ContactAction::Accept);
        world.run(MINUTE);
    }
    world.run(10 * MINUTE);
    world
}

fn rename(world: &mut World, name: &str) {
    let name = name.to_owned();
    world.call(0, call::ProfileSet { name }).unwrap();
}

fn name(world: &World, who: usize) -> String {
    world.phones[who].read(|reader| contacts(reader).unwrap()[0].name.clone())
}

fn secret(world: &World, who: usize) -> Option<[u8; 16]> {
    world.phones[who].read(|reader| contacts(reader).unwrap()[0].contacts_secret)
}

/// The minute after now in which each contact learns it, up to seven hours.
fn learnt(world: &mut World, knows: impl Fn(&World, usize) -> bool) -> Vec<i64> {
    let mut at = BTreeMap::new();
    for minute in 0..7 * 60 {
        world.run(MINUTE);
        for who in 1..=FRIENDS {
            if knows(world, who) {
                at.entry(who).or_insert(minute);
            }
        }
    }
    at.into_values().collect()
}

fn is_spread(minutes: &[i64]) -> bool {
    let (first, last) = (minutes.iter().min().unwrap(), minutes.iter().max().unwrap());
    *first >= 59 && *last <= 6 * 60 + 2 && last - first >= 20
}

#[test]
fn a_new_name_reaches_each_contact_at_a_time_of_its_own() {
    let mut world = friends(400);
    rename(&mut world, "Alicia");
    world.run(30 * MINUTE);
    // The second change replaces the first, and waits no longer than it.
    rename(&mut world, "Ali");
    world.kill(0);
    world.start(0); // due news is on disk
    let mut names = BTreeSet::new();
    let mut minutes = Vec::new();
    for minute in 30..7 * 60 {
        world.run(MINUTE);
        for who in 1..=FRIENDS {
            let shown = name(&world, who);
            if shown == "Ali" && !names.contains(&(who, shown.clone())) {
                minutes.push(minute);
            }
            names.insert((who, shown));
        }
    }
    assert_eq!(minutes.len(), FRIENDS, "all know it");
    assert!(is_spread(&minutes), "{minutes:?}");
    assert!(!names.iter().any(|(_, name)| name == "Alicia"), "once");
}

#[test]
fn after_a_block_the_others_learn_the_new_secret_over_hours() {
    let mut world = friends(401);
    let blocked = world.phones[0].read(|reader| contacts(reader).unwrap()[0].chat);
    let is_blocked = |world: &World, who: usize| {
        world.phones[who].read(|reader| stored::own(reader).unwrap().unwrap().chat) == blocked
    };
    let out = (1..=FRIENDS).find(|who| is_blocked(&world, *who)).unwrap();
    let before = secret(&world, out);
    answer(&mut world, 0, &blocked, ContactAction::Block);
    rename(&mut world, "Ali"); // a hello carries it too
    let minutes = learnt(&mut world, |world, who| secret(world, who) != before && name(world, who) == "Ali");
    assert_eq!(minutes.len(), FRIENDS - 1);
    assert!(is_spread(&minutes), "{minutes:?}");
    assert_eq!(secret(&world, out), before);
}

#[test]
fn cards_are_refreshed_after_fourteen_to_twenty_hours_each_secrets_at_its_own_time() {
    let mut world = World::befriended(402);
    world.invite(0);
    world.invite(1);
    let mut hours: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut seen = world.published.len();
    for hour in 0..6 * 24 {
        world.run(HOUR);
        let topics: BTreeSet<String> = world.published[seen..]
            .iter()
            .map(|(topic, _)| topic.clone())
            .filter(|topic| topic.starts_with("/sotto/1/c"))
            .collect();
        seen = world.published.len();
        for topic in topics {
            hours.entry(topic).or_default().push(hour);
        }
    }
    assert!(hours.len() >= 5, "{hours:?}");
    let mut gaps = BTreeSet::new();
    let mut regular = 0;
    for times in hours.values() {
        let of_one: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // Two secrets may share a bucket.
        if of_one.iter().all(|gap| (13..=21).contains(gap)) {
            regular += 1;
            gaps.extend(of_one);
        }
    }
    assert!(regular >= 3, "{hours:?}");
    assert!(gaps.len() >= 4, "at random: {gaps:?}");
    // They drift apart: no two secrets are always published together.
    let all: Vec<&Vec<i64>> = hours.values().collect();
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            let together = one.iter().filter(|hour| other.contains(hour)).count();
            assert!(together <= one.len().div_ceil(2), "{one:?} {other:?}");
        }
    }
    // The cards of one secret go through one node, and nothing else is spread.
    let homes = |one: &&(String, Option<u64>)| one.0.starts_with("/sotto/1/h");
    assert!(world.spread.iter().filter(homes).all(|one| one.1.is_none()));
    let cards: Vec<_> = world.spread.iter().filter(|one| !homes(one)).collect();
    assert!(cards.iter().all(|one| one.1.is_some()));
    let drawn: BTreeSet<Option<u64>> = cards.iter().map(|one| one.1).collect();
    assert_eq!(drawn.len(), 7, "two self, two contacts, two open invites and a closed one");
}
