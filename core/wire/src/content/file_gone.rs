use prost::Message as _;

use super::file_want::index;
use super::{Content, ContentError, MessageId, fixed, generated};

/// A wanted file that the author of this message no longer has.
#[derive(Clone, PartialEq, Eq)]
pub struct FileGone {
    /// The message with the file.
    pub message: MessageId,
    /// Which of its files, from 0.
    pub index: u8,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::FileGone::decode(body).map_err(|_| ContentError::Malformed)?;
    Ok(Content::FileGone(FileGone { message: fixed(&raw.message)?, index: index(raw.index)? }))
}

pub(super) fn encode(gone: &FileGone) -> Result<Vec<u8>, ContentError> {
    let bytes = generated::FileGone { message: gone.message.to_vec(), index: u32::from(gone.index) }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(FileGone);
