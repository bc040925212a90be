//! How a person organises the list of conversations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;

use std::time::Duration;

use people::{Person, REQUEST, befriended, open};
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactId, ContactState, Conversation, ConversationId, Folder, MessageState, Unread};
use sotto_messenger::{Code, Messenger, system_clock};
use sotto_testkit::Loopback;

/// Alice with Bob and Carol as contacts; Alice asked Bob, and Carol asked Alice.
async fn three(net: &Loopback) -> (Person, Person, Person) {
    let (alice, bob) = befriended(net).await;
    let carol = Person::new(net, "Carol").await;
    let link = alice.messenger.invite().await.unwrap().link;
    carol.messenger.contact_add(&link, Some(REQUEST)).await.unwrap();
    let asks = |m: &Messenger| m.contacts().unwrap().into_iter().find(|one| one.name == "Carol");
    let request = alice.until("Carol's request", asks).await;
    alice.messenger.contact_answer(&request.id, ContactAction::Accept).await.unwrap();
    let open = |m: &Messenger| (m.contacts().unwrap()[0].state == ContactState::Accepted).then_some(());
    carol.until("the answer", open).await;
    (alice, bob, carol)
}

fn list(m: &Messenger, folder: Folder) -> Vec<Conversation> {
    m.conversations(folder, None, 10).unwrap()
}

fn names(m: &Messenger, folder: Folder) -> Vec<String> {
    list(m, folder).into_iter().map(|row| row.name).collect()
}

/// A text arrives.
async fn hears(who: &Person, from: &Person, text: &str) {
    let at = from.conversation();
    from.messenger.send(&at, text).await.unwrap();
    let last = |m: &Messenger| m.conversation(&at).unwrap().last.is_some_and(|last| last.text.as_deref() == Some(text));
    who.until(text, |m| last(m).then_some(())).await;
}

#[tokio::test]
async fn pinned_ones_come_first_and_archived_ones_stand_apart_until_something_comes() {
    let net = Loopback::default();
    let (alice, bob, carol) = three(&net).await;
    let (m, with_bob) = (&alice.messenger, bob.conversation());
    hears(&alice, &bob, "first").await;
    tokio::time::sleep(Duration::from_millis(1100)).await; // authors' clocks have seconds
    hears(&alice, &carol, "second").await;
    assert_eq!(names(m, Folder::Inbox), ["Carol", "Bob"]);
    m.conversation_pin(&with_bob, true).await.unwrap();
    assert_eq!(names(m, Folder::Inbox), ["Bob", "Carol"]);
    assert!(list(m, Folder::Inbox)[0].pinned && !list(m, Folder::Inbox)[1].pinned);
    let first = m.conversations(Folder::Inbox, None, 1).unwrap().remove(0);
    let rest = m.conversations(Folder::Inbox, Some(&first.cursor), 10).unwrap();
    assert_eq!((first.name.as_str(), rest.len(), rest[0].name.as_str()), ("Bob", 1, "Carol"), "a page goes on");
    assert_eq!(m.conversations(Folder::Inbox, Some(&rest[0].cursor), 10).unwrap(), []);

    m.archive(&with_bob, true).await.unwrap();
    assert_eq!((names(m, Folder::Inbox), names(m, Folder::Archived)), (vec!["Carol".into()], vec!["Bob".to_owned()]));
    let row = m.conversation(&with_bob).unwrap();
    assert!(row.archived && !row.pinned);
    let before = m.unread().unwrap();
    hears(&alice, &bob, "back").await;
    assert_eq!(names(m, Folder::Archived), Vec::<String>::new(), "it came back by itself");
    assert!(m.unread().unwrap().messages > before.messages);
    // A sent message returns it to the inbox, and so does pinning.
    m.archive(&with_bob, true).await.unwrap();
    m.send(&with_bob, "mine").await.unwrap();
    assert!(!m.conversation(&with_bob).unwrap().archived);
    m.archive(&with_bob, true).await.unwrap();
    m.conversation_pin(&with_bob, true).await.unwrap();
    assert_eq!(names(m, Folder::Inbox), ["Bob", "Carol"]);
    m.conversation_pin(&with_bob, false).await.unwrap();
    assert!(!m.conversation(&with_bob).unwrap().pinned);
}

