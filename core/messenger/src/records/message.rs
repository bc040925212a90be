//! Records of a message.

use serde::{Deserialize, Serialize};

use super::{ContactId, ConversationId, File, LinkPreview, Mention, MessageId, Poll, Reaction, Reply};
use crate::error::Code;

/// State of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageState {
    /// On this device's disk, in the outbox.
    #[default]
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

/// Who wrote a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Id of the account.
    pub contact: ContactId,
    /// The name that this device shows for them; empty for somebody who is no contact.
    pub name: String,
}

/// The newest message of a conversation, for lists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// Its id.
    pub id: MessageId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; `None` for an own message, and between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Its first 200 characters at most, cut at a grapheme; `None` as in [`Message::text`].
    pub text: Option<String>,
    /// A newer version wrote it: show "needs a newer version".
    pub newer: bool,
    /// Whether a long text is still being fetched.
    pub fetching: bool,
    /// Whether it was deleted for everybody.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// State of the message.
    pub state: MessageState,
}

/// One message.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Id of the conversation.
    pub conversation: ConversationId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; `None` for an own message, and between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// The text; `None` while a long text is being fetched, and for a kind that this version does not know.
    pub text: Option<String>,
    /// Whether the text continues: in a page it has at most 4,096 bytes, cut at a grapheme. `message` returns the whole
    /// text.
    pub more: bool,
    /// A newer version wrote it: show "needs a newer version".
    pub newer: bool,
    /// Whether a long text is still being fetched.
    pub fetching: bool,
    /// Whether it came from a device that was not the contact's confirmed one, or in a group from one that had not
    /// proved itself. Somebody else may have written it.
    pub unconfirmed: bool,
    /// State of the message.
    pub state: MessageState,
    /// Why it failed, by code.
    pub reason: Option<Code>,
    /// The author's clock, Unix milliseconds (whole seconds).
    pub time_ms: i64,
    /// What it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// People named in the text, in order of their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Its files, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Of a link in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<LinkPreview>,
    /// The poll; the text is its question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<Poll>,
    /// Emoji at it, in the order in which they came first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// Whether its author changed the text; `history` has the versions.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edited: bool,
    /// Who deleted it for everybody; there is no text then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_by: Option<ContactId>,
    /// Whether it is pinned.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
    /// Whether it was written elsewhere.
    #[serde(default, skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// Whether its author asked for no notification.
    #[serde(default, skip_serializing_if = "is_false")]
    pub silent: bool,
    /// How long it lives after it was read, seconds; 0 for ever.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timer_s: u32,
    /// When it disappears, Unix milliseconds, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

// JSON leaves out the fields of a message that say nothing.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// How far an own message came with one of its readers, as far as this device knows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Id of the reader's account.
    pub contact: ContactId,
    /// The name that this device shows for them; empty for somebody who is no contact.
    pub name: String,
    /// Whether their device has it.
    pub delivered: bool,
    /// Whether they marked it read and told so.
    pub read: bool,
}

/// A message of the other side, in the order of arrival.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incoming {
    /// Its number: later messages have higher numbers, and no number is used twice. Pass it as `after` to get later
    /// messages.
    pub arrival: i64,
    /// The message with its whole text.
    pub message: Message,
}

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
            S::Received | S::Deleted | S::Withdrawn => Self::Received, // of a deleted one only its place is shown
        }
    }
}

crate::closed_debug!(Author, Delivery, LastMessage, Message, Incoming);
