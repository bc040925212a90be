//! Parcels: envelopes published, each attempt with its own timestamp, until their sender, a node or a store ends them.

use sotto_db::{Attempt, Chat, Class, NEVER, Parcel};
use sotto_net::{Command, Purpose};
use sotto_wire::envelope::payload_hash;

use crate::engine::base::schedule::{self, SECOND};
use crate::engine::post::Post;
use crate::error::Error;

/// Furthest a timestamp may be ahead of the clock, seconds.
const AHEAD_S: i64 = 10;
const NS: i64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    pub(crate) failed: u32,
    /// How often every reachable node refused it.
    pub(crate) refused: u32,
}

/// A parcel for an account, without content yet.
fn empty(step: &Post<'_>, party: Option<&Chat>) -> Parcel {
    Parcel {
        id: 0,
        class: Class::Kept,
        party: party.copied(),
        batch: None,
        topic: String::new(),
        payload: None,
        sealed_ms: 0,
        attempts: 0,
        due_ms: NEVER,
        last_s: 0,
        check_ms: None,
        give_up_ms: step.now_ms.saturating_add(schedule::GIVE_UP),
    }
}

pub(crate) fn filled(step: &Post<'_>, class: Class, topic: String, payload: Vec<u8>) -> Parcel {
    Parcel { class, topic, payload: Some(payload), sealed_ms: step.now_ms, due_ms: step.now_ms, ..empty(step, None) }
}

/// Adds a parcel that is filled later; returns its number.
pub(crate) fn reserve(step: &mut Post<'_>, party: &Chat) -> Result<i64, Error> {
    let parcel = empty(step, Some(party));
    Ok(step.parcels.add(parcel)?)
}

/// Adds a parcel for a group that is sealed later; returns its number.
pub(crate) fn reserve_shared(step: &mut Post<'_>) -> Result<i64, Error> {
    let parcel = Parcel { class: Class::Shared, ..empty(step, None) };
    Ok(step.parcels.add(parcel)?)
}

/// Adds a parcel, and publishes it if it is due; returns its number.
pub(crate) fn put(step: &mut Post<'_>, parcel: Parcel) -> Result<i64, Error> {
    let due = parcel.due_ms <= step.now_ms;
    let id = step.parcels.add(parcel)?;
    if due && step.publish_nodes > 0 {
        launch(step, id)?;
    }
    Ok(id)
}

/// Publishes a filled parcel, with a new timestamp.
pub(crate) fn launch(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    let Some(parcel) = step.parcels.get(&id)?.filter(|_| !step.is_replaced()) else {
        return Ok(());
    };
    let Some(payload) = parcel.payload else {
        return wait_until(step, id, NEVER);
    };
    let attempts = step.attempts.of(id)?;
    let stamps = || attempts.iter().map(|attempt| attempt.ts_s).chain([parcel.last_s]);
    let clock_s = step.clock_ms.div_euclid(SECOND);
    let at_s = next_s(clock_s, stamps());
    if at_s > clock_s.saturating_add(AHEAD_S) {
        return wait_until(step, id, step.now_ms.saturating_add((at_s - clock_s) * SECOND));
    }
    // Stores refuse a wrong time. As long as the clock correction is unproven, the uncorrected time is tried too.
    let other_s = step.unproven.then(|| next_s(step.now_ms.div_euclid(SECOND), stamps()));
    let due_ms = step.now_ms.saturating_add(schedule::IN_FLIGHT);
    edit(step, id, |parcel| (parcel.last_s, parcel.due_ms) = (at_s, due_ms))?;
    step.fx.launched.push(id);
    step.fx.net.push(Command::Publish {
        id: u64::try_from(id).unwrap_or(0),
        topic: parcel.topic,
        payload,
        timestamp_ns: at_s.saturating_mul(NS),
        other_ns: other_s.map(|other_s| other_s.saturating_mul(NS)),
        purpose: match parcel.party {
            Some(party) if parcel.class == Class::Once => Purpose::Receipts(party),
            party => Purpose::Message(party),
        },
        spread: parcel.batch.filter(|_| parcel.class == Class::Card).and_then(|batch| spread(&batch)),
    });
    Ok(())
}

