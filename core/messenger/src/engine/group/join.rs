//! How a device comes into a group: made here, or by an invitation, an answer, an add and a welcome.

use sotto_crypto::group::{Chain, EntryId, Epoch, ExchangeKey, LateSeed, LeafId, LeafKeys, Pair, PairKey};
use sotto_db::{Chat, Group as Row, GroupInvite, GroupLeaf, GroupState, Hash, Item, NEVER};
use sotto_wire::content::{self, Content, GroupAnswer, GroupWelcome};
use sotto_wire::envelope::payload_hash;
use sotto_wire::file::FilePointer;
use sotto_wire::group::{
    Add, Body, ChainRow, Entry, EpochRows, Genesis, Handover, LABEL_ENTRY, Leaf, MAX_EPOCHS, Policy, Seed, Signer,
    leaf_id,
};
use sotto_wire::name::clean;

use crate::engine::base::own::record_or_old;
use crate::engine::base::schedule::SECOND;
use crate::engine::carry::send;
use crate::engine::file::body::{self, Arrived};
use crate::engine::group::say::{Said, announce, say_in};
use crate::engine::group::{Group, News, boxes, epoch, log, open};
use crate::error::{Code, Error, OrBug};
use crate::grouplog::{MEMBER, WHO_ADDS};

/// Most invitations of one contact that wait for an answer.
const PENDING: usize = 8;
/// Most groups of one device.
const GROUPS: usize = 256;
/// Most leaves to whom a new member's ML-KEM key is sent; in larger groups admins alone have it.
const EK_LEAVES: usize = 64;

/// The place of a handover, in place of a message.
fn handover_place(group: &Hash, chat: &Chat) -> Hash {
    payload_hash(&[b"sotto/handover".as_slice(), group, chat].concat())
}

/// The keys of a leaf of this device, new for each group.
fn own_leaf(step: &mut Group<'_>) -> Result<(Leaf, LeafKeys, ExchangeKey), Error> {
    let record = record_or_old(step)?;
    let (chat, keys, exchange) = (step.own()?.chat, LeafKeys::generate(step.rng), ExchangeKey::generate(step.rng));
    let leaf = Leaf {
        chat,
        record,
        delegation: None,
        signing: keys.signing_public(),
        authority: log::authority(step)?.public(),
        exchange: exchange.public().0,
        kem_hash: payload_hash(&keys.kem_public()),
    };
    Ok((leaf, keys, exchange))
}

/// A row before anything is known.
fn blank(id: Hash, state: GroupState) -> Row {
    Row {
        id,
        state,
        inviter: None,
        name: String::new(),
        members: 0,
        root: [].as_slice().into(),
        mask: [].as_slice().into(),
        bucket: [0; 8],
        leaf: [0; 16],
        leaf_bytes: Vec::new(),
        keys: [].as_slice().into(),
        boxes: 0,
        welcome: None,
        named: Vec::new(),
        epoch: None,
        since_s: 0,
        say_ms: NEVER,
        said: epoch::REPEATED,
        rekey_ms: NEVER,
        ask_ms: NEVER,
        asked: 0,
        past_ms: NEVER,
        ack_ms: NEVER,
    }
}

