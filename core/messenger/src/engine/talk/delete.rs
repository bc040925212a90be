//! Deletion on this device. The row stays, without content, so that no repeat is shown and no gap reported.

use sotto_db::{Chat, Conversation, Hash, Message, MessageState, Standing};
use sotto_wire::content::{self, Kind, MAX_PARENTS};

use crate::engine::base::schedule::SECOND;
use crate::engine::carry::send;
use crate::engine::file::{body, keep};
use crate::engine::group::say;
use crate::engine::talk::{Talk, write};
use crate::error::{Code, Error};

pub(crate) fn message(step: &mut Talk<'_>, id: &Hash) -> Result<Message, Error> {
    let message = step.messages.get(id)?.filter(|message| message.state != MessageState::Deleted);
    let message = message.ok_or(Code::MessageMissing)?;
    empty(step, &message, None)?;
    Ok(message)
}

/// Empties a message that was deleted for everybody by an account. Its place is shown.
pub(crate) fn withdraw(step: &mut Talk<'_>, message: &Message, by: &Chat) -> Result<(), Error> {
    empty(step, message, Some(by))
}

fn empty(step: &mut Talk<'_>, message: &Message, by: Option<&Chat>) -> Result<(), Error> {
    let (id, place) = (&message.id, message.conversation);
    let newest = by.is_none() && step.messages.newest(&place)?.is_some_and(|(newest, _)| newest == *id);
    end(step, message)?;
    say::forget(step, id)?;
    match by {
        Some(by) => step.messages.withdraw(id, by)?,
        None => step.messages.delete(id)?,
    }
    keep::release(step, id)?;
    step.annotations.remove_of(id)?;
    step.early.take(id, None)?;
    step.arrivals.remove(id)?;
    let last_ms = step.messages.newest(&place)?.map(|(_, time_s)| time_s.saturating_mul(SECOND).min(step.clock_ms));
    step.conversations.edit(&place, |row| {
        row.unread = row.unread.saturating_sub((!message.is_own() && !message.read).into());
        if newest {
            row.last_ms = last_ms.unwrap_or(row.created_ms);
        }
    })?;
    step.fx.shred = true;
    step.message_changed(place, *id);
    Ok(())
}

/// The row of a message without content, as one has that was deleted for everybody before it came.
pub(crate) fn place(id: Hash, conversation: Hash, author: Option<Chat>, kind: Kind) -> Message {
    Message {
        id,
        conversation,
        author,
        kind: kind.code(),
        m: Vec::new(),
        text: None,
        names: String::new(),
        state: MessageState::Withdrawn,
        reason: None,
        time_s: 0,
        lamport: 0,
        newer: false,
        fetching: false,
        read: true,
        added_ms: 0,
        unconfirmed: false,
        resent_ms: 0,
        marked: false,
        body: None,
        edited: false,
        deleted_by: author,
        expire_s: 0,
        expires_ms: None,
    }
}

/// Deletes messages and draft, and unlists the conversation until its next message. Returns its contact.
pub(crate) fn conversation(step: &mut Talk<'_>, id: &Hash) -> Result<Option<Chat>, Error> {
    let peer = step.conversations.get(id)?.ok_or(Code::ConversationMissing)?.peer;
    for under_way in step.messages.under_way(id)? {
        end(step, &under_way)?;
    }
    if let Some(chat) = &peer {
        send::forget_edits(step, chat, None)?;
    }
    keep::release_all(step, id)?;
    step.messages.delete_all(id)?;
    step.arrivals.remove_all(id)?;
    step.annotations.remove_all(id, false)?;
    // What was deleted for everybody and comes later is not shown.
    step.early.remove_all(id, Some(Kind::Delete.code()))?;
    step.conversations.edit(id, |row| {
        row.draft.clear();
        row.draft_reply = None;
        (row.unread, row.marked) = (0, false);
        (row.listed, row.pinned, row.archived) = (false, false, false);
    })?;
    step.fx.shred = true;
    step.fx.messages.entry(*id).or_default();
    step.fx.conversations.insert(*id);
    Ok(peer)
}

/// Deletes the conversation with an account, with its messages, holes, arrivals and files.
pub(crate) fn forget(step: &mut Talk<'_>, chat: &Chat) -> Result<(), Error> {
    let Some(Conversation { id, .. }) = step.conversations.with(chat)? else {
        return Ok(());
    };
    keep::release_all(step, &id)?;
    step.arrivals.remove_all(&id)?;
    step.holes.remove_all(&id)?;
    step.messages.remove_all(&id)?;
    step.annotations.remove_all(&id, true)?;
    step.early.remove_all(&id, None)?;
    step.conversations.remove(&id)?;
    step.fx.shred = true;
    step.fx.messages.entry(id).or_default();
    step.fx.conversations.insert(id);
    Ok(())
}

/// Ends the fetch or the sending of a deleted message. A message that no node has is not sent, and no later message
/// names it as its parent. A waiting request is sent without its text.
fn end(step: &mut Talk<'_>, message: &Message) -> Result<(), Error> {
    body::forget(step, &message.id)?;
    let place = step.conversations.get(&message.conversation)?;
    if let Some(chat) = place.as_ref().and_then(|row| row.peer).filter(|_| message.edited && message.is_own()) {
        send::forget_edits(step, &chat, Some(&message.id))?;
    }
    let asked = place.filter(|row| row.standing == Standing::Asked && message.kind == Kind::Request.code());
    if let Some(chat) = asked.and_then(|row| row.peer)
        && send::waits(step, &chat, Kind::Request)?
    {
        return write::request(step, &chat, String::new());
    }
    if !send::forget(step, &message.id)? {
        return Ok(());
    }
    let parents = content::Message::decode(&message.m).map(|message| message.parents).unwrap_or_default();
    let prefix = content::prefix(&message.id);
    Ok(step.conversations.change(&message.conversation, |row| {
        let mut heads = row.heads.as_chunks::<8>().0.to_vec();
        if heads.contains(&prefix) {
            heads.retain(|head| *head != prefix);
            heads.extend(parents);
            heads.truncate(MAX_PARENTS);
            row.heads = heads.concat();
        }
    })?)
}
