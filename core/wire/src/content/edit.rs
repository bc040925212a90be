use prost::Message as _;

use super::post::{Mention, mentions, raw_mentions};
use super::{Content, ContentError, MessageId, fixed, generated};

/// A new text for a message of the same author.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The message.
    pub target: MessageId,
    /// Its text from now on, not empty.
    pub text: String,
    /// Mentions in it.
    pub mentions: Vec<Mention>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Edit::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.text.is_empty() {
        return Err(ContentError::Field);
    }
    Ok(Content::Edit(Box::new(Edit {
        target: fixed(&raw.target)?,
        mentions: mentions(&raw.text, raw.mentions)?,
        text: raw.text,
    })))
}

pub(super) fn encode(edit: &Edit) -> Result<Vec<u8>, ContentError> {
    let (target, text) = (edit.target.to_vec(), edit.text.clone());
    let bytes = generated::Edit { target, text, mentions: raw_mentions(&edit.mentions)? }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Edit);
