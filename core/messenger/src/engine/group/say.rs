//! Messages to a group: sealed once, published until a store has them.

use sotto_crypto::group::{Before, Chain, Epoch, EpochKey, ExchangeKey, Opening, RunHash, Sender};
use sotto_crypto::{Random, group as keys};
use std::collections::BTreeSet;

use sotto_db::{Class as Ends, GroupChain, GroupCopy, GroupExchange, GroupOldKey, GroupState, Hash, Item, NEVER, Seen};
use sotto_wire::content::{Content, OldKey};
use sotto_wire::envelope::{Class, Envelope, Form, payload_hash, room};
use sotto_wire::group::{Ack, GroupInner, MAX_ACKS, MAX_HEADS, Proof, Seed, group_room};
use sotto_wire::topic::Lane;

use crate::engine::base::schedule::DAY;
use crate::engine::carry::send;
use crate::engine::group::{Group, epoch, log};
use crate::engine::hear::incoming;
use crate::engine::post::parcel;
use crate::error::{Code, Error, OrBug};
use crate::grouplog::MEMBER;

/// How long an own X25519 key is kept after the next one was announced.
const EXCHANGE_MS: i64 = 14 * DAY;
/// Bytes that acks and heads take at most, beside M.
const BESIDE: usize = MAX_ACKS * 8 + MAX_HEADS * 16 + 24;
/// Longest M that goes into one envelope, even with the opening of a new epoch.
pub(crate) const MESSAGE_ROOM: usize = group_room(Class::Medium, keys::OPENING_LEN_AGAIN) - BESIDE;

/// Up to this number of leaves each proves itself to each.
const PROVED: usize = 60;
/// Most proofs in one message.
const PROOFS: usize = 50;

/// What a message carries beside acks and heads.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) message: Vec<u8>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) seeds: Vec<Seed>,
    pub(crate) eks: Vec<[u8; 1184]>,
}

/// The place of an own message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) epoch: Hash,
    pub(crate) n: u32,
    pub(crate) parcel: i64,
}

/// A group whose member this device is, and that it may write to.
pub(crate) fn writable(step: &Group<'_>, group: &Hash) -> Result<sotto_db::Group, Error> {
    let row = log::row(step, group)?;
    match row.state {
        GroupState::In => Ok(row),
        GroupState::Joining | GroupState::Answered | GroupState::Fetching => Err(Code::GroupJoining.into()),
        GroupState::Closed => Err(Code::GroupClosed.into()),
        _ => Err(Code::GroupRemoved.into()),
    }
}

/// Sends content that is not shown.
pub(crate) fn control(step: &mut Group<'_>, group: &Hash, content: &Content) -> Result<Sent, Error> {
    let (message, _) = send::message(step, content, (0, Vec::new()))?;
    say(step, group, Said { message, ..Said::default() })
}

/// Sends a shown message, or one with an effect on shown ones. Without an epoch, or while its files are under way, it
/// waits.
pub(crate) fn message(
    step: &mut Group<'_>,
    group: &Hash,
    m: Vec<u8>,
    id: Option<Hash>,
    after: bool,
) -> Result<(), Error> {
    writable(step, group)?;
    let waits = after || epoch::sending(step, group)?.is_none();
    if !waits {
        let said = Said { message: m.clone(), ..Said::default() };
        let sent = say(step, group, said)?;
        note(step, group, m, id, sent)?;
        return publish_old_key(step, group);
    }
    let parcel = parcel::reserve_shared(step)?;
    let after = Some(if after { id.or_bug("message with files")?.to_vec() } else { group.to_vec() });
    send::keep(step, Item { parcel, chat: None, device: None, message: id, m, session: None, seq: None, after })
}

/// Seals and publishes in the epoch of now.
pub(crate) fn say(step: &mut Group<'_>, group: &Hash, said: Said) -> Result<Sent, Error> {
    let epoch = epoch::sending(step, group)?.ok_or(Code::GroupRekeying)?;
    say_in(step, group, &epoch, said)
}

