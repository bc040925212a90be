//! Groups through the public API, over a network in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;

use people::Person;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{
    ContactId, ContactState, Conversation, ConversationId, FileState, Folder, GroupMember, GroupPatch, GroupRole,
    GroupState, GroupWho, MemberId, Message, MessageId, MessageState, NewFile, NewMention, NewPoll, NewPost, Unread,
};
use sotto_messenger::{Code, Error, Messenger};
use sotto_testkit::Loopback;

/// A contact of `of` with this name.
fn contact(of: &Person, name: &str) -> ContactId {
    let all = of.messenger.contacts().unwrap();
    all.into_iter().find(|one| one.name == name).expect(name).id
}

/// Alice, and people whom she knows and who do not know each other.
async fn circle(net: &Loopback, names: &[&str]) -> Vec<Person> {
    let mut all = vec![Person::new(net, "Alice").await];
    for name in names {
        let them = Person::new(net, name).await;
        let link = all[0].messenger.invite().await.unwrap().link;
        them.messenger.contact_add(&link, None).await.unwrap();
        let asks = |m: &Messenger| m.contacts().unwrap().into_iter().find(|one| one.state == ContactState::Incoming);
        let request = all[0].until("a request", asks).await;
        all[0].messenger.contact_answer(&request.id, ContactAction::Accept).await.unwrap();
        let accepted = |m: &Messenger| (m.contacts().unwrap()[0].state == ContactState::Accepted).then_some(());
        them.until("the acceptance", accepted).await;
        all.push(them);
    }
    all
}

fn state(m: &Messenger, group: &ConversationId) -> Option<GroupState> {
    m.conversation(group).ok().and_then(|row| row.group).map(|group| group.state)
}

/// Accepts, and waits until it may write. In larger groups another member has to confirm: its next text does.
async fn join(all: &[Person], who: usize, group: &ConversationId) {
    all[who].until("an invitation", |m| (state(m, group) == Some(GroupState::Invited)).then_some(())).await;
    all[who].messenger.group_answer(group, true).await.unwrap();
    let reads = [GroupState::Joining, GroupState::Member];
    let enters = |m: &Messenger| state(m, group).filter(|state| reads.contains(state));
    if all[who].until("entering", enters).await == GroupState::Joining {
        let (other, names) = (&all[1], |m: &Messenger| m.group_members(group, None, 500).unwrap().len());
        other.until("the joiner", |m| (names(m) == names(&all[0].messenger)).then_some(())).await;
        other.messenger.send(group, "welcome").await.unwrap();
    }
    all[who].until("membership", |m| (state(m, group) == Some(GroupState::Member)).then_some(())).await;
}

/// A group of all, made by Alice.
async fn made(all: &[Person], names: &[&str]) -> ConversationId {
    let members: Vec<_> = names.iter().map(|name| contact(&all[0], name)).collect();
    let group = all[0].messenger.group_create("Lake", &members).await.unwrap();
    for who in 1..all.len() {
        join(all, who, &group).await;
    }
    group
}

fn texts(m: &Messenger, group: &ConversationId) -> Vec<String> {
    let page = m.messages(group, None, 500).unwrap();
    page.into_iter().rev().filter_map(|one| one.text).filter(|text| text != "welcome").collect()
}

async fn has(who: &Person, group: &ConversationId, text: &str) -> Message {
    let found = |m: &Messenger| {
        let page = m.messages(group, None, 500).unwrap();
        page.into_iter().find(|one| one.text.as_deref() == Some(text))
    };
    who.until(text, found).await
}

fn row(m: &Messenger, group: &ConversationId) -> Conversation {
    m.conversation(group).unwrap()
}

fn member(m: &Messenger, group: &ConversationId, id: &ContactId) -> GroupMember {
    m.group_members(group, None, 500).unwrap().into_iter().find(|one| one.contact == *id).expect("a member")
}

#[track_caller]
fn code<T>(result: Result<T, Error>) -> Code {
    result.map(drop).unwrap_err().code()
}

