//! A person with a messenger of ours.

use std::collections::BTreeSet;
use std::time::Duration;

use sotto_db::Account;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{
    Contact, ContactState, ConversationId, FileKind, FileState, Message, MessageId, MessageState, NewFile, NewPost,
    SettingsPatch,
};
use sotto_messenger::{Config, Fleet, Messenger, Preset, Subscription, system_clock};
use sotto_net::{NetConfig, client};
use tempfile::TempDir;

use crate::PATIENCE;

const KEY: [u8; 32] = [7; 32];
/// The key of the peer book for a fleet without trees.
const NETWORK: &str = "66 ";

/// A messenger on a folder of its own.
pub struct Person {
    name: String,
    folder: TempDir,
    /// The messenger.
    pub messenger: Messenger,
    events: Subscription,
}

fn open(folder: &TempDir, nodes: &[&str], single_circle: bool) -> Messenger {
    Messenger::open(config(folder, nodes, single_circle)).unwrap()
}

fn config(folder: &TempDir, nodes: &[&str], single_circle: bool) -> Config {
    let mut fleet = Fleet::preset(Preset::Local);
    fleet.single_circle = single_circle;
    fleet.nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
    Config::new(folder.path(), KEY, fleet)
}

impl Person {
    /// A new account, talking through these nodes, answering with receipts at once and saying when it types.
    pub async fn new(name: &str, nodes: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let messenger = open(&folder, nodes, true);
        messenger.account_create(name).await.unwrap();
        let patch = SettingsPatch { receipt_delay_ms: Some(0), typing: Some(true), ..SettingsPatch::default() };
        messenger.settings_set(patch).await.unwrap();
        let events = messenger.subscribe();
        Self { name: name.to_owned(), folder, messenger, events }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Closes and opens again, with other nodes.
    pub async fn move_to(&mut self, nodes: &[&str]) {
        self.reopen(nodes, true).await;
    }

    /// The same with circles that share no node.
    pub async fn move_apart(&mut self, nodes: &[&str]) {
        self.reopen(nodes, false).await;
    }

    async fn reopen(&mut self, nodes: &[&str], single_circle: bool) {
        self.messenger.close().await.unwrap();
        self.messenger = open(&self.folder, nodes, single_circle);
        self.events = self.messenger.subscribe();
    }

    /// The same over a client with time limits and a book of its own.
    pub async fn move_over(&mut self, net: NetConfig) {
        self.messenger.close().await.unwrap();
        let nodes: Vec<&str> = net.nodes.iter().map(String::as_str).collect();
        let config = config(&self.folder, &nodes, net.single_circle);
        let (handle, run) = client::start(net.clone()).unwrap();
        tokio::spawn(run);
        self.messenger = Messenger::open_over(config, handle, system_clock()).unwrap();
        self.events = self.messenger.subscribe();
    }

    /// Closes; what it keeps of service nodes.
    pub async fn remembered(self) -> Vec<sotto_db::Node> {
        self.messenger.close().await.unwrap();
        let account = Account::open(&self.folder.path().join("account.db"), &KEY).unwrap();
        account.read(|tx| tx.nodes.of(NETWORK)).unwrap()
    }

    /// Becomes a contact of `other`, by its invite.
    pub async fn befriend(&self, other: &Self) {
        let invite = other.messenger.invite().await.unwrap();
        self.messenger.contact_add(&invite.link, None).await.unwrap();
        // Cards that are looked for before they are out are looked for again after a minute.
        let asks = |one: &Contact| one.state == ContactState::Incoming;
        let asked = |m: &Messenger| m.contacts().unwrap().into_iter().find(asks);
        let request = other.look("a request", 3 * PATIENCE, asked).await;
        other.messenger.contact_answer(&request.id, ContactAction::Accept).await.unwrap();
        self.until("the acceptance", |m| (m.contacts().unwrap()[0].state == ContactState::Accepted).then_some(()))
            .await;
    }

    /// Waits for events until the messenger shows what is wanted.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Messenger) -> Option<T>) -> T {
        self.look(what, PATIENCE, look).await
    }

    /// The same with another patience.
    pub async fn look<T>(&self, what: &str, wait: Duration, look: impl Fn(&Messenger) -> Option<T>) -> T {
        let search = async {
            loop {
                if let Some(found) = look(&self.messenger) {
                    return found;
                }
                self.events.next_batch(64).await.expect("still open");
            }
        };
        match tokio::time::timeout(wait, search).await {
            Ok(found) => found,
            Err(_) => panic!("in vain: {what}"),
        }
    }

    /// The conversation with the only contact.
    pub fn conversation(&self) -> ConversationId {
        self.messenger.contacts().unwrap()[0].conversation.clone()
    }

    /// Sends a text to the only contact.
    pub async fn send(&self, text: &str) -> MessageId {
        let sent = self.messenger.send(&self.conversation(), text).await;
        sent.unwrap()
    }

    /// State of an own message.
    pub fn state(&self, message: &MessageId) -> MessageState {
        let page = self.messenger.messages(&self.conversation(), None, 500);
        let page = page.unwrap();
        page.iter().find(|one| one.id == *message).unwrap().state
    }

    /// Waits until an own message has come at least so far.
    pub async fn reached(&self, message: &MessageId, state: MessageState) {
        self.reached_within(message, state, PATIENCE).await;
    }

    /// The same with another patience.
    pub async fn reached_within(&self, message: &MessageId, state: MessageState, wait: Duration) {
        let look = |_: &Messenger| (self.state(message) >= state).then_some(());
        self.look(&format!("{state:?}"), wait, look).await;
    }

    /// All texts with the only contact.
    pub fn texts(&self) -> BTreeSet<String> {
        let page = self.messenger.messages(&self.conversation(), None, 500);
        let whole = |m: Message| if m.more { self.messenger.message(&m.id).unwrap() } else { m };
        page.unwrap().into_iter().filter_map(|m| whole(m).text).collect()
    }

    /// Sends a file of bytes that never repeat for long; returns them, and the message.
    pub async fn send_file(&self, len: usize) -> (Vec<u8>, MessageId) {
        let mut n = 1_u32;
        let mut next = || {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            n.to_be_bytes()[0]
        };
        let bytes: Vec<u8> = (0..len).map(|_| next()).collect();
        let path = self.folder.path().join("to send.bin");
        std::fs::write(&path, &bytes).unwrap();
        let file = NewFile { path, kind: Some(FileKind::File), ..NewFile::default() };
        let post = NewPost { files: vec![file], ..NewPost::default() };
        (bytes, self.messenger.send(&self.conversation(), post).await.unwrap())
    }

    /// Waits for the only file of a message, fetches it, and returns its bytes.
    pub async fn fetch_file(&self, message: &MessageId) -> Vec<u8> {
        let only = |m: &Messenger| m.message(message).ok()?.files.into_iter().next();
        let file = self.look("a file", 6 * PATIENCE, only).await.id;
        self.messenger.file_fetch(&file).await.unwrap();
        let here = |m: &Messenger| m.file(&file).ok().filter(|file| file.state == FileState::Here);
        let total = self.look("the whole file", 6 * PATIENCE, here).await.total;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < total {
            bytes.extend(self.messenger.file_read(&file, bytes.len() as u64, 1 << 20).unwrap());
        }
        bytes
    }
}
