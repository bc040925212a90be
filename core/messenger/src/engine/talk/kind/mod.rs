//! What each kind of message does in a conversation, one file a kind. Kinds that say something of their author alone
//! are given back, for the room above. How a kind travels: [`policy`](crate::engine::carry::policy).

mod gone;
pub(crate) mod pointer;
mod read;
mod typing;
mod want;

use sotto_db::Session;
use sotto_wire::content::Content;

use crate::engine::talk::Talk;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::error::Error;

/// Does what a message says. One of a device that is not the contact's may show something, and no more.
pub(crate) fn take(
    step: &mut Talk<'_>,
    row: &Session,
    came: &Came<'_>,
    content: Content,
) -> Result<Option<Content>, Error> {
    match content {
        Content::Text(text) => drop(show(step, came, Shown::Text(text))?),
        Content::Unknown => drop(show(step, came, Shown::Newer)?),
        Content::Pointer(remote) => pointer::take(step, row, came, &remote)?,
        // What it changes was done where its session began, if its device may change anything.
        Content::Request(request) if request.text.is_empty() => {}
        Content::Request(request) => drop(show(step, came, Shown::Text(request.text))?),
        _ if !came.confirmed => {}
        Content::Typing => typing::take(step, came)?,
        Content::Want(prefixes) => want::take(step, row, came, &prefixes)?,
        Content::Gone(prefixes) => gone::take(step, came, &prefixes)?,
        Content::Read(up_to) => read::take(step, came, &up_to)?,
        content @ (Content::Hello(_) | Content::Profile(_) | Content::List(_)) => return Ok(Some(content)),
    }
    Ok(None)
}
