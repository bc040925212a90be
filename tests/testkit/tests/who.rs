//! Identity: devices, invites, start numbers, verifying, and what strangers may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_db::{DeviceStanding, Message, PersonState};
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{ContactId, ContactState, MessageId, MessageState};
use sotto_messenger::{Code, Event};
use sotto_testkit::life::database;
use sotto_testkit::three::{
    alter, begin_anew, change, contact, crowd, friends, lose_sessions, phrase, shown, stand, state, steal,
};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World, contacts};
use sotto_wire::invite::Invite;

/// The identity that phone 2 claims: the device id of phone 1, with its own keys.
fn pose(world: &mut World) {
    let device = world.phones[1].tables(|tx| tx.kv.get("device").unwrap().unwrap());
    alter(world, 2, |tx| {
        let mut own = tx.kv.get("device").unwrap().unwrap();
        own[..16].copy_from_slice(&device[..16]);
        tx.kv.set("device", &own).unwrap();
        let mut record = tx.kv.get("record").unwrap().unwrap();
        record[8..16].fill(0); // it ran out, so it is signed anew
        tx.kv.set("record", &record).unwrap();
    });
}

fn notices(world: &mut World, who: usize, code: Code) -> usize {
    let is = |event: &Event| matches!(event, Event::Notice { code: told } if *told == code);
    let told = world.phones[who].events.iter().filter(|event| is(event));
    let count = told.count();
    world.phones[who].events.clear();
    count
}

#[test]
fn a_known_device_id_with_other_keys_takes_over_nothing() {
    for (seed, verified) in [(70, true), (71, false)] {
        let mut world = friends(seed, "");
        if verified {
            world.verify(0);
        }
        let before = contact(&world, 0);
        world.phones[0].events.clear();
        world.set_online(2, false);
        steal(&mut world);
        pose(&mut world);
        world.set_online(2, true);
        world.run(10 * MINUTE);
        let link = world.invite(0);
        world.run(MINUTE);
        world.add(2, &link, "it is Bob");
        world.run(MINUTE);
        let after = contact(&world, 0);
        assert_eq!(after.record(), before.record(), "the old record stays");
        assert_eq!(
            (after.home(), &after.name, after.peer.list_version),
            (before.home(), &before.name, before.peer.list_version)
        );
        assert!(after.devices_changed, "and it is shown");
        assert_eq!(notices(&mut world, 0, Code::DevicesChanged), 1);
        assert!(world.phones[0].texts().is_empty(), "it is nobody's text");
        assert!(world.send(0, "for Bob"));
        world.run(10 * MINUTE);
        assert_eq!(world.phones[2].texts(), ["it is Bob"]);
        assert!(world.phones[0].states()[0] < MessageState::Delivered);
        // Bob's own install learns what happened.
        world.phones[1].events.clear();
        world.start(1);
        world.run(MINUTE);
        assert_eq!(notices(&mut world, 1, Code::DeviceReplaced), 1);
    }
}

/// A holder of the phrase who also takes over the device's id is another device: the existing install says so.
#[test]
fn the_own_device_id_with_other_keys_is_not_this_device() {
    let mut world = friends(90, "");
    let phrase = phrase(&world, 1);
    let device = alter(&mut world, 1, |tx| tx.kv.get("device").unwrap().unwrap());
    world.run(MINUTE);
    world.set_online(2, false);
    let phrase = phrase.into();
    world.call(2, call::AccountRestore { phrase }).unwrap();
    alter(&mut world, 2, |tx| {
        let mut own = tx.kv.get("device").unwrap().unwrap();
        own[..16].copy_from_slice(&device[..16]);
        tx.kv.set("device", &own).unwrap();
    });
    world.set_online(2, true);
    world.run(10 * MINUTE);
    assert_eq!(notices(&mut world, 1, Code::DeviceReplaced), 1);
}

