//! The public API over a network in memory: what callers may rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod people;

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use people::{PATIENCE, Person, REQUEST, befriended, config, open};
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactId, ContactState, ConversationId, Folder, MessageId, MessageState, Unread};
use sotto_messenger::{Code, Error, Event, Kind, Messenger, OpenCounter, system_clock};
use sotto_testkit::Loopback;

#[tokio::test]
async fn two_people_meet_and_talk() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (at, bt) = (alice.conversation(), bob.conversation());
    assert_eq!(at, bt, "one id on both sides");

    let numbers = |p: &Person| {
        let contact = p.messenger.contacts().unwrap()[0].id.clone();
        p.messenger.safety_number(&contact).unwrap()
    };
    assert_eq!(numbers(&alice).digits, numbers(&bob).digits);

    let first = alice.messenger.send(&at, "hello 🌿").await.unwrap();
    bob.until("hello", |_| (bob.texts() == ["hello 🌿"]).then_some(())).await;
    let listed = bob.messenger.conversations(Folder::Inbox, None, 10).unwrap();
    assert_eq!((listed.len(), listed[0].unread), (1, 2), "the request, and hello");
    let last = listed[0].last.clone().unwrap();
    assert_eq!(last.text.as_deref(), Some("hello 🌿"));
    assert_eq!((last.id, last.mine, last.state), (first.clone(), false, MessageState::Received));
    assert_eq!((listed[0].name.as_str(), listed[0].state), ("Alice", Some(ContactState::Accepted)));
    bob.messenger.mark_read(&bt, &first).await.unwrap();
    assert_eq!(bob.messenger.conversations(Folder::Inbox, None, 10).unwrap()[0].unread, 0);
    alice
        .until("read", |m| {
            let page = m.messages(&at, None, 1).unwrap();
            (page[0].state == MessageState::Read).then_some(())
        })
        .await;

    let contact = bob.messenger.contacts().unwrap()[0].id.clone();
    let shown = bob.messenger.safety_number(&contact).unwrap().devices;
    bob.messenger.contact_verify(&contact, Some(&shown)).await.unwrap();
    assert!(bob.messenger.contacts().unwrap()[0].verified);
    bob.messenger.draft_set(&bt, "not yet", None).await.unwrap();
    assert_eq!(bob.messenger.conversations(Folder::Inbox, None, 10).unwrap()[0].draft, "not yet");
    // Contacts learn it hours later: `spread.rs`, on a virtual clock.
    bob.messenger.profile_set("Robert").await.unwrap();
    assert_eq!(bob.messenger.account().unwrap().unwrap().name, "Robert");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let conversation = alice.conversation();
    for i in 0..25 {
        let text = format!("number {i}");
        alice.messenger.send(&conversation, &text).await.unwrap();
    }
    let wanted: Vec<String> = (0..25).map(|i| format!("number {i}")).collect();
    bob.until("all of them", |_| (bob.texts() == wanted).then_some(())).await;
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let page = bob.messenger.messages(&conversation, before.as_deref(), 7).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.cursor.clone());
        seen.extend(page.into_iter().filter_map(|message| message.text));
    }
    seen.reverse();
    assert_eq!(seen.remove(0), REQUEST);
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn one_thing_is_found_by_its_id_and_lists_show_no_more_than_fits() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let at = alice.conversation();
    let family = "👩‍👩‍👧"; // one to a person: 5 characters, 18 bytes
    let long = family.repeat(1000);
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(alice.messenger.send(&at, &format!("text {n}")).await.unwrap());
    }
    let last = alice.messenger.send(&at, &long).await.unwrap();
    bob.until("all", |_| (bob.texts().len() == 21 && bob.texts()[20] == long).then_some(())).await;

    // The whole text by its id, its beginning in a page, less of it in the list.
    let (m, preview) = (&bob.messenger, family.repeat(40));
    let whole = m.message(&last).unwrap();
    assert_eq!((whole.text.as_deref(), whole.more), (Some(long.as_str()), false));
    let page = m.messages(&at, None, 2).unwrap();
    assert_eq!((page[0].text.clone(), page[0].more), (Some(family.repeat(4096 / 18)), true));
    assert_eq!((page[1].text.as_deref(), page[1].more), (Some("text 19"), false));
    let row = m.conversation(&at).unwrap();
    assert_eq!(row.last.as_ref().unwrap().text.as_deref(), Some(preview.as_str()));
    assert!(row == m.conversations(Folder::Inbox, None, 500).unwrap().remove(0));
    assert_eq!(m.unread().unwrap(), Unread { messages: 22, conversations: 1, requests: 0 });
    let contact = m.contact(row.contact.as_ref().unwrap()).unwrap();
    assert!(contact == m.contacts().unwrap()[0] && contact.name == "Alice");

    // Around a message: half of the page is newer, if there are enough newer ones.
    let around = |id: &MessageId, limit| {
        let page = m.messages_around(id, limit).unwrap();
        page.into_iter().map(|m| m.text.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(around(&ids[10], 4), ["text 12", "text 11", "text 10", "text 9"]);
    assert_eq!(around(&ids[10], 1), ["text 10"]);
    assert_eq!(around(&ids[19], 5)[1..], ["text 19", "text 18", "text 17", "text 16"]);
    assert_eq!(around(&ids[0], 4), ["text 2", "text 1", "text 0", REQUEST]);
    assert_eq!(around(&ids[0], 500).len(), 22);

    let code = |error: Error| error.code();
    for limit in [0, 501, u32::MAX] {
        assert_eq!(m.messages_around(&last, limit).map(drop).map_err(code), Err(Code::BadLimit));
        assert_eq!(m.messages(&at, None, limit).map(drop).map_err(code), Err(Code::BadLimit));
        assert_eq!(m.conversations(Folder::Inbox, None, limit).map(drop).map_err(code), Err(Code::BadLimit));
        assert_eq!(m.incoming(0, limit).map(drop).map_err(code), Err(Code::BadLimit));
    }
    let nobody = MessageId::from_bytes(&[1; 32]);
    assert_eq!(m.message(&nobody).map(drop).map_err(code), Err(Code::MessageMissing));
    assert_eq!(m.messages_around(&nobody, 1).map(drop).map_err(code), Err(Code::MessageMissing));
    let nowhere = ConversationId::from_bytes(&[1; 32]);
    assert_eq!(m.conversation(&nowhere).map(drop).map_err(code), Err(Code::ConversationMissing));
    assert_eq!(m.contact(&ContactId("zQ3x".into())).map(drop).map_err(code), Err(Code::BadId));
    let own = m.account().unwrap().unwrap().id;
    assert_eq!(m.contact(&own).map(drop).map_err(code), Err(Code::ContactMissing));
}

#[tokio::test]
async fn requests_stand_apart_and_events_name_their_conversation() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let carol = Person::new(&net, "Carol").await;
    let link = bob.messenger.invite().await.unwrap().link;
    carol.messenger.contact_add(&link, Some("it is Carol")).await.unwrap();
    let m = &bob.messenger;
    let listed = |folder| m.conversations(folder, None, 10).unwrap();
    let request = bob.until("a request", |_| listed(Folder::Requests).pop()).await;
    assert_eq!((request.name.as_str(), request.state), ("Carol", Some(ContactState::Incoming)));
    let them = request.contact.clone().unwrap();
    assert_eq!(request.last.unwrap().text.as_deref(), Some("it is Carol"));
    assert_eq!((listed(Folder::Inbox).len(), listed(Folder::Closed).len()), (1, 0));
    assert_eq!(m.unread().unwrap(), Unread { messages: 1, conversations: 1, requests: 1 });
    m.contact_answer(&them, ContactAction::Decline).await.unwrap();
    assert_eq!((listed(Folder::Requests).len(), listed(Folder::Closed)[0].state), (0, Some(ContactState::Declined)));
    assert_eq!(listed(Folder::Closed).len(), 1);
    m.contact_answer(listed(Folder::Inbox)[0].contact.as_ref().unwrap(), ContactAction::Block).await.unwrap();
    assert_eq!((listed(Folder::Inbox).len(), listed(Folder::Closed).len()), (0, 2));
    assert_eq!(carol.messenger.conversations(Folder::Inbox, None, 10).unwrap()[0].state, Some(ContactState::Requested));

    // The event shows at once which list it belongs to.
    let place = alice.conversation();
    let sent = alice.messenger.send(&place, "hello").await.unwrap();
    let told = async {
        loop {
            for event in alice.events.next_batch(64).await.unwrap() {
                if let Event::MessageState { conversation, id, .. } = event
                    && id == sent
                {
                    return conversation;
                }
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), place);
}

#[tokio::test]
async fn a_dropped_call_is_done_all_the_same() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let conversation = alice.conversation();
    {
        let call = pin!(alice.messenger.send(&conversation, "let go of"));
        // Once it was polled, it is on its way to the engine.
        let _ = call.poll(&mut Context::from_waker(Waker::noop()));
    }
    bob.until("the text", |_| (bob.texts() == ["let go of"]).then_some(())).await;
}

