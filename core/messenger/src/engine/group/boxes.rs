//! Boxes: the secret of a new epoch, sealed for each leaf, in a few envelopes that anybody may publish again.

use sotto_crypto::group::{
    BoxKey, BoxPublic, Chain, Epoch, EpochSecret, ExchangeKey, ExchangePublic, GroupId, Introduced, LeafId, MaskSecret,
    Pair, Pairing, commit, introduce, introduced, mask_seal, mask_tag,
};
use sotto_crypto::{Random, group as keys};
use sotto_db::{GroupChain, GroupEpoch, GroupPart, GroupPassed, Hash, Leaf, NEVER};
use sotto_wire::envelope::{Envelope, Form, pad, payload_hash, room};
use sotto_wire::group::{Body, INTROS, Intro, Item, Items, Masked, Part, PartHead, item_counts};

use crate::engine::base::schedule::{DAY, SECOND};
use crate::engine::group::say::{announce, keep_until, place, publish};
use crate::engine::group::{Group, log, open};
use crate::error::{Code, Error, OrBug};

/// Pair keys of boxes that were passed by are kept this long.
const PASSED_MS: i64 = 7 * DAY;

/// Begins an epoch: writes its rekey, publishes its box, and keeps its chains. Returns the entry.
pub(crate) fn issue(step: &mut Group<'_>, group: &Hash) -> Result<Vec<u8>, Error> {
    let secret = EpochSecret::generate(step.rng);
    let (epoch, entry) = log::write(step, group, Body::Rekey(commit(&secret)))?;
    let row = log::row(step, group)?;
    let covered = covered(step, group, &epoch)?;
    let others: Vec<Leaf> = covered.iter().filter(|leaf| **leaf != row.leaf).copied().collect();
    if !others.is_empty() {
        for part in seal(step, &row, &epoch, &others, &secret)? {
            send(step, &row, part)?;
        }
    }
    step.groups.change(group, |row| row.boxes = row.boxes.saturating_add(1))?;
    begin(step, group, &epoch, &covered, &secret)?;
    Ok(entry)
}

/// The leaves that have chains in an epoch from its beginning.
fn covered(step: &mut Group<'_>, group: &Hash, epoch: &Hash) -> Result<Vec<Leaf>, Error> {
    let before = log::known(step, group)?.log.state_before(epoch).or_bug("a rekey in the log")?;
    Ok(before.leaves().copied().collect())
}

/// Keeps the chains of an epoch. After this nothing is left of its secret.
fn begin(
    step: &mut Group<'_>,
    group: &Hash,
    epoch: &Hash,
    covered: &[Leaf],
    secret: &EpochSecret,
) -> Result<(), Error> {
    epoch_row(step, group, epoch)?;
    step.groups.change(group, |row| row.asked = 0)?;
    for leaf in covered {
        if step.group_chains.get(group, epoch, leaf)?.is_none() {
            keep(step, group, epoch, leaf, &Chain::covered(&Epoch(*epoch), secret, &LeafId(*leaf)))?;
        }
    }
    open::seeds_again(step, group)
}

pub(crate) fn epoch_row(step: &mut Group<'_>, group: &Hash, epoch: &Hash) -> Result<(), Error> {
    if step.group_epochs.get(group, epoch)?.is_some() {
        return Ok(());
    }
    let made_ms = step.now_ms;
    let row = GroupEpoch {
        grp: *group,
        epoch: *epoch,
        secret_key: None,
        made_ms,
        until_ms: NEVER,
        left_ms: NEVER,
        over: false,
    };
    Ok(step.group_epochs.put(&row)?)
}

/// Keeps a chain that begins, and expects its messages.
pub(crate) fn keep(step: &mut Group<'_>, group: &Hash, epoch: &Hash, leaf: &Leaf, chain: &Chain) -> Result<(), Error> {
    let row = GroupChain {
        grp: *group,
        epoch: *epoch,
        leaf: *leaf,
        chain: chain.to_bytes()[..].into(),
        key: None,
        opening: Vec::new(),
        run: keys::RunHash::first(&place(group, epoch, leaf)).0,
        whole: chain.n(),
        active_ms: 0,
        hole_ms: NEVER,
        holes: 0,
        ends: None,
        end_run: None,
    };
    step.group_chains.put(&row)?;
    expect(step, &row)
}

