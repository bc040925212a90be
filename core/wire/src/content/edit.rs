use prost::Message as _;

use super::post::{Mention, mentions, raw_mentions};
use super::{Content, ContentError, MessageId, fixed, generated};
use crate::blob::MAX_BLOB;

/// A new text for a message of the same author.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The message.
    pub target: MessageId,
    /// Its text from now on, 1 to [`MAX_BLOB`] bytes.
    pub text: String,
    /// Mentions in it.
    pub mentions: Vec<Mention>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Edit::decode(body).map_err(|_| ContentError::Malformed)?;
    match raw.text.len() {
        0 => Err(ContentError::Field),
        1..=MAX_BLOB => Ok(Content::Edit(Box::new(Edit {
            target: fixed(&raw.target)?,
            mentions: mentions(&raw.text, raw.mentions)?,
            text: raw.text,
        }))),
        _ => Err(ContentError::TooLong),
    }
}

pub(super) fn encode(edit: &Edit) -> Result<Vec<u8>, ContentError> {
    let (target, text) = (edit.target.to_vec(), edit.text.clone());
    let bytes = generated::Edit { target, text, mentions: raw_mentions(&edit.mentions)? }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Edit);
