//! What the public API hands out. Ids are opaque strings, times Unix milliseconds, sizes bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use log::LevelFilter;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
    };
    ($(#[$doc:meta])* $name:ident of 32) => {
        id!($(#[$doc])* $name);
        impl $name {
            /// The id of these bytes.
            pub fn from_bytes(bytes: &[u8; 32]) -> Self {
                Self(URL_SAFE_NO_PAD.encode(bytes))
            }
            /// Its bytes, or `input.id`.
            pub fn to_bytes(&self) -> Result<[u8; 32], Error> {
                let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| Code::BadId)?;
                <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| Code::BadId.into())
            }
        }
    };
}
id!(
    /// A contact: the account's `zQ3sh…` id.
    ContactId
);
id!(
    /// A conversation: base64url of its 32 bytes.
    ConversationId of 32
);
id!(
    /// A message: base64url of its 32 bytes, the same on both sides.
    MessageId of 32
);

id!(
    /// An own invite: base64url of 32 bytes.
    InviteId of 32
);

id!(
    /// What was shown beside a safety number: the devices that it stands for, base64url of a 32-byte hash.
    DevicesId of 32
);

/// Where a message stands. Each says exactly what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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

/// The own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// Chosen name, ≤ 40 B.
    pub name: String,
    /// 14 emoji.
    pub emoji_hash: Vec<String>,
    /// Segments (length 1..5, colour 0..31).
    pub color_ring: Vec<(u8, u8)>,
}

/// What a phrase that somebody types is worth.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhraseCheck {
    /// Why it cannot be restored: `phrase.word`, `phrase.length` or `phrase.checksum`; `None`: it can.
    pub code: Option<Code>,
    /// The words that are in no list.
    pub wrong: Vec<WrongWord>,
}

/// A word of a phrase that is not in the list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongWord {
    /// Its place, from 1.
    pub index: u32,
    /// Words of the list that are written like it, at most 3, the nearest first.
    pub nearest: Vec<String>,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Why no session can be begun with them now, by code (`invite.unreachable`, `suite.lower`, …).
    pub waiting: Option<Code>,
}

/// An open invite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id, which gives nobody the link.
    pub id: InviteId,
    /// The link; its fragment is also the QR payload.
    pub link: String,
    /// Unix milliseconds.
    pub expires_ms: i64,
}

/// What a link says before anything is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Folder {
    /// With contacts, and with whom we asked.
    #[default]
    Inbox,
    /// Those of the inbox that were archived, until a message comes while they are not muted, or leaves.
    Archived,
    /// With those who asked and wait for an answer.
    Requests,
    /// With those who were declined or blocked.
    Closed,
}

/// One conversation. In pages pinned ones come first, then the newest activity.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub unread: u32,
    /// The person marked it as unread, whatever `unread` says.
    pub marked_unread: bool,
    /// It comes first in its folder.
    pub pinned: bool,
    /// It is in the folder `archived` instead of the inbox.
    pub archived: bool,
    /// Nobody is to be notified of its messages.
    pub muted: bool,
    /// When that ends, Unix milliseconds; `None`: not by itself, or it is not muted.
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// Its id.
    pub id: MessageId,
    /// We wrote it.
    pub mine: bool,
    /// Its first 200 characters at most, cut at a grapheme; `None` as in [`Message::text`].
    pub text: Option<String>,
    /// Written by a newer version: "needs a newer version".
    pub newer: bool,
    /// A long text still being fetched.
    pub fetching: bool,
    /// Where it stands.
    pub state: MessageState,
}

/// What has not been read, in conversations that are not muted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Messages in the inbox.
    pub messages: u32,
    /// Conversations of the inbox that have some, or were marked as unread.
    pub conversations: u32,
    /// Requests that wait for an answer.
    pub requests: u32,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// We wrote it.
    pub mine: bool,
    /// The text; `None` while a long one is on its way, or for a kind this version does not know.
    pub text: Option<String>,
    /// The text goes on: in a page it has at most 4,096 bytes, cut at a grapheme. By its id the message is whole.
    pub more: bool,
    /// Written by a newer version: "needs a newer version".
    pub newer: bool,
    /// A long text still being fetched.
    pub fetching: bool,
    /// It came from a device that was not the contact's confirmed one: somebody else may have written it.
    pub unconfirmed: bool,
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// Its number: later ones are higher, and none is used twice. Hand it to `after` for what came later.
    pub arrival: i64,
    /// The message, whole.
    pub message: Message,
}

