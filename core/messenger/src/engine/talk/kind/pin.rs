//! Pin: a message pinned or unpinned for both sides.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::{Content, Pin};

use crate::engine::talk::write::Route;
use crate::engine::talk::{Talk, effects, write};
use crate::error::Error;
use crate::grouplog::WHO_SETS;

pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, _: &Message, pin: &Pin) -> Result<(), Error> {
    effects::annotate(step, effect, (Vec::new(), vec![u8::from(pin.on)]), 1)?;
    Ok(())
}

/// Pins or unpins a message of either side.
pub(crate) fn pin(step: &mut Talk<'_>, id: &Hash, on: bool) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    if let (_, Route::Group(group)) = write::open(step, &target.conversation)? {
        write::allowed(step, &group, WHO_SETS)?;
    }
    effects::send(step, &target.conversation, &Content::Pin(Pin { target: *id, on }))
}
