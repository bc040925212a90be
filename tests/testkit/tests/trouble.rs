//! Bad input, other people, broken disks and clocks: each gets a typed error, and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;

use sotto_db::{Class, Parcel};
use sotto_messenger::engine::input::{Call, ContactAction};
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{ContactId, ContactState, MessageId, MessageState};
use sotto_messenger::{Code, Event};
use sotto_testkit::{DAY, HOUR, KEY, MINUTE, Relayed, SECOND, Shown, Weather, World, contacts};
use sotto_wire::invite::Invite;

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

fn code<C: Call<Answer: Shown + Debug>>(world: &mut World, who: usize, call: C) -> Code {
    world.call(who, call).unwrap_err().code()
}

fn answer(world: &mut World, who: usize, action: ContactAction) -> Option<Code> {
    let contact = world.contact(who);
    let answer = world.call(who, call::ContactAnswer { contact, action });
    answer.err().map(|error| error.code())
}

fn states(world: &World, who: usize) -> Vec<ContactState> {
    let contacts = world.phones[who].read(|reader| contacts(reader).unwrap());
    contacts.iter().map(|contact| ContactState::from(contact.state)).collect()
}

fn waiting(world: &World, who: usize) -> Option<String> {
    world.phones[who].read(|reader| contacts(reader).unwrap()[0].waiting.clone())
}

fn noticed(world: &World, who: usize, code: Code) -> bool {
    let notice = Event::Notice { code };
    world.phones[who].events.contains(&notice)
}

/// Bob has invited, Alice has asked, Bob has not answered.
fn asked(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "please");
    world.run(MINUTE);
    world
}

#[test]
fn phrases() {
    let mut world = World::new(1, 1);
    let restore = |phrase: &str| call::AccountRestore { phrase: phrase.to_owned().into() };
    assert_eq!(code(&mut world, 0, restore("abandon abandon")), Code::PhraseLength);
    let wrong = WORDS.replace("about", "above");
    assert_eq!(code(&mut world, 0, restore(&wrong)), Code::PhraseChecksum);
    let mistyped = WORDS.replacen("abandon", "abandn", 3);
    let error = world.call(0, restore(&mistyped)).unwrap_err();
    assert_eq!(error.code(), Code::PhraseWord);
    assert!(error.detail().contains("index 1"), "{}", error.detail());
    assert_eq!(code(&mut world, 0, call::InviteCreate {}), Code::AccountMissing);
    world.call(0, restore(WORDS)).unwrap();
    assert_eq!(code(&mut world, 0, restore(WORDS)), Code::AccountExists);
}

#[test]
fn invites() {
    let mut world = World::new(2, 3);
    for (who, name) in ["Alice", "Bob", "Carol"].iter().enumerate() {
        world.create(who, name);
    }
    let link = world.invite(1);
    world.run(MINUTE);
    let add = |link: &str| call::ContactAdd { link: link.to_owned(), text: None };
    assert_eq!(code(&mut world, 0, add(&link[..link.len() - 20])), Code::InviteTruncated);
    for short in ["nonsense", "https://example.org/#AA"] {
        assert_eq!(code(&mut world, 0, add(short)), Code::InviteTruncated);
    }
    let mut bytes = link.clone().into_bytes();
    let middle = bytes.len() - 30;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    assert_eq!(code(&mut world, 0, add(&String::from_utf8(bytes).unwrap())), Code::InviteChecksum);
    assert_eq!(code(&mut world, 1, add(&link)), Code::ContactSelf);
    let other = Invite { cluster: 16, ..Invite::from_link(&link).unwrap() };
    assert_eq!(code(&mut world, 0, add(&other.to_link().unwrap())), Code::InviteOtherNetwork);
    let long = call::ContactAdd { link: link.clone(), text: Some("x".repeat(401)) };
    assert_eq!(code(&mut world, 0, long), Code::TextTooLong);
    for _ in 1..8 {
        world.invite(1);
    }
    assert_eq!(code(&mut world, 1, call::InviteCreate {}), Code::InviteTooMany);
    // Alice used it up, so it is closed to Carol.
    world.add(0, &link, "");
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    world.add(2, &link, "me too");
    world.run(MINUTE);
    assert_eq!(waiting(&world, 2).as_deref(), Some("invite.used"));
    assert_eq!(states(&world, 1), [ContactState::Accepted]);
    world.run(8 * DAY);
    assert_eq!(code(&mut world, 2, add(&link)), Code::InviteExpired);
}

