use prost::Message as _;

use super::{Content, ContentError, MessageId, fixed, generated};

/// A message pinned or unpinned for both sides.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin {
    /// The message.
    pub target: MessageId,
    /// Pinned, or unpinned.
    pub on: bool,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Pin::decode(body).map_err(|_| ContentError::Malformed)?;
    Ok(Content::Pin(Pin { target: fixed(&raw.target)?, on: raw.on }))
}

pub(super) fn encode(pin: &Pin) -> Result<Vec<u8>, ContentError> {
    Ok(generated::Pin { target: pin.target.to_vec(), on: pin.on }.encode_to_vec())
}

crate::closed_debug!(Pin);
