//! An incoming envelope, and its fate.

use sotto_crypto::{Random, Tag};
use sotto_db::{Hash, Seen, Table, Waiting};
use sotto_wire::envelope::Class;

use crate::engine::base::schedule::DAY;
use crate::engine::hear::Hear;
use crate::error::Error;

/// How long an envelope without a session is kept.
const WAITING_MS: i64 = 3 * DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its content is stored, now or before.
    Taken,
    /// No session opens it yet.
    Unmatched,
    /// It will never open.
    Dropped,
}

pub(crate) struct Incoming<'a> {
    pub(crate) tag: Tag,
    pub(crate) random: Random,
    pub(crate) body: &'a [u8],
    pub(crate) class: Option<Class>,
    pub(crate) hash: Hash,
    pub(crate) ts_s: i64,
}

pub(crate) fn forget(step: &mut Hear<'_>, payload: &Hash) -> Result<(), Error> {
    step.waiting.remove(payload)?;
    Ok(())
}

/// Stores envelopes without a session and deletes the oldest; returns tag and payload hash of each deleted one.
pub(crate) fn keep(
    waiting: &mut Table<'_, Waiting>,
    new: &[&Waiting],
    excess: u64,
) -> Result<Vec<([u8; 16], Hash)>, sotto_db::Error> {
    for one in new {
        waiting.put(one)?;
    }
    waiting.drop_oldest(excess)
}

/// Records an accepted payload, or the result of a copy.
pub(crate) fn note(step: &mut Hear<'_>, seen: &Seen) -> Result<(), Error> {
    Ok(step.seen.note(seen)?)
}

/// Sets the end of the coverage, corrected clock.
pub(crate) fn covered(step: &mut Hear<'_>, until_ms: i64) -> Result<(), Error> {
    Ok(step.coverage.set_until_ms(until_ms)?)
}

/// Deletes expired rows; returns tag and payload hash of each waiting envelope among them.
pub(crate) fn expire(step: &mut Hear<'_>) -> Result<Vec<([u8; 16], Hash)>, Error> {
    step.seen.expire(step.now_ms)?;
    Ok(step.waiting.expire(step.now_ms.saturating_sub(WAITING_MS))?)
}
