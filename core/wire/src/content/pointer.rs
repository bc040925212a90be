use prost::Message as _;

use super::{Content, ContentError, Kind, generated};
use crate::file::FilePointer;

/// A body that is too long for one envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    /// Kind of the body; not [`Kind::Pointer`].
    pub kind: Kind,
    /// Where the body is; bare.
    pub pointer: FilePointer,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Pointer::decode(body).map_err(|_| ContentError::Malformed)?;
    let kind = Kind::from_code(raw.kind).filter(|&kind| kind != Kind::Pointer).ok_or(ContentError::Kind)?;
    let pointer = FilePointer::decode_bare(&raw.pointer).map_err(ContentError::File)?;
    Ok(Content::Pointer(Remote { kind, pointer }))
}

pub(super) fn encode(remote: &Remote) -> Result<Vec<u8>, ContentError> {
    if remote.kind == Kind::Pointer {
        return Err(ContentError::Kind);
    }
    Ok(generated::Pointer { kind: remote.kind.code(), pointer: remote.pointer.encode().to_vec() }.encode_to_vec())
}

crate::closed_debug!(Remote);
