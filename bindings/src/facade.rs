//! [`SottoCore`]: the messenger's calls, with plain values in and out. Reads leave the caller's thread ([`Reads`]).

mod files;
mod groups;
mod posts;

use std::sync::Arc;
use std::time::Duration;

use sotto_messenger::{Code, Messenger};

use crate::config::SottoConfig;
use crate::error::SottoError;
use crate::event::SottoEvents;
use crate::logging;
use crate::reads::Reads;
use crate::records::{
    Account, Connectivity, Contact, ContactAction, ContactId, Conversation, ConversationId, DevicesId, Diagnostics,
    Folder, Incoming, Invite, InviteId, InvitePreview, Message, MessageId, NetworkState, SafetyNumber, Settings,
    SettingsPatch, Unread, records,
};

/// An open account. Call `shutdown` before the process ends and before dropping the last reference.
#[derive(uniffi::Object)]
pub struct SottoCore {
    messenger: Messenger,
    reads: Reads,
}

#[uniffi::export]
impl SottoCore {
    /// Opens the account in `config.dir`, or an empty folder, and starts the threads. It waits for the database only;
    /// no node is connected yet. `key` is the database's key, 32 bytes from the platform's key store. It is wiped here;
    /// copies that the host and the language boundary make are not. Errors: `storage.*`, `network.address`,
    /// `input.setting`.
    #[uniffi::constructor]
    pub async fn open(config: SottoConfig, key: Vec<u8>) -> Result<Arc<Self>, SottoError> {
        let config = config.with_key(key)?;
        logging::start();
        let (messenger, reads) = Reads::open(config).await?;
        Ok(Arc::new(Self { messenger, reads }))
    }

    /// Makes an account and its device. `name` has 1 to 40 bytes. Returns the recovery phrase (12 words). Errors:
    /// `account.exists`, `input.name`.
    pub async fn account_create(&self, name: String) -> Result<String, SottoError> {
        let phrase = self.messenger.account_create(&name).await?;
        Ok(phrase.as_str().to_owned())
    }

    /// Restores the account of a phrase and takes over from its other installs. Contacts and history do not come back.
    /// Errors: `phrase.*`, `account.exists`.
    pub async fn account_restore(&self, phrase: String) -> Result<(), SottoError> {
        let phrase = zeroize::Zeroizing::new(phrase);
        Ok(self.messenger.account_restore(&phrase).await?)
    }

    /// The own account, or none before it is made. Errors: `storage.*`, `closed`.
    pub async fn account(&self) -> Result<Option<Account>, SottoError> {
        let account = self.reads.read(Messenger::account).await?;
        Ok(account.map(Into::into))
    }

    /// The recovery phrase. Everybody who has it has the account. Errors: `account.missing`.
    pub async fn phrase(&self) -> Result<String, SottoError> {
        let phrase = self.reads.read(Messenger::phrase).await?;
        Ok(phrase.as_str().to_owned())
    }

    /// Changes the own name (1 to 40 bytes). Each contact learns it after 1 to 6 hours, at random. Errors:
    /// `input.name`, `account.missing`.
    pub async fn profile_set(&self, name: String) -> Result<(), SottoError> {
        Ok(self.messenger.profile_set(&name).await?)
    }

    /// Makes an invite for one contact, valid for 7 days. Fails if 8 are open. Errors: `invite.too_many`,
    /// `account.missing`.
    pub async fn invite(&self) -> Result<Invite, SottoError> {
        Ok(self.messenger.invite().await?.into())
    }

    /// The open invites, oldest first. Errors: `account.missing`.
    pub async fn invites(&self) -> Result<Vec<Invite>, SottoError> {
        Ok(records(self.reads.read(Messenger::invites).await?))
    }

    /// Closes an open invite before its time; it admits nobody from now on. Errors: `invite.missing`, `input.id`.
    pub async fn invite_close(&self, invite: InviteId) -> Result<(), SottoError> {
        Ok(self.messenger.invite_close(&invite.into()).await?)
    }

    /// Reads an invite's link and sends nothing. Errors: `invite.*`.
    pub fn invite_preview(&self, link: String) -> Result<InvitePreview, SottoError> {
        Ok(self.messenger.invite_preview(&link)?.into())
    }