/// The same by cards: the phone that answers under Bob's contacts secret is a copy of his, with other keys.
#[test]
fn cards_with_other_keys_under_a_known_id_begin_nothing() {
    let mut world = friends(72, "");
    world.kill(1);
    world.kill(2);
    let file = |who: usize| world.phones[who].folder().join("account.db");
    std::fs::copy(file(1), file(2)).unwrap();
    world.phones[2].tables(|tx| {
        lose_sessions(tx);
        let mut own = tx.kv.get("device").unwrap().unwrap();
        own[16..].iter_mut().for_each(|byte| *byte ^= 0x55);
        tx.kv.set("device", &own).unwrap();
        let mut record = tx.kv.get("record").unwrap().unwrap();
        record[8..16].fill(0);
        tx.kv.set("record", &record).unwrap();
        tx.kv.remove("published_ms").unwrap();
        tx.kv.remove("next_self_ms").unwrap();
    });
    world.start(2);
    let before = contact(&world, 0);
    assert!(world.send(0, "for Bob"));
    world.run(3 * DAY);
    let after = contact(&world, 0);
    assert_eq!(after.record(), before.record());
    assert!(after.devices_changed);
    assert!(world.phones[2].texts().is_empty());
}

#[test]
fn a_device_that_is_not_confirmed_changes_nothing_but_its_texts_are_shown_marked() {
    let mut world = friends(73, "");
    world.verify(0);
    assert!(world.send(0, "to Bob"));
    world.run(MINUTE);
    let sent = world.phones[0].messages().remove(0);
    let before = contact(&world, 0);
    let order = |world: &World| {
        let id = contact(world, 0).conversation;
        world.phones[0].read(|reader| {
            let row = reader.tables().conversations.get(&id).unwrap().unwrap();
            (row.lamport, row.heads)
        })
    };
    let in_order = order(&world);
    steal(&mut world);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(2, &link, "my new phone");
    world.run(MINUTE);
    assert!(world.send(2, "where were we?"));
    assert!(world.send(2, &"long ".repeat(2_000)));
    world.run(MINUTE);
    // Now it may say whatever a contact may say.
    let queries = world.phones[0].queries;
    let alice = contact(&world, 2);
    change(&mut world, 2, |row| {
        row.hello_sent = true;
        row.peer.home = before.home().map(|_| row.home().unwrap());
    });
    alter(&mut world, 2, |tx| {
        stand(tx, &alice.chat, PersonState::Accepted);
        let conversation = alice.conversation;
        let (author, state) = (Some(alice.chat), sotto_db::MessageState::Received);
        let message = Message { conversation, author, state, read: false, ..sent.clone() };
        assert!(tx.messages.add(&message).unwrap());
    });
    let name = "Mallory".to_owned();
    world.call(2, call::ProfileSet { name }).unwrap();
    world
        .call(2, call::MarkRead { conversation: world.conversation(2), message: MessageId::from_bytes(&sent.id) })
        .unwrap();
    world.run(8 * HOUR);
    let after = contact(&world, 0);
    assert_eq!(
        (after.device(), after.record(), after.home(), &after.name),
        (before.device(), before.record(), before.home(), &before.name)
    );
    assert_eq!(after.peer.list_version, before.peer.list_version);
    assert_eq!(after.contacts_secret, before.contacts_secret);
    assert!(after.verified && after.devices_changed);
    assert_eq!(after.waiting.as_deref(), Some("contact.devices_changed"), "and says why nothing leaves for it");
    assert_eq!(order(&world), in_order);
    let texts: Vec<_> = world.phones[0]
        .messages()
        .into_iter()
        .map(|one| (one.text.clone(), one.is_own(), one.unconfirmed, one.fetching))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert!(texts.contains(&(text("to Bob"), true, false, false)));
    assert!(texts.contains(&(text("my new phone"), false, true, false)));
    assert!(texts.contains(&(text("where were we?"), false, true, false)));
    assert!(texts.contains(&(None, false, true, true)), "not fetched");
    assert_eq!(world.phones[0].states(), [MessageState::Delivered], "not read");
    assert!(world.phones[0].queries <= queries + 40, "none of its choice");
    assert!(world.phones[2].states().iter().all(|s| *s < MessageState::Delivered));
    // The person says that it is Bob, so all of it counts.
    let whom = world.contact(0);
    world.call(0, call::DevicesSeen { contact: whom, devices: shown(&world, 0) }).unwrap();
    world.run(HOUR);
    let after = contact(&world, 0);
    assert!(!after.verified && !after.devices_changed, "not compared");
    assert_ne!(after.device(), before.device());
    assert_eq!(after.waiting, None);
    assert!(world.phones[0].texts().contains(&"long ".repeat(2_000)));
    assert!(world.send(0, "so it is you"));
    world.run(HOUR);
    assert_eq!(world.phones[2].texts().last().unwrap(), "so it is you");
}

