//! Calls about groups.

use sotto_messenger::Messenger;

use super::{SottoCore, rows};
use crate::error::SottoError;
use crate::records::{
    ContactId, ConversationId, Delivery, Group, GroupMember, GroupPatch, GroupRole, MemberId, MessageId, records,
};

#[uniffi::export]
impl SottoCore {
    /// Makes a group and invites contacts to it. `name` has 1 to 60 bytes. Returns its conversation. Members are those
    /// who accept. Errors: `input.group`, `contact.missing`, `contact.state`, `group.full`, `account.missing`.
    pub async fn group_create(&self, name: String, members: Vec<ContactId>) -> Result<ConversationId, SottoError> {
        let members: Vec<_> = members.into_iter().map(Into::into).collect();
        Ok(self.messenger.group_create(&name, &members).await?.into())
    }

    /// The group of a conversation. Errors: `conversation.missing`, `input.id`.
    pub async fn group(&self, conversation: ConversationId) -> Result<Group, SottoError> {
        Ok(self.reads.read(move |messenger| messenger.group(&conversation.into())).await?.into())
    }

    /// A page of a group's members: the owner, admins, then the others, each by name. `before` is the cursor of the
    /// last member of the previous page. `limit` is 1 to 500. Errors: `conversation.missing`, `input.id`,
    /// `input.limit`.
    #[uniffi::method(default(before = None))]
    pub async fn group_members(
        &self,
        conversation: ConversationId,
        limit: i32,
        before: Option<String>,
    ) -> Result<Vec<GroupMember>, SottoError> {
        let id = conversation.into();
        let read = move |messenger: &Messenger| messenger.group_members(&id, before.as_deref(), rows(limit));
        Ok(records(self.reads.read(read).await?))
    }

    /// Invites contacts to a group. Who is a member already is passed over. Errors: `conversation.missing`,
    /// `contact.missing`, `contact.state`, `group.*`.
    pub async fn group_invite(&self, conversation: ConversationId, contacts: Vec<ContactId>) -> Result<(), SottoError> {
        let contacts: Vec<_> = contacts.into_iter().map(Into::into).collect();
        Ok(self.messenger.group_invite(&conversation.into(), &contacts).await?)
    }

    /// Accepts or declines an invitation. The inviter is told. `Group.state` says how far joining is. Errors:
    /// `conversation.missing`, `group.not_invited`, `group.full`.
    pub async fn group_answer(&self, conversation: ConversationId, accept: bool) -> Result<(), SottoError> {
        Ok(self.messenger.group_answer(&conversation.into(), accept).await?)
    }

    /// Removes a member: it reads nothing that is written later. With `ban` no link admits the account again. Errors:
    /// `conversation.missing`, `group.*`.
    #[uniffi::method(default(ban = false))]
    pub async fn group_remove(
        &self,
        conversation: ConversationId,
        member: MemberId,
        ban: bool,
    ) -> Result<(), SottoError> {
        Ok(self.messenger.group_remove(&conversation.into(), &member.into(), ban).await?)
    }

    /// Makes a member an admin, or an admin a member. The owner stays the owner. Errors: `conversation.missing`,
    /// `group.*`.
    pub async fn group_role(
        &self,
        conversation: ConversationId,
        member: MemberId,
        role: GroupRole,
    ) -> Result<(), SottoError> {
        Ok(self.messenger.group_role(&conversation.into(), &member.into(), role.into()).await?)
    }

    /// Changes settings of a group, for all members; fields without a value stay. Errors: `conversation.missing`,
    /// `input.group`, `input.timer`, `group.*`.
    pub async fn group_set(&self, conversation: ConversationId, patch: GroupPatch) -> Result<(), SottoError> {
        Ok(self.messenger.group_set(&conversation.into(), patch.try_into()?).await?)
    }

    /// Leaves a group. Its messages stay on this device until the conversation is deleted. Errors:
    /// `conversation.missing`.
    pub async fn group_leave(&self, conversation: ConversationId) -> Result<(), SottoError> {
        Ok(self.messenger.group_leave(&conversation.into()).await?)
    }

    /// Ends a group for all members: nobody writes in it again. Only its owner can. Errors: `conversation.missing`,
    /// `group.*`.
    pub async fn group_close(&self, conversation: ConversationId) -> Result<(), SottoError> {
        Ok(self.messenger.group_close(&conversation.into()).await?)
    }

    /// How far an own message came with each reader: the contact, or the members of now, by name. What is not known is
    /// false. Errors: `message.missing`, `message.not_yours`, `input.id`.
    pub async fn deliveries(&self, message: MessageId) -> Result<Vec<Delivery>, SottoError> {
        let id = message.into();
        Ok(records(self.reads.read(move |messenger: &Messenger| messenger.deliveries(&id)).await?))
    }
}
