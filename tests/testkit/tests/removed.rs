//! A removed contact is a stranger: nothing is sent to it, and it gets in by an invite only. Also new sessions that the
//! user asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_db::PersonState;
use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactId, MessageState};
use sotto_messenger::{Code, Error};
use sotto_testkit::life::orphans;
use sotto_testkit::three::{asked, friends, lose_sessions, sending, sessions, steal};
use sotto_testkit::{Contact, DAY, HOUR, MINUTE, World, contacts};

fn known(world: &World, who: usize) -> Vec<Contact> {
    world.phones[who].read(|reader| contacts(reader).unwrap())
}

fn states(world: &World, who: usize) -> Vec<PersonState> {
    known(world, who).iter().map(|contact| contact.person.state).collect()
}

/// Removes the only contact and returns it.
fn remove(world: &mut World, who: usize) -> ContactId {
    let contact = world.contact(who);
    world.call(who, call::ContactRemove { contact: contact.clone() }).unwrap();
    contact
}

fn answer(world: &mut World, who: usize, contact: &ContactId, action: ContactAction) -> Result<(), Error> {
    world.call(who, call::ContactAnswer { contact: contact.clone(), action })
}

/// Rows of each table of a phone that have an account's key, its conversation or a session with it in them.
fn traces(world: &mut World, who: usize, of: &Contact) -> Vec<(String, usize)> {
    world.kill(who);
    let lost = orphans(world.phones[who].folder());
    assert!(lost.is_empty(), "{lost:?}");
    let conn = sotto_testkit::life::database(world.phones[who].folder());
    let mut tables =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%'").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for name in names {
        let mut rows = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = rows.column_count();
        let has = |row: &rusqlite::Row<'_>| {
            let is_theirs = |value: rusqlite::types::Value| match value {
                rusqlite::types::Value::Blob(bytes) => {
                    bytes.windows(33).any(|part| part == of.chat()) || bytes == of.conversation
                }
                _ => false,
            };
            Ok((0..columns).any(|column| is_theirs(row.get(column).unwrap())))
        };
        let count = rows.query_map([], has).unwrap().filter(|row| *row.as_ref().unwrap()).count();
        if count > 0 {
            found.push((name, count));
        }
    }
    drop(tables);
    drop(conn);
    world.start(who);
    found
}

#[test]
fn nothing_is_left_of_who_is_removed_and_nothing_goes_to_him() {
    let mut world = friends(1, "it is me");
    assert!(world.send(0, "hello") && world.send(1, "hi"));
    world.run(MINUTE);
    world.verify(0);
    world.set_online(1, false);
    assert!(world.send(0, "he is away"));
    world.run(MINUTE);
    let bob = known(&world, 0).remove(0);
    let secret = world.phones[0].read(|reader| reader.tables().kv.get("contacts_secret").unwrap());
    remove(&mut world, 0);
    assert!(known(&world, 0).is_empty());
    assert_eq!(traces(&mut world, 0, &bob), []);
    let rotated = world.phones[0].read(|reader| reader.tables().kv.get("contacts_secret").unwrap());
    assert_ne!(rotated, secret, "his key to her cards is worth nothing");
    world.run(7 * HOUR);
    let published = world.published.len();
    world.set_online(1, true);
    for n in 0..5 {
        assert!(world.send(1, &format!("are you there? {n}")));
        world.run(HOUR);
    }
    // For him she is away: what he wrote stays where nodes have it.
    world.run(4 * DAY);
    assert_eq!(traces(&mut world, 0, &bob), []);
    assert!(known(&world, 0).is_empty(), "he is nobody");
    let waits = world.phones[1].states();
    assert!(waits[1..].iter().all(|state| *state < MessageState::Delivered), "{waits:?}");
    let topics = world.phones[1].topics().to_vec();
    let to_him = world.published[published..].iter().filter(|(topic, _)| topics.contains(topic));
    let his_own = world.phones[0].topics().to_vec();
    assert!(his_own != topics);
    assert_eq!(to_him.count(), 0, "nothing went to him");
}

#[test]
fn who_was_removed_asks_as_a_stranger_and_is_nobody_before_the_answer() {
    let mut world = friends(2, "it is me");
    world.verify(1);
    let bob_knew = world.contact(1);
    remove(&mut world, 1);
    world.run(DAY);
    // What he has of before is worth nothing: session, reset pair, contacts secret. He begins anew by himself.
    assert!(world.send(0, "secret"));
    world.run(4 * DAY);
    assert_eq!(states(&world, 1), []);
    // And when he loses his sessions.
    world.kill(0);
    world.phones[0].tables(lose_sessions);
    world.start(0);
    assert!(world.send(0, "again"));
    world.run(4 * DAY);
    assert_eq!(states(&world, 1), []);
    // By an invite he may ask, as everybody.
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "please");
    world.run(HOUR);
    assert_eq!(states(&world, 1), [PersonState::Incoming]);
    assert!(!known(&world, 1)[0].person.verified, "and was never verified");
    assert_eq!(answer(&mut world, 1, &bob_knew, ContactAction::Accept), Ok(()));
    world.run(HOUR);
    assert!(world.send(1, "so be it"));
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts().last().unwrap(), "so be it");
    assert!(world.send(0, "thanks"));
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts().last().unwrap(), "thanks");
}

