//! The log of a group's members: a set of signed entries, each naming the entries that its author had seen.
//!
//! [`Log`] holds the set and refuses what can never count. [`Log::state`] says what the set means: who is a member with
//! which seat, which devices are his, which settings and epochs hold. The meaning follows from the set alone, never
//! from the order of arrival, so two phones with one set agree. Rules and their reasons: `docs/protocol.md`, "Groups".
//!
//! The caller verifies signatures before [`Log::admit`] and keeps the bytes. This module knows no key, no clock and no
//! storage. Community logs will use it too.

mod next;
mod past;
mod rules;
mod state;

pub use next::Next;
pub use state::{Member, State};

use past::Past;
use std::collections::{BTreeSet, HashMap};

/// Seat of a member without rights. A lower number ranks higher; the creator has 0.
pub const MEMBER: u32 = u32::MAX;
/// Most entries of a log.
pub const MAX_ENTRIES: usize = 16_384;
/// Most parents of an entry.
pub const MAX_PARENTS: usize = 8;
/// Most leaves that entries of kind "leaf" bring into one lineage.
pub const MAX_BROUGHT: usize = 64;
/// Most leaves of one lineage that are live at a time; the newest count.
pub const MAX_LIVE: usize = 5;

/// The setting by which members without rights add: its value is 1 if they may.
pub const WHO_ADDS: u8 = 5;
/// The setting by which members without rights set the fields of [`COMMON`]: its value is 1 if they may.
pub const WHO_SETS: u8 = 6;
/// The setting by which members without rights write: its value is 1 if they may.
pub const WHO_WRITES: u8 = 7;
/// Name, picture, timer and text. The other fields are set with a seat alone: an entry's validity then refers to
/// settings of smaller seats only.
pub const COMMON: std::ops::RangeInclusive<u8> = 1..=4;

/// The id of an entry.
pub type EntryId = [u8; 32];
/// The id of a leaf, that is of one device in one group. A root leaf's id also names its lineage: the member.
pub type LeafId = [u8; 16];

/// Whose signature an entry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The leaf that the entry names as its author.
    Leaf,
    /// The authority key of the lineage that the entry names as its author.
    Authority,
    /// A deputy key of that lineage, with this public half.
    Deputy([u8; 32]),
}

/// A leaf as an entry brings it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf's id.
    pub id: LeafId,
    /// Hash of what all leaves of a lineage have in common: chat key and authority key.
    pub owner: [u8; 32],
}

/// A field of the group and its value, as in the body of a "set".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The field's number.
    pub field: u8,
    /// Its value; the caller knows its form.
    pub value: Vec<u8>,
}

/// What an entry does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Begins the log: the creator's first leaf, and the settings to begin with.
    Genesis(Leaf, Vec<Setting>),
    /// Adds a member with this root leaf.
    Add(Leaf),
    /// Removes the member of this root leaf.
    Remove(LeafId),
    /// The author leaves.
    Leave,
    /// Brings a leaf into the author's lineage, in place of another one or beside it.
    Leaf(Leaf, Option<LeafId>),
    /// Puts one to four leaves out.
    Unleaf(Vec<LeafId>),
    /// Gives the member of this root leaf a seat; [`MEMBER`] takes his seats away.
    Grant(LeafId, u32),
    /// Sets a field.
    Set(Setting),
    /// Begins an epoch, named by the entry's id; what it says of the epoch's secret.
    Rekey([u8; 32]),
    /// Refuses a request to join.
    Refuse,
    /// Ends the group.
    Close,
    /// Ends a deputy key of the author's lineage.
    DeputyOff([u8; 32]),
    /// A kind of a newer version; without effect.
    Unknown,
}

/// An entry whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// Whose signature it carries.
    pub signer: Signer,
    /// The signing leaf; for other signers the root leaf of their lineage.
    pub author: LeafId,
    /// The seat that the author acts with.
    pub seat: u32,
    /// One more than the highest depth of its parents; 0 at the genesis.
    pub depth: u32,
    /// When it was written, Unix seconds.
    pub date_s: u64,
    /// The first half of the id of the author leaf's newest entry before this one; zeros if there is none.
    pub own: [u8; 16],
    /// The newest entries that its author had.
    pub parents: Vec<EntryId>,
    /// What it does.
    pub act: Act,
}

