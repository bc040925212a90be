//! What comes on a group's topic: messages by their tags, boxes behind the mask. Decrypted on a copy; only then does
//! anything change.

use sotto_crypto::group::{
    Author, Binding, Chain, EntryId, Epoch, EpochPublic, ExchangeKey, GroupId, GroupMessageKey, GroupOpenError,
    GroupSkipped, LateSeed, LeafId, Proven, RunHash, Signed, check_binding, mask_open,
};
use sotto_db::{GroupCopy, GroupSkip, GroupState, Hash, Private, Seen};
use sotto_wire::content::{Content, Message};
use sotto_wire::envelope::{payload_hash, unpad};
use sotto_wire::group::{GroupInner, Masked, Seed};

use crate::engine::group::memory::Place;
use crate::engine::group::say::{keep_until, place};
use crate::engine::group::{Came, Group, News, boxes, epoch, join, log, repair, run, say};
use crate::engine::hear::incoming::{self, Incoming, Verdict};
use crate::error::{Code, Error};
use crate::grouplog::{MEMBER, WHO_WRITES};

/// Most seeds that wait for their epoch or their add.
const SEEDS: usize = 256;

/// Opens an envelope of a group; `None` if it is of none.
pub(crate) fn open(step: &mut Group<'_>, envelope: &Incoming<'_>) -> Result<Option<Verdict>, Error> {
    let found = match step.memory.find(&envelope.tag) {
        Some((place, n)) => Some(message(step, envelope, place, n)?),
        None => match step.group_skipped.by_tag(&envelope.tag.0)? {
            Some(skip) => Some(late(step, envelope, &skip)?),
            None => None,
        },
    };
    if let Some(verdict) = found {
        if verdict == Verdict::Taken {
            seen(step, envelope)?;
        }
        return Ok(Some(verdict));
    }
    let tag = |secret| sotto_crypto::group::mask_tag(secret, &envelope.random);
    let found = step.memory.masks().iter().find(|(_, secret)| tag(secret) == envelope.tag);
    let Some((group, padded)) =
        found.map(|(group, secret)| (*group, mask_open(secret, &envelope.random, envelope.body)))
    else {
        return Ok(None);
    };
    let masked = padded.and_then(|padded| Masked::decode(unpad(&padded).ok()?).ok());
    match masked {
        Some(Masked::Part(part)) => boxes::came(step, &group, &part)?,
        Some(Masked::Entry(entry)) => {
            let known = log::known(step, &group)?;
            let root = known.log.lineage(&entry.author);
            let member = root.is_some_and(|root| known.state.member(&root).is_some());
            if let Some(bytes) = entry.encode().ok().filter(|_| member) {
                entries(step, &group, &[bytes])?;
            }
        }
        Some(Masked::Whisper(_) | Masked::Stuck(_)) | None => return Ok(Some(Verdict::Dropped)),
    }
    Ok(Some(Verdict::Taken))
}

/// A store gives it again at each catch-up that overlaps.
fn seen(step: &mut Group<'_>, envelope: &Incoming<'_>) -> Result<(), Error> {
    let (until_ms, now_ms) = (keep_until(step), step.now_ms);
    let (payload, ts_s) = (envelope.hash, envelope.ts_s);
    let seen = Seen { payload, session: None, ts_s, until_ms, seq: 0, answers: 0, answered_ms: now_ms };
    incoming::note(step, &seen)
}

fn message(step: &mut Group<'_>, envelope: &Incoming<'_>, at: Place, n: u32) -> Result<Verdict, Error> {
    let Some(row) = step.group_chains.get(&at.group, &at.epoch, &at.leaf)? else { return Ok(Verdict::Dropped) };
    if !is_open(step, &at)? {
        return Ok(Verdict::Dropped);
    }
    let chain = Chain::from_bytes(&row.chain).map_err(|_| Code::StorageCorrupt)?;
    let Some((vk, key)) = author(step, &at)? else { return Ok(Verdict::Dropped) };
    let known = Author { leaf: &vk, epoch: key.as_ref() };
    let crypto_place = place(&at.group, &at.epoch, &at.leaf);
    let opened = match chain.open(&crypto_place, n, &known, &envelope.tag, &envelope.random, envelope.body) {
        Ok(opened) => opened,
        Err(GroupOpenError::NoOpening) => {
            // The first message is missing, which has the key to check the others with.
            let hole_ms = step.now_ms.saturating_add(run::HOLE_MS);
            step.group_chains.change(&at.group, &at.epoch, &at.leaf, |row| row.hole_ms = row.hole_ms.min(hole_ms))?;
            return Ok(Verdict::Unmatched);
        }
        Err(GroupOpenError::TooFarAhead { .. }) => return Ok(Verdict::Unmatched),
        Err(_) => return Ok(Verdict::Dropped),
    };
    if !run::leads_to_end(step, &at, n, &opened.message.proven.next)? {
        return Ok(Verdict::Unmatched); // until what follows it is here
    }
    let chain = opened.chain.to_bytes()[..].into();
    moved(step, &at, &opened.skipped, chain)?;
    if let Some(signed) = opened.message.signed() {
        took(step, at, n, (&opened.message.proven, &signed))?;
    }
    Ok(Verdict::Taken)
}

