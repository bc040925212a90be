//! What is missing: messages, box parts and entries are asked for, and given by whoever has them.

use sotto_crypto::group::{Author, RunHash, Signed};
use sotto_db::{GroupChain, GroupCopy, GroupState, Hash, NEVER};
use sotto_net::Circle;
use sotto_wire::content::{Content, MAX_NEED, Range, Relay, Relayed};
use sotto_wire::envelope::payload_hash;
use sotto_wire::group::{Entry, EntryPrefix, MAX_INNER_ENTRIES, Masked, Part};
use sotto_wire::topic::Lane;

use crate::engine::base::schedule::{DAY, HOUR, MINUTE, SECOND, delay};
use crate::engine::group::memory::Place;
use crate::engine::group::say::{Said, control, keep_until, place, say_in};
use crate::engine::group::{Group, boxes, epoch, log, open, run};
use crate::engine::hear::query::{Query, What};
use crate::error::{Code, Error};

/// Longest message that a relay carries, bytes.
const RELAYED: usize = 7_000;
/// Most answers in one go, and the shortest time between two about one message.
const ANSWERS: u32 = 16;
const GIVEN_MS: i64 = 5 * MINUTE;
/// Others than the author answer when its author did not for this long.
const OTHERS_MS: i64 = 45 * SECOND;
/// After this everybody answers who can.
const WAITED_MS: i64 = 4 * MINUTE;
/// Most answers of one group in an hour.
const HOURLY: u32 = 60;
/// Up to this number of members an ack leaves by itself, soon, or after two hours.
const ACKS_SOON: usize = 8;
const ACKS_LATER: usize = 32;
/// Most entries of one group that wait for their parents.
const WAITING: usize = 256;
/// About so many of those who could answer do.
const FEW: i64 = 2;
/// How often missing messages are asked for.
const ASKS: u32 = 6;
/// Those who greet a joiner with the heads of their log.
const GREETERS: usize = 3;

/// Missing messages of a chain are asked for.
pub(crate) fn ask(step: &mut Group<'_>, chain: &GroupChain) -> Result<(), Error> {
    let ranges = gaps(step, chain)?;
    let holes = chain.holes.saturating_add(1);
    let wait =
        if chain.holes == 0 { patience(step, &chain.grp)? } else { (30 * SECOND).saturating_mul(1 << holes.min(8)) };
    let wait = if holes > ASKS { DAY } else { wait };
    let hole_ms = if ranges.is_empty() { NEVER } else { step.now_ms.saturating_add(wait) };
    step.group_chains
        .change(&chain.grp, &chain.epoch, &chain.leaf, |row| (row.hole_ms, row.holes) = (hole_ms, holes))?;
    if chain.holes == 0 {
        return ask_store(step, &chain.grp);
    }
    let writes = log::row(step, &chain.grp)?.state == GroupState::In;
    if !ranges.is_empty() && writes && epoch::sending(step, &chain.grp)?.is_some() {
        control(step, &chain.grp, &Content::Need(ranges))?;
    }
    Ok(())
}

/// The missing messages of a chain, at most [`MAX_NEED`] ranges.
fn gaps(step: &mut Group<'_>, chain: &GroupChain) -> Result<Vec<Range>, Error> {
    // Without the first message nothing of an author opens, and it is not known what else is missing.
    let end = run::end(chain)?.max(if chain.opening.is_empty() { 1 } else { 0 });
    let mut ranges: Vec<Range> = Vec::new();
    for n in chain.whole..end {
        if step.group_copies.get(&chain.grp, &chain.epoch, &chain.leaf, &n)?.is_some() {
            continue;
        }
        if let Some(range) = ranges.last_mut().filter(|range| range.last.saturating_add(1) == n) {
            range.last = n;
        } else if ranges.len() < MAX_NEED {
            ranges.push(Range { epoch: prefix(&chain.epoch), leaf: chain.leaf, first: n, last: n });
        } else {
            break;
        }
    }
    Ok(ranges)
}

