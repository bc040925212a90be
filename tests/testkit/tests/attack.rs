//! Attacks by devices that are not (any longer) the contact's, and by malicious contacts; and cases in which an honest
//! contact could wait for ever.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_db::{Device, DeviceStanding, Session};
use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactState, MessageState};
use sotto_testkit::three::{alter, asked, begin_anew, contact, friends, lose_sessions, sessions, shown, state, steal};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, World};
use sotto_wire::invite::Invite;

/// After the person accepts the new device, nothing is sealed for the old one, even while the new one cannot be
/// reached.
#[test]
fn nothing_is_sealed_for_a_device_that_was_replaced() {
    let mut world = friends(300, "please");
    world.verify(0);
    steal(&mut world);
    let link = world.invite(2);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(MINUTE);
    assert!(contact(&world, 0).held().is_some(), "by its cards");
    world.set_online(0, false);
    let contact_id = world.contact(0);
    let seen = call::DevicesSeen { contact: contact_id, devices: shown(&world, 0) };
    world.call(0, seen).unwrap();
    assert!(world.send(0, "for the new one"));
    world.run(MINUTE);
    let sealed_for: Vec<bool> = alter(&mut world, 0, |tx| {
        let theirs = tx.persons.all().unwrap().remove(0);
        let rows = tx.items.of(&theirs.chat).unwrap();
        assert!(!rows.is_empty());
        let session = |hash| tx.sessions.get(&hash).unwrap().unwrap();
        let sealed = rows.into_iter().filter_map(|row| row.session.map(session));
        let device = tx.devices.standing(&theirs.chat, DeviceStanding::Taken).unwrap();
        let device = device.map(|device| device.device);
        sealed.map(|row| Some(row.device) == device).collect()
    });
    assert!(sealed_for.iter().all(|own| *own), "{sealed_for:?}");
    world.set_online(0, true);
    world.run(10 * MINUTE);
    assert_eq!(state(&world, 2), ContactState::Incoming);
    world.accept(2);
    world.run(10 * MINUTE);
    assert!(world.phones[2].texts().contains(&"for the new one".to_owned()));
}

/// An unconfirmed device changes neither where a request goes nor a contact's name.
#[test]
fn cards_of_an_unconfirmed_device_move_no_name_and_no_home() {
    let mut world = asked(301, 0, "please");
    world.verify(0);
    let before = contact(&world, 0);
    steal(&mut world);
    let name = "Mallory".to_owned();
    world.call(2, call::ProfileSet { name }).unwrap();
    world.run(HOUR);
    let link = world.invite(2);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(MINUTE);
    let after = contact(&world, 0);
    assert!(after.held().is_some());
    assert_eq!((&after.name, after.home()), (&before.name, before.home()));
}

/// Another device does not displace the request of a verified device.
#[test]
fn a_verified_request_keeps_its_session() {
    let mut world = World::new(302, 3);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(1, &link, "please");
    world.run(MINUTE);
    world.verify(0);
    let device = contact(&world, 0).device();
    steal(&mut world);
    world.add(2, &link, "it is me");
    world.run(10 * MINUTE);
    let left = alter(&mut world, 0, |tx| {
        let with = |row: &Session| Some(row.device) == device;
        sessions(tx).iter().filter(|row| with(row)).count()
    });
    assert_eq!(left, 1);
    assert_eq!(contact(&world, 0).device(), device);
}

/// A contact makes any number of devices: they begin few sessions and draw few answers.
#[test]
fn ever_new_devices_of_a_contact_begin_few_sessions() {
    for verified in [false, true] {
        let mut world = friends(303, "please");
        if verified {
            world.verify(1);
        }
        world.run(DAY); // Bob's cards are out
        let home = world.phones[0].topics()[0].clone();
        let sent = |world: &World| world.published.iter().filter(|(t, _)| *t == home).count();
        assert!(world.send(1, "on its way"));
        let before = sent(&world);
        for n in 0..40_u8 {
            alter(&mut world, 0, |tx| {
                begin_anew(tx);
                let mut own = tx.kv.get("device").unwrap().unwrap();
                own.iter_mut().for_each(|byte| *byte ^= n + 1);
                tx.kv.set("device", &own).unwrap();
                let mut record = tx.kv.get("record").unwrap().unwrap();
                record[8..16].fill(0); // it ran out, so it is signed anew
                tx.kv.set("record", &record).unwrap();
            });
            assert!(world.send(0, "again"));
            world.run(2 * MINUTE);
        }
        let answers = sent(&world) - before;
        assert!(answers < 60, "{answers} {verified}");
        let known = alter(&mut world, 1, |tx| sessions(tx).len());
        assert!(known <= 8, "{known} {verified}");
    }
}

