use prost::Message as _;

use super::{Content, ContentError, MessageId, fixed, generated};
use crate::name::{is_blank, is_command};

/// Longest emoji, bytes.
pub const MAX_EMOJI: usize = 32;

/// A reaction set or taken back.
#[derive(Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The message.
    pub target: MessageId,
    /// 1 to [`MAX_EMOJI`] bytes, with something visible.
    pub emoji: String,
    /// Set, or taken back.
    pub on: bool,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Reaction::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.emoji.len() > MAX_EMOJI {
        return Err(ContentError::TooLong);
    }
    if is_blank(&raw.emoji) || raw.emoji.chars().any(|c| is_command(c) || c.is_whitespace()) {
        return Err(ContentError::Field);
    }
    Ok(Content::Reaction(Reaction { target: fixed(&raw.target)?, emoji: raw.emoji, on: raw.on }))
}

pub(super) fn encode(reaction: &Reaction) -> Result<Vec<u8>, ContentError> {
    let (target, emoji) = (reaction.target.to_vec(), reaction.emoji.clone());
    let bytes = generated::Reaction { target, emoji, on: reaction.on }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Reaction);
