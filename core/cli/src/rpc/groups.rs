//! Groups.

use serde::Deserialize;
use serde_json::json;
use sotto_messenger::Messenger;
use sotto_messenger::records::{ContactId, ConversationId, GroupMember, GroupPatch, GroupRole, GroupWho, MemberId};

use super::chat::{Where, Which};
use super::methods::{Answer, done, show};
use super::page::page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    members: Vec<ContactId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MembersPage {
    conversation: ConversationId,
    before: Option<String>,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    conversation: ConversationId,
    contacts: Vec<ContactId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Accept,
    Decline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    conversation: ConversationId,
    action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remove {
    conversation: ConversationId,
    member: MemberId,
    #[serde(default)]
    ban: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    conversation: ConversationId,
    member: MemberId,
    role: GroupRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    conversation: ConversationId,
    name: Option<String>,
    text: Option<String>,
    timer_s: Option<u32>,
    who_adds: Option<GroupWho>,
    who_sets: Option<GroupWho>,
    who_writes: Option<GroupWho>,
    history: Option<bool>,
}

pub(crate) async fn create(messenger: &Messenger, params: Create) -> Answer {
    let conversation = messenger.group_create(&params.name, &params.members).await?;
    done(json!({"conversation": conversation}))
}

pub(crate) fn one(messenger: &Messenger, params: Where) -> Answer {
    show(&messenger.group(&params.conversation)?)
}

pub(crate) fn members(messenger: &Messenger, params: MembersPage) -> Answer {
    page("members", params.limit, |last: Option<&GroupMember>, rows| {
        let before = last.map(|row| &row.cursor).or(params.before.as_ref());
        messenger.group_members(&params.conversation, before.map(String::as_str), rows)
    })
}

pub(crate) async fn invite(messenger: &Messenger, params: Invite) -> Answer {
    messenger.group_invite(&params.conversation, &params.contacts).await?;
    done(json!({}))
}

pub(crate) async fn answer(messenger: &Messenger, params: Reply) -> Answer {
    messenger.group_answer(&params.conversation, matches!(params.action, Action::Accept)).await?;
    done(json!({}))
}

pub(crate) async fn remove(messenger: &Messenger, params: Remove) -> Answer {
    messenger.group_remove(&params.conversation, &params.member, params.ban).await?;
    done(json!({}))
}

pub(crate) async fn role(messenger: &Messenger, params: Role) -> Answer {
    messenger.group_role(&params.conversation, &params.member, params.role).await?;
    done(json!({}))
}

pub(crate) async fn set(messenger: &Messenger, params: Set) -> Answer {
    let Set { conversation, name, text, timer_s, who_adds, who_sets, who_writes, history } = params;
    let patch = GroupPatch { name, text, timer_s, who_adds, who_sets, who_writes, history };
    messenger.group_set(&conversation, patch).await?;
    done(json!({}))
}

pub(crate) async fn leave(messenger: &Messenger, params: Where) -> Answer {
    messenger.group_leave(&params.conversation).await?;
    done(json!({}))
}

pub(crate) async fn close(messenger: &Messenger, params: Where) -> Answer {
    messenger.group_close(&params.conversation).await?;
    done(json!({}))
}

pub(crate) fn deliveries(messenger: &Messenger, params: Which) -> Answer {
    done(json!({"deliveries": messenger.deliveries(&params.message)?}))
}