/// Why an entry can never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A second genesis, or none where one is due.
    Genesis,
    /// The depth does not follow from the parents.
    Depth,
    /// Older than a parent.
    Date,
    /// `own` does not name the author leaf's newest entry before it.
    Own,
    /// The author's leaf or lineage does not come in before it.
    Author,
    /// This kind cannot be signed by this key or with this seat.
    Right,
    /// The new leaf belongs to somebody else, or to a lineage that brought in too many.
    Leaf,
    /// The log has [`MAX_ENTRIES`].
    Full,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// It is part of the log now.
    New,
    /// It was part of it before.
    Known,
    /// These parents are missing; the log is as before.
    Waits(Vec<EntryId>),
}

/// An entry by its number in order of arrival, so that a parent's number is lower.
type Index = u32;
/// A leaf id by its number.
type LeafIndex = u32;

/// An entry with interned ids.
struct Node {
    id: EntryId,
    signer: Signer,
    leaf: LeafIndex,
    lineage: LeafIndex,
    seat: u32,
    depth: u32,
    date_s: u64,
    act: Deed,
    past: Past,
}

/// [`Act`] with interned ids.
enum Deed {
    Add,
    Remove,
    Leave,
    Leaf {
        new: LeafIndex,
        replaces: Option<LeafIndex>,
    },
    Unleaf,
    Grant {
        seat: u32,
    },
    Set(Setting),
    Rekey([u8; 32]),
    Close,
    /// Genesis, refuse, deputy off, unknown: nothing that membership depends on.
    Other,
}

/// What is known of a leaf or, at its root leaf, of a lineage.
#[derive(Default)]
struct Place {
    id: LeafId,
    /// The lineage, once an entry brought the leaf in.
    lineage: Option<LeafIndex>,
    owner: [u8; 32],
    /// Entries of kind "leaf" that brought it in.
    brought: Vec<Index>,
    /// Entries of kind "unleaf" about it, signed by its owner's A or B.
    put_out: Vec<Index>,
    /// Entries of kind "unleaf" about it, signed by a leaf.
    voted_out: Vec<Index>,
    /// Entries that this leaf signed.
    wrote: Vec<Index>,
    /// Of a root leaf: entries about its lineage.
    adds: Vec<Index>,
    removes: Vec<Index>,
    grants: Vec<Index>,
    leaves: Vec<Index>,
    /// Of a root leaf: entries of kind "leaf" in its lineage.
    devices: Vec<Index>,
}

/// A set of entries that is closed: with an entry it has the entry's parents.
#[derive(Default)]
pub struct Log {
    nodes: Vec<Node>,
    by_id: HashMap<EntryId, Index>,
    places: Vec<Place>,
    place_of: HashMap<LeafId, LeafIndex>,
    /// Entries that no other entry names as a parent.
    heads: BTreeSet<EntryId>,
    /// For each leaf and `own`, the entries that name it: two are a fork.
    chains: HashMap<(LeafIndex, [u8; 16]), Vec<Index>>,
    /// The settings of the genesis.
    initial: Vec<Setting>,
    sets: Vec<Index>,
    rekeys: Vec<Index>,
    closes: Vec<Index>,
    /// (lineage, deputy key) that an authority key ended, with the entry.
    deputies_off: HashMap<(LeafIndex, [u8; 32]), Vec<Index>>,
}

impl Log {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Without any entry.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether it has this entry.
    pub fn has(&self, id: &EntryId) -> bool {
        self.by_id.contains_key(id)
    }

    /// The entries that a new one names as parents: those that nothing follows.
    pub fn heads(&self) -> impl Iterator<Item = &EntryId> {
        self.heads.iter()
    }

    /// Whether the author of the second entry had the first one.
    pub fn follows(&self, first: &EntryId, second: &EntryId) -> bool {
        match (self.by_id.get(first), self.by_id.get(second)) {
            (Some(first), Some(second)) => self.node(*second).is_some_and(|node| node.past.has(*first)),
            _ => false,
        }
    }