/// A receipt that is due when its session's device is replaced never leaves, and is not retried for ever.
#[test]
fn a_receipt_for_a_device_that_was_replaced_is_dropped() {
    let mut world = friends(307, "please");
    let home = world.phones[0].topics()[0].clone();
    let sent = |world: &World| world.published.iter().filter(|(t, _)| *t == home).count();
    assert!(world.send(0, "hello"));
    world.run(200);
    assert_eq!(world.phones[1].texts().last().unwrap(), "hello");
    let due = alter(&mut world, 1, |tx| {
        let chat = tx.persons.all().unwrap().remove(0).chat;
        let taken = tx.devices.standing(&chat, DeviceStanding::Taken).unwrap().unwrap();
        tx.devices.edit(&chat, &taken.device, |device| device.standing = DeviceStanding::Seen).unwrap();
        let other = [7; 32];
        let other = Device { device: [7; 16], identity: other, signing: other, session: None, ..taken };
        tx.devices.put(&other).unwrap();
        tx.links.of(&chat).unwrap().iter().any(|link| link.due_ms.is_some())
    });
    assert!(due, "it was to leave by itself");
    let before = sent(&world);
    world.run(MINUTE);
    assert_eq!(sent(&world), before);
}

/// A read mark in the first message of a session cannot say what arrived: it waits for the answer.
#[test]
fn a_read_mark_in_a_first_message_says_nothing_of_what_did_not_arrive() {
    let mut world = friends(304, "please");
    let link = world.invite(0);
    world.run(MINUTE);
    let honest = world.weather;
    world.weather.push_lost = 100;
    world.weather.store_misses = 100;
    assert!(world.send(0, "lost"));
    world.run(SECOND);
    world.weather = honest;
    assert!(world.send(0, "second"));
    world.run(2 * SECOND);
    assert!(world.phones[1].texts().contains(&"second".to_owned()));
    assert!(!world.phones[1].texts().contains(&"lost".to_owned()));
    world.kill(0);
    world.add(1, &link, "");
    world.run(10 * SECOND);
    world.read_all(1);
    world.run(10 * SECOND);
    world.start(0);
    world.run(HOUR);
    assert!(world.phones[1].texts().contains(&"lost".to_owned()));
    let states: Vec<_> = world.phones[0]
        .messages()
        .iter()
        .filter(|one| one.is_own())
        .map(|one| (one.text.clone().unwrap_or_default(), MessageState::from(one.state)))
        .collect();
    let of = |text: &str| states.iter().find(|one| one.0 == text).unwrap().1;
    assert_eq!(of("second"), MessageState::Read);
    assert_eq!(of("lost"), MessageState::Delivered, "nobody looked at it");
}

/// A link with a contact's key and a secret without cards, or whose inviter never returns, is given up after the
/// validity of an invite. The earlier session goes on.
#[test]
fn an_invite_that_leads_nowhere_does_not_keep_a_contact_from_beginning_anew() {
    let mut world = friends(305, "please");
    let link = Invite {
        cluster: 66,
        expiry_s: u32::try_from(world.now_ms / 1000 + 86_400).unwrap(),
        chat: contact(&world, 0).chat,
        secret: [9; 16],
        name: None,
        nodes: Vec::new(),
    };
    world.add(0, &link.to_link().unwrap(), "");
    world.run(HOUR);
    let waiting = contact(&world, 0).person.waiting;
    assert_eq!(waiting.as_deref(), Some("invite.unreachable"));
    world.run(9 * DAY);
    let row = contact(&world, 0);
    assert_eq!((row.person.invite_secret, row.person.waiting, row.person.cards_due_ms), (None, None, None));
    // The session that Bob lost is replaced.
    alter(&mut world, 1, lose_sessions);
    assert!(world.send(0, "still there?"));
    world.run(4 * DAY);
    assert_eq!(world.phones[1].texts().last().unwrap(), "still there?");
}

