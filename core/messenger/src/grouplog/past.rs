//! Which entries come before an entry.

use super::Index;

/// A set of entries by number: all below `base`, and those of `rest`. Logs are nearly straight, so `rest` is short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Past {
    base: Index,
    /// One bit for each number from `base` rounded down to 64; bits below `base` are set.
    rest: Vec<u64>,
}

const BITS: Index = 64;

impl Past {
    /// The parents and all that comes before them.
    pub(super) fn join<'a>(parents: impl Iterator<Item = (Index, &'a Self)>) -> Self {
        let mut all = Self::default();
        for (at, past) in parents {
            all.add(past);
            all.set(at);
        }
        all.settle();
        all
    }

    pub(super) fn has(&self, at: Index) -> bool {
        at < self.base || self.word(at / BITS) >> (at % BITS) & 1 == 1
    }

    fn word(&self, word: Index) -> u64 {
        let at = word.checked_sub(self.base / BITS).map(|at| at as usize);
        at.and_then(|at| self.rest.get(at)).copied().unwrap_or(0)
    }

    fn set(&mut self, at: Index) {
        if at < self.base {
            return;
        }
        let word = (at / BITS - self.base / BITS) as usize;
        if self.rest.len() <= word {
            self.rest.resize(word + 1, 0);
        }
        if let Some(bits) = self.rest.get_mut(word) {
            *bits |= 1 << (at % BITS);
        }
    }

    fn add(&mut self, other: &Self) {
        if other.base > self.base {
            let gone = ((other.base / BITS - self.base / BITS) as usize).min(self.rest.len());
            self.rest.drain(..gone);
            self.base = other.base;
        }
        let first = self.base / BITS;
        for (at, bits) in other.rest.iter().enumerate() {
            let Some(word) = (other.base / BITS + at as Index).checked_sub(first).map(|word| word as usize) else {
                continue;
            };
            if self.rest.len() <= word {
                self.rest.resize(word + 1, 0);
            }
            if let Some(mine) = self.rest.get_mut(word) {
                *mine |= bits;
            }
        }
    }

    /// Moves `base` over what is complete.
    fn settle(&mut self) {
        if let Some(first) = self.rest.first_mut() {
            *first |= (1 << (self.base % BITS)) - 1;
        }
        let full = self.rest.iter().take_while(|bits| **bits == u64::MAX).count();
        self.rest.drain(..full);
        let start = self.base / BITS * BITS + full as Index * BITS;
        let next = start + self.rest.first().map_or(0, |bits| bits.trailing_ones());
        self.base = self.base.max(next);
        if self.rest.len() == 1 && self.rest.first().is_some_and(|bits| *bits == (1 << (self.base % BITS)) - 1) {
            self.rest.clear();
        }
        self.rest.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// The packed set is the plain set, on random graphs of up to 300 entries.
        #[test]
        fn packed_and_plain_sets_are_equal(
            parents in prop::collection::vec(prop::collection::vec(0usize..20, 1..4), 1..300),
        ) {
            let mut plain: Vec<BTreeSet<Index>> = vec![BTreeSet::new()];
            let mut packed = vec![Past::default()];
            for back in parents {
                let n = packed.len();
                let named: BTreeSet<usize> = back.iter().map(|b| n - 1 - b.min(&(n - 1))).collect();
                let mut set = BTreeSet::new();
                for p in &named {
                    set.extend(&plain[*p]);
                    set.insert(*p as Index);
                }
                let past = Past::join(named.iter().map(|p| (*p as Index, &packed[*p])));
                prop_assert!((0..n as Index + 70).all(|at| past.has(at) == set.contains(&at)));
                plain.push(set);
                packed.push(past);
            }
        }
    }

    #[test]
    fn a_straight_log_costs_no_bits() {
        let mut last = Past::default();
        for at in 0..1_000 {
            last = Past::join([(at, &last)].into_iter());
            assert_eq!(last, Past { base: at + 1, rest: Vec::new() });
        }
    }
}