#[tokio::test]
async fn an_invitation_is_a_request_until_it_is_answered() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let (alice, bob, carol) = (&all[0], &all[1], &all[2]);
    let invited = [contact(alice, "Bob"), contact(alice, "Carol")];
    let group = alice.messenger.group_create("Lake", &invited).await.unwrap();
    let own = row(&alice.messenger, &group);
    assert_eq!((own.name.as_str(), own.own_name.as_str()), ("Lake", "Lake"));
    assert!(own.contact.is_none() && own.state.is_none() && own.picture.is_none() && own.last.is_none());
    let said = own.group.unwrap();
    assert_eq!((said.state, said.members), (GroupState::Member, 1));
    assert_eq!(alice.messenger.group(&group).unwrap().role, Some(GroupRole::Owner));

    let listed = |who: &Person, folder| -> Vec<ConversationId> {
        let rows = who.messenger.conversations(folder, None, 10).unwrap();
        rows.into_iter().filter(|row| row.group.is_some()).map(|row| row.id).collect()
    };
    bob.until("an invitation", |m| state(m, &group)).await;
    let asked = row(&bob.messenger, &group);
    assert_eq!((asked.name.as_str(), asked.group.unwrap().state), ("Lake", GroupState::Invited));
    assert_eq!((listed(bob, Folder::Requests), listed(bob, Folder::Inbox).len()), (vec![group.clone()], 0));
    assert_eq!(bob.messenger.unread().unwrap().requests, 1);
    assert_eq!(bob.messenger.group(&group).unwrap().inviter, Some(contact(bob, "Alice")));
    assert!(bob.messenger.group_members(&group, None, 10).unwrap().is_empty());
    assert_eq!(code(bob.messenger.send(&group, "too early").await), Code::GroupRemoved);

    bob.messenger.group_answer(&group, true).await.unwrap();
    bob.until("membership", |m| (state(m, &group) == Some(GroupState::Member)).then_some(())).await;
    assert_eq!((listed(bob, Folder::Requests).len(), listed(bob, Folder::Inbox)), (0, vec![group.clone()]));
    assert_eq!(bob.messenger.unread().unwrap(), Unread { messages: 0, conversations: 0, requests: 0 });
    assert_eq!(code(bob.messenger.group_answer(&group, true).await), Code::GroupNotInvited);

    carol.until("an invitation", |m| state(m, &group)).await;
    carol.messenger.group_answer(&group, false).await.unwrap();
    assert_eq!((listed(carol, Folder::Requests).len(), listed(carol, Folder::Closed)), (0, vec![group.clone()]));
    assert_eq!(row(&carol.messenger, &group).group.unwrap().state, GroupState::Declined);
    // Whoever declined can be asked again.
    alice.messenger.group_invite(&group, &invited[1..]).await.unwrap();
    carol.until("another one", |m| (state(m, &group) == Some(GroupState::Invited)).then_some(())).await;
    assert_eq!(listed(carol, Folder::Requests), [group]);
}

#[tokio::test]
async fn members_talk_and_everybody_sees_who_wrote() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let group = made(&all, &["Bob", "Carol"]).await;
    let (alice, bob, carol) = (&all[0].messenger, &all[1].messenger, &all[2].messenger);
    let ids: Vec<_> = all.iter().map(|one| one.messenger.account().unwrap().unwrap().id).collect();

    let asked = alice.send(&group, "where to?").await.unwrap();
    let question = has(&all[2], &group, "where to?").await;
    assert_eq!((question.id.clone(), question.mine), (asked.clone(), false));
    let author = question.author.unwrap();
    assert_eq!((&author.contact, author.name.as_str()), (&ids[0], "Alice"), "a contact of Carol");
    let reply = NewPost { reply_to: Some(asked.clone()), ..NewPost::from("to the lake") };
    carol.send(&group, reply).await.unwrap();

    // Bob does not know Carol: there is her id, and no name.
    let answer = has(&all[1], &group, "to the lake").await;
    let author = answer.author.clone().unwrap();
    assert_eq!((&author.contact, author.name.as_str()), (&ids[2], ""));
    let quoted = answer.reply.clone().unwrap();
    assert_eq!((quoted.text.as_str(), quoted.mine), ("where to?", Some(false)));
    assert_eq!(quoted.author.unwrap().name, "Alice");
    let last = row(bob, &group).last.unwrap();
    assert_eq!((last.text.as_deref(), last.mine), (Some("to the lake"), false));
    assert_eq!(last.author.unwrap().contact, ids[2]);
    let whole = bob.message(&answer.id).unwrap();
    assert_eq!(whole.author.unwrap().contact, ids[2]);
    let hit = bob.search("lake", Some(&group), None, 10).unwrap().remove(0);
    assert_eq!((hit.message, hit.author.unwrap().contact), (answer.id.clone(), ids[2].clone()));
    let incoming = bob.incoming(0, 100).unwrap();
    let came: Vec<_> = incoming.iter().filter(|one| one.message.conversation == group).collect();
    assert_eq!(came.len(), 2);
    assert_eq!(came[1].message.author.as_ref().unwrap().contact, ids[2]);
    bob.answer(came[1].arrival, "good").await.unwrap();
    let said = has(&all[0], &group, "good").await;
    assert_eq!(said.author.unwrap().name, "Bob");
    assert!(alice.message(&asked).unwrap().author.is_none(), "an own message");

    // Between two nothing changed.
    let pair = alice.contact(&ids[1]).unwrap().conversation;
    bob.send(&pair, "only for you").await.unwrap();
    assert!(has(&all[0], &pair, "only for you").await.author.is_none());
    assert!(alice.conversation(&pair).unwrap().group.is_none());
}

