//! The log of a group: read from the database, checked, written.

use std::collections::HashMap;

use sotto_crypto::group::{AuthorityKey, LeafKeys};
use sotto_crypto::{Phrase, verify_chat, verify_device};
use sotto_db::{GroupLeaf, Hash, Tables};
use sotto_wire::group::{
    self as wire, Body, Entry, EntryId, LABEL_DEPUTY, LABEL_ENTRY, LeafId, Root, Setting, Signer, further_leaf_id,
    leaf_id,
};
use sotto_wire::identity::LABEL_RECORD;
use zeroize::Zeroizing;

use crate::engine::base::own::KEY_PHRASE;
use crate::engine::group::memory::Known;
use crate::engine::group::{Group, News};
use crate::error::{Code, Error, OrBug};
use crate::grouplog::{self, Act, Admitted, Log, MEMBER, State};

/// How far ahead an entry may be dated, seconds.
const AHEAD_S: u64 = 86_400;

/// What became of an entry that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    New(EntryId),
    Known,
    /// These parents are missing.
    Waits(Vec<EntryId>),
    Refused,
}

pub(crate) fn row(step: &Group<'_>, group: &Hash) -> Result<sotto_db::Group, Error> {
    Ok(step.groups.get(group)?.ok_or(Code::ConversationMissing)?)
}

pub(crate) fn root(row: &sotto_db::Group) -> Result<Root, Error> {
    Ok(row.root[..].try_into().map_err(|_| Code::StorageCorrupt)?)
}

pub(crate) fn keys(row: &sotto_db::Group) -> Result<LeafKeys, Error> {
    Ok(LeafKeys::from_bytes(&row.keys).map_err(|_| Code::StorageCorrupt)?)
}

/// The log of a group, from memory or from the database.
pub(crate) fn known<'s>(step: &'s mut Group<'_>, group: &Hash) -> Result<&'s mut Known, Error> {
    if !step.memory.known.contains_key(group) {
        let known = load(&step.tx, &row(step, group)?)?;
        step.memory.known.insert(*group, known);
    }
    step.memory.known.get_mut(group).or_bug("a group's log")
}

/// Reads the log of a group from the database.
pub(crate) fn load(tx: &Tables<'_>, row: &sotto_db::Group) -> Result<Known, Error> {
    let root = root(row)?;
    let (log, state) = (Log::default(), Log::default().state());
    let mut known = Known { log, state, lasts: HashMap::new(), leaves: HashMap::new() };
    for stored in tx.group_entries.of(&row.id)? {
        let entry = Entry::decode(&stored.bytes).map_err(|_| Code::StorageCorrupt)?;
        brings(&root, stored.id, &entry, &mut known);
        let lineage = known.log.lineage(&entry.author);
        known.log.admit(&plain(&root, stored.id, &entry, lineage)).map_err(|_| Code::StorageCorrupt)?;
    }
    known.state = known.log.state();
    Ok(known)
}

pub(crate) fn state<'s>(step: &'s mut Group<'_>, group: &Hash) -> Result<&'s State, Error> {
    Ok(&known(step, group)?.state)
}

/// The leaf that an entry brings in, with its id.
fn brought(root: &Root, entry: &Entry, lineage: Option<LeafId>) -> Option<(LeafId, wire::Leaf)> {
    let (leaf, lineage) = match &entry.body {
        Body::Genesis(genesis) => (&genesis.leaf, None),
        Body::Add(add) => (&add.leaf, None),
        Body::Leaf(new) => (&new.leaf, Some(lineage?)),
        _ => return None,
    };
    Some((id_of(root, lineage, leaf), leaf.clone()))
}

/// The id of a leaf, which names its lineage: nobody else can bring it in.
fn id_of(root: &Root, lineage: Option<LeafId>, leaf: &wire::Leaf) -> LeafId {
    let bytes = leaf.encode().unwrap_or_default();
    match lineage {
        None => leaf_id(root, &bytes),
        Some(lineage) => further_leaf_id(root, &lineage, &bytes),
    }
}

fn brings(root: &Root, id: EntryId, entry: &Entry, known: &mut Known) {
    let lineage = known.log.lineage(&entry.author);
    known.leaves.extend(brought(root, entry, lineage));
    let last = match &entry.body {
        Body::Remove(remove) => &remove.last,
        Body::Unleaf(unleaf) => &unleaf.last,
        _ => return,
    };
    known.lasts.insert(id, last.clone());
}

/// What all leaves of a lineage have in common.
fn owner(leaf: &wire::Leaf) -> [u8; 32] {
    sotto_wire::envelope::payload_hash(&[leaf.chat.as_slice(), &leaf.authority].concat())
}

