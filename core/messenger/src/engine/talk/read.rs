//! What the person read and marked, and the standing of a conversation. Nobody else learns of the marks.

use sotto_db::{Chat, Conversation, Hash, Kind, Message, NEVER, Standing};

use crate::engine::file::body;
use crate::engine::talk::Talk;
use crate::error::{Code, Error};

/// Older texts that enter the index in one step.
const INDEXED: u32 = 500;

/// Marks all messages up to one as read; returns the last received one that was unread, if any.
pub(crate) fn mark(step: &mut Talk<'_>, up_to: &Message) -> Result<Option<Hash>, Error> {
    let last = step.messages.mark_read(up_to, step.now_ms)?;
    if last.is_some() || step.conversations.get(&up_to.conversation)?.is_some_and(|row| row.marked) {
        let unread = step.messages.count_unread(&up_to.conversation)?;
        step.conversations.edit(&up_to.conversation, |row| (row.unread, row.marked) = (unread, false))?;
        step.fx.conversations.insert(up_to.conversation);
    }
    Ok(last)
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
        draft_reply: None,
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
        timer_s: 0,
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

/// An account's messages count from now on, in the order of arrival, and its long texts are fetched.
pub(crate) fn arrive(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        step.arrivals.add_all(&conversation.id)?;
    }
    fetch(step, chat)
}

/// Fetches the long texts of an account from now on.
pub(crate) fn fetch(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        body::release(step, &conversation.id)?;
        step.fx.conversations.insert(conversation.id);
    }
    Ok(())
}

/// Messages that a device wrote before it was confirmed get their places in the order now.
pub(crate) fn order(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    if let Some(conversation) = step.conversations.with(chat)? {
        body::release(step, &conversation.id)?;
        let furthest = step.messages.lamport(&conversation.id)?;
        step.conversations.edit(&conversation.id, |row| row.lamport = row.lamport.max(furthest))?;
    }
    Ok(())
}

fn edit(step: &mut Talk<'_>, id: &Hash, change: impl FnOnce(&mut Conversation)) -> Result<(), Error> {
    step.conversations.edit(id, change)?.ok_or(Code::ConversationMissing)?;
    step.fx.conversations.insert(*id);
    Ok(())
}

/// Mutes it until this time, or without an end; a past time unmutes.
pub(crate) fn mute(step: &mut Talk<'_>, id: &Hash, until_ms: Option<i64>) -> Result<(), Error> {
    let until_ms = until_ms.unwrap_or(NEVER);
    let muted_ms = if until_ms > step.now_ms { until_ms } else { 0 };
    edit(step, id, |row| row.muted_ms = muted_ms)
}

/// Archives it until something new is shown in it, or returns it to the inbox.
pub(crate) fn archive(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| (row.archived, row.pinned) = (on, row.pinned && !on))
}

pub(crate) fn pin(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| (row.pinned, row.archived) = (on, row.archived && !on))
}

pub(crate) fn mark_unread(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| row.marked = on)
}

/// A received message is shown: its conversation is listed again and, unless it is muted, leaves the archive.
pub(crate) fn revive(row: &mut Conversation, now_ms: i64) {
    row.listed = true;
    row.archived &= row.muted_ms > now_ms;
}

/// Keeps an index of all texts, or deletes it.
pub(crate) fn set_search(step: &mut Talk<'_>, on: bool) -> Result<(), Error> {
    step.fx.shred |= !on;
    Ok(step.messages.set_search(on)?)
}

/// Adds some older texts to the index.
pub(crate) fn index(step: &mut Talk<'_>) -> Result<(), Error> {
    Ok(step.messages.index_older(INDEXED)?)
}
