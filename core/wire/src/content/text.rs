//! UTF-8, not empty; up to 1 MiB in chunks.

use super::{Content, ContentError};
use crate::file::MAX_LONG;

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let text = str::from_utf8(body).map_err(|_| ContentError::Text)?;
    if text.is_empty() { Err(ContentError::Field) } else { Ok(Content::Text(text.to_owned())) }
}

pub(super) fn encode(text: &str) -> Result<Vec<u8>, ContentError> {
    match text.len() {
        0 => Err(ContentError::Field),
        1..=MAX_LONG => Ok(text.as_bytes().to_vec()),
        _ => Err(ContentError::TooLong),
    }
}