#[test]
fn his_first_messages_repeated_by_anybody_let_nobody_in() {
    let mut world = asked(3, 0, "it is me");
    let heard = world.published.clone();
    remove(&mut world, 1); // a request
    world.run(HOUR);
    assert_eq!(states(&world, 1), [], "what he repeats is known");
    for (topic, payload) in &heard {
        world.inject(topic, payload);
    }
    world.run(HOUR);
    assert_eq!(states(&world, 1), []);

    let mut world = friends(4, "it is me");
    assert!(world.send(0, "hello"));
    world.run(MINUTE);
    let heard = world.published.clone();
    remove(&mut world, 1);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "once more");
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    let before = (world.phones[1].texts(), known(&world, 1)[0].device());
    let sessions_before = world.phones[1].read(|reader| reader.counts().unwrap().sessions);
    for (topic, payload) in &heard {
        world.inject(topic, payload);
    }
    world.run(HOUR);
    assert_eq!((world.phones[1].texts(), known(&world, 1)[0].device()), before);
    assert_eq!(world.phones[1].read(|reader| reader.counts().unwrap().sessions), sessions_before);
}

#[test]
fn removing_unblocks_nobody() {
    let mut world = friends(5, "it is me");
    let alice = world.contact(1);
    assert_eq!(world.call(1, call::NicknameSet { contact: alice.clone(), nickname: Some("that one".into()) }), Ok(()));
    answer(&mut world, 1, &alice, ContactAction::Block).unwrap();
    remove(&mut world, 1);
    let left = known(&world, 1).remove(0);
    assert_eq!((left.person.state, left.person.name.as_str()), (PersonState::Blocked, "Alice"));
    assert_eq!(left.person.nickname.as_deref(), Some("that one"));
    assert!(left.devices.is_empty() && left.peer.home.is_none());
    assert_eq!(world.phones[1].texts(), Vec::<String>::new());
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "let me in");
    assert!(world.send(0, "hello?"));
    world.run(4 * DAY);
    assert_eq!(states(&world, 1), [PersonState::Blocked]);
    assert_eq!(world.phones[1].texts(), Vec::<String>::new());
    world.kill(1);
    assert_eq!(orphans(world.phones[1].folder()), []);
    world.start(1);
    // Unblocked, she is a stranger, not the contact of before.
    answer(&mut world, 1, &alice, ContactAction::Unblock).unwrap();
    assert_eq!(states(&world, 1), [PersonState::Declined]);
    remove(&mut world, 1);
    assert_eq!(states(&world, 1), []);
}

#[test]
fn a_request_of_ours_that_is_taken_back_leads_to_nothing() {
    let mut world = asked(6, 0, "it is me");
    remove(&mut world, 0);
    world.run(MINUTE);
    world.accept(1);
    world.run(DAY);
    assert_eq!(states(&world, 0), [], "his yes came too late");
    world.kill(0);
    assert_eq!(orphans(world.phones[0].folder()), []);
    world.start(0);
    let itself = sotto_testkit::three::phrase(&world, 0);
    assert!(!itself.is_empty());
    let own = world.phones[0].read(|reader| sotto_messenger::engine::stored::own(reader).unwrap().unwrap().chat);
    let contact = ContactId(sotto_crypto::account_id(&own));
    let missing = Err(Code::ContactMissing.into());
    assert_eq!(world.call(0, call::ContactRemove { contact: contact.clone() }), missing);
    assert_eq!(world.call(0, call::SessionReset { contact }), missing);
}

fn reset(world: &mut World, who: usize) -> Result<(), Error> {
    let contact = world.contact(who);
    world.call(who, call::SessionReset { contact })
}

fn count(world: &World, who: usize) -> u64 {
    world.phones[who].read(|reader| reader.counts().unwrap().sessions)
}