#[test]
fn a_contacts_secret_in_a_link_admits_nobody() {
    for block in [false, true] {
        let mut world = friends(74, "");
        world.create(2, "Mallory's friend");
        world.run(DAY); // Bob's cards are out
        let theirs = contact(&world, 0);
        if block {
            let whom = world.contact(1);
            let action = ContactAction::Block;
            world.call(1, call::ContactAnswer { contact: whom, action }).unwrap();
            world.run(HOUR);
        }
        let link = Invite {
            cluster: 66,
            expiry_s: u32::try_from(world.now_ms / 1000 + 86_400).unwrap(),
            chat: theirs.chat,
            secret: theirs.contacts_secret.unwrap(),
            name: None,
            nodes: Vec::new(),
        };
        world.add(2, &link.to_link().unwrap(), "let me in");
        world.run(HOUR);
        assert_eq!(world.phones[1].read(|r| r.contacts().unwrap().len()), 1);
        // He found the cards and wrote.
        assert!(contact(&world, 2).record().is_some());
    }
}

#[test]
fn one_wrong_clock_shuts_nobody_out() {
    let mut world = friends(75, "");
    world.run(DAY); // Bob's cards are out
    // Start numbers ten years ahead, on both sides of the wire.
    let far = u32::try_from(world.now_ms / 1000 + 10 * 365 * 86_400).unwrap();
    change(&mut world, 0, |row| row.devices.iter_mut().for_each(|device| device.start_out = far));
    for round in 0..2 {
        alter(&mut world, 0, lose_sessions);
        change(&mut world, 0, |row| row.cards_due_ms = Some(1));
        // Bob's phone remembers such a number of Alice's device, from when its clock was just as wrong.
        alter(&mut world, 1, |tx| {
            let alice = tx.persons.all().unwrap().remove(0);
            let mut device = tx.devices.standing(&alice.chat, DeviceStanding::Taken).unwrap().unwrap();
            device.start_in = far;
            tx.devices.put(&device).unwrap();
        });
        world.run(HOUR + MINUTE);
        assert!(world.send(0, &format!("round {round}")));
        world.run(HOUR);
        assert_eq!(world.phones[1].texts().len(), round + 1);
        assert!(contact(&world, 0).devices.iter().all(|device| device.start_out < far));
    }
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 2]);
}

fn qr(world: &World, who: usize) -> Vec<u8> {
    let theirs = contact(world, who);
    world.phones[who].read(|reader| {
        let own = stored::own(reader).unwrap().unwrap().chat;
        let (mine, known) = stored::devices(reader, &theirs.chat).unwrap();
        sotto_crypto::SafetyQr::new(&own, mine, &theirs.chat, known).encode().to_vec()
    })
}

fn scan(world: &mut World, who: usize, qr: Vec<u8>) -> Option<Code> {
    let contact = world.contact(who);
    let scanned = world.call(who, call::ContactScan { contact, qr });
    scanned.err().map(|error| error.code())
}

#[test]
fn a_scanned_code_verifies_the_devices_that_were_seen() {
    let mut world = friends(76, "");
    let (alice, bob) = (qr(&world, 0), qr(&world, 1));
    assert_eq!(scan(&mut world, 0, alice), Some(Code::QrOtherAccount), "her own");
    assert_eq!(scan(&mut world, 0, bob[1..].to_vec()), Some(Code::BadQr));
    let mut other = bob.clone();
    other[70] ^= 1;
    assert_eq!(scan(&mut world, 0, other), Some(Code::QrOtherDevices));
    let mut other = bob.clone();
    other[100] ^= 1;
    assert_eq!(scan(&mut world, 0, other), Some(Code::QrOwnDevices));
    assert!(!contact(&world, 0).verified);
    assert_eq!(scan(&mut world, 0, bob.clone()), None);
    assert!(contact(&world, 0).verified);
    // A later device is not covered, and the code from before does not cover it either.
    steal(&mut world);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(2, &link, "me again");
    world.run(MINUTE);
    assert!(contact(&world, 0).held().is_some());
    assert_eq!(scan(&mut world, 0, bob), Some(Code::QrOtherDevices));
    let fresh = qr(&world, 2);
    assert_eq!(scan(&mut world, 0, fresh), None);
    let row = contact(&world, 0);
    assert!(row.verified && !row.devices_changed && row.held().is_none());
    assert!(world.send(0, "by the code"));
    world.run(10 * MINUTE);
    assert_eq!(world.phones[2].texts().last().unwrap(), "by the code");
}

