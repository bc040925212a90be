//! Where the next entry of a log stands.

use super::past::Past;
use super::{EntryId, LeafId, Log, MAX_PARENTS, Node};

/// The place of an entry that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Its parents, rising.
    pub parents: Vec<EntryId>,
    /// Its depth.
    pub depth: u32,
    /// Its `own`.
    pub own: [u8; 16],
    /// Its earliest date, Unix seconds.
    pub date_s: u64,
}

impl Log {
    /// The deepest heads, at most so many.
    pub fn deepest(&self, most: usize) -> Vec<EntryId> {
        let node = |id: &EntryId| self.by_id.get(id).and_then(|at| self.node(*at));
        let mut heads: Vec<&Node> = self.heads.iter().filter_map(node).collect();
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.depth));
        heads.truncate(most);
        heads.into_iter().map(|head| head.id).collect()
    }

    /// The place of a leaf's next entry.
    pub fn next(&self, leaf: &LeafId) -> Next {
        let node = |id: &EntryId| self.by_id.get(id).and_then(|at| self.node(*at));
        let mut heads: Vec<&Node> = self.heads.iter().filter_map(node).collect();
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.depth));
        heads.truncate(MAX_PARENTS);
        let past = Past::join(heads.iter().filter_map(|head| self.by_id.get(&head.id).map(|at| (*at, &head.past))));
        let own = self.place_of.get(leaf).map_or([0; 16], |leaf| self.newest_of(*leaf, |at| past.has(at)));
        let mut parents: Vec<_> = heads.iter().map(|head| head.id).collect();
        parents.sort_unstable();
        let depth = heads.iter().map(|head| head.depth + 1).max().unwrap_or(0);
        let date_s = heads.iter().map(|head| head.date_s).max().unwrap_or(0);
        Next { parents, depth, own, date_s }
    }
}
