use prost::Message as _;

use super::{Content, ContentError, Kind, generated};
use crate::blob::Pointer;

/// A body that lies in a blob.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    /// Kind of the body in the blob; not [`Kind::Pointer`].
    pub kind: Kind,
    /// Where the blob is.
    pub pointer: Pointer,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Pointer::decode(body).map_err(|_| ContentError::Malformed)?;
    let kind = Kind::from_code(raw.kind).filter(|&kind| kind != Kind::Pointer).ok_or(ContentError::Kind)?;
    let pointer = Pointer::decode(&raw.pointer).map_err(ContentError::Pointer)?;
    Ok(Content::Pointer(Remote { kind, pointer }))
}

pub(super) fn encode(remote: &Remote) -> Result<Vec<u8>, ContentError> {
    if remote.kind == Kind::Pointer {
        return Err(ContentError::Kind);
    }
    Ok(generated::Pointer { kind: remote.kind.code(), pointer: remote.pointer.encode().to_vec() }.encode_to_vec())
}

crate::closed_debug!(Remote);
