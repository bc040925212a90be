//! Pointer: a long text in a blob.

use sotto_db::{Fetch, NEVER, Standing};
use sotto_wire::content::{Content, Kind, Remote};

use crate::engine::carry::blob::{self, Whole};
use crate::engine::carry::receipt;
use crate::engine::file::keep;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::engine::talk::{Talk, effects, expire};
use crate::error::Error;

/// Shows the message at once, and fetches its text: for a request or an unconfirmed device, when the person accepts it.
/// So nobody can make this device ask stores.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, remote: &Remote) -> Result<(), Error> {
    if !matches!(remote.kind, Kind::Text | Kind::Post | Kind::Unknown(_)) {
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

/// The body of a message is whole. A body of an unknown kind is kept for a later version.
pub(crate) fn whole(step: &mut Talk<'_>, whole: Whole) -> Result<(), Error> {
    let Whole { fetch, body } = whole;
    let kind = Kind::from_code(fetch.kind).unwrap_or(Kind::Unknown(fetch.kind));
    let conversation = step.conversations.get(&fetch.conversation)?;
    let open = conversation.is_some_and(|conversation| conversation.standing == Standing::Open);
    let (text, expire_s) = match Content::decode(kind, &body) {
        Ok(Content::Text(text)) => (Some(text), 0),
        Ok(Content::Post(post)) => {
            if let Some(message) = step.messages.get(&fetch.message)? {
                keep::attach(step, &message, &post.files, open && !message.unconfirmed)?;
            }
            (Some(post.text), post.expire_s)
        }
        _ => (None, 0),
    };
    let now_ms = step.now_ms;
    step.messages.edit(&fetch.message, |message| {
        (message.newer, message.fetching) = (text.is_none(), false);
        message.body = Some(body).filter(|body| kind != Kind::Text && !body.is_empty());
        (message.text, message.expire_s) = (text, expire_s);
        message.expires_ms = expire::unread_ms(now_ms, expire_s);
        message.reason = None;
    })?;
    effects::arrived(step, &fetch.message)?;
    if open {
        step.arrivals.add(&fetch.message)?;
    }
    step.message_changed(fetch.conversation, fetch.message);
    receipt::had(step, &fetch.session, fetch.seq, 1)
}
