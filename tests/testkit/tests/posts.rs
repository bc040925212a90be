//! Replies, reactions, edits, deletions, pins, polls and timers: both phones show the same, in whatever order things
//! come, and what is deleted or has disappeared is nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rand_core::Rng as _;
use sotto_messenger::engine::call::{self, Forged};
use sotto_messenger::records::{ContactId, LinkPreview, Message, MessageId, NewMention, NewPoll, NewPost};
use sotto_messenger::{Code, Error, view};
use sotto_testkit::life::{database, keeps, orphans};
use sotto_testkit::{DAY, HOUR, MINUTE, SECOND, Seeded, Weather, World, contacts};
use sotto_wire::content::{Content, Edit, FileGone, Poll, Post, Reaction, Vote};

/// Loses everything that is published from now on, so that a test delivers it by hand.
const DEAF: Weather = Weather {
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

fn page(world: &World, who: usize) -> Vec<Message> {
    let conversation = world.conversation(who);
    world.phones[who].read(|reader| {
        let mut rows = reader.messages_page(&conversation.to_bytes().unwrap(), None, 500).unwrap();
        rows.reverse();
        view::page(reader, rows).unwrap()
    })
}

fn find(world: &World, who: usize, text: &str) -> Message {
    page(world, who).into_iter().find(|one| one.text.as_deref() == Some(text)).expect(text)
}

fn post(world: &mut World, who: usize, post: impl Into<NewPost>) -> MessageId {
    let conversation = world.conversation(who);
    world.call(who, call::Send { conversation, post: post.into() }).unwrap()
}

fn edit(world: &mut World, who: usize, message: &MessageId, text: &str) -> Result<(), Error> {
    world.call(who, call::Edit { message: message.clone(), text: text.into(), mentions: Vec::new() })
}

fn react(world: &mut World, who: usize, message: &MessageId, emoji: &str, on: bool) -> Result<(), Error> {
    world.call(who, call::React { message: message.clone(), emoji: emoji.into(), on })
}

fn withdraw(world: &mut World, who: usize, message: &MessageId) -> Result<(), Error> {
    world.call(who, call::DeleteForEveryone { message: message.clone() })
}

fn pin(world: &mut World, who: usize, message: &MessageId, on: bool) -> Result<(), Error> {
    world.call(who, call::Pin { message: message.clone(), on })
}

fn timer(world: &mut World, who: usize, seconds: u32) -> Result<(), Error> {
    let conversation = world.conversation(who);
    world.call(who, call::TimerSet { conversation, seconds })
}

fn poll(world: &mut World, who: usize, end_ms: Option<i64>) -> MessageId {
    let conversation = world.conversation(who);
    let choices = ["soup", "bread", "both"].map(str::to_owned).to_vec();
    let poll = NewPoll { question: "What do we eat?".into(), choices, multiple: false, end_ms };
    world.call(who, call::PollCreate { conversation, poll }).unwrap()
}

fn vote(world: &mut World, who: usize, message: &MessageId, choices: &[u8]) -> Result<(), Error> {
    world.call(who, call::Vote { message: message.clone(), choices: choices.to_vec() })
}

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> Code {
    answer.unwrap_err().code()
}

/// What a page says, the same on both phones.
fn said(world: &World, who: usize) -> Vec<String> {
    let one = |m: Message| {
        let reactions: Vec<_> = m.reactions.iter().map(|r| format!("{}{}", r.emoji, r.count)).collect();
        let votes = m.poll.map(|p| p.choices.iter().map(|c| c.voters.len().to_string()).collect::<Vec<_>>().join(","));
        let reply = m.reply.map(|r| (r.text, r.gone));
        let deleted = m.deleted_by.is_some();
        format!(
            "{:?} {reactions:?} {votes:?} {reply:?} edited {} deleted {deleted} pinned {} timer {} newer {}",
            m.text, m.edited, m.pinned, m.timer_s, m.newer
        )
    };
    page(world, who).into_iter().map(one).collect()
}

/// Both phones show the same, and nothing is under way.
fn agree(world: &World) {
    assert_eq!(said(world, 0), said(world, 1));
}

#[test]
fn a_conversation_as_people_expect_it() {
    let mut world = World::befriended(1);
    let hello = post(&mut world, 0, "Shall we meet at teh mill?");
    world.run(MINUTE);
    edit(&mut world, 0, &hello, "Shall we meet at the mill?").unwrap();
    react(&mut world, 1, &hello, "👍", true).unwrap();
    react(&mut world, 0, &hello, "👍", true).unwrap();
    pin(&mut world, 1, &hello, true).unwrap();
    let bob = ContactId(world.contact(0).0);
    let answer = NewPost { reply_to: Some(hello.clone()), ..NewPost::from("Yes, at nine.") };
    let yes = post(&mut world, 1, answer);
    let named = NewMention { offset: 3, length: 3, contact: Some(bob) };
    post(&mut world, 0, NewPost { mentions: vec![named], silent: true, ..NewPost::from("Hi Bob") });
    let lunch = poll(&mut world, 0, None);
    world.run(MINUTE);
    vote(&mut world, 0, &lunch, &[0]).unwrap();
    vote(&mut world, 1, &lunch, &[2]).unwrap();
    vote(&mut world, 1, &lunch, &[1]).unwrap();
    world.run(MINUTE);
    agree(&world);
    let seen = page(&world, 1);
    assert_eq!(seen[0].text.as_deref(), Some("Shall we meet at the mill?"));
    assert!(seen[0].edited && seen[0].pinned);
    assert_eq!((seen[0].reactions[0].count, seen[0].reactions[0].mine), (2, true));
    let reply = seen.iter().find(|one| one.id == yes).unwrap().reply.clone().unwrap();
    assert_eq!((reply.text.as_str(), reply.mine), ("Shall we meet at the mill?", Some(false)));
    let named = find(&world, 1, "Hi Bob");
    assert_eq!((named.mentions[0].offset, named.mentions[0].length, named.silent), (3, 3, true));
    let choices = find(&world, 1, "What do we eat?").poll.unwrap().choices;
    assert_eq!(choices.iter().map(|one| one.voters.len()).collect::<Vec<_>>(), [1, 1, 0]);
    let id = hello.to_bytes().unwrap();
    let versions = world.phones[1].read(|reader| view::history(reader, &id).unwrap());
    let versions: Vec<_> = versions.into_iter().map(|version| version.text).collect();
    assert_eq!(versions, ["Shall we meet at teh mill?", "Shall we meet at the mill?"]);
    let who: Vec<_> = world.phones[1].read(|reader| view::reactions(reader, &id).unwrap());
    let mut names: Vec<_> = who.into_iter().map(|one| one.name).collect();
    names.sort();
    assert_eq!(names, ["Alice", "Bob"]);
    let conversation = world.conversation(1).to_bytes().unwrap();
    assert_eq!(world.phones[1].read(|reader| view::pins(reader, &conversation).unwrap()).len(), 1);
    withdraw(&mut world, 0, &hello).unwrap();
    react(&mut world, 1, &yes, "❤️", true).unwrap();
    react(&mut world, 1, &yes, "❤️", false).unwrap();
    world.run(MINUTE);
    agree(&world);
    let gone = page(&world, 1).remove(0);
    assert_eq!((gone.text, gone.edited, gone.pinned, gone.reactions.len()), (None, false, false, 0));
    assert_eq!(gone.deleted_by, Some(world.contact(1)));
    let reply = page(&world, 0).into_iter().find(|one| one.id == yes).unwrap().reply.unwrap();
    assert_eq!((reply.text.as_str(), reply.gone), ("", true));
    assert!(world.phones[1].read(|reader| view::pins(reader, &conversation).unwrap()).is_empty());
}

/// P1: every order gives one view, restarts in between.
#[test]
fn the_order_of_arrival_never_matters() {
    for seed in 0..24 {
        let mut world = World::befriended(seed);
        let mut rng = Seeded::new(seed);
        let theirs = post(&mut world, 1, "a text of Bob's");
        world.run(MINUTE);
        let from = world.published.len();
        world.weather = DEAF;
        let first = post(&mut world, 0, "one");
        let second = post(&mut world, 0, NewPost { reply_to: Some(first.clone()), ..NewPost::from("two") });
        let third = post(&mut world, 0, "three");
        let ends = world.now_ms + 30 * SECOND;
        let question = poll(&mut world, 0, Some(ends));
        for (text, emoji) in [("one again", "👍"), ("one at last", "🎉")] {
            edit(&mut world, 0, &first, text).unwrap();
            react(&mut world, 0, &theirs, emoji, true).unwrap();
            react(&mut world, 0, &second, emoji, true).unwrap();
            world.run(SECOND);
        }
        react(&mut world, 0, &second, "👍", false).unwrap();
        pin(&mut world, 0, &second, true).unwrap();
        pin(&mut world, 0, &theirs, true).unwrap();
        pin(&mut world, 0, &second, false).unwrap();
        vote(&mut world, 0, &question, &[0]).unwrap();
        vote(&mut world, 0, &question, &[2]).unwrap();
        edit(&mut world, 0, &third, "three, but never seen").unwrap();
        withdraw(&mut world, 0, &third).unwrap();
        timer(&mut world, 0, 3600).unwrap();
        timer(&mut world, 0, 0).unwrap();
        world.run(SECOND);
        let mut sent = world.published.split_off(from);
        assert!(sent.len() >= 18, "{}", sent.len());
        for n in (1..sent.len()).rev() {
            sent.swap(n, rng.next_u32() as usize % (n + 1));
        }
        for (n, (topic, payload)) in sent.into_iter().enumerate() {
            world.weather = Weather::default();
            world.inject(&topic, &payload);
            world.weather = DEAF;
            world.run(10);
            if n % 7 == seed as usize % 7 {
                world.run(SECOND);
                world.kill(1);
                world.start(1);
                world.run(5 * SECOND);
            }
        }
        assert_eq!(said(&world, 0), said(&world, 1), "seed {seed}");
        world.weather = Weather::default();
        world.run(DAY);
        assert_eq!(said(&world, 0), said(&world, 1), "seed {seed}");
    }
}

/// Whether the search index of a phone that is down has a word.
fn indexed(world: &World, who: usize, word: &str) -> bool {
    let conn = database(world.phones[who].folder());
    conn.execute_batch("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, row)").unwrap();
    let sql = "SELECT count(*) FROM temp.words WHERE term=?";
    conn.query_row(sql, [word], |row| row.get::<_, u32>(0)).unwrap() > 0
}

/// Which of both phones holds a text in its database; rows refer to nothing that is not there.
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

/// P2: a text that was deleted before it came is never on disk, and a deleted one is nowhere.
#[test]
fn a_deleted_text_is_nowhere() {
    const SECRET: &str = "the code is 4711";
    let mut world = World::befriended(2);
    let from = world.published.len();
    world.weather = DEAF;
    let message = post(&mut world, 0, SECRET);
    react(&mut world, 0, &message, "🤫", true).unwrap();
    edit(&mut world, 0, &message, "the code is 4711, or 4712").unwrap();
    world.run(SECOND);
    withdraw(&mut world, 0, &message).unwrap();
    world.run(SECOND);
    let sent = world.published.split_off(from);
    for (topic, payload) in sent.iter().rev() {
        world.weather = Weather::default();
        world.inject(topic, payload);
        world.weather = DEAF;
        world.run(SECOND);
        world.kill(1);
        assert!(!keeps(world.phones[1].folder(), "the code is 471") && !indexed(&world, 1, "4711"));
        world.start(1);
        world.run(5 * SECOND);
    }
    world.weather = Weather::default();
    world.run(DAY);
    agree(&world);
    assert!(page(&world, 1)[0].deleted_by.is_some() && page(&world, 1)[0].reactions.is_empty());
    assert_eq!(down(&mut world, "the code is 471"), [false, false]);

    // The other way round, with a long text, an edit and everything on both disks before.
    let long = format!("{SECRET} {}", "and more ".repeat(1000));
    let message = post(&mut world, 1, &long);
    world.run(HOUR);
    assert_eq!(page(&world, 0).last().unwrap().text.as_deref().map(str::len), Some(4096));
    edit(&mut world, 1, &message, SECRET).unwrap();
    world.run(MINUTE);
    assert_eq!(page(&world, 0).last().unwrap().text.as_deref(), Some(SECRET));
    assert_eq!(down(&mut world, SECRET), [true, true]);
    withdraw(&mut world, 1, &message).unwrap();
    world.run(DAY);
    agree(&world);
    assert_eq!(down(&mut world, SECRET), [false, false]);
    for who in 0..2 {
        world.kill(who);
        assert!(!indexed(&world, who, "4711"), "{who}");
    }
}

/// P3: what is by somebody without the right changes nothing.
#[test]
fn only_the_author_edits_and_deletes_and_only_for_a_day() {
    let mut world = World::befriended(3);
    let theirs = post(&mut world, 1, "Bob's own words");
    let own = post(&mut world, 0, "Alice's own words");
    let question = poll(&mut world, 0, None);
    world.run(MINUTE);
    assert_eq!(code(edit(&mut world, 0, &theirs, "not his words")), Code::MessageNotYours);
    assert_eq!(code(withdraw(&mut world, 0, &theirs)), Code::MessageNotYours);
    assert_eq!(code(edit(&mut world, 0, &question, "What else?")), Code::MessageNotYours);
    assert_eq!(code(edit(&mut world, 0, &own, " \n")), Code::TextEmpty);
    world.run(DAY + MINUTE);
    assert_eq!(code(edit(&mut world, 0, &own, "too late")), Code::MessageTooOld);
    // A changed program sends them all the same: content of the contact's session, under the message's id.
    let bad = [
        Content::Edit(Box::new(Edit { target: own.to_bytes().unwrap(), text: "forged".into(), mentions: vec![] })),
        Content::Delete(vec![own.to_bytes().unwrap()]),
        Content::Edit(Box::new(Edit { target: theirs.to_bytes().unwrap(), text: "late".into(), mentions: vec![] })),
        Content::Edit(Box::new(Edit { target: question.to_bytes().unwrap(), text: "poll".into(), mentions: vec![] })),
    ];
    let before = said(&world, 0);
    for content in bad {
        let conversation = world.conversation(1);
        world.call(1, Forged { conversation, content }).unwrap();
        world.run(MINUTE);
        assert_eq!(said(&world, 0), before);
    }
    // It is the content that is refused, not the way it came.
    let ours = post(&mut world, 1, "a slip");
    let target = ours.to_bytes().unwrap();
    let good = Content::Edit(Box::new(Edit { target, text: "no slip".into(), mentions: vec![] }));
    let conversation = world.conversation(1);
    world.call(1, Forged { conversation, content: good }).unwrap();
    world.run(MINUTE);
    assert!(find(&world, 0, "no slip").edited);
}

/// P4, P11: a message with a timer disappears on both phones, nothing quotes or forwards it, and nothing is left of it.
#[test]
fn a_message_disappears_on_both_phones() {
    const SECRET: &str = "burn after reading";
    let mut world = World::befriended(4);
    assert_eq!(code(timer(&mut world, 0, 4)), Code::BadTimer);
    assert_eq!(code(timer(&mut world, 0, 28 * 86_400 + 1)), Code::BadTimer);
    let kept = post(&mut world, 1, "from before");
    world.run(MINUTE);
    timer(&mut world, 0, 60).unwrap();
    world.run(MINUTE);
    let secret = post(&mut world, 1, SECRET); // the other side's timer holds for both
    world.run(10 * SECOND);
    let reply = post(&mut world, 0, NewPost { reply_to: Some(secret.clone()), ..NewPost::from("done") });
    react(&mut world, 0, &secret, "🔥", true).unwrap();
    edit(&mut world, 1, &secret, "burn after reading, twice").unwrap();
    assert_eq!(page(&world, 1).iter().find(|one| one.id == secret).unwrap().timer_s, 60);
    let to = vec![world.conversation(0)];
    let forward = call::Forward { message: secret.clone(), conversations: to };
    assert_eq!(code(world.call(0, forward)), Code::MessageExpires);
    timer(&mut world, 1, 0).unwrap();
    world.run(10 * SECOND);
    let after = post(&mut world, 0, NewPost { reply_to: Some(secret.clone()), ..NewPost::from("what I did") });
    world.run(30 * SECOND);
    // At its author's it is gone a minute after it left; unread it stays at the other side.
    world.run(20 * SECOND);
    assert!(page(&world, 1).iter().all(|one| one.id != secret));
    assert!(page(&world, 0).iter().any(|one| one.id == secret));
    world.run(HOUR);
    world.read_all(0);
    world.read_all(1);
    world.run(50 * SECOND);
    assert!(page(&world, 0).iter().any(|one| one.id == secret));
    world.run(11 * SECOND);
    assert!(page(&world, 0).iter().all(|one| one.id != secret && one.id != reply));
    world.run(DAY);
    for who in 0..2 {
        let shown: Vec<_> = page(&world, who).into_iter().map(|one| one.id).collect();
        assert_eq!(shown, [kept.clone(), after.clone()], "{who}: what had no timer stays");
        let reply = page(&world, who).pop().unwrap().reply.unwrap();
        assert_eq!((reply.text.as_str(), reply.gone), ("", true));
    }
    assert_eq!(down(&mut world, "burn after"), [false, false]);
    for who in 0..2 {
        world.kill(who);
        assert!(!indexed(&world, who, "burn") && indexed(&world, who, "before"), "{who}");
    }
}

/// A timer whose end passes while the app is closed, or that nobody reads.
#[test]
fn a_timer_ends_while_the_app_is_closed_and_unread_after_a_month() {
    let mut world = World::befriended(5);
    timer(&mut world, 0, 3600).unwrap();
    world.run(MINUTE);
    post(&mut world, 0, "read it soon");
    world.run(MINUTE);
    post(&mut world, 0, "nobody reads this");
    world.run(MINUTE);
    let first = find(&world, 1, "read it soon").id;
    let conversation = world.conversation(1);
    world.call(1, call::MarkRead { conversation, message: first }).unwrap();
    world.kill(1);
    world.run(DAY);
    world.start(1);
    world.run(MINUTE);
    let texts = |world: &World| page(world, 1).into_iter().filter_map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(texts(&world), ["nobody reads this"]);
    world.run(30 * DAY);
    assert!(texts(&world).is_empty());
    assert_eq!(down(&mut world, "nobody reads this"), [false, false]);
}

/// P7: effects without a message are bounded.
#[test]
fn effects_that_wait_are_bounded() {
    let mut world = World::befriended(6);
    let nowhere = |n: u32| {
        let mut id = [7; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        id
    };
    let conversation = world.conversation(1);
    for n in 0..140 {
        let content = Content::Delete((0..32).map(|one| nowhere(n * 32 + one)).collect());
        world.call(1, Forged { conversation: conversation.clone(), content }).unwrap();
        if n % 20 == 0 {
            world.run(MINUTE);
        }
    }
    world.run(HOUR);
    world.kill(0);
    let conn = database(world.phones[0].folder());
    let waiting: u32 = conn.query_row("SELECT count(*) FROM early", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 4096);
    drop(conn);
    world.start(0);
    // Reactions wait for a month, deletions for ever.
    let reaction = Reaction { target: nowhere(9999), emoji: "👻".into(), on: true };
    world.call(1, Forged { conversation, content: Content::Reaction(reaction) }).unwrap();
    world.run(32 * DAY);
    world.kill(0);
    let conn = database(world.phones[0].folder());
    let kinds = "SELECT count(*), sum(kind=14) FROM early";
    let (all, reactions): (u32, u32) = conn.query_row(kinds, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!((all, reactions), (4095, 0));
}

/// P8: mentions out of place are refused at their author's and ignored at a reader's.
#[test]
fn mentions_stand_in_the_text() {
    let mut world = World::befriended(7);
    let bob = world.contact(0);
    let mention = |offset, length| NewMention { offset, length, contact: Some(bob.clone()) };
    let conversation = world.conversation(0);
    for bad in [
        vec![mention(0, 0)],
        vec![mention(4, 9)],
        vec![mention(1, 1)],
        vec![mention(0, 2), mention(1, 3)],
        vec![mention(u32::MAX, 1)],
        vec![mention(0, 2); 33],
    ] {
        let post = NewPost { mentions: bad, ..NewPost::from("ä @Bob") };
        let refused = code(world.call(0, call::Send { conversation: conversation.clone(), post }));
        assert!([Code::BadMention, Code::TooMany].contains(&refused));
    }
    let everybody = NewMention { offset: 0, length: 2, contact: None };
    post(&mut world, 0, NewPost { mentions: vec![mention(3, 4), everybody], ..NewPost::from("ä @Bob") });
    world.run(MINUTE);
    let seen = find(&world, 1, "ä @Bob").mentions;
    let places: Vec<_> = seen.iter().map(|one| (one.offset, one.length, one.contact.is_some())).collect();
    assert_eq!(places, [(0, 2, false), (3, 4, true)]);
}

/// P10: a vote after the end, two votes, a vote taken back, choices that are none.
#[test]
fn the_last_vote_before_the_end_counts() {
    let mut world = World::befriended(8);
    let ends = world.now_ms + HOUR;
    let question = poll(&mut world, 0, Some(ends));
    world.run(MINUTE);
    assert_eq!(code(vote(&mut world, 1, &question, &[0, 1])), Code::BadPoll);
    assert_eq!(code(vote(&mut world, 1, &question, &[3])), Code::BadPoll);
    vote(&mut world, 1, &question, &[0]).unwrap();
    vote(&mut world, 0, &question, &[1]).unwrap();
    vote(&mut world, 0, &question, &[]).unwrap();
    vote(&mut world, 1, &question, &[2]).unwrap();
    world.run(2 * HOUR);
    assert_eq!(code(vote(&mut world, 1, &question, &[1])), Code::MessageTooOld);
    for choices in [vec![0], vec![0, 1], vec![9]] {
        let conversation = world.conversation(1);
        let content = Content::Vote(Vote { target: question.to_bytes().unwrap(), choices });
        world.call(1, Forged { conversation, content }).unwrap();
    }
    world.run(MINUTE);
    let voters = |who: usize| {
        let choices = find(&world, who, "What do we eat?").poll.unwrap().choices;
        choices.iter().map(|one| one.voters.len()).collect::<Vec<_>>()
    };
    assert_eq!((voters(0), voters(1)), (vec![0, 0, 1], vec![0, 0, 1]));
}

/// Six emoji of one person at one message; P9: a reply to what is not here; P12: a preview of another link.
#[test]
fn bounds_of_reactions_replies_and_previews() {
    let mut world = World::befriended(9);
    let hello = post(&mut world, 0, "hello");
    world.run(MINUTE);
    for emoji in ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣", "6️⃣"] {
        react(&mut world, 1, &hello, emoji, true).unwrap();
        react(&mut world, 1, &hello, emoji, true).unwrap(); // twice is once
    }
    assert_eq!(code(react(&mut world, 1, &hello, "7️⃣", true)), Code::TooMany);
    assert_eq!(code(react(&mut world, 1, &hello, &"👍".repeat(9), true)), Code::BadEmoji);
    assert_eq!(code(react(&mut world, 0, &hello, "", true)), Code::BadEmoji);
    react(&mut world, 1, &hello, "1️⃣", false).unwrap();
    react(&mut world, 1, &hello, "7️⃣", true).unwrap();
    for n in 0..40 {
        let conversation = world.conversation(1);
        let reaction = Reaction { target: hello.to_bytes().unwrap(), emoji: format!("x{n}"), on: true };
        world.call(1, Forged { conversation, content: Content::Reaction(reaction) }).unwrap();
    }
    world.run(MINUTE);
    assert_eq!(page(&world, 0)[0].reactions.len(), 6, "of a changed program the latest six");
    let conversation = world.conversation(0);
    let unknown = NewPost { reply_to: Some(MessageId::from_bytes(&[3; 32])), ..NewPost::from("to nothing") };
    assert_eq!(
        code(world.call(0, call::Send { conversation: conversation.clone(), post: unknown })),
        Code::MessageMissing
    );
    let url = |url: &str| Some(LinkPreview { url: url.into(), title: "A title".into(), text: String::new() });
    let other = NewPost { preview: url("https://evil.example"), ..NewPost::from("see https://good.example") };
    assert_eq!(code(world.call(0, call::Send { conversation, post: other })), Code::BadPreview);
    post(&mut world, 0, NewPost { preview: url("https://good.example"), ..NewPost::from("see https://good.example") });
    world.run(MINUTE);
    assert_eq!(find(&world, 1, "see https://good.example").preview.unwrap().title, "A title");
}

/// Only a message that says so is the draft, which is empty then, in the transaction of the message.
#[test]
fn a_draft_goes_with_the_message_that_it_became_and_stays_otherwise() {
    let mut world = World::befriended(12);
    let hello = post(&mut world, 1, "hello");
    world.run(MINUTE);
    let conversation = world.conversation(0);
    let text = "half a thought".to_owned();
    let draft = call::DraftSet { conversation: conversation.clone(), text, reply_to: Some(hello.clone()) };
    world.call(0, draft).unwrap();
    let draft = |world: &World| {
        let row = world.phones[0].read(|reader| reader.tables().conversations.get(&conversation.to_bytes().unwrap()));
        row.map(|row| row.map(|row| (row.draft, row.draft_reply.is_some()))).unwrap().unwrap()
    };
    let kept = ("half a thought".to_owned(), true);
    let arrival = world.phones[0].read(|reader| reader.arrivals_page(0, 1).unwrap())[0].0;
    post(&mut world, 0, "sent from elsewhere");
    assert_eq!(draft(&world), kept);
    world.call(0, call::Answer { arrival, text: "answered by its notification".into() }).unwrap();
    assert_eq!(draft(&world), kept);
    world.call(0, call::Forward { message: hello, conversations: vec![conversation.clone()] }).unwrap();
    assert_eq!(draft(&world), kept);
    let refused = NewPost { clears_draft: true, ..NewPost::from(" ") };
    let refused = world.call(0, call::Send { conversation: conversation.clone(), post: refused });
    assert_eq!((code(refused), draft(&world)), (Code::TextEmpty, kept));
    post(&mut world, 0, NewPost { clears_draft: true, ..NewPost::from("a whole thought") });
    assert_eq!(draft(&world), (String::new(), false));
}

/// P14: by size and class an effect is not told from a text.
#[test]
fn an_effect_is_as_long_as_a_text() {
    let mut world = World::befriended(10);
    let hello = post(&mut world, 0, "hello");
    world.run(MINUTE);
    let mut sizes = Vec::new();
    for n in 0..60 {
        let from = world.published.len();
        match n % 6 {
            0 => drop(post(&mut world, 0, "a text")),
            1 => react(&mut world, 0, &hello, "👍", n % 4 == 1).unwrap(),
            2 => edit(&mut world, 0, &hello, &format!("hello {n}")).unwrap(),
            3 => pin(&mut world, 0, &hello, n % 2 == 0).unwrap(),
            4 => timer(&mut world, 0, 0).unwrap(),
            _ => {
                post(&mut world, 0, NewPost { reply_to: Some(hello.clone()), ..NewPost::from("yes") });
            }
        }
        world.run(20);
        sizes.extend(world.published[from..].iter().map(|(_, payload)| (n % 6, payload.len())));
        world.run(MINUTE);
    }
    for kind in 0..6 {
        let of: Vec<usize> = sizes.iter().filter(|(n, _)| *n == kind).map(|(_, size)| *size).collect();
        assert!(of.contains(&512), "{kind}: {of:?}");
        assert!(of.iter().all(|size| [512, 2048].contains(size)), "{kind}: {of:?}");
    }
}

/// P19: what an older version showed as "needs a newer version" is a message or an effect after the update.
#[test]
fn what_an_older_version_could_not_read_is_there_after_the_update() {
    let mut world = World::befriended(11);
    let hello = post(&mut world, 0, "hello");
    world.run(MINUTE);
    let conversation = world.conversation(1).to_bytes().unwrap();
    let alice = world.phones[1].read(|reader| contacts(reader).unwrap().remove(0));
    world.kill(1);
    let reaction = Reaction { target: hello.to_bytes().unwrap(), emoji: "👍".into(), on: true };
    let question = Poll {
        question: "Soup?".into(),
        choices: vec!["yes".into(), "no".into()],
        multiple: false,
        end_s: 0,
        expire_s: 0,
    };
    let text = Post { text: "a post".into(), expire_s: 60, ..Post::default() };
    let edit = Edit { target: hello.to_bytes().unwrap(), text: "hello again".into(), mentions: Vec::new() };
    let contents = [
        Content::Reaction(reaction),
        Content::Poll(Box::new(question)),
        Content::Post(Box::new(text)),
        Content::Edit(Box::new(edit)),
        Content::Timer(60),
        Content::FileGone(FileGone { message: hello.to_bytes().unwrap(), file: 0 }),
    ];
    let time_s = world.now_ms / 1000;
    for (n, content) in (0u8..).zip(contents) {
        let (kind, body) = content.encode().unwrap();
        let lamport = 10 + u64::from(n);
        let message = sotto_wire::content::Message {
            random: [n; 16],
            lamport,
            time_s: time_s as u64,
            parents: Vec::new(),
            kind,
            body,
        };
        let m = message.encode().unwrap();
        let id = sotto_wire::content::message_id(&conversation, &alice.chat, &alice.device().unwrap(), &m);
        let shown = sotto_db::Message {
            id,
            conversation,
            author: Some(alice.chat),
            kind: kind.code(),
            m,
            text: None,
            names: String::new(),
            state: sotto_db::MessageState::Received,
            reason: None,
            time_s,
            lamport: lamport as i64,
            newer: true,
            fetching: false,
            read: true,
            added_ms: world.now_ms + i64::from(n),
            unconfirmed: false,
            resent_ms: 0,
            marked: false,
            body: None,
            edited: false,
            deleted_by: None,
            expire_s: 0,
            expires_ms: None,
        };
        world.phones[1].tables(|tables| tables.messages.put(&shown).unwrap());
    }
    world.start(1);
    world.run(SECOND);
    let seen = page(&world, 1);
    let texts: Vec<_> = seen.iter().map(|one| (one.text.as_deref().unwrap(), one.newer)).collect();
    assert_eq!(texts, [("hello again", false), ("Soup?", false), ("a post", false)]);
    assert_eq!((seen[0].reactions.len(), seen[0].edited, seen[2].timer_s), (1, true, 60));
    assert_eq!(seen[1].poll.as_ref().unwrap().choices.len(), 2);
    vote(&mut world, 1, &seen[1].id, &[1]).unwrap();
    world.kill(1);
    let lost = orphans(world.phones[1].folder());
    assert!(lost.is_empty(), "{lost:?}");
}

/// P5: words of what is shown are found, words that were edited away or deleted are not.
#[test]
fn search_finds_what_is_shown() {
    let mut world = World::befriended(12);
    let fox = post(&mut world, 0, "The quick brown fox");
    post(&mut world, 1, "Ein Füchslein im Café");
    let tokyo = post(&mut world, 0, "東京の夜");
    poll(&mut world, 1, None);
    world.run(MINUTE);
    let found = |world: &World, who: usize, query: &str| {
        world.phones[who].read(|reader| {
            let rows = reader.search(query, None, None, 10).unwrap();
            rows.into_iter().map(|(_, row)| row.text.unwrap()).collect::<Vec<_>>()
        })
    };
    for who in 0..2 {
        assert_eq!(found(&world, who, "\"fox\""), ["The quick brown fox"]);
        assert_eq!(found(&world, who, "\"cafe\""), ["Ein Füchslein im Café"]);
        assert_eq!(found(&world, who, "\"東 京\""), ["東京の夜"]);
        assert_eq!(found(&world, who, "\"we\" \"ea\" *"), ["What do we eat?"]);
    }
    edit(&mut world, 0, &fox, "The lazy dog").unwrap();
    withdraw(&mut world, 0, &tokyo).unwrap();
    world.run(MINUTE);
    for who in 0..2 {
        assert_eq!(found(&world, who, "\"fox\" OR \"東 京\""), [] as [&str; 0]);
        assert_eq!(found(&world, who, "\"lazy\""), ["The lazy dog"]);
    }
}

/// An edit that is still in the outbox does not outlive its message there.
#[test]
fn an_edit_that_has_not_left_goes_with_its_message() {
    let mut world = World::befriended(13);
    let first = post(&mut world, 0, "a slip");
    let second = post(&mut world, 0, "another");
    let third = post(&mut world, 0, "the last");
    world.run(MINUTE);
    world.set_online(0, false);
    world.run(SECOND);
    edit(&mut world, 0, &first, "the code is 4711").unwrap();
    edit(&mut world, 0, &second, "the code is 4712").unwrap();
    edit(&mut world, 0, &third, "the last of all").unwrap();
    withdraw(&mut world, 0, &first).unwrap();
    world.call(0, call::DeleteForMe { message: second }).unwrap();
    assert_eq!(down(&mut world, "the code is 471"), [false, false]);
    world.set_online(0, true);
    world.run(DAY);
    let texts = |who: usize| page(&world, who).into_iter().filter_map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(
        (texts(0), texts(1)),
        (vec!["the last of all".into()], vec!["another".into(), "the last of all".into()])
    );
}
