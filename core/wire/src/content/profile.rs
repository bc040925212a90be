use prost::Message as _;

use super::{Content, ContentError, fixed, generated, name};
use crate::blob::Pointer;
use crate::name::Name;

/// A changed profile.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileUpdate {
    /// Home value of the author.
    pub home: [u8; 8],
    /// The author's new name.
    pub name: Name,
    /// The picture's blob; nobody sends one yet.
    pub picture: Option<Pointer>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::Profile::decode(body).map_err(|_| ContentError::Malformed)?;
    let picture = Some(raw.picture).filter(|bytes| !bytes.is_empty());
    let picture = picture.map(|bytes| Pointer::decode(&bytes)).transpose().map_err(ContentError::Pointer)?;
    Ok(Content::Profile(ProfileUpdate { home: fixed(&raw.home)?, name: name(raw.name)?, picture }))
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