#[tokio::test]
async fn what_is_done_to_messages_works_in_groups() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let group = made(&all, &["Bob", "Carol"]).await;
    let (alice, bob, carol) = (&all[0].messenger, &all[1].messenger, &all[2].messenger);
    let ids: Vec<_> = all.iter().map(|one| one.messenger.account().unwrap().unwrap().id).collect();

    let mention = NewMention { offset: 6, length: 6, contact: Some(ids[2].clone()) };
    let post = NewPost { mentions: vec![mention], ..NewPost::from("hello @Carol") };
    let hello = alice.send(&group, post).await.unwrap();
    let seen = has(&all[2], &group, "hello @Carol").await;
    assert_eq!(seen.mentions[0].contact, Some(ids[2].clone()));
    has(&all[1], &group, "hello @Carol").await;

    // Reactions, pins and votes of all, counted by account.
    bob.react(&hello, "👍", true).await.unwrap();
    carol.react(&hello, "👍", true).await.unwrap();
    let reacted = |m: &Messenger| (m.reactions(&hello).unwrap().len() == 2).then_some(());
    all[0].until("reactions", reacted).await;
    all[2].until("reactions", reacted).await;
    let shown = carol.message(&hello).unwrap().reactions;
    assert_eq!((shown[0].count, shown[0].mine), (2, true));
    alice.pin(&hello, true).await.unwrap();
    all[2].until("a pin", |m| (m.pins(&group).unwrap().len() == 1).then_some(())).await;
    let choices = vec!["sea".to_owned(), "hills".to_owned()];
    let poll = NewPoll { question: "where?".into(), choices, multiple: false, end_ms: None };
    let poll = bob.poll_create(&group, poll).await.unwrap();
    has(&all[2], &group, "where?").await;
    has(&all[0], &group, "where?").await;
    carol.vote(&poll, &[1]).await.unwrap();
    alice.vote(&poll, &[1]).await.unwrap();
    let voted = |m: &Messenger| {
        let poll = m.message(&poll).unwrap().poll.unwrap();
        (poll.choices[1].voters.len() == 2).then_some(())
    };
    all[1].until("votes", voted).await;

    // Only its author changes or deletes a text for everybody.
    assert_eq!(code(bob.edit(&hello, "bye", Vec::new()).await), Code::MessageNotYours);
    assert_eq!(code(bob.delete_for_everyone(&hello).await), Code::MessageNotYours);
    alice.edit(&hello, "hello, all", Vec::new()).await.unwrap();
    has(&all[2], &group, "hello, all").await;
    assert_eq!(carol.history(&hello).unwrap().len(), 2);
    alice.delete_for_everyone(&hello).await.unwrap();
    let gone = |m: &Messenger| m.message(&hello).unwrap().deleted_by;
    assert_eq!(all[1].until("deleted", gone).await, ids[0]);

    // A long text, a draft, forwarding into a group and out of it.
    let long = "long ".repeat(20_000);
    let sent = alice.send(&group, &long).await.unwrap();
    all[2].until("a long text", |m| m.message(&sent).ok().filter(|one| one.text.as_deref() == Some(&long))).await;
    carol.draft_set(&group, "not yet", None).await.unwrap();
    assert_eq!(row(carol, &group).draft, "not yet");
    let pair = carol.contacts().unwrap()[0].conversation.clone();
    let note = carol.send(&pair, "a note").await.unwrap();
    let passed = carol.forward(&note, std::slice::from_ref(&group)).await.unwrap().remove(0);
    let seen = has(&all[1], &group, "a note").await;
    assert!(seen.id == passed && seen.forwarded);
    bob.forward(&passed, &[bob.contacts().unwrap()[0].conversation.clone()]).await.unwrap();

    // A timer is a setting of the group, and posts carry it.
    assert_eq!(code(bob.timer_set(&group, 3600).await), Code::GroupNotAllowed);
    alice.timer_set(&group, 3600).await.unwrap();
    all[1].until("a timer", |m| (row(m, &group).timer_s == 3600).then_some(())).await;
    assert_eq!(bob.group(&group).unwrap().timer_s, 3600);
    bob.send(&group, "for an hour").await.unwrap();
    assert_eq!(has(&all[2], &group, "for an hour").await.timer_s, 3600);
}

