//! File-want: they lack parts of a file of an own message.

use sotto_wire::content::FileWant;

use crate::engine::base::schedule::MINUTE;
use crate::engine::carry::send;
use crate::engine::file::{picture, up};
use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::error::Error;

pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, want: &FileWant) -> Result<(), Error> {
    let own = step.messages.get(&want.message)?.filter(|message| message.conversation == came.conversation);
    let own = own.is_some_and(|message| message.is_own()) || picture::is_own(step, &want.message)?;
    if !came.open || !own {
        return Ok(()); // nobody learns of files that they were not sent
    }
    let Some(gone) = up::wanted(step, &want.message, want)? else {
        return Ok(());
    };
    let (now_ms, told_ms) = (step.now_ms, step.conversations.get(&came.conversation)?.map_or(0, |row| row.gone_ms));
    if (0..MINUTE).contains(&now_ms.saturating_sub(told_ms)) {
        return Ok(()); // they ask again
    }
    step.conversations.edit(&came.conversation, |row| row.gone_ms = now_ms)?;
    send::content(step, &came.author, &gone)
}