#[tokio::test]
async fn who_is_muted_disturbs_nobody_until_the_end_of_it() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (m, at) = (&alice.messenger, bob.conversation());
    m.mute(&at, None).await.unwrap();
    m.archive(&at, true).await.unwrap();
    hears(&alice, &bob, "unheard").await;
    let row = m.conversation(&at).unwrap();
    assert!(row.muted && row.archived && row.unread > 0, "it stays where it is");
    assert_eq!((row.muted_until_ms, m.unread().unwrap()), (None, Unread::default()));
    m.archive(&at, false).await.unwrap();
    assert_eq!(m.unread().unwrap(), Unread::default(), "muted ones do not count");
    m.mute(&at, Some(0)).await.unwrap();
    assert!(!m.conversation(&at).unwrap().muted);
    assert_eq!(m.unread().unwrap().conversations, 1);

    let until_ms = system_clock()() + 700;
    m.mute(&at, Some(until_ms)).await.unwrap();
    m.archive(&at, true).await.unwrap();
    let row = m.conversation(&at).unwrap();
    assert_eq!((row.muted, row.muted_until_ms), (true, Some(until_ms)));
    tokio::time::sleep(Duration::from_millis(800)).await;
    let row = m.conversation(&at).unwrap();
    assert_eq!((row.muted, row.muted_until_ms, row.archived), (false, None, true));
    hears(&alice, &bob, "heard").await;
    assert!(!m.conversation(&at).unwrap().archived);
}

#[tokio::test]
async fn what_is_marked_as_unread_is_until_it_is_read() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (m, at) = (&alice.messenger, bob.conversation());
    let message = m.messages(&at, None, 1).unwrap().remove(0); // her own request
    m.mark_unread(&at, true).await.unwrap();
    assert!(m.conversation(&at).unwrap().marked_unread);
    assert_eq!(m.unread().unwrap(), Unread { messages: 0, conversations: 1, requests: 0 });
    m.mark_read(&at, &message.id).await.unwrap();
    assert!(!m.conversation(&at).unwrap().marked_unread);
    m.mark_unread(&at, true).await.unwrap();
    m.mark_unread(&at, false).await.unwrap();
    assert_eq!(m.unread().unwrap(), Unread::default());
    // Nobody else learns of the mark.
    hears(&alice, &bob, "hi").await;
    let hi = m.messages(&at, None, 1).unwrap().remove(0);
    m.mark_read(&at, &hi.id).await.unwrap();
    let is_read = |m: &Messenger| (m.message(&hi.id).unwrap().state == MessageState::Read).then_some(());
    bob.until("that it was read", is_read).await;
    m.mark_unread(&at, true).await.unwrap();
    hears(&bob, &alice, "the end").await;
    assert_eq!(bob.messenger.message(&hi.id).unwrap().state, MessageState::Read);
}

#[tokio::test]
async fn a_nickname_stands_for_the_name_and_drafts_are_cut_in_lists() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (m, at) = (&alice.messenger, bob.conversation());
    let contact = m.contacts().unwrap().remove(0).id;
    m.nickname_set(&contact, Some(" Bob from the choir ")).await.unwrap();
    let long = "👩‍👩‍👧".repeat(1000);
    m.draft_set(&at, &long, None).await.unwrap();
    m.conversation_pin(&at, true).await.unwrap();
    m.mute(&at, None).await.unwrap();
    m.mark_unread(&at, true).await.unwrap();
    let row = list(m, Folder::Inbox).remove(0);
    assert_eq!((row.name.as_str(), row.own_name.as_str()), ("Bob from the choir", "Bob"));
    assert_eq!((row.draft.chars().count(), long.starts_with(&row.draft)), (200, true));
    let whole = m.conversation(&at).unwrap();
    assert_eq!(whole.draft, long);
    let them = m.contact(&contact).unwrap();
    assert_eq!((them.name.as_str(), them.own_name.as_str()), ("Bob from the choir", "Bob"));
    for bad in ["", "\u{200b}", &"x".repeat(41)] {
        assert_eq!(m.nickname_set(&contact, Some(bad)).await.unwrap_err().code(), Code::BadName);
    }
    // The state survives a restart.
    m.close().await.unwrap();
    let again = open(alice.folder.path(), &net).unwrap();
    assert_eq!(again.conversation(&at).unwrap(), whole);
    assert_eq!(again.contact(&contact).unwrap(), them);
    again.nickname_set(&contact, None).await.unwrap();
    assert_eq!(again.contact(&contact).unwrap().name, "Bob");

    let nowhere = ConversationId::from_bytes(&[1; 32]);
    let missing = Err(Code::ConversationMissing.into());
    assert_eq!(again.mute(&nowhere, None).await, missing);
    assert_eq!(again.archive(&nowhere, true).await, missing);
    assert_eq!(again.conversation_pin(&nowhere, true).await, missing);
    assert_eq!(again.mark_unread(&nowhere, true).await, missing);
    let nobody = ContactId(again.account().unwrap().unwrap().id.0);
    assert_eq!(again.nickname_set(&nobody, None).await, Err(Code::ContactMissing.into()));
}