#[tokio::test]
async fn a_sync_ends_at_its_deadline_and_counts_what_came() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let conversation = alice.conversation();
    net.set_online(bob.port, false);
    bob.until("offline", |m| (!m.connectivity().subscribed).then_some(())).await;
    for i in 0..3 {
        let text = format!("while you were away {i}");
        alice.messenger.send(&conversation, &text).await.unwrap();
    }
    let late = bob.messenger.sync_once(Duration::from_millis(50)).await;
    assert_eq!(late.unwrap_err().code(), Code::Deadline);
    net.set_online(bob.port, true);
    bob.messenger.sync_once(PATIENCE).await.unwrap();
    bob.until("all three", |_| (bob.texts().len() == 3).then_some(())).await;
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let net = Loopback::default();
    let folder = tempfile::tempdir().unwrap();
    let messenger = open(folder.path(), &net).unwrap();
    let code = |error: Error| (error.kind(), error.code());
    assert_eq!(messenger.account().unwrap(), None);
    assert_eq!(code(messenger.invite().await.unwrap_err()), (Kind::State, Code::AccountMissing));
    assert_eq!(messenger.phrase().unwrap_err().code(), Code::AccountMissing);
    let long = "n".repeat(41);
    assert_eq!(code(messenger.account_create(&long).await.unwrap_err()), (Kind::InvalidInput, Code::BadName));
    let phrase = "abandon ability able about above absent absorb abstract absurd abuse access zebr";
    let wrong = messenger.account_restore(phrase).await.unwrap_err();
    assert_eq!(wrong.code(), Code::PhraseWord);
    assert!(wrong.detail().contains("12"), "{wrong}");
    messenger.account_create("Carol").await.unwrap();
    assert_eq!(messenger.account_create("Carol").await.unwrap_err().code(), Code::AccountExists);
    let own = messenger.invite().await.unwrap();
    assert_eq!(messenger.contact_add(&own.link, None).await.unwrap_err().code(), Code::ContactSelf);
    let cut = &own.link[..own.link.len() - 5];
    assert_eq!(messenger.invite_preview(cut).unwrap_err().kind(), Kind::InvalidInput);
    let nowhere = ConversationId::from_bytes(&[1; 32]);
    assert_eq!(messenger.messages(&nowhere, None, 10).unwrap_err().code(), Code::ConversationMissing);
    assert_eq!(messenger.conversations(Folder::Inbox, Some("!"), 10).unwrap_err().code(), Code::BadId);
}

