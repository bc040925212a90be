//! Round-robin among nodes. It works on numbers only, so that the testkit's simulated nodes use the same code.

use crate::handle::NodeNumber;

/// Nodes that are asked in round-robin.
const REMEMBERED: usize = 16;

/// Nodes that may be chosen.
#[derive(Debug, Clone, Copy)]
pub struct Tier<'a> {
    only: Option<NodeNumber>,
    not: &'a [NodeNumber],
    last: bool,
}

impl Tier<'_> {
    /// Whether a node may be chosen. `last_resort` nodes are chosen only if there is no other.
    pub fn has(&self, node: NodeNumber, last_resort: bool) -> bool {
        (self.last || !last_resort) && self.only.is_none_or(|only| only == node) && !self.not.contains(&node)
    }
}

/// The tiers to choose from; a later tier serves only if all before are empty. The order: each preferred node by
/// itself; all others; nodes to avoid, the one avoided longest (the last named) first; then the last resorts in the
/// same order. `repeat`: nodes to avoid may be chosen at all.
pub fn tiers<'a>(prefer: &'a [NodeNumber], avoid: &'a [NodeNumber], repeat: bool) -> impl Iterator<Item = Tier<'a>> {
    let best = prefer.iter().map(|node| Tier { only: Some(*node), not: avoid, last: false });
    let all = avoid.len();
    let fewest = if repeat { 0 } else { all };
    let rest = [false, true].into_iter().flat_map(move |last| {
        (fewest..=all).rev().map(move |avoided| Tier {
            only: None,
            not: avoid.get(..avoided).unwrap_or_default(),
            last,
        })
    });
    best.chain(rest)
}

/// Nodes asked recently.
#[derive(Debug, Clone, Default)]
pub struct Turns(Vec<NodeNumber>);

impl Turns {
    /// Records that a node is asked.
    pub fn asked(&mut self, node: NodeNumber) {
        self.0.retain(|one| *one != node);
        self.0.insert(0, node);
        self.0.truncate(REMEMBERED);
    }

    /// The nodes asked last, the latest first; the next query avoids them.
    pub fn last(&self) -> &[NodeNumber] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(prefer: &[u64], avoid: &[u64], repeat: bool, last_resort: u64) -> Vec<u64> {
        let mut order = Vec::new();
        for tier in tiers(prefer, avoid, repeat) {
            let has = |node: &u64| tier.has(*node, *node == last_resort);
            let new: Vec<u64> = (0..6).filter(has).filter(|n| !order.contains(n)).collect();
            order.extend(new);
        }
        order
    }

    #[test]
    fn the_preferred_come_first_then_the_others_then_those_avoided_then_last_resorts() {
        assert_eq!(order(&[], &[], true, 9), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(&[4, 2], &[5, 1], true, 3), [4, 2, 0, 1, 5, 3]);
        assert_eq!(order(&[4, 5, 3], &[5, 1], true, 3), [4, 0, 2, 1, 5, 3]);
        assert_eq!(order(&[], &[5, 1], false, 9), [0, 2, 3, 4]);
    }

    #[test]
    fn all_have_their_turn() {
        let mut turns = Turns::default();
        for node in [7, 8, 7, 9] {
            turns.asked(node);
        }
        assert_eq!(turns.last(), [9, 7, 8]);
    }
}
