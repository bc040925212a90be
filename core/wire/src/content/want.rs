//! 1 to [`MAX_PREFIXES`] prefixes, one after another.

use super::{Content, ContentError, Prefix};

/// Most prefixes in a want or gone.
pub const MAX_PREFIXES: usize = 64;

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    prefixes(body).map(Content::Want)
}

/// Shared with gone.
pub(super) fn prefixes(body: &[u8]) -> Result<Vec<Prefix>, ContentError> {
    match body.as_chunks() {
        (prefixes, []) if prefixes.len() > MAX_PREFIXES => Err(ContentError::TooMany),
        ([], _) | (_, [_, ..]) => Err(ContentError::Field),
        (prefixes, []) => Ok(prefixes.to_vec()),
    }
}

pub(super) fn encode(prefixes: &[Prefix]) -> Result<Vec<u8>, ContentError> {
    match prefixes.len() {
        0 => Err(ContentError::Field),
        1..=MAX_PREFIXES => Ok(prefixes.concat()),
        _ => Err(ContentError::TooMany),
    }
}