/// Makes a group of this device alone.
pub(crate) fn create(step: &mut Group<'_>, name: String, policy: Policy) -> Result<Hash, Error> {
    step.own()?.in_force()?;
    let all = step.groups.all()?;
    if all.len() >= GROUPS {
        return Err(Code::GroupFull.into());
    }
    // One bucket for all own groups: it costs one subscription, and shows one fingerprint.
    let bucket = all.iter().find(|row| !row.mask.is_empty()).map(|row| row.bucket);
    let bucket = bucket.unwrap_or_else(|| step.random());
    let (root, mask): ([u8; 32], [u8; 32]) = (step.random(), step.random());
    let (leaf, keys, exchange) = own_leaf(step)?;
    let leaf_bytes = leaf.encode().or_bug("own leaf")?;
    let own = leaf_id(&root, &leaf_bytes);
    let genesis = Genesis { root, leaf, name, policy };
    let mut entry = Entry {
        author: own,
        signer: Signer::Leaf,
        seat: 0,
        depth: 0,
        time_s: step.clock_s(),
        own: [0; 16],
        parents: Vec::new(),
        body: Body::Genesis(Box::new(genesis)),
        signature: [0; 64],
    };
    entry.signature = keys.sign(LABEL_ENTRY, &[&entry.signed_bytes(&root).map_err(|_| Code::BadGroup)?]);
    let group = entry.group_id().or_bug("a genesis")?;
    step.groups.put(&Row {
        root: root[..].into(),
        mask: mask[..].into(),
        bucket,
        leaf: own,
        leaf_bytes,
        keys: keys.to_bytes()[..].into(),
        ..blank(group, GroupState::In)
    })?;
    step.memory.mask(group, &mask)?;
    announce(step, &group, &exchange)?;
    let bytes = entry.encode().or_bug("a genesis")?;
    let log::Taken::New(_) = log::take(step, &group, &bytes)? else { return None.or_bug("own genesis") };
    log::judge(step, &group)?;
    boxes::issue(step, &group)?;
    log::judge(step, &group)?;
    step.fx.topics = true;
    Ok(group)
}

/// Invites a contact.
pub(crate) fn invite(step: &mut Group<'_>, group: &Hash, chat: &Chat) -> Result<(), Error> {
    crate::engine::group::say::writable(step, group)?;
    let row = log::row(step, group)?;
    if member_of(step, group, chat)?.is_some() {
        return Ok(());
    }
    let all_add = log::state(step, group)?.setting(WHO_ADDS) == Some(&[1]);
    if log::own_seat(step, group)? == MEMBER && !all_add {
        return Err(Code::GroupNotAllowed.into());
    }
    let (at_ms, place) = (step.now_ms, handover_place(group, chat));
    step.group_invites.put(&GroupInvite { grp: *group, chat: *chat, at_ms, place, handover: None })?;
    let (name, members) = (row.name, row.members);
    let invite = content::GroupInvite { group: *group, name, members, picture: None };
    send::content(step, chat, &Content::GroupInvite(Box::new(invite)))
}

/// The root leaf of an account that is a member.
pub(crate) fn member_of(step: &mut Group<'_>, group: &Hash, chat: &Chat) -> Result<Option<[u8; 16]>, Error> {
    let known = log::known(step, group)?;
    let of = |root: &[u8; 16]| known.leaves.get(root).is_some_and(|leaf| leaf.chat == *chat);
    Ok(known.state.members.iter().map(|member| member.root).find(of))
}

/// A contact invites this device. False if it is in the group already, or never wants to be.
pub(crate) fn invited(step: &mut Group<'_>, chat: &Chat, invite: &content::GroupInvite) -> Result<bool, Error> {
    let known = step.groups.get(&invite.group)?;
    let all = step.groups.all()?;
    let pending = all.iter().filter(|row| row.state == GroupState::Invited && row.inviter == Some(*chat)).count();
    let again = known.as_ref().is_none_or(|row| match row.state {
        GroupState::Left | GroupState::Removed | GroupState::Declined => true,
        // An answer or a welcome may be lost. Nobody else takes an invitation over.
        GroupState::Invited | GroupState::Answered | GroupState::Fetching => row.inviter == Some(*chat),
        GroupState::Joining | GroupState::In | GroupState::Closed => false,
    });
    if !again || pending >= PENDING || all.len() >= GROUPS {
        return Ok(false);
    }
    let (name, members) = (clean(&invite.name), invite.members);
    let row = match known {
        Some(row) => Row { state: GroupState::Invited, inviter: Some(*chat), ..row },
        None => Row { inviter: Some(*chat), name, members, ..blank(invite.group, GroupState::Invited) },
    };
    step.groups.put(&row)?;
    Ok(true)
}

