//! Records of what people do in a conversation.

use serde::{Deserialize, Serialize};

use super::{Author, ContactId, ConversationId, MessageId, NewFile};

/// A text to send, with what belongs to it.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewPost {
    /// At most 1 MiB.
    pub text: String,
    /// The message of this conversation that it replies to.
    pub reply_to: Option<MessageId>,
    /// At most 32.
    pub mentions: Vec<NewMention>,
    /// Of a link in the text, as the app fetched it. Readers fetch nothing.
    pub preview: Option<LinkPreview>,
    /// At most 10. With files the text may be empty.
    pub files: Vec<NewFile>,
    /// Asks the reader's app not to notify.
    pub silent: bool,
    /// Whether this is what the person wrote in the conversation's draft: the draft is empty when the message is in the
    /// outbox. Other messages leave the draft as it is.
    pub clears_draft: bool,
}

impl From<String> for NewPost {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&String> for NewPost {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<&str> for NewPost {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A person named in a text to send.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMention {
    /// Place of the name in the text, bytes of UTF-8.
    pub offset: u32,
    /// Length of the name, bytes.
    pub length: u32,
    /// Who; `None` for everybody.
    pub contact: Option<ContactId>,
}

/// A question to ask.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPoll {
    /// 1 to 300 bytes.
    pub question: String,
    /// 2 to 10, each 1 to 100 bytes.
    pub choices: Vec<String>,
    /// Whether one vote may name several.
    #[serde(default)]
    pub multiple: bool,
    /// When it ends, Unix milliseconds (whole seconds).
    #[serde(default)]
    pub end_ms: Option<i64>,
}

/// What a link leads to, by its sender's word.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkPreview {
    /// The link; it stands in the text.
    pub url: String,
    /// At most 120 bytes.
    #[serde(default)]
    pub title: String,
    /// At most 300 bytes.
    #[serde(default)]
    pub text: String,
}

/// What a message replies to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Id of the message.
    pub message: MessageId,
    /// At most the first 200 characters of its text as it is now. Of a message that is not here, the words that the
    /// author of the reply quoted. Empty if it was deleted or disappeared.
    pub text: String,
    /// Whether this account wrote it; `None` if it is not here.
    pub mine: Option<bool>,
    /// Who wrote it, in a group, if it is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Whether it was deleted or disappeared.
    pub gone: bool,
}

/// A person named in a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Place of the name in the text, bytes of UTF-8.
    pub offset: u32,
    /// Length of the name, bytes.
    pub length: u32,
    /// Who; `None` for everybody.
    pub contact: Option<ContactId>,
    /// The name that this device shows for them; empty for everybody and for strangers.
    pub name: String,
}

/// An emoji at a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Number of people who set it.
    pub count: u32,
    /// Whether this account did.
    pub mine: bool,
}

/// Who set an emoji at a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionBy {
    /// The emoji.
    pub emoji: String,
    /// Who.
    pub contact: ContactId,
    /// The name that this device shows for them; the own name for this account.
    pub name: String,
    /// When, by their clock, Unix milliseconds.
    pub time_ms: i64,
}

/// A version of a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The text.
    pub text: String,
    /// When it was written, by the author's clock, Unix milliseconds.
    pub time_ms: i64,
}

/// A poll with its votes; the message's text is the question.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// In their order.
    pub choices: Vec<PollChoice>,
    /// Whether one vote may name several.
    pub multiple: bool,
    /// When it ends, Unix milliseconds; `None` for never.
    pub end_ms: Option<i64>,
}

/// A choice of a poll.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollChoice {
    /// Its text.
    pub text: String,
    /// Who voted for it.
    pub voters: Vec<ContactId>,
    /// Whether this account did.
    pub mine: bool,
}

crate::closed_debug!(
    NewPost,
    NewMention,
    NewPoll,
    LinkPreview,
    Reply,
    Mention,
    Reaction,
    ReactionBy,
    Version,
    Poll,
    PollChoice
);

/// A message that a search found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Id of the message.
    pub message: MessageId,
    /// Id of its conversation.
    pub conversation: ConversationId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; `None` for an own message, and between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// The part around the first match, at most 200 characters, of its text and the names of its files, a line each.
    pub text: String,
    /// Where the words are in `text`: at most 8 places.
    pub marks: Vec<Mark>,
    /// The author's clock, Unix milliseconds.
    pub time_ms: i64,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its first byte.
    pub offset: u32,
    /// Its length, bytes.
    pub length: u32,
}

crate::closed_debug!(Hit);
