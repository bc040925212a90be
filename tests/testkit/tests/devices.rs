//! Statements of devices about themselves: changed lists, suites, secrets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::Code;
use sotto_messenger::engine::call;
use sotto_messenger::records::{ContactState, MessageState};
use sotto_testkit::{Contact, DAY, HOUR, MINUTE, SECOND, World, contacts};
use sotto_wire::identity::DeviceRecord;

fn contact(world: &World, who: usize) -> Contact {
    world.phones[who].read(|reader| contacts(reader).unwrap()[0].clone())
}

fn record(world: &World, who: usize) -> DeviceRecord {
    DeviceRecord::decode(&contact(world, who).record().unwrap()).unwrap()
}

/// An update, or a downgrade: the phone speaks other suites from now on.
fn speak(world: &mut World, who: usize, suites: u32) {
    world.kill(who);
    world.phones[who].suites = suites;
    world.start(who);
}

/// Envelopes on lane h so far, by size.
fn on_home(world: &World, size: usize) -> usize {
    let home = |(topic, payload): &&(String, Vec<u8>)| topic.starts_with("/sotto/1/h") && payload.len() == size;
    world.published.iter().filter(home).count()
}

#[test]
fn a_changed_list_travels_inside_the_session_and_is_shown() {
    let mut world = World::befriended(60);
    world.run(3 * DAY);
    assert!(!contact(&world, 0).devices_changed, "signed anew, not changed");
    let before = record(&world, 0);
    let medium = on_home(&world, 2048);
    speak(&mut world, 1, 0b11);
    world.run(HOUR);
    let after = record(&world, 0);
    assert_eq!((before.suites, after.suites), (0b01, 0b11));
    assert_eq!(before.device_id, after.device_id);
    assert!(after.list_version > before.list_version);
    assert!(contact(&world, 0).devices_changed, "never silent");
    assert!(on_home(&world, 2048) > medium, "2 KiB whatever it holds");
    // Told once.
    let (told, medium) = (contact(&world, 0).peer.list_version, on_home(&world, 2048));
    speak(&mut world, 1, 0b11);
    world.run(HOUR);
    assert_eq!(contact(&world, 0).peer.list_version, told);
    assert_eq!(on_home(&world, 2048), medium);
    // Both go on as before.
    assert!(world.send(0, "as before"));
    world.run(2 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}

#[test]
fn a_list_that_changes_before_the_answer_comes_with_it() {
    let mut world = World::new(61, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "it is me");
    world.run(MINUTE);
    speak(&mut world, 1, 0b11);
    world.run(HOUR);
    assert_eq!(record(&world, 0).suites, 0b01, "nothing while pending");
    world.accept(1);
    world.run(HOUR);
    assert_eq!(record(&world, 0).suites, 0b11);
    assert!(contact(&world, 0).devices_changed);
}

#[test]
fn without_a_common_suite_it_waits_visibly_and_goes_on_after_an_update() {
    let mut world = World::new(62, 2);
    world.phones[1].suites = 0b10;
    world.kill(1);
    world.start(1);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "can we talk?");
    world.run(HOUR);
    assert_eq!(contact(&world, 0).waiting.as_deref(), Some("suite.none"));
    assert_eq!(world.phones[1].read(|reader| contacts(reader).unwrap().len()), 0);
    speak(&mut world, 1, 0b11);
    world.run(2 * DAY);
    assert_eq!(contact(&world, 0).waiting, None);
    let state = ContactState::from(contact(&world, 1).state);
    assert_eq!(state, ContactState::Incoming);
}

#[test]
fn a_device_that_spoke_a_higher_suite_is_not_taken_for_a_lower_one() {
    let mut world = World::befriended(63);
    speak(&mut world, 0, 0b11);
    speak(&mut world, 1, 0b11);
    world.run(HOUR);
    assert_eq!(record(&world, 0).suites, 0b11);
    speak(&mut world, 1, 0b01);
    world.run(HOUR);
    assert_eq!(record(&world, 0).suites, 0b11, "refused");
    let row = contact(&world, 0);
    assert_eq!(row.waiting.as_deref(), Some("suite.lower"), "and shown");
    assert!(row.devices_changed);
    speak(&mut world, 1, 0b11);
    world.run(HOUR);
    assert_eq!(contact(&world, 0).waiting, None);
    // The live session is unharmed.
    assert!(world.send(0, "still here"));
    world.run(2 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}

#[test]
fn an_invite_whose_secret_would_not_be_tried_is_refused() {
    let mut world = World::new(64, 1);
    world.create(0, "Alice");
    world.run(MINUTE);
    let mut made = 0;
    let refused = loop {
        match world.call(0, call::InviteCreate {}) {
            Ok(_) => made += 1,
            Err(error) if made < 31 && error.code() == Code::InviteTooMany => {
                world.run(8 * DAY); // the open ones run out, their secrets are kept longer
            }
            Err(error) => break error.code(),
        }
    };
    assert_eq!((made, refused), (31, Code::InviteTooMany), "and the contacts secret");
    world.run(40 * DAY);
    world.invite(0);
}

#[test]
fn cards_that_come_a_moment_late_are_found_a_moment_later() {
    let mut world = World::new(65, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    world.set_online(1, false);
    let link = world.invite(1);
    world.add(0, &link, "quick");
    world.run(500);
    world.set_online(1, true);
    world.run(4 * SECOND);
    let state = ContactState::from(contact(&world, 1).state);
    assert_eq!(state, ContactState::Incoming);
}