/// Answers an invitation.
pub(crate) fn answer(step: &mut Group<'_>, group: &Hash, accept: bool) -> Result<(), Error> {
    step.own()?.in_force()?;
    let row = log::row(step, group)?;
    let inviter = row.inviter.filter(|_| row.state == GroupState::Invited).ok_or(Code::GroupNotInvited)?;
    let mut joins = None;
    if accept {
        let (leaf, keys, exchange) = own_leaf(step)?;
        forget(step, group)?;
        announce(step, group, &exchange)?;
        step.groups.put(&Row {
            leaf_bytes: leaf.encode().or_bug("own leaf")?,
            keys: keys.to_bytes()[..].into(),
            inviter: row.inviter,
            name: row.name,
            members: row.members,
            ..blank(*group, GroupState::Answered)
        })?;
        joins = Some((leaf, Box::new(keys.kem_public())));
    } else {
        step.groups.change(group, |row| row.state = GroupState::Declined)?;
    }
    step.news.push(News::Changed(*group));
    let answer = GroupAnswer { group: *group, joins };
    send::content(step, &inviter, &Content::GroupAnswer(Box::new(answer)))
}

/// Forgets all keys and the log of a group, before it is joined anew.
fn forget(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    for row in step.group_epochs.of(group)? {
        epoch::over(step, (*group, row.epoch))?;
    }
    step.memory.known.remove(group);
    step.memory.mask(*group, &[])?;
    for row in step.group_exchange.of(group)? {
        step.group_exchange.remove(group, &row.n)?;
    }
    for row in step.group_leaves.of(group)? {
        step.group_leaves.remove(group, &row.leaf)?;
    }
    for row in step.group_entries.of(group)? {
        step.group_entries.remove(group, &row.n)?;
    }
    Ok(())
}

/// Somebody who was invited answers: added, told to all, and welcomed.
pub(crate) fn answered(
    step: &mut Group<'_>,
    (chat, device): (&Chat, &[u8; 16]),
    answer: GroupAnswer,
) -> Result<(), Error> {
    let group = answer.group;
    let Some(invite) = step.group_invites.get(&group, chat)? else { return Ok(()) };
    let Some((leaf, ek)) = answer.joins else {
        step.group_invites.remove(&group, chat)?;
        return Ok(());
    };
    let row = log::row(step, &group)?;
    let theirs = leaf.chat == *chat && leaf.record.device_id == *device && log::is_recorded(&leaf);
    if row.state != GroupState::In || !theirs || invite.handover.is_some() {
        return Ok(());
    }
    let bytes = leaf.encode().or_bug("a leaf")?;
    let new = leaf_id(&log::root(&row)?, &bytes);
    if member_of(step, &group, chat)?.is_some() {
        return Ok(()); // another admin was faster
    }
    let add = Body::Add(Box::new(Add { request: [0; 32], leaf: leaf.clone() }));
    let (id, entry) = log::write(step, &group, add)?;
    log::judge(step, &group)?;
    if !log::counts(step, &group, &id)? {
        return Ok(()); // no right to add any more
    }
    let pair = Pair::new(PairKey::generate(step.rng), row.boxes);
    let stored = pair.to_bytes()[..].into();
    step.group_leaves.change(&group, &new, |row| {
        row.pair_out = Some(stored);
        row.ek = Some(ek.to_vec());
    })?;
    let seeds = seeds(step, &group, &id, &new)?;
    let pointer = hand_over(step, &row, chat, &new)?;
    let known = log::known(step, &group)?;
    let small = known.state.leaves().count() <= EK_LEAVES;
    let heads = known.log.heads().take(content::MAX_WELCOME_HEADS).copied().collect();
    let welcome = GroupWelcome {
        group,
        root: log::root(&row)?,
        mask: row.mask[..].try_into().map_err(|_| Code::StorageCorrupt)?,
        bucket: row.bucket,
        leaf: new,
        k: pair.k(),
        pair_key: *pair.key().as_bytes(),
        seeds: seeds.clone(),
        heads,
        pointer,
    };
    let old = epoch::old(step, &group)?;
    if let Some(old) = old {
        let eks = if small { vec![*ek] } else { Vec::new() };
        say_in(step, &group, &old, Said { entries: vec![entry], seeds, eks, ..Said::default() })?;
    }
    let (m, _) = send::message(step, &Content::GroupWelcome(Box::new(welcome)), (0, Vec::new()))?;
    let place = invite.place;
    send::enqueue(step, Item { after: Some(place.to_vec()), ..send::item(chat, m, Some(place)) })?;
    epoch::settle(step, &group)
}

