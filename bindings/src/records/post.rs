//! Records of what people do in a conversation.

use sotto_messenger::records as inner;

use super::convert::{int, records};
use super::{Author, ContactId, ConversationId, MessageId};

/// A person named in a text to send.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNewMention")]
pub struct NewMention {
    /// Place of the name in the text, bytes of UTF-8.
    pub offset: i32,
    /// Length of the name, bytes.
    pub length: i32,
    /// Who; missing for everybody.
    pub contact: Option<ContactId>,
}

/// A question to ask.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoNewPoll")]
pub struct NewPoll {
    /// 1 to 300 bytes.
    pub question: String,
    /// 2 to 10, each 1 to 100 bytes.
    pub choices: Vec<String>,
    /// Whether one vote may name several.
    #[uniffi(default = false)]
    pub multiple: bool,
    /// When it ends, Unix milliseconds (whole seconds).
    #[uniffi(default = None)]
    pub end_ms: Option<i64>,
}

/// What a link leads to, by its sender's word.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoLinkPreview")]
pub struct LinkPreview {
    /// The link; it stands in the text.
    pub url: String,
    /// At most 120 bytes.
    pub title: String,
    /// At most 300 bytes.
    pub text: String,
}

/// What a message replies to.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoReply")]
pub struct Reply {
    /// Id of the message.
    pub message: MessageId,
    /// At most the first 200 characters of its text as it is now. Of a message that is not here, the words that the
    /// author of the reply quoted. Empty if it was deleted or disappeared.
    pub text: String,
    /// Whether this account wrote it; missing if it is not here.
    pub mine: Option<bool>,
    /// Who wrote it, in a group, if it is here.
    pub author: Option<Author>,
    /// Whether it was deleted or disappeared.
    pub gone: bool,
}

/// A person named in a text.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoMention")]
pub struct Mention {
    /// Place of the name in the text, bytes of UTF-8.
    pub offset: i32,
    /// Length of the name, bytes.
    pub length: i32,
    /// Who; missing for everybody.
    pub contact: Option<ContactId>,
    /// The name that this device shows for them; empty for everybody and for strangers.
    pub name: String,
}

/// An emoji at a message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoReaction")]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Number of people who set it.
    pub count: i32,
    /// Whether this account did.
    pub mine: bool,
}

/// Who set an emoji at a message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoReactionBy")]
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
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoVersion")]
pub struct Version {
    /// The text.
    pub text: String,
    /// When it was written, by the author's clock, Unix milliseconds.
    pub time_ms: i64,
}

/// A poll with its votes; the message's text is the question.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoPoll")]
pub struct Poll {
    /// In their order.
    pub choices: Vec<PollChoice>,
    /// Whether one vote may name several.
    pub multiple: bool,
    /// When it ends, Unix milliseconds; missing for never.
    pub end_ms: Option<i64>,
}

/// A choice of a poll.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoPollChoice")]
pub struct PollChoice {
    /// Its text.
    pub text: String,
    /// Who voted for it.
    pub voters: Vec<ContactId>,
    /// Whether this account did.
    pub mine: bool,
}

/// A message that a search found.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoHit")]
pub struct Hit {
    /// Id of the message.
    pub message: MessageId,
    /// Id of its conversation.
    pub conversation: ConversationId,
    /// Whether this account wrote it.
    pub mine: bool,
    /// Who wrote it, in a group; missing for an own message, and between two.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoMark")]
pub struct Mark {
    /// Its first byte, of UTF-8.
    pub offset: i32,
    /// Its length, bytes.
    pub length: i32,
}

impl From<inner::Hit> for Hit {
    fn from(value: inner::Hit) -> Self {
        let inner::Hit { message, conversation, mine, author, text, marks, time_ms, cursor } = value;
        let (message, conversation, author) = (message.into(), conversation.into(), author.map(Into::into));
        Self { message, conversation, mine, author, text, marks: records(marks), time_ms, cursor }
    }
}

impl From<inner::Mark> for Mark {
    fn from(value: inner::Mark) -> Self {
        let inner::Mark { offset, length } = value;
        Self { offset: int(offset), length: int(length) }
    }
}

impl From<NewPoll> for inner::NewPoll {
    fn from(value: NewPoll) -> Self {
        let NewPoll { question, choices, multiple, end_ms } = value;
        Self { question, choices, multiple, end_ms }
    }
}

impl From<LinkPreview> for inner::LinkPreview {
    fn from(value: LinkPreview) -> Self {
        let LinkPreview { url, title, text } = value;
        Self { url, title, text }
    }
}

impl From<inner::LinkPreview> for LinkPreview {
    fn from(value: inner::LinkPreview) -> Self {
        let inner::LinkPreview { url, title, text } = value;
        Self { url, title, text }
    }
}

impl From<inner::Reply> for Reply {
    fn from(value: inner::Reply) -> Self {
        let inner::Reply { message, text, mine, author, gone } = value;
        Self { message: message.into(), text, mine, author: author.map(Into::into), gone }
    }
}

impl From<inner::Mention> for Mention {
    fn from(value: inner::Mention) -> Self {
        let inner::Mention { offset, length, contact, name } = value;
        Self { offset: int(offset), length: int(length), contact: contact.map(Into::into), name }
    }
}

impl From<inner::Reaction> for Reaction {
    fn from(value: inner::Reaction) -> Self {
        let inner::Reaction { emoji, count, mine } = value;
        Self { emoji, count: int(count), mine }
    }
}

impl From<inner::ReactionBy> for ReactionBy {
    fn from(value: inner::ReactionBy) -> Self {
        let inner::ReactionBy { emoji, contact, name, time_ms } = value;
        Self { emoji, contact: contact.into(), name, time_ms }
    }
}

impl From<inner::Version> for Version {
    fn from(value: inner::Version) -> Self {
        let inner::Version { text, time_ms } = value;
        Self { text, time_ms }
    }
}

impl From<inner::Poll> for Poll {
    fn from(value: inner::Poll) -> Self {
        let inner::Poll { choices, multiple, end_ms } = value;
        Self { choices: records(choices), multiple, end_ms }
    }
}

impl From<inner::PollChoice> for PollChoice {
    fn from(value: inner::PollChoice) -> Self {
        let inner::PollChoice { text, voters, mine } = value;
        Self { text, voters: records(voters), mine }
    }
}
