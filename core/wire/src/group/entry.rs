use sha2::{Digest, Sha256};

use super::{Body, EntryId, EntryPrefix, GroupError, GroupId, LeafId, MAX_BODY, MEMBER, Root, leaf_id};
use crate::read::Reader;

/// Label of the Ed25519 signature over an [`Entry`].
pub const LABEL_ENTRY: &str = "sotto/group-entry/1";
/// Label of [`Entry::id`].
pub const LABEL_ENTRY_ID: &str = "sotto/group-entry-id/1";
/// Label of [`Entry::group_id`].
pub const LABEL_GROUP: &str = "sotto/group/1";
/// Label of the authority key's signature over a deputy key.
pub const LABEL_DEPUTY: &str = "sotto/group-deputy/1";
/// Most parents of an entry.
pub const MAX_ENTRY_PARENTS: usize = 8;
/// Longest entry, bytes.
pub const MAX_ENTRY: usize = 52 + MAX_ENTRY_PARENTS * 32 + 2 + MAX_BODY + 96 + 64;

const VERSION: u8 = 1;

/// Who signs an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// 0: the leaf key of the author.
    Leaf,
    /// 1: the authority key A of the author's lineage.
    Authority,
    /// 2: a deputy key B, with A's signature over it (label [`LABEL_DEPUTY`]).
    Deputy {
        /// vk_B.
        key: [u8; 32],
        /// By A, over vk_B.
        signature: [u8; 64],
    },
}

/// An entry of a group's log: `01 ‖ kind 1 ‖ signer 1 ‖ author λ 16 ‖ seat 4 ‖ depth 4 ‖ unix s 8 ‖ own 16 ‖
/// parents 1 ‖ 32 each ‖ length 2 ‖ body ‖ cert 96 if B ‖ signature 64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The author: a leaf, or the root leaf of a lineage if A or B signs.
    pub author: LeafId,
    /// Signer of the entry.
    pub signer: Signer,
    /// The seat that the author acts with; [`MEMBER`] if A or B signs.
    pub seat: u32,
    /// 0 for the genesis; 1 + the highest parent's for others.
    pub depth: u32,
    /// The author's clock, Unix seconds; not below the parents'.
    pub time_s: u64,
    /// Prefix of the same leaf's newest entry in the past; zeros for its first, and if A or B signs.
    pub own: EntryPrefix,
    /// Newest entries that the author had, rising as bytes, 1 to [`MAX_ENTRY_PARENTS`]; none for the genesis.
    pub parents: Vec<EntryId>,
    /// What the entry does.
    pub body: Body,
    /// Over [`Self::signed_bytes`], with the label [`LABEL_ENTRY`].
    pub signature: [u8; 64],
}