#[test]
fn what_was_compared_is_not_what_came_since() {
    let mut world = friends(77, "");
    let before = shown(&world, 0);
    world.verify(0);
    steal(&mut world);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(2, &link, "me again");
    world.run(MINUTE);
    let whom = world.contact(0);
    let late = world.call(0, call::ContactVerify { contact: whom.clone(), devices: Some(before) });
    assert_eq!(late.unwrap_err().code(), Code::DevicesChanged);
    let late = world.call(0, call::DevicesSeen { contact: whom.clone(), devices: before });
    assert_eq!(late.unwrap_err().code(), Code::DevicesChanged);
    assert!(contact(&world, 0).held().is_some());
    let now = Some(shown(&world, 0));
    world.call(0, call::ContactVerify { contact: whom, devices: now }).unwrap();
    assert!(contact(&world, 0).verified && contact(&world, 0).held().is_none());
}

#[test]
fn before_the_answer_nothing_is_asked_of_stores() {
    let mut world = World::new(78, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    let quiet = world.phones[1].queries;
    world.run(HOUR);
    let usual = world.phones[1].queries - quiet;
    world.add(0, &link, "please");
    world.run(MINUTE);
    let honest = world.weather;
    world.weather.push_lost = 100;
    world.weather.store_misses = 100;
    assert!(world.send(0, "lost on the way")); // a parent of the next
    world.run(SECOND);
    world.weather = honest;
    assert!(world.send(0, &"long ".repeat(2_000)));
    let before = world.phones[1].queries;
    world.run(HOUR);
    let fetching = world.phones[1].messages().iter().filter(|m| m.fetching).count();
    assert_eq!(fetching, 1, "shown as there");
    assert!(world.phones[1].queries - before <= usual + 1);
    world.accept(1);
    world.run(HOUR);
    assert_eq!(world.phones[1].texts().len(), 3, "and had with the answer");
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 3]);
}

#[test]
fn a_request_brings_a_hundred_messages_in_all_read_or_not() {
    let mut world = World::new(79, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "please");
    world.run(MINUTE);
    for i in 0..130 {
        assert!(world.send(0, &format!("{i}")));
        world.run(2 * SECOND);
        world.read_all(1);
    }
    world.run(MINUTE);
    assert_eq!(world.phones[1].messages().len(), 100);
    // A number far ahead is not opened either, because its keys would be kept.
    assert_eq!(alter(&mut world, 1, |_| ()), ());
    let kept = world.phones[1].read(|reader| reader.counts().unwrap().skipped);
    assert_eq!(kept, 0);
}

#[test]
fn a_contact_begins_one_session_an_hour_and_has_four() {
    let mut world = friends(80, "");
    world.run(DAY);
    let home = world.phones[0].topics()[0].clone();
    let before = world.published.iter().filter(|(topic, _)| *topic == home).count();
    for _ in 0..60 {
        alter(&mut world, 0, begin_anew);
        assert!(world.send(0, "again"));
        world.run(2 * MINUTE);
    }
    let sessions = alter(&mut world, 1, |tx| tx.sessions.all().unwrap().len());
    let begun = world.published.iter().filter(|(topic, _)| *topic == home).count() - before;
    assert!(begun <= 30, "two hours of starts, each answered once: {begun}");
    assert!((2..=4).contains(&sessions), "{sessions}");
    world.run(22 * HOUR);
    let after = world.published.iter().filter(|(topic, _)| *topic == home).count();
    assert!(after - before < 300, "{}", after - before);
}

/// Changes the database of a stopped phone in a way that no query of ours does.
fn sql(world: &World, who: usize, sql: &str) {
    database(world.phones[who].folder()).execute_batch(sql).unwrap();
}

