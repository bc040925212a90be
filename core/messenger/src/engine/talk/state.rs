//! Where a message of ours stands: it rises, or fails.

use sotto_db::{Hash, Message, MessageState};
use sotto_wire::content::Receipt;

use crate::engine::carry::Fact;
use crate::engine::carry::receipt;
use crate::engine::talk::Talk;
use crate::error::{Code, Error};
use crate::event::Event;
use crate::records::{ConversationId, MessageId};

/// Takes in what became of messages on their way.
pub(crate) fn facts(step: &mut Talk<'_>, facts: Vec<Fact>) -> Result<(), Error> {
    for fact in facts {
        match fact {
            Fact::Sent(message) => raise(step, &message, MessageState::Sent)?,
            Fact::Stored(message) => raise(step, &message, MessageState::Stored)?,
            Fact::Delivered(message) => {
                let marked = step.messages.get(&message)?.is_some_and(|message| message.marked);
                let to = if marked { MessageState::Read } else { MessageState::Delivered };
                raise(step, &message, to)?;
            }
            Fact::GivenUp(message, code) => fail(step, &message, code)?,
        }
    }
    Ok(())
}

/// Nothing more will come of an own message.
fn fail(step: &mut Talk<'_>, id: &Hash, code: Code) -> Result<(), Error> {
    // What was delivered, and asked for again, has not failed.
    if let Some(message) = step.messages.get(id)?
        && message.state < MessageState::Delivered
    {
        step.messages.edit(id, |message| {
            message.state = MessageState::Failed;
            message.reason = Some(code.as_str().to_owned());
            message.marked = false; // what is sent once more was not read before
        })?;
        emit_state(step, &message, MessageState::Failed);
    }
    Ok(())
}

/// Moves an own message up to a state; never down.
pub(crate) fn raise(step: &mut Talk<'_>, id: &Hash, to: MessageState) -> Result<(), Error> {
    let Some(message) = step.messages.get(id)? else {
        return Ok(());
    };
    let late = message.state == MessageState::Failed && to >= MessageState::Delivered;
    if message.is_own() && (late || message.state < to) {
        step.messages.edit(id, |message| {
            message.state = to;
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

/// They say that they read an own message. True of one that is delivered; of another once its receipt comes, unless
/// what
/// they have, as they say with it, leaves it out.
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
        // Sealed anew in a session of which they say nothing, it is not what they read.
        let of_it = have.iter().find(|one| one.session() == receipt::session_prefix(&session));
        of_it.is_some_and(|one| !one.lacks(seq))
    });
    if waits {
        step.messages.edit(id, |message| message.marked = true)?;
    }
    Ok(())
}
