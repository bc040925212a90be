use super::{Content, ContentError, fixed};
use crate::group::EpochPrefix;

/// The private half of the author's epoch key, so that anybody could have written its messages of that epoch:
/// `epoch 8 ‖ Ed25519 seed 32`.
#[derive(Clone, PartialEq, Eq)]
pub struct OldKey {
    /// The first 8 bytes of the epoch.
    pub epoch: EpochPrefix,
    /// The Ed25519 seed.
    pub key: [u8; 32],
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let body: [u8; 40] = fixed(body)?;
    let (epoch, key) = body.split_first_chunk().ok_or(ContentError::Field)?;
    Ok(Content::OldKey(OldKey { epoch: *epoch, key: fixed(key)? }))
}

pub(super) fn encode(old: &OldKey) -> Result<Vec<u8>, ContentError> {
    Ok([old.epoch.as_slice(), &old.key].concat())
}

crate::closed_debug!(OldKey);
