//! Read: how far the other side has read.

use sotto_db::Hash;

use crate::engine::talk::inbox::Came;
use crate::engine::talk::{Talk, state};
use crate::error::Error;

/// They have read all they have up to an own message.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, up_to: &Hash) -> Result<(), Error> {
    let Some(message) = step.messages.get(up_to)? else {
        return Ok(());
    };
    let Some((_, inner)) = came.via.filter(|_| message.conversation == came.conversation && came.open) else {
        return Ok(());
    };
    for id in step.messages.unread_own(&message)? {
        state::read(step, &id, &inner.receipts)?;
    }
    Ok(())
}
