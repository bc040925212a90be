//! Records of groups.

use sotto_messenger::{Code, records as inner};

use super::convert::{int, same_names};
use super::{ContactId, ConversationId, MemberId};
use crate::error::SottoError;

/// What a member of a group may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoGroupRole")]
pub enum GroupRole {
    /// Writes, and does more as the settings allow.
    Member,
    /// Adds and removes members, and changes settings.
    Admin,
    /// Made the group: can do everything, and nobody can remove them.
    Owner,
}

/// Who has a right in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoGroupWho")]
pub enum GroupWho {
    /// The owner and admins.
    Admins,
    /// All members.
    Members,
}

/// What this account is to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoGroupState")]
pub enum GroupState {
    /// Somebody invites it: `group_answer` accepts or declines.
    Invited,
    /// It accepted, and waits until it is added.
    Answered,
    /// It reads. It writes when other members confirmed the group.
    Joining,
    /// It reads and writes.
    Member,
    /// It left.
    Left,
    /// Somebody removed it.
    Removed,
    /// The owner ended the group.
    Closed,
    /// It declined the invitation.
    Declined,
}

/// What a conversation says of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoGroupRow")]
pub struct GroupRow {
    /// What this account is to it.
    pub state: GroupState,
    /// Number of members. Before it is a member: as the invitation says.
    pub members: i32,
}

/// A group.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoGroup")]
pub struct Group {
    /// Id of its conversation.
    pub conversation: ConversationId,
    /// What this account is to it.
    pub state: GroupState,
    /// At most 60 bytes. Before it is a member: as the invitation says.
    pub name: String,
    /// At most 500 bytes.
    pub text: String,
    /// Number of members. Before it is a member: as the invitation says.
    pub members: i32,
    /// The own role, while it is a member.
    pub role: Option<GroupRole>,
    /// Who invited this account.
    pub inviter: Option<ContactId>,
    /// How long new messages live after they were read, seconds; 0 for ever.
    pub timer_s: i32,
    /// Who adds members.
    pub who_adds: GroupWho,
    /// Who changes name, text and timer, and pins.
    pub who_sets: GroupWho,
    /// Who writes.
    pub who_writes: GroupWho,
    /// Whether joiners get what was written before.
    pub history: bool,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoGroupMember")]
pub struct GroupMember {
    /// Id of the member in this group.
    pub id: MemberId,
    /// The account that the member says to be.
    pub contact: ContactId,
    /// The name that this device shows for the contact; empty for somebody who is no contact, and for this account.
    pub name: String,
    /// What the member may do.
    pub role: GroupRole,
    /// Whether it is this account.
    pub own: bool,
    /// Whether its device proved to this one that it is the account's. Until then say "not confirmed by their device".
    pub confirmed: bool,
    /// Pass this as `before` for the next page.
    pub cursor: String,
}

/// Changes of a group; what is missing stays.
#[derive(Clone, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoGroupPatch")]
pub struct GroupPatch {
    /// 1 to 60 bytes.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// At most 500 bytes.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// 0, or 5 seconds to 4 weeks.
    #[uniffi(default = None)]
    pub timer_s: Option<i32>,
    /// Who adds members.
    #[uniffi(default = None)]
    pub who_adds: Option<GroupWho>,
    /// Who changes name, text and timer, and pins.
    #[uniffi(default = None)]
    pub who_sets: Option<GroupWho>,
    /// Who writes.
    #[uniffi(default = None)]
    pub who_writes: Option<GroupWho>,
    /// Whether joiners get what was written before.
    #[uniffi(default = None)]
    pub history: Option<bool>,
}

/// Who wrote a message.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoAuthor")]
pub struct Author {
    /// Id of the account.
    pub contact: ContactId,
    /// The name that this device shows for them; empty for somebody who is no contact.
    pub name: String,
}

/// How far an own message came with one of its readers, as far as this device knows.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi(name = "SottoDelivery")]
pub struct Delivery {
    /// Id of the reader's account.
    pub contact: ContactId,
    /// The name that this device shows for them; empty for somebody who is no contact.
    pub name: String,
    /// Whether their device has it.
    pub delivered: bool,
    /// Whether they marked it read and told so.
    pub read: bool,
}

same_names!(inner::GroupRole => GroupRole: Member, Admin, Owner);
same_names!(inner::GroupState => GroupState: Invited, Answered, Joining, Member, Left, Removed, Closed, Declined);

impl From<GroupRole> for inner::GroupRole {
    fn from(role: GroupRole) -> Self {
        match role {
            GroupRole::Member => Self::Member,
            GroupRole::Admin => Self::Admin,
            GroupRole::Owner => Self::Owner,
        }
    }
}

impl From<inner::GroupWho> for GroupWho {
    fn from(who: inner::GroupWho) -> Self {
        match who {
            inner::GroupWho::Admins => Self::Admins,
            inner::GroupWho::Members => Self::Members,
        }
    }
}

impl From<GroupWho> for inner::GroupWho {
    fn from(who: GroupWho) -> Self {
        match who {
            GroupWho::Admins => Self::Admins,
            GroupWho::Members => Self::Members,
        }
    }
}

impl From<inner::GroupRow> for GroupRow {
    fn from(value: inner::GroupRow) -> Self {
        let inner::GroupRow { state, members } = value;
        Self { state: state.into(), members: int(members) }
    }
}

impl From<inner::Group> for Group {
    fn from(value: inner::Group) -> Self {
        let inner::Group {
            conversation,
            state,
            name,
            text,
            members,
            role,
            inviter,
            timer_s,
            who_adds,
            who_sets,
            who_writes,
            history,
        } = value;
        Self {
            conversation: conversation.into(),
            state: state.into(),
            name,
            text,
            members: int(members),
            role: role.map(Into::into),
            inviter: inviter.map(Into::into),
            timer_s: int(timer_s),
            who_adds: who_adds.into(),
            who_sets: who_sets.into(),
            who_writes: who_writes.into(),
            history,
        }
    }
}

impl From<inner::GroupMember> for GroupMember {
    fn from(value: inner::GroupMember) -> Self {
        let inner::GroupMember { id, contact, name, role, own, confirmed, cursor } = value;
        Self { id: id.into(), contact: contact.into(), name, role: role.into(), own, confirmed, cursor }
    }
}

impl TryFrom<GroupPatch> for inner::GroupPatch {
    type Error = SottoError;

    fn try_from(value: GroupPatch) -> Result<Self, SottoError> {
        let GroupPatch { name, text, timer_s, who_adds, who_sets, who_writes, history } = value;
        Ok(Self {
            name,
            text,
            timer_s: timer_s.map(u32::try_from).transpose().map_err(|_| Code::BadTimer)?,
            who_adds: who_adds.map(Into::into),
            who_sets: who_sets.map(Into::into),
            who_writes: who_writes.map(Into::into),
            history,
        })
    }
}

impl From<inner::Author> for Author {
    fn from(value: inner::Author) -> Self {
        let inner::Author { contact, name } = value;
        Self { contact: contact.into(), name }
    }
}

impl From<inner::Delivery> for Delivery {
    fn from(value: inner::Delivery) -> Self {
        let inner::Delivery { contact, name, delivered, read } = value;
        Self { contact: contact.into(), name, delivered, read }
    }
}
