//! Timer: how long new posts of a conversation live. Each post carries its own, so a change has no effect on older
//! posts.

use sotto_db::{Early, Hash};
use sotto_wire::content::{Content, Kind, TIMER};

use crate::engine::talk::inbox::{self, Came};
use crate::engine::talk::{Talk, effects};
use crate::error::{Code, Error};

/// Takes the other side's timer. It may overtake the hello that accepts us.
pub(crate) fn take(step: &mut Talk<'_>, came: &Came<'_>, seconds: u32) -> Result<(), Error> {
    if !came.asks {
        return Ok(());
    }
    let lamport = inbox::clock(step, came)?;
    let effect = Early {
        target: came.conversation,
        id: came.id,
        conversation: came.conversation,
        author: came.author,
        kind: Kind::Timer.code(),
        body: Vec::new(),
        lamport,
        time_s: i64::try_from(came.message.time_s).unwrap_or(0),
        added_ms: step.now_ms,
    };
    set(step, &effect, seconds)
}

/// Of both sides' timers the later one holds.
pub(crate) fn set(step: &mut Talk<'_>, effect: &Early, seconds: u32) -> Result<(), Error> {
    if !effects::annotate(step, effect, (Vec::new(), seconds.to_be_bytes().to_vec()), 1)? {
        return Ok(());
    }
    let latest = step.annotations.of(&effect.conversation, Kind::Timer.code())?.pop();
    if latest.is_some_and(|latest| latest.id == effect.id) {
        step.conversations.edit(&effect.conversation, |row| row.timer_s = seconds)?;
        step.fx.conversations.insert(effect.conversation);
    }
    Ok(())
}

/// Sets the timer of a conversation; 0 ends it.
pub(crate) fn choose(step: &mut Talk<'_>, conversation: &Hash, seconds: u32) -> Result<(), Error> {
    step.own()?.in_force()?;
    if seconds != 0 && !TIMER.contains(&seconds) {
        return Err(Code::BadTimer.into());
    }
    effects::send(step, conversation, &Content::Timer(seconds))
}