#[tokio::test]
async fn closing_frees_the_folder_and_everybody_who_waits() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let again = open(bob.folder.path(), &net).unwrap_err();
    assert_eq!(again.code(), Code::StorageInUse);

    net.set_online(bob.port, false);
    bob.until("offline", |m| (!m.connectivity().subscribed).then_some(())).await;
    let waiting = bob.messenger.clone();
    let sync = tokio::spawn(async move { waiting.sync_once(PATIENCE).await });
    // The sync is with the engine once a later call was answered.
    tokio::task::yield_now().await;
    bob.messenger.set_foreground(true).await.unwrap();
    bob.messenger.close().await.unwrap();
    assert_eq!(sync.await.unwrap().unwrap_err().code(), Code::Closed);
    assert_eq!(bob.messenger.contacts().unwrap_err().code(), Code::Closed);
    assert_eq!(bob.messenger.invite().await.unwrap_err().code(), Code::Closed);
    while bob.events.next_batch(64).await.is_some() {}
    bob.messenger.close().await.unwrap();

    let wal = bob.folder.path().join("account.db-wal");
    let left = std::fs::metadata(wal).map_or(0, |file| file.len());
    assert_eq!(left, 0, "the log is in the database");
    let reopened = open(bob.folder.path(), &net).unwrap();
    assert_eq!(reopened.contacts().unwrap().len(), 1);
    drop(alice);
}

