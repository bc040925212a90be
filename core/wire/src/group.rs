//! Groups: leaves, the entries of the log, box parts, and what messages of a group carry.
//!
//! Nothing here is proven by decoding. [`Entry::signed_bytes`] and [`Stuck::signed_bytes`] name the bytes of
//! signatures, [`Entry::id`] and [`leaf_id`] are plain hashes. `sotto_crypto::group` has the keys, and the layout of a
//! sealed message. Whether an entry is valid is a question to the whole log, which this crate does not know.
//!
//! Bytes and limits: `docs/protocol.md`, chapter Groups.

mod body;
mod entry;
mod handover;
mod inner;
mod leaf;
mod masked;
mod part;

pub use body::{
    Add, Body, Genesis, Last, MAX_BODY, MAX_GROUP_NAME, MAX_GROUP_TEXT, MAX_LAST, MAX_UNLEAF, NewLeaf, Policy, Remove,
    Setting, Unleaf, Who,
};
pub use entry::{Entry, LABEL_DEPUTY, LABEL_ENTRY, LABEL_ENTRY_ID, LABEL_GROUP, MAX_ENTRY, MAX_ENTRY_PARENTS, Signer};
pub use handover::{ChainRow, EpochRows, Handover, MAX_ENTRIES, MAX_EPOCHS, MAX_LEAVES, MAX_LOG};
pub use inner::{
    Ack, GroupInner, MAX_ACKS, MAX_EKS, MAX_GROUP_INNER, MAX_HEADS, MAX_INNER_ENTRIES, MAX_PROOFS, MAX_SEEDS, Proof,
    Seed, group_room,
};
pub(crate) use inner::{read_seeds, seed_bytes};
pub use leaf::{
    DELEGATION_LEN, LABEL_FURTHER_LEAF, LABEL_LEAF, LEAF_LEN, LEAF_LEN_DELEGATED, Leaf, further_leaf_id, leaf_id,
};
pub use masked::{
    LABEL_STUCK, MAX_STUCK_EPOCHS, MAX_WHISPER, Masked, STUCK_TYPE, Stuck, WHISPER_HEAD_LEN, WHISPER_TYPE, Whisper,
    WhisperHead,
};
pub use part::{
    INTRO_LEN, INTROS, ITEM_LEN, ITEM_STEP, ITEMS, Intro, Item, Items, PART_HEAD_LEN, PART_TYPE, Part, PartHead,
    item_counts,
};

use crate::file::FilePointerError;
use crate::identity::IdentityError;
use crate::read::Short;

/// Id of a group and of its conversation, see [`Entry::group_id`].
pub type GroupId = [u8; 32];
/// Name of a leaf, see [`leaf_id`]. A lineage is named by its root leaf.
pub type LeafId = [u8; 16];
/// Id of an entry, see [`Entry::id`].
pub type EntryId = [u8; 32];
/// An epoch: the id of its rekey entry.
pub type Epoch = EntryId;
/// The first 8 bytes of an [`Epoch`].
pub type EpochPrefix = [u8; 8];
/// The first 16 bytes of an [`EntryId`].
pub type EntryPrefix = [u8; 16];
/// r: 32 random bytes of the group, in its genesis. Members and former members know them.
pub type Root = [u8; 32];

/// Seat of a member without rights. A lower seat ranks higher.
pub const MEMBER: u32 = u32::MAX;
/// Seat of the creator.
pub const CREATOR: u32 = 0;

/// The first 8 bytes of an epoch.
pub fn epoch_prefix(epoch: &Epoch) -> EpochPrefix {
    epoch.first_chunk().copied().unwrap_or_default()
}

/// The first 16 bytes of an entry's id.
pub fn entry_prefix(id: &EntryId) -> EntryPrefix {
    id.first_chunk().copied().unwrap_or_default()
}

/// Why bytes are not the expected object of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The bytes end too early, or go on.
    #[error("wrong length")]
    Length,
    /// A version or type above the known ones; a newer program can read it.
    #[error("of a newer version")]
    Newer,
    /// A value that no honest writer makes.
    #[error("impossible value")]
    Field,
    /// Parents or ids that do not rise, so one stands twice or out of order.
    #[error("not in rising order")]
    Order,
    /// More entries than the cap.
    #[error("too many entries")]
    TooMany,
    /// Longer than the cap.
    #[error("too long")]
    TooLong,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Text,
    /// Not a protobuf of this type.
    #[error("malformed protobuf")]
    Malformed,
    /// A malformed device record.
    #[error("malformed device record")]
    Record(#[source] IdentityError),
    /// The picture's pointer is malformed.
    #[error("malformed picture pointer")]
    Picture(#[source] FilePointerError),
}

impl From<Short> for GroupError {
    fn from(_: Short) -> Self {
        Self::Length
    }
}

impl From<IdentityError> for GroupError {
    fn from(error: IdentityError) -> Self {
        Self::Record(error)
    }
}

/// 0 or 1.
fn flag(byte: u8) -> Result<bool, GroupError> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(GroupError::Field),
    }
}

/// The records of a field that holds records of one length, one after another.
fn records<const N: usize>(bytes: &[u8], most: usize) -> Result<&[[u8; N]], GroupError> {
    match bytes.as_chunks() {
        (_, [_, ..]) => Err(GroupError::Length),
        (records, []) if records.len() > most => Err(GroupError::TooMany),
        (records, []) => Ok(records),
    }
}
