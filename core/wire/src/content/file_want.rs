use prost::Message as _;

use super::file::{BODY, MAX_FILES};
use super::{Content, ContentError, MessageId, fixed, generated};

/// Longest bitmap, bytes: a bit for each of 1,602 data chunks.
pub const MAX_MISSING: usize = 201;

/// A file whose chunks its author is asked to publish again.
#[derive(Clone, PartialEq, Eq)]
pub struct FileWant {
    /// The post with the file.
    pub message: MessageId,
    /// The file's place in the post, from 0, below [`MAX_FILES`]; [`BODY`] for the message's body.
    pub file: u8,
    /// Bit i (byte i / 8, least significant first) stands for data chunk i that is missing. 1 to [`MAX_MISSING`] bytes,
    /// the last one not zero. Bits beyond the file's chunks mean nothing.
    pub missing: Vec<u8>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::FileWant::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.missing.len() > MAX_MISSING {
        return Err(ContentError::TooMany);
    }
    if raw.missing.last().is_none_or(|last| *last == 0) {
        return Err(ContentError::Field);
    }
    let (message, file) = (fixed(&raw.message)?, place(raw.file)?);
    Ok(Content::FileWant(FileWant { message, file, missing: raw.missing }))
}

pub(super) fn encode(want: &FileWant) -> Result<Vec<u8>, ContentError> {
    let (message, file) = (want.message.to_vec(), want.file.into());
    let bytes = generated::FileWant { message, file, missing: want.missing.clone() }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

/// Shared with gone.
pub(super) fn place(file: u32) -> Result<u8, ContentError> {
    u8::try_from(file).ok().filter(|file| usize::from(*file) < MAX_FILES || *file == BODY).ok_or(ContentError::Field)
}

crate::closed_debug!(FileWant);
