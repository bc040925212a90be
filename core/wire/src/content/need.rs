//! 1 to [`MAX_NEED`] ranges of 32 bytes, one after another: `epoch 8 ‖ λ 16 ‖ first 4 ‖ last 4`.

use super::{Content, ContentError};
use crate::group::{EpochPrefix, LeafId};

/// Most ranges in a need or gone.
pub const MAX_NEED: usize = 64;

/// Messages of one chain, or parts of an epoch's box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first 8 bytes of the epoch.
    pub epoch: EpochPrefix,
    /// The author; zeros for the parts of the epoch's box.
    pub leaf: LeafId,
    /// Number of the first message or part.
    pub first: u32,
    /// Number of the last one, not below the first.
    pub last: u32,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    ranges(body).map(Content::Need)
}

/// Shared with gone.
pub(super) fn ranges(body: &[u8]) -> Result<Vec<Range>, ContentError> {
    match body.as_chunks::<32>() {
        (ranges, []) if ranges.len() > MAX_NEED => Err(ContentError::TooMany),
        ([], _) | (_, [_, ..]) => Err(ContentError::Field),
        (ranges, []) => ranges.iter().map(range).collect(),
    }
}

fn range(bytes: &[u8; 32]) -> Result<Range, ContentError> {
    let cut = || {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (leaf, rest) = rest.split_first_chunk()?;
        let (first, last) = rest.split_first_chunk()?;
        let (first, last) = (u32::from_be_bytes(*first), u32::from_be_bytes(last.try_into().ok()?));
        Some(Range { epoch: *epoch, leaf: *leaf, first, last })
    };
    cut().filter(|range| range.first <= range.last).ok_or(ContentError::Field)
}

pub(super) fn encode(all: &[Range]) -> Result<Vec<u8>, ContentError> {
    let bytes = |r: &Range| [&r.epoch[..], &r.leaf, &r.first.to_be_bytes(), &r.last.to_be_bytes()].concat();
    let bytes: Vec<u8> = all.iter().flat_map(bytes).collect();
    ranges(&bytes).map(|_| bytes)
}