#[tokio::test]
async fn reading_muting_and_deleting_a_group_is_ones_own_business() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob"]).await;
    let group = made(&all, &["Bob"]).await;
    let (alice, bob) = (&all[0].messenger, &all[1].messenger);
    let first = alice.send(&group, "one").await.unwrap();
    let second = alice.send(&group, "two").await.unwrap();
    has(&all[1], &group, "two").await;
    assert_eq!((row(bob, &group).unread, bob.unread().unwrap().messages), (2, 2));
    bob.mark_read(&group, &first).await.unwrap();
    assert_eq!(row(bob, &group).unread, 1);
    bob.typing(&group).await.unwrap();
    bob.mute(&group, None).await.unwrap();
    assert!(row(bob, &group).muted && bob.unread().unwrap().messages == 0);
    bob.mute(&group, Some(0)).await.unwrap();
    bob.archive(&group, true).await.unwrap();
    assert!(row(bob, &group).archived);
    bob.conversation_pin(&group, true).await.unwrap();
    bob.mark_unread(&group, true).await.unwrap();
    assert!(row(bob, &group).pinned && row(bob, &group).marked_unread);

    bob.delete_for_me(&first).await.unwrap();
    assert_eq!(texts(bob, &group), ["two"]);
    bob.conversation_delete(&group).await.unwrap();
    assert!(texts(bob, &group).is_empty() && bob.conversations(Folder::Inbox, None, 10).unwrap().len() == 1);
    assert_eq!(code(bob.message(&second)), Code::MessageMissing);
    // It is a member still, and the next message lists the group again.
    alice.send(&group, "three").await.unwrap();
    has(&all[1], &group, "three").await;
    assert_eq!(bob.conversations(Folder::Inbox, None, 10).unwrap()[0].id, group);

    // A conversation with a person is no group.
    let pair = bob.contacts().unwrap()[0].conversation.clone();
    assert_eq!(code(bob.group(&pair)), Code::ConversationMissing);
    assert_eq!(code(bob.group_members(&pair, None, 1)), Code::ConversationMissing);
    assert_eq!(code(bob.group_set(&pair, GroupPatch::default()).await), Code::ConversationMissing);
    assert_eq!(code(bob.group_invite(&pair, &[]).await), Code::ConversationMissing);
    assert_eq!(code(bob.group_leave(&pair).await), Code::ConversationMissing);
    assert_eq!(code(bob.group_close(&pair).await), Code::ConversationMissing);
    let nobody = MemberId::from_bytes(&[7; 16]);
    assert_eq!(code(bob.group_remove(&pair, &nobody, false).await), Code::ConversationMissing);
    assert_eq!(code(alice.group_remove(&group, &nobody, false).await), Code::GroupNotAllowed);
    assert_eq!(code(alice.group_role(&group, &nobody, GroupRole::Admin).await), Code::GroupNotAllowed);
    for name in ["", " ", &"n".repeat(61)] {
        assert_eq!(code(alice.group_create(name, &[]).await), Code::BadGroup);
    }
    assert_eq!(code(alice.group_create("Sea", &[ContactId("zQ3x".into())]).await), Code::BadId);
}

