//! Epochs: which one is written in, when a new one is due, when an old one ends.

use sotto_db::{GroupEpoch, GroupState, Hash, NEVER};
use sotto_wire::envelope::payload_hash;
use sotto_wire::group::{Body, Last, MAX_LAST};

use crate::engine::base::schedule::{DAY, HOUR, MINUTE, SECOND};
use crate::engine::group::memory::Place;
use crate::engine::group::say::{Said, say_in};
use crate::engine::group::{Group, News, boxes, log, say};
use crate::error::{Code, Error};
use crate::grouplog::MEMBER;

/// Messages of an old epoch are taken this long after a later one is here.
const OLD_MS: i64 = 7 * DAY;
/// Above this number of leaves only admins re-key.
const SMALL: usize = 64;
/// An epoch is followed by another one after this, and a random part of the other time.
const WEEK_MS: i64 = 7 * DAY;
const WEEKLY_MS: i64 = 6 * HOUR;
/// A leave or a late add is followed by a new epoch after this, and an epoch that lies elsewhere by another one.
const PATIENCE_MS: i64 = 10 * MINUTE;
/// Admins re-key one after another, this far apart.
const TURN_MS: i64 = 10 * MINUTE;

/// The epoch to write in: the best one whose chains are here, and that this device did not leave for a later one.
pub(crate) fn sending(step: &mut Group<'_>, group: &Hash) -> Result<Option<Hash>, Error> {
    let leaf = log::row(step, group)?.leaf;
    for epoch in log::state(step, group)?.epochs.clone() {
        let here = step.group_epochs.get(group, &epoch)?.is_some_and(|row| row.left_ms == NEVER);
        if here && step.group_chains.get(group, &epoch, &leaf)?.is_some() {
            return Ok(Some(epoch));
        }
    }
    Ok(None)
}

/// Epochs of a group that are not over, the newest first.
pub(crate) fn live(step: &Group<'_>, group: &Hash) -> Result<Vec<GroupEpoch>, Error> {
    let mut all = step.group_epochs.of(group)?;
    all.reverse();
    Ok(all)
}

/// How often the end of what a member said is repeated.
pub(crate) const REPEATED: u32 = 2;

/// When a message without content follows the last message: it tells who missed that one.
pub(crate) fn digest_ms(step: &mut Group<'_>, said: u32) -> i64 {
    let (from, spread) = match said {
        0 => (MINUTE, 2 * MINUTE),
        1 => (30 * MINUTE, 60 * MINUTE),
        REPEATED.. => return NEVER,
    };
    let wait = from.saturating_add(step.below(spread));
    step.now_ms.saturating_add(wait)
}

/// A new epoch now. Its box leaves first, then entries with the rekey in the old epoch, as far as there is one.
pub(crate) fn renew(
    step: &mut Group<'_>,
    group: &Hash,
    mut entries: Vec<Vec<u8>>,
    old: Option<Hash>,
) -> Result<(), Error> {
    let own = log::row(step, group)?.leaf;
    if let Some(old) = old
        && step.group_chains.get(group, &old, &own)?.is_some_and(|chain| chain.opening.is_empty())
    {
        say_in(step, group, &old, Said::default())?; // it announces the key that the box is made with
    }
    entries.push(boxes::issue(step, group)?);
    log::judge(step, group)?;
    let epoch = match old {
        Some(old) => Some(old),
        None => sending(step, group)?,
    };
    let epoch = epoch.ok_or(Code::GroupRekeying)?;
    say_in(step, group, &epoch, Said { entries, ..Said::default() })?;
    settle(step, group)
}

/// After the log changed: what this device is, which boxes open now, which epochs end, who re-keys.
pub(crate) fn settle(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    log::judge(step, group)?;
    let row = log::row(step, group)?;
    let state = log::state(step, group)?.clone();
    let lineage = log::known(step, group)?.log.lineage(&row.leaf);
    let member = lineage.and_then(|root| state.member(&root)).filter(|member| member.leaves.contains(&row.leaf));
    let new = match (row.state, member) {
        (GroupState::In | GroupState::Joining, _) if state.closed => GroupState::Closed,
        (GroupState::In | GroupState::Joining, None) => GroupState::Removed,
        (GroupState::Removed, Some(_)) => GroupState::In,
        (state, _) => state,
    };
    if new == GroupState::In && row.state == GroupState::Removed {
        step.groups.change(group, |row| row.state = new)?; // the removal did not hold
    } else if new != row.state {
        end_all(step, group)?;
        step.groups.change(group, |row| {
            row.state = new;
            (row.say_ms, row.rekey_ms, row.ask_ms, row.ack_ms) = (NEVER, NEVER, NEVER, NEVER);
        })?;
        return Ok(());
    }
    boxes::open_waiting(step, group)?;
    let best = log::state(step, group)?.epochs.first().copied();
    if let Some(best) = best
        && step.group_epochs.get(group, &best)?.is_none()
    {
        let ask_ms = step.now_ms.saturating_add(30 * SECOND);
        step.groups.change(group, |row| row.ask_ms = row.ask_ms.min(ask_ms))?;
    }
    end_old(step, group)?;
    say::release(step, group)?;
    plan(step, group, member.map_or(MEMBER, |member| member.seat))
}