/// Expects the next messages of a chain that is not our own. Envelopes that waited for it are opened.
pub(crate) fn expect(step: &mut Group<'_>, row: &GroupChain) -> Result<(), Error> {
    if log::row(step, &row.grp)?.leaf == row.leaf {
        return Ok(());
    }
    let now_ms = step.now_ms;
    let tags = step.memory.expect(row, now_ms)?;
    let matched: Vec<_> = tags.iter().flat_map(|tag| step.index.waiting_for(tag)).collect();
    step.fx.matched.extend(matched);
    Ok(())
}

/// Keys of items, and intros with the keys of theirs.
type Keys = (Vec<keys::ItemKey>, Vec<(Leaf, Box<[u8; 1088]>, keys::ItemKey)>);

/// The keys of a box's items, by the pair that this device has with each leaf, or by an intro. The pairs move on.
fn item_keys(
    step: &mut Group<'_>,
    row: &sotto_db::Group,
    (epoch, e): (&Hash, &BoxKey),
    others: &[Leaf],
) -> Result<Keys, Error> {
    let (group, issuer) = (GroupId(row.id), LeafId(row.leaf));
    let mine = newest(step, &row.id)?;
    let (mut tagged, mut intros) = (Vec::new(), Vec::new());
    for leaf in others {
        let Some(known) = step.group_leaves.get(&row.id, leaf)? else { continue };
        let reader = LeafId(*leaf);
        let who = Pairing { group: &group, issuer: &issuer, reader: &reader };
        let x = ExchangePublic(known.exchange);
        let (pair, ciphertext) = match (&known.pair_out, &known.ek) {
            (Some(pair), _) => (Pair::from_bytes(pair).map_err(|_| Code::StorageCorrupt)?, None),
            (None, Some(ek)) => {
                let ek = ek.as_slice().try_into().map_err(|_| Code::StorageCorrupt)?;
                let Ok(Introduced { ciphertext, key }) = introduce(step.rng, &who, &mine, e, &x, ek) else { continue };
                (Pair::new(key, row.boxes), Some(ciphertext))
            }
            (None, None) => continue, // others re-key for it
        };
        let Ok(key) = e.item(&who, &Epoch(*epoch), pair.key(), &x) else { continue };
        match ciphertext {
            None => tagged.push(key),
            Some(ciphertext) => intros.push((*leaf, Box::new(ciphertext), key)),
        }
        let next = pair.next().map(|pair| pair.to_bytes()[..].into());
        step.group_leaves.change(&row.id, leaf, |known| known.pair_out = next)?;
    }
    Ok((tagged, intros))
}

/// The parts of a box for these leaves.
fn seal(
    step: &mut Group<'_>,
    row: &sotto_db::Group,
    epoch: &Hash,
    others: &[Leaf],
    secret: &EpochSecret,
) -> Result<Vec<Part>, Error> {
    let e = BoxKey::generate(step.rng);
    let (tagged, intros) = item_keys(step, row, (epoch, &e), others)?;
    let counts = item_counts(tagged.len());
    let intro_size = if intros.len() <= 1 { 1 } else { usize::from(INTROS[1].1) };
    let parts = counts.len().saturating_add(intros.len().div_ceil(intro_size));
    let parts = u8::try_from(parts).or_bug("parts of a box")?;
    let head = |part: usize, intros: bool, count: u16| PartHead {
        epoch: *epoch,
        issuer: row.leaf,
        k: row.boxes,
        part: u8::try_from(part).unwrap_or(u8::MAX),
        parts,
        key: e.public().0,
        intros,
        count,
    };
    let mut all = Vec::new();
    let mut keys = tagged.into_iter();
    for count in &counts {
        let head = head(all.len(), false, *count);
        let sealed = keys.by_ref().take(usize::from(*count));
        let mut items: Vec<Item> =
            sealed.map(|key| Item { tag: key.tag(), sealed: key.seal(&head.encode(), secret) }).collect();
        while items.len() < usize::from(*count) {
            items.push(Item { tag: step.random(), sealed: step.random() });
        }
        shuffle(step, &mut items);
        all.push(Part { head, items: Items::Tagged(items) });
    }
    let mut intros = intros.into_iter().peekable();
    while intros.peek().is_some() {
        let some: Vec<_> = intros.by_ref().take(intro_size).collect();
        let head = head(all.len(), true, u16::try_from(some.len()).or_bug("intros of a part")?);
        let seal = |(leaf, ciphertext, key): (Leaf, Box<[u8; 1088]>, keys::ItemKey)| Intro {
            leaf,
            ciphertext,
            sealed: key.seal(&head.encode(), secret),
        };
        all.push(Part { head, items: Items::Intros(some.into_iter().map(seal).collect()) });
    }
    Ok(all)
}

