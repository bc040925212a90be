//! File-gone: its author has a file no more.

use sotto_wire::content::FileGone;

use crate::engine::file::{down, picture};
use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::error::Error;

pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, gone: &FileGone) -> Result<(), Error> {
    let message = step.messages.get(&gone.message)?.filter(|message| message.conversation == came.conversation);
    let theirs = message.is_some_and(|message| message.author == Some(came.author));
    if theirs || gone.message == picture::place(&came.author) {
        down::gone(step, &gone.message, gone.file)?;
    }
    Ok(())
}