#[test]
fn wanted_messages_are_answered_once_an_hour_and_what_is_gone_is_said_once() {
    let mut world = friends(89, "");
    assert_ne!(world.phones[0].topics(), world.phones[1].topics());
    assert!(world.send(1, "wanted"));
    world.run(MINUTE);
    let wanted = *world.phones[1].messages()[0].id.first_chunk().unwrap();
    let home = world.phones[0].topics()[0].clone();
    let sent = |world: &World| world.published.iter().filter(|(t, _)| *t == home).count();
    let before = sent(&world);
    for i in 0..30_u8 {
        // Alice forgets it, and names messages that never existed.
        world.kill(0);
        sql(&world, 0, "DELETE FROM messages");
        world.start(0);
        alter(&mut world, 0, |tx| {
            let bob = tx.persons.all().unwrap().remove(0);
            let conversation = tx.conversations.with(&bob.chat).unwrap().unwrap().id;
            for prefix in [wanted, [i; 8], [0x80 | i; 8]] {
                let hole = sotto_db::Hole { conversation, prefix, from_s: 0, until_s: 0, stage: 1, due_ms: 1 };
                tx.holes.note(&hole).unwrap();
            }
        });
        world.run(MINUTE);
    }
    let answers = sent(&world) - before;
    // One receipt each; the message once; and once that the others are gone.
    assert!((28..=33).contains(&answers), "{answers}");
    assert!(world.phones[0].texts().is_empty(), "once an hour");
}

#[test]
fn unblocking_gives_back_what_was() {
    let mut world = friends(82, "");
    let act = |world: &mut World, who: usize, action| {
        let contact = world.contact(who);
        world.call(who, call::ContactAnswer { contact, action }).unwrap();
    };
    assert!(world.send(1, "before"));
    world.run(MINUTE);
    act(&mut world, 1, ContactAction::Block);
    world.run(MINUTE);
    assert!(world.send(0, "unheard"));
    world.run(HOUR);
    assert_eq!(world.phones[1].texts(), ["before"]);
    act(&mut world, 1, ContactAction::Unblock);
    assert_eq!(state(&world, 1), ContactState::Accepted);
    world.run(DAY);
    assert!(world.send(1, "after"));
    assert!(world.send(0, "and back"));
    world.run(DAY);
    for who in 0..2 {
        let texts = world.phones[who].texts();
        assert!(texts.contains(&"after".to_owned()), "{who}: {texts:?}");
        assert!(texts.contains(&"and back".to_owned()), "{who}: {texts:?}");
        let states = world.phones[who].states();
        assert!(states.iter().all(|s| *s == MessageState::Delivered), "{states:?}");
    }
    // A new contacts secret came with it.
    let own = alter(&mut world, 1, |tx| tx.kv.get("contacts_secret").unwrap());
    assert_eq!(contact(&world, 0).contacts_secret.map(Vec::from), own);
}

#[test]
fn a_blocked_request_is_a_request_again() {
    let mut world = World::new(83, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "please");
    world.run(MINUTE);
    let contact = world.contact(1);
    for action in [ContactAction::Block, ContactAction::Unblock] {
        let contact = contact.clone();
        world.call(1, call::ContactAnswer { contact, action }).unwrap();
        world.run(HOUR);
    }
    assert_eq!(state(&world, 1), ContactState::Incoming);
    world.accept(1);
    world.run(HOUR);
    assert_eq!(state(&world, 0), ContactState::Accepted);
    assert!(world.send(0, "thanks"));
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), ["please", "thanks"]);
}