/// Seeds of a new leaf's chains, one for each epoch that is not over; the chains are expected from now on.
fn seeds(step: &mut Group<'_>, group: &Hash, add: &Hash, new: &[u8; 16]) -> Result<Vec<Seed>, Error> {
    let mut seeds = Vec::new();
    for row in epoch::live(step, group)?.into_iter().take(MAX_EPOCHS) {
        let seed = LateSeed::generate(step.rng);
        let chain = Chain::late(&EntryId(*add), &seed, &Epoch(row.epoch), &LeafId(*new));
        boxes::keep(step, group, &row.epoch, new, &chain)?;
        let epoch = row.epoch.first_chunk().copied().unwrap_or_default();
        seeds.push(Seed { epoch, leaf: *new, seed: *seed.as_bytes() });
    }
    Ok(seeds)
}

/// Publishes the log and all chains at present positions, for one reader.
fn hand_over(step: &mut Group<'_>, row: &Row, chat: &Chat, new: &[u8; 16]) -> Result<FilePointer, Error> {
    let entries = step.group_entries.of(&row.id)?.into_iter().map(|entry| entry.bytes).collect();
    let mut epochs = Vec::new();
    for epoch in epoch::live(step, &row.id)?.into_iter().take(MAX_EPOCHS) {
        let mut chains = Vec::new();
        for one in step.group_chains.of(&row.id, &epoch.epoch)?.into_iter().filter(|one| one.leaf != *new) {
            let chain = Chain::from_bytes(&one.chain).map_err(|_| Code::StorageCorrupt)?;
            let (chain_key, tag_key, n) = chain.parts();
            let opening = one.opening;
            chains.push(ChainRow { leaf: one.leaf, n, chain_key: *chain_key, tag_key: *tag_key, opening });
        }
        epochs.push(EpochRows { epoch: epoch.epoch, chains });
    }
    let eks = eks(step, row)?;
    let bytes = Handover { entries, epochs, eks }.encode().map_err(|_| Code::GroupFull)?;
    let pointer = FilePointer::bare(step.random(), &bytes).map_err(|_| Code::GroupFull)?;
    let place = handover_place(&row.id, chat);
    step.group_invites.change(&row.id, chat, |invite| invite.handover = Some(bytes.as_slice().into()))?;
    let clock_s = i64::try_from(step.clock_s()).unwrap_or(0);
    body::at(step, (place, row.id), &pointer, (clock_s, true))?;
    Ok(pointer)
}

/// The ML-KEM keys of a small group, with the own one.
fn eks(step: &mut Group<'_>, row: &Row) -> Result<Vec<[u8; 1184]>, Error> {
    let live: Vec<_> = log::state(step, &row.id)?.leaves().copied().collect();
    if live.len() > EK_LEAVES {
        return Ok(Vec::new());
    }
    let mut eks = vec![log::keys(row)?.kem_public()];
    for leaf in live.iter().filter(|leaf| **leaf != row.leaf) {
        let ek = step.group_leaves.get(&row.id, leaf)?.and_then(|known| known.ek);
        eks.extend(ek.and_then(|ek| <[u8; 1184]>::try_from(ek.as_slice()).ok()));
    }
    Ok(eks)
}

/// The reader of a handover has its pointer: it is forgotten here.
pub(crate) fn received(step: &mut Group<'_>, place: &Hash) -> Result<(), Error> {
    if let Some(invite) = step.group_invites.at(place)? {
        step.group_invites.remove(&invite.grp, &invite.chat)?;
    }
    Ok(())
}

