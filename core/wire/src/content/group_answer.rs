use prost::Message as _;
use sha2::{Digest, Sha256};

use super::{Content, ContentError, fixed, generated};
use crate::group::{GroupId, Leaf};

/// The answer to a [`GroupInvite`](super::GroupInvite).
#[derive(Clone, PartialEq, Eq)]
pub struct GroupAnswer {
    /// G.
    pub group: GroupId,
    /// The leaf to add, and the ML-KEM-768 encapsulation key whose hash it has. `None` declines.
    pub joins: Option<(Leaf, Box<[u8; 1184]>)>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::GroupAnswer::decode(body).map_err(|_| ContentError::Malformed)?;
    let joins = if raw.leaf.is_empty() && raw.ek.is_empty() {
        None
    } else {
        let (leaf, ek) = (Leaf::decode(&raw.leaf).map_err(ContentError::Group)?, Box::new(fixed(&raw.ek)?));
        if leaf.kem_hash != <[u8; 32]>::from(Sha256::digest(ek.as_slice())) {
            return Err(ContentError::Field);
        }
        Some((leaf, ek))
    };
    Ok(Content::GroupAnswer(Box::new(GroupAnswer { group: fixed(&raw.group)?, joins })))
}

pub(super) fn encode(answer: &GroupAnswer) -> Result<Vec<u8>, ContentError> {
    let (leaf, ek) = match &answer.joins {
        Some((leaf, ek)) => (leaf.encode().map_err(ContentError::Group)?, ek.to_vec()),
        None => (Vec::new(), Vec::new()),
    };
    let bytes = generated::GroupAnswer { group: answer.group.to_vec(), leaf, ek }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(GroupAnswer);
