//! The person's marks on conversations: muted, archived, pinned, unread. Nobody else learns of them.

use sotto_db::{Conversation, Hash, NEVER};

use crate::engine::talk::Talk;
use crate::error::{Code, Error};

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

/// Pins or unpins it.
pub(crate) fn pin(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| (row.pinned, row.archived) = (on, row.archived && !on))
}

/// Marks it as unread, or removes the mark.
pub(crate) fn mark_unread(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| row.marked = on)
}

/// A received message is shown: its conversation is listed again and, unless it is muted, leaves the archive.
pub(crate) fn revive(row: &mut Conversation, now_ms: i64) {
    row.listed = true;
    row.archived &= row.muted_ms > now_ms;
}
