//! What the person read and answered, and the standing of a conversation.

use sotto_db::{Chat, Conversation, Hash, Kind, Message, Standing};

use crate::engine::carry::blob;
use crate::engine::talk::Talk;
use crate::error::Error;

/// Marks all messages up to one as read; returns the last received one that was unread, if any.
pub(crate) fn mark(step: &mut Talk<'_>, up_to: &Message) -> Result<Option<Hash>, Error> {
    let last = step.messages.mark_read(up_to)?;
    if last.is_some() || step.conversations.get(&up_to.conversation)?.is_some_and(|row| row.marked) {
        let unread = step.messages.count_unread(&up_to.conversation)?;
        step.conversations.edit(&up_to.conversation, |row| (row.unread, row.marked) = (unread, false))?;
        step.fx.conversations.insert(up_to.conversation);
    }
    Ok(last)
}

/// Records that an own message answers a received one.
pub(crate) fn answered(step: &mut Talk<'_>, arrival: i64, answer: &Hash) -> Result<(), Error> {
    Ok(step.arrivals.answer(arrival, answer)?)
}

/// Adds a conversation, closed until upper rooms open it.
pub(crate) fn begin(step: &mut Talk<'_>, id: Hash, chat: &Chat) -> Result<(), Error> {
    if step.conversations.get(&id)?.is_some() {
        return Ok(());
    }
    let conversation = Conversation {
        id,
        kind: Kind::Pair,
        peer: Some(*chat),
        standing: Standing::Closed,
        lamport: 0,
        heads: Vec::new(),
        draft: String::new(),
        unread: 0,
        created_ms: step.now_ms,
        last_ms: step.clock_ms,
        arrived_ms: 0,
        gone_ms: 0,
        listed: true,
        pinned: false,
        archived: false,
        muted_ms: 0,
        marked: false,
    };
    Ok(step.conversations.put(&conversation)?)
}

/// Sets what a conversation shows; upper rooms decide.
pub(crate) fn set_standing(step: &mut Talk<'_>, chat: &Chat, standing: Standing) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        step.conversations.edit(&conversation.id, |row| {
            row.listed |= row.standing != standing;
            row.standing = standing;
        })?;
    }
    Ok(())
}

/// An account's messages count from now on: they get their places in the order of arrival, and its long texts are
/// fetched.
pub(crate) fn arrive(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        step.arrivals.add_all(&conversation.id)?;
    }
    fetch(step, chat)
}

/// Fetches the long texts of an account from now on.
pub(crate) fn fetch(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        blob::release(step, &conversation.id)?;
        step.fx.conversations.insert(conversation.id);
    }
    Ok(())
}

/// Messages that a device wrote before it was confirmed get their places in the order now.
pub(crate) fn order(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        blob::release(step, &conversation.id)?;
        let furthest = step.messages.lamport(&conversation.id)?;
        step.conversations.edit(&conversation.id, |row| row.lamport = row.lamport.max(furthest))?;
    }
    Ok(())
}
