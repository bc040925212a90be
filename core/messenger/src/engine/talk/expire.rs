//! Messages that disappear: their time runs from reading, at their author's from sending.

use sotto_db::{Hash, Message};

use crate::engine::base::schedule::{DAY, SECOND};
use crate::engine::talk::{Talk, delete};
use crate::error::Error;

/// When a message that nobody reads disappears.
const UNREAD_MS: i64 = 30 * DAY;

/// When a received message disappears if it stays unread, Unix milliseconds; `None` if it has no timer.
pub(crate) fn unread_ms(now_ms: i64, expire_s: u32) -> Option<i64> {
    (expire_s > 0).then(|| now_ms.saturating_add(UNREAD_MS))
}

/// The time of a message begins: nodes have an own one, or it failed.
pub(crate) fn begin(message: &mut Message, now_ms: i64) {
    if message.expire_s > 0 && message.expires_ms.is_none() {
        message.expires_ms = Some(now_ms.saturating_add(i64::from(message.expire_s) * SECOND));
    }
}

/// The clock may have been set back.
pub(crate) fn hasten(step: &mut Talk<'_>) -> Result<(), Error> {
    Ok(step.messages.hasten(step.now_ms, UNREAD_MS)?)
}

/// A message's time is over: nothing of it is left but its place, which is not shown.
pub(crate) fn end(step: &mut Talk<'_>, id: &Hash) -> Result<(), Error> {
    delete::message(step, id).map(drop)
}

/// Puts off a message.
pub(crate) fn put_off(step: &mut Talk<'_>, id: &Hash, due_ms: i64) -> Result<(), Error> {
    step.messages.edit(id, |message| message.expires_ms = Some(due_ms))?;
    Ok(())
}
