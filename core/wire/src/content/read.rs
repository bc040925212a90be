use super::{Content, ContentError, MessageId, fixed};

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    fixed(body).map(Content::Read)
}

pub(super) fn encode(id: &MessageId) -> Result<Vec<u8>, ContentError> {
    Ok(id.to_vec())
}
