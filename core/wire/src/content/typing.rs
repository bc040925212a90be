use super::{Content, ContentError};

pub(super) fn decode(_: &[u8]) -> Result<Content, ContentError> {
    Ok(Content::Typing)
}

pub(super) fn encode() -> Result<Vec<u8>, ContentError> {
    Ok(Vec::new())
}
