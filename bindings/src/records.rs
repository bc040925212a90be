//! What goes in and out, as the generated code knows it. Ids are opaque strings, times Unix milliseconds, sizes bytes.

mod convert;
mod ids;

pub(crate) use convert::{long, records};
pub use ids::{ContactId, ConversationId, DevicesId, InviteId, MessageId};

use crate::code::Code;

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoMessageState")]
pub enum MessageState {
    /// On this device's disk, in the outbox.
    Queued,
    /// A relay took it.
    Sent,
    /// Another node of the publish circle holds it in its store.
    Stored,
    /// A device of the receiver has it on disk.
    Delivered,
    /// The receiver's app marked it read (opt-in). One of the other side: it was marked read here.
    Read,
    /// Given up after 30 days, or refused for good; `retry` starts anew.
    Failed,
    /// A message of the other side, not yet marked read.
    Received,
}

/// Where a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoContactState")]
pub enum ContactState {
    /// We asked; no answer yet.
    Requested,
    /// They asked; we have not answered.
    Incoming,
    /// Both said yes.
    Accepted,
    /// We said no.
    Declined,
    /// We shut them out.
    Blocked,
}

/// What to do about a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoContactAction")]
pub enum ContactAction {
    /// Accept a request.
    Accept,
    /// Decline it; nothing is sent.
    Decline,
    /// Drop the session and refuse handshakes.
    Block,
    /// Take back the block: what was before holds again, a contact or a request.
    Unblock,
}

/// What a phrase that somebody types is worth.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoPhraseCheck")]
pub struct PhraseCheck {
    /// Why it cannot be restored: a word, the length or the checksum. None: it can.
    pub code: Option<Code>,
    /// The words that are in no list.
    pub wrong: Vec<WrongWord>,
}

/// A word of a phrase that is not in the list.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoWrongWord")]
pub struct WrongWord {
    /// Its place, from 1.
    pub index: i32,
    /// Words of the list that are written like it, at most 3, the nearest first.
    pub nearest: Vec<String>,
}

/// A segment of a colour ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoRingSegment")]
pub struct RingSegment {
    /// 1 to 5.
    pub length: i32,
    /// 0 to 31.
    pub color: i32,
}

/// The own account.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoAccount")]
pub struct Account {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// Chosen name, at most 40 bytes.
    pub name: String,
    /// 14 emoji.
    pub emoji_hash: Vec<String>,
    /// The ring around a picture.
    pub color_ring: Vec<RingSegment>,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoContact")]
pub struct Contact {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// Their conversation.
    pub conversation: ConversationId,
    /// What they are called here: the nickname given to them, else `own_name`.
    pub name: String,
    /// The name they gave, cleaned of control characters.
    pub own_name: String,
    /// 14 emoji.
    pub emoji_hash: Vec<String>,
    /// Where they stand.
    pub state: ContactState,
    /// The text of their request, while `incoming`.
    pub request_text: Option<String>,
    /// The safety number was compared, for the device that messages leave for.
    pub verified: bool,
    /// Their devices changed, and nobody has verified them or said that the change was seen.
    pub devices_changed: bool,
    /// Why no session can be begun with them now, by code.
    pub waiting: Option<Code>,
}

/// An open invite.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoInvite")]
pub struct Invite {
    /// Its id, which gives nobody the link.
    pub id: InviteId,
    /// The link; its fragment is also the QR payload.
    pub link: String,
    /// Unix milliseconds.
    pub expires_ms: i64,
}

/// What a link says before anything is sent.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoInvitePreview")]
pub struct InvitePreview {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// The name in the link (unproven).
    pub name: String,
    /// 14 emoji.
    pub emoji_hash: Vec<String>,
    /// Unix milliseconds.
    pub expires_ms: i64,
}

/// Where a conversation is listed: each is in one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoFolder")]
pub enum Folder {
    /// With contacts, and with whom we asked.
    Inbox,
    /// Those of the inbox that were archived, until a message comes while they are not muted, or leaves.
    Archived,
    /// With those who asked and wait for an answer.
    Requests,
    /// With those who were declined or blocked.
    Closed,
}

/// One conversation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoConversation")]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The other side.
    pub contact: ContactId,
    /// What they are called here: the nickname given to them, else `own_name`.
    pub name: String,
    /// The name they gave.
    pub own_name: String,
    /// Where they stand.
    pub state: ContactState,
    /// Unread messages.
    pub unread: i32,
    /// The person marked it as unread, whatever `unread` says.
    pub marked_unread: bool,
    /// It comes first in its folder.
    pub pinned: bool,
    /// It is in the folder `archived` instead of the inbox.
    pub archived: bool,
    /// Nobody is to be notified of its messages.
    pub muted: bool,
    /// When that ends, Unix milliseconds. None: not by itself, or it is not muted.
    pub muted_until_ms: Option<i64>,
    /// Unsent text; in a list its first 200 characters at most, cut at a grapheme.
    pub draft: String,
    /// The newest message, if there is one.
    pub last: Option<LastMessage>,
    /// The newest message's time, or the conversation's beginning.
    pub last_ms: i64,
    /// Hand this to `before` for the next page.
    pub cursor: String,
}

