use prost::Message as _;

use super::profile::picture;
use super::{Content, ContentError, fixed, generated};
use crate::file::FilePointer;
use crate::group::{GroupId, MAX_GROUP_NAME};

/// An offer to join a group. What it says is unproven.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupInvite {
    /// G.
    pub group: GroupId,
    /// The group's name, at most [`MAX_GROUP_NAME`] bytes.
    pub name: String,
    /// Number of members.
    pub members: u32,
    /// The group's picture.
    pub picture: Option<FilePointer>,
}

pub(super) fn decode(body: &[u8]) -> Result<Content, ContentError> {
    let raw = generated::GroupInvite::decode(body).map_err(|_| ContentError::Malformed)?;
    if raw.name.len() > MAX_GROUP_NAME {
        return Err(ContentError::Name);
    }
    let (group, picture) = (fixed(&raw.group)?, picture(&raw.picture)?);
    Ok(Content::GroupInvite(Box::new(GroupInvite { group, name: raw.name, members: raw.members, picture })))
}

pub(super) fn encode(invite: &GroupInvite) -> Result<Vec<u8>, ContentError> {
    let raw = generated::GroupInvite {
        group: invite.group.to_vec(),
        name: invite.name.clone(),
        members: invite.members,
        picture: invite.picture.as_ref().map(|p| p.encode().to_vec()).unwrap_or_default(),
    };
    let bytes = raw.encode_to_vec();
    decode(&bytes).map(|_| bytes)
}

crate::closed_debug!(GroupInvite);