/// Somebody asked, lost the phone, and gives a fresh invite: adding it reaches the new phone.
#[test]
fn adding_somebody_who_asks_reaches_the_phone_that_gave_the_invite() {
    let mut world = World::new(306, 3);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(1, &link, "please");
    world.run(MINUTE);
    assert_eq!(state(&world, 0), ContactState::Incoming);
    steal(&mut world);
    let link = world.invite(2);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(10 * MINUTE);
    assert_eq!(state(&world, 2), ContactState::Incoming);
    world.accept(2);
    world.run(10 * MINUTE);
    assert!(world.send(0, "here I am"));
    assert!(world.send(2, "so am I"));
    world.run(10 * MINUTE);
    assert!(world.phones[2].texts().contains(&"here I am".to_owned()));
    assert!(world.phones[0].texts().contains(&"so am I".to_owned()));
}

/// Two people who ask each other at the same time use one invite each; neither admits anybody else.
#[test]
fn requests_that_cross_use_both_invites() {
    let mut world = World::new(308, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let links = [world.invite(0), world.invite(1)];
    world.run(MINUTE);
    world.add(0, &links[1], "");
    world.add(1, &links[0], "");
    world.run(10 * MINUTE);
    for who in 0..2 {
        assert_eq!(state(&world, who), ContactState::Accepted);
        let open = alter(&mut world, who, |tx| {
            let open = |one: &&sotto_db::Invite| one.closed_ms.is_none();
            tx.invites.all().unwrap().iter().filter(open).count()
        });
        assert_eq!(open, 0, "{who}");
    }
}

fn decline(world: &mut World, who: usize) {
    let contact = world.contact(who);
    let action = ContactAction::Decline;
    let call = call::ContactAnswer { contact, action };
    world.call(who, call).unwrap();
}

/// After a declined or withdrawn request the same link asks again, at once.
#[test]
fn the_same_link_asks_again() {
    for who_declines in [0, 1] {
        let mut world = World::new(309, 2);
        world.create(0, "Alice");
        world.create(1, "Bob");
        world.run(MINUTE);
        let link = world.invite(1);
        world.run(MINUTE);
        world.add(0, &link, "please");
        world.run(MINUTE);
        decline(&mut world, who_declines);
        world.run(MINUTE);
        world.add(0, &link, "once more");
        world.run(10 * MINUTE);
        assert_eq!(state(&world, 1), ContactState::Incoming, "{who_declines}");
        assert_eq!(world.phones[1].texts().last().unwrap(), "once more");
        world.accept(1);
        world.run(10 * MINUTE);
        assert!(world.send(0, "thanks"));
        assert!(world.send(1, "welcome"));
        world.run(10 * MINUTE);
        assert_eq!(state(&world, 0), ContactState::Accepted);
        assert!(world.phones[1].texts().contains(&"thanks".to_owned()));
        assert!(world.phones[0].texts().contains(&"welcome".to_owned()));
    }
}

/// The answer crosses a repeated use of the same link: the answer counts, and messages leave.
#[test]
fn an_answer_that_crosses_the_same_link_counts() {
    let mut world = World::new(310, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "please");
    world.run(MINUTE);
    world.set_online(0, false);
    world.accept(1);
    world.run(MINUTE);
    world.add(0, &link, "once more");
    world.set_online(0, true);
    world.run(10 * MINUTE);
    assert_eq!(state(&world, 0), ContactState::Accepted);
    assert!(world.send(0, "thanks"));
    assert!(world.send(1, "welcome"));
    world.run(10 * MINUTE);
    assert!(world.phones[1].texts().contains(&"thanks".to_owned()));
    assert!(world.phones[0].texts().contains(&"welcome".to_owned()));
}

/// A contact was verified, then declined: the restored phone asks like a stranger.
#[test]
fn a_declined_contact_asks_again_from_a_new_phone() {
    let mut world = asked(311, 1, "please");
    world.verify(0);
    decline(&mut world, 0);
    steal(&mut world);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(2, &link, "it is me");
    world.run(10 * MINUTE);
    assert_eq!(state(&world, 0), ContactState::Incoming);
    let row = contact(&world, 0);
    assert!(row.devices_changed && !row.verified);
}
