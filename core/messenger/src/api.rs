//! [`Messenger`]: the public API.
//!
//! Calls that change something go to the engine's thread and await one channel reply. Dropping the future never undoes
//! the work, and no async runtime is needed. Reads use a read-only connection on the caller's thread and take
//! microseconds to a few milliseconds. Everything except [`Messenger::open`] and the reads is cancel-safe.

mod files;
mod groups;
mod posts;
mod read;
mod search;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use sotto_db::Reader;
use sotto_net::{Network, Traffic};
use tokio::sync::{broadcast, mpsc, oneshot};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::engine::input::{Answered, Call, ContactAction};
use crate::engine::{Engine, call};
use crate::error::{Code, Error};
use crate::event::Event;
use crate::open::{DATABASE, FILES};
use crate::records::{Connectivity, ContactId, ConversationId, DevicesId, Invite, InviteId, MessageId, SettingsPatch};
use crate::runtime::{Caller, Loop, Task};
use crate::status::Status;
use crate::subscription::Subscription;

/// An open account: cheap to clone, safe to share between threads. Close it before the process ends. Dropping the last
/// clone closes it too, and waits for that (at most 5 s for the network).
#[derive(Clone)]
pub struct Messenger {
    pub(crate) shared: Arc<Shared>,
}

crate::closed_debug!(Messenger);

pub(crate) struct Shared {
    /// `None` only during the drop.
    pub(crate) inbox: Option<mpsc::Sender<Task>>,
    /// `None` after the close.
    pub(crate) reader: Mutex<Option<Reader>>,
    /// Never read itself; new listeners begin at its tail.
    pub(crate) events: broadcast::Receiver<Event>,
    pub(crate) status: Arc<Status>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) clock: Clock,
    pub(crate) opened_ms: i64,
    pub(crate) cluster: u16,
    /// Nodes that go into invite links.
    pub(crate) invite_nodes: Vec<String>,
    pub(crate) receipts: bool,
    pub(crate) database: PathBuf,
    /// The folder of sealed files.
    pub(crate) files: PathBuf,
}

impl Drop for Shared {
    /// Without callers the engine closes. The drop waits for it: a process that ends under a running cipher may crash.
    fn drop(&mut self) {
        self.inbox = None;
        let reader = self.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(reader.take());
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.thread().id() != std::thread::current().id() // dropped in the callback of an answer
            && thread.join().is_err()
        {
            log::error!("the engine thread panicked");
        }
    }
}

/// Destroys the database, and with it the keys of all files, and then the files.
fn wipe(database: &Path, files: &Path) -> Result<(), Error> {
    sotto_db::Account::wipe(database)?;
    match std::fs::remove_dir_all(files) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(sotto_db::Error::from(error).into()),
        _ => Ok(()),
    }
}

/// Version of this library.
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

impl Messenger {
    /// Whether there is a database in this folder, whole or damaged. A host that lost its key must not make another key
    /// then: only the lost key opens the database. Changes nothing. Errors: `storage.io`.
    pub fn is_in(dir: &Path) -> Result<bool, Error> {
        Ok(sotto_db::Account::is_there(&dir.join(DATABASE))?)
    }

    /// Deletes the account in a folder without its key, even if the database is damaged or an earlier wipe was
    /// interrupted. The folder must not be open. Nothing of the account can be read afterwards. The host must delete
    /// its key and counter itself. Blocks for the disk. Errors: `storage.in_use`, `storage.*`.
    pub fn wipe(dir: &Path) -> Result<(), Error> {
        wipe(&dir.join(DATABASE), &dir.join(FILES))
    }

    /// Makes an account and its device. `name` has 1 to 40 bytes. Returns the recovery phrase (12 words), which
    /// [`Messenger::phrase`] returns again. Errors: `account.exists`, `input.name`.
    pub async fn account_create(&self, name: &str) -> Result<Zeroizing<String>, Error> {
        let call = call::AccountCreate { name: name.to_owned() };
        self.act(true, move |engine, now_ms| engine.call(now_ms, call)).await
    }

    /// Restores the account of a phrase (12 to 24 words) and takes over from its other installs. Contacts and history
    /// do not come back. Errors: `phrase.word` (with the word's index), `phrase.length`, `phrase.checksum`,
    /// `account.exists`.
    pub async fn account_restore(&self, phrase: &str) -> Result<(), Error> {
        let call = call::AccountRestore { phrase: Zeroizing::new(phrase.to_owned()) };
        self.act(true, move |engine, now_ms| engine.call(now_ms, call)).await
    }

    /// Changes the own name (1 to 40 bytes). Each contact learns it after 1 to 6 hours, at random. Errors:
    /// `input.name`, `account.missing`.
    pub async fn profile_set(&self, name: &str) -> Result<(), Error> {
        self.call(call::ProfileSet { name: name.to_owned() }).await
    }

