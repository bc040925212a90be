//! Pin: a message pinned or unpinned for both sides.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::{Content, Pin};

use crate::engine::talk::{Talk, effects};
use crate::error::Error;

pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, _: &Message, pin: &Pin) -> Result<(), Error> {
    effects::annotate(step, effect, (Vec::new(), vec![u8::from(pin.on)]), 1)?;
    Ok(())
}

/// Pins or unpins a message of either side.
pub(crate) fn pin(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    effects::send(step, &target.conversation, &Content::Pin(Pin { target: *id, on }))
}