/// How long somebody waits before it asks the others: in a large group somebody else may have asked by then.
fn patience(step: &mut Group<'_>, group: &Hash) -> Result<i64, Error> {
    let eighths = i64::try_from(log::state(step, group)?.members.len() / 8).unwrap_or(8).clamp(1, 8);
    Ok((10 * SECOND).saturating_add(step.below((30 * SECOND).saturating_mul(eighths))))
}

/// Another store may have what was not pushed.
fn ask_store(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let topics = vec![step.topic(Lane::Group, &log::row(step, group)?.bucket)];
    if step.queries.iter().any(|query| query.what == What::Hole && query.topics == topics) {
        return Ok(());
    }
    let start_ms = step.clock_ms.saturating_sub(10 * MINUTE);
    query(step, What::Hole, Circle::Other, (topics, start_ms));
    Ok(())
}

fn query(step: &mut Group<'_>, what: What, circle: Circle, (topics, start_ms): (Vec<String>, i64)) {
    let (end_ms, most_bytes, from_ns) = (None, None, None);
    step.queries.push(Query { what, circle, topics, start_ms, end_ms, newest_first: false, most_bytes, from_ns });
}

pub(crate) fn put_off(step: &mut Group<'_>, chain: &GroupChain, at_ms: i64) -> Result<(), Error> {
    Ok(step.group_chains.change(&chain.grp, &chain.epoch, &chain.leaf, |row| row.hole_ms = at_ms)?)
}

fn prefix(epoch: &Hash) -> [u8; 8] {
    epoch.first_chunk().copied().unwrap_or_default()
}

/// Somebody lacks messages or box parts: its author answers at once, others if nobody did for a while.
pub(crate) fn need(step: &mut Group<'_>, group: &Hash, by: &[u8; 16], ranges: &[Range]) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let now_ms = step.now_ms;
    let kept_ms = keep_until(step).saturating_sub(now_ms);
    let mut left = ANSWERS;
    for range in ranges {
        let epochs = step.group_epochs.of(group)?;
        let epoch = epochs.iter().map(|row| row.epoch).find(|epoch| epoch.starts_with(&range.epoch));
        let Some(epoch) = epoch else { continue };
        if range.leaf == [0; 16] {
            for part in step.group_parts.of(group, &epoch)? {
                if now_ms.saturating_sub(part.given_ms) > GIVEN_MS && left > 0 && may_answer(step, group) {
                    left -= 1;
                    step.group_parts.change(group, &epoch, &part.part, |part| part.given_ms = now_ms)?;
                    let part = Part::decode(&part.bytes).map_err(|_| Code::StorageCorrupt)?;
                    boxes::masked(step, &row, &Masked::Part(part))?;
                }
            }
            continue;
        }
        if range.leaf == *by || row.state != GroupState::In {
            continue;
        }
        let since_ms = readable_since(step, group, &epoch, by)?;
        heard(step, group, &epoch, range)?;
        let own = range.leaf == row.leaf;
        let ended = step.group_chains.get(group, &epoch, &range.leaf)?.is_some_and(|row| row.ends.is_some());
        let span = (range.first, range.last);
        // Where the author's messages end, each is proved by the one after it.
        let copies = step.group_copies.range((group, &epoch, &range.leaf), span, (left, ended))?;
        for copy in copies {
            let came_ms = copy.until_ms.saturating_sub(kept_ms);
            if came_ms < since_ms || (!own && !turn(step, &copy)?) || !may_answer(step, group) {
                continue;
            }
            left = left.saturating_sub(1);
            give(step, copy)?;
        }
    }
    Ok(())
}

/// From when on a leaf may read what was said in an epoch: one that joined later has no right to the past.
fn readable_since(step: &mut Group<'_>, group: &Hash, epoch: &Hash, leaf: &[u8; 16]) -> Result<i64, Error> {
    let covered = log::known(step, group)?.log.state_before(epoch);
    if covered.is_some_and(|before| before.leaves().any(|one| one == leaf)) {
        return Ok(i64::MIN);
    }
    Ok(step.group_leaves.get(group, leaf)?.map_or(i64::MAX, |row| row.seen_ms))
}

