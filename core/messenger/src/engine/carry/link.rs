//! Links: counters and receipts of a session. A link begins and ends with its session.

use sotto_db::{Hash, Link, Session};
use sotto_wire::content::SeqTracker;

use crate::engine::carry::Carry;
use crate::engine::keys::session;
use crate::error::Error;

/// No gap is made while more counters than this are in flight.
const GAPS_MOST: u32 = 64;

pub(crate) fn add(step: &mut Carry<'_>, row: &Session) -> Result<(), Error> {
    session::add(step, row)?;
    let link = Link {
        session: row.hash,
        chat: row.chat,
        seq: 0,
        tracker: SeqTracker::new().to_bytes(),
        floor: 0,
        due_ms: None,
        dirty: false,
        heard_ms: step.now_ms,
        gap_from: 0,
        gap_to: 0,
    };
    Ok(step.links.put(&link)?)
}

pub(crate) fn remove(step: &mut Carry<'_>, row: &Session) -> Result<(), Error> {
    step.links.remove(&row.hash)?;
    session::remove(step, row)
}

/// Every session skips this many counters: an install that continued from the same copy of the folder used others.
pub(crate) fn leave_gaps(step: &mut Carry<'_>, length: u32) -> Result<(), Error> {
    Ok(step.links.leave_gaps(length, GAPS_MOST)?)
}

/// Sets the other side's floor: lower numbers are receipted.
pub(crate) fn raise_floor(step: &mut Carry<'_>, session: &Hash, floor: u32) -> Result<(), Error> {
    Ok(step.links.change(session, |link| link.floor = link.floor.max(floor))?)
}

/// An owed receipt leaves with the next message.
pub(crate) fn owe_all(step: &mut Carry<'_>, session: &Hash) -> Result<(), Error> {
    Ok(step.links.change(session, |link| link.dirty = true)?)
}

/// Sets the earliest time for an owed receipt; returns the time.
pub(crate) fn not_before(step: &mut Carry<'_>, session: &Hash, from_ms: i64) -> Result<Option<i64>, Error> {
    let now_ms = step.now_ms;
    Ok(step.links.edit(session, |link| {
        let due_ms = link.due_ms.unwrap_or(now_ms).max(from_ms);
        link.due_ms = Some(due_ms);
        due_ms
    })?)
}
