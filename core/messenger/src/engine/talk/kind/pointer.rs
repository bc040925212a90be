//! Pointer: a long text in a blob.

use sotto_db::{Fetch, NEVER, Standing};
use sotto_wire::content::{Kind, Remote};

use crate::engine::carry::blob::{self, Whole};
use crate::engine::carry::receipt;
use crate::engine::talk::Talk;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::error::Error;

/// Shows the message at once, and fetches its text: for a request or an unconfirmed device, when the person accepts it.
/// So nobody can make this device ask stores.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, remote: &Remote) -> Result<(), Error> {
    if !matches!(remote.kind, Kind::Text | Kind::Unknown(_)) {
        return Ok(());
    }
    let seq = came.inner.seq;
    if !show(step, came, Shown::Fetching)? && !step.messages.get(&came.id)?.is_some_and(|known| known.fetching) {
        return receipt::had(step, &came.row.hash, seq, 1);
    }
    // The author's clock may have been ahead, and the author may have published the chunks again by the right clock.
    let since_s = i64::try_from(came.message.time_s.min(step.clock_s())).unwrap_or(0).saturating_sub(blob::EARLIER_S);
    let fetch = Fetch {
        message: came.id,
        conversation: came.conversation,
        kind: remote.kind.code(),
        pointer: remote.pointer.encode().to_vec(),
        session: came.row.hash,
        seq,
        tries: 0,
        due_ms: if came.asks { step.now_ms } else { NEVER },
        since_s,
    };
    blob::fetch(step, fetch)
}

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