/// A random order.
fn shuffle<T>(step: &mut Group<'_>, list: &mut [T]) {
    for at in (1..list.len()).rev() {
        let bound = i64::try_from(at).unwrap_or(0).saturating_add(1);
        let other = usize::try_from(step.below(bound)).unwrap_or(0);
        list.swap(at, other);
    }
}

/// The newest own X25519 key.
pub(crate) fn newest(step: &mut Group<'_>, group: &Hash) -> Result<ExchangeKey, Error> {
    let newest = step.group_exchange.of(group)?.into_iter().next();
    match newest {
        Some(row) => Ok(ExchangeKey::from_bytes(&row.secret).map_err(|_| Code::StorageCorrupt)?),
        None => {
            let key = ExchangeKey::generate(step.rng);
            announce(step, group, &key)?;
            Ok(key)
        }
    }
}

/// Publishes a part, and keeps it for who asks.
fn send(step: &mut Group<'_>, row: &sotto_db::Group, part: Part) -> Result<(), Error> {
    note(step, &row.id, &part)?;
    masked(step, row, &Masked::Part(part))
}

fn note(step: &mut Group<'_>, group: &Hash, part: &Part) -> Result<(), Error> {
    let bytes = part.encode().or_bug("part of a box")?;
    let (epoch, number) = (part.head.epoch, number(part, &bytes));
    let (until_ms, given_ms) = (keep_until(step), step.now_ms);
    Ok(step.group_parts.keep(&GroupPart { grp: *group, epoch, part: number, bytes, until_ms, given_ms })?)
}

/// Publishes something under the mask.
pub(crate) fn masked(step: &mut Group<'_>, row: &sotto_db::Group, what: &Masked) -> Result<(), Error> {
    let class = what.class().or_bug("class of a masked envelope")?;
    let plain = what.encode().or_bug("a masked envelope")?;
    let padded = pad(&plain, room(class, Form::Sealed)).or_bug("padding")?;
    let secret = MaskSecret::new(row.mask[..].try_into().map_err(|_| Code::StorageCorrupt)?);
    let random = Random(step.random());
    let body = mask_seal(&secret, &random, &padded);
    let envelope = Envelope { tag: mask_tag(&secret, &random).0, random: random.0, body: &body };
    publish(step, row, envelope.encode().or_bug("envelope")?)?;
    Ok(())
}

/// A part came. It is opened once its rekey is in the log.
pub(crate) fn came(step: &mut Group<'_>, group: &Hash, part: &Part) -> Result<(), Error> {
    let bytes = part.encode().or_bug("part of a box")?;
    let (epoch, number) = (part.head.epoch, number(part, &bytes));
    let now_ms = step.now_ms;
    match step.group_parts.get(group, &epoch, &number)? {
        Some(_) => step.group_parts.change(group, &epoch, &number, |part| part.given_ms = now_ms)?,
        None => note(step, group, part)?,
    }
    if step.group_epochs.get(group, &epoch)?.is_some() {
        return Ok(());
    }
    if log::known(step, group)?.state.valid.contains(&epoch) {
        open_box(step, group, &epoch)?;
        return Ok(());
    }
    let at_ms = step.now_ms.saturating_add(15 * SECOND);
    Ok(step.groups.change(group, |row| row.ask_ms = row.ask_ms.min(at_ms))?)
}

/// The number under which a part is kept: a forged part of a former member does not take the place of a true one.
fn number(part: &Part, bytes: &[u8]) -> u32 {
    let [a, b, c, ..] = payload_hash(bytes);
    u32::from_be_bytes([a, b, c, part.head.part])
}

/// Opens the boxes of rekeys that are in the log now.
pub(crate) fn open_waiting(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let known = log::known(step, group)?;
    let valid: Vec<Hash> = known.state.valid.iter().filter(|id| known.log.is_rekey(id)).copied().collect();
    for epoch in valid {
        if step.group_epochs.get(group, &epoch)?.is_none() {
            open_box(step, group, &epoch)?;
        }
    }
    Ok(())
}