/// Seals and publishes in this epoch.
pub(crate) fn say_in(step: &mut Group<'_>, group: &Hash, epoch: &Hash, said: Said) -> Result<Sent, Error> {
    let row = log::row(step, group)?;
    let chain_row = step.group_chains.get(group, epoch, &row.leaf)?.ok_or(Code::GroupRekeying)?;
    let chain = Chain::from_bytes(&chain_row.chain).map_err(|_| Code::StorageCorrupt)?;
    let place = place(group, epoch, &row.leaf);
    let (key, opening) = opening(step, &row, &chain_row, &place)?;
    let seeds = !said.seeds.is_empty();
    let empty = said.message.is_empty() && said.entries.is_empty() && said.seeds.is_empty();
    let inner = inner(step, &row, epoch, said)?;
    let opening_len = opening.as_ref().map_or(0, |opening| opening.to_bytes().len());
    let class = [Class::Small, Class::Medium, Class::Large].into_iter();
    let class = class.into_iter().find(|class| inner.len() <= group_room(*class, opening_len));
    let class = class.ok_or(Code::TextTooLong)?;
    let random = Random(step.random());
    let sender = Sender { place: &place, key: &key, run: &RunHash(chain_row.run) };
    let sealed = chain.seal(&sender, opening.as_ref(), &random, room(class, Form::Sealed), &inner);
    let sealed = sealed.or_bug("sealing for a group")?;
    let signed = sealed.signature;
    let (now_ms, until_ms) = (step.now_ms, keep_until(step));
    let n = chain.n();
    step.group_chains.put(&GroupChain {
        chain: sealed.chain.to_bytes()[..].into(),
        run: sealed.run.0,
        whole: n.saturating_add(1),
        active_ms: now_ms,
        key: Some(key.public().to_bytes()),
        opening: opening.as_ref().map_or_else(|| chain_row.opening.clone(), Opening::to_bytes),
        ..chain_row.clone()
    })?;
    step.group_copies.put(&GroupCopy {
        grp: *group,
        epoch: *epoch,
        leaf: row.leaf,
        n,
        run: chain_row.run,
        signature: signed.to_vec(),
        opening: opening.map(|opening| opening.to_bytes()).unwrap_or_default(),
        inner,
        message: None,
        until_ms,
        given_ms: now_ms,
        asked_ms: 0,
    })?;
    if seeds {
        hide(step, (group, epoch, &row.leaf, n))?;
    }
    entered(step, group, epoch, empty)?;
    let envelope = Envelope { tag: sealed.tag.0, random: random.0, body: &sealed.body };
    let parcel = publish(step, &row, envelope.encode().or_bug("envelope")?)?;
    Ok(Sent { epoch: *epoch, n, parcel })
}

/// This device wrote in an epoch: it never writes in an earlier one again. A message without content follows one with
/// content, so that the last one is missed by nobody.
fn entered(step: &mut Group<'_>, group: &Hash, epoch: &Hash, empty: bool) -> Result<(), Error> {
    let now_ms = step.now_ms;
    for row in step.group_epochs.of(group)? {
        let Some(key) = row.secret_key.filter(|_| row.epoch != *epoch && row.left_ms == NEVER) else { continue };
        step.group_epochs.change(group, &row.epoch, |row| (row.left_ms, row.secret_key) = (now_ms, None))?;
        let due_ms = keep_until(step);
        step.group_old_keys.put(&GroupOldKey { grp: *group, epoch: row.epoch, key, due_ms })?;
    }
    if empty {
        step.groups.change(group, |row| (row.epoch, row.ack_ms) = (Some(*epoch), NEVER))?;
        return Ok(());
    }
    let say_ms = epoch::digest_ms(step, 0);
    step.groups.change(group, |row| {
        (row.epoch, row.said, row.say_ms, row.ack_ms) = (Some(*epoch), 0, say_ms, NEVER);
    })?;
    if log::row(step, group)?.rekey_ms == NEVER {
        epoch::weekly(step, group, epoch)?;
    }
    Ok(())
}

/// An epoch key whose time has come leaves: from now on anybody could have written what it signed.
fn publish_old_key(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let Some(old) = step.group_old_keys.due(group, step.now_ms)? else { return Ok(()) };
    step.group_old_keys.remove(group, &old.epoch)?;
    let key = old.key[..].try_into().map_err(|_| Code::StorageCorrupt)?;
    let epoch = old.epoch.first_chunk().copied().unwrap_or_default();
    control(step, group, &Content::OldKey(OldKey { epoch, key })).map(drop)
}

/// Links a shown message with its place, so that acks raise its state.
fn note(step: &mut Group<'_>, group: &Hash, m: Vec<u8>, id: Option<Hash>, sent: Sent) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let leaf = log::row(step, group)?.leaf;
    step.group_copies.change(group, &sent.epoch, &leaf, &sent.n, |copy| copy.message = Some(id))?;
    let parcel = sent.parcel;
    let message = Some(id);
    send::keep(step, Item { parcel, chat: None, device: None, message, m, session: None, seq: None, after: None })
}

