//! Calls about posts: reactions, edits, deletions, pins, polls, timers.

use super::Messenger;
use crate::engine::call;
use crate::error::{Code, Error};
use crate::records::{ConversationId, Message, MessageId, NewMention, NewPoll, NewPost, ReactionBy, Version};
use crate::view;

impl Messenger {
    /// Sends a text of at most 1 MiB with what belongs to it. When this returns, the message is encrypted and in the
    /// outbox on disk, and its files are copied. It leaves when nodes have the files. Errors: `file.*`, `input.*`,
    /// `conversation.missing`, `message.missing` for what it replies to, `contact.state`, `storage.full`.
    pub async fn send(&self, conversation: &ConversationId, post: impl Into<NewPost>) -> Result<MessageId, Error> {
        let (conversation, mut post) = (conversation.clone(), post.into());
        let files = std::mem::take(&mut post.files);
        if files.is_empty() {
            return self.call(call::Send { conversation, post }).await;
        }
        self.send_files(conversation, post, files).await
    }

    /// Sets an emoji at a message, or takes it back. One person has at most 6 at one message. Errors:
    /// `message.missing`, `contact.state`, `input.emoji`, `input.too_many`.
    pub async fn react(&self, message: &MessageId, emoji: &str, on: bool) -> Result<(), Error> {
        self.call(call::React { message: message.clone(), emoji: emoji.to_owned(), on }).await
    }

    /// Changes the text of an own message for both sides, up to 24 hours after it was written. Errors:
    /// `message.missing`, `message.not_yours`, `message.too_old`, `contact.state`, `input.*`.
    pub async fn edit(&self, message: &MessageId, text: &str, mentions: Vec<NewMention>) -> Result<(), Error> {
        self.call(call::Edit { message: message.clone(), text: text.to_owned(), mentions }).await
    }

    /// Deletes an own message for everybody: honest devices remove its text and show its place as deleted. What others
    /// have copied stays. Errors: `message.missing`, `message.not_yours`, `contact.state`.
    pub async fn delete_for_everyone(&self, message: &MessageId) -> Result<(), Error> {
        self.call(call::DeleteForEveryone { message: message.clone() }).await
    }

    /// Deletes a message on this device only. The other side is not told and keeps its copy. An own message that no
    /// node has taken yet is not sent. Errors: `message.missing`.
    pub async fn delete_for_me(&self, message: &MessageId) -> Result<(), Error> {
        self.call(call::DeleteForMe { message: message.clone() }).await
    }

    /// Pins a message for both sides, or unpins it. Errors: `message.missing`, `contact.state`.
    pub async fn pin(&self, message: &MessageId, on: bool) -> Result<(), Error> {
        self.call(call::Pin { message: message.clone(), on }).await
    }

    /// Sends a message's text to up to 5 conversations, marked as forwarded, without its author. Returns the new
    /// messages. Errors: those of [`Messenger::send`], `message.missing`, `message.expires`, `input.too_many`.
    pub async fn forward(&self, message: &MessageId, to: &[ConversationId]) -> Result<Vec<MessageId>, Error> {
        self.call(call::Forward { message: message.clone(), conversations: to.to_vec() }).await
    }

    /// Sets how long new messages of a conversation live, for both sides: 5 seconds to 4 weeks after they were read, at
    /// their author's after they were sent; 0 ends the timer. Honest devices delete them then. In a group this is
    /// [`Messenger::group_set`] with `timer_s`. Errors: `conversation.missing`, `contact.state`, `group.*`,
    /// `input.timer`.
    pub async fn timer_set(&self, conversation: &ConversationId, seconds: u32) -> Result<(), Error> {
        self.call(call::TimerSet { conversation: conversation.clone(), seconds }).await
    }

    /// Asks a question with choices. Votes are shown with names. Errors: `conversation.missing`, `contact.state`,
    /// `input.poll`.
    pub async fn poll_create(&self, conversation: &ConversationId, poll: NewPoll) -> Result<MessageId, Error> {
        self.call(call::PollCreate { conversation: conversation.clone(), poll }).await
    }

    /// Votes in a poll: places of the choices, from 0. The last vote counts; an empty one takes it back. Errors:
    /// `message.missing`, `message.too_old` after the end, `contact.state`, `input.poll`.
    pub async fn vote(&self, message: &MessageId, choices: &[u8]) -> Result<(), Error> {
        self.call(call::Vote { message: message.clone(), choices: choices.to_vec() }).await
    }

    /// Who set which emoji at a message, in the order in which they came. Errors: `message.missing`, `input.id`.
    pub fn reactions(&self, message: &MessageId) -> Result<Vec<ReactionBy>, Error> {
        let id = message.to_bytes()?;
        self.read(|reader| view::reactions(reader, &id))
    }

    /// The versions of a message's text, the first one first: at most 11. Errors: `message.missing`, `input.id`.
    pub fn history(&self, message: &MessageId) -> Result<Vec<Version>, Error> {
        let id = message.to_bytes()?;
        self.read(|reader| view::history(reader, &id))
    }

    /// The pinned messages of a conversation, the one pinned last first: at most 5. Errors: `conversation.missing`,
    /// `input.id`.
    pub fn pins(&self, conversation: &ConversationId) -> Result<Vec<Message>, Error> {
        let id = conversation.to_bytes()?;
        self.read(|reader| {
            reader.tables().conversations.get(&id)?.ok_or(Code::ConversationMissing)?;
            view::pins(reader, &id)
        })
    }
}
