//! File-gone: its author has a file no more.

use sotto_wire::content::FileGone;

use crate::engine::file::down;
use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::error::Error;

pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, gone: &FileGone) -> Result<(), Error> {
    let message = step.messages.get(&gone.message)?.filter(|message| message.conversation == came.conversation);
    match message.filter(|message| message.author == Some(came.row.chat)) {
        Some(_) => down::gone(step, &gone.message, gone.file),
        None => Ok(()),
    }
}
