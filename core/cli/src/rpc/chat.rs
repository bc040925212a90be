//! Conversations and messages.

use serde::Deserialize;
use serde_json::json;
use sotto_messenger::Messenger;
use sotto_messenger::records::{Conversation, ConversationId, Folder, Incoming, Message, MessageId};

use super::methods::{Answer, done, show};
use super::page::{Rows, page};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationsPage {
    #[serde(default)]
    folder: Folder,
    before: Option<String>,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagesPage {
    conversation: ConversationId,
    before: Option<String>,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    conversation: ConversationId,
    text: String,
    reply_to: Option<MessageId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncomingPage {
    #[serde(default)]
    after: i64,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerTo {
    arrival: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    pub(super) message: MessageId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Around {
    message: MessageId,
    limit: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpTo {
    conversation: ConversationId,
    message: MessageId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    pub(super) conversation: ConversationId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Muted {
    conversation: ConversationId,
    until_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    conversation: ConversationId,
    on: bool,
}

pub(crate) fn conversations(messenger: &Messenger, params: ConversationsPage) -> Answer {
    page("conversations", params.limit, |last: Option<&Conversation>, rows| {
        let before = last.map(|row| &row.cursor).or(params.before.as_ref());
        messenger.conversations(params.folder, before.map(String::as_str), rows)
    })
}

pub(crate) fn conversation(messenger: &Messenger, params: Where) -> Answer {
    show(&messenger.conversation(&params.conversation)?)
}

pub(crate) fn messages(messenger: &Messenger, params: MessagesPage) -> Answer {
    page("messages", params.limit, |last: Option<&Message>, rows| {
        let before = last.map(|row| &row.cursor).or(params.before.as_ref());
        messenger.messages(&params.conversation, before.map(String::as_str), rows)
    })
}

/// If not all messages fit into an answer, the oldest are left out.
pub(crate) fn messages_around(messenger: &Messenger, params: Around) -> Answer {
    let mut rows = Rows::default();
    for message in messenger.messages_around(&params.message, params.limit)? {
        if !rows.push(show(&message)?) {
            break;
        }
    }
    done(json!({"messages": rows.values}))
}

pub(crate) fn message(messenger: &Messenger, params: Which) -> Answer {
    show(&messenger.message(&params.message)?)
}

pub(crate) fn incoming(messenger: &Messenger, params: IncomingPage) -> Answer {
    page("incoming", params.limit, |last: Option<&Incoming>, rows| {
        messenger.incoming(last.map_or(params.after, |row| row.arrival), rows)
    })
}

pub(crate) async fn answer(messenger: &Messenger, params: AnswerTo) -> Answer {
    let message = messenger.answer(params.arrival, &params.text).await?;
    done(json!({"message": message}))
}

pub(crate) async fn retry(messenger: &Messenger, params: Which) -> Answer {
    messenger.retry(&params.message).await?;
    done(json!({}))
}

pub(crate) async fn mark_read(messenger: &Messenger, params: UpTo) -> Answer {
    messenger.mark_read(&params.conversation, &params.message).await?;
    done(json!({}))
}

pub(crate) async fn draft_set(messenger: &Messenger, params: Draft) -> Answer {
    messenger.draft_set(&params.conversation, &params.text, params.reply_to.as_ref()).await?;
    done(json!({}))
}

pub(crate) async fn conversation_delete(messenger: &Messenger, params: Where) -> Answer {
    messenger.conversation_delete(&params.conversation).await?;
    done(json!({}))
}

pub(crate) async fn mute(messenger: &Messenger, params: Muted) -> Answer {
    messenger.mute(&params.conversation, params.until_ms).await?;
    done(json!({}))
}

pub(crate) async fn archive(messenger: &Messenger, params: Switch) -> Answer {
    messenger.archive(&params.conversation, params.on).await?;
    done(json!({}))
}

pub(crate) async fn conversation_pin(messenger: &Messenger, params: Switch) -> Answer {
    messenger.conversation_pin(&params.conversation, params.on).await?;
    done(json!({}))
}

pub(crate) async fn mark_unread(messenger: &Messenger, params: Switch) -> Answer {
    messenger.mark_unread(&params.conversation, params.on).await?;
    done(json!({}))
}

pub(crate) async fn typing(messenger: &Messenger, params: Where) -> Answer {
    messenger.typing(&params.conversation).await?;
    done(json!({}))
}
