//! The content that two devices exchange inside the ratchet.
//!
//! The plaintext of an envelope is an [`Inner`]: counters and receipts around a message M. M's bytes are kept exactly
//! as received, because its id is a hash over them. A [`Message`] is a decoded M; a [`Content`] is its body, decoded by
//! kind. A message of an unknown kind keeps its body for a later version.

mod delete;
mod edit;
mod file;
mod file_gone;
mod file_want;
mod gone;
mod group_answer;
mod group_gone;
mod group_invite;
mod group_welcome;
mod hello;
mod inner;
mod list;
mod log_want;
mod message;
mod need;
mod old_key;
mod pin;
mod pointer;
mod poll;
mod post;
mod profile;
mod reaction;
mod read;
mod receipt;
mod relay;
mod request;
mod seq;
mod text;
mod timer;
mod typing;
mod vote;
mod want;

pub use delete::MAX_TARGETS;
pub use edit::Edit;
pub use file::{
    BODY, File, FileKind, MAX_FILE_NAME, MAX_FILE_PREVIEW, MAX_FILES, MAX_MIME, MAX_PLACEHOLDER, MAX_WAVEFORM,
    file_name,
};
pub use file_gone::FileGone;
pub use file_want::{FileWant, MAX_MISSING};
pub(crate) use generated::GroupInner;
pub use group_answer::GroupAnswer;
pub use group_invite::GroupInvite;
pub use group_welcome::{GroupWelcome, MAX_WELCOME_HEADS};
pub use hello::{Hello, ResetPair};
pub use inner::{Inner, MAX_INNER, MAX_RECEIPTS};
pub use log_want::MAX_LOG_WANT;
pub use message::{
    LABEL_CONVERSATION, LABEL_MESSAGE, LAMPORT_JUMP, MAX_PARENTS, Message, MessageId, Prefix, clamp_lamport,
    conversation_id, message_id, prefix,
};
pub use need::{MAX_NEED, Range};
pub use old_key::OldKey;
pub use pin::Pin;
pub use pointer::Remote;
pub use poll::{CHOICES, MAX_CHOICE, MAX_QUESTION, Poll};
pub use post::{
    MAX_EXCERPT, MAX_MENTIONS, MAX_PACK, MAX_PREVIEW, Mention, Post, Preview, Reply, TIMER, has_link, in_place,
};
pub use profile::ProfileUpdate;
pub use reaction::{MAX_EMOJI, Reaction};
pub use receipt::{BITMAP_LEN, Receipt, ReceiptError};
pub use relay::{Relay, Relayed};
pub use request::{MAX_REQUEST_TEXT, Request};
pub use seq::{Seen, SeqTracker, SeqTrackerError, WINDOW};
pub use vote::Vote;
pub use want::MAX_PREFIXES;

use crate::file::{FilePointerError, MAX_LONG};
use crate::group::{EntryPrefix, GroupError, MAX_GROUP_INNER};
use crate::identity::{DeviceList, IdentityError};
use crate::name::Name;
use crate::waku::{self, DecodeError};

/// Longest body that is no text or post, bytes.
const MAX_BODY: usize = 2048;

/// The generated protobufs. Code outside this module uses the typed forms.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/sotto.rs"));
}

/// One line for each kind: its number on the wire, the longest body, and the file with its layout.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $(($value:ident: $body:ty))? = $code:literal, $max:ident in $file:ident;)*) => {
        /// What a message is. The numbers are frozen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
            /// A kind of a newer version, with its number.
            Unknown(u32),
        }

        /// A body, read by its kind.
        #[derive(Clone, PartialEq, Eq)]
        pub enum Content {
            $($(#[$doc])* $name $(($body))?,)*
            /// A kind of a newer version; the body stays with the message.
            Unknown,
        }

        impl Kind {
            /// The kind with this number; `None` for 0.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    0 => None,
                    $($code => Some(Self::$name),)*
                    other => Some(Self::Unknown(other)),
                }
            }

            /// The number on the wire.
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown(code) => code,
                }
            }
        }

        impl Content {
            /// Reads a body. A text may have up to [`MAX_LONG`] bytes, because it may come in chunks.
            pub fn decode(kind: Kind, body: &[u8]) -> Result<Self, ContentError> {
                let max = match kind {
                    $(Kind::$name => $max,)*
                    Kind::Unknown(_) => MAX_LONG,
                };
                if body.len() > max {
                    return Err(ContentError::TooLong);
                }
                match kind {
                    $(Kind::$name => $file::decode(body),)*
                    Kind::Unknown(_) => Ok(Self::Unknown),
                }
            }

            /// Kind and body of a [`Message`]; refuses what [`Self::decode`] would refuse.
            pub fn encode(&self) -> Result<(Kind, Vec<u8>), ContentError> {
                match self {
                    $(Self::$name $(($value))? => $file::encode($($value)?).map(|body| (Kind::$name, body)),)*
                    Self::Unknown => Err(ContentError::Kind),
                }
            }
        }
    };
}