    /// Makes an invite for one contact, valid for 7 days. Fails if 8 are open: [`Messenger::invites`] lists them.
    /// Errors: `invite.too_many`, `account.missing`.
    pub async fn invite(&self) -> Result<Invite, Error> {
        self.call(call::InviteCreate {}).await
    }

    /// Closes an open invite before its time; it admits nobody from now on. Requests that came by it stay. Errors:
    /// `invite.missing`, `input.id`.
    pub async fn invite_close(&self, invite: &InviteId) -> Result<(), Error> {
        self.call(call::InviteClose { invite: invite.clone() }).await
    }

    /// Sends a contact request to the inviter of `link`, with a text of at most 400 bytes. The request is on disk when
    /// this returns, and leaves when the inviter's cards are found. Errors: `invite.*`, `contact.self`,
    /// `contact.state`, `input.too_long`.
    pub async fn contact_add(&self, link: &str, text: Option<&str>) -> Result<ContactId, Error> {
        self.call(call::ContactAdd { link: link.to_owned(), text: text.map(str::to_owned) }).await
    }

    /// Accepts or declines a request, blocks or unblocks a contact. Declining and blocking send nothing. Errors:
    /// `contact.missing`, `contact.state`.
    pub async fn contact_answer(&self, contact: &ContactId, action: ContactAction) -> Result<(), Error> {
        self.call(call::ContactAnswer { contact: contact.clone(), action }).await
    }

    /// Deletes a contact with its conversation, sessions and keys. Nothing more is sent to the contact, and it is not
    /// told. It is then a stranger, who may ask again by an invite. A blocked contact stays blocked and keeps its name.
    /// Errors: `contact.missing`.
    pub async fn contact_remove(&self, contact: &ContactId) -> Result<(), Error> {
        self.call(call::ContactRemove { contact: contact.clone() }).await
    }

    /// Begins a new session with a contact, for a person who reports trouble with it. Messages without a receipt are
    /// sent again in the new session. Nothing happens if the session is younger than an hour or was not answered yet.
    /// Errors: `contact.missing`, `contact.state`.
    pub async fn session_reset(&self, contact: &ContactId) -> Result<(), Error> {
        self.call(call::SessionReset { contact: contact.clone() }).await
    }

    /// Sets a nickname for a contact, 1 to 40 bytes. It is kept on this device only. `None` removes it, and the
    /// contact's own name is shown again. Errors: `contact.missing`, `input.name`.
    pub async fn nickname_set(&self, contact: &ContactId, nickname: Option<&str>) -> Result<(), Error> {
        self.call(call::NicknameSet { contact: contact.clone(), nickname: nickname.map(str::to_owned) }).await
    }

    /// Records that the person compared the safety number for these `devices`
    /// ([`SafetyNumber::devices`](crate::records::SafetyNumber::devices)). With `None` the contact is no longer
    /// verified. A waiting device is then accepted. Errors: `contact.missing`, `contact.devices_changed` if the devices
    /// have changed since.
    pub async fn contact_verify(&self, contact: &ContactId, devices: Option<&DevicesId>) -> Result<(), Error> {
        self.call(call::ContactVerify {
            contact: contact.clone(),
            devices: devices.map(DevicesId::to_bytes).transpose()?,
        })
        .await
    }

    /// Verifies by the QR code scanned from the contact's phone ([`SafetyNumber::qr`](crate::records::SafetyNumber::qr)
    /// there). Errors: `contact.missing`, `verify.qr`, `verify.account`, `verify.devices`, `verify.own_devices`;
    /// nothing is verified then.
    pub async fn contact_scan(&self, contact: &ContactId, qr: &[u8]) -> Result<(), Error> {
        self.call(call::ContactScan { contact: contact.clone(), qr: qr.to_vec() }).await
    }

    /// Records that the person saw the contact's changed devices
    /// ([`SafetyNumber::devices`](crate::records::SafetyNumber::devices)) and goes on without comparing. A waiting
    /// device is then accepted; `verified` does not cover it. Errors: `contact.missing`, `contact.devices_changed` if
    /// the devices have changed since.
    pub async fn devices_seen(&self, contact: &ContactId, devices: &DevicesId) -> Result<(), Error> {
        self.call(call::DevicesSeen { contact: contact.clone(), devices: devices.to_bytes()? }).await
    }

    /// Answers an incoming message, named by its number from [`Messenger::incoming`], in its conversation. A second
    /// answer to the same message sends nothing and returns the id of the first. So a caller can repeat a call whose
    /// result it does not know. Errors: those of [`Messenger::send`], `message.missing`.
    pub async fn answer(&self, arrival: i64, text: &str) -> Result<MessageId, Error> {
        self.call(call::Answer { arrival, text: text.to_owned() }).await
    }

