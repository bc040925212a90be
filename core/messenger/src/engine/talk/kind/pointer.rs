//! Pointer: a text too long for one envelope.

use sotto_db::{Hash, Standing};
use sotto_wire::content::{Content, Kind, Message, Remote};

use crate::engine::carry::receipt;
use crate::engine::file::body::{self, Arrived};
use crate::engine::group::join;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::engine::talk::kind::post;
use crate::engine::talk::{Talk, effects, expire};
use crate::error::Error;

/// Shows the message at once, and fetches its text: for a request or an unconfirmed device, when the person accepts it.
/// So nobody can make this device ask stores.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, remote: &Remote) -> Result<(), Error> {
    if !matches!(remote.kind, Kind::Text | Kind::Post | Kind::Unknown(_)) {
        return Ok(());
    }
    let owed = came.owed;
    if !show(step, came, Shown::Fetching)? && !step.messages.get(&came.id)?.is_some_and(|known| known.fetching) {
        return had(step, owed);
    }
    body::fetch(step, (&came.id, &remote.pointer), owed, came.asks)
}

/// Bodies are whole, or not what their authors named: then their messages are shown as unreadable.
pub(crate) fn arrived(step: &mut Talk<'_>) -> Result<(), Error> {
    for one in std::mem::take(&mut step.bodies) {
        if !join::handed(step, &one)? {
            whole(step, one)?;
        }
    }
    Ok(())
}

fn had(step: &mut Talk<'_>, owed: Option<(Hash, u32)>) -> Result<(), Error> {
    owed.map_or(Ok(()), |(session, seq)| receipt::had(step, &session, seq, 1))
}

/// A body of an unknown kind is kept for a later version.
fn whole(step: &mut Talk<'_>, one: Arrived) -> Result<(), Error> {
    let Arrived { message: id, owed, bytes } = one;
    let Some(message) = step.messages.get(&id)? else {
        return Ok(()); // it went while its body was under way
    };
    let content = Message::decode(&message.m).ok().and_then(|m| m.content().ok());
    let Some(Content::Pointer(Remote { kind, .. })) = content else {
        return Ok(());
    };
    let place = message.conversation;
    let conversation = step.conversations.get(&place)?;
    let open = conversation.is_some_and(|conversation| conversation.standing == Standing::Open);
    let (text, expire_s) = match Content::decode(kind, &bytes) {
        Ok(Content::Text(text)) => (Some(text), 0),
        Ok(Content::Post(post)) => {
            post::attach(step, &message, &post.files, open && !message.unconfirmed)?;
            (Some(post.text), post.expire_s)
        }
        _ => (None, 0),
    };
    let now_ms = step.now_ms;
    step.messages.edit(&id, |message| {
        (message.newer, message.fetching) = (text.is_none(), false);
        message.body = Some(bytes).filter(|bytes| kind != Kind::Text && !bytes.is_empty());
        (message.text, message.expire_s) = (text, expire_s);
        message.expires_ms = expire::unread_ms(now_ms, expire_s);
        message.reason = None;
    })?;
    effects::arrived(step, &id)?;
    if open {
        step.arrivals.add(&id)?;
    }
    step.message_changed(place, id);
    had(step, owed)
}
