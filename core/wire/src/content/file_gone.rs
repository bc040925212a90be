use prost::Message as _;

use super::file_want::place;
use super::{Content, ContentError, MessageId, fixed, generated};

/// A wanted file that its author no longer has.
#[derive(Clone, PartialEq, Eq)]
pub struct FileGone {
    /// The post with the file.
    pub message: MessageId,
    /// The file's place in the post, from 0, below [`MAX_FILES`](super::MAX_FILES);
    /// [`BODY`](super::BODY) for the message's body.
    pub file: u8,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::FileGone::decode(body).map_err(|_| ContentError::Malformed)?;
    Ok(Content::FileGone(FileGone { message: fixed(&raw.message)?, file: place(raw.file)? }))
}

pub(super) fn encode(gone: &FileGone) -> Result<Vec<u8>, ContentError> {
    let bytes = generated::FileGone { message: gone.message.to_vec(), file: gone.file.into() }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(FileGone);
