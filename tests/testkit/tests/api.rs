//! The public API over a network in memory: what a caller may rely on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactState, ConversationId, MessageState, Settings};
use sotto_messenger::{
    Code, Config, Error, Event, Fleet, Kind, Messenger, OpenCounter, Subscription, system_clock,
};
use sotto_testkit::Loopback;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: [u8; 32] = [9; 32];

fn config(dir: &Path) -> Config {
    let mut config = Config::new(dir, KEY, Fleet::preset("local").unwrap());
    config.receipts = true;
    config
}

fn open(dir: &Path, net: &Loopback) -> Result<Messenger, Error> {
    Messenger::open_over(config(dir), net.join().0, system_clock())
}

struct Person {
    folder: TempDir,
    messenger: Messenger,
    events: Subscription,
    port: usize,
}

impl Person {
    async fn new(net: &Loopback, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (handle, port) = net.join();
        let messenger =
            Messenger::open_over(config(folder.path()), handle, system_clock()).unwrap();
        let events = messenger.subscribe();
        let phrase = messenger.account_create(name).await.unwrap();
        assert_eq!(messenger.phrase().unwrap(), phrase);
        let patch = Settings {
            receipt_delay_ms: Some(0),
            ..Settings::default()
        };
        messenger.settings_set(patch).await.unwrap();
        Self {
            folder,
            messenger,
            events,
            port,
        }
    }

    /// Waits for events until the database shows what is wanted.
    async fn until<T>(&self, what: &str, mut look: impl FnMut(&Messenger) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = look(&self.messenger) {
                    return found;
                }
                self.events.next_batch(64).await.expect("still open");
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain for: {what}"),
        }
    }

    fn conversation(&self) -> ConversationId {
        self.messenger.contacts().unwrap()[0].conversation.clone()
    }

    fn texts(&self) -> Vec<String> {
        let page = self.messenger.messages(&self.conversation(), None, 500);
        let mut texts: Vec<_> = page.unwrap().into_iter().filter_map(|m| m.text).collect();
        texts.reverse();
        texts
    }
}

async fn befriended(net: &Loopback) -> (Person, Person) {
    let alice = Person::new(net, "Alice").await;
    let bob = Person::new(net, "Bob").await;
    let invite = bob.messenger.invite().await.unwrap();
    let preview = alice.messenger.invite_preview(&invite.link).unwrap();
    assert_eq!(preview.name, "Bob");
    assert_eq!(preview.expires_ms, invite.expires_ms);
    let them = alice
        .messenger
        .contact_add(&invite.link, Some("it is me"))
        .await
        .unwrap();
    assert_eq!(them, preview.id);
    let request = bob
        .until("a request", |m| m.contacts().unwrap().first().cloned())
        .await;
    assert_eq!(request.state, ContactState::Incoming);
    assert_eq!(request.request_text.as_deref(), Some("it is me"));
    bob.messenger
        .contact_answer(&request.id, ContactAction::Accept)
        .await
        .unwrap();
    alice
        .until("the acceptance", |m| {
            (m.contacts().unwrap()[0].state == ContactState::Accepted).then_some(())
        })
        .await;
    (alice, bob)
}

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
    assert_eq!(numbers(&alice), numbers(&bob));

    let first = alice.messenger.send(&at, "hello 🌿").await.unwrap();
    bob.until("hello", |_| (bob.texts() == ["hello 🌿"]).then_some(()))
        .await;
    let listed = bob.messenger.conversations(None, 10).unwrap();
    assert_eq!((listed.len(), listed[0].unread), (1, 1));
    assert_eq!(listed[0].last_text.as_deref(), Some("hello 🌿"));
    bob.messenger.mark_read(&bt, &first).await.unwrap();
    assert_eq!(bob.messenger.conversations(None, 10).unwrap()[0].unread, 0);
    alice
        .until("read", |m| {
            let page = m.messages(&at, None, 1).unwrap();
            (page[0].state == MessageState::Read).then_some(())
        })
        .await;

    let contact = bob.messenger.contacts().unwrap()[0].id.clone();
    bob.messenger.contact_verify(&contact, true).await.unwrap();
    assert!(bob.messenger.contacts().unwrap()[0].verified);
    bob.messenger.draft_set(&bt, "not yet").await.unwrap();
    assert_eq!(
        bob.messenger.conversations(None, 10).unwrap()[0].draft,
        "not yet"
    );
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
    bob.until("all of them", |_| (bob.texts() == wanted).then_some(()))
        .await;
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let page = bob
            .messenger
            .messages(&conversation, before.as_deref(), 7)
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.cursor.clone());
        seen.extend(page.into_iter().filter_map(|message| message.text));
    }
    seen.reverse();
    assert_eq!(seen, wanted);
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
    bob.until("the text", |_| (bob.texts() == ["let go of"]).then_some(()))
        .await;
}

