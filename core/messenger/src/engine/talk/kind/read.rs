//! They have read.

use sotto_db::Hash;

use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::engine::talk::state;
use crate::error::Error;

/// They have read what they have up to a message of ours.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, up_to: &Hash) -> Result<(), Error> {
    let Some(message) = step.messages.get(up_to)? else {
        return Ok(());
    };
    if message.conversation != came.conversation || !came.open {
        return Ok(());
    }
    for id in step.messages.unread_own(&message)? {
        state::read(step, &id, &came.inner.receipts)?;
    }
    Ok(())
}
