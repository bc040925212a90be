//! 1 to [`MAX_TARGETS`] message ids, one after another.

use super::{Content, ContentError, MessageId};

/// Most messages that one message deletes.
pub const MAX_TARGETS: usize = 32;

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    match body.as_chunks() {
        (targets, []) if targets.len() > MAX_TARGETS => Err(ContentError::TooMany),
        ([], _) | (_, [_, ..]) => Err(ContentError::Field),
        (targets, []) => Ok(Content::Delete(targets.to_vec())),
    }
}

pub(super) fn encode(targets: &[MessageId]) -> Result<Vec<u8>, ContentError> {
    match targets.len() {
        0 => Err(ContentError::Field),
        1..=MAX_TARGETS => Ok(targets.concat()),
        _ => Err(ContentError::TooMany),
    }
}
