//! Calls about groups.

use super::Messenger;
use super::read::rows;
use crate::engine::{call, groups};
use crate::error::Error;
use crate::records::{
    ContactId, ConversationId, Delivery, Group, GroupMember, GroupPatch, GroupRole, MemberId, MessageId,
};
use crate::{cursor, view};

impl Messenger {
    /// Makes a group and invites contacts to it. `name` has 1 to 60 bytes. Returns its conversation. The group is on
    /// disk when this returns; members are those who accept. Errors: `input.group`, `contact.missing`, `contact.state`,
    /// `group.full`, `account.missing`.
    pub async fn group_create(&self, name: &str, members: &[ContactId]) -> Result<ConversationId, Error> {
        self.call(call::GroupCreate { name: name.to_owned(), members: members.to_vec() }).await
    }

    /// The group of a conversation. Errors: `conversation.missing`, `input.id`.
    pub fn group(&self, conversation: &ConversationId) -> Result<Group, Error> {
        self.read(|reader| groups::read(reader, conversation))
    }

    /// A page of a group's members: the owner, admins, then the others, each by name. Of a group that this account is
    /// not in yet, nobody is known. `before` is the `cursor` of the last member of the previous page. `limit` is 1 to
    /// 500. Errors: `conversation.missing`, `input.id`, `input.limit`.
    pub fn group_members(
        &self,
        conversation: &ConversationId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<GroupMember>, Error> {
        let before = before.map(cursor::member).transpose()?;
        let limit = usize::try_from(rows(limit)?).unwrap_or(usize::MAX);
        self.read(|reader| groups::members_page(reader, conversation, before, limit))
    }

    /// Invites contacts to a group. Who is a member already is passed over. Errors: `conversation.missing`,
    /// `contact.missing`, `contact.state`, `group.*`.
    pub async fn group_invite(&self, conversation: &ConversationId, contacts: &[ContactId]) -> Result<(), Error> {
        self.call(call::GroupInvite { conversation: conversation.clone(), contacts: contacts.to_vec() }).await
    }

    /// Accepts or declines an invitation. The inviter is told. Who accepts is a member when the inviter's device and
    /// then other members answered; [`GroupState`](crate::records::GroupState) says how far that is. Errors:
    /// `conversation.missing`, `group.not_invited`, `group.full`.
    pub async fn group_answer(&self, conversation: &ConversationId, accept: bool) -> Result<(), Error> {
        self.call(call::GroupAnswer { conversation: conversation.clone(), accept }).await
    }

    /// Removes a member: it reads nothing that is written later. With `ban` no link admits the account again. Errors:
    /// `conversation.missing`, `group.*`.
    pub async fn group_remove(&self, conversation: &ConversationId, member: &MemberId, ban: bool) -> Result<(), Error> {
        self.call(call::GroupRemove { conversation: conversation.clone(), member: member.clone(), ban }).await
    }

    /// Makes a member an admin, or an admin a member. The owner stays the owner. Errors: `conversation.missing`,
    /// `group.*`.
    pub async fn group_role(
        &self,
        conversation: &ConversationId,
        member: &MemberId,
        role: GroupRole,
    ) -> Result<(), Error> {
        self.call(call::GroupSetRole { conversation: conversation.clone(), member: member.clone(), role }).await
    }

    /// Changes settings of a group, for all members; `None` fields keep their value. Errors: `conversation.missing`,
    /// `input.group`, `input.timer`, `group.*`.
    pub async fn group_set(&self, conversation: &ConversationId, patch: GroupPatch) -> Result<(), Error> {
        self.call(call::GroupSet { conversation: conversation.clone(), patch }).await
    }

    /// Leaves a group. Its messages stay on this device until the conversation is deleted. Errors:
    /// `conversation.missing`.
    pub async fn group_leave(&self, conversation: &ConversationId) -> Result<(), Error> {
        self.call(call::GroupLeave { conversation: conversation.clone() }).await
    }

    /// Ends a group for all members: nobody writes in it again. Only its owner can. Errors: `conversation.missing`,
    /// `group.*`.
    pub async fn group_close(&self, conversation: &ConversationId) -> Result<(), Error> {
        self.call(call::GroupClose { conversation: conversation.clone() }).await
    }

    /// How far an own message came with each reader: the contact, or the members of now, by name. What is not known is
    /// false. Errors: `message.missing`, `message.not_yours`, `input.id`.
    pub fn deliveries(&self, message: &MessageId) -> Result<Vec<Delivery>, Error> {
        let id = message.to_bytes()?;
        self.read(|reader| view::deliveries(reader, &id))
    }
}