/// Whether messages of an epoch are taken: this device reads the group, and the epoch is not over.
pub(crate) fn is_open(step: &Group<'_>, at: &Place) -> Result<bool, Error> {
    let epoch = step.group_epochs.get(&at.group, &at.epoch)?;
    let live = epoch.is_some_and(|row| !row.over && row.until_ms > step.now_ms);
    Ok(live && step.groups.get(&at.group)?.is_some_and(|row| reads(row.state) || row.state == GroupState::Removed))
}

/// A message came by a relay: its own envelope is not waited for, and its key goes.
pub(crate) fn passed(step: &mut Group<'_>, at: &Place, n: u32) -> Result<(), Error> {
    let Some(row) = step.group_chains.get(&at.group, &at.epoch, &at.leaf)? else { return Ok(()) };
    let chain = Chain::from_bytes(&row.chain).map_err(|_| Code::StorageCorrupt)?;
    let Ok((skipped, chain)) = chain.past(n) else { return Ok(()) };
    let chain = chain.to_bytes()[..].into();
    moved(step, at, &skipped, chain)
}

/// Keeps a chain's next place, and the keys of what it passed by.
fn moved(step: &mut Group<'_>, at: &Place, skipped: &[GroupSkipped], chain: Private) -> Result<(), Error> {
    let until_ms = keep_until(step);
    for skip in skipped {
        let (tag, key) = (skip.tag.0, skip.key.as_bytes()[..].into());
        let row = GroupSkip { grp: at.group, epoch: at.epoch, leaf: at.leaf, n: skip.n, tag, key, until_ms };
        step.group_skipped.keep(&row)?;
    }
    let now_ms = step.now_ms;
    step.group_chains.change(&at.group, &at.epoch, &at.leaf, |row| (row.chain, row.active_ms) = (chain, now_ms))?;
    match step.group_chains.get(&at.group, &at.epoch, &at.leaf)? {
        Some(row) => boxes::expect(step, &row),
        None => Ok(()),
    }
}

fn late(step: &mut Group<'_>, envelope: &Incoming<'_>, skip: &GroupSkip) -> Result<Verdict, Error> {
    let at = Place { group: skip.grp, epoch: skip.epoch, leaf: skip.leaf };
    let key = GroupMessageKey::new(skip.key[..].try_into().map_err(|_| Code::StorageCorrupt)?);
    let Some((vk, known)) = author(step, &at)? else { return Ok(Verdict::Dropped) };
    let known = Author { leaf: &vk, epoch: known.as_ref() };
    let crypto_place = place(&at.group, &at.epoch, &at.leaf);
    let opened = match key.open(&crypto_place, skip.n, &known, &envelope.tag, &envelope.random, envelope.body) {
        Ok(opened) => opened,
        Err(GroupOpenError::NoOpening) => return Ok(Verdict::Unmatched),
        Err(_) => return Ok(Verdict::Dropped),
    };
    step.group_skipped.remove(&skip.grp, &skip.epoch, &skip.leaf, &skip.n)?;
    if let Some(signed) = opened.signed() {
        took(step, at, skip.n, (&opened.proven, &signed))?;
    }
    Ok(Verdict::Taken)
}

/// The leaf key of an author, and its epoch key.
type Keys = ([u8; 32], Option<EpochPublic>);

