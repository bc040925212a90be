pub(super) use super::want::encode;
use super::{Content, ContentError, want};

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    want::prefixes(body).map(Content::Gone)
}
