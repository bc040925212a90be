//! The state of an own message: it rises, or fails.

use sotto_db::{Hash, Message, MessageState};
use sotto_wire::content::Receipt;

use crate::engine::carry::{Fact, receipt};
use crate::engine::file::body;
use crate::engine::group::join;
use crate::engine::talk::{Talk, expire};
use crate::error::{Code, Error};
use crate::event::Event;
use crate::records::{ConversationId, MessageId};

pub(crate) fn facts(step: &mut Talk<'_>, facts: Vec<Fact>) -> Result<(), Error> {
    for fact in facts {
        match fact {
            Fact::Sent(message) => raise(step, &message, MessageState::Sent)?,
            Fact::Stored(message) => raise(step, &message, MessageState::Stored)?,
            Fact::Delivered(message) => {
                body::forget(step, &message)?;
                join::received(step, &message)?;
                let marked = step.messages.get(&message)?.is_some_and(|message| message.marked);
                let to = if marked { MessageState::Read } else { MessageState::Delivered };
                raise(step, &message, to)?;
            }
            Fact::GivenUp(message, code) => {
                body::forget(step, &message)?;
                fail(step, &message, code)?;
            }
            Fact::Refused(..) => {} // for the room of people
        }
    }
    Ok(())
}

fn fail(step: &mut Talk<'_>, id: &Hash, code: Code) -> Result<(), Error> {
    // A delivered message that was asked for again has not failed.
    if let Some(message) = step.messages.get(id)?
        && message.state < MessageState::Delivered
    {
        let now_ms = step.now_ms;
        step.messages.edit(id, |message| {
            message.state = MessageState::Failed;
            expire::begin(message, now_ms);
            message.reason = Some(code.as_str().to_owned());
            message.marked = false; // a message that is sent again was not read before
        })?;
        emit_state(step, &message, MessageState::Failed);
    }
    Ok(())
}

/// Raises an own message to a state; never lowers it.
pub(crate) fn raise(step: &mut Talk<'_>, id: &Hash, to: MessageState) -> Result<(), Error> {
    let Some(message) = step.messages.get(id)? else {
        return Ok(());
    };
    let late = message.state == MessageState::Failed && to >= MessageState::Delivered;
    if message.is_own() && (late || message.state < to) {
        let now_ms = step.now_ms;
        step.messages.edit(id, |message| {
            message.state = to;
            expire::begin(message, now_ms);
            message.reason = None;
        })?;
        emit_state(step, &message, to);
    }
    Ok(())
}

pub(crate) fn emit_state(step: &mut Talk<'_>, message: &Message, to: MessageState) {
    step.fx.conversations.insert(message.conversation);
    let state = to.into();
    let conversation = ConversationId::from_bytes(&message.conversation);
    step.fx.events.push(Event::MessageState { conversation, id: MessageId::from_bytes(&message.id), state });
}

/// The other side says that it read an own message. This holds for a delivered message. For another it holds when its
/// receipt comes, unless the receipts that came along leave the message out.
pub(crate) fn read(step: &mut Talk<'_>, id: &Hash, have: &[Receipt]) -> Result<(), Error> {
    let Some(message) = step.messages.get(id)? else {
        return Ok(());
    };
    if message.state >= MessageState::Delivered {
        return raise(step, id, MessageState::Read);
    }
    let item = step.tx.items.of_message(id)?;
    let sealed = item.and_then(|item| item.session.zip(item.seq));
    let waits = sealed.is_some_and(|(session, seq)| {
        // It was sealed again in a session that these receipts do not mention, so they did not read it.
        let of_it = have.iter().find(|one| one.session() == receipt::session_prefix(&session));
        of_it.is_some_and(|one| !one.lacks(seq))
    });
    if waits {
        step.messages.edit(id, |message| message.marked = true)?;
    }
    Ok(())
}