/// An entry as the log's rules see it.
fn plain(root: &Root, id: EntryId, entry: &Entry, lineage: Option<LeafId>) -> grouplog::Entry {
    let leaf = |leaf: &wire::Leaf| grouplog::Leaf { id: id_of(root, None, leaf), owner: owner(leaf) };
    let further = |leaf: &wire::Leaf| grouplog::Leaf { id: id_of(root, lineage, leaf), owner: owner(leaf) };
    let act = match &entry.body {
        Body::Genesis(genesis) => {
            let policy = &genesis.policy;
            let initial = [
                Setting::Name(genesis.name.clone()),
                Setting::Adds(policy.adds),
                Setting::Sets(policy.sets),
                Setting::Writes(policy.writes),
                Setting::History(policy.history),
            ];
            Act::Genesis(leaf(&genesis.leaf), initial.iter().map(setting).collect())
        }
        Body::Add(add) => Act::Add(leaf(&add.leaf)),
        Body::Remove(remove) => Act::Remove(remove.root_leaf),
        Body::Leave => Act::Leave,
        Body::Leaf(new) => Act::Leaf(further(&new.leaf), new.replaces),
        Body::Unleaf(unleaf) => Act::Unleaf(unleaf.leaves.clone()),
        Body::Grant(root, seat) => Act::Grant(*root, *seat),
        Body::Set(set) => Act::Set(setting(set)),
        Body::Rekey(commit) => Act::Rekey(*commit),
        Body::Refuse(_) => Act::Refuse,
        Body::Close => Act::Close,
        Body::DeputyOff(key) => Act::DeputyOff(*key),
        Body::Unknown(..) => Act::Unknown,
    };
    let signer = match entry.signer {
        Signer::Leaf => grouplog::Signer::Leaf,
        Signer::Authority => grouplog::Signer::Authority,
        Signer::Deputy { key, .. } => grouplog::Signer::Deputy(key),
    };
    let Entry { author, seat, depth, time_s, own, .. } = *entry;
    grouplog::Entry { id, signer, author, seat, depth, date_s: time_s, own, parents: entry.parents.clone(), act }
}

fn setting(set: &Setting) -> grouplog::Setting {
    let bytes = set.bytes();
    let (field, value) = bytes.split_first().map_or((0, Vec::new()), |(field, value)| (*field, value.to_vec()));
    grouplog::Setting { field, value }
}

/// Takes an entry that came. It is on disk, and counts, when this returns.
pub(crate) fn take(step: &mut Group<'_>, group: &Hash, bytes: &[u8]) -> Result<Taken, Error> {
    let root = root(&row(step, group)?)?;
    let Ok(entry) = Entry::decode(bytes) else { return Ok(Taken::Refused) };
    let Ok(id) = entry.id(&root) else { return Ok(Taken::Refused) };
    let latest_s = step.clock_s().saturating_add(AHEAD_S);
    let known = known(step, group)?;
    if known.log.has(&id) {
        return Ok(Taken::Known);
    }
    let by_known = known.leaves.contains_key(&entry.author);
    if by_known && !is_signed(&root, &entry, known, group) {
        return Ok(Taken::Refused);
    }
    let missing: Vec<_> = entry.parents.iter().filter(|parent| !known.log.has(parent)).copied().collect();
    if !missing.is_empty() || entry.time_s > latest_s {
        return Ok(Taken::Waits(missing));
    }
    if !is_signed(&root, &entry, known, group) {
        return Ok(Taken::Refused);
    }
    let lineage = known.log.lineage(&entry.author);
    match known.log.admit(&plain(&root, id, &entry, lineage)) {
        Ok(Admitted::New) => {}
        Ok(Admitted::Known) => return Ok(Taken::Known),
        Ok(Admitted::Waits(missing)) => return Ok(Taken::Waits(missing)),
        Err(_) => return Ok(Taken::Refused),
    }
    brings(&root, id, &entry, known);
    let removed = match &entry.body {
        Body::Remove(remove) => known.leaves.get(&remove.root_leaf).map(|leaf| leaf.chat),
        _ => None,
    };
    if let Some((leaf, of)) = brought(&root, &entry, lineage)
        && step.group_leaves.get(group, &leaf)?.is_none()
    {
        let seen_ms = step.now_ms;
        step.group_leaves.put(&GroupLeaf {
            grp: *group,
            leaf,
            exchange: of.exchange,
            ek: None,
            pair_out: None,
            pair_in: None,
            proved: false,
            seen_ms,
            acked_epoch: None,
            acked: 0,
            heads: Vec::new(),
            bound: false,
        })?;
    }
    if let Some(chat) = removed {
        step.group_invites.remove(group, &chat)?; // an invitation from before does not bring them back
    }
    step.group_entries.append(group, &id, bytes)?;
    Ok(Taken::New(id))
}

