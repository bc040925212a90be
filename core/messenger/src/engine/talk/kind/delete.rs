//! Delete: messages deleted for everybody, by their author.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::Content;

use crate::engine::talk::{Talk, delete, effects};
use crate::error::{Code, Error};

/// Empties the message; its place is shown as deleted.
pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, target: &Message) -> Result<(), Error> {
    if effects::author(step, target)? == effect.author {
        delete::withdraw(step, target, &effect.author)?;
    }
    Ok(())
}

/// Deletes an own message for everybody.
pub(crate) fn for_everyone(step: &mut Talk<'_>, id: &Hash) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    if !target.is_own() {
        return Err(Code::MessageNotYours.into());
    }
    effects::send(step, &target.conversation, &Content::Delete(vec![*id]))
}