    /// Sends a failed message again, under its id. Errors: `message.missing`, `contact.state`, `file.unreadable` if the
    /// own copy of a file that nodes do not have is damaged.
    pub async fn retry(&self, message: &MessageId) -> Result<(), Error> {
        self.call(call::Retry { message: message.clone() }).await
    }

    /// Marks all messages up to `message` as read; a contact is told if read receipts are on. A long text that is
    /// still being fetched stays unread; mark it when it is whole. Errors: `message.missing`, `conversation.missing`.
    pub async fn mark_read(&self, conversation: &ConversationId, message: &MessageId) -> Result<(), Error> {
        self.call(call::MarkRead { conversation: conversation.clone(), message: message.clone() }).await
    }

    /// Saves unsent text and what it replies to; an empty text clears it. Errors: `conversation.missing`,
    /// `input.too_long`.
    pub async fn draft_set(
        &self,
        conversation: &ConversationId,
        text: &str,
        reply_to: Option<&MessageId>,
    ) -> Result<(), Error> {
        let (conversation, reply_to) = (conversation.clone(), reply_to.cloned());
        self.call(call::DraftSet { conversation, text: text.to_owned(), reply_to }).await
    }

    /// Deletes the draft and all messages of a conversation, each as [`Messenger::delete_for_me`] does. No folder
    /// lists the conversation until its next message or until its contact's state changes. Errors:
    /// `conversation.missing`.
    pub async fn conversation_delete(&self, conversation: &ConversationId) -> Result<(), Error> {
        self.call(call::ConversationDelete { conversation: conversation.clone() }).await
    }

    /// Mutes a conversation until `until_ms` (Unix milliseconds); `None` mutes it without an end, and a time in the
    /// past unmutes it. The app must not notify of messages in a muted conversation, and new messages do not take it
    /// out of the archive. Errors: `conversation.missing`.
    pub async fn mute(&self, conversation: &ConversationId, until_ms: Option<i64>) -> Result<(), Error> {
        self.call(call::Mute { conversation: conversation.clone(), until_ms }).await
    }

    /// Archives a conversation and unpins it, or returns it to the inbox. A sent message returns it too, and so does a
    /// received one unless it is muted. Errors: `conversation.missing`.
    pub async fn archive(&self, conversation: &ConversationId, on: bool) -> Result<(), Error> {
        self.call(call::Archive { conversation: conversation.clone(), on }).await
    }

    /// Pins a conversation, so that its folder lists it first, or unpins it. Pinning ends archiving. Errors:
    /// `conversation.missing`.
    pub async fn conversation_pin(&self, conversation: &ConversationId, on: bool) -> Result<(), Error> {
        self.call(call::ConversationPin { conversation: conversation.clone(), on }).await
    }

    /// Marks a conversation as unread, or removes the mark. [`Messenger::mark_read`] removes it too. The other side is
    /// not told. Errors: `conversation.missing`.
    pub async fn mark_unread(&self, conversation: &ConversationId, on: bool) -> Result<(), Error> {
        self.call(call::MarkUnread { conversation: conversation.clone(), on }).await
    }

    /// Says that the person is writing. It is sent at most every 15 s, only if the setting `typing` is on, and never to
    /// a group. Errors:
    /// `conversation.missing`.
    pub async fn typing(&self, conversation: &ConversationId) -> Result<(), Error> {
        self.call(call::Typing { conversation: conversation.clone() }).await
    }

    /// Changes settings; `None` fields keep their value. A log level applies at once.
    pub async fn settings_set(&self, patch: SettingsPatch) -> Result<(), Error> {
        self.call(call::SettingsSet { patch }).await?;
        if let Some(level) = patch.log {
            log::set_max_level(level);
        }
        Ok(())
    }

    /// Says whether the app is on screen. If so: two filter peers, and a dead node is noticed within 10 s. If
    /// not: one peer, and a handful of packets in four minutes. A replaced install gives the notice `device.replaced`
    /// again.
    pub async fn set_foreground(&self, on: bool) -> Result<(), Error> {
        self.act(!on, move |engine, now_ms| engine.foreground(now_ms, on)).await
    }

    /// Says that the host's network changed: connections are dropped and names resolved again. Errors: `input.setting`
    /// for a DNS server that is no IP address with optional port.
    pub async fn on_network_change(&self, network: Network) -> Result<(), Error> {
        if !network.is_valid() {
            return Err(Code::BadSetting.into());
        }
        self.act(false, move |engine, now_ms| engine.network_changed(now_ms, network)).await
    }