/// Somebody else asks for what this device lacks too: its own question waits.
fn heard(step: &mut Group<'_>, group: &Hash, epoch: &Hash, range: &Range) -> Result<(), Error> {
    let wait = MINUTE.saturating_add(step.below(MINUTE));
    let later_ms = step.now_ms.saturating_add(wait);
    Ok(step.group_chains.change(group, epoch, &range.leaf, |row| {
        // Not for ever: each time counts as a question.
        if row.hole_ms != NEVER && row.holes < ASKS && (range.first..=range.last).contains(&row.whole) {
            (row.hole_ms, row.holes) = (row.hole_ms.max(later_ms), row.holes.saturating_add(1));
        }
    })?)
}

/// Whether it is the turn of somebody who is not the author: nobody answered for a while, and few do at once.
fn turn(step: &mut Group<'_>, copy: &GroupCopy) -> Result<bool, Error> {
    let now_ms = step.now_ms;
    let waited_ms = if copy.asked_ms > copy.given_ms { now_ms.saturating_sub(copy.asked_ms) } else { 0 };
    if copy.asked_ms <= copy.given_ms {
        step.group_copies.change(&copy.grp, &copy.epoch, &copy.leaf, &copy.n, |copy| copy.asked_ms = now_ms)?;
    }
    // The longer nobody answered, the more answer: at last everybody who can.
    let few = match waited_ms {
        ..OTHERS_MS => return Ok(false),
        OTHERS_MS..WAITED_MS => FEW,
        WAITED_MS.. => i64::MAX,
    };
    let crowd = i64::try_from(log::state(step, &copy.grp)?.members.len()).unwrap_or(i64::MAX);
    Ok(step.below(crowd) < few)
}

/// Whether one more answer leaves in this hour.
fn may_answer(step: &mut Group<'_>, group: &Hash) -> bool {
    let now_ms = step.now_ms;
    let (since_ms, count) = step.memory.answers.entry(*group).or_default();
    if !(0..HOUR).contains(&now_ms.saturating_sub(*since_ms)) {
        (*since_ms, *count) = (now_ms, 0);
    }
    *count = count.saturating_add(1);
    *count <= HOURLY
}

/// Gives a message as its author signed it; of a deleted or too long one its hash, which bridges the gap.
fn give(step: &mut Group<'_>, copy: GroupCopy) -> Result<(), Error> {
    let now_ms = step.now_ms;
    step.group_copies.change(&copy.grp, &copy.epoch, &copy.leaf, &copy.n, |copy| copy.given_ms = now_ms)?;
    let corrupt = |_| Code::StorageCorrupt;
    let what = if copy.signature.is_empty() {
        Relayed::Hash(copy.inner.as_slice().try_into().map_err(corrupt)?)
    } else if copy.inner.len() > RELAYED {
        Relayed::Hash(payload_hash(&copy.inner))
    } else {
        let signature = copy.signature.as_slice().try_into().map_err(corrupt)?;
        Relayed::Whole { signature, opening: copy.opening, inner: copy.inner }
    };
    let relay = Relay { epoch: prefix(&copy.epoch), leaf: copy.leaf, n: copy.n, run: copy.run, what };
    if epoch::sending(step, &copy.grp)?.is_some() {
        control(step, &copy.grp, &Content::Relay(Box::new(relay)))?;
    }
    Ok(())
}