/// The welcome of whom this device answered: the handover is fetched.
pub(crate) fn welcomed(step: &mut Group<'_>, chat: &Chat, welcome: &GroupWelcome, time_s: u64) -> Result<(), Error> {
    let Some(row) = step.groups.get(&welcome.group)? else { return Ok(()) };
    let awaited = row.state == GroupState::Answered && row.inviter == Some(*chat);
    if !awaited || leaf_id(&welcome.root, &row.leaf_bytes) != welcome.leaf {
        return Ok(());
    }
    let (_, body) = Content::GroupWelcome(Box::new(welcome.clone())).encode().or_bug("a welcome")?;
    let sent_s = i64::try_from(time_s.min(step.clock_s())).unwrap_or(0);
    step.groups.put(&Row {
        state: GroupState::Fetching,
        root: welcome.root[..].into(),
        mask: welcome.mask[..].into(),
        bucket: welcome.bucket,
        leaf: welcome.leaf,
        welcome: Some(body.as_slice().into()),
        since_s: sent_s,
        ..row
    })?;
    let own = step.own()?.chat;
    body::at(step, (handover_place(&welcome.group, &own), welcome.group), &welcome.pointer, (sent_s, false))?;
    step.fx.topics = true;
    step.news.push(News::Changed(welcome.group));
    Ok(())
}

/// A body that is a handover; false if it is another one.
pub(crate) fn handed(step: &mut Group<'_>, one: &Arrived) -> Result<bool, Error> {
    let own = step.own()?.chat;
    let fetching = step.groups.all()?.into_iter().filter(|row| row.state == GroupState::Fetching);
    let Some(row) = fetching.into_iter().find(|row| handover_place(&row.id, &own) == one.message) else {
        return Ok(false);
    };
    match enter(step, &row, &one.bytes)? {
        true => step.news.push(News::Entered(row.id)),
        false => {
            ::log::warn!("a handover of a group cannot be read");
            step.groups.change(&row.id, |row| (row.state, row.welcome) = (GroupState::Removed, None))?;
            step.news.push(News::Changed(row.id));
        }
    }
    Ok(true)
}

/// Takes the log and the chains of a handover. False if they do not hold what the welcome says.
fn enter(step: &mut Group<'_>, row: &Row, bytes: &[u8]) -> Result<bool, Error> {
    let (group, own) = (row.id, row.leaf);
    let welcome = row.welcome.as_deref().map(|body| Content::decode(content::Kind::GroupWelcome, body));
    let (Some(Ok(Content::GroupWelcome(welcome))), Ok(handover)) = (welcome, Handover::decode(bytes)) else {
        return Ok(false);
    };
    step.memory.known.remove(&group);
    for entry in &handover.entries {
        log::take(step, &group, entry)?;
    }
    log::judge(step, &group)?;
    let known = log::known(step, &group)?;
    let by = known.log.brought_by(&own).filter(|(id, _)| known.state.valid.contains(id));
    let by: Vec<_> = by.collect();
    let invites = |author: &[u8; 16]| known.leaves.get(author).is_some_and(|leaf| Some(leaf.chat) == row.inviter);
    let adder = by.into_iter().find(|(_, author)| invites(author));
    let named = welcome.heads.iter().all(|head| known.log.has(head));
    let member = known.state.leaves().any(|leaf| *leaf == own);
    let Some((add, adder)) = adder.filter(|_| named && member) else { return Ok(false) };
    let pair = Pair::new(PairKey::new(&welcome.pair_key), welcome.k).to_bytes()[..].into();
    step.group_leaves.change(&group, &adder, |leaf: &mut GroupLeaf| leaf.pair_in = Some(pair))?;
    for rows in &handover.epochs {
        let known = log::known(step, &group)?;
        if !known.log.is_rekey(&rows.epoch) || !known.state.valid.contains(&rows.epoch) {
            continue;
        }
        boxes::epoch_row(step, &group, &rows.epoch)?;
        for one in &rows.chains {
            chain(step, &group, &rows.epoch, one)?;
        }
        if let Some(seed) = welcome.seeds.iter().find(|seed| rows.epoch.starts_with(&seed.epoch)) {
            let seed = LateSeed::new(&seed.seed);
            let chain = Chain::late(&EntryId(add), &seed, &Epoch(rows.epoch), &LeafId(own));
            boxes::keep(step, &group, &rows.epoch, &own, &chain)?;
        }
    }
    for ek in &handover.eks {
        open::keep_ek(step, &group, ek)?;
    }
    let mask = row.mask.to_vec();
    if step.groups.all()?.iter().any(|other| other.id != group && other.mask[..] == mask[..]) {
        return Ok(false); // it would take the other group's envelopes
    }
    step.memory.mask(group, &mask)?;
    let now_ms = step.now_ms;
    step.groups.change(&group, |row| {
        (row.state, row.welcome, row.named) = (GroupState::Joining, None, Vec::new());
        row.past_ms = now_ms; // stores have what was said since the welcome
    })?;
    epoch::settle(step, &group)?;
    confirm(step, &group, &adder)?;
    Ok(true)
}