kinds! {
    /// A text. Longer ones than fit an envelope travel as a pointer.
    Text(text: String) = 1, MAX_LONG in text;
    /// A contact request.
    Request(request: Request) = 2, MAX_BODY in request;
    /// The first message of an accepted contact, both ways.
    Hello(hello: Box<Hello>) = 3, MAX_BODY in hello;
    /// A changed profile.
    Profile(profile: ProfileUpdate) = 4, MAX_BODY in profile;
    /// The author is typing.
    Typing = 5, MAX_BODY in typing;
    /// The body is too long for one envelope.
    Pointer(remote: Remote) = 6, MAX_BODY in pointer;
    /// A changed device list; its signature covers [`IN_SESSION`](crate::identity::IN_SESSION).
    List(list: Box<DeviceList>) = 7, MAX_BODY in list;
    /// Messages of the reader that the author lacks, 1 to [`MAX_PREFIXES`].
    Want(prefixes: Vec<Prefix>) = 8, MAX_BODY in want;
    /// Wanted messages that the author no longer has, 1 to [`MAX_PREFIXES`].
    Gone(prefixes: Vec<Prefix>) = 9, MAX_BODY in gone;
    /// The author has read all messages of the reader up to this one.
    Read(id: MessageId) = 10, MAX_BODY in read;
    /// A text with a reply, mentions, files, a preview or a timer.
    Post(post: Box<Post>) = 11, MAX_LONG in post;
    /// A new text of a message.
    Edit(edit: Box<Edit>) = 12, MAX_BODY in edit;
    /// Messages deleted for everybody, 1 to [`MAX_TARGETS`].
    Delete(targets: Vec<MessageId>) = 13, MAX_BODY in delete;
    /// A reaction to a message.
    Reaction(reaction: Reaction) = 14, MAX_BODY in reaction;
    /// A pinned message.
    Pin(pin: Pin) = 15, MAX_BODY in pin;
    /// How long posts live from now on, seconds; 0 for ever.
    Timer(seconds: u32) = 16, MAX_BODY in timer;
    /// A question with choices.
    Poll(poll: Box<Poll>) = 17, MAX_BODY in poll;
    /// A vote in a poll.
    Vote(vote: Vote) = 18, MAX_BODY in vote;
    /// An offer to join a group.
    GroupInvite(invite: Box<GroupInvite>) = 20, MAX_BODY in group_invite;
    /// The answer to it.
    GroupAnswer(answer: Box<GroupAnswer>) = 21, MAX_BODY in group_answer;
    /// Secrets of a group, for who was added, or for a leaf that lost them.
    GroupWelcome(welcome: Box<GroupWelcome>) = 22, MAX_BODY in group_welcome;
    /// Chunks of a file that the author lacks.
    FileWant(want: FileWant) = 24, MAX_BODY in file_want;
    /// A wanted file that the author no longer has.
    FileGone(gone: FileGone) = 25, MAX_BODY in file_gone;
    /// The private half of the author's epoch key in an epoch that ended.
    OldKey(key: OldKey) = 28, MAX_BODY in old_key;
    /// Messages or box parts of a group that the author lacks, 1 to [`MAX_NEED`].
    Need(ranges: Vec<Range>) = 29, MAX_BODY in need;
    /// Entries of the log that the author lacks, 1 to [`MAX_LOG_WANT`].
    LogWant(entries: Vec<EntryPrefix>) = 30, MAX_BODY in log_want;
    /// A message of somebody else, as its author signed it.
    Relay(relay: Box<Relay>) = 31, MAX_GROUP_INNER in relay;
    /// Needed messages that the author no longer has, 1 to [`MAX_NEED`].
    GroupGone(ranges: Vec<Range>) = 32, MAX_BODY in group_gone;
}

crate::closed_debug!(Content);

/// Why content is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Longer than the cap of its kind.
    #[error("content too long")]
    TooLong,
    /// Not a protobuf of this type.
    #[error("malformed protobuf")]
    Malformed,
    /// A field is missing or has the wrong length.
    #[error("field of the wrong length")]
    Field,
    /// A seq without a floor, a floor above it, or a floor without a seq.
    #[error("seq and floor disagree")]
    Floor,
    /// Too many receipts, parents or prefixes.
    #[error("too many entries")]
    TooMany,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// A name is too long.
    #[error("malformed name")]
    Name,
    /// Kind 0, or a pointer to a pointer.
    #[error("impossible kind")]
    Kind,
    /// A malformed receipt.
    #[error("malformed receipt")]
    Receipt(#[source] ReceiptError),
    /// A malformed pointer.
    #[error("malformed pointer")]
    File(#[source] FilePointerError),
    /// A malformed device list.
    #[error("malformed device list")]
    List(#[source] IdentityError),
    /// A malformed leaf or another object of a group.
    #[error("malformed object of a group")]
    Group(#[source] GroupError),
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ContentError> {
    bytes.try_into().map_err(|_| ContentError::Field)
}

/// Decodes a protobuf that may be long, if it has a number of fields that fits.
fn few_fields<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, ContentError> {
    waku::decode(bytes).map_err(|error| match error {
        DecodeError::TooManyFields => ContentError::TooMany,
        DecodeError::Malformed => ContentError::Malformed,
    })
}

fn name(name: String) -> Result<Name, ContentError> {
    Name::new(name).map_err(|_| ContentError::Name)
}
