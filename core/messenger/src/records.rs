//! Records of the public API. Ids are opaque strings, times Unix milliseconds, sizes bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use log::LevelFilter;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error};

pub use file::{AutoDownload, File, FileKind, FileState, NetworkLimits, NewFile, Rgba, Storage, StoragePart, Transfer};
pub use group::{Group, GroupMember, GroupPatch, GroupRole, GroupRow, GroupState, GroupWho, MemberId};
pub use message::{Author, Delivery, Incoming, LastMessage, Message, MessageState};
pub use post::{
    Hit, LinkPreview, Mark, Mention, NewMention, NewPoll, NewPost, Poll, PollChoice, Reaction, ReactionBy, Reply,
    Version,
};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
    };
    ($(#[$doc:meta])* $name:ident of $n:literal) => {
        id!($(#[$doc])* $name);
        impl $name {
            /// The id with these bytes.
            pub fn from_bytes(bytes: &[u8; $n]) -> Self {
                Self(URL_SAFE_NO_PAD.encode(bytes))
            }
            /// The bytes of the id, or `input.id`.
            pub fn to_bytes(&self) -> Result<[u8; $n], Error> {
                let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| Code::BadId)?;
                <[u8; $n]>::try_from(bytes.as_slice()).map_err(|_| Code::BadId.into())
            }
        }
    };
}
mod file;
mod group;
mod message;
mod post;

id!(
    /// Id of a contact: the account's `zQ3sh…` id.
    ContactId
);
id!(
    /// Id of a conversation: base64url of its 32 bytes.
    ConversationId of 32
);
id!(
    /// Id of a message: base64url of its 32 bytes, the same on both sides.
    MessageId of 32
);

id!(
    /// Id of a file on this device: base64url of 16 bytes.
    FileId of 16
);

id!(
    /// Id of an own invite: base64url of 32 bytes.
    InviteId of 32
);

id!(
    /// The devices that a shown safety number stands for: base64url of a 32-byte hash.
    DevicesId of 32
);

/// Bytes as base64url in JSON.
pub(crate) mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        URL_SAFE_NO_PAD.decode(String::deserialize(from)?).map_err(|_| D::Error::custom("not base64url"))
    }
}

/// State of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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

/// The own account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// Own name, at most 40 bytes.
    pub name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring: length 1 to 5, colour 0 to 31. They follow from the id.
    pub color_ring: Vec<(u8, u8)>,
    /// The own picture; `file_read` reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<FileId>,
}

/// Result of checking a typed phrase.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhraseCheck {
    /// Why it cannot be restored: `phrase.word`, `phrase.length` or `phrase.checksum`; `None` if it can.
    pub code: Option<Code>,
    /// The words that the list does not have.
    pub wrong: Vec<WrongWord>,
}

/// A word that the list does not have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongWord {
    /// Its place in the phrase, from 1.
    pub index: u32,
    /// Similar words of the list, at most 3, the nearest first.
    pub nearest: Vec<String>,
}

/// One contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// Id of the conversation with them.
    pub conversation: ConversationId,
    /// The nickname set here, else `own_name`.
    pub name: String,
    /// The name they chose, without control characters.
    pub own_name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring, as in [`AccountInfo`].
    pub color_ring: Vec<(u8, u8)>,
    /// State of the contact.
    pub state: ContactState,
    /// The text of their request, while the state is `incoming`.
    pub request_text: Option<String>,
    /// Whether the safety number was compared for the confirmed device.
    pub verified: bool,
    /// Whether their devices changed since they were last verified or accepted as seen.
    pub devices_changed: bool,
    /// Why no session with them can begin now, by code (`invite.unreachable`, `suite.lower`, …).
    pub waiting: Option<Code>,
    /// Their picture, once it is here; `file_read` reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<FileId>,
}

/// An open invite.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Id of the invite; it does not reveal the link.
    pub id: InviteId,
    /// The link; its fragment is also the QR payload.
    pub link: String,
    /// When the invite expires, Unix milliseconds.
    pub expires_ms: i64,
}

/// Content of a link, before anything is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitePreview {
    /// `zQ3sh…`.
    pub id: ContactId,
    /// The inviter's name in the link, unproven.
    pub name: String,
    /// 14 emoji that follow from the id.
    pub emoji_hash: Vec<String>,
    /// Segments of the ring, as in [`AccountInfo`].
    pub color_ring: Vec<(u8, u8)>,
    /// When the invite expires, Unix milliseconds.
    pub expires_ms: i64,
}

/// Folder of conversations; each conversation is in one folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Folder {
    /// Conversations with contacts, with people we asked, and groups.
    #[default]
    Inbox,
    /// Archived conversations of the inbox.
    Archived,
    /// Conversations with people who wait for our answer, and groups that we are invited to.
    Requests,
    /// Conversations with declined or blocked people, and groups that we declined, left, or are out of.
    Closed,
}

