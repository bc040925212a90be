//! Calls about posts: reactions, edits, deletions, pins, polls, timers.

use sotto_messenger::{Code, Messenger, records as inner};

use super::{SottoCore, rows};
use crate::error::SottoError;
use crate::records::{
    ConversationId, Hit, LinkPreview, Message, MessageId, NewFile, NewMention, NewPoll, ReactionBy, Version, records,
};

#[uniffi::export]
impl SottoCore {
    /// Sends a text of at most 1 MiB with what belongs to it: a message of this conversation that it replies to, up to
    /// 32 mentions, the preview of a link in the text, up to 10 files (the text may be empty then), and whether the
    /// reader's app is asked not to notify. `clears_draft` says that this is what stood in the conversation's draft,
    /// which is empty then. Returns the message's id; the text is encrypted and in the outbox on disk then, and the
    /// files are copied. The message leaves when nodes have its files. Errors: `file.*`, `input.*`,
    /// `conversation.missing`, `message.missing`, `contact.state`, `storage.full`.
    #[uniffi::method(
        default(reply_to = None, mentions = [], preview = None, silent = false, files = [], clears_draft = false)
    )]
    #[expect(clippy::too_many_arguments, reason = "hosts name those that they pass")]
    pub async fn send(
        &self,
        conversation: ConversationId,
        text: String,
        reply_to: Option<MessageId>,
        mentions: Vec<NewMention>,
        preview: Option<LinkPreview>,
        silent: bool,
        files: Vec<NewFile>,
        clears_draft: bool,
    ) -> Result<MessageId, SottoError> {
        let post = inner::NewPost {
            text,
            reply_to: reply_to.map(Into::into),
            mentions: mentions_of(mentions)?,
            preview: preview.map(Into::into),
            files: files.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            silent,
            clears_draft,
        };
        Ok(self.messenger.send(&conversation.into(), post).await?.into())
    }

    /// Sets an emoji at a message, or takes it back. One person has at most 6 at one message. Errors:
    /// `message.missing`, `contact.state`, `input.emoji`, `input.too_many`.
    pub async fn react(&self, message: MessageId, emoji: String, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.react(&message.into(), &emoji, on).await?)
    }

    /// Changes the text of an own message for both sides, up to 24 hours after it was written. Errors:
    /// `message.missing`, `message.not_yours`, `message.too_old`, `contact.state`, `input.*`.
    #[uniffi::method(default(mentions = []))]
    pub async fn edit(&self, message: MessageId, text: String, mentions: Vec<NewMention>) -> Result<(), SottoError> {
        Ok(self.messenger.edit(&message.into(), &text, mentions_of(mentions)?).await?)
    }

    /// Deletes an own message for everybody: honest devices remove its text and show its place as deleted. What others
    /// have copied stays. Errors: `message.missing`, `message.not_yours`, `contact.state`.
    pub async fn delete_for_everyone(&self, message: MessageId) -> Result<(), SottoError> {
        Ok(self.messenger.delete_for_everyone(&message.into()).await?)
    }

    /// Deletes a message on this device only. The other side is not told and keeps its copy. An own message that no
    /// node has taken yet is not sent. Errors: `message.missing`.
    pub async fn delete_for_me(&self, message: MessageId) -> Result<(), SottoError> {
        Ok(self.messenger.delete_for_me(&message.into()).await?)
    }

    /// Pins a message for both sides, or unpins it. Errors: `message.missing`, `contact.state`.
    pub async fn pin(&self, message: MessageId, on: bool) -> Result<(), SottoError> {
        Ok(self.messenger.pin(&message.into(), on).await?)
    }

    /// The pinned messages of a conversation, the one pinned last first: at most 5. Errors: `conversation.missing`,
    /// `input.id`.
    pub async fn pins(&self, conversation: ConversationId) -> Result<Vec<Message>, SottoError> {
        let id = conversation.into();
        Ok(records(self.reads.read(move |messenger: &Messenger| messenger.pins(&id)).await?))
    }

    /// Sends a message's text to up to 5 conversations, marked as forwarded, without its author. Returns the new
    /// messages. Errors: those of `send`, `message.missing`, `message.expires`, `input.too_many`.
    pub async fn forward(&self, message: MessageId, to: Vec<ConversationId>) -> Result<Vec<MessageId>, SottoError> {
        let to: Vec<_> = to.into_iter().map(Into::into).collect();
        Ok(records(self.messenger.forward(&message.into(), &to).await?))
    }

    /// Sets how long new messages of a conversation live, for both sides: 5 seconds to 4 weeks after they were read, at
    /// their author's after they were sent; 0 ends the timer. Honest devices delete them then. Errors:
    /// `conversation.missing`, `contact.state`, `input.timer`.
    pub async fn timer_set(&self, conversation: ConversationId, seconds: i32) -> Result<(), SottoError> {
        let seconds = u32::try_from(seconds).map_err(|_| Code::BadTimer)?;
        Ok(self.messenger.timer_set(&conversation.into(), seconds).await?)
    }

    /// Asks a question with choices. Votes are shown with names. Errors: `conversation.missing`, `contact.state`,
    /// `input.poll`.
    pub async fn poll_create(&self, conversation: ConversationId, poll: NewPoll) -> Result<MessageId, SottoError> {
        Ok(self.messenger.poll_create(&conversation.into(), poll.into()).await?.into())
    }

    /// Votes in a poll: places of the choices, from 0. The last vote counts; an empty one takes it back. Errors:
    /// `message.missing`, `message.too_old` after the end, `contact.state`, `input.poll`.
    pub async fn vote(&self, message: MessageId, choices: Vec<u8>) -> Result<(), SottoError> {
        Ok(self.messenger.vote(&message.into(), &choices).await?)
    }

    /// Messages that have all words of `query`, in one conversation or all; the last word may be the beginning of one.
    /// Case and accents do not matter. The latest stored come first; `before` is the `cursor` of the last hit of the
    /// previous page. `limit` is 1 to 50. Nothing leaves the device. Errors: `input.query`, `input.limit`, `input.id`,
    /// `search.off`.
    #[uniffi::method(default(conversation = None, before = None))]
    pub async fn search(
        &self,
        query: String,
        limit: i32,
        conversation: Option<ConversationId>,
        before: Option<String>,
    ) -> Result<Vec<Hit>, SottoError> {
        let conversation = conversation.map(Into::into);
        let read = move |messenger: &Messenger| {
            messenger.search(&query, conversation.as_ref(), before.as_deref(), rows(limit))
        };
        Ok(records(self.reads.read(read).await?))
    }

    /// Who set which emoji at a message, in the order in which they came. Errors: `message.missing`, `input.id`.
    pub async fn reactions(&self, message: MessageId) -> Result<Vec<ReactionBy>, SottoError> {
        let id = message.into();
        Ok(records(self.reads.read(move |messenger: &Messenger| messenger.reactions(&id)).await?))
    }

    /// The versions of a message's text, the first one first: at most 11. Errors: `message.missing`, `input.id`.
    pub async fn history(&self, message: MessageId) -> Result<Vec<Version>, SottoError> {
        let id = message.into();
        Ok(records(self.reads.read(move |messenger: &Messenger| messenger.history(&id)).await?))
    }
}

fn mentions_of(mentions: Vec<NewMention>) -> Result<Vec<inner::NewMention>, SottoError> {
    let place = |n: i32| u32::try_from(n).map_err(|_| SottoError::from(Code::BadMention));
    let one = |mention: NewMention| {
        let NewMention { offset, length, contact } = mention;
        Ok(inner::NewMention { offset: place(offset)?, length: place(length)?, contact: contact.map(Into::into) })
    };
    mentions.into_iter().map(one).collect()
}
