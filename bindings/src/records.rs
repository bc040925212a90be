//! Records that go in and out, as the generated code knows them. Ids are opaque strings, times Unix milliseconds, sizes
//! bytes.

mod convert;
mod file;
mod group;
mod ids;
mod post;

pub(crate) use convert::{long, records};
pub use file::{AutoDownload, File, FileKind, FileState, NetworkLimits, NewFile, Rgba, Storage, StoragePart, Transfer};
pub use group::{Author, Delivery, Group, GroupMember, GroupPatch, GroupRole, GroupRow, GroupState, GroupWho};
pub use ids::{ContactId, ConversationId, DevicesId, FileId, InviteId, MemberId, MessageId};
pub use post::{
    Hit, LinkPreview, Mark, Mention, NewMention, NewPoll, Poll, PollChoice, Reaction, ReactionBy, Reply, Version,
};

use crate::code::Code;

/// State of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoMessageState")]
pub enum MessageState {
    /// On this device's disk, in the outbox.
    Queued,
    /// A relay accepted it.
    Sent,
    /// Another node of the publish circle has it in its store.
    Stored,
    /// A device of the receiver has it on disk.
    Delivered,
    /// The receiver's app marked it read (opt-in). For a message of the other side: it was marked read here.
    Read,
    /// Refused, or given up after 30 days; `retry` sends it again.
    Failed,
    /// A message of the other side, not yet marked read.
    Received,
}

/// State of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoContactState")]
pub enum ContactState {
    /// We sent a request and wait for the answer.
    Requested,
    /// They sent a request and wait for the answer.
    Incoming,
    /// Both sides accepted.
    Accepted,
    /// We declined their request.
    Declined,
    /// We blocked them.
    Blocked,
}

/// An answer to a request or contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoContactAction")]
pub enum ContactAction {
    /// Accept a request.
    Accept,
    /// Decline it; nothing is sent.
    Decline,
    /// Refuse messages and handshakes; the sessions are kept.
    Block,
    /// End the block: the earlier state returns, a contact or a request.
    Unblock,
}

/// Result of checking a typed phrase.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoPhraseCheck")]
pub struct PhraseCheck {
    /// Why it cannot be restored: a word, the length or the checksum. None if it can.
    pub code: Option<Code>,
    /// The words that the list does not have.
    pub wrong: Vec<WrongWord>,
}

/// A word that the list does not have.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoWrongWord")]
pub struct WrongWord {
    /// Its place in the phrase, from 1.
    pub index: i32,
    /// Similar words of the list, at most 3, the nearest first.
    pub nearest: Vec<String>,
}

/// A segment of a colour ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoRingSegment")]
pub struct RingSegment {
    /// Length, 1 to 5.
    pub length: i32,
    /// Number of the colour, 0 to 31.
    pub color: i32,
}