/// A request that its sender blocked is sent again.
#[test]
fn an_own_request_goes_on_after_unblocking() {
    let mut world = World::new(84, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.set_online(0, false);
    let contact = world.add(0, &link, "please");
    for action in [ContactAction::Block, ContactAction::Unblock] {
        let contact = contact.clone();
        world.call(0, call::ContactAnswer { contact, action }).unwrap();
    }
    assert_eq!(state(&world, 0), ContactState::Requested);
    world.set_online(0, true);
    world.run(10 * MINUTE);
    world.accept(1);
    world.run(10 * MINUTE);
    assert_eq!(state(&world, 0), ContactState::Accepted);
    assert_eq!(world.phones[1].texts(), ["please"]);
}

/// After a restore friends find each other again, whoever asks.
#[test]
fn a_restored_friend_is_added_again_in_either_direction() {
    for asks in [0, 2] {
        let mut world = friends(85, "");
        steal(&mut world); // it is Bob's own new phone
        let asked = 2 - asks;
        let link = world.invite(asked);
        world.run(MINUTE);
        let answer = world.call(asks, call::ContactAdd { link, text: Some("me again".to_owned()) });
        assert!(answer.is_ok());
        world.run(10 * MINUTE);
        if asked == 2 {
            assert_eq!(state(&world, 2), ContactState::Incoming, "never nothing");
            world.accept(2);
            world.run(10 * MINUTE);
        }
        for who in [0, 2] {
            assert_eq!(state(&world, who), ContactState::Accepted);
            assert!(world.send(who, &format!("by {who}")));
        }
        world.run(HOUR);
        for who in [0, 2] {
            let texts = world.phones[who].texts();
            assert!(texts.contains(&"by 0".to_owned()) && texts.contains(&"by 2".to_owned()));
        }
        let states = world.phones[2].states();
        assert!(states.iter().all(|s| *s == MessageState::Delivered), "{states:?}");
    }
}

/// A person is told important things without asking; other things are shown beside their subject.
#[test]
fn no_network_is_told_once_each_time() {
    let mut world = friends(91, "");
    world.run(MINUTE);
    for who in 0..2 {
        world.phones[who].events.clear();
    }
    for _ in 0..2 {
        world.set_online(0, false);
        world.run(20 * SECOND);
        assert_eq!(notices(&mut world, 0, Code::NetworkUnreachable), 0);
        world.run(DAY);
        assert_eq!(notices(&mut world, 0, Code::NetworkUnreachable), 1);
        world.set_online(0, true);
        world.run(HOUR);
    }
    assert_eq!(notices(&mut world, 1, Code::NetworkUnreachable), 0);
}

/// A contact that gives a fresh invite gets a new session: the old state may be lost.
#[test]
fn adding_a_contact_again_begins_a_new_session() {
    let mut world = friends(86, "");
    let before = alter(&mut world, 0, |tx| tx.sessions.all().unwrap());
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(10 * MINUTE);
    let after = alter(&mut world, 0, |tx| tx.sessions.all().unwrap());
    assert!(after.len() > before.len());
    assert_eq!(state(&world, 0), ContactState::Accepted);
    assert!(world.send(0, "in the new one"));
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), ["in the new one"]);
    let open = alter(&mut world, 1, |tx| {
        let open = |one: &&sotto_db::Invite| one.closed_ms.is_none();
        tx.invites.all().unwrap().iter().filter(open).count()
    });
    assert_eq!(open, 0, "its use counts");
}

#[test]
fn the_text_of_a_request_stays_in_the_conversation() {
    let mut world = World::new(87, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "from the choir");
    assert_eq!(world.phones[0].texts(), ["from the choir"]);
    assert_eq!(world.phones[0].states(), [MessageState::Queued]);
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), ["from the choir"]);
    world.accept(1);
    world.run(MINUTE);
    assert!(world.send(1, "hello"));
    assert!(world.send(0, "hi"));
    world.run(10 * MINUTE);
    for who in 0..2 {
        assert_eq!(world.phones[who].texts()[0], "from the choir");
        assert_eq!(world.phones[who].texts().len(), 3);
    }
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 2]);
    let messages = world.phones.iter().map(sotto_testkit::Phone::messages);
    let ids: Vec<_> = messages.map(|all| all[0].id).collect();
    assert_eq!(ids[0], ids[1], "one message on both sides");
}

/// The link of one invite does not fill the places of another.
#[test]
fn requests_of_one_invite_are_few() {
    let mut world = World::new(88, 3);
    for (who, name) in ["Bob", "Dora", "Alice"].into_iter().enumerate() {
        world.create(who, name);
    }
    world.run(MINUTE);
    let (crowded, other) = (world.invite(0), world.invite(0));
    world.run(MINUTE);
    world.add(1, &crowded, "please");
    world.run(MINUTE);
    let dora = contact(&world, 0);
    alter(&mut world, 0, |tx| crowd(tx, &dora, 25));
    let known = |world: &World| world.phones[0].read(|r| contacts(r).unwrap().len());
    assert_eq!(known(&world), 25);
    world.add(2, &crowded, "please");
    world.run(HOUR);
    assert_eq!(known(&world), 25);
    world.kill(2);
    world.phones[2].tables(|tx| {
        let bob = tx.persons.all().unwrap().remove(0);
        stand(tx, &bob.chat, PersonState::Declined);
    });
    world.start(2);
    world.add(2, &other, "please");
    world.run(10 * MINUTE);
    assert_eq!(known(&world), 26);
    let _: ContactId = world.contact(2);
}
