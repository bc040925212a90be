//! Memory of one run about groups: logs and their meaning, expected tags, masks. It is rebuilt from the database.

use std::collections::HashMap;

use sotto_crypto::Tag;
use sotto_crypto::group::{Chain, MaskSecret};
use sotto_db::{GroupChain, Hash, Leaf as LeafId, Tables};
use sotto_wire::group::{Last, Leaf, Seed};

use crate::error::{Code, Error};
use crate::grouplog::{Log, State};

/// Tags expected of each chain whose leaf wrote in the last week, and of the others.
const ACTIVE: u32 = 32;
const OTHERS: u32 = 2;
const WEEK_MS: i64 = 7 * 86_400_000;
/// Most chains that count as active.
const MOST_ACTIVE: usize = 64;
/// Most tags in all; above, each chain has [`FEW`].
const TAGS: usize = 100_000;
const FEW: u32 = 8;

/// A chain's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) group: Hash,
    pub(crate) epoch: Hash,
    pub(crate) leaf: LeafId,
}

/// The log of a group, and what it means.
pub(crate) struct Known {
    pub(crate) log: Log,
    pub(crate) state: State,
    /// Of each removal: where the messages of who was removed end.
    pub(crate) lasts: HashMap<Hash, Vec<Last>>,
    /// The leaves that its entries brought in.
    pub(crate) leaves: HashMap<LeafId, Leaf>,
}

#[derive(Default)]
pub(crate) struct Memory {
    pub(super) known: HashMap<Hash, Known>,
    tags: HashMap<Tag, (Place, u32)>,
    expected: HashMap<Place, Vec<Tag>>,
    masks: Vec<(Hash, MaskSecret)>,
    /// Answers of each group in this hour: since when, and how many.
    pub(super) answers: HashMap<Hash, (i64, u32)>,
    /// Seeds whose epoch or add is not here.
    pub(super) seeds: Vec<(Place, Seed)>,
    /// Entries whose parents are missing.
    pub(super) waiting: HashMap<Hash, Vec<Vec<u8>>>,
}

impl Memory {
    pub(crate) fn load(tx: &Tables<'_>, now_ms: i64) -> Result<Self, Error> {
        let mut memory = Self::default();
        let mut own = HashMap::new();
        for group in tx.groups.all()? {
            memory.mask(group.id, &group.mask)?;
            own.insert(group.id, group.leaf);
        }
        for chain in tx.group_chains.all()? {
            if own.get(&chain.grp) != Some(&chain.leaf) {
                memory.expect(&chain, now_ms)?;
            }
        }
        Ok(memory)
    }

    /// Recognises masked envelopes of a group; `mask` is empty before the welcome.
    pub(crate) fn mask(&mut self, group: Hash, mask: &[u8]) -> Result<(), Error> {
        self.masks.retain(|(known, _)| *known != group);
        if !mask.is_empty() {
            let secret = mask.try_into().map_err(|_| Code::StorageCorrupt)?;
            self.masks.push((group, MaskSecret::new(secret)));
        }
        Ok(())
    }

    pub(crate) fn masks(&self) -> &[(Hash, MaskSecret)] {
        &self.masks
    }

    /// The chain and the number of the message that has this tag.
    pub(crate) fn find(&self, tag: &Tag) -> Option<(Place, u32)> {
        self.tags.get(tag).copied()
    }

    /// Expects the next messages of a chain; returns their tags.
    pub(crate) fn expect(&mut self, row: &GroupChain, now_ms: i64) -> Result<Vec<Tag>, Error> {
        let place = Place { group: row.grp, epoch: row.epoch, leaf: row.leaf };
        self.expect_nothing(&place);
        let chain = Chain::from_bytes(&row.chain).map_err(|_| Code::StorageCorrupt)?;
        let active = now_ms.saturating_sub(row.active_ms) < WEEK_MS || self.expected.len() < MOST_ACTIVE;
        let count = if active { ACTIVE } else { OTHERS };
        let count = if self.tags.len() > TAGS { count.min(FEW) } else { count };
        let tags = chain.tags(chain.n(), count);
        for (tag, n) in tags.iter().zip(chain.n()..) {
            self.tags.entry(*tag).or_insert((place, n));
        }
        self.expected.insert(place, tags.clone());
        Ok(tags)
    }

    pub(crate) fn expect_nothing(&mut self, place: &Place) {
        for tag in self.expected.remove(place).unwrap_or_default() {
            self.tags.remove(&tag);
        }
    }
}

crate::closed_debug!(Memory);
