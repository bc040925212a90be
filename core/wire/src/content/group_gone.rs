pub(super) use super::need::encode;
use super::{Content, ContentError, need};

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    need::ranges(body).map(Content::GroupGone)
}
