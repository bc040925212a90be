use prost::Message as _;

use super::{EntryPrefix, EpochPrefix, GroupError, LeafId, MAX_ENTRY, records};
use crate::content::GroupInner as Raw;
use crate::envelope::{Class, Form, room};
use crate::waku::{self, DecodeError};

/// Longest [`GroupInner`], bytes: the room of a large envelope without opening.
pub const MAX_GROUP_INNER: usize = group_room(Class::Large, 0);
/// Most acks.
pub const MAX_ACKS: usize = 12;
/// Most heads of the log.
pub const MAX_HEADS: usize = 4;
/// Most entries.
pub const MAX_INNER_ENTRIES: usize = 8;
/// Most seeds.
pub const MAX_SEEDS: usize = 16;
/// Most encapsulation keys; more do not fit a large envelope.
pub const MAX_EKS: usize = 6;
/// Most binding proofs.
pub const MAX_PROOFS: usize = 128;

/// Signature 64, run hash 32, length of the opening 1.
const FRONT: usize = 64 + 32 + 1;

const _: () = assert!(group_room(Class::Small, 0) == 365 && group_room(Class::Medium, 0) == 1901);
const _: () = assert!(MAX_GROUP_INNER == 8045 && group_room(Class::Small, 172) == 193);

/// Most bytes of a [`GroupInner`] in a class, beside an opening of 0, 128 or 172 bytes.
pub const fn group_room(class: Class, opening: usize) -> usize {
    room(class, Form::Sealed).saturating_sub(FRONT + opening)
}

/// All messages of `leaf` before number `n` have arrived, in the epoch of the message that carries the ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// The first 4 bytes of the leaf's λ. An ambiguous ack is ignored.
    pub leaf: [u8; 4],
    /// Number of the next message, from 0.
    pub n: u32,
}

/// Begins the chain of a leaf that joined after the epoch began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// The first 8 bytes of the epoch.
    pub epoch: EpochPrefix,
    /// The leaf.
    pub leaf: LeafId,
    /// Drawn by the adder.
    pub seed: [u8; 32],
}

/// A binding proof of the author to one reader.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The reader.
    pub reader: LeafId,
    /// Proof that only the reader can check.
    pub proof: [u8; 16],
}

/// What a message of a group carries. Empty in a digest.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct GroupInner {
    /// At most [`MAX_ACKS`].
    pub acks: Vec<Ack>,
    /// Newest entries of the author's log, at most [`MAX_HEADS`].
    pub heads: Vec<EntryPrefix>,
    /// M, exactly as its author made it; empty if there is none.
    pub message: Vec<u8>,
    /// Encoded entries of the log, at most [`MAX_INNER_ENTRIES`].
    pub entries: Vec<Vec<u8>>,
    /// At most [`MAX_SEEDS`].
    pub seeds: Vec<Seed>,
    /// ML-KEM-768 encapsulation keys, at most [`MAX_EKS`]. The hash in a leaf says whose.
    pub eks: Vec<[u8; 1184]>,
    /// At most [`MAX_PROOFS`].
    pub proofs: Vec<Proof>,
    /// Bit 0: the acks mean that the person has read. Readers ignore other bits.
    pub flags: u32,
}

crate::closed_debug!(Seed, Proof, GroupInner);

impl GroupInner {
    /// Reads the bytes behind the opening.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        if bytes.len() > MAX_GROUP_INNER {
            return Err(GroupError::TooLong);
        }
        let raw: Raw = waku::decode(bytes).map_err(|error| match error {
            DecodeError::TooManyFields => GroupError::TooMany,
            DecodeError::Malformed => GroupError::Malformed,
        })?;
        let acks = records::<8>(&raw.acks, MAX_ACKS)?.iter().map(ack);
        let proofs = records::<32>(&raw.proofs, MAX_PROOFS)?.iter().map(proof);
        let inner = Self {
            acks: acks.collect(),
            heads: records(&raw.heads, MAX_HEADS)?.to_vec(),
            message: raw.message,
            entries: raw.entries,
            seeds: read_seeds(&raw.seeds, MAX_SEEDS)?,
            eks: records(&raw.eks, MAX_EKS)?.to_vec(),
            proofs: proofs.collect(),
            flags: raw.flags,
        };
        inner.check().map(|()| inner)
    }

    /// The bytes to sign and seal; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        let raw = Raw {
            acks: self.acks.iter().flat_map(|ack| [ack.leaf, ack.n.to_be_bytes()]).flatten().collect(),
            heads: self.heads.concat(),
            message: self.message.clone(),
            entries: self.entries.clone(),
            seeds: seed_bytes(&self.seeds),
            eks: self.eks.concat(),
            proofs: self.proofs.iter().flat_map(|p| [p.reader, p.proof]).flatten().collect(),
            flags: self.flags,
        };
        if raw.encoded_len() > MAX_GROUP_INNER { Err(GroupError::TooLong) } else { Ok(raw.encode_to_vec()) }
    }

    fn check(&self) -> Result<(), GroupError> {
        let counts = [
            (self.acks.len(), MAX_ACKS),
            (self.heads.len(), MAX_HEADS),
            (self.entries.len(), MAX_INNER_ENTRIES),
            (self.seeds.len(), MAX_SEEDS),
            (self.eks.len(), MAX_EKS),
            (self.proofs.len(), MAX_PROOFS),
        ];
        if counts.iter().any(|(count, most)| count > most) {
            return Err(GroupError::TooMany);
        }
        if self.entries.iter().any(|entry| entry.len() > MAX_ENTRY) { Err(GroupError::TooLong) } else { Ok(()) }
    }
}

fn ack([a, b, c, d, n @ ..]: &[u8; 8]) -> Ack {
    Ack { leaf: [*a, *b, *c, *d], n: u32::from_be_bytes(*n) }
}

fn seed(bytes: &[u8; 56]) -> Seed {
    let mut seed = Seed { epoch: [0; 8], leaf: [0; 16], seed: [0; 32] };
    let to = seed.epoch.iter_mut().chain(&mut seed.leaf).chain(&mut seed.seed);
    to.zip(bytes).for_each(|(to, from)| *to = *from);
    seed
}

/// Seeds of 56 bytes, one after another; shared with the welcome.
pub(crate) fn read_seeds(bytes: &[u8], most: usize) -> Result<Vec<Seed>, GroupError> {
    Ok(records::<56>(bytes, most)?.iter().map(seed).collect())
}

pub(crate) fn seed_bytes(seeds: &[Seed]) -> Vec<u8> {
    seeds.iter().flat_map(|s| [&s.epoch[..], &s.leaf, &s.seed].concat()).collect()
}

fn proof(bytes: &[u8; 32]) -> Proof {
    let mut proof = Proof { reader: [0; 16], proof: [0; 16] };
    proof.reader.iter_mut().chain(&mut proof.proof).zip(bytes).for_each(|(to, from)| *to = *from);
    proof
}