#[test]
fn an_older_list_than_the_one_known_is_refused_visibly() {
    let mut world = World::new(4, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.set_online(1, false);
    let link = world.invite(1);
    world.add(0, &link, "still you?");
    world.run(MINUTE);
    world.kill(0);
    world.phones[0].tables(|tx| {
        let bob = tx.persons.all().unwrap().remove(0);
        let version = world.now_ms / 1000 + 3600;
        tx.peers.edit(&bob.chat, |peer| peer.list_version = version).unwrap().unwrap();
    });
    world.start(0);
    world.set_online(1, true);
    world.run(20 * MINUTE);
    assert_eq!(waiting(&world, 0).as_deref(), Some("list.old"));
    assert_eq!(states(&world, 1), []);
    // Bob signs a new version before the old one ends.
    world.run(4 * DAY);
    assert_eq!(waiting(&world, 0), None);
    assert_eq!(states(&world, 1), [ContactState::Incoming]);
}

#[test]
fn an_inviter_whose_cards_are_nowhere_is_waited_for_visibly() {
    let mut world = World::new(3, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.set_online(1, false);
    let link = world.invite(1);
    world.add(0, &link, "are you there?");
    world.run(MINUTE);
    assert_eq!(waiting(&world, 0).as_deref(), Some("invite.unreachable"));
    world.set_online(1, true);
    world.run(2 * HOUR);
    assert_eq!(waiting(&world, 0), None);
    assert_eq!(states(&world, 1), [ContactState::Incoming]);
}

/// A query for an inviter's cards dies with the process; the next process sends it again.
#[test]
fn a_kill_while_cards_are_looked_for_costs_no_time() {
    let mut world = World::new(25, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "it is me");
    world.kill(0);
    world.start(0);
    world.run(10 * SECOND);
    assert_eq!(states(&world, 1), [ContactState::Incoming]);
}

#[test]
fn nothing_is_sent_to_a_stranger_before_the_answer() {
    let mut world = asked(4);
    let from_bob = |world: &World| {
        let home = world.published.iter().filter(|(topic, _)| topic.contains("/h"));
        home.count()
    };
    let before = from_bob(&world);
    let conversation = world.conversation(1);
    let early = call::Send { conversation, post: "early".to_owned().into() };
    assert_eq!(code(&mut world, 1, early), Code::ContactState);
    assert!(world.send(0, "more before your answer"));
    world.run(MINUTE);
    assert_eq!(from_bob(&world), before + 1, "Alice's message and nothing else");
    assert_eq!(answer(&mut world, 1, ContactAction::Decline), None);
    world.run(HOUR);
    assert_eq!(states(&world, 0), [ContactState::Requested]);
    assert_eq!(states(&world, 1), [ContactState::Declined]);
}

#[test]
fn messages_before_the_answer_arrive_with_it() {
    let mut world = asked(5);
    assert!(world.send(0, "one"));
    assert!(world.send(0, &"two ".repeat(300)));
    world.run(MINUTE);
    assert_eq!(world.phones[0].states()[1..], [MessageState::Sent; 2]);
    world.accept(1);
    world.run(10 * MINUTE);
    assert_eq!(world.phones[0].texts(), world.phones[1].texts());
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 3]);
}

