//! Promises of docs/threat-model.md about nodes, strangers, contacts and thieves, one test each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactId, ContactState, ConversationId, MessageState};
use sotto_testkit::three::crowd;
use sotto_testkit::{Contact, DAY, HOUR, KEY, MINUTE, SECOND, World};
use sotto_wire::content::LAMPORT_JUMP;

/// A hub and accounts that all became its contacts, one after the other: phone 0 invited the others.
fn hub(seed: u64, others: usize) -> World {
    let mut world = World::new(seed, others + 1);
    world.create(0, "Hub");
    world.run(MINUTE);
    for who in 1..=others {
        join(&mut world, who);
    }
    world
}

fn join(world: &mut World, who: usize) {
    world.create(who, "Somebody");
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(who, &link, "it is me");
    world.run(MINUTE);
    for contact in contacts(world, 0) {
        if ContactState::from(contact.state) == ContactState::Incoming {
            answer(world, 0, &contact, ContactAction::Accept);
        }
    }
    world.run(MINUTE);
    let hub = &contacts(world, who)[0];
    assert_eq!(ContactState::from(hub.state), ContactState::Accepted);
}

fn contacts(world: &World, who: usize) -> Vec<Contact> {
    world.phones[who].read(|reader| sotto_testkit::contacts(reader).unwrap())
}

fn answer(world: &mut World, who: usize, contact: &Contact, action: ContactAction) {
    let contact = ContactId(sotto_crypto::account_id(&contact.chat));
    let command = call::ContactAnswer { contact, action };
    world.call(who, command).unwrap();
}

/// Each byte value is as frequent as in random data, within six standard deviations.
fn flat(name: &str, counts: &[u64]) {
    let total: u64 = counts.iter().sum();
    let mean = total as f64 / counts.len() as f64;
    let square = |count: &u64| (*count as f64 - mean).powi(2) / mean;
    let chi: f64 = counts.iter().map(square).sum();
    let free = (counts.len() - 1) as f64;
    let bound = free + 6.0 * (2.0 * free).sqrt();
    assert!(mean > 20.0 && chi < bound, "{name}: {chi} over {bound}");
}

/// Every kind of envelope, with equal texts: after the version byte no place, no bit and no run of bytes stands out.
#[test]
fn payloads_cannot_be_told_from_random_bytes() {
    let mut world = World::new(1, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "the same");
    for _ in 0..40 {
        assert!(world.send(0, "the same")); // each repeats the block
        world.run(SECOND);
    }
    world.accept(1);
    world.run(MINUTE);
    for _ in 0..100 {
        assert!(world.send(0, "the same"));
        world.run(30 * SECOND);
        assert!(world.send(1, "the same"));
        world.run(2 * MINUTE);
    }
    assert!(world.send(0, &"the same ".repeat(30_000)));
    world.run(HOUR);

    let payloads: BTreeSet<&[u8]> = world.published.iter().map(|(_, p)| p.as_slice()).collect();
    let mut by_class = BTreeMap::<usize, Vec<&[u8]>>::new();
    let (mut bytes, mut steps) = ([0_u64; 256], [0_u64; 256]);
    let mut runs = HashSet::new();
    for payload in payloads {
        by_class.entry(payload.len()).or_default().push(payload);
        assert_eq!(payload[0], 1);
        let rest = &payload[1..];
        rest.iter().for_each(|b| bytes[usize::from(*b)] += 1);
        let pairs = rest.windows(2);
        pairs.for_each(|p| steps[usize::from(p[0] ^ p[1])] += 1);
        for run in rest.windows(8) {
            assert!(runs.insert(<[u8; 8]>::try_from(run).unwrap()), "twice");
        }
    }
    flat("bytes", &bytes);
    flat("neighbours", &steps);
    let of = |len: usize| by_class.get(&len).map_or(0, Vec::len);
    assert!(of(512) > 250 && of(2048) > 40 && of(65_536) > 3);
    for len in [512, 2048] {
        let all = &by_class[&len];
        let (mean, deviation) = (all.len() as f64 / 2.0, (all.len() as f64).sqrt() / 2.0);
        for bit in 8..len * 8 {
            let ones = all.iter().filter(|p| p[bit / 8] >> (bit % 8) & 1 == 1);
            let off = (ones.count() as f64 - mean).abs() / deviation;
            assert!(off < 6.0, "{len} B: bit {bit} is off by {off} deviations");
        }
    }
}