/// Notes that a parcel left with this timestamp, Unix nanoseconds.
pub(crate) fn left(step: &mut Post<'_>, id: i64, timestamp_ns: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.last_s = timestamp_ns / NS)
}

/// Each attempt has its own time. Times of a clock that was ahead do not count.
fn next_s(clock_s: i64, stamps: impl Iterator<Item = i64>) -> i64 {
    let furthest_s = clock_s.saturating_add(AHEAD_S);
    let last_s = stamps.filter(|at_s| *at_s <= furthest_s).max();
    clock_s.max(last_s.map_or(0, |last_s| last_s.saturating_add(1)))
}

pub(crate) fn wait_until(step: &mut Post<'_>, id: i64, due_ms: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.due_ms = due_ms)
}

pub(crate) fn check_at(step: &mut Post<'_>, id: i64, check_ms: Option<i64>) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.check_ms = check_ms)
}

pub(crate) fn fill(step: &mut Post<'_>, id: i64, topic: String, payload: Vec<u8>) -> Result<(), Error> {
    let sealed_ms = step.now_ms;
    edit(step, id, |parcel| (parcel.payload, parcel.sealed_ms, parcel.topic) = (Some(payload), sealed_ms, topic))
}

pub(crate) fn unfill(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.payload = None)
}

pub(crate) fn taken(step: &mut Post<'_>, id: i64, due_ms: i64, check_ms: Option<i64>) -> Result<(), Error> {
    edit(step, id, |parcel| {
        parcel.attempts = parcel.attempts.saturating_add(1);
        (parcel.due_ms, parcel.check_ms) = (due_ms, check_ms);
    })
}

/// No store has it: it is due again, by then at the latest.
pub(crate) fn absent(step: &mut Post<'_>, id: i64, due_ms: i64) -> Result<(), Error> {
    edit(step, id, |parcel| (parcel.due_ms, parcel.check_ms) = (parcel.due_ms.min(due_ms), None))
}

pub(crate) fn note(step: &mut Post<'_>, attempt: &Attempt) -> Result<(), Error> {
    Ok(step.attempts.note(attempt)?)
}

pub(crate) fn forget_attempts(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    Ok(step.attempts.forget(id)?)
}

pub(crate) fn remove(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    step.parcels.remove(&id)?;
    Ok(())
}

pub(crate) fn remove_batch(step: &mut Post<'_>, batch: &[u8]) -> Result<(), Error> {
    Ok(step.parcels.remove_batch(batch)?)
}

/// A node is gone: its last accepted messages may be lost, so their checks come earlier.
pub(crate) fn lost(step: &mut Post<'_>, node: u64) -> Result<(), Error> {
    let check_ms = step.after(&schedule::LOST_CHECK, 0);
    Ok(step.parcels.check_by(number(Some(node)), check_ms)?)
}

/// Stores refused messages that left by a wrong clock, so these are due again.
pub(crate) fn all_due(step: &mut Post<'_>) -> Result<(), Error> {
    Ok(step.parcels.all_due(step.now_ms)?)
}

pub(crate) fn number(node: Option<u64>) -> i64 {
    node.and_then(|node| i64::try_from(node).ok()).unwrap_or(-1)
}

fn edit(step: &mut Post<'_>, id: i64, change: impl FnOnce(&mut Parcel)) -> Result<(), Error> {
    Ok(step.parcels.change(&id, change)?)
}

/// The spread value of cards: the cards of one secret go through one node, those of another secret through another.
fn spread(secret: &[u8]) -> Option<u64> {
    let hash = payload_hash(secret);
    hash.first_chunk().map(|first| u64::from_be_bytes(*first))
}

/// After a start: parcels that were in progress are due again, and nodes have other numbers.
pub(crate) fn opened(step: &mut Post<'_>) -> Result<(), Error> {
    rewind(step, &[])?;
    Ok(step.attempts.unname()?)
}

/// Makes all parcels due that no node accepted, except those being published.
pub(crate) fn rewind(step: &mut Post<'_>, in_flight: &[i64]) -> Result<(), Error> {
    step.parcels.rewind(step.now_ms)?;
    in_flight.iter().try_for_each(|id| wait_until(step, *id, step.now_ms.saturating_add(schedule::IN_FLIGHT)))
}