/// A message that somebody gives: it counts by its author's signature.
pub(crate) fn relayed(step: &mut Group<'_>, group: &Hash, relay: &Relay) -> Result<(), Error> {
    let epochs = step.group_epochs.of(group)?;
    let Some(epoch) = epochs.iter().map(|row| row.epoch).find(|epoch| epoch.starts_with(&relay.epoch)) else {
        return Ok(());
    };
    let at = Place { group: *group, epoch, leaf: relay.leaf };
    let now_ms = step.now_ms;
    let known = step.group_copies.get(group, &epoch, &relay.leaf, &relay.n)?;
    if let Some(copy) = known.filter(|copy| !copy.signature.is_empty()) {
        let same = matches!(&relay.what, Relayed::Whole { signature, .. } if copy.signature == signature);
        if !same {
            return Ok(());
        }
        return Ok(step.group_copies.change(group, &epoch, &relay.leaf, &relay.n, |copy| copy.given_ms = now_ms)?);
    }
    let (signature, opening, inner) = match &relay.what {
        Relayed::Whole { signature, opening, inner } => (signature, opening, inner),
        Relayed::Hash(hash) => return run::bridge(step, &at, relay.n, (relay.run, *hash)),
    };
    let Some((vk, key)) = open::author(step, &at)? else { return Ok(()) };
    let signed = Signed { signature, run: RunHash(relay.run), opening, inner };
    let known = Author { leaf: &vk, epoch: key.as_ref() };
    let Ok(proven) = signed.verify(&place(group, &epoch, &relay.leaf), relay.n, &known) else { return Ok(()) };
    open::passed(step, &at, relay.n)?;
    open::took(step, at, relay.n, (&proven, &signed))
}

/// Entries that an author names and that are not here are asked for.
pub(crate) fn named(step: &mut Group<'_>, group: &Hash, leaf: &[u8; 16], heads: &[EntryPrefix]) -> Result<(), Error> {
    let known = log::known(step, group)?;
    let missing = heads.iter().any(|head| known.log.by_prefix(head).is_none());
    let seen = step.group_leaves.get(group, leaf)?.is_some_and(|row| row.heads == heads.concat());
    if missing && !seen {
        let wait = (5 * SECOND).saturating_add(step.below(20 * SECOND));
        let at_ms = step.now_ms.saturating_add(wait);
        step.groups.change(group, |row| row.ask_ms = row.ask_ms.min(at_ms))?;
    }
    Ok(())
}

/// An entry whose parents are missing waits.
pub(crate) fn keep_entry(step: &mut Group<'_>, group: &Hash, bytes: &[u8]) -> Result<(), Error> {
    let waiting = step.memory.waiting.entry(*group).or_default();
    if !waiting.iter().any(|one| one == bytes) {
        waiting.push(bytes.to_vec());
        let extra = waiting.len().saturating_sub(WAITING);
        waiting.drain(..extra);
    }
    let at_ms = step.now_ms.saturating_add(5 * SECOND);
    Ok(step.groups.change(group, |row| row.ask_ms = row.ask_ms.min(at_ms))?)
}

/// Entries that waited are taken, if their parents are here now.
pub(crate) fn entries_again(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    loop {
        let waiting = step.memory.waiting.remove(group).unwrap_or_default();
        let mut taken = false;
        for bytes in waiting {
            match log::take(step, group, &bytes)? {
                log::Taken::New(_) => taken = true,
                log::Taken::Waits(_) => keep_entry(step, group, &bytes)?,
                log::Taken::Known | log::Taken::Refused => {}
            }
        }
        if !taken {
            return Ok(());
        }
    }
}

