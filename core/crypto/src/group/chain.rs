//! The chains of an epoch: message keys and tags.

use super::{EntryId, Epoch, GroupOpenError, LeafId, Place};
use crate::bytes::{Reader, closed_debug, fill, newtypes};
use crate::error::SnapshotError;
use crate::kdf::{Cipher, derive};
use crate::session::{ChainKey, TagKey};
use crate::{Random, Tag};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Longest jump forward in one chain, messages.
pub const JUMP_MAX: u32 = 2_000;

newtypes! {
    /// eps: 32 random bytes of the device that re-keys. It is erased in the transaction that stores the chains.
    pub secret EpochSecret: 32;
    /// Drawn by the adder for a leaf that joins a running epoch.
    pub secret LateSeed: 32;
    /// mk: seals one message of a group.
    pub secret GroupMessageKey: 32;
}

/// Fresh random secrets.
macro_rules! drawn {
    ($($name:ident),+) => {
        $(impl $name {
            /// Draws it.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = Zeroizing::new([0u8; 32]);
                rng.fill_bytes(bytes.as_mut_slice());
                Self::new(&bytes)
            }
        })+
    };
}
drawn!(EpochSecret, LateSeed);

/// What a rekey entry says of its epoch's secret: SHA-256(label ‖ eps).
pub fn commit(secret: &EpochSecret) -> [u8; 32] {
    Sha256::new().chain_update("sotto/group-commit/1").chain_update(secret.as_bytes()).finalize().into()
}

/// A leaf's chain in an epoch, at a position. It has no used message key.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Chain {
    key: ChainKey,
    tags: TagKey,
    n: u32,
}

/// The key of a message that was skipped and not used yet.
#[derive(Clone)]
pub struct GroupSkipped {
    /// The message's number in its chain.
    pub n: u32,
    /// The tag that the message will have.
    pub tag: Tag,
    /// The secret part, for the encrypted database.
    pub key: GroupMessageKey,
}

closed_debug!(Chain, GroupSkipped);

impl Chain {
    /// Bytes of a stored chain: CK 32 ‖ TK 32 ‖ n 4.
    pub const LEN: usize = 68;

    /// The chain of a leaf that the epoch covers.
    pub fn covered(epoch: &Epoch, secret: &EpochSecret, leaf: &LeafId) -> Self {
        Self::begin(&derive(&epoch.0, secret.as_bytes(), "sotto/group-chain/1", &[&leaf.0]))
    }

    /// The chain of a leaf that the entry `add` brought into a running epoch.
    pub fn late(add: &EntryId, seed: &LateSeed, epoch: &Epoch, leaf: &LeafId) -> Self {
        Self::begin(&derive(&add.0, seed.as_bytes(), "sotto/group-late/1", &[&epoch.0, &leaf.0]))
    }

    fn begin(keys: &Zeroizing<[u8; 64]>) -> Self {
        let (mut key, mut tags) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        fill(key.as_mut_slice(), &[keys.as_slice()]);
        fill(tags.as_mut_slice(), &[keys.split_at(32).1]);
        Self { key: ChainKey::new(&key), tags: TagKey::new(&tags), n: 0 }
    }

    /// Number of the next message, from 0.
    pub fn n(&self) -> u32 {
        self.n
    }

    /// CK, TK and n, for a joiner who gets the chain at this position.
    pub fn parts(&self) -> (&[u8; 32], &[u8; 32], u32) {
        (self.key.as_bytes(), self.tags.as_bytes(), self.n)
    }

    /// A chain at the position that somebody gave.
    pub fn from_parts(chain_key: &[u8; 32], tag_key: &[u8; 32], n: u32) -> Self {
        Self { key: ChainKey::new(chain_key), tags: TagKey::new(tag_key), n }
    }

    /// The tag of message `n`.
    pub fn tag(&self, n: u32) -> Tag {
        self.tags.tag(n)
    }

    /// The tags of `count` messages from number `from`; fewer at the end of the chain.
    pub fn tags(&self, from: u32, count: u32) -> Vec<Tag> {
        self.tags.range(from, count)
    }

    /// The tags that `wanted` accepts among the next `ahead`.
    pub fn tags_among(&self, ahead: u32, wanted: impl Fn(&Tag) -> bool) -> Vec<Tag> {
        self.tags.among(self.n, ahead, &wanted)
    }

    /// The next message key and the chain after it; `None` at the end of the chain.
    pub(super) fn step(&self) -> Option<(GroupMessageKey, Self)> {
        let n = self.n.checked_add(1)?;
        let (mk, key) = self.key.step();
        Some((GroupMessageKey::new(mk.as_bytes()), Self { key, tags: self.tags.clone(), n }))
    }

    /// The keys from this position up to message `n`, without it, and the chain there; `None` if it stands there.
    pub(super) fn skip_to(&self, n: u32) -> Result<(Vec<GroupSkipped>, Option<Self>), GroupOpenError> {
        let ahead = n.checked_sub(self.n).ok_or(GroupOpenError::Behind)?;
        if ahead > JUMP_MAX {
            return Err(GroupOpenError::TooFarAhead { ahead });
        }
        let (mut there, mut skipped) = (None, Vec::new());
        if ahead > 0 {
            for (n, tag) in (self.n..).zip(self.tags(self.n, ahead)) {
                let (key, next) = there.as_ref().unwrap_or(self).step().ok_or(GroupOpenError::TooFarAhead { ahead })?;
                skipped.push(GroupSkipped { n, tag, key });
                there = Some(next);
            }
        }
        Ok((skipped, there))
    }

    /// The keys of the messages before message `n`, and the chain after it, whose key is dropped: the message came by a
    /// relay.
    pub fn past(&self, n: u32) -> Result<(Vec<GroupSkipped>, Self), GroupOpenError> {
        let (skipped, there) = self.skip_to(n)?;
        let (_, chain) =
            there.as_ref().unwrap_or(self).step().ok_or(GroupOpenError::TooFarAhead { ahead: u32::MAX })?;
        Ok((skipped, chain))
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[self.key.as_bytes(), self.tags.as_bytes(), &self.n.to_be_bytes()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let chain = Self { key: ChainKey::new(r.take()?), tags: TagKey::new(r.take()?), n: r.number()? };
        r.end(chain)
    }
}

impl GroupMessageKey {
    pub(super) fn cipher(&self, random: &Random) -> Cipher {
        Cipher::derive(random, self.as_bytes(), "sotto/group-message-key/1", &[])
    }
}

/// The associated data of a message: version ‖ tag ‖ random ‖ G ‖ E ‖ λ ‖ n.
pub(super) fn message_ad(place: &Place, n: u32, tag: &Tag, random: &Random) -> [u8; 117] {
    let Place { group, epoch, leaf } = place;
    crate::bytes::join(&[&crate::session::outer_ad(tag, random), &group.0, &epoch.0, &leaf.0, &n.to_be_bytes()])
}