/// Messages that waited for their files or for an epoch leave.
pub(crate) fn release(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    if epoch::sending(step, group)?.is_none() || log::row(step, group)?.state != GroupState::In {
        return Ok(());
    }
    for item in step.tx.items.of_groups()? {
        let of = match item.message {
            Some(id) => step.tx.messages.get(&id)?.map(|message| message.conversation),
            None => item.after.as_deref().and_then(|after| after.try_into().ok()),
        };
        let unsent = item.message.map(|id| step.tx.files.is_unsent(&id)).transpose()?.unwrap_or(false);
        if of != Some(*group) || unsent || item.after.is_none() {
            continue;
        }
        send::remove(step, item.parcel)?;
        let sent = say(step, group, Said { message: item.m.clone(), ..Said::default() })?;
        note(step, group, item.m, item.message, sent)?;
    }
    Ok(())
}

/// The same in all groups.
pub(crate) fn release_all(step: &mut Group<'_>) -> Result<(), Error> {
    step.groups.all()?.iter().try_for_each(|row| release(step, &row.id))
}

pub(crate) fn place(group: &Hash, epoch: &Hash, leaf: &[u8; 16]) -> keys::Place {
    keys::Place { group: keys::GroupId(*group), epoch: Epoch(*epoch), leaf: keys::LeafId(*leaf) }
}

/// How long signed messages are kept for others.
pub(crate) fn keep_until(step: &Group<'_>) -> i64 {
    step.now_ms.saturating_add(step.retention_ms()).saturating_add(DAY)
}

/// When a copy was stored.
pub(crate) fn kept_since(step: &Group<'_>, copy: &GroupCopy) -> i64 {
    copy.until_ms.saturating_sub(keep_until(step).saturating_sub(step.now_ms))
}

/// The own epoch key, and with the first message of an epoch the opening that announces it.
fn opening(
    step: &mut Group<'_>,
    row: &sotto_db::Group,
    chain: &GroupChain,
    place: &keys::Place,
) -> Result<(EpochKey, Option<Opening>), Error> {
    let epoch_row = step.group_epochs.get(&row.id, &chain.epoch)?.or_bug("epoch of a chain")?;
    if let Some(key) = &epoch_row.secret_key {
        return Ok((EpochKey::from_bytes(key).map_err(|_| Code::StorageCorrupt)?, None));
    }
    let key = EpochKey::generate(step.rng);
    step.group_epochs.change(&row.id, &chain.epoch, |row| row.secret_key = Some(key.to_bytes()[..].into()))?;
    let next = ExchangeKey::generate(step.rng);
    announce(step, &row.id, &next)?;
    let before = match row.epoch {
        Some(epoch) => step.group_chains.get(&row.id, &epoch, &row.leaf)?.map(|old| Before {
            epoch: epoch.first_chunk().copied().unwrap_or_default(),
            count: old.whole,
            run: RunHash(old.run),
        }),
        None => None,
    };
    let opening = Opening::sign(&log::keys(row)?, place, &key, &next, before);
    Ok((key, Some(opening)))
}

/// Keeps a new own key; the ones before it stay for boxes that are under way.
pub(crate) fn announce(step: &mut Group<'_>, group: &Hash, next: &ExchangeKey) -> Result<(), Error> {
    let known = step.group_exchange.of(group)?;
    let until_ms = step.now_ms.saturating_add(EXCHANGE_MS);
    for (age, one) in known.iter().enumerate() {
        match age {
            0 => step.group_exchange.change(group, &one.n, |one| one.until_ms = until_ms)?,
            1 => {}
            _ => drop(step.group_exchange.remove(group, &one.n)?),
        }
    }
    let n = known.first().map_or(0, |one| one.n.saturating_add(1));
    let secret = next.to_bytes()[..].into();
    Ok(step.group_exchange.put(&GroupExchange { grp: *group, n, secret, until_ms: NEVER })?)
}

