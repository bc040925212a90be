use prost::Message as _;

use super::post::{timer, within};
use super::{Content, ContentError, generated};

/// Longest question, bytes.
pub const MAX_QUESTION: usize = 300;
/// Fewest and most choices.
pub const CHOICES: std::ops::RangeInclusive<usize> = 2..=10;
/// Longest choice, bytes.
pub const MAX_CHOICE: usize = 100;

/// A question with choices. Votes are shown with names.
#[derive(Clone, PartialEq, Eq)]
pub struct Poll {
    /// 1 to [`MAX_QUESTION`] bytes.
    pub question: String,
    /// [`CHOICES`] of them, each 1 to [`MAX_CHOICE`] bytes.
    pub choices: Vec<String>,
    /// Whether one vote may name several.
    pub multiple: bool,
    /// When it ends, Unix seconds; 0 for never.
    pub end_s: u64,
    /// As in a post.
    pub expire_s: u32,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Poll::decode(body).map_err(|_| ContentError::Malformed)?;
    if !CHOICES.contains(&raw.choices.len()) {
        return Err(ContentError::TooMany);
    }
    if raw.question.is_empty() || raw.choices.iter().any(String::is_empty) {
        return Err(ContentError::Field);
    }
    let choices = raw.choices.into_iter().map(|choice| within(choice, MAX_CHOICE)).collect::<Result<_, _>>()?;
    Ok(Content::Poll(Box::new(Poll {
        question: within(raw.question, MAX_QUESTION)?,
        choices,
        multiple: raw.multiple,
        end_s: raw.end_s,
        expire_s: timer(raw.expire_s)?,
    })))
}

pub(super) fn encode(poll: &Poll) -> Result<Vec<u8>, ContentError> {
    let raw = generated::Poll {
        question: poll.question.clone(),
        choices: poll.choices.clone(),
        multiple: poll.multiple,
        end_s: poll.end_s,
        expire_s: poll.expire_s,
    };
    let bytes = raw.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Poll);