/// This device is out: what is under way still opens, and soon nothing more.
fn end_all(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let until_ms = step.now_ms.saturating_add(HOUR);
    for row in step.group_epochs.of(group)? {
        step.group_epochs.change(group, &row.epoch, |row| row.until_ms = row.until_ms.min(until_ms))?;
    }
    Ok(())
}

/// Epochs before the one that is written in are taken from for a while, and then no more.
fn end_old(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let Some(now) = sending(step, group)? else { return Ok(()) };
    let until_ms = step.now_ms.saturating_add(OLD_MS);
    for row in step.group_epochs.of(group)? {
        let log = &log::known(step, group)?.log;
        if row.until_ms == NEVER && log.follows(&row.epoch, &now) {
            // Stores have nothing older than their retention, and keys may be published by then.
            let dated_ms =
                log.date_s(&now).and_then(|date_s| i64::try_from(date_s).ok()).unwrap_or(0).saturating_mul(SECOND);
            let age_ms = step.clock_ms.saturating_sub(dated_ms);
            let left_ms = step.retention_ms().saturating_sub(age_ms).max(HOUR);
            let gone_ms = until_ms.min(step.now_ms.saturating_add(left_ms));
            step.group_epochs.change(group, &row.epoch, |row| row.until_ms = gone_ms)?;
        }
    }
    Ok(())
}

/// Without an epoch that is free of who was removed, somebody re-keys: admins by turns, in a small group then anybody.
fn plan(step: &mut Group<'_>, group: &Hash, seat: u32) -> Result<(), Error> {
    let row = log::row(step, group)?;
    if row.state != GroupState::In {
        return Ok(());
    }
    if let Some(best) = sending(step, group)?
        && !is_uneven(step, group, &best)?
    {
        return weekly(step, group, &best);
    }
    let state = log::state(step, group)?;
    // Others may have an epoch that this device lacks: its box may still come.
    let patience = if state.epochs.is_empty() { 0 } else { PATIENCE_MS };
    let small = state.leaves().count() <= SMALL;
    let before = state.members.iter().filter(|member| member.seat < seat).count();
    let turn = i64::try_from(before).unwrap_or(0);
    let wait = match seat {
        MEMBER if !small => return Ok(()),
        MEMBER => DAY.saturating_add(step.below(DAY)),
        _ => patience.saturating_add(turn.saturating_mul(TURN_MS)).saturating_add(step.below(10 * SECOND)),
    };
    let at_ms = step.now_ms.saturating_add(wait);
    // A weekly time may stand there; an earlier one of this kind stays.
    Ok(step.groups.change(group, |row| row.rekey_ms = row.rekey_ms.min(at_ms))?)
}

/// Whether an epoch covers somebody who left, or lacks a member: a new one is due soon.
fn is_uneven(step: &mut Group<'_>, group: &Hash, epoch: &Hash) -> Result<bool, Error> {
    let known = log::known(step, group)?;
    let live: Vec<_> = known.state.leaves().copied().collect();
    let chains = step.group_chains.of(group, epoch)?;
    let gone = chains.iter().any(|chain| !live.contains(&chain.leaf));
    let missing = live.iter().any(|leaf| !chains.iter().any(|chain| chain.leaf == *leaf));
    Ok(gone || missing)
}

/// An epoch in which somebody wrote is followed by another one after a week: admins by turns, a day apart, in an order
/// that nobody chooses.
pub(crate) fn weekly(step: &mut Group<'_>, group: &Hash, best: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let state = log::state(step, group)?;
    let admins = state.members.iter().filter(|member| member.seat < MEMBER);
    let mut leaves: Vec<_> = admins.flat_map(|member| member.leaves.iter().copied()).collect();
    leaves.sort_by_key(|leaf| payload_hash(&[best.as_slice(), leaf].concat()));
    let turn = leaves.iter().position(|leaf| *leaf == row.leaf);
    let made_ms = step.group_epochs.get(group, best)?.map(|row| row.made_ms);
    let at_ms = turn.zip(made_ms).map(|(turn, made_ms)| {
        let turn = i64::try_from(turn).unwrap_or(i64::MAX / DAY).saturating_mul(DAY);
        made_ms.saturating_add(WEEK_MS).saturating_add(step.below(WEEKLY_MS)).saturating_add(turn)
    });
    let at_ms = at_ms.unwrap_or(NEVER);
    Ok(step.groups.change(group, |row| {
        if at_ms == NEVER || row.rekey_ms == NEVER || row.rekey_ms < at_ms.saturating_sub(WEEKLY_MS) {
            row.rekey_ms = at_ms;
        }
    })?)
}