/// GInner: acks of those that wrote last, the heads of the log, and what is said.
fn inner(step: &mut Group<'_>, row: &sotto_db::Group, epoch: &Hash, said: Said) -> Result<Vec<u8>, Error> {
    let mut chains = step.group_chains.of(&row.id, epoch)?;
    let holes = open_ends(step, &row.id, epoch)?;
    chains.retain(|chain| chain.leaf != row.leaf && chain.whole > 0 && !holes.contains(&chain.leaf));
    chains.sort_unstable_by_key(|chain| std::cmp::Reverse(chain.active_ms));
    let ack = |chain: &GroupChain| Ack { leaf: chain.leaf.first_chunk().copied().unwrap_or_default(), n: chain.whole };
    let acks = chains.iter().take(MAX_ACKS).map(ack).collect();
    let heads = log::known(step, &row.id)?.log.deepest(MAX_HEADS);
    let heads = heads.iter().map(|head| head.first_chunk().copied().unwrap_or_default()).collect();
    let Said { message, entries, seeds, eks } = said;
    let proofs = proofs(step, row)?;
    GroupInner { acks, heads, message, entries, seeds, eks, proofs, flags: 0 }.encode().or_bug("an inner of a group")
}

/// Of a message that gives more than itself away only the hash stays.
pub(crate) fn hide(step: &mut Group<'_>, (group, epoch, leaf, n): (&Hash, &Hash, &[u8; 16], u32)) -> Result<(), Error> {
    Ok(step.group_copies.change(group, epoch, leaf, &n, |copy| {
        if !copy.signature.is_empty() {
            (copy.inner, copy.signature) = (payload_hash(&copy.inner).to_vec(), Vec::new());
        }
    })?)
}

/// A deleted message: its hash stays, so that nobody misses it.
pub(crate) fn forget(step: &mut Group<'_>, message: &Hash) -> Result<(), Error> {
    let Some(copy) = step.group_copies.of_message(message)? else { return Ok(()) };
    let hash = if copy.signature.is_empty() { copy.inner } else { payload_hash(&copy.inner).to_vec() };
    step.fx.shred = true;
    Ok(step.group_copies.change(&copy.grp, &copy.epoch, &copy.leaf, &copy.n, |copy| {
        (copy.signature, copy.inner, copy.message) = (Vec::new(), hash, None);
    })?)
}

/// Leaves of whose earlier epochs something is missing: an ack would say that nothing is.
fn open_ends(step: &Group<'_>, group: &Hash, epoch: &Hash) -> Result<BTreeSet<[u8; 16]>, Error> {
    let mut leaves = BTreeSet::new();
    for other in step.group_epochs.of(group)?.iter().filter(|other| other.epoch != *epoch) {
        let chains = step.group_chains.of(group, &other.epoch)?;
        leaves.extend(chains.iter().filter(|chain| chain.hole_ms != NEVER).map(|chain| chain.leaf));
    }
    Ok(leaves)
}

/// Proofs that this device is the account's, to leaves that have none yet: all of a small group, else admins.
fn proofs(step: &mut Group<'_>, row: &sotto_db::Group) -> Result<Vec<Proof>, Error> {
    let state = log::state(step, &row.id)?;
    let small = state.leaves().count() <= PROVED;
    let wanted = state.members.iter().filter(|member| small || member.seat < MEMBER);
    let live: BTreeSet<_> = wanted.flat_map(|member| member.leaves.iter().copied()).collect();
    let mut proofs = Vec::new();
    for leaf in step.group_leaves.of(&row.id)? {
        if leaf.bound || leaf.leaf == row.leaf || !live.contains(&leaf.leaf) || proofs.len() == PROOFS {
            continue;
        }
        let (group, own, reader) = (keys::GroupId(row.id), keys::LeafId(row.leaf), keys::LeafId(leaf.leaf));
        let binding = keys::Binding { group: &group, leaf: &own, reader: &reader, bytes: &row.leaf_bytes };
        let proof = keys::bind(&step.own()?.keys, &keys::ExchangePublic(leaf.exchange), &binding);
        step.group_leaves.change(&row.id, &leaf.leaf, |leaf| leaf.bound = true)?;
        proofs.extend(proof.map(|proof| Proof { reader: leaf.leaf, proof }));
    }
    Ok(proofs)
}

/// Publishes an envelope on the group's topic. Its echo is known.
pub(crate) fn publish(step: &mut Group<'_>, row: &sotto_db::Group, payload: Vec<u8>) -> Result<i64, Error> {
    let until_ms = keep_until(step);
    let clock_s = i64::try_from(step.clock_s()).unwrap_or(0);
    let hash = payload_hash(&payload);
    let (ts_s, now_ms) = (clock_s, step.now_ms);
    incoming::note(
        step,
        &Seen { payload: hash, session: None, ts_s, until_ms, seq: 0, answers: 0, answered_ms: now_ms },
    )?;
    let topic = step.topic(Lane::Group, &row.bucket);
    let parcel = parcel::filled(step, Ends::Shared, topic, payload);
    parcel::put(step, parcel)
}
