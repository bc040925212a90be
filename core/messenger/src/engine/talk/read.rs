//! What the person read and answered, and where a conversation stands.

use sotto_db::{Chat, Conversation, Hash, Kind, Message, Standing};

use crate::engine::carry::blob;
use crate::engine::talk::Talk;
use crate::error::Error;

/// Marks everything up to a message read; the last of theirs that was not, if there is one.
pub(crate) fn mark(step: &mut Talk<'_>, up_to: &Message) -> Result<Option<Hash>, Error> {
    let last = step.messages.mark_read(up_to)?;
    if last.is_some() || step.conversations.get(&up_to.conversation)?.is_some_and(|row| row.marked) {
        let unread = step.messages.count_unread(&up_to.conversation)?;
        step.conversations.edit(&up_to.conversation, |row| (row.unread, row.marked) = (unread, false))?;
        step.fx.conversations.insert(up_to.conversation);
    }
    Ok(last)
}

/// A message of ours answers one that came.
pub(crate) fn answered(step: &mut Talk<'_>, arrival: i64, answer: &Hash) -> Result<(), Error> {
    Ok(step.arrivals.answer(arrival, answer)?)
}

/// A conversation with somebody, closed until the rooms above say otherwise.
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

/// What may be shown in the conversation with somebody, as the rooms above say.
pub(crate) fn set_standing(step: &mut Talk<'_>, chat: &Chat, standing: Standing) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        step.conversations.edit(&conversation.id, |row| {
            row.listed |= row.standing != standing;
            row.standing = standing;
        })?;
    }
    Ok(())
}

/// What an account wrote counts: it has its place in the order of arrival, and its long texts are fetched.
pub(crate) fn arrive(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        step.arrivals.add_all(&conversation.id)?;
    }
    fetch(step, chat)
}

/// Long texts of an account are fetched from now on.
pub(crate) fn fetch(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        blob::release(step, &conversation.id)?;
        step.fx.conversations.insert(conversation.id);
    }
    Ok(())
}

/// What a device wrote before it was taken as theirs has its place in the order from now on.
pub(crate) fn order(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        blob::release(step, &conversation.id)?;
        let furthest = step.messages.lamport(&conversation.id)?;
        step.conversations.edit(&conversation.id, |row| row.lamport = row.lamport.max(furthest))?;
    }
    Ok(())
}
