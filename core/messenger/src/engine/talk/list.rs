//! How a person keeps the list of conversations: muted, archived, pinned, marked as unread. Nobody else learns of it.

use sotto_db::{Conversation, Hash, NEVER};

use crate::engine::talk::Talk;
use crate::error::{Code, Error};

fn edit(step: &mut Talk<'_>, id: &Hash, change: impl FnOnce(&mut Conversation)) -> Result<(), Error> {
    step.conversations.edit(id, change)?.ok_or(Code::ConversationMissing)?;
    step.fx.conversations.insert(*id);
    Ok(())
}

/// Mutes until then, for good without; a time that has passed unmutes.
pub(crate) fn mute(step: &mut Talk<'_>, id: &Hash, until_ms: Option<i64>) -> Result<(), Error> {
    let until_ms = until_ms.unwrap_or(NEVER);
    let muted_ms = if until_ms > step.now_ms { until_ms } else { 0 };
    edit(step, id, |row| row.muted_ms = muted_ms)
}

/// Lists it apart until something new is shown in it, or back where it was.
pub(crate) fn archive(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| (row.archived, row.pinned) = (on, row.pinned && !on))
}

/// Lists it first, or no longer.
pub(crate) fn pin(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| (row.pinned, row.archived) = (on, row.archived && !on))
}

/// Marks it as unread, or no longer.
pub(crate) fn mark_unread(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    edit(step, id, |row| row.marked = on)
}

/// A message of theirs is shown: its conversation is in the list, and no longer apart unless it is muted.
pub(crate) fn revive(row: &mut Conversation, now_ms: i64) {
    row.listed = true;
    row.archived &= row.muted_ms > now_ms;
}
