//! Parcels: bytes that leave, each attempt with a time of its own, until whoever put them in, a node or a store says
//! that
//! it is enough. What they are is not known here.

use sotto_db::{Attempt, Chat, Class, NEVER, Parcel};
use sotto_net::{Command, Purpose};
use sotto_wire::envelope::payload_hash;

use crate::engine::base::schedule;
use crate::engine::base::step::SECOND;
use crate::engine::post::Post;
use crate::error::Error;

/// Furthest a timestamp may lie ahead of the clock, seconds.
const AHEAD_S: i64 = 10;
/// Nanoseconds in a second.
const NS: i64 = 1_000_000_000;

/// How often a parcel was handed over in vain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    pub(crate) failed: u32,
    /// Every node that was there refused it.
    pub(crate) refused: u32,
}

/// A parcel for somebody that is not filled yet.
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

/// An envelope that leaves now.
pub(crate) fn filled(step: &Post<'_>, class: Class, topic: String, payload: Vec<u8>) -> Parcel {
    Parcel { class, topic, payload: Some(payload), sealed_ms: step.now_ms, due_ms: step.now_ms, ..empty(step, None) }
}

/// A parcel that is filled later; its number.
pub(crate) fn reserve(step: &mut Post<'_>, party: &Chat) -> Result<i64, Error> {
    let parcel = empty(step, Some(party));
    Ok(step.parcels.add(parcel)?)
}

/// Takes a parcel, and hands it over if it is due.
pub(crate) fn put(step: &mut Post<'_>, parcel: Parcel) -> Result<i64, Error> {
    let due = parcel.due_ms <= step.now_ms;
    let id = step.parcels.add(parcel)?;
    if due && step.publish_nodes > 0 {
        launch(step, id)?;
    }
    Ok(id)
}

/// Hands a filled parcel to the network, with a timestamp of its own.
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
    // Stores refuse a wrong time, and the correction may be one.
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

/// A parcel left by this time, Unix nanoseconds.
pub(crate) fn left(step: &mut Post<'_>, id: i64, timestamp_ns: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.last_s = timestamp_ns / NS)
}

/// Each attempt has a time of its own; those of a clock that was ahead are in nobody's way.
fn next_s(clock_s: i64, stamps: impl Iterator<Item = i64>) -> i64 {
    let furthest_s = clock_s.saturating_add(AHEAD_S);
    let last_s = stamps.filter(|at_s| *at_s <= furthest_s).max();
    clock_s.max(last_s.map_or(0, |last_s| last_s.saturating_add(1)))
}

/// A parcel is due then.
pub(crate) fn wait_until(step: &mut Post<'_>, id: i64, due_ms: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.due_ms = due_ms)
}

/// A store is asked then whether it holds what a parcel left as.
pub(crate) fn check_at(step: &mut Post<'_>, id: i64, check_ms: Option<i64>) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.check_ms = check_ms)
}

/// What a parcel carries, sealed now.
pub(crate) fn fill(step: &mut Post<'_>, id: i64, topic: String, payload: Vec<u8>) -> Result<(), Error> {
    let sealed_ms = step.now_ms;
    edit(step, id, |parcel| (parcel.payload, parcel.sealed_ms, parcel.topic) = (Some(payload), sealed_ms, topic))
}

/// What a parcel carries is to be sealed anew.
pub(crate) fn unfill(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    edit(step, id, |parcel| parcel.payload = None)
}

/// A node took it: how it left, noted before.
pub(crate) fn taken(step: &mut Post<'_>, id: i64, due_ms: i64, check_ms: Option<i64>) -> Result<(), Error> {
    edit(step, id, |parcel| {
        parcel.attempts = parcel.attempts.saturating_add(1);
        (parcel.due_ms, parcel.check_ms) = (due_ms, check_ms);
    })
}

/// No store holds it: it leaves again, by then at the latest.
pub(crate) fn absent(step: &mut Post<'_>, id: i64, due_ms: i64) -> Result<(), Error> {
    edit(step, id, |parcel| (parcel.due_ms, parcel.check_ms) = (parcel.due_ms.min(due_ms), None))
}

/// Notes as what a parcel left.
pub(crate) fn note(step: &mut Post<'_>, attempt: &Attempt) -> Result<(), Error> {
    Ok(step.attempts.note(attempt)?)
}

/// Who had a parcel before does not count any more.
pub(crate) fn forget_attempts(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    Ok(step.attempts.forget(id)?)
}

/// Nothing more is to come of it.
pub(crate) fn remove(step: &mut Post<'_>, id: i64) -> Result<(), Error> {
    step.parcels.remove(&id)?;
    Ok(())
}

/// Nothing more is to come of what belongs together.
pub(crate) fn remove_batch(step: &mut Post<'_>, batch: &[u8]) -> Result<(), Error> {
    Ok(step.parcels.remove_batch(batch)?)
}

/// A node is gone: what it took a moment ago may be so too.
pub(crate) fn lost(step: &mut Post<'_>, node: u64) -> Result<(), Error> {
    let check_ms = step.after(&schedule::LOST_CHECK, 0);
    step.parcels.check_by(number(Some(node)), check_ms)?;
    Ok(())
}

/// Stores do not have what left by a wrong clock.
pub(crate) fn all_due(step: &mut Post<'_>) -> Result<(), Error> {
    let now_ms = step.now_ms;
    step.parcels.all_due(now_ms)?;
    Ok(())
}

/// A node as attempts hold it.
pub(crate) fn number(node: Option<u64>) -> i64 {
    node.and_then(|node| i64::try_from(node).ok()).unwrap_or(-1)
}

fn edit(step: &mut Post<'_>, id: i64, change: impl FnOnce(&mut Parcel)) -> Result<(), Error> {
    step.parcels.edit(&id, change)?;
    Ok(())
}

/// The cards of one secret go through one node, those of another through one of their own.
fn spread(secret: &[u8]) -> Option<u64> {
    let hash = payload_hash(secret);
    hash.first_chunk().map(|first| u64::from_be_bytes(*first))
}

/// What was on its way when the process ended is due again, and nodes have other numbers than before.
pub(crate) fn opened(step: &mut Post<'_>) -> Result<(), Error> {
    rewind(step, &[])?;
    Ok(step.attempts.unname()?)
}

/// Makes everything due that was never accepted, but for what is at the network.
pub(crate) fn rewind(step: &mut Post<'_>, in_flight: &[i64]) -> Result<(), Error> {
    let now_ms = step.now_ms;
    step.parcels.rewind(now_ms)?;
    in_flight.iter().try_for_each(|id| wait_until(step, *id, now_ms.saturating_add(schedule::IN_FLIGHT)))
}
