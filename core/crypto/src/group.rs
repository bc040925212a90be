//! The keys and ciphers of groups.
//!
//! A device has [`LeafKeys`] and an [`ExchangeKey`] of its own in each group. [`EpochSecret`] is the secret of an
//! epoch: [`Chain::covered`] gives every leaf's sending chain, [`Chain::late`] that of a leaf that joined later.
//! [`Chain::seal`] and [`Chain::open`] make and read one message: they change nothing, and give the next state only
//! after MAC and signature hold. An issuer brings the epoch secret to each leaf by a [`Pair`] key in a box
//! ([`ItemKey::seal`], [`ItemKey::open`]); [`introduce`] makes such a key. [`mask_seal`] hides boxes, whispers and
//! calls.
//!
//! Entries of the log, calls of stuck leaves and deputy keys are signed by [`LeafKeys::sign`] and
//! [`AuthorityKey::sign`], over bytes that `sotto_wire::group` names; [`verify_device`](crate::verify_device) checks.
//!
//! State is rows of fixed length: [`Chain`] 68 bytes, [`Pair`] 36, [`ExchangeKey`], [`EpochKey`], [`GroupMessageKey`]
//! 32 each.

mod chain;
mod leaf;
mod mask;
mod message;
mod pair;

pub use chain::{Chain, EpochSecret, GroupMessageKey, GroupSkipped, JUMP_MAX, LateSeed, commit};
pub use leaf::{AuthorityKey, Binding, ExchangeKey, LeafKeys, bind, check_binding};
pub use mask::{MaskSecret, mask_open, mask_seal, mask_tag};
pub use message::{
    Author, Before, EpochKey, EpochPublic, Message, OPENING_LEN, OPENING_LEN_AGAIN, Opened, Opening, Proven, RunHash,
    Sealed, Sender, Signed,
};
pub use pair::{
    Ahead, BOX_JUMP_MAX, BoxKey, Introduced, ItemKey, Pair, PairKey, Pairing, WhisperKey, introduce, introduced,
};

use crate::bytes::newtypes;
use crate::error::SnapshotError;

newtypes! {
    /// G, the id of a group.
    pub open GroupId: 32;
    /// E, an epoch: the id of its rekey entry.
    pub open Epoch: 32;
    /// The id of an entry of the log.
    pub open EntryId: 32;
    /// λ, the name of a leaf.
    pub open LeafId: 16;
    /// X or X′: the public X25519 key of a leaf.
    pub open ExchangePublic: 32;
    /// e: the public X25519 key of one box or whisper.
    pub open BoxPublic: 32;
}

/// A chain's place: the group, the epoch, and the leaf that writes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// G.
    pub group: GroupId,
    /// E.
    pub epoch: Epoch,
    /// λ of the author.
    pub leaf: LeafId,
}

/// Why a message of a group was not sealed. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupSealError {
    /// The chain has reached 2^32 - 1 messages.
    #[error("the chain is full")]
    ChainFull,
    /// The first message of a chain has an opening, and no other has one.
    #[error("an opening in the wrong place")]
    Opening,
    /// The plaintext is longer than the room.
    #[error("plaintext over the room")]
    TooLong,
}

/// Why a message of a group was not opened. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupOpenError {
    /// The message key was used or skipped: look it up by chain and n.
    #[error("the message key is behind the chain")]
    Behind,
    /// The jump is longer than [`JUMP_MAX`] messages.
    #[error("too far ahead")]
    TooFarAhead {
        /// Length of the jump, messages.
        ahead: u32,
    },
    /// The MAC fails.
    #[error("the message does not open")]
    Forged,
    /// The MAC holds. The signature waits for the author's message 0, which has the key.
    #[error("the author's opening is not here")]
    NoOpening,
    /// The MAC holds, and the plaintext is not laid out as a message. Its author broke the rules.
    #[error("malformed message")]
    Malformed,
    /// The MAC holds, and the signature or the opening's does not: another member sealed it.
    #[error("the signature does not hold")]
    Signature,
}

/// Why no pair key, item or whisper was made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// A public key is of low order or not a key.
    #[error("a public key cannot be used")]
    BadKey,
    /// The counter is behind the pair's: its key is gone, or was passed by.
    #[error("the pair's counter is ahead of the box's")]
    Behind,
    /// The jump is longer than [`BOX_JUMP_MAX`] boxes.
    #[error("too far ahead")]
    TooFarAhead,
    /// The MAC fails.
    #[error("it does not open")]
    Forged,
    /// The item opens, and its secret is not the one that the epoch's entry commits to.
    #[error("another secret than the epoch's")]
    Commit,
}

/// Exactly N bytes of storage.
fn stored<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], SnapshotError> {
    bytes.try_into().map_err(|_| SnapshotError::Damaged)
}

#[cfg(test)]
mod tests;
