//! The run of a chain: which messages of an author are here without a gap, and where its messages of an epoch end.

use sotto_crypto::group::{Before, Chain, RunHash};
use sotto_db::{GroupChain, GroupCopy, Hash, NEVER};
use sotto_wire::envelope::payload_hash;

use crate::engine::base::schedule::SECOND;
use crate::engine::group::Group;
use crate::engine::group::memory::Place;
use crate::engine::group::say::keep_until;
use crate::error::{Code, Error};

/// A missing message may be under way for this long.
pub(crate) const HOLE_MS: i64 = 15 * SECOND;

/// Moves on over all messages that are here without a gap. A gap is asked for after a while.
pub(crate) fn advance(step: &mut Group<'_>, at: &Place) -> Result<(), Error> {
    let Place { group, epoch, leaf } = at;
    let Some(mut row) = step.group_chains.get(group, epoch, leaf)? else { return Ok(()) };
    while let Some(copy) = step.group_copies.get(group, epoch, leaf, &row.whole)? {
        if row.run == [0; 32] {
            row.run = copy.run; // a joiner learns the run from the first message
        }
        if copy.run != row.run {
            ::log::warn!("an author of a group gave two histories");
            break;
        }
        let hash = if copy.signature.is_empty() {
            copy.inner.as_slice().try_into().map_err(|_| Code::StorageCorrupt)?
        } else {
            payload_hash(&copy.inner)
        };
        row.run = RunHash(row.run).after(&hash).0;
        row.whole = row.whole.saturating_add(1);
    }
    let next = end(&row)?;
    if row.whole >= next {
        (row.hole_ms, row.holes) = (NEVER, 0);
    } else if row.hole_ms == NEVER {
        let wait = HOLE_MS.saturating_add(step.below(HOLE_MS));
        row.hole_ms = step.now_ms.saturating_add(wait);
    }
    Ok(step.group_chains.put(&row)?)
}

/// An author wrote in a later epoch, and says where its messages of an earlier one end. What it signs there from now on
/// counts only if it leads to that end: its key of that epoch will be published.
pub(crate) fn end_of(step: &mut Group<'_>, at: &Place, before: &Before) -> Result<(), Error> {
    let epochs = step.group_epochs.of(&at.group)?;
    let Some(old) = epochs.iter().find(|row| row.epoch.starts_with(&before.epoch) && row.epoch != at.epoch) else {
        return Ok(());
    };
    let (ends, end_run) = (before.count, before.run.0);
    step.group_chains.change(&at.group, &old.epoch, &at.leaf, |row| {
        if row.ends.is_none() {
            (row.ends, row.end_run) = (Some(ends), Some(end_run));
        }
    })?;
    advance(step, &Place { epoch: old.epoch, ..*at })
}

/// Whether a message leads to the end that its author named, or that end is not known.
pub(crate) fn leads_to_end(step: &mut Group<'_>, at: &Place, n: u32, next: &RunHash) -> Result<bool, Error> {
    let Some(row) = step.group_chains.get(&at.group, &at.epoch, &at.leaf)? else { return Ok(false) };
    let Some((ends, end_run)) = row.ends.zip(row.end_run) else { return Ok(true) };
    let after = n.saturating_add(1);
    if after >= ends {
        return Ok(after == ends && next.0 == end_run);
    }
    let later = step.group_copies.get(&at.group, &at.epoch, &at.leaf, &after)?;
    Ok(later.is_some_and(|later| later.run == next.0))
}

/// Somebody gives the hash of a message that nobody may have any more. It counts if what its author signed stands on
/// it.
pub(crate) fn bridge(step: &mut Group<'_>, at: &Place, n: u32, (run, hash): (Hash, Hash)) -> Result<(), Error> {
    let Place { group, epoch, leaf } = *at;
    let after = n.saturating_add(1);
    let Some(row) = step.group_chains.get(&group, &epoch, &leaf)? else { return Ok(()) };
    let next = RunHash(run).after(&hash).0;
    let later = step.group_copies.get(&group, &epoch, &leaf, &after)?;
    let signed = later.is_some_and(|later| later.run == next && !later.signature.is_empty());
    let ended = row.ends == Some(after) && row.end_run == Some(next);
    if n != row.whole || run != row.run || !(signed || ended) {
        return Ok(());
    }
    let (until_ms, given_ms) = (keep_until(step), step.now_ms);
    step.group_copies.put(&GroupCopy {
        grp: group,
        epoch,
        leaf,
        n,
        run,
        signature: Vec::new(),
        opening: Vec::new(),
        inner: hash.to_vec(),
        message: None,
        until_ms,
        given_ms,
        asked_ms: 0,
    })?;
    advance(step, at)
}

/// The number after the last message that is known of.
pub(crate) fn end(row: &GroupChain) -> Result<u32, Error> {
    let next = Chain::from_bytes(&row.chain).map_err(|_| Code::StorageCorrupt)?.n();
    let far = next.saturating_add(sotto_crypto::group::JUMP_MAX);
    Ok(row.ends.map_or(next, |ends| next.max(ends.min(far))))
}

/// Whether an author announced a key in an epoch that came after this one.
pub(crate) fn wrote_later(step: &Group<'_>, at: &Place) -> Result<bool, Error> {
    let epochs = step.group_epochs.of(&at.group)?;
    let later = epochs.iter().rev().take_while(|row| row.epoch != at.epoch);
    for row in later {
        if step.group_chains.get(&at.group, &row.epoch, &at.leaf)?.is_some_and(|chain| !chain.opening.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}