#[tokio::test]
async fn dropping_the_last_clone_closes() {
    let net = Loopback::default();
    let folder = tempfile::tempdir().unwrap();
    let messenger = open(folder.path(), &net).unwrap();
    let events = messenger.subscribe();
    messenger.account_create("Dora").await.unwrap();
    let other = messenger.clone();
    drop(messenger);
    assert!(other.account().unwrap().is_some());
    drop(other);
    let ended = async { while events.next_batch(64).await.is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let reopened = open(folder.path(), &net).unwrap();
    assert_eq!(reopened.account().unwrap().unwrap().name, "Dora");
}

#[tokio::test]
async fn another_key_opens_nothing_and_changes_nothing() {
    let net = Loopback::default();
    let folder = tempfile::tempdir().unwrap();
    let messenger = open(folder.path(), &net).unwrap();
    messenger.account_create("Eve").await.unwrap();
    messenger.close().await.unwrap();
    let file = folder.path().join("account.db");
    let before = std::fs::read(&file).unwrap();
    let mut wrong = config(folder.path());
    wrong.key[0] ^= 1;
    let refused = Messenger::open_over(wrong, net.join().0, system_clock()).unwrap_err();
    assert_eq!(refused.code(), Code::StorageWrongKey);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn an_old_copy_is_noticed() {
    let net = Loopback::default();
    let keys = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut config = config(folder.path());
        config.counter = Some(OpenCounter::file(keys.path().join("key.counter")));
        Messenger::open_over(config, net.join().0, system_clock())
    };
    let messenger = start().unwrap();
    messenger.account_create("Fay").await.unwrap();
    messenger.close().await.unwrap();
    let file = folder.path().join("account.db");
    let old = std::fs::read(&file).unwrap();
    start().unwrap().close().await.unwrap();
    let new = std::fs::read(&file).unwrap();
    std::fs::write(&file, old).unwrap();
    assert_eq!(start().unwrap_err().code(), Code::StorageRolledBack);
    std::fs::write(&file, new).unwrap();
    start().unwrap().close().await.unwrap();
}

/// Moves a folder's files to another folder, which must be empty.
fn move_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::rename(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn a_start_with_an_empty_folder_leaves_the_real_one_usable() {
    let net = Loopback::default();
    let [keys, folder, aside, copy] = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let start = || {
        let mut config = config(folder.path());
        config.counter = Some(OpenCounter::file(keys.path().join("key.counter")));
        Messenger::open_over(config, net.join().0, system_clock())
    };
    let name = |messenger: &Messenger| messenger.account().unwrap().map(|own| own.name);
    let messenger = start().unwrap();
    messenger.account_create("Ida").await.unwrap();
    messenger.close().await.unwrap();
    let old = std::fs::read(folder.path().join("account.db")).unwrap();
    start().unwrap().close().await.unwrap();

    move_files(folder.path(), aside.path());
    for _ in 0..2 {
        let messenger = start().unwrap();
        assert_eq!(name(&messenger), None);
        messenger.close().await.unwrap();
    }
    move_files(folder.path(), copy.path());
    move_files(aside.path(), folder.path());
    let messenger = start().unwrap();
    assert_eq!(name(&messenger).as_deref(), Some("Ida"));
    messenger.close().await.unwrap();
    // Its old copy is noticed as before.
    let new = std::fs::read(folder.path().join("account.db")).unwrap();
    std::fs::write(folder.path().join("account.db"), old).unwrap();
    assert_eq!(start().unwrap_err().code(), Code::StorageRolledBack);
    std::fs::write(folder.path().join("account.db"), new).unwrap();

    // If another account was made meanwhile, both open.
    for _ in 0..2 {
        move_files(folder.path(), aside.path());
        move_files(copy.path(), folder.path());
        let messenger = start().unwrap();
        if name(&messenger).is_none() {
            messenger.account_create("Jon").await.unwrap();
        }
        messenger.close().await.unwrap();
        move_files(folder.path(), copy.path());
        move_files(aside.path(), folder.path());
        let messenger = start().unwrap();
        assert_eq!(name(&messenger).as_deref(), Some("Ida"));
        messenger.close().await.unwrap();
    }
}

/// The counter moves while the app runs: when it leaves the screen, and once an hour while something happens.
#[tokio::test]
async fn a_copy_made_while_the_app_ran_is_noticed() {
    let net = Loopback::default();
    let [keys, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let now = Arc::new(AtomicI64::new(system_clock()()));
    let start = || {
        let mut config = config(folder.path());
        config.counter = Some(OpenCounter::file(keys.path().join("key.counter")));
        let now = Arc::clone(&now);
        let clock = Arc::new(move || now.load(Ordering::Relaxed));
        Messenger::open_over(config, net.join().0, clock)
    };
    let file = folder.path().join("account.db");
    let messenger = start().unwrap();
    messenger.account_create("Kim").await.unwrap();
    messenger.close().await.unwrap();
    for hourly in [false, true] {
        let messenger = start().unwrap();
        messenger.draft_set(&ConversationId::from_bytes(&[1; 32]), "x", None).await.unwrap_err();
        let counter = std::fs::read(keys.path().join("key.counter")).unwrap();
        // The files that a backup finds, with the log.
        let parts = ["account.db", "account.db-wal", "account.lock"];
        let copied = parts.map(|part| std::fs::read(folder.path().join(part)).unwrap());
        if hourly {
            now.fetch_add(3_600_000, Ordering::Relaxed);
            messenger.invite().await.unwrap();
        } else {
            messenger.set_foreground(false).await.unwrap();
        }
        // The next call is answered after the counter moved.
        messenger.set_foreground(true).await.unwrap();
        let moved = std::fs::read(keys.path().join("key.counter")).unwrap();
        assert_ne!(moved, counter);
        messenger.close().await.unwrap();
        let newest = std::fs::read(&file).unwrap();
        for (part, bytes) in parts.iter().zip(copied) {
            std::fs::write(folder.path().join(part), bytes).unwrap();
        }
        assert_eq!(start().unwrap_err().code(), Code::StorageRolledBack);
        for part in ["account.db-wal", "account.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(part));
        }
        std::fs::write(&file, newest).unwrap();
        start().unwrap().close().await.unwrap();
    }
}

#[tokio::test]
async fn a_garbled_counter_says_what_to_do() {
    let net = Loopback::default();
    let [keys, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let path = keys.path().join("key.counter");
    let start = || {
        let mut config = config(folder.path());
        config.counter = Some(OpenCounter::file(&path));
        Messenger::open_over(config, net.join().0, system_clock())
    };
    let messenger = start().unwrap();
    messenger.account_create("Lea").await.unwrap();
    messenger.close().await.unwrap();
    for garbled in ["", "many"] {
        std::fs::write(&path, garbled).unwrap();
        let refused = start().unwrap_err();
        assert_eq!(refused.code(), Code::StorageCounter);
        assert!(refused.detail().contains("remove the counter"), "{refused}");
    }
    std::fs::remove_file(&path).unwrap();
    start().unwrap().close().await.unwrap();
}

/// Damages each page in turn: opening, reads, calls and notices say `storage.corrupt` or do their work.
#[tokio::test]
async fn damage_is_called_so_wherever_it_lies() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let conversation = alice.conversation();
    for i in 0..10 {
        let text = format!("number {i} {}", "long ".repeat(1000));
        alice.messenger.send(&conversation, &text).await.unwrap();
    }
    alice.messenger.close().await.unwrap();
    bob.messenger.close().await.unwrap();
    let file = alice.folder.path().join("account.db");
    let whole = std::fs::read(&file).unwrap();
    let (mut opened, mut told) = (0, 0);
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096 + 1000] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let mut errors = Vec::new();
        match open(alice.folder.path(), &net) {
            Err(error) => errors.push(error),
            Ok(messenger) => {
                opened += 1;
                let events = messenger.subscribe();
                errors.extend(messenger.account().err());
                errors.extend(messenger.contacts().err());
                errors.extend(messenger.conversations(Folder::Inbox, None, 10).err());
                match messenger.messages(&conversation, None, 100) {
                    Ok(page) => assert_eq!(page.len(), 11, "the request and ten texts"),
                    Err(error) => errors.push(error),
                }
                errors.extend(messenger.send(&conversation, "one more").await.err());
                errors.extend(messenger.set_foreground(false).await.err());
                errors.extend(messenger.close().await.err());
                while let Some(batch) = events.next_batch(64).await {
                    for event in batch {
                        if let Event::Notice { code } = event {
                            assert_eq!(code, Code::StorageCorrupt);
                            told += 1;
                        }
                    }
                }
            }
        }
        for error in errors {
            assert_eq!(error.code(), Code::StorageCorrupt, "page {page}");
            told += 1;
        }
        for part in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(alice.folder.path().join(format!("account.db{part}")));
        }
    }
    assert!(opened > 10 && told > 50, "{opened} {told}");
}