/// Asks the others for entries that are named and not here, and for the box of an epoch that does not open.
pub(crate) fn ask_log(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let asked = log::row(step, group)?.asked.saturating_add(1);
    step.groups.change(group, |row| (row.ask_ms, row.asked) = (NEVER, asked))?;
    let mut wanted: Vec<EntryPrefix> = Vec::new();
    for leaf in step.group_leaves.of(group)? {
        wanted.extend_from_slice(leaf.heads.as_chunks::<16>().0);
    }
    for bytes in step.memory.waiting.get(group).into_iter().flatten() {
        let parents = Entry::decode(bytes).map(|entry| entry.parents).unwrap_or_default();
        wanted.extend(parents.iter().filter_map(|parent| parent.first_chunk()));
    }
    wanted.extend(step.group_parts.epochs(group)?.iter().filter_map(|epoch| epoch.first_chunk()));
    wanted.sort_unstable();
    wanted.dedup();
    let known = log::known(step, group)?;
    wanted.retain(|head| known.log.by_prefix(head).is_none());
    wanted.truncate(sotto_wire::content::MAX_LOG_WANT);
    let valid: Vec<Hash> = known.state.valid.iter().filter(|id| known.log.is_rekey(id)).copied().collect();
    let best = known.state.epochs.first().copied();
    let mut ranges = Vec::new();
    for epoch in valid {
        if Some(epoch) == best && step.group_epochs.get(group, &epoch)?.is_none() {
            ranges.push(Range { epoch: prefix(&epoch), leaf: [0; 16], first: 0, last: 63 });
        }
    }
    let writes = log::row(step, group)?.state == GroupState::In;
    let Some(epoch) = epoch::old(step, group)?.filter(|_| writes && asked <= ASKS) else { return Ok(()) };
    for content in [
        (!wanted.is_empty()).then_some(Content::LogWant(wanted)),
        (!ranges.is_empty()).then_some(Content::Need(ranges)),
    ] {
        let Some(content) = content else { continue };
        let (message, _) = crate::engine::carry::send::message(step, &content, (0, Vec::new()))?;
        say_in(step, group, &epoch, Said { message, ..Said::default() })?;
        let again_ms = step.now_ms.saturating_add((30 * SECOND).saturating_mul(1 << asked.min(8)));
        step.groups.change(group, |row| row.ask_ms = again_ms)?;
    }
    Ok(())
}

/// Somebody lacks entries: those, and the ones before them, are given by a few.
pub(crate) fn log_want(step: &mut Group<'_>, group: &Hash, wanted: &[EntryPrefix]) -> Result<(), Error> {
    let all = step.group_entries.of(group)?;
    let Some(last) = all.iter().rposition(|entry| wanted.iter().any(|prefix| entry.id.starts_with(prefix))) else {
        return Ok(());
    };
    let crowd = i64::try_from(log::state(step, group)?.members.len()).unwrap_or(i64::MAX);
    if step.below(crowd) >= FEW || !may_answer(step, group) {
        return Ok(());
    }
    let Some(epoch) = epoch::old(step, group)? else { return Ok(()) };
    let before = all.get(last.saturating_add(1).saturating_sub(MAX_INNER_ENTRIES)..=last).unwrap_or_default();
    let entries = before.iter().map(|entry| entry.bytes.clone()).collect();
    say_in(step, group, &epoch, Said { entries, ..Said::default() }).map(drop)
}

/// After an add: some active members name their heads, so that the joiner knows that others have its log.
pub(crate) fn greet(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let known = log::known(step, group)?;
    let mut leaves: Vec<_> = known.state.leaves().copied().collect();
    let seed: Vec<u8> = known.log.heads().flatten().copied().collect();
    leaves.sort_by_key(|leaf| payload_hash(&[seed.as_slice(), leaf].concat()));
    if leaves.iter().take(GREETERS.saturating_add(1)).any(|leaf| *leaf == row.leaf) {
        let wait = (10 * SECOND).saturating_add(step.below(110 * SECOND));
        let ack_ms = step.now_ms.saturating_add(wait);
        step.groups.change(group, |row| row.ack_ms = row.ack_ms.min(ack_ms))?;
    }
    Ok(())
}