#[test]
fn one_topic_is_subscribed_whatever_the_number_of_contacts() {
    let mut world = hub(2, 1);
    let alone = world.phones[0].topics().to_vec();
    assert_eq!(alone.len(), 1);
    let mut crowd = hub(2, 5);
    assert_eq!(contacts(&crowd, 0).len(), 5);
    assert_eq!(crowd.phones[0].topics().len(), 1);
    // Neither writing nor a restart, which loads all contacts, adds a topic.
    for world in [&mut world, &mut crowd] {
        let before = world.phones[0].topics().to_vec();
        for contact in contacts(world, 0) {
            let conversation = ConversationId::from_bytes(&contact.conversation);
            let text = "to each".to_owned();
            world.call(0, call::Send { conversation, post: text.into() }).unwrap();
        }
        world.run(MINUTE);
        world.kill(0);
        world.start(0);
        world.run(MINUTE);
        assert_eq!(world.phones[0].topics(), before);
    }
}

/// The only signed part of a private message is the device record, and it names no receiver: all contacts get the same
/// bytes.
#[test]
fn the_record_in_a_handshake_is_the_same_bytes_for_everybody() {
    let mut world = World::new(3, 3);
    for (who, name) in ["Alice", "Bob", "Carol"].into_iter().enumerate() {
        world.create(who, name);
    }
    world.run(MINUTE);
    for who in [1, 2] {
        let link = world.invite(who);
        world.run(MINUTE);
        world.add(0, &link, "it is me");
    }
    world.run(MINUTE);
    let shown = |who: usize| contacts(&world, who)[0].record().unwrap();
    assert_eq!(shown(1).len(), 185);
    assert_eq!(shown(1), shown(2));
}

#[test]
fn a_lamport_clock_cannot_push_the_order_further_than_the_clamp() {
    let mut world = World::befriended(4);
    assert!(world.send(0, "honest"));
    world.run(MINUTE);
    let honest = world.phones[1].messages()[0].lamport;
    world.kill(0);
    world.phones[0].tables(|tx| {
        let mut row = tx.conversations.with(&tx.persons.all().unwrap()[0].chat).unwrap().unwrap();
        row.lamport = 1 << 40;
        tx.conversations.put(&row).unwrap();
    });
    world.start(0);
    world.run(SECOND);
    assert!(world.send(0, "from far ahead"));
    world.run(MINUTE);
    let ahead = world.phones[1].messages().pop().unwrap();
    assert_eq!(ahead.text.as_deref(), Some("from far ahead"));
    let jump = i64::try_from(LAMPORT_JUMP).unwrap();
    assert_eq!((jump, ahead.lamport), (1 << 20, honest + jump));
    assert!(world.send(1, "the answer stands below it"));
    assert_eq!(world.phones[1].messages().pop().unwrap().lamport, honest + jump + 1);
}

#[test]
fn after_a_block_the_others_get_a_new_contacts_secret_and_the_blocked_one_does_not() {
    let mut world = hub(5, 3);
    let held = |world: &World, who: usize| contacts(world, who)[0].contacts_secret.unwrap();
    let old = held(&world, 1);
    assert_eq!([held(&world, 2), held(&world, 3)], [old; 2]);
    let blocked = contacts(&world, 1)[0].conversation;
    let all = contacts(&world, 0);
    let blocked = all.iter().find(|one| one.conversation == blocked).unwrap();
    world.set_online(2, false);
    answer(&mut world, 0, blocked, ContactAction::Block);
    world.run(6 * HOUR); // each is told at a time of its own
    world.run(MINUTE);
    world.set_online(2, true); // gets it later
    world.run(HOUR);
    let new = held(&world, 3);
    assert_ne!(new, old);
    assert_eq!(held(&world, 2), new);
    assert_eq!(held(&world, 1), old);
    world.kill(0);
    let own = world.phones[0].tables(|tx| tx.kv.get("contacts_secret").unwrap());
    assert_eq!(own.unwrap(), new);
}

/// Somebody sends a request to an inviting phone and gets no answer.
fn ask(world: &mut World, who: usize) {
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(who, &link, "please");
    world.run(MINUTE);
}

fn incoming(world: &World) -> usize {
    let waits = |one: &Contact| ContactState::from(one.state) == ContactState::Incoming;
    contacts(world, 0).iter().filter(|one| waits(one)).count()
}

#[test]
fn two_hundred_requests_wait_and_no_more() {
    let mut world = World::new(6, 3);
    for (who, name) in ["Bob", "Dora", "Alice"].into_iter().enumerate() {
        world.create(who, name);
    }
    world.run(MINUTE);
    ask(&mut world, 1);
    let dora = contacts(&world, 0).pop().unwrap();
    world.kill(0);
    world.phones[0].tables(|tx| crowd(tx, &dora, 200));
    world.start(0);
    world.run(MINUTE);
    assert_eq!(incoming(&world), 200);
    ask(&mut world, 2);
    assert_eq!(contacts(&world, 0).len(), 200);
    // Alice's phone repeats the request; now there is room.
    answer(&mut world, 0, &dora, ContactAction::Decline);
    world.run(HOUR);
    assert_eq!((contacts(&world, 0).len(), incoming(&world)), (201, 200));
}

