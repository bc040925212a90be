//! An envelope as it came, and what became of it.

use sotto_crypto::{Random, Tag};
use sotto_db::{Hash, Seen, Table, Waiting};
use sotto_wire::envelope::Class;

use crate::engine::base::step::DAY;
use crate::engine::hear::Hear;
use crate::error::Error;

/// An envelope that nobody opens is kept for so long.
const WAITING_MS: i64 = 3 * DAY;

/// What became of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its content is stored, or was before.
    Taken,
    /// Nobody here opens it now.
    Unmatched,
    /// Nothing will ever come of it.
    Dropped,
}

/// An envelope as it came.
pub(crate) struct Incoming<'a> {
    pub(crate) tag: Tag,
    pub(crate) random: Random,
    pub(crate) body: &'a [u8],
    pub(crate) class: Option<Class>,
    /// SHA-256 of the payload.
    pub(crate) hash: Hash,
    pub(crate) ts_s: i64,
}

/// An envelope waits no more.
pub(crate) fn forget(step: &mut Hear<'_>, payload: &Hash) -> Result<(), Error> {
    step.waiting.remove(payload)?;
    Ok(())
}

/// Keeps envelopes that nobody opens yet, and lets go of the oldest; tag and payload hash of each.
pub(crate) fn keep<'a>(
    waiting: &mut Table<'_, Waiting>,
    new: impl Iterator<Item = &'a Waiting>,
    excess: u64,
) -> Result<Vec<([u8; 16], Hash)>, sotto_db::Error> {
    for one in new {
        waiting.put(one)?;
    }
    waiting.drop_oldest(excess)
}

/// Notes a payload that was taken, or what came of a copy.
pub(crate) fn note(step: &mut Hear<'_>, seen: &Seen) -> Result<(), Error> {
    Ok(step.seen.note(seen)?)
}

/// Nothing was missed until then, corrected clock.
pub(crate) fn covered(step: &mut Hear<'_>, until_ms: i64) -> Result<(), Error> {
    Ok(step.coverage.set_until_ms(until_ms)?)
}

/// What is past its time goes; tag and payload hash of each envelope that waited.
pub(crate) fn expire(step: &mut Hear<'_>) -> Result<Vec<([u8; 16], Hash)>, Error> {
    let now_ms = step.now_ms;
    step.seen.expire(now_ms)?;
    Ok(step.waiting.expire(now_ms.saturating_sub(WAITING_MS))?)
}
