//! Records of groups.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{ContactId, ConversationId};
use crate::error::{Code, Error};

id!(
    /// Id of a member of one group: base64url of 16 bytes, the same on all phones.
    MemberId of 16
);

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupRole {
    /// Made the group: can do everything, and nobody can remove them.
    Owner,
    /// Adds and removes members, and changes settings.
    Admin,
    /// Writes, and whatever else the settings allow.
    Member,
}

/// Whom a right is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupWho {
    /// The owner and admins.
    Admins,
    /// All members.
    Members,
}

/// What this account is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupState {
    /// Invited; it answers or waits.
    Invited,
    /// It said yes, and waits to be let in.
    Answered,
    /// It reads; it writes once other members confirmed the group.
    Joining,
    /// A member.
    Member,
    /// It left.
    Left,
    /// It was removed.
    Removed,
    /// The group was closed.
    Closed,
    /// It declined the invitation.
    Declined,
}

/// What a conversation says of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// What this account is to it.
    pub state: GroupState,
    /// Number of members. Before it is a member: as the invitation says.
    pub members: u32,
}

/// A group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its conversation.
    pub conversation: ConversationId,
    /// What this account is to it.
    pub state: GroupState,
    /// At most 60 bytes. Before it is a member: as the invitation says.
    pub name: String,
    /// At most 500 bytes.
    pub text: String,
    /// Number of members. Before it is a member: as the invitation says.
    pub members: u32,
    /// The own role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<GroupRole>,
    /// Who invited this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<ContactId>,
    /// How long new messages live after they were read, seconds; 0 for ever.
    pub timer_s: u32,
    /// Who adds members.
    pub who_adds: GroupWho,
    /// Who changes name, picture, text and timer, and pins.
    pub who_sets: GroupWho,
    /// Who writes.
    pub who_writes: GroupWho,
    /// Whether joiners get what was written before.
    pub history: bool,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// Names the member in this group.
    pub id: MemberId,
    /// The account that the member says to be.
    pub contact: ContactId,
    /// The name that this device shows for the contact; empty for somebody who is no contact, and for this account.
    pub name: String,
    /// What the member may do.
    pub role: GroupRole,
    /// Whether it is this account.
    pub own: bool,
    /// Whether its device proved to this one that it is the account's. Until then say "not confirmed by their device":
    /// whoever added the member may have made it up. True for this account.
    pub confirmed: bool,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// Changes of a group; what is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupPatch {
    /// 1 to 60 bytes.
    pub name: Option<String>,
    /// At most 500 bytes.
    pub text: Option<String>,
    /// 0, or 5 seconds to 4 weeks.
    pub timer_s: Option<u32>,
    /// Who adds members.
    pub who_adds: Option<GroupWho>,
    /// Who changes name, picture, text and timer, and pins.
    pub who_sets: Option<GroupWho>,
    /// Who writes.
    pub who_writes: Option<GroupWho>,
    /// Whether joiners get what was written before.
    pub history: Option<bool>,
}

crate::closed_debug!(Group, GroupMember, GroupPatch);
