use prost::Message as _;

use super::poll::CHOICES;
use super::{Content, ContentError, MessageId, fixed, generated};

/// A vote in a poll. The last one of an account counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Vote {
    /// The poll.
    pub target: MessageId,
    /// Places of the choices, from 0, rising; none takes the vote back.
    pub choices: Vec<u8>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Vote::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.choices.len() > *CHOICES.end() {
        return Err(ContentError::TooMany);
    }
    let known = |place: u32| u8::try_from(place).ok().filter(|place| usize::from(*place) < *CHOICES.end());
    let choices: Option<Vec<u8>> = raw.choices.into_iter().map(known).collect();
    let choices = choices.filter(|all| all.is_sorted_by(|one, next| one < next)).ok_or(ContentError::Field)?;
    Ok(Content::Vote(Vote { target: fixed(&raw.target)?, choices }))
}

pub(super) fn encode(vote: &Vote) -> Result<Vec<u8>, ContentError> {
    let choices = vote.choices.iter().map(|place| u32::from(*place)).collect();
    let bytes = generated::Vote { target: vote.target.to_vec(), choices }.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(Vote);
