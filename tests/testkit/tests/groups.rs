//! Groups on the simulated network: members talk, join, leave and are removed, and all phones agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::engine::{call, groups};
use sotto_messenger::records::{
    ContactId, ConversationId, Group, GroupMember, GroupPatch, GroupRole, GroupState, MessageId,
};
use sotto_messenger::{Code, Error};
use sotto_testkit::three::alter;
use sotto_testkit::{HOUR, MINUTE, SECOND, Seeded, Weather, World, contacts};
use sotto_wire::content::{Content, GroupInvite, Range};

const NAMES: [&str; 6] = ["Alice", "Bob", "Carol", "Dora", "Emil", "Fritz"];

/// Alice (phone 0) with so many contacts, each of whom knows nobody else.
fn circle(seed: u64, others: usize) -> World {
    let mut world = World::new(seed, others + 1);
    for (who, name) in NAMES.iter().enumerate().take(others + 1) {
        world.create(who, name);
    }
    world.run(MINUTE);
    for (who, name) in NAMES.iter().enumerate().take(others + 1).skip(1) {
        let link = world.invite(0);
        world.run(MINUTE);
        world.add(who, &link, "hello");
        world.run(MINUTE);
        let asks = contact(&world, 0, name);
        world.call(0, call::ContactAnswer { contact: asks, action: ContactAction::Accept }).unwrap();
        world.run(MINUTE);
    }
    world
}

fn contact(world: &World, who: usize, name: &str) -> ContactId {
    world.phones[who].read(|reader| {
        let all = contacts(reader).unwrap();
        let one = all.iter().find(|one| one.name == name).expect(name);
        ContactId(sotto_crypto::account_id(&one.chat()))
    })
}

fn group(world: &World, who: usize, id: &ConversationId) -> Group {
    world.phones[who].read(|reader| groups::read(reader, id).unwrap())
}

fn members(world: &World, who: usize, id: &ConversationId) -> Vec<GroupMember> {
    world.phones[who].read(|reader| groups::members(reader, id).unwrap())
}

/// The members' accounts with their roles, in one order on all phones.
fn roster(world: &World, who: usize, id: &ConversationId) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        members(world, who, id).into_iter().map(|one| (one.contact.0, format!("{:?}", one.role))).collect();
    all.sort();
    all
}

fn texts(world: &World, who: usize, id: &ConversationId) -> Vec<String> {
    world.phones[who].read(|reader| {
        let mut rows = reader.messages_page(&id.to_bytes().unwrap(), None, 500).unwrap();
        rows.reverse();
        rows.into_iter().filter_map(|row| row.text).collect()
    })
}

fn say(world: &mut World, who: usize, id: &ConversationId, text: &str) -> Result<MessageId, Error> {
    world.call(who, call::Send { conversation: id.clone(), post: text.into() })
}

