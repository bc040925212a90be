//! Pointer: a long text in a blob.

use sotto_db::{Session, Standing};
use sotto_wire::content::{Kind, Remote};

use crate::engine::carry::blob::{self, Whole};
use crate::engine::carry::receipt;
use crate::engine::talk::Talk;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::error::Error;

/// Shows the message at once, and fetches its text.
pub(crate) fn take(step: &mut Talk<'_>, row: &Session, came: &Came<'_>, remote: &Remote) -> Result<(), Error> {
    if !matches!(remote.kind, Kind::Text | Kind::Unknown(_)) {
        return Ok(());
    }
    let (conversation, time_s) = (&came.conversation, came.message.time_s);
    if show(step, came, Shown::Fetching)? {
        return blob::fetch(step, row, came.inner, (conversation, came.asks), came.id, remote, time_s);
    }
    let fetching = step.messages.get(&came.id)?.is_some_and(|known| known.fetching);
    blob::had_already(step, row, came.inner, (conversation, came.asks, fetching), came.id, remote, time_s)
}

/// The text of a message is whole.
pub(crate) fn whole(step: &mut Talk<'_>, whole: Whole) -> Result<(), Error> {
    let Whole { fetch, text, newer } = whole;
    step.messages.edit(&fetch.message, |message| {
        (message.text, message.newer, message.fetching) = (text, newer, false);
        message.reason = None;
    })?;
    let conversation = step.conversations.get(&fetch.conversation)?;
    if conversation.is_some_and(|conversation| conversation.standing == Standing::Open) {
        step.arrivals.add(&fetch.message)?;
    }
    step.message_changed(fetch.conversation, fetch.message);
    receipt::had(step, &fetch.session, fetch.seq, 1)
}
