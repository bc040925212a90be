//! Deletion by the user: messages, conversations, contacts. The other side is not told.

use sotto_db::{Chat, Hash};
use sotto_wire::content::Kind;

use crate::engine::people::People;
use crate::engine::talk::delete;
use crate::error::Error;

/// Deletes a message on this device only.
pub(crate) fn message(step: &mut People<'_>, id: &Hash) -> Result<(), Error> {
    let message = delete::message(step, id)?;
    match message.author.filter(|_| message.kind == Kind::Request.code()) {
        Some(chat) => request_text(step, &chat),
        None => Ok(()),
    }
}

/// Deletes all messages and the draft of a conversation.
pub(crate) fn conversation(step: &mut People<'_>, id: &Hash) -> Result<(), Error> {
    match delete::conversation(step, id)? {
        Some(chat) => request_text(step, &chat),
        None => Ok(()),
    }
}

/// Removes the text of a contact request, which the contact's row holds besides the message.
fn request_text(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    step.persons.edit(chat, |person| person.request_text = None)?;
    step.fx.contacts = true;
    Ok(())
}
