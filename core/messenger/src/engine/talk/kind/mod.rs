//! Effects of messages in a conversation, one file for each kind. Content about its author alone is returned to the
//! room above. [`policy`](crate::engine::carry::policy) says how a kind is sent.

pub(crate) mod delete;
pub(crate) mod edit;
mod file_gone;
mod file_want;
mod gone;
pub(crate) mod pin;
pub(crate) mod pointer;
pub(crate) mod poll;
pub(crate) mod post;
pub(crate) mod reaction;
mod read;
pub(crate) mod timer;
mod typing;
pub(crate) mod vote;
mod want;

use sotto_wire::content::{self, Content, Kind};

use crate::engine::group::join;
use crate::engine::talk::inbox::{Came, Shown, show};
use crate::engine::talk::{Talk, effects, expire, group};
use crate::error::Error;

/// Applies a message. A message of an unconfirmed device may be shown, and has no other effect.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, content: Content) -> Result<Option<Content>, Error> {
    match content {
        Content::Text(text) => drop(show(step, came, Shown::Text(text))?),
        Content::Unknown => drop(show(step, came, Shown::Newer)?),
        Content::Post(post) => post::take(step, came, *post)?,
        Content::Poll(poll) => drop(show(step, came, Shown::Post(poll.question, poll.expire_s))?),
        Content::Pointer(remote) => pointer::take(step, came, &remote)?,
        // Its effect happened when its session began, if its device may have any.
        Content::Request(request) if request.text.is_empty() => {}
        Content::Request(request) => drop(show(step, came, Shown::Text(request.text))?),
        _ if !came.confirmed => {}
        Content::Typing => typing::take(step, came)?,
        Content::Want(prefixes) => want::take(step, came, &prefixes)?,
        Content::Gone(prefixes) => gone::take(step, came, &prefixes)?,
        Content::Read(up_to) => read::take(step, came, &up_to)?,
        Content::Edit(_) | Content::Delete(_) | Content::Reaction(_) | Content::Pin(_) | Content::Vote(_) => {
            effects::take(step, came, &content)?;
        }
        Content::Timer(seconds) => timer::take(step, came, seconds)?,
        Content::FileWant(want) => file_want::take(step, came, &want)?,
        Content::FileGone(gone) => file_gone::take(step, came, &gone)?,
        Content::GroupInvite(invite) => group::invited(step, came, &invite)?,
        Content::GroupAnswer(answer) if came.open => {
            if let Some((row, _)) = came.via {
                join::answered(step, (&came.author, &row.device), *answer)?;
            }
        }
        Content::GroupWelcome(welcome) if came.open => {
            join::welcomed(step, &came.author, &welcome, came.message.time_s)?;
        }
        // In a group the room below takes them; between two they mean nothing.
        Content::GroupAnswer(_) | Content::GroupWelcome(_) | Content::OldKey(_) | Content::Need(_) => {}
        Content::LogWant(_) | Content::Relay(_) | Content::GroupGone(_) => {}
        content @ (Content::Hello(_) | Content::Profile(_) | Content::List(_)) => return Ok(Some(content)),
    }
    Ok(None)
}

/// Messages of kinds that an earlier version did not know, and this one does, are shown, or have their effect.
pub(crate) fn known_now(step: &mut Talk<'_>) -> Result<(), Error> {
    let shown = [Kind::Post, Kind::Poll];
    let effects = [Kind::Edit, Kind::Delete, Kind::Reaction, Kind::Pin, Kind::Timer, Kind::Vote];
    for kind in shown.into_iter().chain(effects).chain([Kind::FileWant, Kind::FileGone]) {
        for row in step.messages.newer(kind.code())? {
            let message = content::Message::decode(&row.m).ok();
            let content = message.as_ref().and_then(|message| message.content().ok());
            let (text, expire_s) = match content {
                Some(Content::Post(post)) => {
                    post::attach(step, &row, &post.files, false)?;
                    (post.text, post.expire_s)
                }
                Some(Content::Poll(poll)) => (poll.question, poll.expire_s),
                Some(content) => {
                    if let Some(message) = message {
                        effects::late(step, &row, &message, &content)?;
                    }
                    continue;
                }
                None => continue,
            };
            let now_ms = step.now_ms;
            step.messages.edit(&row.id, |row| {
                (row.text, row.newer, row.expire_s) = (Some(text), false, expire_s);
                row.expires_ms = expire::unread_ms(now_ms, expire_s);
                if row.read {
                    row.expires_ms = None;
                    expire::begin(row, now_ms);
                }
            })?;
            effects::arrived(step, &row.id)?;
        }
    }
    Ok(())
}