    /// Takes an entry whose signature holds.
    pub fn admit(&mut self, entry: &Entry) -> Result<Admitted, Refused> {
        if self.has(&entry.id) {
            return Ok(Admitted::Known);
        }
        let missing: Vec<_> = entry.parents.iter().filter(|parent| !self.has(parent)).copied().collect();
        if !missing.is_empty() {
            return Ok(Admitted::Waits(missing));
        }
        let past = self.check(entry)?;
        self.insert(entry, past);
        Ok(Admitted::New)
    }

    /// The checks that look at nothing but the entry and its past, so that all phones refuse alike.
    fn check(&self, entry: &Entry) -> Result<Past, Refused> {
        if matches!(entry.act, Act::Genesis(..)) != self.is_empty() || self.is_empty() != entry.parents.is_empty() {
            return Err(Refused::Genesis);
        }
        if self.nodes.len() >= MAX_ENTRIES {
            return Err(Refused::Full);
        }
        let parents: Vec<_> = entry.parents.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
        let nodes = || parents.iter().filter_map(|parent| self.node(*parent));
        if entry.depth != nodes().map(|parent| parent.depth + 1).max().unwrap_or(0) {
            return Err(Refused::Depth);
        }
        if nodes().any(|parent| parent.date_s > entry.date_s) {
            return Err(Refused::Date);
        }
        if !right(entry) {
            return Err(Refused::Right);
        }
        let past = Past::join(parents.iter().filter_map(|at| self.node(*at).map(|node| (*at, &node.past))));
        if let Act::Genesis(leaf, _) = &entry.act {
            return if leaf.id == entry.author && entry.own == [0; 16] { Ok(past) } else { Err(Refused::Author) };
        }
        let leaf = *self.place_of.get(&entry.author).ok_or(Refused::Author)?;
        let place = self.place(leaf).ok_or(Refused::Author)?;
        if !self.came_in(leaf, &past) || (entry.signer != Signer::Leaf && place.lineage != Some(leaf)) {
            return Err(Refused::Author);
        }
        let own = match entry.signer {
            Signer::Leaf => self.newest_of(leaf, |at| past.has(at)),
            Signer::Authority | Signer::Deputy(_) => [0; 16],
        };
        if entry.own != own {
            return Err(Refused::Own);
        }
        if let Act::Leaf(new, _) = &entry.act {
            let root = place.lineage.and_then(|root| self.place(root)).ok_or(Refused::Author)?;
            let before = root.devices.iter().filter(|at| past.has(**at)).count();
            let known = self.place_of.get(&new.id).and_then(|at| self.place(*at)).and_then(|known| known.lineage);
            if root.owner != new.owner
                || before >= MAX_BROUGHT
                || known.is_some_and(|known| Some(known) != place.lineage)
            {
                return Err(Refused::Leaf);
            }
        }
        Ok(past)
    }

    /// Whether an entry in `past` brings this leaf in, be it valid or not.
    fn came_in(&self, leaf: LeafIndex, past: &Past) -> bool {
        leaf == 0
            || self.place(leaf).is_some_and(|place| place.adds.iter().chain(&place.brought).any(|at| past.has(*at)))
    }

    /// The first half of the id of a leaf's newest entry among those that `among` accepts: the deepest, then the lowest
    /// id.
    fn newest_of(&self, leaf: LeafIndex, among: impl Fn(Index) -> bool) -> [u8; 16] {
        let wrote = self.place(leaf).map_or(&[][..], |place| &place.wrote);
        let nodes = wrote.iter().filter(|at| among(**at)).filter_map(|at| self.node(*at));
        let newest = nodes.min_by(|a, b| b.depth.cmp(&a.depth).then(a.id.cmp(&b.id)));
        newest.and_then(|node| node.id.first_chunk().copied()).unwrap_or([0; 16])
    }

    fn insert(&mut self, entry: &Entry, past: Past) {
        let at = self.nodes.len() as Index;
        let leaf = self.intern(entry.author);
        let lineage = self.place(leaf).and_then(|place| place.lineage).unwrap_or(leaf);
        let act = self.file(at, lineage, entry);
        if entry.signer == Signer::Leaf {
            self.chains.entry((leaf, entry.own)).or_default().push(at);
            self.edit(leaf, |place| place.wrote.push(at));
        }
        for parent in &entry.parents {
            self.heads.remove(parent);
        }
        self.heads.insert(entry.id);
        self.by_id.insert(entry.id, at);
        let Entry { id, signer, seat, depth, date_s, .. } = *entry;
        self.nodes.push(Node { id, signer, leaf, lineage, seat, depth, date_s, act, past });
    }

