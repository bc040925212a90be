//! Reaction: an emoji at a message, set or taken back.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::{Content, Kind, MAX_EMOJI, Reaction};

use crate::engine::talk::{Talk, effects};
use crate::error::{Code, Error};

/// Emoji of an author that a message is shown with.
pub(crate) const SHOWN: usize = 6;
/// Emoji of an author that are kept, with those taken back. The latest stay, whatever the order of arrival.
const KEPT: u32 = 32;

pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, _: &Message, reaction: Reaction) -> Result<(), Error> {
    let place = (reaction.emoji.into_bytes(), vec![u8::from(reaction.on)]);
    effects::annotate(step, effect, place, KEPT)?;
    Ok(())
}

/// Sets or takes back an own reaction.
pub(crate) fn react(step: &mut Talk<'_>, id: &Hash, emoji: String, on: bool) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    if emoji.len() > MAX_EMOJI {
        return Err(Code::BadEmoji.into());
    }
    let own = step.own()?.chat;
    let mut set = step.annotations.of(id, Kind::Reaction.code())?;
    set.retain(|one| one.author == own && one.value == [1]);
    if set.iter().any(|one| one.key == emoji.as_bytes()) == on {
        return Ok(());
    }
    if on && set.len() >= SHOWN {
        return Err(Code::TooMany.into());
    }
    let content = Content::Reaction(Reaction { target: *id, emoji, on });
    content.encode().map_err(|_| Code::BadEmoji)?;
    effects::send(step, &target.conversation, &content)
}