    /// Sends a contact request to the inviter of `link`, with a text of at most 400 bytes. Returns the contact's id.
    /// The request is on disk then, and leaves when the inviter's cards are found. Errors: `invite.*`, `contact.self`,
    /// `contact.state`, `input.too_long`.
    #[uniffi::method(default(text = None))]
    pub async fn contact_add(&self, link: String, text: Option<String>) -> Result<ContactId, SottoError> {
        let contact = self.messenger.contact_add(&link, text.as_deref()).await?;
        Ok(contact.into())
    }

    /// All contacts and requests, in any state, by name.
    pub async fn contacts(&self) -> Result<Vec<Contact>, SottoError> {
        Ok(records(self.reads.read(Messenger::contacts).await?))
    }

    /// Accepts or declines a request, blocks or unblocks a contact. Errors: `contact.missing`, `contact.state`.
    pub async fn contact_answer(&self, contact: ContactId, action: ContactAction) -> Result<(), SottoError> {
        Ok(self.messenger.contact_answer(&contact.into(), action.into()).await?)
    }

    /// Sets a nickname for a contact, 1 to 40 bytes, on this device only; `None` removes it. Errors: `contact.missing`,
    /// `input.name`.
    #[uniffi::method(default(nickname = None))]
    pub async fn nickname_set(&self, contact: ContactId, nickname: Option<String>) -> Result<(), SottoError> {
        Ok(self.messenger.nickname_set(&contact.into(), nickname.as_deref()).await?)
    }

    /// Deletes a contact with its conversation, sessions and keys. Nothing more is sent to the contact, and it is not
    /// told. It is then a stranger, who may ask again by an invite. A blocked contact stays blocked and keeps its name.
    /// Errors: `contact.missing`.
    pub async fn contact_remove(&self, contact: ContactId) -> Result<(), SottoError> {
        Ok(self.messenger.contact_remove(&contact.into()).await?)
    }

    /// Begins a new session with a contact, for a person who reports trouble with it. Messages without a receipt are
    /// sent again in the new session. Nothing happens if the session is younger than an hour or was not answered yet.
    /// Errors: `contact.missing`, `contact.state`.
    pub async fn session_reset(&self, contact: ContactId) -> Result<(), SottoError> {
        Ok(self.messenger.session_reset(&contact.into()).await?)
    }

    /// Records that the person compared the safety number for these `devices` (`SafetyNumber.devices`). With `None` the
    /// contact is no longer verified. Errors: `contact.missing`, `contact.devices_changed`.
    pub async fn contact_verify(&self, contact: ContactId, devices: Option<DevicesId>) -> Result<(), SottoError> {
        let devices = devices.map(Into::into);
        Ok(self.messenger.contact_verify(&contact.into(), devices.as_ref()).await?)
    }

    /// Verifies by the QR code scanned from the contact's phone (`SafetyNumber.qr` there). Errors: `contact.missing`,
    /// `verify.qr`, `verify.account`, `verify.devices`, `verify.own_devices`.
    pub async fn contact_scan(&self, contact: ContactId, qr: Vec<u8>) -> Result<(), SottoError> {
        Ok(self.messenger.contact_scan(&contact.into(), &qr).await?)
    }

    /// Records that the person saw the contact's changed devices (`SafetyNumber.devices`) and goes on without
    /// comparing; `verified` does not cover them. Errors: `contact.missing`, `contact.devices_changed`.
    pub async fn devices_seen(&self, contact: ContactId, devices: DevicesId) -> Result<(), SottoError> {
        Ok(self.messenger.devices_seen(&contact.into(), &devices.into()).await?)
    }

    /// The values that two people compare to know that they talk to each other. Errors: `account.missing`,
    /// `contact.missing`.
    pub async fn safety_number(&self, contact: ContactId) -> Result<SafetyNumber, SottoError> {
        Ok(self.reads.read(move |messenger| messenger.safety_number(&contact.into())).await?.into())
    }

    /// One contact. Errors: `contact.missing`, `input.id`.
    pub async fn contact(&self, id: ContactId) -> Result<Contact, SottoError> {
        Ok(self.reads.read(move |messenger| messenger.contact(&id.into())).await?.into())
    }

