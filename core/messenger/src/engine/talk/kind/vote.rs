//! Vote: an account's choices in a poll. The last vote before the end counts.

use sotto_db::{Early, Hash, Message};
use sotto_wire::content::{Content, Poll, Vote};

use crate::engine::talk::kind::poll;
use crate::engine::talk::{Talk, effects};
use crate::error::{Code, Error};

/// Whether choices can be voted for.
fn fits(poll: &Poll, choices: &[u8]) -> bool {
    let known = choices.iter().all(|place| usize::from(*place) < poll.choices.len());
    known && (poll.multiple || choices.len() <= 1)
}

fn ended(poll: &Poll, time_s: i64) -> bool {
    poll.end_s > 0 && u64::try_from(time_s).unwrap_or(0) > poll.end_s
}

pub(crate) fn apply(step: &mut Talk<'_>, effect: &Early, target: &Message, vote: Vote) -> Result<(), Error> {
    if poll::of(target).is_some_and(|poll| fits(&poll, &vote.choices) && !ended(&poll, effect.time_s)) {
        effects::annotate(step, effect, (Vec::new(), vote.choices), 1)?;
    }
    Ok(())
}

/// Votes in a poll; no choice takes the vote back.
pub(crate) fn vote(step: &mut Talk<'_>, id: &Hash, mut choices: Vec<u8>) -> Result<(), Error> {
    let target = effects::target(step, id)?;
    let poll = poll::of(&target).ok_or(Code::MessageMissing)?;
    choices.sort_unstable();
    choices.dedup();
    if !fits(&poll, &choices) {
        return Err(Code::BadPoll.into());
    }
    if ended(&poll, i64::try_from(step.clock_s()).unwrap_or(0)) {
        return Err(Code::MessageTooOld.into());
    }
    effects::send(step, &target.conversation, &Content::Vote(Vote { target: *id, choices }))
}