#[tokio::test]
async fn it_is_known_how_far_a_message_came() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let group = made(&all, &["Bob", "Carol"]).await;
    let (alice, bob) = (&all[0].messenger, &all[1].messenger);
    net.set_online(all[2].port, false);
    all[2].until("offline", |m| (!m.connectivity().subscribed).then_some(())).await;
    let sent = alice.send(&group, "who has it?").await.unwrap();
    has(&all[1], &group, "who has it?").await;
    let far = |m: &Messenger, id: &MessageId| -> Vec<(String, bool, bool)> {
        m.deliveries(id).unwrap().into_iter().map(|one| (one.name, one.delivered, one.read)).collect()
    };
    assert_eq!(far(alice, &sent).len(), 2);
    // The next message of a member says what it has.
    bob.send(&group, "I do").await.unwrap();
    let bob_has = vec![("Bob".to_owned(), true, false), ("Carol".to_owned(), false, false)];
    all[0].until("Bob's word", |m| (far(m, &sent) == bob_has).then_some(())).await;
    assert_eq!(code(bob.deliveries(&sent)), Code::MessageNotYours);
    assert_eq!(code(bob.deliveries(&MessageId::from_bytes(&[1; 32]))), Code::MessageMissing);

    // Between two the contact alone has it, and read it.
    let pair = all[1].messenger.contacts().unwrap()[0].conversation.clone();
    let note = bob.send(&pair, "a note").await.unwrap();
    let seen = has(&all[0], &pair, "a note").await;
    all[1].until("delivery", |m| (far(m, &note) == [("Alice".to_owned(), true, false)]).then_some(())).await;
    alice.mark_read(&pair, &seen.id).await.unwrap();
    all[1].until("the mark", |m| (far(m, &note) == [("Alice".to_owned(), true, true)]).then_some(())).await;
    assert_eq!(bob.message(&note).unwrap().state, MessageState::Read);
}

#[tokio::test]
async fn members_come_in_pages_and_roles_hold() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let group = made(&all, &["Bob", "Carol"]).await;
    let (alice, bob) = (&all[0].messenger, &all[1].messenger);
    let ids: Vec<_> = all.iter().map(|one| one.messenger.account().unwrap().unwrap().id).collect();
    let whole = alice.group_members(&group, None, 500).unwrap();
    let shown: Vec<_> = whole.iter().map(|one| (one.name.as_str(), one.role, one.own)).collect();
    let member = |name| (name, GroupRole::Member, false);
    assert_eq!(shown, [("", GroupRole::Owner, true), member("Bob"), member("Carol")]);
    assert!(whole[0].confirmed);
    let (mut paged, mut before) = (Vec::new(), None);
    while let Some(one) = alice.group_members(&group, before.as_deref(), 1).unwrap().pop() {
        before = Some(one.cursor.clone());
        paged.push(one);
    }
    assert!(paged == whole, "each once, in the same order");
    assert_eq!(code(alice.group_members(&group, None, 0)), Code::BadLimit);
    assert_eq!(code(alice.group_members(&group, Some("!"), 1)), Code::BadId);
    alice.nickname_set(&ids[1], Some("Zora")).await.unwrap();
    let names: Vec<_> = alice.group_members(&group, None, 9).unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["", "Carol", "Zora"]);

    let (own, carol) = (self::member(bob, &group, &ids[1]).id, self::member(bob, &group, &ids[2]).id);
    assert_eq!(code(bob.group_remove(&group, &carol, false).await), Code::GroupNotAllowed);
    assert_eq!(code(bob.group_role(&group, &carol, GroupRole::Admin).await), Code::GroupNotAllowed);
    assert_eq!(code(bob.group_close(&group).await), Code::GroupNotAllowed);
    alice.group_role(&group, &own, GroupRole::Admin).await.unwrap();
    all[1].until("a role", |m| (m.group(&group).unwrap().role == Some(GroupRole::Admin)).then_some(())).await;
    let patch = GroupPatch { name: Some("Sea".into()), text: Some("by the sea".into()), ..GroupPatch::default() };
    bob.group_set(&group, patch).await.unwrap();
    all[2].until("a name", |m| (row(m, &group).name == "Sea").then_some(())).await;
    bob.group_remove(&group, &carol, false).await.unwrap();
    all[2].until("removal", |m| (state(m, &group) == Some(GroupState::Removed)).then_some(())).await;
    let carol = &all[2].messenger;
    assert_eq!(carol.conversations(Folder::Closed, None, 9).unwrap()[0].id, group);
    assert_eq!(code(carol.send(&group, "still here").await), Code::GroupRemoved);
    all[0].until("removal", |m| (row(m, &group).group.unwrap().members == 2).then_some(())).await;

    bob.group_leave(&group).await.unwrap();
    assert_eq!(row(bob, &group).group.unwrap().state, GroupState::Left);
    all[0].until("leaving", |m| (row(m, &group).group.unwrap().members == 1).then_some(())).await;
    alice.group_close(&group).await.unwrap();
    assert_eq!(row(alice, &group).group.unwrap().state, GroupState::Closed);
    assert_eq!(code(alice.send(&group, "late").await), Code::GroupClosed);
}

