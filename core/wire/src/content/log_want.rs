//! 1 to [`MAX_LOG_WANT`] prefixes of entry ids, 16 bytes each.

use super::{Content, ContentError};
use crate::group::EntryPrefix;

/// Most entries in a log-want.
pub const MAX_LOG_WANT: usize = 64;

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    match body.as_chunks() {
        (entries, []) if entries.len() > MAX_LOG_WANT => Err(ContentError::TooMany),
        ([], _) | (_, [_, ..]) => Err(ContentError::Field),
        (entries, []) => Ok(Content::LogWant(entries.to_vec())),
    }
}

pub(super) fn encode(entries: &[EntryPrefix]) -> Result<Vec<u8>, ContentError> {
    let bytes = entries.concat();
    decode(&bytes).map(|_| bytes)
}
