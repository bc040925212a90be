//! Results of publishing a parcel: accepted, refused, to retry, in a store.

use sotto_db::{Attempt, Class, NEVER, Parcel};
use sotto_net::{Command, FailReason, NodeNumber, PublishOutcome, Published};
use sotto_wire::content::Message;

use crate::engine::base::schedule;
use crate::engine::carry::{Carry, Fact, receipt, send};
use crate::engine::post::parcel::{self, Tries};
use crate::error::{Code, Error};

/// A message counts as refused after all nodes refused it this often.
pub(crate) const REFUSALS: u32 = 4;

/// The end of one attempt. `tries`: failed attempts, with this one.
pub(crate) fn published(step: &mut Carry<'_>, said: &Published, tries: Tries) -> Result<Vec<Fact>, Error> {
    let id = i64::try_from(said.id).unwrap_or(0);
    parcel::left(step, id, said.timestamp_ns)?;
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(Vec::new()); // receipted meanwhile
    };
    let due_ms = match said.outcome {
        PublishOutcome::Relayed { .. } | PublishOutcome::Duplicate | PublishOutcome::Accepted => {
            return accepted(step, parcel, said);
        }
        PublishOutcome::Refused if said.node.is_none() || (tries.refused >= REFUSALS && parcel.attempts == 0) => {
            return refused(step, parcel);
        }
        PublishOutcome::Refused => step.after(&schedule::PUBLISH_REFUSED, tries.refused.saturating_sub(1)),
        PublishOutcome::Failed(FailReason::Busy) => step.after(&schedule::PUBLISH_BUSY, tries.failed.saturating_sub(1)),
        PublishOutcome::Failed(_) => step.after(&schedule::PUBLISH_FAILED, tries.failed.saturating_sub(1)),
    };
    parcel::wait_until(step, id, due_ms)?;
    Ok(Vec::new())
}

fn accepted(step: &mut Carry<'_>, parcel: Parcel, said: &Published) -> Result<Vec<Fact>, Error> {
    let id = parcel.id;
    if let (Some(chat), Some(tries)) = (parcel.party, said.again) {
        receipt::again(step, &chat, tries)?;
    }
    let attempt = Attempt { parcel: id, hash: said.hash, node: parcel::number(said.node), ts_s: parcel.last_s };
    match parcel.class {
        Class::Card => {
            // Nobody answers a card, so a store is asked whether it is there.
            let check_ms = step.after(&schedule::CARD_CHECK, 0);
            parcel::note(step, &attempt)?;
            parcel::taken(step, id, NEVER, Some(check_ms))?;
        }
        Class::Shared => {
            let check_ms = step.after(&schedule::CARD_CHECK, 0);
            parcel::note(step, &attempt)?;
            parcel::taken(step, id, NEVER, Some(check_ms))?;
            let message = step.items.get(&id)?.and_then(|item| item.message);
            return Ok(message.map(Fact::Sent).into_iter().collect());
        }
        Class::Once => parcel::remove(step, id)?,
        Class::Kept => return Ok(kept(step, &parcel, &attempt, said)?.into_iter().collect()),
    }
    Ok(Vec::new())
}

/// A node accepted a parcel that is kept until its receipt.
fn kept(step: &mut Carry<'_>, parcel: &Parcel, attempt: &Attempt, said: &Published) -> Result<Option<Fact>, Error> {
    let id = parcel.id;
    let relayed = said.outcome != PublishOutcome::Accepted;
    parcel::note(step, attempt)?;
    let attempts = step.tx.attempts.of(id)?;
    let one_took_it = attempts.iter().all(|one| one.node == attempt.node);
    if !relayed && one_took_it && parcel.attempts == 0 && attempts.len() < 2 {
        let now_ms = step.now_ms;
        // Whether there is a second node shows when it is looked for: only connected nodes are counted.
        parcel::wait_until(step, id, now_ms.saturating_add(schedule::SECOND_NODE))?;
        return Ok(None);
    }
    let message = step.items.get(&id)?.and_then(|item| item.message);
    let check_ms = match message {
        Some(_) if parcel.attempts == 0 => Some(step.after(&schedule::STORED_CHECK, 0)),
        _ => parcel.check_ms,
    };
    let taken = parcel.attempts.saturating_add(1);
    let (schedule, number) = match since_proven(&said.proven, &attempts) {
        // Two nodes without a count that accepted it at once are one attempt.
        Some(since) => (&schedule::RESEND, since.min(taken)),
        // A node may get it by the device's clock, and once more by the corrected clock.
        None if step.unproven => (&schedule::RESEND_UNPROVEN, taken.div_ceil(2).max(taken.min(3))),
        None => (&schedule::RESEND_UNPROVEN, taken),
    };
    let due_ms = step.after(schedule, number.saturating_sub(1));
    parcel::taken(step, id, due_ms, check_ms)?;
    Ok(message.filter(|_| relayed || !one_took_it).map(Fact::Sent))
}