#[tokio::test]
async fn rights_are_kept_by_who_has_none() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob"]).await;
    let group = made(&all, &["Bob"]).await;
    let (alice, bob) = (&all[0].messenger, &all[1].messenger);
    let hello = bob.send(&group, "hello").await.unwrap();
    has(&all[0], &group, "hello").await;
    assert_eq!(code(bob.pin(&hello, true).await), Code::GroupNotAllowed, "admins set, so they pin");
    alice.pin(&hello, true).await.unwrap();
    let only_admins = GroupPatch { who_writes: Some(GroupWho::Admins), ..GroupPatch::default() };
    alice.group_set(&group, only_admins).await.unwrap();
    let told = |m: &Messenger| (m.group(&group).unwrap().who_writes == GroupWho::Admins).then_some(());
    all[1].until("the setting", told).await;
    let choices = vec!["yes".to_owned(), "no".to_owned()];
    let poll = NewPoll { question: "why?".into(), choices, multiple: false, end_ms: None };
    assert_eq!(code(bob.send(&group, "still").await), Code::GroupNotAllowed);
    assert_eq!(code(bob.poll_create(&group, poll).await), Code::GroupNotAllowed);
    assert_eq!(code(bob.forward(&hello, std::slice::from_ref(&group)).await), Code::GroupNotAllowed);
    assert_eq!(code(bob.react(&hello, "👍", true).await), Code::GroupNotAllowed);
    assert_eq!(code(bob.edit(&hello, "hello, all", Vec::new()).await), Code::GroupNotAllowed);
    let own = member(alice, &group, &bob.account().unwrap().unwrap().id).id;
    alice.group_role(&group, &own, GroupRole::Admin).await.unwrap();
    all[1].until("a role", |m| (m.group(&group).unwrap().role == Some(GroupRole::Admin)).then_some(())).await;
    bob.send(&group, "at last").await.unwrap();
    bob.edit(&hello, "hello, all", Vec::new()).await.unwrap();
    has(&all[0], &group, "hello, all").await;
    bob.pin(&hello, false).await.unwrap();
    has(&all[0], &group, "at last").await;
    all[0].until("no pin", |m| m.pins(&group).unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn files_go_to_all_members() {
    let net = Loopback::default();
    let all = circle(&net, &["Bob", "Carol"]).await;
    let group = made(&all, &["Bob", "Carol"]).await;
    let bytes: Vec<u8> = (0..150_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let path = all[0].folder.path().join("map of the lake.bin");
    std::fs::write(&path, &bytes).unwrap();
    let file = NewFile { path, ..NewFile::default() };
    let sent = all[0].messenger.send(&group, NewPost { files: vec![file], ..NewPost::default() }).await.unwrap();
    for who in [&all[1], &all[2]] {
        let m = &who.messenger;
        let named = |m: &Messenger| m.message(&sent).ok().and_then(|one| one.files.first().cloned());
        let file = who.until("the file", named).await;
        assert_eq!((file.name.as_str(), &file.conversation), ("map of the lake.bin", &group));
        m.file_fetch(&file.id).await.unwrap();
        who.until("its bytes", |m| (m.file(&file.id).unwrap().state == FileState::Here).then_some(())).await;
        assert!(m.file_read(&file.id, 0, 1 << 20).unwrap() == bytes);
        assert_eq!(m.files(&group, None, None, 10).unwrap().len(), 1);
        assert_eq!(m.search("map lake", Some(&group), None, 10).unwrap()[0].message, sent);
        assert_eq!(m.storage().unwrap().parts[0].conversation, group);
        m.conversation_delete(&group).await.unwrap();
        assert_eq!(m.storage().unwrap().bytes, 0);
    }
}
