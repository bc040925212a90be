//! Typing: the other side is writing.

use crate::engine::talk::Talk;
use crate::engine::talk::inbox::Came;
use crate::error::Error;
use crate::event::Event;
use crate::records::ConversationId;

/// Reported if the setting is on, and only for contacts.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>) -> Result<(), Error> {
    if came.open && step.own()?.settings.typing {
        step.fx.events.push(Event::Typing { conversation: ConversationId::from_bytes(&came.conversation) });
    }
    Ok(())
}