/// Looks for the own item in the parts of an epoch's box that are here.
fn open_box(step: &mut Group<'_>, group: &Hash, epoch: &Hash) -> Result<bool, Error> {
    let Some((issuer, commits)) = log::known(step, group)?.log.rekey(epoch) else { return Ok(false) };
    let row = log::row(step, group)?;
    let covered = covered(step, group, epoch)?;
    if !covered.contains(&row.leaf) || issuer == row.leaf {
        return Ok(false);
    }
    for stored in step.group_parts.of(group, epoch)? {
        let part = Part::decode(&stored.bytes).map_err(|_| Code::StorageCorrupt)?;
        if part.head.issuer == issuer
            && let Some(secret) = item(step, &row, &part, &commits)?
        {
            begin(step, group, epoch, &covered, &secret)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The secret in the own item of a part. The pair moves on; keys of boxes that were passed by are kept for a while.
fn item(
    step: &mut Group<'_>,
    row: &sotto_db::Group,
    part: &Part,
    commits: &[u8; 32],
) -> Result<Option<EpochSecret>, Error> {
    let Some(issuer) = step.group_leaves.get(&row.id, &part.head.issuer)? else { return Ok(None) };
    let (group, from, to) = (GroupId(row.id), LeafId(part.head.issuer), LeafId(row.leaf));
    let who = Pairing { group: &group, issuer: &from, reader: &to };
    let mine = step.group_exchange.of(&row.id)?;
    let mine = mine.iter().map(|row| ExchangeKey::from_bytes(&row.secret).map_err(|_| Code::StorageCorrupt));
    let mine = mine.collect::<Result<Vec<_>, _>>()?;
    let head = part.head.encode();
    let (epoch, e, k) = (Epoch(part.head.epoch), BoxPublic(part.head.key), part.head.k);
    let try_pair = |pair: &Pair| {
        mine.iter().find_map(|x| {
            let key = x.item(&who, &epoch, pair.key(), &e).ok()?;
            let Items::Tagged(items) = &part.items else { return None };
            let item = items.iter().find(|item| item.tag == key.tag())?;
            key.open(&head, &item.sealed, commits).ok()
        })
    };
    match &part.items {
        Items::Tagged(_) => {
            let known = issuer.pair_in.as_ref().map(|pair| Pair::from_bytes(pair)).transpose();
            let known = known.map_err(|_| Code::StorageCorrupt)?;
            if let Some(ahead) = known.and_then(|pair| pair.ahead(k).ok()) {
                let Some(secret) = try_pair(&ahead.pair) else { return Ok(None) };
                moved(step, row, &from.0, &ahead.pair)?;
                let until_ms = step.now_ms.saturating_add(PASSED_MS);
                for pair in ahead.passed {
                    let (k, pair) = (pair.k(), pair.to_bytes()[..].into());
                    step.group_passed.put(&GroupPassed { grp: row.id, leaf: from.0, k, pair, until_ms })?;
                }
                return Ok(Some(secret));
            }
            let Some(passed) = step.group_passed.get(&row.id, &from.0, &k)? else { return Ok(None) };
            let secret = try_pair(&Pair::from_bytes(&passed.pair).map_err(|_| Code::StorageCorrupt)?);
            if secret.is_some() {
                step.group_passed.remove(&row.id, &from.0, &k)?;
            }
            Ok(secret)
        }
        Items::Intros(intros) => {
            let Some(intro) = intros.iter().find(|intro| intro.leaf == row.leaf) else { return Ok(None) };
            let keys = log::keys(row)?;
            let first = log::known(step, &row.id)?.leaves.get(&from.0).map(|leaf| leaf.exchange);
            for theirs in [Some(issuer.exchange), first].into_iter().flatten().map(ExchangePublic) {
                for x in &mine {
                    let Ok(key) = introduced(&who, &keys, x, &theirs, &e, &intro.ciphertext) else { continue };
                    let pair = Pair::new(key, k);
                    let Ok(item) = x.item(&who, &epoch, pair.key(), &e) else { continue };
                    if let Ok(secret) = item.open(&head, &intro.sealed, commits) {
                        moved(step, row, &from.0, &pair)?;
                        return Ok(Some(secret));
                    }
                }
            }
            Ok(None)
        }
    }
}

/// A box was opened with this pair: it is used, and the next one is kept.
fn moved(step: &mut Group<'_>, row: &sotto_db::Group, issuer: &Leaf, pair: &Pair) -> Result<(), Error> {
    let next = pair.next().map(|pair| pair.to_bytes()[..].into());
    Ok(step.group_leaves.change(&row.id, issuer, |leaf| leaf.pair_in = next)?)
}