/// The own account.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoAccount")]
pub struct Account {
    /// Id of the account, `zQ3sh…`.
    pub id: ContactId,
    /// Own name, at most 40 bytes.
    pub name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring around a picture; they follow from the id.
    pub color_ring: Vec<RingSegment>,
    /// The own picture; `file_read` reads it.
    pub picture: Option<FileId>,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoContact")]
pub struct Contact {
    /// Id of their account, `zQ3sh…`.
    pub id: ContactId,
    /// Id of the conversation with them.
    pub conversation: ConversationId,
    /// The nickname set here, else `own_name`.
    pub name: String,
    /// The name they chose, without control characters.
    pub own_name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring around a picture; they follow from the id.
    pub color_ring: Vec<RingSegment>,
    /// State of the contact.
    pub state: ContactState,
    /// The text of their request, while the state is `incoming`.
    pub request_text: Option<String>,
    /// Whether the safety number was compared for the confirmed device.
    pub verified: bool,
    /// Whether their devices changed since they were last verified or accepted as seen.
    pub devices_changed: bool,
    /// Why no session with them can begin now, by code.
    pub waiting: Option<Code>,
    /// Their picture, once it is here; `file_read` reads it.
    pub picture: Option<FileId>,
}

/// An open invite.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoInvite")]
pub struct Invite {
    /// Id of the invite; it does not reveal the link.
    pub id: InviteId,
    /// The link; its fragment is also the QR payload.
    pub link: String,
    /// When the invite expires, Unix milliseconds.
    pub expires_ms: i64,
}

/// Content of a link, before anything is sent.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoInvitePreview")]
pub struct InvitePreview {
    /// Id of the inviter, `zQ3sh…`.
    pub id: ContactId,
    /// The inviter's name in the link, unproven.
    pub name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring around a picture; they follow from the id.
    pub color_ring: Vec<RingSegment>,
    /// When the invite expires, Unix milliseconds.
    pub expires_ms: i64,
}

/// Folder of conversations; each conversation is in one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoFolder")]
pub enum Folder {
    /// Conversations with contacts, with people we asked, and groups.
    Inbox,
    /// Archived conversations of the inbox.
    Archived,
    /// Conversations with people who wait for our answer, and groups that we are invited to.
    Requests,
    /// Conversations with declined or blocked people, and groups that we declined, left, or are out of.
    Closed,
}

/// One conversation.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoConversation")]
pub struct Conversation {
    /// Id of the conversation.
    pub id: ConversationId,
    /// Id of the contact; missing for a group.
    pub contact: Option<ContactId>,
    /// The nickname set here, else `own_name`.
    pub name: String,
    /// The name they chose, or the group's.
    pub own_name: String,
    /// Their picture, once it is here.
    pub picture: Option<FileId>,
    /// State of the contact; missing for a group.
    pub state: Option<ContactState>,
    /// Of a group: its state and size; missing between two.
    pub group: Option<GroupRow>,
    /// Number of unread messages.
    pub unread: i32,
    /// Whether the person marked it as unread, whatever `unread` says.
    pub marked_unread: bool,
    /// Whether its folder lists it first.
    pub pinned: bool,
    /// Whether it is in the folder `archived` instead of the inbox.
    pub archived: bool,
    /// Whether it is muted: the app notifies nobody of its messages.
    pub muted: bool,
    /// When the mute ends, Unix milliseconds. None: it has no end, or there is no mute.
    pub muted_until_ms: Option<i64>,
    /// Unsent text. A list carries at most its first 200 characters, cut at a grapheme.
    pub draft: String,
    /// The message that the draft replies to.
    pub draft_reply_to: Option<MessageId>,
    /// How long new messages live after they were read, seconds; 0 for ever.
    pub timer_s: i32,
    /// The newest message, if there is one.
    pub last: Option<LastMessage>,
    /// Time of the newest message, or of the conversation's beginning.
    pub last_ms: i64,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// The newest message of a conversation, for lists.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoLastMessage")]
pub struct LastMessage {
    /// Id of the message.
    pub id: MessageId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; missing for an own message, and between two.
    pub author: Option<Author>,
    /// Its first 200 characters at most, cut at a grapheme; missing as in `Message`.
    pub text: Option<String>,
    /// A newer version wrote it: show "needs a newer version".
    pub newer: bool,
    /// Whether a long text is still being fetched.
    pub fetching: bool,
    /// Whether it was deleted for everybody.
    pub deleted: bool,
    /// State of the message.
    pub state: MessageState,
}

/// Counts of unread messages, without muted conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoUnread")]
pub struct Unread {
    /// Unread messages in the inbox.
    pub messages: i32,
    /// Conversations of the inbox with unread messages, or marked as unread.
    pub conversations: i32,
    /// Requests that wait for an answer.
    pub requests: i32,
}

/// One message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoMessage")]
pub struct Message {
    /// Id of the message, the same on both sides.
    pub id: MessageId,
    /// Id of the conversation.
    pub conversation: ConversationId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; missing for an own message, and between two.
    pub author: Option<Author>,
    /// The text; missing while a long text is being fetched, and for a kind that this version does not know.
    pub text: Option<String>,
    /// Whether the text continues: in a page it has at most 4,096 bytes, cut at a grapheme. `message` returns the whole
    /// text.
    pub more: bool,
    /// A newer version wrote it: show "needs a newer version".
    pub newer: bool,
    /// Whether it came from a device that was not the contact's confirmed one, or in a group from one that had not
    /// proved itself. Somebody else may have written it.
    pub unconfirmed: bool,
    /// Whether a long text is still being fetched.
    pub fetching: bool,
    /// State of the message.
    pub state: MessageState,
    /// Why it failed, by code.
    pub reason: Option<Code>,
    /// The author's clock, Unix milliseconds (whole seconds).
    pub time_ms: i64,
    /// What it replies to.
    pub reply: Option<Reply>,
    /// People named in the text, in order of their places.
    pub mentions: Vec<Mention>,
    /// Its files, in their order.
    pub files: Vec<File>,
    /// Of a link in the text.
    pub preview: Option<LinkPreview>,
    /// The poll; the text is its question.
    pub poll: Option<Poll>,
    /// Emoji at it, in the order in which they came first.
    pub reactions: Vec<Reaction>,
    /// Whether its author changed the text; `history` has the versions.
    pub edited: bool,
    /// Who deleted it for everybody; there is no text then.
    pub deleted_by: Option<ContactId>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it was written elsewhere.
    pub forwarded: bool,
    /// Whether its author asked for no notification.
    pub silent: bool,
    /// How long it lives after it was read, seconds; 0 for ever.
    pub timer_s: i32,
    /// When it disappears, Unix milliseconds, once that is known.
    pub expires_ms: Option<i64>,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// A message of the other side, in the order of arrival.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoIncoming")]
pub struct Incoming {
    /// Its number: later messages have higher numbers, and no number is used twice.
    pub arrival: i64,
    /// The message with its whole text.
    pub message: Message,
}

/// Reachability of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoConnectivity")]
pub struct Connectivity {
    /// Connected nodes to publish through.
    pub publish_nodes: i32,
    /// Connected nodes to receive from.
    pub receive_nodes: i32,
    /// Whether a store can be asked.
    pub store: bool,
    /// Whether the own topic is received.
    pub subscribed: bool,
    /// Relay peers in the mesh; 0 if the device does not relay.
    pub relay_peers: i32,
}

/// The host's view of its network.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNetworkState")]
pub struct NetworkState {
    /// DNS servers, IP addresses with optional port; empty for the system's.
    pub dns_servers: Vec<String>,
    /// Whether traffic costs money.
    pub metered: bool,
    /// Whether the device is abroad, on a network that charges for it.
    #[uniffi(default = false)]
    pub roaming: bool,
}

/// Log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoLogLevel")]
pub enum LogLevel {
    /// No lines.
    Off,
    /// Failures.
    Error,
    /// Possible failures.
    Warn,
    /// Main events.
    Info,
    /// Details of events.
    Debug,
    /// Everything.
    Trace,
}

/// All settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSettings")]
pub struct Settings {
    /// Tell others which messages were read.
    pub read_receipts: bool,
    /// Tell others when this person is writing, and show when they are.
    pub typing: bool,
    /// Mean of the receipt delay, milliseconds (default 3,000).
    pub receipt_delay_ms: i32,
    /// Keep an index of all texts for `search` (default: on). Without it the index is deleted.
    pub search: bool,
    /// Log level (default: warn).
    pub log: LogLevel,
}

/// Settings to change; a missing field keeps its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSettingsPatch")]
pub struct SettingsPatch {
    /// Tell others which messages were read.
    #[uniffi(default = None)]
    pub read_receipts: Option<bool>,
    /// Tell others when this person is writing, and show when they are.
    #[uniffi(default = None)]
    pub typing: Option<bool>,
    /// Mean of the receipt delay, milliseconds.
    #[uniffi(default = None)]
    pub receipt_delay_ms: Option<i32>,
    /// Keep an index of all texts for `search`.
    #[uniffi(default = None)]
    pub search: Option<bool>,
    /// Log level of later lines.
    #[uniffi(default = None)]
    pub log: Option<LogLevel>,
}

/// The values that two people compare to know that they talk to each other.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoSafetyNumber")]
pub struct SafetyNumber {
    /// 60 digits in 12 groups of 5, equal on both sides.
    pub digits: String,
    /// The bytes of the QR code that the other phone scans, 129.
    pub qr: Vec<u8>,
    /// The contact's devices that these stand for; `contact_verify` takes them.
    pub devices: DevicesId,
}

/// Numbers for a bug report, without names, texts, addresses or ids.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoDiagnostics")]
pub struct Diagnostics {
    /// Version of this library.
    pub version: String,
    /// Waku cluster of the network.
    pub cluster: i32,
    /// Time since the open, milliseconds.
    pub uptime_ms: i64,
    /// Whether a node was reached since the open.
    pub node_reached: bool,
    /// TCP payload read since the open, bytes.
    pub bytes_read: i64,
    /// TCP payload written since the open, bytes.
    pub bytes_written: i64,
    /// Database file without its log, bytes.
    pub database_bytes: i64,
    /// Contacts in any state.
    pub contacts: i64,
    /// Number of shown messages.
    pub messages: i64,
    /// Number of ratchet sessions.
    pub sessions: i64,
    /// Number of kept keys for skipped messages.
    pub skipped_keys: i64,
    /// Parcels in the outbox: undelivered texts, requests, receipts and cards.
    pub outbox: i64,
    /// Parcels for contacts that no node accepted yet.
    pub unsent: i64,
    /// Envelopes that wait for a session.
    pub waiting: i64,
    /// Long texts being fetched.
    pub fetches: i64,
    /// Bytes through the own bucket in the last 24 hours, each envelope once.
    pub bucket_bytes_day: i64,
    /// Estimated number of people who share the bucket.
    pub bucket_people: i64,
    /// Whether the bucket is busy and therefore polled (`bucket.busy`).
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
