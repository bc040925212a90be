//! Posts: what people do with messages.

use serde::Deserialize;
use serde_json::json;
use sotto_messenger::Messenger;
use sotto_messenger::records::{ConversationId, LinkPreview, MessageId, NewFile, NewMention, NewPoll, NewPost};

use super::chat::{Where, Which};
use super::methods::{Answer, done, show};
use super::page::Rows;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    conversation: ConversationId,
    text: String,
    reply_to: Option<MessageId>,
    #[serde(default)]
    mentions: Vec<NewMention>,
    preview: Option<LinkPreview>,
    #[serde(default)]
    files: Vec<NewFile>,
    #[serde(default)]
    silent: bool,
    #[serde(default)]
    clears_draft: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct React {
    message: MessageId,
    emoji: String,
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    message: MessageId,
    text: String,
    #[serde(default)]
    mentions: Vec<NewMention>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    message: MessageId,
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forward {
    message: MessageId,
    conversations: Vec<ConversationId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timer {
    conversation: ConversationId,
    seconds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    conversation: ConversationId,
    question: String,
    choices: Vec<String>,
    #[serde(default)]
    multiple: bool,
    end_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vote {
    message: MessageId,
    choices: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    query: String,
    conversation: Option<ConversationId>,
    before: Option<String>,
    limit: u32,
}

pub(crate) async fn send(messenger: &Messenger, params: Send) -> Answer {
    let Send { conversation, text, reply_to, mentions, preview, files, silent, clears_draft } = params;
    let post = NewPost { text, reply_to, mentions, preview, files, silent, clears_draft };
    let message = messenger.send(&conversation, post).await?;
    done(json!({"message": message}))
}

pub(crate) async fn react(messenger: &Messenger, params: React) -> Answer {
    messenger.react(&params.message, &params.emoji, params.on).await?;
    done(json!({}))
}

pub(crate) async fn edit(messenger: &Messenger, params: Edit) -> Answer {
    messenger.edit(&params.message, &params.text, params.mentions).await?;
    done(json!({}))
}

pub(crate) async fn delete_for_everyone(messenger: &Messenger, params: Which) -> Answer {
    messenger.delete_for_everyone(&params.message).await?;
    done(json!({}))
}

pub(crate) async fn delete_for_me(messenger: &Messenger, params: Which) -> Answer {
    messenger.delete_for_me(&params.message).await?;
    done(json!({}))
}

pub(crate) async fn pin(messenger: &Messenger, params: Pin) -> Answer {
    messenger.pin(&params.message, params.on).await?;
    done(json!({}))
}

/// If not all messages fit into an answer, those pinned first are left out.
pub(crate) fn pins(messenger: &Messenger, params: Where) -> Answer {
    let mut rows = Rows::default();
    for message in messenger.pins(&params.conversation)? {
        if !rows.push(show(&message)?) {
            break;
        }
    }
    done(json!({"messages": rows.values}))
}

pub(crate) async fn forward(messenger: &Messenger, params: Forward) -> Answer {
    done(json!({"messages": messenger.forward(&params.message, &params.conversations).await?}))
}

pub(crate) async fn timer_set(messenger: &Messenger, params: Timer) -> Answer {
    messenger.timer_set(&params.conversation, params.seconds).await?;
    done(json!({}))
}

pub(crate) async fn poll_create(messenger: &Messenger, params: Poll) -> Answer {
    let Poll { conversation, question, choices, multiple, end_ms } = params;
    let message = messenger.poll_create(&conversation, NewPoll { question, choices, multiple, end_ms }).await?;
    done(json!({"message": message}))
}

pub(crate) async fn vote(messenger: &Messenger, params: Vote) -> Answer {
    messenger.vote(&params.message, &params.choices).await?;
    done(json!({}))
}

pub(crate) fn search(messenger: &Messenger, params: Search) -> Answer {
    let Search { query, conversation, before, limit } = params;
    let hits = messenger.search(&query, conversation.as_ref(), before.as_deref(), limit)?;
    done(json!({"hits": hits}))
}

pub(crate) fn reactions(messenger: &Messenger, params: Which) -> Answer {
    done(json!({"reactions": messenger.reactions(&params.message)?}))
}

pub(crate) fn history(messenger: &Messenger, params: Which) -> Answer {
    done(json!({"versions": messenger.history(&params.message)?}))
}