/// The leaf key of an author, and its epoch key if its opening is here.
pub(crate) fn author(step: &mut Group<'_>, at: &Place) -> Result<Option<Keys>, Error> {
    let Some(vk) = log::known(step, &at.group)?.leaves.get(&at.leaf).map(|leaf| leaf.signing) else { return Ok(None) };
    let row = step.group_chains.get(&at.group, &at.epoch, &at.leaf)?;
    let key = row.and_then(|row| row.key).map(|key| EpochPublic::from_bytes(&key)).transpose();
    Ok(Some((vk, key.map_err(|_| Code::StorageCorrupt)?)))
}

/// A message whose signatures hold, by its own envelope or by a relay. It counts once.
pub(crate) fn took(
    step: &mut Group<'_>,
    at: Place,
    n: u32,
    (proven, signed): (&Proven, &Signed<'_>),
) -> Result<(), Error> {
    let Place { group, epoch, leaf } = at;
    let Some(row) = step.group_chains.get(&group, &epoch, &leaf)? else { return Ok(()) };
    let known = step.group_copies.get(&group, &epoch, &leaf, &n)?;
    // What came before a joiner's place, or before copies were deleted, is over; where only a hash stands, it counts.
    if known.as_ref().map_or(n < row.whole, |copy| !copy.signature.is_empty()) {
        return Ok(());
    }
    if !run::leads_to_end(step, &at, n, &proven.next)? {
        return run::advance(step, &at);
    }
    let (until_ms, given_ms) = (keep_until(step), step.now_ms);
    step.group_copies.put(&GroupCopy {
        grp: group,
        epoch,
        leaf,
        n,
        run: proven.run.0,
        signature: signed.signature.to_vec(),
        opening: signed.opening.to_vec(),
        inner: signed.inner.to_vec(),
        message: None,
        until_ms,
        given_ms,
        asked_ms: 0,
    })?;
    step.group_skipped.remove(&group, &epoch, &leaf, &n)?;
    if let Some((opening, key)) = &proven.opening {
        let (key, bytes, exchange) = (key.to_bytes(), opening.to_bytes(), opening.exchange.0);
        step.group_chains.change(&group, &epoch, &leaf, |row| (row.key, row.opening) = (Some(key), bytes))?;
        if !run::wrote_later(step, &at)? {
            step.group_leaves.change(&group, &leaf, |row| row.exchange = exchange)?;
        }
        if let Some(before) = &opening.before {
            run::end_of(step, &at, before)?;
        }
        if let Some(row) = step.group_chains.get(&group, &epoch, &leaf)? {
            boxes::expect(step, &row)?; // later messages waited for this key
        }
    }
    run::advance(step, &at)?;
    step.fx.opened = step.fx.opened.saturating_add(1);
    let Ok(inner) = GroupInner::decode(signed.inner) else { return Ok(()) };
    if !inner.seeds.is_empty() {
        say::hide(step, (&group, &epoch, &leaf, n))?; // whoever has a seed opens all that its leaf writes
    }
    if !is_of_member(step, &at, n)? {
        return Ok(());
    }
    let changes = !inner.entries.is_empty();
    carried(step, &at, n, inner)?;
    if changes { ended(step, &at, n, &proven.next) } else { Ok(()) }
}

/// What a message carries.
fn carried(step: &mut Group<'_>, at: &Place, n: u32, inner: GroupInner) -> Result<(), Error> {
    let Place { group, leaf, .. } = at;
    entries(step, group, &inner.entries)?;
    for seed in &inner.seeds {
        begin_late(step, at, seed)?;
    }
    for ek in &inner.eks {
        keep_ek(step, group, ek)?;
    }
    acks(step, at, &inner)?;
    proofs(step, at, &inner)?;
    let heads = inner.heads.concat();
    repair::named(step, group, leaf, &inner.heads)?;
    step.group_leaves.change(group, leaf, |row| row.heads = heads)?;
    join::confirm(step, group, leaf)?;
    if inner.message.is_empty() {
        return Ok(());
    }
    let Ok(message) = Message::decode(&inner.message) else { return Ok(()) };
    match message.content() {
        Ok(Content::Need(ranges)) => repair::need(step, group, leaf, &ranges),
        Ok(Content::LogWant(wanted)) => repair::log_want(step, group, &wanted),
        Ok(Content::Relay(relay)) => repair::relayed(step, group, &relay),
        Ok(Content::OldKey(_) | Content::GroupGone(_)) | Err(_) => Ok(()),
        Ok(_) if !may_write(step, at)? => Ok(()),
        Ok(_) => shown(step, at, n, inner.message, message),
    }
}

/// Whether the author of a message may write, as the log is now.
fn may_write(step: &mut Group<'_>, at: &Place) -> Result<bool, Error> {
    let known = log::known(step, &at.group)?;
    let all_write = known.state.setting(WHO_WRITES) == Some(&[1]);
    let seat = known.log.lineage(&at.leaf).and_then(|root| known.state.member(&root)).map(|member| member.seat);
    Ok(!known.state.closed && (all_write || seat.is_none_or(|seat| seat < MEMBER)))
}

/// Whether a message is of a member, or of somebody who was one when it was written, as far as that is known.
fn is_of_member(step: &mut Group<'_>, at: &Place, n: u32) -> Result<bool, Error> {
    let known = log::known(step, &at.group)?;
    let Some(root) = known.log.lineage(&at.leaf) else { return Ok(false) };
    if known.state.member(&root).is_some_and(|member| member.leaves.contains(&at.leaf)) {
        return Ok(true);
    }
    // What somebody said who is out now counts up to the place that the removal names, or up to their leave.
    let named = |id: &Hash| known.lasts.get(id).into_iter().flatten();
    let mut lasts = known.state.valid.iter().flat_map(named).filter(|last| last.leaf == at.leaf);
    if lasts.any(|last| at.epoch.starts_with(&last.epoch) && n < last.n) {
        return Ok(true);
    }
    let left = known.state.valid.iter().any(|id| known.log.is_leave_of(id, &root));
    let row = step.group_chains.get(&at.group, &at.epoch, &at.leaf)?;
    Ok(left && row.and_then(|row| row.ends).is_some_and(|ends| n < ends))
}

/// The leave of an author is the last that counts of it.
fn ended(step: &mut Group<'_>, at: &Place, n: u32, next: &RunHash) -> Result<(), Error> {
    let known = log::known(step, &at.group)?;
    let Some(root) = known.log.lineage(&at.leaf) else { return Ok(()) };
    if known.state.member(&root).is_none() && known.state.valid.iter().any(|id| known.log.is_leave_of(id, &root)) {
        let (ends, end_run) = (Some(n.saturating_add(1)), Some(next.0));
        step.group_chains.change(&at.group, &at.epoch, &at.leaf, |row| {
            if row.ends.is_none() {
                (row.ends, row.end_run) = (ends, end_run);
            }
        })?;
    }
    Ok(())
}

/// Hands a member's message up.
fn shown(step: &mut Group<'_>, at: &Place, n: u32, m: Vec<u8>, message: Message) -> Result<(), Error> {
    let Some(leaf) = log::known(step, &at.group)?.leaves.get(&at.leaf).cloned() else { return Ok(()) };
    let (author, device) = (leaf.chat, leaf.record.device_id);
    let id = sotto_wire::content::message_id(&at.group, &author, &device, &m);
    step.group_copies.change(&at.group, &at.epoch, &at.leaf, &n, |copy| copy.message = Some(id))?;
    repair::ack_soon(step, &at.group)?;
    let proved = step.group_leaves.get(&at.group, &at.leaf)?.is_some_and(|row| row.proved);
    step.news.push(News::Message(Box::new(Came { group: at.group, author, device, m, message, proved })));
    Ok(())
}

/// Takes entries; what they mean follows.
pub(crate) fn entries(step: &mut Group<'_>, group: &Hash, all: &[Vec<u8>]) -> Result<(), Error> {
    let mut changed = false;
    for bytes in all {
        match log::take(step, group, bytes)? {
            log::Taken::New(_) => changed = true,
            log::Taken::Waits(_) => repair::keep_entry(step, group, bytes)?,
            log::Taken::Known | log::Taken::Refused => {}
        }
    }
    if changed {
        repair::entries_again(step, group)?;
        step.groups.change(group, |row| row.asked = 0)?;
        epoch::settle(step, group)?;
        repair::greet(step, group)?;
        seeds_again(step, group)?;
    }
    Ok(())
}

/// Seeds that came before their epoch or their add.
pub(crate) fn seeds_again(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let waiting = std::mem::take(&mut step.memory.seeds);
    for (at, seed) in waiting {
        if at.group == *group {
            begin_late(step, &at, &seed)?;
        } else {
            step.memory.seeds.push((at, seed));
        }
    }
    Ok(())
}

/// The chain of a leaf that joined later, if its adder says so.
fn begin_late(step: &mut Group<'_>, at: &Place, seed: &Seed) -> Result<(), Error> {
    let own = log::row(step, &at.group)?.leaf;
    let epochs = step.group_epochs.of(&at.group)?;
    let row = epochs.iter().find(|row| row.epoch.starts_with(&seed.epoch));
    let known = log::known(step, &at.group)?;
    let all: Vec<_> = known.log.brought_by(&seed.leaf).collect();
    let by = all.into_iter().find(|(id, author)| *author == at.leaf && known.state.valid.contains(id));
    if seed.leaf == own {
        return Ok(());
    }
    let Some((row, (add, _))) = row.zip(by) else {
        if step.memory.seeds.len() < SEEDS {
            step.memory.seeds.push((*at, *seed));
        }
        return Ok(());
    };
    if step.group_chains.get(&at.group, &row.epoch, &seed.leaf)?.is_some() {
        return Ok(());
    }
    let chain = Chain::late(&EntryId(add), &LateSeed::new(&seed.seed), &Epoch(row.epoch), &LeafId(seed.leaf));
    boxes::keep(step, &at.group, &row.epoch, &seed.leaf, &chain)
}

/// Keeps a leaf's ML-KEM key, for an intro.
pub(crate) fn keep_ek(step: &mut Group<'_>, group: &Hash, ek: &[u8; 1184]) -> Result<(), Error> {
    let hash = payload_hash(ek);
    let known = log::known(step, group)?;
    let of: Vec<_> = known.leaves.iter().filter(|(_, leaf)| leaf.kem_hash == hash).map(|(id, _)| *id).collect();
    of.iter().try_for_each(|leaf| Ok(step.group_leaves.change(group, leaf, |row| row.ek = Some(ek.to_vec()))?))
}

fn acks(step: &mut Group<'_>, at: &Place, inner: &GroupInner) -> Result<(), Error> {
    let own = log::row(step, &at.group)?.leaf;
    let mut same = log::known(step, &at.group)?.leaves.keys().filter(|leaf| leaf.starts_with(&own[..4]));
    if same.nth(1).is_some() {
        return Ok(()); // ambiguous
    }
    for ack in inner.acks.iter().filter(|ack| own.starts_with(&ack.leaf)) {
        let epoch = at.epoch;
        let mine = step.group_chains.get(&at.group, &epoch, &own)?.map_or(0, |chain| chain.whole);
        if ack.n > mine {
            // An old copy, or a lie; one member's word must not silence this device.
            continue;
        }
        step.group_leaves.change(&at.group, &at.leaf, |row| {
            row.acked = if row.acked_epoch == Some(epoch) { row.acked.max(ack.n) } else { ack.n };
            row.acked_epoch = Some(epoch);
        })?;
        step.news.push(News::Acked(at.group));
    }
    Ok(())
}

fn proofs(step: &mut Group<'_>, at: &Place, inner: &GroupInner) -> Result<(), Error> {
    let own = log::row(step, &at.group)?;
    let Some(proof) = inner.proofs.iter().find(|proof| proof.reader == own.leaf) else { return Ok(()) };
    let Some(theirs) = log::known(step, &at.group)?.leaves.get(&at.leaf).cloned() else { return Ok(()) };
    let Ok(bytes) = theirs.encode() else { return Ok(()) };
    let (group, leaf, reader) = (GroupId(at.group), LeafId(at.leaf), LeafId(own.leaf));
    let binding = Binding { group: &group, leaf: &leaf, reader: &reader, bytes: &bytes };
    for row in step.group_exchange.of(&at.group)? {
        let mine = ExchangeKey::from_bytes(&row.secret).map_err(|_| Code::StorageCorrupt)?;
        if check_binding(&mine, &theirs.record.identity, &binding, &proof.proof) {
            return Ok(step.group_leaves.change(&at.group, &at.leaf, |row| row.proved = true)?);
        }
    }
    Ok(())
}

/// Whether the topic of a group is heard.
pub(crate) fn hears(state: GroupState) -> bool {
    reads(state) || state == GroupState::Fetching
}

/// Whether this device reads a group.
pub(crate) fn reads(state: GroupState) -> bool {
    matches!(state, GroupState::Joining | GroupState::In)
}
