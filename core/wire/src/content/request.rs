use prost::Message as _;

use super::{Content, ContentError, fixed, generated, name};
use crate::name::Name;

/// Longest text of a contact request, bytes.
pub const MAX_REQUEST_TEXT: usize = 400;

/// A contact request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Home value of the author: the answer goes to its bucket.
    pub home: [u8; 8],
    /// Name that the author chose, unproven.
    pub name: Name,
    /// At most [`MAX_REQUEST_TEXT`] bytes; may be empty.
    pub text: String,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Request::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.text.len() > MAX_REQUEST_TEXT {
        return Err(ContentError::TooLong);
    }
    Ok(Content::Request(Request { home: fixed(&raw.home)?, name: name(raw.name)?, text: raw.text }))
}

pub(super) fn encode(request: &Request) -> Result<Vec<u8>, ContentError> {
    if request.text.len() > MAX_REQUEST_TEXT {
        return Err(ContentError::TooLong);
    }
    let (home, name) = (request.home.to_vec(), request.name.as_str().to_owned());
    Ok(generated::Request { home, name, text: request.text.clone() }.encode_to_vec())
}

crate::closed_debug!(Request);