/// A chain of a handover, from its position on.
fn chain(step: &mut Group<'_>, group: &Hash, epoch: &Hash, one: &ChainRow) -> Result<(), Error> {
    let own = log::row(step, group)?.leaf;
    let vk = log::known(step, group)?.leaves.get(&one.leaf).map(|leaf| leaf.signing);
    let Some(vk) = vk.filter(|_| one.leaf != own) else { return Ok(()) };
    boxes::keep(step, group, epoch, &one.leaf, &Chain::from_parts(&one.chain_key, &one.tag_key, one.n))?;
    let place = super::say::place(group, epoch, &one.leaf);
    let opening = sotto_crypto::group::Opening::from_bytes(&one.opening).ok();
    let Some((opening, key)) = opening.and_then(|o| o.verify(&place, &vk).ok().map(|key| (o, key))) else {
        return Ok(());
    };
    step.group_chains.change(group, epoch, &one.leaf, |row| {
        (row.key, row.opening, row.whole) = (Some(key.to_bytes()), opening.to_bytes(), one.n);
        row.run = [0; 32]; // its run is known from the next message on
    })?;
    Ok(step.group_leaves.change(group, &one.leaf, |row| row.exchange = opening.exchange.0)?)
}

/// Whether enough members but the adder named the log that this device joined by: then it writes.
pub(crate) fn confirm(step: &mut Group<'_>, group: &Hash, leaf: &[u8; 16]) -> Result<(), Error> {
    let row = log::row(step, group)?;
    if row.state != GroupState::Joining {
        return Ok(());
    }
    let heads = step.group_leaves.get(group, leaf)?.map(|known| known.heads).unwrap_or_default();
    let known = log::known(step, group)?;
    let adder = known.log.brought_by(&row.leaf).next();
    let adder = adder.and_then(|(add, author)| Some((add, known.log.lineage(&author)?)));
    let (Some((add, adder)), Some(root)) = (adder, known.log.lineage(leaf)) else { return Ok(()) };
    let names =
        |prefix: &[u8; 16]| known.log.by_prefix(prefix).is_some_and(|id| id == add || known.log.follows(&add, &id));
    let mut named = row.named.clone();
    let counts = root != adder && heads.as_chunks::<16>().0.iter().any(names);
    if counts && !named.as_chunks::<16>().0.contains(&root) {
        named.extend_from_slice(&root);
    }
    // Those who were in before: of several who join at once, the later ones wait for the earlier ones.
    let due = match known.log.state_before(&add).map_or(0, |before| before.members.len()) {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    };
    let done = named.len() / 16 >= due;
    step.groups.change(group, |row| {
        row.named = named;
        if done {
            row.state = GroupState::In;
        }
    })?;
    if done {
        step.news.push(News::Changed(*group));
        let wait = step.below(10 * SECOND);
        let ack_ms = step.now_ms.saturating_add(wait);
        step.groups.change(group, |row| row.ack_ms = row.ack_ms.min(ack_ms))?;
    }
    Ok(())
}