#[tokio::test]
async fn connectivity_is_told_and_can_be_asked() {
    let net = Loopback::default();
    let person = Person::new(&net, "Gil").await;
    person.until("subscribed", |m| m.connectivity().subscribed.then_some(())).await;
    net.set_online(person.port, false);
    let told = async {
        loop {
            let batch = person.events.next_batch(64).await.unwrap();
            let offline = |event: &Event| matches!(event, Event::Connectivity(c) if c.publish_nodes == 0);
            if batch.iter().any(offline) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(person.messenger.connectivity().publish_nodes, 0);
    assert!(person.messenger.diagnostics().unwrap().node_reached);
}

#[tokio::test]
async fn a_wiped_account_is_gone_and_its_folder_is_free() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let (m, dir) = (&alice.messenger, alice.folder.path());
    assert_eq!(Messenger::wipe(dir), Err(Code::StorageInUse.into()), "while it is open");
    let id = m.account().unwrap().unwrap().id;
    // Calls that are on their way end, one way or the other.
    let at = alice.conversation();
    let sends = (0..20).map(|n| {
        let (m, at) = (m.clone(), at.clone());
        tokio::spawn(async move { m.send(&at, &format!("{n}")).await })
    });
    let sends: Vec<_> = sends.collect();
    m.account_wipe().await.unwrap();
    for send in sends {
        assert!(send.await.unwrap().map_or_else(|error| error.code() == Code::Closed, |_| true));
    }
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 0);
    assert!(!Messenger::is_in(dir).unwrap());
    let closed = || Some(Code::Closed);
    assert_eq!(m.account_wipe().await.err().map(|error| error.code()), closed());
    assert_eq!(m.account().err().map(|error| error.code()), closed());
    while alice.events.next_batch(64).await.is_some() {}

    let again = open(dir, &net).unwrap();
    assert!(again.account().unwrap().is_none() && again.contacts().unwrap().is_empty());
    again.account_create("Alice").await.unwrap();
    assert_ne!(again.account().unwrap().unwrap().id, id);
    again.close().await.unwrap();
    Messenger::wipe(dir).unwrap();
    Messenger::wipe(dir).unwrap();
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 0);
    // For the other side nothing happened.
    assert_eq!(bob.messenger.contacts().unwrap()[0].state, ContactState::Accepted);
}
