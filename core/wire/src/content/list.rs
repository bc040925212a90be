use super::{Content, ContentError};
use crate::identity::DeviceList;

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    DeviceList::decode(body).map(|list| Content::List(Box::new(list))).map_err(ContentError::List)
}

pub(super) fn encode(list: &DeviceList) -> Result<Vec<u8>, ContentError> {
    list.encode().map_err(ContentError::List)
}