/// Reachability as a person would ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connectivity {
    /// Nodes to publish through.
    pub publish_nodes: u32,
    /// Nodes to hear from.
    pub receive_nodes: u32,
    /// A store can be asked.
    pub store: bool,
    /// The own topic is being heard.
    pub subscribed: bool,
    /// While relaying: nodes that messages are passed on to and from; else 0.
    pub relay_peers: u32,
}

/// All settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Tell others what was read.
    pub read_receipts: bool,
    /// Tell others when writing, and show it.
    pub typing: bool,
    /// Mean of the receipt delay, milliseconds (default 3,000; benches use 0 and say so).
    pub receipt_delay_ms: u32,
    /// How much is logged (default: warn).
    #[serde(serialize_with = "level::write")]
    pub log: LevelFilter,
}

/// Settings to change: `None` leaves a value alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsPatch {
    /// Tell others what was read.
    pub read_receipts: Option<bool>,
    /// Tell others when writing, and show it.
    pub typing: Option<bool>,
    /// Mean of the receipt delay, milliseconds.
    pub receipt_delay_ms: Option<u32>,
    /// How much is logged.
    #[serde(deserialize_with = "level::read")]
    pub log: Option<LevelFilter>,
}

/// Log levels in JSON: off, error, warn, info, debug, trace.
pub(crate) mod level {
    use log::LevelFilter;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn name(level: LevelFilter) -> String {
        level.as_str().to_ascii_lowercase()
    }

    pub(super) fn write<S: Serializer>(level: &LevelFilter, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&name(*level))
    }

    pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<LevelFilter>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        name.map(|name| name.parse().map_err(|_| D::Error::custom("no such log level"))).transpose()
    }
}

/// What two people compare to know that they talk to each other.
#[derive(Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    /// 60 digits in 12 groups of 5, the same on both sides.
    pub digits: String,
    /// What the other phone scans, 129 bytes: both accounts, and the devices of both as this phone knows them.
    pub qr: Vec<u8>,
    /// The devices of the contact that verifying takes as theirs.
    pub devices: DevicesId,
}

/// Numbers for developers: no names, texts, addresses or ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Of this library.
    pub version: String,
    /// Waku cluster.
    pub cluster: u16,
    /// Since the open, milliseconds.
    pub uptime_ms: i64,
    /// A node was reached since the open.
    pub node_reached: bool,
    /// TCP payload read since the open, bytes.
    pub bytes_read: u64,
    /// TCP payload written since the open, bytes.
    pub bytes_written: u64,
    /// Database file without its log, bytes.
    pub database_bytes: u64,
    /// Contacts in any state.
    pub contacts: u64,
    /// Messages shown.
    pub messages: u64,
    /// Ratchet sessions.
    pub sessions: u64,
    /// Keys kept for messages that were overtaken.
    pub skipped_keys: u64,
    /// Things in the outbox: texts not delivered, requests, receipts, chunks and cards.
    pub outbox: u64,
    /// Those for a contact that no node took yet.
    pub unsent: u64,
    /// Envelopes that nobody opens yet.
    pub waiting: u64,
    /// Long texts being fetched.
    pub fetches: u64,
    /// What came through the own bucket in the last 24 hours, each envelope once, bytes.
    pub bucket_bytes_day: u64,
    /// About how many people share it.
    pub bucket_people: u64,
    /// It carries too much: a store is asked for it instead (`bucket.busy`).
    pub bucket_left: bool,
}

crate::closed_debug!(
    PhraseCheck,
    WrongWord,
    AccountInfo,
    Contact,
    Invite,
    InvitePreview,
    Conversation,
    LastMessage,
    Message,
    Incoming
);
crate::closed_debug!(SafetyNumber);

impl From<sotto_db::MessageState> for MessageState {
    fn from(state: sotto_db::MessageState) -> Self {
        use sotto_db::MessageState as S;
        match state {
            S::Queued => Self::Queued,
            S::Sent => Self::Sent,
            S::Stored => Self::Stored,
            S::Delivered => Self::Delivered,
            S::Read => Self::Read,
            S::Failed => Self::Failed,
            S::Received | S::Deleted => Self::Received, // a deleted one is never handed out
        }
    }
}

impl From<sotto_db::PersonState> for ContactState {
    fn from(state: sotto_db::PersonState) -> Self {
        use sotto_db::PersonState as S;
        match state {
            S::Requested => Self::Requested,
            S::Incoming => Self::Incoming,
            S::Accepted => Self::Accepted,
            S::Declined => Self::Declined,
            S::Blocked => Self::Blocked,
        }
    }
}
