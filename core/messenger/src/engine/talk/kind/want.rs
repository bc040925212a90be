//! Want: own messages that they lack.

use sotto_db::{Chat, Session};
use sotto_wire::content::{self, Content, Message, Prefix};

use crate::engine::base::schedule::HOUR;
use crate::engine::carry::send;
use crate::engine::talk::inbox::Came;
use crate::engine::talk::write::Route;
use crate::engine::talk::{Talk, write};
use crate::error::Error;

/// Most messages that are sent again to one contact in an hour because it asked for them.
const WANTED_HOURLY: u32 = 256;
/// Messages searched for own ones that a lost message names.
const NAMED: usize = 64;

/// Sends each again once an hour, up to a total. Of deleted ones they are told once an hour.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, prefixes: &[Prefix]) -> Result<(), Error> {
    if !came.open {
        return Ok(());
    }
    let Some((row, _)) = came.via else { return Ok(()) };
    let (chat, conversation) = (&came.author, &came.conversation);
    let lately_ms = step.now_ms.saturating_sub(HOUR);
    let mut left = WANTED_HOURLY.saturating_sub(step.messages.count_resent(conversation, lately_ms)?);
    let mut gone = Vec::new();
    for prefix in prefixes {
        match step.messages.by_prefix(conversation, prefix)? {
            Some(message) if message.is_gone() => gone.push(*prefix),
            Some(message) if message.is_own() => again(step, chat, &message, &mut left)?,
            Some(theirs) => {
                named(step, row, theirs, &mut left)?;
                gone.push(*prefix);
            }
            None => gone.push(*prefix),
        }
    }
    let told_ms = step.conversations.get(conversation)?.map_or(0, |row| row.gone_ms);
    if gone.is_empty() || told_ms > lately_ms {
        return Ok(());
    }
    let now_ms = step.now_ms;
    step.conversations.edit(conversation, |row| row.gone_ms = now_ms)?;
    send::content(step, chat, &Content::Gone(gone))
}

/// Sends an own message again, unless that was done within the hour.
fn again(step: &mut Talk<'_>, chat: &Chat, message: &sotto_db::Message, left: &mut u32) -> Result<(), Error> {
    let now_ms = step.now_ms;
    let lately = message.resent_ms > now_ms.saturating_sub(HOUR);
    if *left == 0 || lately || step.tx.items.of_message(&message.id)?.is_some() {
        return Ok(());
    }
    *left = left.saturating_sub(1);
    step.messages.edit(&message.id, |message| message.resent_ms = now_ms)?;
    write::again(step, message, &Route::Pair(*chat))
}

/// They want a message that their own device wrote: an old copy lacks it. Own messages that it names are lost there
/// too, and nothing else names these.
fn named(step: &mut Talk<'_>, from: &Session, theirs: sotto_db::Message, left: &mut u32) -> Result<(), Error> {
    let conversation = theirs.conversation;
    let id = |m: &[u8]| content::message_id(&conversation, &from.chat, &from.device, m);
    let mut look = vec![theirs];
    for _ in 0..NAMED {
        let Some(message) = look.pop() else {
            return Ok(());
        };
        if message.is_own() {
            if !message.is_gone() {
                again(step, &from.chat, &message, left)?;
            }
            continue;
        }
        if id(&message.m) != message.id {
            continue; // of another device
        }
        let parents = Message::decode(&message.m).map(|message| message.parents);
        for parent in parents.unwrap_or_default() {
            look.extend(step.messages.by_prefix(&conversation, &parent)?);
        }
    }
    Ok(())
}