#[test]
fn a_new_session_is_begun_at_once_and_nothing_is_lost() {
    let mut world = World::befriended(10);
    assert!(world.send(0, "before"));
    world.run(MINUTE);
    assert!(world.send(1, "too"));
    world.run(MINUTE);
    reset(&mut world, 0).unwrap();
    assert_eq!(count(&world, 0), 1, "the one there is is an hour old at most");
    world.run(2 * HOUR);
    // His phone lost its sessions: what she wrote since does not open there.
    world.kill(1);
    world.phones[1].tables(lose_sessions);
    world.start(1);
    let long = "long ".repeat(1000);
    for text in ["one", "two", &long] {
        assert!(world.send(0, text));
    }
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), ["before", "too"]);
    for _ in 0..50 {
        reset(&mut world, 0).unwrap(); // a button that is mashed
    }
    assert_eq!(count(&world, 0), 2);
    world.run(5 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["before", "too", "one", "two", &long]);
    world.run(20 * MINUTE);
    assert!(
        world.phones[0].states().iter().all(|state| *state == MessageState::Delivered),
        "{:?}",
        world.phones[0].states()
    );
    assert!(world.send(1, "I hear you"));
    world.run(MINUTE);
    assert_eq!(world.phones[0].texts(), world.phones[1].texts());
    for _ in 0..50 {
        reset(&mut world, 0).unwrap();
    }
    assert_eq!(count(&world, 0), 2, "it is young");
}

#[test]
fn with_both_at_once_or_nobody_there_it_does_no_harm() {
    let mut world = World::befriended(11);
    world.run(2 * HOUR);
    for who in 0..2 {
        reset(&mut world, who).unwrap();
    }
    assert!(world.send(0, "one") && world.send(1, "two"));
    world.run(MINUTE);
    for who in 0..2 {
        assert_eq!(world.phones[who].texts().len(), 2, "{who}");
    }
    world.run(2 * HOUR);
    // He is away for days, and she tries every hour.
    world.set_online(1, false);
    for n in 0..40 {
        assert!(world.send(0, &format!("{n}")));
        reset(&mut world, 0).unwrap();
        world.run(HOUR);
    }
    assert!(count(&world, 0) <= 5, "{}", count(&world, 0));
    world.set_online(1, true);
    world.run(3 * HOUR);
    assert_eq!(world.phones[1].texts().len(), 42);
    assert!(world.phones[0].states().iter().all(|state| *state == MessageState::Delivered));
    world.kill(0);
    assert_eq!(orphans(world.phones[0].folder()), []);
    let answered = world.phones[0].tables(|tx| sending(tx).unwrap().answered);
    let live = world.phones[0].tables(|tx| sessions(tx).len());
    world.start(0);
    assert!(answered && live <= 5, "{live}");
}

#[test]
fn only_a_contact_has_a_session_to_be_begun_anew() {
    let mut world = asked(12, 0, "it is me");
    let state = || Err(Code::ContactState.into());
    assert_eq!([reset(&mut world, 0), reset(&mut world, 1)], [state(), state()]);
    world.accept(1);
    world.run(MINUTE);
    let bob = world.contact(0);
    answer(&mut world, 0, &bob, ContactAction::Block).unwrap();
    assert_eq!(reset(&mut world, 0), state());
    // Without any session his cards are looked for.
    answer(&mut world, 0, &bob, ContactAction::Unblock).unwrap();
    world.run(2 * HOUR);
    world.kill(0);
    world.phones[0].tables(lose_sessions);
    world.start(0);
    reset(&mut world, 0).unwrap();
    assert!(world.send(0, "there?"));
    world.run(3 * DAY); // he publishes them once a day
    assert_eq!(world.phones[1].texts().last().unwrap(), "there?");
}

/// A first message of a device that is no longer theirs, repeated by anybody, takes nothing over.
#[test]
fn an_old_device_comes_back_by_no_replay() {
    let mut world = friends(13, "it is me"); // phone 0 is Alice, 1 is Bob
    world.run(DAY);
    world.kill(1);
    world.phones[1].tables(|tx| {
        lose_sessions(tx);
        let chat = tx.persons.all().unwrap()[0].chat;
        for device in tx.devices.of(&chat).unwrap() {
            tx.devices.edit(&chat, &device.device, |row| row.reset_pair = None).unwrap();
        }
    });
    world.start(1);
    assert!(world.send(1, "by the bundle"));
    reset(&mut world, 1).unwrap();
    world.run(HOUR);
    assert_eq!(world.phones[0].texts().last().unwrap(), "by the bundle");
    let heard = world.published.clone();
    remove(&mut world, 0);
    steal(&mut world);
    let link = world.invite(0);
    world.run(MINUTE);
    world.add(2, &link, "on a new phone");
    world.run(MINUTE);
    world.accept(0);
    world.run(MINUTE);
    let device = known(&world, 0)[0].device();
    for (topic, payload) in &heard {
        world.inject(topic, payload);
    }
    world.run(HOUR);
    assert_eq!(known(&world, 0)[0].device(), device);
    assert_eq!(world.phones[0].texts(), ["on a new phone"]);
}