impl Entry {
    /// Reads exactly one entry. Refuses what no honest author of this version makes; it does not know the log.
    pub fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        if bytes.len() > MAX_ENTRY {
            return Err(GroupError::TooLong);
        }
        let mut r = Reader::new(bytes);
        match r.u8()? {
            0 => return Err(GroupError::Field),
            VERSION => {}
            _ => return Err(GroupError::Newer),
        }
        let (kind, signer, author, seat) = (r.u8()?, r.u8()?, r.array()?, r.u32()?);
        let (depth, time_s, own) = (r.u32()?, r.u64()?, r.array()?);
        let count = usize::from(r.u8()?);
        if count > MAX_ENTRY_PARENTS {
            return Err(GroupError::TooMany);
        }
        let parents = r.bytes(count * 32)?.as_chunks().0.to_vec();
        let len = usize::from(r.u16()?);
        let body = Body::decode(kind, r.bytes(len)?)?;
        let signer = match signer {
            0 => Signer::Leaf,
            1 => Signer::Authority,
            2 => Signer::Deputy { key: r.array()?, signature: r.array()? },
            _ => return Err(GroupError::Field),
        };
        let entry = Self { author, signer, seat, depth, time_s, own, parents, body, signature: r.array()? };
        if r.left() != 0 {
            return Err(GroupError::Length);
        }
        entry.check()?;
        Ok(entry)
    }

    /// The bytes of the entry; refuses what [`Self::decode`] would refuse.
    pub fn encode(&self) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        Ok([self.unsigned()?.as_slice(), &self.signature].concat())
    }

    /// What is signed with [`LABEL_ENTRY`]: r ‖ all before the signature.
    pub fn signed_bytes(&self, root: &Root) -> Result<Vec<u8>, GroupError> {
        self.check()?;
        Ok([root.as_slice(), &self.unsigned()?].concat())
    }

    /// The id: SHA-256(label ‖ r ‖ all before the signature).
    pub fn id(&self, root: &Root) -> Result<EntryId, GroupError> {
        let signed = self.signed_bytes(root)?;
        Ok(Sha256::new().chain_update(LABEL_ENTRY_ID).chain_update(signed).finalize().into())
    }

    /// G, if this is a genesis: SHA-256(label ‖ the whole entry, with its signature).
    pub fn group_id(&self) -> Result<GroupId, GroupError> {
        match &self.body {
            Body::Genesis(_) => {
                Ok(Sha256::new().chain_update(LABEL_GROUP).chain_update(self.encode()?).finalize().into())
            }
            _ => Err(GroupError::Field),
        }
    }

    fn unsigned(&self) -> Result<Vec<u8>, GroupError> {
        let body = self.body.encode()?;
        let len = u16::try_from(body.len()).map_err(|_| GroupError::TooLong)?;
        let count = u8::try_from(self.parents.len()).map_err(|_| GroupError::TooMany)?;
        let mut bytes = Vec::with_capacity(MAX_ENTRY);
        bytes.extend_from_slice(&[VERSION, self.body.kind(), self.signer.code()]);
        bytes.extend_from_slice(&self.author);
        bytes.extend_from_slice(&self.seat.to_be_bytes());
        bytes.extend_from_slice(&self.depth.to_be_bytes());
        bytes.extend_from_slice(&self.time_s.to_be_bytes());
        bytes.extend_from_slice(&self.own);
        bytes.push(count);
        bytes.extend_from_slice(self.parents.as_flattened());
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&body);
        if let Signer::Deputy { key, signature } = &self.signer {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(signature);
        }
        Ok(bytes)
    }

    fn check(&self) -> Result<(), GroupError> {
        if self.parents.len() > MAX_ENTRY_PARENTS {
            return Err(GroupError::TooMany);
        }
        if !self.parents.is_sorted_by(|one, next| one < next) {
            return Err(GroupError::Order);
        }
        let begins = matches!(self.body, Body::Genesis(_));
        let placed = begins == self.parents.is_empty() && begins == (self.depth == 0);
        let seated = match (&self.signer, &self.body) {
            (Signer::Leaf, Body::DeputyOff(_)) => false,
            (Signer::Leaf, body) => body.allows(self.seat),
            (Signer::Authority, Body::DeputyOff(_)) => self.ranks_nothing(),
            (Signer::Authority | Signer::Deputy { .. }, Body::Leaf(_) | Body::Unleaf(_) | Body::Unknown(..)) => {
                self.ranks_nothing()
            }
            (Signer::Authority | Signer::Deputy { .. }, _) => false,
        };
        if !placed || !seated {
            return Err(GroupError::Field);
        }
        match &self.body {
            Body::Genesis(genesis) => {
                let leaf = leaf_id(&genesis.root, &genesis.leaf.encode()?);
                let first = self.author == leaf && self.own == EntryPrefix::default();
                if first { Ok(()) } else { Err(GroupError::Field) }
            }
            _ => Ok(()),
        }
    }

    /// An entry by A or B claims no seat and stands in no chain of own entries.
    fn ranks_nothing(&self) -> bool {
        self.seat == MEMBER && self.own == EntryPrefix::default()
    }
}

crate::closed_debug!(Entry);

impl Signer {
    fn code(&self) -> u8 {
        match self {
            Self::Leaf => 0,
            Self::Authority => 1,
            Self::Deputy { .. } => 2,
        }
    }
}