/// Its envelope needs a prekey that is deleted once the answer is answered; it leaves in the session's next chain.
#[test]
fn a_message_lost_before_the_answer_comes_after_it() {
    let mut world = asked(12);
    let honest = world.weather;
    world.weather.push_lost = 100;
    world.weather.store_misses = 100;
    assert!(world.send(0, "lost on the way"));
    world.run(SECOND);
    world.weather = honest;
    world.accept(1);
    world.run(10 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["please", "lost on the way"]);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 2]);
}

#[test]
fn requests_that_cross_accept_each_other() {
    for seed in 10..16 {
        let mut world = World::new(seed, 2);
        world.create(0, "Alice");
        world.create(1, "Bob");
        let links = [world.invite(0), world.invite(1)];
        world.run(MINUTE);
        world.add(0, &links[1], "me");
        world.add(1, &links[0], "me");
        world.run(10 * MINUTE);
        for who in 0..2 {
            assert_eq!(states(&world, who), [ContactState::Accepted]);
            assert!(world.send(who, &format!("by {who}")));
        }
        world.run(10 * MINUTE);
        for who in 0..2 {
            assert_eq!(world.phones[who].texts().len(), 4, "requests and texts");
            assert_eq!(world.phones[who].states(), [MessageState::Delivered; 2]);
        }
    }
}

#[test]
fn a_blocked_contact_is_not_heard() {
    let mut world = World::befriended(6);
    assert_eq!(answer(&mut world, 1, ContactAction::Block), None);
    world.run(MINUTE);
    assert!(world.send(0, "hello?"));
    world.run(3 * DAY);
    assert!(world.phones[1].texts().is_empty());
    assert!(world.phones[0].states()[0] < MessageState::Delivered);
    let conversation = world.conversation(1);
    let send = call::Send { conversation, post: "no".to_owned().into() };
    assert_eq!(code(&mut world, 1, send), Code::ContactBlocked);
    // A new invite does not help during the block, and does afterwards.
    assert_eq!(answer(&mut world, 1, ContactAction::Accept), Some(Code::ContactBlocked));
    assert_eq!(answer(&mut world, 1, ContactAction::Unblock), None);
    assert_eq!(states(&world, 1), [ContactState::Accepted], "as before");
}

#[test]
fn bad_calls() {
    let mut world = World::befriended(7);
    let conversation = world.conversation(0);
    let send = |text: String| call::Send { conversation: conversation.clone(), post: text.into() };
    assert_eq!(code(&mut world, 0, send(String::new())), Code::TextEmpty);
    assert_eq!(code(&mut world, 0, send("x".repeat(1024 * 1024 + 1))), Code::TextTooLong);
    let nobody = ContactId("zQ3shNobody".to_owned());
    let verify = call::ContactVerify { contact: nobody, devices: None };
    assert_eq!(code(&mut world, 0, verify), Code::BadId);
    let read = call::MarkRead { conversation: conversation.clone(), message: MessageId::from_bytes(&[1; 32]) };
    assert_eq!(code(&mut world, 0, read), Code::MessageMissing);
    let name = call::ProfileSet { name: "n".repeat(41) };
    assert_eq!(code(&mut world, 0, name), Code::BadName);
}

#[test]
fn a_new_name_reaches_contacts() {
    let mut world = World::befriended(8);
    world.call(0, call::ProfileSet { name: "Alice II\u{202e}".to_owned() }).unwrap();
    world.run(6 * HOUR); // each contact at a time of its own
    world.run(MINUTE);
    let contacts = world.phones[1].read(|reader| contacts(reader).unwrap());
    assert_eq!(contacts[0].name, "Alice II");
}

