use prost::Message as _;

use super::{Content, ContentError, MessageId, fixed, generated};

/// Longest bitmap of chunks: one bit for each of 1,831.
pub const MAX_BITMAP: usize = 229;

/// Chunks of a file that the author of this message lacks.
#[derive(Clone, PartialEq, Eq)]
pub struct FileWant {
    /// The message with the file.
    pub message: MessageId,
    /// Which of its files, from 0.
    pub index: u8,
    /// A bit for each chunk that it has, the data chunks first; at most [`MAX_BITMAP`] bytes.
    pub have: Vec<u8>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::FileWant::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.bitmap.len() > MAX_BITMAP {
        return Err(ContentError::TooLong);
    }
    Ok(Content::FileWant(Box::new(FileWant {
        message: fixed(&raw.message)?,
        index: index(raw.index)?,
        have: raw.bitmap,
    })))
}

/// Shared with file-gone.
pub(super) fn index(index: u32) -> Result<u8, ContentError> {
    let known = u8::try_from(index).ok().filter(|index| usize::from(*index) < super::MAX_FILES);
    known.ok_or(ContentError::Field)
}

pub(super) fn encode(want: &FileWant) -> Result<Vec<u8>, ContentError> {
    let (message, index, bitmap) = (want.message.to_vec(), u32::from(want.index), want.have.clone());
    let bytes = generated::FileWant { message, index, bitmap }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(FileWant);
