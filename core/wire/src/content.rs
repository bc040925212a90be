//! What two devices say to each other inside the ratchet.
//!
//! The plaintext of an envelope is an [`Inner`]: counters and receipts around a message M. M's bytes are kept exactly
//! as they came, for its id is a hash over them. A [`Message`] is M read; a [`Content`] is its body read by kind. A
//! kind that is not known here keeps its body, so that it can be read after an update.

mod body;
mod inner;
mod message;
mod receipt;
mod seq;

pub use body::{Content, Hello, Kind, MAX_PREFIXES, MAX_REQUEST_TEXT, ProfileUpdate, Remote, Request, ResetPair};
pub use inner::{Inner, MAX_INNER, MAX_RECEIPTS};
pub use message::{
    LABEL_CONVERSATION, LABEL_MESSAGE, LAMPORT_JUMP, MAX_PARENTS, Message, MessageId, Prefix, clamp_lamport,
    conversation_id, message_id, prefix,
};
pub use receipt::{BITMAP_LEN, Receipt, ReceiptError};
pub use seq::{Seen, SeqTracker, SeqTrackerError, WINDOW};

use crate::blob::PointerError;
use crate::identity::IdentityError;

/// The generated shapes. Everything outside this module uses the typed ones.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/sotto.rs"));
}

/// Why content is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Longer than anything of its kind.
    #[error("content too long")]
    TooLong,
    /// Not a protobuf of this shape.
    #[error("malformed protobuf")]
    Malformed,
    /// A field of the wrong length, or one that must be there and is not.
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
    /// A name that is too long.
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
    Pointer(#[source] PointerError),
    /// A malformed device list.
    #[error("malformed device list")]
    List(#[source] IdentityError),
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ContentError> {
    bytes.try_into().map_err(|_| ContentError::Field)
}
