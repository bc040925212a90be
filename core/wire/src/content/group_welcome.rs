use prost::Message as _;

use super::{Content, ContentError, fixed, generated};
use crate::file::FilePointer;
use crate::group::{EntryId, GroupId, LeafId, MAX_SEEDS, Root, Seed, read_seeds, seed_bytes};

/// Most heads of the log in a welcome.
pub const MAX_WELCOME_HEADS: usize = 8;

/// The secrets of a group for who was added, or for a leaf that lost them.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupWelcome {
    /// G.
    pub group: GroupId,
    /// r.
    pub root: Root,
    /// M_G, the mask secret.
    pub mask: [u8; 32],
    /// Bucket value of the group.
    pub bucket: [u8; 8],
    /// λ of the reader.
    pub leaf: LeafId,
    /// K of the author's next box.
    pub k: u32,
    /// Q_K of the pair from the author to the reader.
    pub pair_key: [u8; 32],
    /// Seeds of the reader's own chains, one for each live epoch, at most [`MAX_SEEDS`].
    pub seeds: Vec<Seed>,
    /// Newest entries of the author's log, 1 to [`MAX_WELCOME_HEADS`].
    pub heads: Vec<EntryId>,
    /// Where the [`Handover`](crate::group::Handover) is.
    pub pointer: FilePointer,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::GroupWelcome::decode(body).map_err(|_| ContentError::Malformed)?;
    let heads = match raw.heads.as_chunks() {
        (_, [_, ..]) | ([], _) => return Err(ContentError::Field),
        (heads, []) if heads.len() > MAX_WELCOME_HEADS => return Err(ContentError::TooMany),
        (heads, []) => heads.to_vec(),
    };
    Ok(Content::GroupWelcome(Box::new(GroupWelcome {
        group: fixed(&raw.group)?,
        root: fixed(&raw.root)?,
        mask: fixed(&raw.mask)?,
        bucket: fixed(&raw.bucket)?,
        leaf: fixed(&raw.leaf)?,
        k: raw.k,
        pair_key: fixed(&raw.pair_key)?,
        seeds: read_seeds(&raw.seeds, MAX_SEEDS).map_err(ContentError::Group)?,
        heads,
        pointer: FilePointer::decode_bare(&raw.pointer).map_err(ContentError::File)?,
    })))
}

pub(super) fn encode(welcome: &GroupWelcome) -> Result<Vec<u8>, ContentError> {
    let raw = generated::GroupWelcome {
        group: welcome.group.to_vec(),
        root: welcome.root.to_vec(),
        mask: welcome.mask.to_vec(),
        bucket: welcome.bucket.to_vec(),
        leaf: welcome.leaf.to_vec(),
        k: welcome.k,
        pair_key: welcome.pair_key.to_vec(),
        seeds: seed_bytes(&welcome.seeds),
        heads: welcome.heads.concat(),
        pointer: welcome.pointer.encode().to_vec(),
    };
    let bytes = raw.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(GroupWelcome);