    /// Notes an entry at whatever it is about.
    fn file(&mut self, at: Index, lineage: LeafIndex, entry: &Entry) -> Deed {
        match &entry.act {
            Act::Genesis(leaf, settings) => {
                self.root(leaf, None);
                self.initial.clone_from(settings);
                Deed::Other
            }
            Act::Add(leaf) => {
                self.root(leaf, Some(at));
                Deed::Add
            }
            Act::Leave => {
                self.edit(lineage, |place| place.leaves.push(at));
                Deed::Leave
            }
            Act::Remove(root) => {
                self.about(*root, |place| place.removes.push(at));
                Deed::Remove
            }
            Act::Leaf(leaf, replaces) => {
                let new = self.intern(leaf.id);
                self.edit(lineage, |place| place.devices.push(at));
                self.edit(new, |place| {
                    place.lineage = Some(lineage);
                    place.owner = leaf.owner;
                    place.brought.push(at);
                });
                Deed::Leaf { new, replaces: replaces.map(|id| self.intern(id)) }
            }
            Act::Unleaf(leaves) => {
                for leaf in leaves {
                    let leaf = self.intern(*leaf);
                    self.edit(leaf, |place| match entry.signer {
                        Signer::Leaf => place.voted_out.push(at),
                        Signer::Authority | Signer::Deputy(_) => place.put_out.push(at),
                    });
                }
                Deed::Unleaf
            }
            Act::Grant(root, seat) => {
                self.about(*root, |place| place.grants.push(at));
                Deed::Grant { seat: *seat }
            }
            Act::Set(setting) => {
                self.sets.push(at);
                Deed::Set(setting.clone())
            }
            Act::Rekey(commit) => {
                self.rekeys.push(at);
                Deed::Rekey(*commit)
            }
            Act::Close => {
                self.closes.push(at);
                Deed::Close
            }
            Act::DeputyOff(key) => {
                self.deputies_off.entry((lineage, *key)).or_default().push(at);
                Deed::Other
            }
            Act::Refuse | Act::Unknown => Deed::Other,
        }
    }

    fn root(&mut self, leaf: &Leaf, add: Option<Index>) {
        let root = self.intern(leaf.id);
        self.edit(root, |place| {
            place.lineage = Some(root);
            place.owner = leaf.owner;
            place.adds.extend(add);
        });
    }

    fn intern(&mut self, id: LeafId) -> LeafIndex {
        let next = self.places.len() as LeafIndex;
        let at = *self.place_of.entry(id).or_insert(next);
        if at == next {
            self.places.push(Place { id, ..Place::default() });
        }
        at
    }

    fn node(&self, at: Index) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    fn place(&self, at: LeafIndex) -> Option<&Place> {
        self.places.get(at as usize)
    }

    fn about(&mut self, id: LeafId, change: impl FnOnce(&mut Place)) {
        let at = self.intern(id);
        self.edit(at, change);
    }

    fn edit(&mut self, leaf: LeafIndex, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.places.get_mut(leaf as usize) {
            change(place);
        }
    }
}

/// Whether a kind can be signed by this key and with this seat at all.
fn right(entry: &Entry) -> bool {
    let Entry { signer, seat, .. } = entry;
    let by_leaf = *signer == Signer::Leaf;
    match &entry.act {
        Act::Genesis(..) | Act::Close => by_leaf && *seat == 0,
        Act::Add(_) | Act::Leave | Act::Rekey(_) => by_leaf,
        Act::Unknown => by_leaf || *seat == MEMBER,
        Act::Remove(_) | Act::Refuse => by_leaf && *seat < MEMBER,
        Act::Set(setting) => by_leaf && (*seat < MEMBER || COMMON.contains(&setting.field)),
        Act::Leaf(..) => *seat == MEMBER,
        Act::Unleaf(leaves) => (1..=4).contains(&leaves.len()) && by_leaf == (*seat < MEMBER),
        Act::Grant(_, given) => by_leaf && seat < given,
        Act::DeputyOff(_) => *signer == Signer::Authority && *seat == MEMBER,
    }
}