/// How many of these attempts, newest first, came since a proven node had it; `None` if none had.
fn since_proven(proven: &[NodeNumber], attempts: &[Attempt]) -> Option<u32> {
    let has = |attempt: &Attempt| u64::try_from(attempt.node).is_ok_and(|node| proven.contains(&node));
    let since = attempts.iter().rposition(has)?.saturating_add(1);
    u32::try_from(since).ok()
}

fn refused(step: &mut Carry<'_>, parcel: Parcel) -> Result<Vec<Fact>, Error> {
    let unshown = step.items.get(&parcel.id)?.filter(|item| item.message.is_none());
    let mut facts = give_up(step, parcel, Code::MessageRefused)?;
    if let Some(item) = unshown
        && let Ok(message) = Message::decode(&item.m)
    {
        facts.extend(item.chat.map(|chat| Fact::Refused(chat, message.kind)));
    }
    Ok(facts)
}

pub(crate) fn give_up(step: &mut Carry<'_>, parcel: Parcel, code: Code) -> Result<Vec<Fact>, Error> {
    let item = step.items.get(&parcel.id)?;
    send::remove(step, parcel.id)?;
    let message = item.and_then(|item| item.message);
    Ok(message.map(|message| Fact::GivenUp(message, code)).into_iter().collect())
}

/// Asks another node whether its store has the attempts of a parcel.
pub(crate) fn check(step: &mut Carry<'_>, id: i64) -> Result<(), Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(());
    };
    let card = matches!(parcel.class, Class::Card | Class::Shared);
    if card && parcel.give_up_ms <= step.now_ms {
        return send::remove(step, id);
    }
    let check_ms = card.then(|| step.after(&schedule::CARD_CHECK_AGAIN, 0));
    parcel::check_at(step, id, check_ms)?;
    let attempts = step.tx.attempts.of(id)?;
    let Some(newest) = attempts.first() else {
        return Ok(());
    };
    let taker = u64::try_from(newest.node).ok();
    if !card && taker.is_none() {
        return Ok(()); // of an earlier run: the node that is asked may be the one that accepted it
    }
    step.fx.checked.push(id);
    step.fx.net.push(Command::Check {
        id: u64::try_from(id).unwrap_or(0),
        hashes: attempts.iter().take(50).map(|attempt| attempt.hash).collect(),
        not: taker,
    });
    Ok(())
}

/// Only the accepting node has a store: a card counts as published, a message never counts as stored.
pub(crate) fn unchecked(step: &mut Carry<'_>, id: i64) -> Result<Vec<Fact>, Error> {
    if step.tx.parcels.get(&id)?.is_some_and(|parcel| parcel.class != Class::Kept) {
        send::remove(step, id)?;
    }
    Ok(Vec::new())
}

/// Takes the store's answer. A message that no store has is published again at once.
pub(crate) fn checked(step: &mut Carry<'_>, id: i64, present: bool) -> Result<Vec<Fact>, Error> {
    let Some(parcel) = step.tx.parcels.get(&id)? else {
        return Ok(Vec::new());
    };
    let card = parcel.class != Class::Kept;
    let message = step.items.get(&id)?.and_then(|item| item.message);
    if !present {
        let wait = if card { schedule::CARD_AGAIN.plain(parcel.attempts) } else { 0 };
        let now_ms = step.now_ms;
        parcel::absent(step, id, now_ms.saturating_add(wait))?;
        return Ok(Vec::new());
    }
    if card {
        send::remove(step, id)?;
    }
    Ok(message.map(Fact::Stored).into_iter().collect())
}