/// The turn to re-key is here.
pub(crate) fn due(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    step.groups.change(group, |row| row.rekey_ms = NEVER)?;
    if let Some(best) = sending(step, group)?
        && !is_uneven(step, group, &best)?
    {
        let made_ms = step.group_epochs.get(group, &best)?.map_or(step.now_ms, |row| row.made_ms);
        let wrote = step.group_chains.of(group, &best)?.iter().any(|chain| chain.whole > 0);
        if !wrote || step.now_ms.saturating_sub(made_ms) < WEEK_MS {
            return Ok(()); // looked at again when something is said
        }
    }
    let old = old(step, group)?;
    renew(step, group, Vec::new(), old)
}

/// The newest epoch that this device has chains of, clean or not: the log's entries go there, for all who are left.
pub(crate) fn old(step: &mut Group<'_>, group: &Hash) -> Result<Option<Hash>, Error> {
    let leaf = log::row(step, group)?.leaf;
    if let Some(best) = sending(step, group)? {
        return Ok(Some(best));
    }
    for row in live(step, group)? {
        if row.left_ms == NEVER && step.group_chains.get(group, &row.epoch, &leaf)?.is_some() {
            return Ok(Some(row.epoch));
        }
    }
    Ok(None)
}

/// An epoch is over: nothing of it opens any more.
pub(crate) fn over(step: &mut Group<'_>, (group, epoch): (Hash, Hash)) -> Result<(), Error> {
    for chain in step.group_chains.of(&group, &epoch)? {
        step.memory.expect_nothing(&Place { group, epoch, leaf: chain.leaf });
    }
    step.group_chains.remove_epoch(&group, &epoch)?;
    step.group_skipped.remove_epoch(&group, &epoch)?;
    step.group_parts.remove_epoch(&group, &epoch)?;
    // The row stays, so that its box is never opened again.
    Ok(step.group_epochs.change(&group, &epoch, |row| {
        (row.over, row.until_ms, row.secret_key) = (true, NEVER, None);
    })?)
}

/// Removes a member, and re-keys. `ban`: links refuse the account from now on.
pub(crate) fn remove(step: &mut Group<'_>, group: &Hash, root_leaf: [u8; 16], ban: bool) -> Result<(), Error> {
    let old = old(step, group)?;
    let last = lasts(step, group, &root_leaf)?;
    let remove = sotto_wire::group::Remove { root_leaf, ban, last };
    let (id, entry) = log::write(step, group, Body::Remove(remove))?;
    log::judge(step, group)?;
    if !log::counts(step, group, &id)? || log::state(step, group)?.member(&root_leaf).is_some() {
        return Err(Code::GroupNotAllowed.into());
    }
    renew(step, group, vec![entry], old)
}

/// How far the messages of a member are here, in each epoch that is not over.
fn lasts(step: &mut Group<'_>, group: &Hash, root_leaf: &[u8; 16]) -> Result<Vec<Last>, Error> {
    let known = log::known(step, group)?;
    let of = |leaf: &[u8; 16]| known.log.lineage(leaf).as_ref() == Some(root_leaf);
    let leaves: Vec<_> = known.leaves.keys().filter(|leaf| of(leaf)).copied().collect();
    let mut lasts = Vec::new();
    for row in live(step, group)? {
        for leaf in &leaves {
            let chain = step.group_chains.get(group, &row.epoch, leaf)?;
            let epoch = row.epoch.first_chunk().copied().unwrap_or_default();
            lasts.extend(chain.filter(|chain| chain.whole > 0).map(|chain| Last {
                leaf: *leaf,
                epoch,
                n: chain.whole,
            }));
        }
    }
    lasts.sort_unstable();
    lasts.truncate(MAX_LAST);
    Ok(lasts)
}

/// Writes an entry that needs no new epoch, and tells all.
pub(crate) fn change(step: &mut Group<'_>, group: &Hash, body: Body) -> Result<(), Error> {
    say::writable(step, group)?;
    let (id, entry) = log::write(step, group, body)?;
    log::judge(step, group)?;
    if !log::counts(step, group, &id)? {
        return Err(Code::GroupNotAllowed.into());
    }
    let old = old(step, group)?.ok_or(Code::GroupRekeying)?;
    say_in(step, group, &old, Said { entries: vec![entry], ..Said::default() })?;
    step.news.push(News::Changed(*group));
    settle(step, group)
}

/// This device leaves. Others go on with the epoch until the next re-key.
pub(crate) fn leave(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    if matches!(row.state, GroupState::In | GroupState::Joining) {
        let (_, entry) = log::write(step, group, Body::Leave)?;
        if let Some(old) = old(step, group)? {
            say_in(step, group, &old, Said { entries: vec![entry], ..Said::default() })?;
        }
    }
    end_all(step, group)?;
    step.groups.change(group, |row| {
        row.state = GroupState::Left;
        (row.say_ms, row.rekey_ms, row.ask_ms, row.ack_ms) = (NEVER, NEVER, NEVER, NEVER);
    })?;
    step.news.push(News::Changed(*group));
    if row.root.is_empty() { Ok(()) } else { log::judge(step, group) }
}
