//! People who use the public API over a network in memory.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::Path;
use std::time::Duration;

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ContactState, ConversationId, Message, SettingsPatch};
use sotto_messenger::{Config, Error, Fleet, Messenger, Preset, Subscription, system_clock};
use sotto_testkit::Loopback;
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const KEY: [u8; 32] = [9; 32];
/// The first message of every conversation here.
pub(crate) const REQUEST: &str = "it is me";

pub(crate) fn config(dir: &Path) -> Config {
    let mut config = Config::new(dir, KEY, Fleet::preset(Preset::Local));
    config.receipts = true;
    config
}

pub(crate) fn open(dir: &Path, net: &Loopback) -> Result<Messenger, Error> {
    Messenger::open_over(config(dir), net.join().0, system_clock())
}

pub(crate) struct Person {
    pub(crate) folder: TempDir,
    pub(crate) messenger: Messenger,
    pub(crate) events: Subscription,
    pub(crate) port: usize,
}

impl Person {
    pub(crate) async fn new(net: &Loopback, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (handle, port) = net.join();
        let messenger = Messenger::open_over(config(folder.path()), handle, system_clock()).unwrap();
        let events = messenger.subscribe();
        let phrase = messenger.account_create(name).await.unwrap();
        assert_eq!(messenger.phrase().unwrap(), phrase);
        let patch = SettingsPatch { receipt_delay_ms: Some(0), ..SettingsPatch::default() };
        messenger.settings_set(patch).await.unwrap();
        Self { folder, messenger, events, port }
    }

    /// Waits for events until the database shows the wanted state.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl FnMut(&Messenger) -> Option<T>) -> T {
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

    pub(crate) fn conversation(&self) -> ConversationId {
        self.messenger.contacts().unwrap()[0].conversation.clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let page = self.messenger.messages(&self.conversation(), None, 500);
        let whole = |m: Message| if m.more { self.messenger.message(&m.id).unwrap() } else { m };
        let mut texts: Vec<_> = page.unwrap().into_iter().filter_map(|m| whole(m).text).collect();
        texts.retain(|text| text != REQUEST);
        texts.reverse();
        texts
    }
}

pub(crate) async fn befriended(net: &Loopback) -> (Person, Person) {
    let alice = Person::new(net, "Alice").await;
    let bob = Person::new(net, "Bob").await;
    let invite = bob.messenger.invite().await.unwrap();
    let preview = alice.messenger.invite_preview(&invite.link).unwrap();
    assert_eq!(preview.name, "Bob");
    assert_eq!(preview.expires_ms, invite.expires_ms);
    let them = alice.messenger.contact_add(&invite.link, Some(REQUEST)).await.unwrap();
    assert_eq!(them, preview.id);
    let request = bob.until("a request", |m| m.contacts().unwrap().first().cloned()).await;
    assert_eq!(request.state, ContactState::Incoming);
    assert_eq!(request.request_text.as_deref(), Some(REQUEST));
    bob.messenger.contact_answer(&request.id, ContactAction::Accept).await.unwrap();
    alice.until("the acceptance", |m| (m.contacts().unwrap()[0].state == ContactState::Accepted).then_some(())).await;
    (alice, bob)
}