    /// A page of a folder's conversations: pinned ones first, then the latest activity. `limit` is 1 to 500. `before`
    /// is the cursor of the last conversation of the previous page. Drafts are cut. Errors: `input.id`, `input.limit`.
    #[uniffi::method(default(before = None))]
    pub async fn conversations(
        &self,
        folder: Folder,
        limit: i32,
        before: Option<String>,
    ) -> Result<Vec<Conversation>, SottoError> {
        let read = move |messenger: &Messenger| messenger.conversations(folder.into(), before.as_deref(), rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// One conversation with its whole draft. Errors: `conversation.missing`, `input.id`.
    pub async fn conversation(&self, id: ConversationId) -> Result<Conversation, SottoError> {
        Ok(self.reads.read(move |messenger| messenger.conversation(&id.into())).await?.into())
    }

    /// Counts of unread messages, conversations and requests. Muted and archived conversations do not count.
    pub async fn unread(&self) -> Result<Unread, SottoError> {
        Ok(self.reads.read(Messenger::unread).await?.into())
    }

    /// A page of messages, newest first, with texts of up to 4,096 bytes (`Message.more`). `limit` is 1 to 500.
    /// `before` is the cursor of the last message of the previous page. Errors: `input.id`, `input.limit`,
    /// `conversation.missing`.
    #[uniffi::method(default(before = None))]
    pub async fn messages(
        &self,
        conversation: ConversationId,
        limit: i32,
        before: Option<String>,
    ) -> Result<Vec<Message>, SottoError> {
        let id = conversation.into();
        let read = move |messenger: &Messenger| messenger.messages(&id, before.as_deref(), rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// A page around one message, newest first. At most half of it is newer; older messages fill the rest. `messages`
    /// continues it. `limit` is 1 to 500. Errors: `input.id`, `input.limit`, `message.missing`.
    pub async fn messages_around(&self, id: MessageId, limit: i32) -> Result<Vec<Message>, SottoError> {
        let read = move |messenger: &Messenger| messenger.messages_around(&id.into(), rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// One message with its whole text. Errors: `message.missing`, `input.id`.
    pub async fn message(&self, id: MessageId) -> Result<Message, SottoError> {
        Ok(self.reads.read(move |messenger| messenger.message(&id.into())).await?.into())
    }

    /// Whole messages of accepted contacts in the order of arrival, after the number `after`. Passing the highest
    /// handled number skips no message and repeats none, even after restarts. `limit` is 1 to 500. Errors:
    /// `input.limit`.
    #[uniffi::method(default(after = 0))]
    pub async fn incoming(&self, limit: i32, after: i64) -> Result<Vec<Incoming>, SottoError> {
        let read = move |messenger: &Messenger| messenger.incoming(after, rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// Answers an incoming message by its number. A second answer to the same message sends nothing and returns the id
    /// of the first. Errors: those of `send`, `message.missing`.
    pub async fn answer(&self, arrival: i64, text: String) -> Result<MessageId, SottoError> {
        Ok(self.messenger.answer(arrival, &text).await?.into())
    }

    /// Sends a failed message again, under its id. Errors: `message.missing`, `contact.state`.
    pub async fn retry(&self, message: MessageId) -> Result<(), SottoError> {
        Ok(self.messenger.retry(&message.into()).await?)
    }

    /// Marks all messages up to `message` as read; their author is told if read receipts are on. Errors:
    /// `message.missing`, `conversation.missing`.
    pub async fn mark_read(&self, conversation: ConversationId, message: MessageId) -> Result<(), SottoError> {
        Ok(self.messenger.mark_read(&conversation.into(), &message.into()).await?)
    }

    /// Saves unsent text and what it replies to; an empty text clears it. Errors: `conversation.missing`,
    /// `input.too_long`.
    #[uniffi::method(default(reply_to = None))]
    pub async fn draft_set(
        &self,
        conversation: ConversationId,
        text: String,
        reply_to: Option<MessageId>,
    ) -> Result<(), SottoError> {
        let reply_to = reply_to.map(Into::into);
        Ok(self.messenger.draft_set(&conversation.into(), &text, reply_to.as_ref()).await?)
    }

    /// Deletes all messages of a conversation for us, and its draft. No folder lists it before the next message, or
    /// until its contact's state changes. Errors: `conversation.missing`.
    pub async fn conversation_delete(&self, conversation: ConversationId) -> Result<(), SottoError> {
        Ok(self.messenger.conversation_delete(&conversation.into()).await?)
    }

    /// Mutes a conversation until `until_ms`, or without an end: the app notifies nobody of its messages. A past time
    /// unmutes. Errors: `conversation.missing`.
    #[uniffi::method(default(until_ms = None))]
    pub async fn mute(&self, conversation: ConversationId, until_ms: Option<i64>) -> Result<(), SottoError> {
        Ok(self.messenger.mute(&conversation.into(), until_ms).await?)
    }

    /// Archives a conversation and unpins it, or returns it to the inbox. A sent message returns it too, and so does a
    /// received one unless it is muted. Errors: `conversation.missing`.
    pub async fn archive(&self, conversation: ConversationId, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.archive(&conversation.into(), on).await?)
    }

    /// Pins a conversation, so that its folder lists it first, or unpins it. Pinning ends archiving. Errors:
    /// `conversation.missing`.
    pub async fn conversation_pin(&self, conversation: ConversationId, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.conversation_pin(&conversation.into(), on).await?)
    }

    /// Marks a conversation as unread, or removes the mark; `mark_read` removes it too. Nobody is told. Errors:
    /// `conversation.missing`.
    pub async fn mark_unread(&self, conversation: ConversationId, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.mark_unread(&conversation.into(), on).await?)
    }

    /// Says that the person is writing. It is sent at most every 15 s, and only if the setting `typing` is on. Errors:
    /// `conversation.missing`.
    pub async fn typing(&self, conversation: ConversationId) -> Result<(), SottoError> {
        Ok(self.messenger.typing(&conversation.into()).await?)
    }

    /// All settings.
    pub async fn settings(&self) -> Result<Settings, SottoError> {
        Ok(self.reads.read(Messenger::settings).await?.into())
    }

    /// Changes settings; missing fields keep their value. A log level applies at once. Errors: `input.setting` for a
    /// negative delay.
    pub async fn settings_set(&self, patch: SettingsPatch) -> Result<(), SottoError> {
        Ok(self.messenger.settings_set(patch.try_into()?).await?)
    }

    /// Says whether the app is on screen. A replaced install gives the notice `device.replaced` again.
    pub async fn set_foreground(&self, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.set_foreground(on).await?)
    }

    /// Says that the host's network changed: connections are dropped and names resolved again. Errors: `input.setting`.
    pub async fn network_changed(&self, network: NetworkState) -> Result<(), SottoError> {
        Ok(self.messenger.on_network_change(network.into()).await?)
    }

    /// Says whether the device is charging. With mode `adaptive` it relays while it charges on a network that
    /// `network_changed` called unmetered.
    pub async fn power_changed(&self, charging: bool) -> Result<(), SottoError> {
        Ok(self.messenger.on_power_change(charging).await?)
    }

    /// Addresses under which neighbours are served, multiaddrs ending in `/p2p/…`; empty if none are served.
    pub fn serving(&self) -> Vec<String> {
        self.messenger.serving()
    }

    /// For a background wake-up: catches up, sends the outbox, and returns the number of received messages. After
    /// `deadline_ms` it fails with `deadline`, and the work goes on while the process lives. Errors: `input.setting`
    /// for a negative deadline.
    pub async fn sync_once(&self, deadline_ms: i64) -> Result<i32, SottoError> {
        let deadline = u64::try_from(deadline_ms).map_err(|_| Code::BadSetting)?;
        let deadline = Duration::from_millis(deadline);
        let received = self.messenger.sync_once(deadline).await?;
        Ok(i32::try_from(received).unwrap_or(i32::MAX))
    }

    /// Reachability as last reported; events report changes.
    pub fn connectivity(&self) -> Connectivity {
        self.messenger.connectivity().into()
    }

    /// Listens to events from now on. Read the pages after this call, not before.
    pub fn events(&self) -> Arc<SottoEvents> {
        Arc::new(SottoEvents::new(self.messenger.subscribe()))
    }

    /// Numbers for a bug report, without names, texts, addresses or ids.
    pub async fn diagnostics(&self) -> Result<Diagnostics, SottoError> {
        Ok(self.reads.read(Messenger::diagnostics).await?.into())
    }

    /// Shuts down and deletes the account on this device. Then the folder is free for a new account. Delete the key and
    /// the counter file too. Contacts are not told, and the phrase still restores the id. If the call fails or is
    /// cancelled, call `database_wipe`. Errors: `closed`, `storage.*`.
    pub async fn account_wipe(&self) -> Result<(), SottoError> {
        Ok(self.messenger.account_wipe().await?)
    }

    /// Closes the core: everything is on disk, connections end (at most 5 s), the folder is free, listeners end. Later
    /// calls fail with `closed`; another shutdown succeeds. Cancelling the call does not stop it.
    pub async fn shutdown(&self) -> Result<(), SottoError> {
        Ok(self.messenger.close().await?)
    }
}

fn rows(limit: i32) -> u32 {
    u32::try_from(limit).unwrap_or(0)
}
