//! Posts under attack: nothing of a deleted text is left, whatever overtakes what; contacts with a changed program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_db::{Early, Hash};
use sotto_messenger::engine::call;
use sotto_messenger::records::{Message, MessageId, MessageState, NewMention, NewPoll, NewPost};
use sotto_messenger::{Code, view};
use sotto_testkit::life::{self, database};
use sotto_testkit::three::alter;
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, Weather, World};
use sotto_wire::content::{Content, Edit};

const SECRET: &str = "the code is 4711";

/// A way in which a message ends.
type End = (&'static str, fn(&mut World, &MessageId));

fn page(world: &World, who: usize) -> Vec<Message> {
    let conversation = world.conversation(who);
    world.phones[who].read(|reader| {
        let mut rows = reader.messages_page(&conversation.to_bytes().unwrap(), None, 500).unwrap();
        rows.reverse();
        view::page(reader, rows).unwrap()
    })
}

fn whole(world: &World, who: usize, message: &MessageId) -> Message {
    let id = message.to_bytes().unwrap();
    world.phones[who].read(|reader| {
        let own = [0; 33];
        view::message(reader, &own, view::one(reader, &id).unwrap()).unwrap()
    })
}

fn texts(world: &World, who: usize) -> Vec<Option<String>> {
    page(world, who).into_iter().map(|one| one.text).collect()
}

fn post(world: &mut World, who: usize, post: impl Into<NewPost>) -> MessageId {
    let conversation = world.conversation(who);
    world.call(who, call::Send { conversation, post: post.into() }).unwrap()
}

fn edit(world: &mut World, who: usize, message: &MessageId, text: &str) {
    world.call(who, call::Edit { message: message.clone(), text: text.into(), mentions: Vec::new() }).unwrap();
}

fn withdraw(world: &mut World, who: usize, message: &MessageId) {
    world.call(who, call::DeleteForEveryone { message: message.clone() }).unwrap();
}

fn timer(world: &mut World, who: usize, seconds: u32) {
    let conversation = world.conversation(who);
    world.call(who, call::TimerSet { conversation, seconds }).unwrap();
}

fn long() -> String {
    format!("{SECRET} {}", "and more ".repeat(1000))
}

/// Whether a phone holds a text anywhere in its database, or its last word in the index of search. Its process ends and
/// begins again.
fn holds(world: &mut World, who: usize, text: &str) -> bool {
    world.kill(who);
    let folder = world.phones[who].folder();
    let found = life::keeps(folder, text);
    let conn = database(folder);
    conn.execute_batch("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, row)").unwrap();
    let word = text.rsplit(' ').next().unwrap();
    let indexed = conn.prepare("SELECT 1 FROM words WHERE term=?").unwrap().exists([word]).unwrap();
    drop(conn);
    world.start(who);
    found || indexed
}

/// What phone 0 publishes for phone 1 in `work`, which nobody hears. The store keeps its chunks.
fn unheard(world: &mut World, work: impl FnOnce(&mut World)) -> Vec<(String, Vec<u8>)> {
    let from = world.published.len();
    world.weather = Weather { push_lost: 100, ..Weather::default() };
    work(world);
    world.weather = Weather::default();
    let home = world.phones[1].topics().to_vec();
    world.published[from..].iter().filter(|(topic, _)| home.contains(topic)).cloned().collect()
}

fn hear(world: &mut World, sent: &[(String, Vec<u8>)]) {
    for (topic, payload) in sent {
        world.inject(topic, payload);
        world.run(SECOND);
    }
}

#[test]
fn a_long_text_that_was_deleted_before_it_came_is_not_fetched() {
    let mut world = World::befriended(101);
    let mut sent = unheard(&mut world, |world| {
        let message = post(world, 0, long());
        world.run(SECOND);
        withdraw(world, 0, &message);
        world.run(SECOND);
    });
    assert_eq!(sent.len(), 2);
    sent.reverse();
    hear(&mut world, &sent);
    world.run(HOUR);
    assert_eq!(texts(&world, 1), [None]);
    assert!(page(&world, 1)[0].deleted_by.is_some() && !page(&world, 1)[0].fetching);
    assert!(!holds(&mut world, 1, SECRET));
}

#[test]
fn edits_and_deletions_reach_a_long_text_while_it_is_fetched() {
    let mut world = World::befriended(102);
    let fails = |world: &mut World, on: bool| world.weather.query_fails = if on { 100 } else { 0 };
    fails(&mut world, true);
    let message = post(&mut world, 0, long());
    world.run(MINUTE);
    assert!(page(&world, 1)[0].fetching);
    edit(&mut world, 0, &message, "no code");
    world.run(MINUTE);
    assert!(page(&world, 1)[0].fetching, "the edit waits");
    fails(&mut world, false);
    world.run(DAY);
    assert_eq!(texts(&world, 1), [Some("no code".to_owned())]);
    let id = message.to_bytes().unwrap();
    let versions = world.phones[1].read(|reader| view::history(reader, &id).unwrap());
    assert_eq!(versions.len(), 2);
    assert!(versions[0].text.starts_with(SECRET));
    withdraw(&mut world, 0, &message);
    world.run(MINUTE);

    fails(&mut world, true);
    let message = post(&mut world, 0, long());
    world.run(MINUTE);
    withdraw(&mut world, 0, &message);
    world.run(MINUTE);
    fails(&mut world, false);
    world.run(DAY);
    assert_eq!(texts(&world, 1), [None, None]);
    for who in 0..2 {
        assert!(!holds(&mut world, who, SECRET), "{who}");
    }
}

/// An edit of which no receipt came is in the outbox. Whatever ends its message ends it.
#[test]
fn an_edit_on_its_way_goes_with_its_message() {
    let ends: [End; 4] = [
        ("for everybody", |world, message| withdraw(world, 0, message)),
        ("for me", |world, message| world.call(0, call::DeleteForMe { message: message.clone() }).unwrap()),
        ("all", |world, _| {
            let conversation = world.conversation(0);
            world.call(0, call::ConversationDelete { conversation }).unwrap();
        }),
        ("its time", |world, _| world.run(2 * MINUTE)),
    ];
    for (way, end) in ends {
        for offline in [0, 1] {
            let mut world = World::befriended(103);
            timer(&mut world, 0, 120);
            let message = post(&mut world, 0, "nothing yet");
            world.run(MINUTE);
            world.set_online(offline, false);
            edit(&mut world, 0, &message, SECRET);
            world.run(SECOND);
            assert!(holds(&mut world, 0, SECRET), "{way} {offline}");
            end(&mut world, &message);
            assert!(!holds(&mut world, 0, SECRET), "{way} {offline}");
            world.set_online(offline, true);
            world.run(MINUTE);
            let edited = texts(&world, 1) == [Some(SECRET.to_owned())];
            assert!(!edited || offline == 1, "{way}: what no node took is not sent");
            assert!(!holds(&mut world, 0, SECRET), "{way} {offline}");
        }
    }
}

#[test]
fn a_reply_keeps_no_words_of_a_deleted_message() {
    let mut world = World::befriended(104);
    let message = post(&mut world, 0, SECRET);
    world.run(MINUTE);
    let reply = NewPost { reply_to: Some(message.clone()), ..NewPost::from("thanks") };
    post(&mut world, 1, reply.clone());
    post(&mut world, 0, reply);
    world.run(MINUTE);
    assert!(page(&world, 0)[1..].iter().all(|one| one.reply.as_ref().unwrap().text == SECRET));
    withdraw(&mut world, 0, &message);
    world.run(HOUR);
    for who in 0..2 {
        assert_eq!(page(&world, who).len(), 3);
        assert!(!holds(&mut world, who, SECRET), "{who}");
    }
}

#[test]
fn a_deleted_request_leaves_no_text() {
    let mut world = World::new(105, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.add(0, &link, SECRET);
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    let request = page(&world, 0)[0].id.clone();
    withdraw(&mut world, 0, &request);
    world.run(HOUR);
    assert_eq!((texts(&world, 0), texts(&world, 1)), (vec![None], vec![None]));
    for who in 0..2 {
        assert!(!holds(&mut world, who, SECRET), "{who}");
    }
}

/// The deletion waits for its message, whatever is deleted here meanwhile.
#[test]
fn what_was_deleted_for_everybody_is_not_shown_in_an_emptied_conversation() {
    let mut world = World::befriended(106);
    let mut sent = unheard(&mut world, |world| {
        let message = post(world, 0, SECRET);
        world.run(SECOND);
        withdraw(world, 0, &message);
        world.run(SECOND);
    });
    sent.reverse();
    hear(&mut world, &sent[..1]);
    let conversation = world.conversation(1);
    world.call(1, call::ConversationDelete { conversation }).unwrap();
    hear(&mut world, &sent[1..]);
    world.run(HOUR);
    assert!(texts(&world, 1).iter().all(Option::is_none));
    assert!(!holds(&mut world, 1, SECRET));
}

/// The answerer's first effects overtake the hello that says that the request was accepted.
#[test]
fn effects_overtake_the_hello() {
    let mut world = World::new(107, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.add(0, &link, "may I?");
    world.run(MINUTE);
    let from = world.published.len();
    world.weather = Weather { push_lost: 100, store_misses: 100, ..Weather::default() };
    world.accept(1);
    let request = page(&world, 1)[0].id.clone();
    world.call(1, call::React { message: request.clone(), emoji: "👍".into(), on: true }).unwrap();
    timer(&mut world, 1, 3600);
    world.run(SECOND);
    world.weather = Weather::default();
    let home = world.phones[0].topics().to_vec();
    let mut sent: Vec<_> = world.published.split_off(from);
    sent.retain(|(topic, _)| home.contains(topic));
    assert!(sent.len() >= 3, "{}", sent.len());
    sent.reverse();
    hear(&mut world, &sent);
    world.run(HOUR);
    let conversation = world.conversation(0).to_bytes().unwrap();
    let timer_s =
        world.phones[0].read(|reader| reader.tables().conversations.get(&conversation).unwrap().unwrap().timer_s);
    assert_eq!(timer_s, 3600);
    assert_eq!(page(&world, 0)[0].reactions.len(), 1);
}

#[test]
fn a_conversation_that_ends_with_a_deleted_message_can_be_read() {
    let mut world = World::befriended(108);
    post(&mut world, 0, "first");
    let last = post(&mut world, 0, "last");
    world.run(MINUTE);
    withdraw(&mut world, 0, &last);
    world.run(MINUTE);
    let conversation = world.conversation(1);
    let id = conversation.to_bytes().unwrap();
    let unread =
        |world: &World| world.phones[1].read(|reader| reader.tables().conversations.get(&id).unwrap().unwrap().unread);
    assert_eq!(unread(&world), 1);
    world.call(1, call::MarkRead { conversation, message: last }).unwrap();
    assert_eq!(unread(&world), 0);
    world.run(MINUTE);
    assert_eq!(page(&world, 0)[0].state, MessageState::Read);
}

/// A reply names a message of another conversation: its text is not shown in this one.
#[test]
fn a_reply_shows_no_message_of_another_conversation() {
    let mut world = World::befriended(109);
    let message = post(&mut world, 0, SECRET);
    world.run(MINUTE);
    post(&mut world, 0, NewPost { reply_to: Some(message.clone()), ..NewPost::from("as you say") });
    world.run(MINUTE);
    assert_eq!(page(&world, 1)[1].reply.as_ref().unwrap().text, SECRET);
    let id = message.to_bytes().unwrap();
    alter(&mut world, 1, |tx| tx.messages.edit(&id, |row| row.conversation = [9; 32]).unwrap());
    let reply = page(&world, 1)[0].reply.clone().unwrap();
    assert_eq!((reply.text.as_str(), reply.mine), ("", None));
}

/// Pages cut a text, and its mentions with it; of a very long post they have no more than the text.
#[test]
fn mentions_in_pages_stand_in_the_text_that_pages_have() {
    let mut world = World::befriended(110);
    let mut send = |length: usize| {
        let text = format!("{}Bob", "x".repeat(length));
        let named = NewMention { offset: length as u32, length: 3, contact: None };
        let first = NewMention { offset: 0, length: 1, contact: None };
        let message =
            post(&mut world, 0, NewPost { mentions: vec![first, named], silent: true, ..NewPost::from(text) });
        world.run(HOUR);
        let shown = page(&world, 1).pop().unwrap();
        assert!(shown.more && shown.text.unwrap().len() <= 4096);
        (shown.mentions.len(), shown.silent, whole(&world, 1, &message).mentions.len())
    };
    assert_eq!(send(5000), (1, true, 2));
    assert_eq!(send(100_000), (0, false, 2));
}

/// A message that failed and is sent again lives as long as its timer says from then on.
#[test]
fn a_retry_begins_the_timer_again() {
    let mut world = World::befriended(111);
    timer(&mut world, 0, 24 * 3600);
    world.run(MINUTE);
    world.weather.publish_refused = 100;
    let message = post(&mut world, 0, "nobody takes it");
    let state = |world: &World| page(world, 0).into_iter().find(|one| one.id == message).map(|one| one.state);
    for _ in 0..24 {
        world.run(HOUR);
        if state(&world) == Some(MessageState::Failed) {
            break;
        }
    }
    assert_eq!(state(&world), Some(MessageState::Failed));
    world.run(20 * HOUR);
    world.weather.publish_refused = 0;
    world.set_online(0, false);
    world.call(0, call::Retry { message: message.clone() }).unwrap();
    world.run(10 * HOUR);
    assert_eq!(state(&world), Some(MessageState::Queued));
    world.set_online(0, true);
    world.run(HOUR);
    assert_eq!(state(&world), Some(MessageState::Delivered));
    world.run(DAY);
    assert_eq!(state(&world), None);
}

/// A clock that was ahead when a message was read keeps nothing longer, once it is right.
#[test]
fn a_clock_that_was_ahead_lengthens_no_timer() {
    let mut world = World::befriended(112);
    timer(&mut world, 0, 60);
    post(&mut world, 0, SECRET);
    world.run(10 * SECOND);
    world.kill(1);
    world.phones[1].clock_off_ms = 10 * DAY;
    world.start(1);
    world.run(SECOND);
    assert_eq!(texts(&world, 1).len(), 1);
    world.read_all(1);
    world.kill(1);
    world.phones[1].clock_off_ms = 0;
    world.start(1);
    world.run(MINUTE);
    world.run(10 * SECOND);
    assert!(texts(&world, 1).is_empty());
    assert!(!holds(&mut world, 1, SECRET));
}

/// P19: a post that an earlier version showed as newer, and that was read, disappears after its time.
#[test]
fn a_post_of_a_newer_version_has_its_timer_after_an_update() {
    let mut world = World::befriended(113);
    timer(&mut world, 0, 60);
    world.run(SECOND);
    let message = post(&mut world, 0, "for later versions");
    world.run(10 * SECOND);
    let id = message.to_bytes().unwrap();
    let earlier = |read: bool| {
        move |row: &mut sotto_db::Message| {
            (row.text, row.newer, row.read) = (None, true, read);
            (row.expire_s, row.expires_ms) = (0, None);
        }
    };
    for (read, left) in [(false, 1), (true, 0)] {
        alter(&mut world, 1, |tx| tx.messages.edit(&id, earlier(read)).unwrap());
        assert_eq!(texts(&world, 1), [Some("for later versions".to_owned())], "{read}");
        world.run(61 * SECOND);
        assert_eq!(texts(&world, 1).len(), left, "{read}");
    }
}

/// Unread counters hold, whatever goes before it is read.
#[test]
fn unread_messages_that_go_are_not_counted() {
    let mut world = World::befriended(114);
    let sent: Vec<_> = (0..4).map(|n| post(&mut world, 0, format!("text {n}"))).collect();
    world.run(MINUTE);
    let id = world.conversation(1).to_bytes().unwrap();
    let unread = |world: &World| {
        world.phones[1].read(|reader| {
            let counted = reader.tables().messages.count_unread(&id).unwrap();
            (reader.tables().conversations.get(&id).unwrap().unwrap().unread, counted)
        })
    };
    assert_eq!(unread(&world), (4, 4));
    withdraw(&mut world, 0, &sent[1]);
    world.run(MINUTE);
    assert_eq!(unread(&world), (3, 3));
    world.call(1, call::DeleteForMe { message: sent[1].clone() }).unwrap();
    world.call(1, call::DeleteForMe { message: sent[2].clone() }).unwrap();
    assert_eq!(unread(&world), (2, 2));
    let own = post(&mut world, 1, "own");
    world.call(1, call::DeleteForMe { message: own }).unwrap();
    world.read_all(1);
    world.call(1, call::DeleteForMe { message: sent[3].clone() }).unwrap();
    assert_eq!(unread(&world), (0, 0));
}

/// A changed program sends thousands of edits of a long text before the text: they are applied in no time, and the row
/// is written once.
#[test]
fn edits_that_wait_for_a_long_text_are_applied_at_once() {
    let mut world = World::befriended(115);
    world.weather.query_fails = 100;
    let message = post(&mut world, 0, "a long text ".repeat(80_000));
    world.run(MINUTE);
    let id: Hash = message.to_bytes().unwrap();
    let conversation = world.conversation(1).to_bytes().unwrap();
    let author = world.phones[1].read(|reader| reader.tables().messages.get(&id).unwrap().unwrap().author.unwrap());
    let now_ms = world.now_ms;
    alter(&mut world, 1, |tx| {
        for n in 0..4000_u32 {
            let text = format!("edit {n} {}", "x".repeat(1500));
            let edit = Edit { target: id, text, mentions: Vec::new() };
            let (kind, body) = Content::Edit(Box::new(edit)).encode().unwrap();
            let mut own = [0; 32];
            own[..4].copy_from_slice(&n.to_be_bytes());
            let early = Early {
                target: id,
                kind: kind.code(),
                author,
                id: own,
                conversation,
                body,
                lamport: 1000 + i64::from(n),
                time_s: 0,
                added_ms: now_ms,
            };
            tx.early.note(&early).unwrap();
        }
    });
    world.weather.query_fails = 0;
    let began = std::time::Instant::now();
    world.run(DAY);
    let took = began.elapsed();
    let text = page(&world, 1).remove(0).text.unwrap();
    assert!(text.starts_with("edit 3999 "), "{text:.20}");
    assert!(took.as_secs() < 20, "{took:?}");
}

/// A session that is not answered yet has little room: polls and edits wait for its answer, and are not lost.
#[test]
fn polls_and_edits_wait_for_the_answer_of_a_new_session() {
    let mut world = World::befriended(116);
    let message = post(&mut world, 0, "short");
    world.run(2 * HOUR);
    let contact = world.contact(0);
    world.set_online(1, false);
    world.call(0, call::SessionReset { contact }).unwrap();
    world.run(5 * MINUTE);
    edit(&mut world, 0, &message, &"long ".repeat(300));
    let choices: Vec<String> = (0..10).map(|n| format!("{n}{}", "x".repeat(99))).collect();
    let poll = NewPoll { question: "q".repeat(300), choices, multiple: false, end_ms: None };
    let conversation = world.conversation(0);
    world.call(0, call::PollCreate { conversation, poll }).unwrap();
    post(&mut world, 0, "next");
    world.set_online(1, true);
    world.run(HOUR);
    post(&mut world, 1, "answer");
    world.run(HOUR);
    let seen = page(&world, 1);
    assert!(seen[0].edited && seen[0].text.as_deref().unwrap().starts_with("long long"));
    assert_eq!(seen.iter().filter(|one| one.poll.is_some()).count(), 1);
    assert_eq!(texts(&world, 0), texts(&world, 1));
}

/// What is too long for an edit, or names nobody's place, is refused.
#[test]
fn edits_are_refused_as_texts_are() {
    let mut world = World::befriended(117);
    let message = post(&mut world, 0, "short");
    for length in [2_000, 70_000, 1 << 20, (1 << 20) + 1] {
        let edit = call::Edit { message: message.clone(), text: "x".repeat(length), mentions: Vec::new() };
        assert_eq!(world.call(0, edit).unwrap_err().code(), Code::TextTooLong, "{length}");
    }
    let mentions = vec![NewMention { offset: 3, length: 9, contact: None }];
    let edit = call::Edit { message, text: "short".into(), mentions };
    assert_eq!(world.call(0, edit).unwrap_err().code(), Code::BadMention);
}