/// A group of Alice with all her contacts, who said yes.
fn made(world: &mut World) -> ConversationId {
    let others = world.phones.len() - 1;
    let invited = NAMES[1..=others].iter().map(|name| contact(world, 0, name)).collect();
    let id = world.call(0, call::GroupCreate { name: "Lake".into(), members: invited }).unwrap();
    world.run(MINUTE);
    for who in 1..=others {
        assert_eq!(group(world, who, &id).state, GroupState::Invited);
        world.call(who, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    }
    world.run(10 * MINUTE);
    id
}

#[test]
fn three_talk_in_a_group() {
    let mut world = circle(1, 2);
    let id = made(&mut world);
    for who in 0..3 {
        let seen = group(&world, who, &id);
        assert_eq!((seen.state, seen.members, seen.name.as_str()), (GroupState::Member, 3, "Lake"), "{who}");
        assert_eq!(roster(&world, who, &id), roster(&world, 0, &id));
    }
    say(&mut world, 0, &id, "one").unwrap();
    world.run(MINUTE);
    say(&mut world, 1, &id, "two").unwrap();
    world.run(MINUTE);
    say(&mut world, 2, &id, "three").unwrap();
    world.run(MINUTE);
    for who in 0..3 {
        assert_eq!(texts(&world, who, &id), ["one", "two", "three"], "{who}");
    }
}

fn member(world: &World, who: usize, id: &ConversationId, name: &str) -> GroupMember {
    let contact = contact(world, 0, name);
    members(world, who, id).into_iter().find(|one| one.contact == contact).expect(name)
}

/// All phones that are members show the same members and the same texts.
fn agree(world: &World, who: &[usize], id: &ConversationId) {
    for one in who {
        assert_eq!(roster(world, *one, id), roster(world, who[0], id), "members of {one}");
        let (mut mine, mut first) = (texts(world, *one, id), texts(world, who[0], id));
        mine.sort();
        first.sort();
        assert_eq!(mine, first, "texts of {one}");
    }
}

/// G11: a removed member reads nothing of what follows, and is told that it is out; the others go on in a new epoch.
#[test]
fn a_removed_member_reads_nothing_more() {
    let mut world = circle(2, 3);
    let id = made(&mut world);
    say(&mut world, 0, &id, "before").unwrap();
    world.run(MINUTE);
    let carol = member(&world, 0, &id, "Carol").id;
    world.call(0, call::GroupRemove { conversation: id.clone(), member: carol, ban: false }).unwrap();
    say(&mut world, 0, &id, "after").unwrap();
    world.run(MINUTE);
    say(&mut world, 1, &id, "from Bob").unwrap();
    world.run(10 * MINUTE);
    assert_eq!(group(&world, 2, &id).state, GroupState::Removed);
    assert_eq!(texts(&world, 2, &id), ["before"]);
    assert_eq!(say(&mut world, 2, &id, "still here").unwrap_err().code(), Code::GroupRemoved);
    agree(&world, &[0, 1, 3], &id);
    assert_eq!(texts(&world, 3, &id), ["before", "after", "from Bob"]);
    assert_eq!(group(&world, 3, &id).members, 3);
}

/// G11: who joins reads nothing from before.
#[test]
fn a_joiner_reads_nothing_from_before() {
    let mut world = circle(3, 2);
    let bob = contact(&world, 0, "Bob");
    let id = world.call(0, call::GroupCreate { name: "Lake".into(), members: vec![bob] }).unwrap();
    world.run(MINUTE);
    world.call(1, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    world.run(5 * MINUTE);
    say(&mut world, 0, &id, "before").unwrap();
    world.run(SECOND);
    say(&mut world, 1, &id, "before too").unwrap();
    world.run(MINUTE);
    let carol = contact(&world, 0, "Carol");
    world.call(0, call::GroupInvite { conversation: id.clone(), contacts: vec![carol] }).unwrap();
    world.run(MINUTE);
    world.call(2, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    world.run(10 * MINUTE);
    say(&mut world, 1, &id, "after").unwrap();
    world.run(MINUTE);
    say(&mut world, 2, &id, "hello").unwrap();
    world.run(5 * MINUTE);
    assert_eq!(texts(&world, 2, &id), ["after", "hello"]);
    assert_eq!(texts(&world, 0, &id), ["before", "before too", "after", "hello"]);
    assert_eq!(texts(&world, 1, &id), ["before", "before too", "after", "hello"]);
}

/// Roles: an admin adds and removes; a member does not; who leaves is gone and reads no more.
#[test]
fn roles_and_leaving() {
    let mut world = circle(4, 3);
    let id = made(&mut world);
    let dora = member(&world, 1, &id, "Dora").id;
    let remove = |member| call::GroupRemove { conversation: id.clone(), member, ban: false };
    assert_eq!(world.call(1, remove(dora.clone())).unwrap_err().code(), Code::GroupNotAllowed);
    let bob = member(&world, 0, &id, "Bob").id;
    let role = |member, role| call::GroupSetRole { conversation: id.clone(), member, role };
    world.call(0, role(bob.clone(), GroupRole::Admin)).unwrap();
    world.run(MINUTE);
    for who in 0..4 {
        assert_eq!(member(&world, who, &id, "Bob").role, GroupRole::Admin);
    }
    world.call(1, remove(dora)).unwrap();
    world.run(5 * MINUTE);
    assert_eq!(group(&world, 3, &id).state, GroupState::Removed);
    let alice = members(&world, 1, &id).into_iter().find(|one| one.role == GroupRole::Owner).unwrap();
    assert_eq!(world.call(1, remove(alice.id)).unwrap_err().code(), Code::GroupNotAllowed);
    world.call(2, call::GroupLeave { conversation: id.clone() }).unwrap();
    world.run(5 * MINUTE);
    assert_eq!(group(&world, 2, &id).state, GroupState::Left);
    say(&mut world, 0, &id, "after Carol").unwrap();
    world.run(5 * MINUTE);
    assert_eq!(texts(&world, 1, &id), ["after Carol"]);
    assert_eq!(group(&world, 0, &id).members, 2);
    agree(&world, &[0, 1], &id);
}

/// Settings hold on all phones; a closed group takes nothing more.
#[test]
fn settings_and_the_end() {
    let mut world = circle(5, 2);
    let id = made(&mut world);
    let patch = GroupPatch {
        name: Some("Sea".into()),
        text: Some("by the sea".into()),
        timer_s: Some(3_600),
        ..Default::default()
    };
    assert_eq!(
        world.call(1, call::GroupSet { conversation: id.clone(), patch: patch.clone() }).unwrap_err().code(),
        Code::GroupNotAllowed
    );
    world.call(0, call::GroupSet { conversation: id.clone(), patch }).unwrap();
    world.run(MINUTE);
    for who in 0..3 {
        let seen = group(&world, who, &id);
        assert_eq!((seen.name.as_str(), seen.text.as_str(), seen.timer_s), ("Sea", "by the sea", 3_600));
    }
    world.call(0, call::GroupClose { conversation: id.clone() }).unwrap();
    world.run(MINUTE);
    for who in 0..3 {
        assert_eq!(group(&world, who, &id).state, GroupState::Closed);
        assert_eq!(say(&mut world, who, &id, "late").unwrap_err().code(), Code::GroupClosed);
    }
}

/// A member who was off for two days has all of it after it comes back, across a new epoch.
#[test]
fn a_member_who_was_off_catches_up() {
    let mut world = circle(6, 3);
    let id = made(&mut world);
    world.kill(3);
    for i in 0..5 {
        say(&mut world, i % 3, &id, &format!("early {i}")).unwrap();
        world.run(HOUR);
    }
    let carol = member(&world, 0, &id, "Carol").id;
    world.call(0, call::GroupRemove { conversation: id.clone(), member: carol, ban: false }).unwrap();
    world.run(MINUTE);
    for i in 0..5 {
        say(&mut world, i % 2, &id, &format!("late {i}")).unwrap();
        world.run(8 * HOUR);
    }
    world.start(3);
    world.run(10 * MINUTE);
    agree(&world, &[0, 1, 3], &id);
    assert_eq!(texts(&world, 3, &id).len(), 10);
    say(&mut world, 3, &id, "back").unwrap();
    world.run(MINUTE);
    agree(&world, &[0, 1, 3], &id);
}

/// A phone that is killed at any effect of a day in a group loses nothing and doubles nothing.
#[test]
fn kills_lose_and_double_nothing() {
    let mut world = circle(7, 2);
    let id = made(&mut world);
    let mut expected = Vec::new();
    for n in 0..40 {
        let who = n as usize % 3;
        if !world.phones[who].is_up() {
            world.start(who);
        }
        world.kill_after(who, 1 + n % 9);
        let text = format!("text {n}");
        let sent = world.try_call(who, call::Send { conversation: id.clone(), post: text.as_str().into() });
        if sent.is_some_and(|sent| sent.is_ok()) {
            expected.push(text);
        }
        world.run(20 * SECOND);
        for one in 0..3 {
            if !world.phones[one].is_up() {
                world.start(one);
            }
        }
        world.run(20 * SECOND);
    }
    world.run(3 * HOUR);
    for who in 0..3 {
        let mut shown = texts(&world, who, &id);
        shown.sort();
        let count = shown.len();
        shown.dedup();
        assert_eq!(shown.len(), count, "doubled on {who}");
        assert!(expected.iter().all(|text| shown.contains(text)), "lost on {who}");
    }
    agree(&world, &[0, 1, 2], &id);
}

/// G24 in small: 20 % of pushes and of what stores should have is lost; nobody lacks a message in the end.
#[test]
fn losses_are_repaired() {
    let mut world = circle(8, 3);
    let id = made(&mut world);
    world.weather =
        Weather { push_lost: 20, store_misses: 20, delay_ms: 5_000, push_doubled: 10, ..Weather::default() };
    for n in 0..60 {
        say(&mut world, n % 4, &id, &format!("text {n}")).unwrap();
        world.run(MINUTE);
    }
    world.run(6 * HOUR);
    agree(&world, &[0, 1, 2, 3], &id);
    assert_eq!(texts(&world, 0, &id).len(), 60);
}

/// Replies, reactions, edits and deletions work as between two.
#[test]
fn posts_work_in_groups() {
    let mut world = circle(9, 2);
    let id = made(&mut world);
    let first = say(&mut world, 0, &id, "first").unwrap();
    world.run(MINUTE);
    world.call(1, call::React { message: first.clone(), emoji: "👍".into(), on: true }).unwrap();
    world.call(0, call::Edit { message: first.clone(), text: "changed".into(), mentions: Vec::new() }).unwrap();
    let gone = say(&mut world, 2, &id, "gone").unwrap();
    world.run(MINUTE);
    world.call(2, call::DeleteForEveryone { message: gone }).unwrap();
    let long = "word ".repeat(2_000);
    say(&mut world, 1, &id, &long).unwrap();
    world.run(10 * MINUTE);
    for who in 0..3 {
        let shown = texts(&world, who, &id);
        assert_eq!(shown.len(), 2, "{who}");
        assert_eq!(shown[0], "changed");
        assert!(long.starts_with(&shown[1]) && shown[1].len() > 4_000);
    }
}

/// The states of an own message: stored, then delivered once all others have it.
#[test]
fn a_message_is_delivered_when_all_have_it() {
    let mut world = circle(10, 2);
    let id = made(&mut world);
    world.kill(2);
    let sent = say(&mut world, 0, &id, "one").unwrap();
    let state = |world: &World| {
        world.phones[0].read(|reader| reader.tables().messages.get(&sent.to_bytes().unwrap()).unwrap().unwrap().state)
    };
    world.run(3 * HOUR);
    assert_eq!(state(&world), sotto_db::MessageState::Stored);
    world.start(2);
    world.run(3 * HOUR);
    assert_eq!(state(&world), sotto_db::MessageState::Delivered);
}

/// A member who acknowledges more than was written silences nobody.
#[test]
fn a_false_ack_silences_nobody() {
    let mut world = circle(13, 2);
    let id = made(&mut world);
    say(&mut world, 0, &id, "one").unwrap();
    world.run(MINUTE);
    let group = id.to_bytes().unwrap();
    let own = world.phones[0].read(|reader| reader.tables().groups.get(&group).unwrap().unwrap().leaf);
    alter(&mut world, 1, |tables| {
        for epoch in tables.group_epochs.of(&group).unwrap() {
            tables.group_chains.change(&group, &epoch.epoch, &own, |row| row.whole = 500).unwrap();
        }
    });
    say(&mut world, 1, &id, "two").unwrap();
    world.run(10 * MINUTE);
    assert!(texts(&world, 0, &id).iter().any(|text| text == "two"));
    say(&mut world, 0, &id, "three").unwrap();
    world.run(10 * MINUTE);
    assert!(texts(&world, 2, &id).iter().any(|text| text == "three"));
}

/// Who declined can be invited again.
#[test]
fn an_invitation_can_be_declined_and_given_again() {
    let mut world = circle(11, 1);
    let bob = contact(&world, 0, "Bob");
    let id = world.call(0, call::GroupCreate { name: "Lake".into(), members: vec![bob.clone()] }).unwrap();
    world.run(MINUTE);
    world.call(1, call::GroupAnswer { conversation: id.clone(), accept: false }).unwrap();
    world.run(MINUTE);
    assert_eq!(group(&world, 1, &id).state, GroupState::Declined);
    assert_eq!(group(&world, 0, &id).members, 1);
    world.call(0, call::GroupInvite { conversation: id.clone(), contacts: vec![bob] }).unwrap();
    world.run(MINUTE);
    world.call(1, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    world.run(5 * MINUTE);
    say(&mut world, 1, &id, "here").unwrap();
    world.run(MINUTE);
    assert_eq!(texts(&world, 0, &id), ["here"]);
}

/// G8, G24, G30 in small: random lives with loss, partitions, kills, roles, removals that cross and settings. In the
/// end all members see the same members, settings and messages; nobody lacks one, and none is doubled.
#[test]
fn random_lives_converge() {
    for seed in 20..22 {
        let mut world = circle(seed, 4);
        let id = made(&mut world);
        let mut rng = Seeded::new(seed);
        world.weather =
            Weather { push_lost: 15, store_misses: 10, delay_ms: 3_000, push_doubled: 5, ..Weather::default() };
        let mut said = Vec::new();
        for step in 0..80 {
            let who = rng.draw() as usize % 5;
            match rng.draw() % 12 {
                0 => world.kill(who),
                1 => world.set_online(who, false),
                2 | 3 => {
                    for one in 0..5 {
                        if !world.phones[one].is_up() {
                            world.start(one);
                        }
                        world.set_online(one, true);
                    }
                }
                4 if world.phones[who].is_up() => {
                    let others: Vec<_> = members(&world, who, &id).into_iter().filter(|one| !one.own).collect();
                    if let Some(one) = others.get(rng.draw() as usize % 4) {
                        let role = if rng.draw().is_multiple_of(2) { GroupRole::Admin } else { GroupRole::Member };
                        let _ = world
                            .call(who, call::GroupSetRole { conversation: id.clone(), member: one.id.clone(), role });
                    }
                }
                5 if world.phones[who].is_up() => {
                    let patch = GroupPatch { name: Some(format!("name {step}")), ..GroupPatch::default() };
                    let _ = world.call(who, call::GroupSet { conversation: id.clone(), patch });
                }
                6 if world.phones[who].is_up() && step > 40 && rng.draw().is_multiple_of(3) => {
                    let others: Vec<_> = members(&world, who, &id).into_iter().filter(|one| !one.own).collect();
                    if let Some(one) = others.get(rng.draw() as usize % 4) {
                        let member = one.id.clone();
                        let _ = world.call(who, call::GroupRemove { conversation: id.clone(), member, ban: false });
                    }
                }
                _ if world.phones[who].is_up() => {
                    let text = format!("text {step}");
                    if say(&mut world, who, &id, &text).is_ok() {
                        said.push((who, text));
                    }
                }
                _ => {}
            }
            world.run(1 + (rng.draw() % 600_000) as i64);
        }
        for one in 0..5 {
            if !world.phones[one].is_up() {
                world.start(one);
            }
            world.set_online(one, true);
        }
        world.run(12 * HOUR);
        let inside: Vec<_> = (0..5).filter(|who| group(&world, *who, &id).state == GroupState::Member).collect();
        assert!(inside.contains(&0), "seed {seed}");
        for who in &inside {
            assert_eq!(roster(&world, *who, &id), roster(&world, 0, &id), "seed {seed}, members of {who}");
            assert_eq!(group(&world, *who, &id).name, group(&world, 0, &id).name, "seed {seed}");
            let mut shown = texts(&world, *who, &id);
            shown.sort();
            let mut once = shown.clone();
            once.dedup();
            assert_eq!(shown, once, "seed {seed}, doubled on {who}");
            for (author, text) in said.iter().filter(|(author, _)| inside.contains(author)) {
                assert!(shown.contains(text), "seed {seed}: {who} lacks {text} of {author}");
            }
        }
        let count = inside.len();
        assert_eq!(usize::try_from(group(&world, 0, &id).members).unwrap(), count, "seed {seed}");
    }
}

/// Sends an account content as a changed program would.
fn forge(world: &mut World, who: usize, conversation: &ConversationId, content: Content) {
    world.call(who, call::Forged { conversation: conversation.clone(), content }).unwrap();
}

/// The conversation of two people with each other.
fn pair(world: &World, who: usize, name: &str) -> ConversationId {
    world.phones[who].read(|reader| {
        let all = contacts(reader).unwrap();
        ConversationId::from_bytes(&all.iter().find(|one| one.name == name).expect(name).conversation)
    })
}

/// An invitation that names another conversation of the victim changes nothing there.
#[test]
fn an_invitation_takes_no_other_conversation() {
    let mut world = circle(12, 2);
    let (with_bob, with_carol) = (pair(&world, 1, "Alice"), pair(&world, 0, "Carol"));
    let group = with_carol.to_bytes().unwrap();
    let invite = GroupInvite { group, name: "trap".into(), members: 2, picture: None };
    forge(&mut world, 1, &with_bob, Content::GroupInvite(Box::new(invite)));
    world.run(MINUTE);
    assert_eq!(say(&mut world, 0, &with_carol, "still ours").map(drop), Ok(()));
    world.run(MINUTE);
    assert_eq!(texts(&world, 2, &pair(&world, 2, "Alice")).last().map(String::as_str), Some("still ours"));
}

/// G11: a joiner who asks for what was said before gets nothing of it.
#[test]
fn nobody_gives_a_joiner_the_past() {
    let mut world = circle(13, 2);
    let bob = contact(&world, 0, "Bob");
    let id = world.call(0, call::GroupCreate { name: "Lake".into(), members: vec![bob] }).unwrap();
    world.run(MINUTE);
    world.call(1, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    world.run(5 * MINUTE);
    let secret = say(&mut world, 0, &id, "before").unwrap();
    world.run(10 * MINUTE);
    let carol = contact(&world, 0, "Carol");
    world.call(0, call::GroupInvite { conversation: id.clone(), contacts: vec![carol] }).unwrap();
    world.run(MINUTE);
    world.call(2, call::GroupAnswer { conversation: id.clone(), accept: true }).unwrap();
    world.run(10 * MINUTE);
    let copy = |world: &World, who: usize| {
        let id = secret.to_bytes().unwrap();
        world.phones[who].read(|reader| reader.tables().group_copies.of_message(&id).unwrap().unwrap())
    };
    let before = copy(&world, 0);
    for _ in 0..4 {
        let epoch = before.epoch.first_chunk().copied().unwrap();
        let range = Range { epoch, leaf: before.leaf, first: 0, last: before.n };
        forge(&mut world, 2, &id, Content::Need(vec![range]));
        world.run(5 * MINUTE);
    }
    let given = |who: usize| copy(&world, who).given_ms;
    assert!(given(0) < world.now_ms - 20 * MINUTE && given(1) < world.now_ms - 20 * MINUTE, "somebody gave it");
    assert!(!texts(&world, 2, &id).iter().any(|text| text == "before"));
}