/// The newest message of a conversation, as a list shows it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoLastMessage")]
pub struct LastMessage {
    /// Its id.
    pub id: MessageId,
    /// We wrote it.
    pub mine: bool,
    /// Its first 200 characters at most, cut at a grapheme; missing as in `Message`.
    pub text: Option<String>,
    /// Written by a newer version: "needs a newer version".
    pub newer: bool,
    /// A long text still being fetched.
    pub fetching: bool,
    /// Where it stands.
    pub state: MessageState,
}

/// What has not been read, in conversations that are not muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoUnread")]
pub struct Unread {
    /// Messages in the inbox.
    pub messages: i32,
    /// Conversations of the inbox that have some, or were marked as unread.
    pub conversations: i32,
    /// Requests that wait for an answer.
    pub requests: i32,
}

/// One message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoMessage")]
pub struct Message {
    /// Its id, the same on both sides.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// We wrote it.
    pub mine: bool,
    /// The text; missing while a long one is on its way, or for a kind this version does not know.
    pub text: Option<String>,
    /// The text goes on: in a page it has at most 4,096 bytes, cut at a grapheme. By its id the message is whole.
    pub more: bool,
    /// Written by a newer version: "needs a newer version".
    pub newer: bool,
    /// It came from a device that was not the contact's confirmed one: somebody else may have written it.
    pub unconfirmed: bool,
    /// A long text still being fetched.
    pub fetching: bool,
    /// Where it stands.
    pub state: MessageState,
    /// Why it failed, by code.
    pub reason: Option<Code>,
    /// The author's clock, Unix milliseconds (whole seconds).
    pub time_ms: i64,
    /// Hand this to `before` for the next page.
    pub cursor: String,
}

/// A message of the other side, in the order of arrival.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoIncoming")]
pub struct Incoming {
    /// Its number: later ones are higher, and none is used twice.
    pub arrival: i64,
    /// The message, whole.
    pub message: Message,
}

/// Reachability as a person would ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoConnectivity")]
pub struct Connectivity {
    /// Nodes to publish through.
    pub publish_nodes: i32,
    /// Nodes to hear from.
    pub receive_nodes: i32,
    /// A store can be asked.
    pub store: bool,
    /// The own topic is being heard.
    pub subscribed: bool,
    /// While relaying: nodes that messages are passed on to and from; else 0.
    pub relay_peers: i32,
}

/// What the host knows about its network.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNetworkState")]
pub struct NetworkState {
    /// DNS servers, IP addresses with optional port; empty keeps the system's.
    pub dns_servers: Vec<String>,
    /// The link costs money.
    pub metered: bool,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoLogLevel")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong for good.
    Error,
    /// What may be wrong.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything, of libraries too.
    Trace,
}

/// All settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSettings")]
pub struct Settings {
    /// Tell others what was read.
    pub read_receipts: bool,
    /// Tell others when writing, and show it.
    pub typing: bool,
    /// Mean of the receipt delay, milliseconds (default 3,000).
    pub receipt_delay_ms: i32,
    /// How much is logged (default: warn).
    pub log: LogLevel,
}

/// Settings to change: a missing field leaves a value alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSettingsPatch")]
pub struct SettingsPatch {
    /// Tell others what was read.
    #[uniffi(default = None)]
    pub read_receipts: Option<bool>,
    /// Tell others when writing, and show it.
    #[uniffi(default = None)]
    pub typing: Option<bool>,
    /// Mean of the receipt delay, milliseconds.
    #[uniffi(default = None)]
    pub receipt_delay_ms: Option<i32>,
    /// How much is logged.
    #[uniffi(default = None)]
    pub log: Option<LogLevel>,
}

/// What two people compare to know that they talk to each other.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSafetyNumber")]
pub struct SafetyNumber {
    /// 60 digits in 12 groups of 5, the same on both sides.
    pub digits: String,
    /// What the other phone scans, 129 bytes.
    pub qr: Vec<u8>,
    /// The devices that it stands for, for `contact_verify`.
    pub devices: DevicesId,
}

/// Numbers for developers: no names, texts, addresses or ids.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoDiagnostics")]
pub struct Diagnostics {
    /// Of this library.
    pub version: String,
    /// Waku cluster.
    pub cluster: i32,
    /// Since the open, milliseconds.
    pub uptime_ms: i64,
    /// A node was reached since the open.
    pub node_reached: bool,
    /// TCP payload read since the open, bytes.
    pub bytes_read: i64,
    /// TCP payload written since the open, bytes.
    pub bytes_written: i64,
    /// Database file without its log, bytes.
    pub database_bytes: i64,
    /// Contacts in any state.
    pub contacts: i64,
    /// Messages shown.
    pub messages: i64,
    /// Ratchet sessions.
    pub sessions: i64,
    /// Keys kept for messages that were overtaken.
    pub skipped_keys: i64,
    /// Things in the outbox: texts not delivered, requests, receipts, chunks and cards.
    pub outbox: i64,
    /// Those for a contact that no node took yet.
    pub unsent: i64,
    /// Envelopes that nobody opens yet.
    pub waiting: i64,
    /// Long texts being fetched.
    pub fetches: i64,
    /// What came through the own bucket in the last 24 hours, each envelope once, bytes.
    pub bucket_bytes_day: i64,
    /// About how many people share it.
    pub bucket_people: i64,
    /// It carries too much: a store is asked for it instead (`bucket.busy`).
    pub bucket_left: bool,
}

sotto_messenger::closed_debug!(
    Account,
    Contact,
    Invite,
    InvitePreview,
    Conversation,
    LastMessage,
    Message,
    SafetyNumber
);