    /// Says whether the device is charging. With [`Mode::Adaptive`](crate::Mode::Adaptive) it relays while it charges
    /// on a network that [`Messenger::on_network_change`] called unmetered. Other modes ignore it.
    pub async fn on_power_change(&self, charging: bool) -> Result<(), Error> {
        self.act(false, move |engine, now_ms| engine.power_changed(now_ms, charging)).await
    }

    /// Addresses under which neighbours are served: multiaddrs ending in `/p2p/…`, new with every start of relay mode.
    /// Empty in light mode or without listen addresses in the configuration.
    pub fn serving(&self) -> Vec<String> {
        self.shared.status.now().serving.clone()
    }

    /// For a background wake-up: catches up, sends the outbox, and returns the number of received messages. After
    /// `deadline` it fails with `deadline`, and the work goes on while the process lives.
    pub async fn sync_once(&self, deadline: Duration) -> Result<u32, Error> {
        self.ask(move |thread, caller| thread.sync(deadline, caller)).await
    }

    /// Reachability as last reported; [`Event::Connectivity`] reports changes.
    pub fn connectivity(&self) -> Connectivity {
        self.shared.status.now().connectivity.clone()
    }

    /// Listens to events from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.shared.events.resubscribe())
    }

    /// Closes the messenger: the write-ahead log is truncated, connections end, threads are joined, the folder is free.
    /// Later calls fail with `closed`; another close succeeds. Dropping the future does not stop it.
    pub async fn close(&self) -> Result<(), Error> {
        // A reader would keep the log from being truncated.
        drop(self.reader().take());
        let result = match self.ask(Loop::close_for).await {
            Err(error) if error.code() == Code::Closed => Ok(()),
            result => result,
        };
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(JoinHandle::join) {
            Some(Err(_)) => Err(Code::Internal.into()),
            _ => result,
        }
    }

    /// Closes and deletes the account on this device. Then the folder is free for a new account. Contacts are not told,
    /// and the phrase still restores the id. If the call fails or is dropped, call [`Messenger::wipe`]. Errors:
    /// `closed`, `storage.*`.
    pub async fn account_wipe(&self) -> Result<(), Error> {
        if self.reader().is_none() {
            return Err(Code::Closed.into());
        }
        if let Err(error) = self.close().await {
            log::warn!("closing for good: {error}"); // the files are deleted anyway
        }
        // Overwriting takes its time, and whoever polls this may be a host's main thread.
        let (database, files) = (self.shared.database.clone(), self.shared.files.clone());
        let (caller, done) = oneshot::channel();
        let work = move || {
            let _ = caller.send(wipe(&database, &files)); // a caller that went away wants no answer
        };
        Builder::new().name("sotto-wipe".into()).spawn(work).map_err(|_| Code::Internal)?;
        done.await.map_err(|_| Code::Internal)?
    }

    pub(crate) fn reader(&self) -> std::sync::MutexGuard<'_, Option<Reader>> {
        self.shared.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<C: Call>(&self, call: C) -> Result<C::Answer, Error> {
        self.act(false, move |engine, now_ms| engine.call(now_ms, call)).await
    }

    /// [`Self::call`] for a thread that may wait. What it begins ends even if nobody waits for that thread.
    fn call_blocking<C: Call>(&self, call: C) -> Result<C::Answer, Error> {
        let (caller, answer) = oneshot::channel();
        let inbox = self.shared.inbox.as_ref().ok_or(Code::Closed)?;
        let work =
            move |thread: &mut Loop| thread.answer(false, move |engine, now_ms| engine.call(now_ms, call), caller);
        inbox.blocking_send(Box::new(work)).map_err(|_| Code::Closed)?;
        answer.blocking_recv().map_err(|_| Error::from(Code::Closed))?
    }

    /// Has the engine do something, without a wait for it. What finds no room in a full inbox is not done.
    fn tell<C: Call>(&self, call: C) {
        let (caller, _) = oneshot::channel();
        let work =
            move |thread: &mut Loop| thread.answer(false, move |engine, now_ms| engine.call(now_ms, call), caller);
        let _ = self.shared.inbox.as_ref().map(|inbox| inbox.try_send(Box::new(work)));
    }

    /// With `at_once` the open counter moves before the answer.
    async fn act<T: Send + 'static>(
        &self,
        at_once: bool,
        act: impl FnOnce(&mut Engine, i64) -> Answered<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.ask(move |thread, caller| thread.answer(at_once, act, caller)).await
    }

    /// Runs work on the engine's thread and waits for its answer.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Loop, Caller<T>) + Send + 'static,
    ) -> Result<T, Error> {
        let (caller, answer) = oneshot::channel();
        let inbox = self.shared.inbox.as_ref().ok_or(Code::Closed)?;
        inbox.send(Box::new(move |thread| work(thread, caller))).await.map_err(|_| Code::Closed)?;
        answer.await.map_err(|_| Error::from(Code::Closed))?
    }
}