#[tokio::test]
async fn a_sync_ends_at_its_deadline_and_counts_what_came() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let conversation = alice.conversation();
    net.set_online(bob.port, false);
    bob.until("offline", |m| (!m.connectivity().subscribed).then_some(()))
        .await;
    for i in 0..3 {
        let text = format!("while you were away {i}");
        alice.messenger.send(&conversation, &text).await.unwrap();
    }
    let late = bob.messenger.sync_once(Duration::from_millis(50)).await;
    assert_eq!(late.unwrap_err().code(), Code::Deadline);
    net.set_online(bob.port, true);
    bob.messenger.sync_once(PATIENCE).await.unwrap();
    bob.until("all three", |_| (bob.texts().len() == 3).then_some(()))
        .await;
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let net = Loopback::default();
    let folder = tempfile::tempdir().unwrap();
    let messenger = open(folder.path(), &net).unwrap();
    let code = |error: Error| (error.kind(), error.code());
    assert_eq!(messenger.account().unwrap(), None);
    assert_eq!(
        code(messenger.invite().await.unwrap_err()),
        (Kind::State, Code::AccountMissing)
    );
    assert_eq!(messenger.phrase().unwrap_err().code(), Code::AccountMissing);
    let long = "n".repeat(41);
    assert_eq!(
        code(messenger.account_create(&long).await.unwrap_err()),
        (Kind::InvalidInput, Code::BadName)
    );
    let phrase = "abandon ability able about above absent absorb abstract absurd abuse access zebr";
    let wrong = messenger.account_restore(phrase).await.unwrap_err();
    assert_eq!(wrong.code(), Code::PhraseWord);
    assert!(wrong.detail().contains("12"), "{wrong}");
    messenger.account_create("Carol").await.unwrap();
    assert_eq!(
        messenger.account_create("Carol").await.unwrap_err().code(),
        Code::AccountExists
    );
    let own = messenger.invite().await.unwrap();
    assert_eq!(
        messenger
            .contact_add(&own.link, None)
            .await
            .unwrap_err()
            .code(),
        Code::ContactSelf
    );
    let cut = &own.link[..own.link.len() - 5];
    assert_eq!(
        messenger.invite_preview(cut).unwrap_err().kind(),
        Kind::InvalidInput
    );
    let nowhere = ConversationId::from_bytes(&[1; 32]);
    assert_eq!(
        messenger.messages(&nowhere, None, 10).unwrap_err().code(),
        Code::ConversationMissing
    );
    assert_eq!(
        messenger.conversations(Some("!"), 10).unwrap_err().code(),
        Code::BadId
    );
    let patch = Settings {
        log: Some("loud".into()),
        ..Settings::default()
    };
    assert_eq!(
        messenger.settings_set(patch).await.unwrap_err().code(),
        Code::BadSetting
    );
}

#[tokio::test]
async fn closing_frees_the_folder_and_everybody_who_waits() {
    let net = Loopback::default();
    let (alice, bob) = befriended(&net).await;
    let again = open(bob.folder.path(), &net).unwrap_err();
    assert_eq!(again.code(), Code::StorageInUse);

    net.set_online(bob.port, false);
    bob.until("offline", |m| (!m.connectivity().subscribed).then_some(()))
        .await;
    let waiting = bob.messenger.clone();
    let sync = tokio::spawn(async move { waiting.sync_once(PATIENCE).await });
    // The sync is with the engine once a later call was answered.
    tokio::task::yield_now().await;
    bob.messenger.set_foreground(true).await.unwrap();
    bob.messenger.close().await.unwrap();
    assert_eq!(sync.await.unwrap().unwrap_err().code(), Code::Closed);
    assert_eq!(bob.messenger.contacts().unwrap_err().code(), Code::Closed);
    assert_eq!(
        bob.messenger.invite().await.unwrap_err().code(),
        Code::Closed
    );
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

#[tokio::test]
async fn connectivity_is_told_and_can_be_asked() {
    let net = Loopback::default();
    let person = Person::new(&net, "Gil").await;
    person
        .until("subscribed", |m| m.connectivity().subscribed.then_some(()))
        .await;
    net.set_online(person.port, false);
    let told = async {
        loop {
            let batch = person.events.next_batch(64).await.unwrap();
            let offline =
                |event: &Event| matches!(event, Event::Connectivity(c) if c.publish_nodes == 0);
            if batch.iter().any(offline) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(person.messenger.connectivity().publish_nodes, 0);
    assert!(person.messenger.diagnostics().unwrap().node_reached);
}