/// One conversation. In pages pinned ones come first, then the newest activity.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Id of the contact; `None` for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The nickname set here, else `own_name`.
    pub name: String,
    /// The name they chose, or the group's.
    pub own_name: String,
    /// Their picture, once it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<FileId>,
    /// State of the contact; `None` for a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ContactState>,
    /// Of a group: its state and size; `None` between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupRow>,
    /// Number of unread messages.
    pub unread: u32,
    /// Whether the person marked it as unread, whatever `unread` says.
    pub marked_unread: bool,
    /// Whether its folder lists it first.
    pub pinned: bool,
    /// Whether it is in the folder `archived` instead of the inbox.
    pub archived: bool,
    /// Whether it is muted: the app notifies nobody of its messages.
    pub muted: bool,
    /// When the mute ends, Unix milliseconds; `None` if it has no end or the conversation is not muted.
    pub muted_until_ms: Option<i64>,
    /// Unsent text. A list carries at most its first 200 characters, cut at a grapheme.
    pub draft: String,
    /// The message that the draft replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_reply_to: Option<MessageId>,
    /// How long new messages live after they were read, seconds; 0 for ever.
    #[serde(default, skip_serializing_if = "message::is_zero")]
    pub timer_s: u32,
    /// The newest message, if there is one.
    pub last: Option<LastMessage>,
    /// Time of the newest message, or of the conversation's beginning.
    pub last_ms: i64,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// Counts of unread messages, without muted conversations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Unread messages in the inbox.
    pub messages: u32,
    /// Conversations of the inbox with unread messages, or marked as unread.
    pub conversations: u32,
    /// Requests that wait for an answer.
    pub requests: u32,
}

/// Reachability of the network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connectivity {
    /// Connected nodes to publish through.
    pub publish_nodes: u32,
    /// Connected nodes to receive from.
    pub receive_nodes: u32,
    /// Whether a store can be asked.
    pub store: bool,
    /// Whether the own topic is received.
    pub subscribed: bool,
    /// Relay peers in the mesh; 0 if the device does not relay.
    pub relay_peers: u32,
}

/// All settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Tell others which messages were read.
    pub read_receipts: bool,
    /// Tell others when this person is writing, and show when they are.
    pub typing: bool,
    /// Mean of the receipt delay, milliseconds (default 3,000; benches use 0 and say so).
    pub receipt_delay_ms: u32,
    /// Keep an index of all texts for `search` (default: on). Without it the index is deleted.
    pub search: bool,
    /// Log level (default: warn).
    #[serde(serialize_with = "level::write")]
    pub log: LevelFilter,
}

/// Settings to change; `None` keeps a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsPatch {
    /// Tell others which messages were read.
    pub read_receipts: Option<bool>,
    /// Tell others when this person is writing, and show when they are.
    pub typing: Option<bool>,
    /// Mean of the receipt delay, milliseconds.
    pub receipt_delay_ms: Option<u32>,
    /// Keep an index of all texts for `search`.
    pub search: Option<bool>,
    /// Log level of later lines.
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

/// The values that two people compare to know that they talk to each other.
#[derive(Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    /// 60 digits in 12 groups of 5, equal on both sides.
    pub digits: String,
    /// The bytes of the QR code that the other phone scans, 129: both accounts, and the devices of both as this phone
    /// knows them.
    pub qr: Vec<u8>,
    /// The contact's devices that verifying accepts.
    pub devices: DevicesId,
}

/// Numbers for a bug report, without names, texts, addresses or ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Version of this library.
    pub version: String,
    /// Waku cluster of the network.
    pub cluster: u16,
    /// Time since the open, milliseconds.
    pub uptime_ms: i64,
    /// Whether a node was reached since the open.
    pub node_reached: bool,
    /// TCP payload read since the open, bytes.
    pub bytes_read: u64,
    /// TCP payload written since the open, bytes.
    pub bytes_written: u64,
    /// Database file without its log, bytes.
    pub database_bytes: u64,
    /// Contacts in any state.
    pub contacts: u64,
    /// Number of shown messages.
    pub messages: u64,
    /// Number of ratchet sessions.
    pub sessions: u64,
    /// Number of kept keys for skipped messages.
    pub skipped_keys: u64,
    /// Parcels in the outbox: undelivered texts, requests, receipts and cards.
    pub outbox: u64,
    /// Parcels for contacts that no node accepted yet.
    pub unsent: u64,
    /// Envelopes that wait for a session.
    pub waiting: u64,
    /// Long texts being fetched.
    pub fetches: u64,
    /// Bytes through the own bucket in the last 24 hours, each envelope once.
    pub bucket_bytes_day: u64,
    /// Estimated number of people who share the bucket.
    pub bucket_people: u64,
    /// Whether the bucket is busy and therefore polled (`bucket.busy`).
    pub bucket_left: bool,
}

crate::closed_debug!(PhraseCheck, WrongWord, AccountInfo, Contact, Invite, InvitePreview, Conversation, SafetyNumber);

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