/// The author of a message may wait for an ack: it rides on the next message, or leaves by itself.
pub(crate) fn ack_soon(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let members = log::state(step, group)?.members.len();
    let wait = if members <= ACKS_SOON {
        let mean = (3 * SECOND).saturating_mul(i64::try_from(members).unwrap_or(1));
        let times = if step.foreground { 1 } else { 4 };
        delay(mean.saturating_mul(times), MINUTE.saturating_mul(times), step.rng)
    } else if members <= ACKS_LATER {
        HOUR.saturating_add(step.below(HOUR))
    } else {
        return Ok(());
    };
    let ack_ms = step.now_ms.saturating_add(wait);
    Ok(step.groups.change(group, |row| row.ack_ms = row.ack_ms.min(ack_ms))?)
}

/// A message without content: acks and heads.
fn acks(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    step.groups.change(group, |row| row.ack_ms = NEVER)?;
    if log::row(step, group)?.state != GroupState::In {
        return Ok(());
    }
    match epoch::sending(step, group)? {
        Some(epoch) => say_in(step, group, &epoch, Said::default()).map(drop),
        None => Ok(()),
    }
}

/// The end of what this device said is repeated, unless others have it.
fn digest(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let said = row.said.saturating_add(1);
    let say_ms = epoch::digest_ms(step, said);
    step.groups.change(group, |row| (row.said, row.say_ms) = (said, say_ms))?;
    let Some(epoch) = row.epoch else { return Ok(()) };
    let end = step.group_chains.get(group, &epoch, &row.leaf)?.map_or(0, |chain| chain.whole);
    let leaves = step.group_leaves.of(group)?;
    let acked = leaves.iter().filter(|leaf| leaf.acked_epoch == Some(epoch) && leaf.acked >= end).count();
    let enough = if said == 1 { 1 } else { 3 };
    if acked >= enough || acked.saturating_add(1) >= log::state(step, group)?.members.len() {
        return Ok(());
    }
    acks(step, group)
}

/// Something of a group is due.
pub(crate) fn due(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    if row.rekey_ms <= step.now_ms {
        epoch::due(step, group)?;
    }
    if row.say_ms <= step.now_ms {
        digest(step, group)?;
    }
    if row.ack_ms <= step.now_ms {
        acks(step, group)?;
    }
    if row.ask_ms <= step.now_ms {
        ask_log(step, group)?;
    }
    Ok(())
}

pub(crate) fn put_off_due(step: &mut Group<'_>, group: &Hash, at_ms: i64) -> Result<(), Error> {
    Ok(step.groups.change(group, |row| {
        for due_ms in [&mut row.rekey_ms, &mut row.say_ms, &mut row.ask_ms, &mut row.ack_ms] {
            *due_ms = if *due_ms == NEVER { NEVER } else { at_ms.max(*due_ms) };
        }
    })?)
}

/// A store is asked for what the group said since the welcome.
pub(crate) fn ask_past(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let row = log::row(step, group)?;
    let again_ms = step.now_ms.saturating_add(5 * MINUTE);
    past_at(step, group, again_ms)?;
    let topics = vec![step.topic(Lane::Group, &row.bucket)];
    let start_ms = row.since_s.saturating_mul(SECOND).saturating_sub(2 * MINUTE);
    query(step, What::Group { group: *group }, Circle::Receive, (topics, start_ms));
    Ok(())
}

pub(crate) fn past_at(step: &mut Group<'_>, group: &Hash, at_ms: i64) -> Result<(), Error> {
    Ok(step.groups.change(group, |row| row.past_ms = at_ms)?)
}

/// Deletes what is kept for a time only, and epochs that are over.
pub(crate) fn expire(step: &mut Group<'_>) -> Result<(), Error> {
    let now_ms = step.now_ms;
    step.group_exchange.expire(now_ms)?;
    step.group_passed.expire(now_ms)?;
    step.group_skipped.expire(now_ms)?;
    step.group_copies.expire(now_ms)?;
    step.group_parts.expire(now_ms)?;
    let old_ms = now_ms.saturating_sub(step.retention_ms()).saturating_sub(DAY);
    step.group_invites.expire(old_ms)?;
    let over = step.group_epochs.over(now_ms)?;
    over.into_iter().try_for_each(|one| epoch::over(step, one))
}