#[tokio::test]
async fn counts_and_previews_follow_what_is_deleted() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (m, at) = (&alice.messenger, bob.conversation());
    hears(&alice, &bob, "one").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    hears(&alice, &bob, "two").await;
    let page = m.messages(&at, None, 10).unwrap();
    let before = m.conversation(&at).unwrap();
    assert_eq!((before.unread, page.len()), (2, 3));
    m.delete_for_me(&page[0].id).await.unwrap();
    let row = m.conversation(&at).unwrap();
    assert_eq!((row.unread, row.last.unwrap().text.as_deref()), (1, Some("one")));
    assert!(row.last_ms < before.last_ms);
    assert_eq!(m.unread().unwrap().messages, 1);
    let missing = || Code::MessageMissing.into();
    assert_eq!(m.message(&page[0].id).err(), Some(missing()));
    assert_eq!(m.messages_around(&page[0].id, 5).err(), Some(missing()));
    assert_eq!(m.messages_around(&page[1].id, 5).unwrap().len(), 2);
    m.delete_for_me(&page[2].id).await.unwrap(); // not the newest
    assert_eq!(m.conversation(&at).unwrap().last_ms, row.last_ms);

    m.draft_set(&at, "a draft", None).await.unwrap();
    m.conversation_pin(&at, true).await.unwrap();
    m.mark_unread(&at, true).await.unwrap();
    m.conversation_delete(&at).await.unwrap();
    for folder in [Folder::Inbox, Folder::Archived, Folder::Requests, Folder::Closed] {
        assert_eq!(list(m, folder), []);
    }
    let row = m.conversation(&at).unwrap();
    assert_eq!((row.unread, row.draft.as_str(), row.last, row.pinned, row.marked_unread), (0, "", None, false, false));
    assert_eq!((m.unread().unwrap(), m.messages(&at, None, 10).unwrap()), (Unread::default(), vec![]));
    assert_eq!(m.incoming(0, 10).unwrap(), []);
    hears(&alice, &bob, "back").await;
    assert_eq!(names(m, Folder::Inbox), ["Bob"]);
    assert_eq!(m.incoming(0, 10).unwrap().len(), 1);
    m.conversation_delete(&at).await.unwrap();
    m.send(&at, "mine").await.unwrap();
    assert_eq!(names(m, Folder::Inbox), ["Bob"]);
    // The other side has all of it.
    bob.until("her text", |_| (bob.texts() == ["one", "two", "back", "mine"]).then_some(())).await;
    let delivered = |m: &Messenger| m.messages(&at, None, 10).unwrap().into_iter().filter(|one| one.mine);
    bob.until("receipts", |m| delivered(m).all(|one| one.state == MessageState::Delivered).then_some(())).await;
    // Who is blocked stands in his folder again.
    m.conversation_delete(&at).await.unwrap();
    let contact = m.contacts().unwrap().remove(0).id;
    m.contact_answer(&contact, ContactAction::Block).await.unwrap();
    assert_eq!(names(m, Folder::Closed), ["Bob"]);
    let nowhere = ConversationId::from_bytes(&[1; 32]);
    assert_eq!(m.conversation_delete(&nowhere).await, Err(Code::ConversationMissing.into()));
}
