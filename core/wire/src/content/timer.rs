use prost::Message as _;

use super::{Content, ContentError, generated, post};

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Timer::decode(body).map_err(|_| ContentError::Malformed)?;
    post::timer(raw.seconds).map(Content::Timer)
}

pub(super) fn encode(seconds: &u32) -> Result<Vec<u8>, ContentError> {
    Ok(generated::Timer { seconds: post::timer(*seconds)? }.encode_to_vec())
}