/// Whether the signatures of an entry, and of the record in a leaf that it brings in, hold.
fn is_signed(root: &Root, entry: &Entry, known: &Known, group: &Hash) -> bool {
    let Ok(signed) = entry.signed_bytes(root) else { return false };
    let author = match &entry.body {
        Body::Genesis(genesis) => (entry.group_id().ok() == Some(*group)).then_some(&genesis.leaf),
        _ => known.leaves.get(&entry.author),
    };
    let Some(author) = author else { return false };
    let by = |key: &[u8; 32]| verify_device(key, LABEL_ENTRY, &[&signed], &entry.signature).is_ok();
    let held = match &entry.signer {
        Signer::Leaf => by(&author.signing),
        Signer::Authority => by(&author.authority),
        Signer::Deputy { key, signature } => {
            verify_device(&author.authority, LABEL_DEPUTY, &[key.as_slice()], signature).is_ok() && by(key)
        }
    };
    held && brought(root, entry, Some([0; 16])).is_none_or(|(_, leaf)| is_recorded(&leaf))
}

/// Whether the chat key of a leaf signed the device's record. A delegated record is not known to this version.
pub(crate) fn is_recorded(leaf: &wire::Leaf) -> bool {
    let bytes = leaf.record.signed_bytes(&leaf.chat);
    leaf.delegation.is_none() && verify_chat(&leaf.chat, LABEL_RECORD, &[&bytes], &leaf.record.signature).is_ok()
}

/// The own best seat; `group.removed` for who is no member.
pub(crate) fn own_seat(step: &mut Group<'_>, group: &Hash) -> Result<u32, Error> {
    let leaf = row(step, group)?.leaf;
    let known = known(step, group)?;
    let root = known.log.lineage(&leaf);
    let member = root.and_then(|root| known.state.member(&root)).filter(|member| member.leaves.contains(&leaf));
    Ok(member.map(|member| member.seat).ok_or(Code::GroupRemoved)?)
}

/// Writes an entry with the own best seat, and adds it to the log. Returns its id and bytes, to be sent to all.
pub(crate) fn write(step: &mut Group<'_>, group: &Hash, body: Body) -> Result<(EntryId, Vec<u8>), Error> {
    let best = own_seat(step, group)?;
    let row = row(step, group)?;
    let seat = if matches!(body, Body::Leaf(_)) { MEMBER } else { best };
    let clock_s = step.clock_s();
    let next = known(step, group)?.log.next(&row.leaf);
    let time_s = clock_s.max(next.date_s);
    let (parents, depth, own) = (next.parents, next.depth, next.own);
    let mut entry =
        Entry { author: row.leaf, signer: Signer::Leaf, seat, depth, time_s, own, parents, body, signature: [0; 64] };
    let (root, keys) = (root(&row)?, keys(&row)?);
    entry.signature = keys.sign(LABEL_ENTRY, &[&entry.signed_bytes(&root).map_err(|_| Code::GroupNotAllowed)?]);
    let bytes = entry.encode().or_bug("an entry")?;
    match take(step, group, &bytes)? {
        Taken::New(id) => Ok((id, bytes)),
        _ => Err(Code::GroupNotAllowed.into()),
    }
}

/// Whether an entry counts.
pub(crate) fn counts(step: &mut Group<'_>, group: &Hash, entry: &EntryId) -> Result<bool, Error> {
    Ok(state(step, group)?.valid.contains(entry))
}

/// What the log means after entries were added.
pub(crate) fn judge(step: &mut Group<'_>, group: &Hash) -> Result<(), Error> {
    let known = known(step, group)?;
    known.state = known.log.state();
    let name = known.state.setting(1).map(|name| sotto_wire::name::clean(&String::from_utf8_lossy(name)));
    let members = u32::try_from(known.state.members.len()).unwrap_or(u32::MAX);
    step.groups.change(group, |row| {
        row.name = name.unwrap_or_default();
        row.members = members;
    })?;
    step.news.push(News::Changed(*group));
    Ok(())
}

/// The own authority key.
pub(crate) fn authority(step: &Group<'_>) -> Result<AuthorityKey, Error> {
    let words = Zeroizing::new(step.tx.kv.get(KEY_PHRASE)?.or_bug("the phrase")?);
    let words = std::str::from_utf8(&words).map_err(|_| Code::StorageCorrupt)?;
    Ok(AuthorityKey::from_phrase(&Phrase::parse(words).map_err(|_| Code::StorageCorrupt)?))
}