#[test]
fn garbage_and_oversize_envelopes_and_replays_change_nothing() {
    let mut world = World::befriended(9);
    assert!(world.send(0, "real"));
    world.run(MINUTE);
    let replay: Vec<(String, Vec<u8>)> = world.published.clone();
    let topic = replay.iter().rev().find(|(topic, _)| topic.contains("/h")).unwrap().0.clone();
    for len in [0, 1, 33, 511, 512, 2048, 8192, 65_536, 65_537, 1_000_000] {
        world.inject(&topic, &vec![1; len]);
        world.inject(&topic, &vec![9; len]);
    }
    for (topic, payload) in replay {
        let mut forged = payload.clone();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        world.inject(&topic, &forged);
        world.inject(&topic, &payload);
    }
    world.run(MINUTE);
    assert!(world.send(0, "and more"));
    assert!(world.send(1, "and back"));
    world.run(MINUTE);
    for who in 0..2 {
        let mut texts = world.phones[who].texts();
        texts.sort();
        assert_eq!(texts, ["and back", "and more", "real"]);
        assert_eq!(states(&world, who), [ContactState::Accepted]);
    }
}

#[test]
fn a_restored_phrase_takes_over_and_the_old_install_says_so() {
    let mut world = World::new(20, 2);
    let phrase = world.call(0, call::AccountCreate { name: "Alice".to_owned() }).unwrap();
    world.run(MINUTE);
    world.call(1, call::AccountRestore { phrase }).unwrap();
    world.run(DAY);
    world.run(DAY);
    assert!(noticed(&world, 0, Code::DeviceReplaced));
    assert_eq!(code(&mut world, 0, call::InviteCreate {}), Code::DeviceReplaced);
    assert!(!noticed(&world, 1, Code::DeviceReplaced));
    world.invite(1);
    assert!(world.phones[0].read(|reader| stored::own(reader).unwrap().unwrap().replaced));
}

