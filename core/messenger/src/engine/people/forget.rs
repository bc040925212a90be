//! Deletion by the user: messages, conversations, contacts. The other side is not told.

use sotto_db::{Chat, Hash, Person, PersonState};
use sotto_wire::content::Kind;

use crate::engine::file::picture;
use crate::engine::keys::device;
use crate::engine::people::{People, contact, sessions};
use crate::engine::talk::delete;
use crate::error::Error;

pub(crate) fn message(step: &mut People<'_>, id: &Hash) -> Result<(), Error> {
    let message = delete::message(step, id)?;
    match message.author.filter(|_| message.kind == Kind::Request.code()) {
        Some(chat) => request_text(step, &chat),
        None => Ok(()),
    }
}

pub(crate) fn conversation(step: &mut People<'_>, id: &Hash) -> Result<(), Error> {
    match delete::conversation(step, id)? {
        Some(chat) => request_text(step, &chat),
        None => Ok(()),
    }
}

/// Deletes a person, who is then a stranger, with all that is theirs. A blocked one stays blocked, with its name.
pub(crate) fn person(step: &mut People<'_>, person: Person) -> Result<(), Error> {
    let chat = &person.chat;
    let blocked = person.state == PersonState::Blocked;
    match step.tx.conversations.with(chat)?.filter(|_| blocked) {
        Some(row) => drop(delete::conversation(step, &row.id)?),
        None => delete::forget(step, chat)?,
    }
    sessions::drop_sessions(step, chat)?;
    device::forget(step, chat, blocked)?;
    step.news.remove(chat)?;
    step.persons.remove(chat)?;
    picture::came(step, chat, None)?;
    step.fx.contacts = true;
    if blocked {
        let kept = Person {
            name: person.name,
            nickname: person.nickname,
            ..contact::nobody(step, chat, PersonState::Blocked)
        };
        return Ok(step.persons.put(&kept)?);
    }
    if person.hello_sent { contact::new_secret(step) } else { Ok(()) }
}

/// Removes the text of a contact request, which the contact's row holds besides the message.
fn request_text(step: &mut People<'_>, chat: &Chat) -> Result<(), Error> {
    step.persons.edit(chat, |person| person.request_text = None)?;
    step.fx.contacts = true;
    Ok(())
}
