use prost::Message as _;

use super::{Content, ContentError, fixed, generated, name};
use crate::file::FilePointer;
use crate::name::Name;

/// A changed profile.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// Home value of the author.
    pub home: [u8; 8],
    /// The author's new name.
    pub name: Name,
    /// The author's picture; `None` if there is none.
    pub picture: Option<FilePointer>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Profile::decode(body).map_err(|_| ContentError::Malformed)?;
    let picture = picture(&raw.picture)?;
    Ok(Content::Profile(ProfileUpdate { home: fixed(&raw.home)?, name: name(raw.name)?, picture }))
}

/// The pointer of a picture; none if it is empty.
pub(super) fn picture(bytes: &[u8]) -> Result<Option<FilePointer>, ContentError> {
    let pointer = (!bytes.is_empty()).then(|| FilePointer::decode(bytes));
    pointer.transpose().map_err(ContentError::File)
}

pub(super) fn encode(profile: &ProfileUpdate) -> Result<Vec<u8>, ContentError> {
    let raw = generated::Profile {
        home: profile.home.to_vec(),
        name: profile.name.as_str().to_owned(),
        picture: profile.picture.as_ref().map(|p| p.encode().to_vec()).unwrap_or_default(),
    };
    Ok(raw.encode_to_vec())
}

crate::closed_debug!(ProfileUpdate);