#[test]
fn a_clock_ten_years_off_is_told_and_corrected() {
    let mut world = World::befriended(21);
    world.phones[0].clock_off_ms = 10 * 365 * DAY;
    world.kill(0);
    world.start(0);
    let topics: Vec<String> = world.published.iter().map(|(topic, _)| topic.clone()).collect();
    let home = |topic: &&String| topic.contains("/h");
    for i in 0..8 {
        // Others in the same buckets have right clocks.
        for topic in topics.iter().filter(home) {
            world.inject(topic, &[i; 512]);
        }
        assert!(world.send(1, &format!("{i}")));
        world.run(20 * SECOND);
    }
    assert!(noticed(&world, 0, Code::ClockSkewed));
    assert_eq!(code(&mut world, 0, call::InviteCreate {}), Code::ClockSkewed);
    // The store keeps messages within 20 s: only a corrected timestamp reaches an offline phone.
    world.set_online(1, false);
    assert!(world.send(0, "in time"));
    world.run(MINUTE);
    world.set_online(1, true);
    world.run(SECOND);
    assert_eq!(world.phones[1].texts().last().unwrap(), "in time");
    // Cards are due, and such a clock must not sign them. The engine checks again, but not all the time.
    let before = world.phones[0].effects;
    world.run(DAY);
    let done = world.phones[0].effects - before;
    assert!(done <= 2_000, "{done}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let mut world = World::befriended(22);
    world.phones[0].limit_pages(70);
    let mut refused = 0;
    let mut accepted = Vec::new();
    for i in 0..60 {
        let conversation = world.conversation(0);
        let text = format!("{i} {}", "x".repeat(600));
        match world.call(0, call::Send { conversation, post: text.clone().into() }) {
            Ok(_) => accepted.push(text),
            Err(error) => {
                assert_eq!(error.code(), Code::StorageFull);
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the disk was full");
    assert!(world.send(1, "while your disk is full"));
    world.run(MINUTE);
    world.phones[0].limit_pages(1_000_000);
    world.run(HOUR);
    accepted.push("while your disk is full".to_owned());
    accepted.sort();
    for who in 0..2 {
        let mut texts = world.phones[who].texts();
        texts.sort();
        assert_eq!(texts, accepted, "{who}");
        assert!(world.phones[who].states().iter().all(|state| *state == MessageState::Delivered));
    }
}

/// A parcel that no node ever accepts: it is for nobody.
fn for_nobody() -> Parcel {
    Parcel {
        id: 0,
        class: Class::Kept,
        party: None,
        batch: None,
        topic: String::new(),
        payload: Some(vec![7]),
        sealed_ms: 0,
        attempts: 1,
        due_ms: 0,
        last_s: 0,
        check_ms: None,
        give_up_ms: i64::MAX,
    }
}

#[test]
fn a_row_that_cannot_be_worked_on_waits_and_holds_up_no_other() {
    let mut world = World::befriended(33);
    world.invite(0);
    world.run(MINUTE);
    world.set_online(0, false);
    assert!(world.send(0, "behind it") && world.send(1, "hello"));
    world.run(MINUTE);
    world.kill(0);
    let bad = world.phones[0].tables(|tx| {
        let invite = tx.invites.all().unwrap().remove(0);
        tx.prekeys.remove(&invite.prekey_id).unwrap();
        tx.invites.put(&sotto_db::Invite { next_card_ms: 0, ..invite }).unwrap();
        tx.parcels.add(for_nobody()).unwrap()
    });
    world.start(0);
    world.set_online(0, true);
    world.run(5 * MINUTE);
    assert_eq!(world.phones[1].texts().len(), 2);
    let delivered =
        |world: &World, who: usize| world.phones[who].states().iter().all(|it| *it >= MessageState::Delivered);
    assert!(delivered(&world, 0) && delivered(&world, 1));
    let waits = |world: &mut World| {
        world.kill(0);
        let now_ms = world.now_ms;
        let due_ms = world.phones[0]
            .tables(|tx| [tx.parcels.get(&bad).unwrap().unwrap().due_ms, tx.invites.all().unwrap()[0].next_card_ms]);
        world.start(0);
        due_ms.map(|due_ms| (due_ms - now_ms) / MINUTE)
    };
    assert_eq!(waits(&mut world), [55, 55]);
    world.run(HOUR);
    assert_eq!(waits(&mut world), [55, 55], "tried again after an hour");
}

#[test]
fn a_job_that_ends_in_a_bug_waits_and_holds_up_no_other() {
    let mut world = World::befriended(34);
    world.kill(0);
    let conn = rusqlite::Connection::open(world.phones[0].folder().join("account.db")).unwrap();
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{key}'\"")).unwrap();
    // The own cards cannot be made.
    let fails = "CREATE TRIGGER fails BEFORE INSERT ON prekeys BEGIN SELECT RAISE(ABORT, ''); END;
        UPDATE kv SET value=zeroblob(8) WHERE key='next_contacts_ms'";
    conn.execute_batch(fails).unwrap();
    world.start(0);
    world.set_online(0, false);
    assert!(world.send(0, "behind them") && world.send(1, "hello"));
    world.set_online(0, true);
    world.run(5 * MINUTE);
    assert_eq!(world.phones[1].texts().len(), 2);
    let published = world.published.len();
    conn.execute_batch("DROP TRIGGER fails").unwrap();
    world.run(50 * MINUTE);
    assert_eq!(world.published.len(), published);
    world.run(10 * MINUTE);
    assert_eq!(world.published.len(), published + 3, "list, bundle and profile, after an hour");
}

#[test]
fn a_node_that_says_yes_and_does_nothing_is_found_out() {
    let mut world = World::befriended(23);
    world.weather = Weather { publish_lies: 100, ..Weather::default() };
    assert!(world.send(0, "swallowed"));
    world.run(SECOND);
    assert_eq!(world.phones[0].states(), [MessageState::Sent]);
    world.weather = Weather::default();
    world.run(90 * SECOND);
    assert_eq!(world.phones[1].texts(), ["swallowed"]);
    // A receipt takes up to a minute while nothing is on screen.
    world.run(MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}

/// Nodes that refuse what others accept are no reason to give up, until there was no other node for a while.
#[test]
fn what_every_node_refuses_is_given_up_only_after_a_while() {
    let mut world = World::befriended(29);
    world.set_online(1, false); // nothing but the text is published
    world.weather.publish_refused = 100;
    assert!(world.send(0, "in the end"));
    world.run(6 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Queued]);
    world.weather.publish_refused = 0;
    world.run(8 * MINUTE);
    world.set_online(1, true);
    world.run(2 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);

    world.weather.publish_refused = 100;
    assert!(world.send(0, "never"));
    world.run(15 * MINUTE);
    assert_eq!(world.phones[0].states()[1], MessageState::Failed);
    let message = &world.phones[0].messages()[1];
    assert_eq!(message.reason.as_deref(), Some("message.refused"));
    // A manual retry starts again, and others do not contradict a node that accepted it once.
    let message = MessageId::from_bytes(&message.id);
    world.set_online(1, false);
    world.weather.publish_refused = 0;
    world.call(0, call::Retry { message }).unwrap();
    world.run(MINUTE);
    world.weather.publish_refused = 100;
    world.run(HOUR);
    assert!(world.phones[0].states()[1] >= MessageState::Sent);
    world.weather.publish_refused = 0;
    world.set_online(1, true);
    world.run(3 * MINUTE);
    assert_eq!(world.phones[0].states()[1], MessageState::Delivered);
}

#[test]
fn what_is_lost_with_the_node_that_took_it_leaves_again_soon() {
    for seed in 50..60 {
        let mut world = World::befriended(seed);
        world.weather.publish_lies = 100;
        assert!(world.send(0, "taken along"));
        world.run(2 * SECOND);
        world.weather.publish_lies = 0;
        world.lose_nodes(0);
        world.run(11 * SECOND);
        assert_eq!(world.phones[1].texts(), ["taken along"]);

        // A message that a store has is not sent again, and not asked for twice.
        world.run(MINUTE);
        world.set_online(1, false);
        assert!(world.send(0, "held"));
        world.run(2 * SECOND);
        let before = world.published.len();
        world.lose_nodes(0);
        world.run(11 * SECOND);
        assert_eq!(world.phones[0].states().last(), Some(&MessageState::Stored));
        world.run(70 * SECOND);
        assert_eq!(world.published.len(), before);
    }
}

/// Even if both nodes are known to be good.
#[test]
fn what_two_nodes_took_at_once_was_sent_once() {
    for seed in 50..60 {
        let mut world = World::befriended(seed);
        world.weather.v2_nodes = 2;
        for number in 0..20 {
            assert!(world.send(number % 2, "it came"));
            world.run(MINUTE);
        }
        world.set_online(1, false);
        assert!(world.send(0, "while you were away"));
        world.run(5 * SECOND);
        assert_eq!(world.phones[0].states().last(), Some(&MessageState::Sent));
        let before = world.published.len();
        world.run(2 * MINUTE + 15 * SECOND);
        assert!(world.published.len() > before, "seed {seed}");
    }
}

#[test]
fn without_a_count_of_relays_two_nodes_must_accept() {
    for (v2_nodes, state) in [(2, MessageState::Sent), (1, MessageState::Queued)] {
        let mut world = World::befriended(27);
        world.weather.v2_nodes = v2_nodes;
        world.set_online(1, false);
        world.set_online(0, false);
        world.set_online(0, true);
        world.run(MINUTE);
        let before = world.published.len();
        assert!(world.send(0, "twice"));
        world.run(MINUTE);
        assert_eq!(world.phones[0].states(), [state], "{v2_nodes}");
        assert_eq!(world.published.len() - before, 2, "{v2_nodes}");
    }
}

#[test]
fn stored_is_said_when_a_store_has_it_and_nobody_answers() {
    let mut world = World::befriended(24);
    world.set_online(1, false);
    assert!(world.send(0, "later"));
    world.run(SECOND);
    assert_eq!(world.phones[0].states(), [MessageState::Sent]);
    world.run(2 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Stored]);
    world.set_online(1, true);
    world.run(MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}

#[test]
fn given_up_after_thirty_days_and_sent_again_by_hand() {
    let mut world = World::befriended(25);
    world.kill(1);
    assert!(world.send(0, "anybody?"));
    world.run(32 * DAY);
    assert_eq!(world.phones[0].states(), [MessageState::Failed]);
    let message = &world.phones[0].messages()[0];
    assert_eq!(message.reason.as_deref(), Some("message.not_delivered"));
    let message = MessageId::from_bytes(&message.id);
    world.start(1);
    world.run(MINUTE);
    world.call(0, call::Retry { message }).unwrap();
    world.run(3 * DAY);
    assert_eq!(world.phones[1].texts(), ["anybody?"]);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
}

#[test]
fn a_lost_install_is_never_said_to_have_received() {
    // Bob's phone is lost. The phrase restores his account on another phone, without contacts.
    let mut world = World::new(26, 3);
    world.create(0, "Alice");
    let phrase = world.call(1, call::AccountCreate { name: "Bob".to_owned() }).unwrap();
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    world.kill(1);
    world.call(2, call::AccountRestore { phrase }).unwrap();
    world.run(MINUTE);
    assert!(world.send(0, "do you read me?"));
    world.run(10 * DAY);
    // Alice is told that nothing arrives, never that it did.
    assert!(world.phones[0].states()[0] < MessageState::Delivered);
}

#[test]
fn a_new_device_of_a_verified_contact_gets_nothing_before_it_is_verified() {
    for verified in [false, true] {
        let mut world = World::new(27, 3);
        world.create(0, "Alice");
        let phrase = world.call(1, call::AccountCreate { name: "Bob".to_owned() }).unwrap();
        world.run(MINUTE);
        let link = world.invite(1);
        world.run(MINUTE);
        world.add(0, &link, "");
        world.run(MINUTE);
        world.accept(1);
        world.run(MINUTE);
        if verified {
            world.verify(0);
        }
        world.kill(1);
        // Somebody with Bob's phrase, on another phone, asks Alice.
        world.call(2, call::AccountRestore { phrase }).unwrap();
        world.run(MINUTE);
        let link = world.invite(0);
        world.run(MINUTE);
        world.add(2, &link, "my new phone");
        world.run(MINUTE);
        let row = world.phones[0].read(|reader| contacts(reader).unwrap()[0].clone());
        assert!(row.devices_changed, "shown, never silent");
        assert!(world.send(0, "for Bob's eyes"));
        world.run(10 * MINUTE);
        let heard = |world: &World| world.phones[2].texts().len() - 1; // beside the request
        assert_eq!(heard(&world), usize::from(!verified));
        world.verify(0);
        assert!(world.send(0, "now you are known"));
        world.run(10 * MINUTE);
        assert_eq!(world.phones[2].texts().last().unwrap(), "now you are known");
    }
}

#[test]
fn cards_are_found_among_those_of_a_crowd() {
    let mut world = World::new(99, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let before = world.published.len();
    let link = world.invite(1);
    world.run(HOUR);
    let own: Vec<_> = world.published.drain(before..).collect();
    for i in 0..600_u32 {
        // The same bucket, newer: first copies of one wanted card, then others' cards.
        let (topic, card) = &own[0];
        let mut payload = card.clone();
        if i >= 300 {
            payload[17..21].copy_from_slice(&i.to_be_bytes());
        }
        world.restore(&Relayed {
            topic: topic.clone(),
            payload,
            timestamp_ns: (world.now_ms - 1000 + i64::from(i)) * 1_000_000,
        });
    }
    world.add(0, &link, "found");
    world.run(MINUTE);
    assert_eq!(states(&world, 1), [ContactState::Incoming]);
}