#[test]
fn a_request_brings_a_hundred_messages_before_the_answer_and_no_more() {
    let mut world = World::new(7, 2);
    world.create(0, "Bob");
    world.create(1, "Alice");
    world.run(MINUTE);
    ask(&mut world, 1);
    for i in 0..105 {
        assert!(world.send(1, &format!("{i}")));
        world.run(SECOND);
    }
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts().len(), 100);
    world.accept(0);
    world.run(HOUR);
    let delivered = world.phones[1].states();
    let delivered = delivered.iter().filter(|state| **state == MessageState::Delivered);
    assert_eq!(delivered.count(), world.phones[0].texts().len(), "what was dropped is not said to be delivered");
    world.run(DAY);
    let all = world.phones[0].texts().len();
    assert_eq!(all, 106, "the request and the others: they come again");
}

/// Private keys of the prekeys in a phone's database, by kind.
fn prekeys(world: &World, who: usize) -> Vec<(u8, Vec<u8>)> {
    let file = world.phones[who].folder().join("account.db");
    let conn = rusqlite::Connection::open(file).unwrap();
    let key: String = KEY.iter().map(|b| format!("{b:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).unwrap();
    let mut all = conn.prepare("SELECT kind, private FROM prekeys").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

const INVITE: u8 = 0;
const BUNDLE: u8 = 1;
const RESET: u8 = 2;

/// Interval of checks of the database here.
const LOOK: i64 = HOUR;
/// Longest time until expired rows are deleted: the phone wakes every 20 hours at least, for the own list.
const LATE: i64 = 22 * HOUR;
/// Store retention in the simulation, and a day.
const RETENTION: i64 = 31 * DAY;

#[test]
fn prekeys_are_deleted_at_their_time() {
    let mut world = hub(8, 2);
    world.invite(0); // nobody uses it
    let begin = world.now_ms;
    let mut lives = BTreeMap::<(u8, Vec<u8>), (i64, i64)>::new();
    for hour in 0..60 * 24 {
        if hour == 24 {
            let blocked = contacts(&world, 0).remove(0);
            answer(&mut world, 0, &blocked, ContactAction::Block); // so the other gets a new reset pair
        }
        for key in prekeys(&world, 0) {
            lives.entry(key).or_insert((world.now_ms, 0)).1 = world.now_ms;
        }
        world.run(LOOK);
    }
    let end = world.now_ms;
    let gone = |kind: u8| -> Vec<(i64, i64)> {
        let of_kind = lives.iter().filter(|((k, _), _)| *k == kind);
        let mut spans: Vec<_> = of_kind.map(|(_, &(from, to))| (from - begin, to - begin)).collect();
        spans.sort_unstable();
        spans.retain(|(_, to)| begin + to < end - LOOK);
        spans
    };
    let within = |lived: i64, due: i64| (due - LOOK..due + LATE).contains(&lived);

    let invites = gone(INVITE);
    assert!(invites.len() == 1 && within(invites[0].1, 7 * DAY + RETENTION));
    let bundles = gone(BUNDLE);
    assert!(bundles.len() > 25, "one every 20 hours, of the first 26 days");
    for (from, to) in bundles {
        assert!(within(to - from, 3 * DAY + RETENTION), "{from} to {to}");
    }
    // The blocked contact's pair at once, the other's 31 days after it was replaced.
    let mut resets: Vec<i64> = gone(RESET).into_iter().map(|(_, to)| to - DAY).collect();
    resets.sort_unstable();
    assert_eq!(resets.len(), 2);
    assert!((-LOOK..=0).contains(&resets[0]) && within(resets[1], 31 * DAY), "{resets:?}");
    let kept = prekeys(&world, 0).into_iter().filter(|(kind, _)| *kind == RESET);
    assert_eq!(kept.count(), 1, "the one in force");
}

/// An invite's prekey is deleted when its last use is accepted.
#[test]
fn an_accepted_invites_prekey_is_gone_at_once() {
    let mut world = World::new(9, 2);
    world.create(0, "Bob");
    world.create(1, "Alice");
    world.run(MINUTE);
    ask(&mut world, 1);
    let invites = |world: &World| {
        let all = prekeys(world, 0).into_iter();
        all.filter(|(kind, _)| *kind == INVITE).count()
    };
    assert_eq!(invites(&world), 1);
    world.accept(0);
    assert_eq!(invites(&world), 0);
}
