//! Recently seen hashes, so that a message from two sides counts once.

use std::collections::{HashSet, VecDeque};

#[derive(Debug)]
pub(crate) struct Recent {
    capacity: usize,
    seen: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Recent {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Remembers a hash; false if it was known.
    pub(crate) fn insert(&mut self, hash: [u8; 32]) -> bool {
        if !self.seen.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    pub(crate) fn contains(&self, hash: &[u8; 32]) -> bool {
        self.seen.contains(hash)
    }

    pub(crate) fn remove(&mut self, hash: &[u8; 32]) {
        if self.seen.remove(hash) {
            self.order.retain(|one| one != hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_so_many_but_for_those_forgotten() {
        let mut recent = Recent::new(2);
        assert!(recent.insert([1; 32]) && !recent.insert([1; 32]));
        assert!(recent.insert([2; 32]));
        recent.remove(&[1; 32]);
        assert!(recent.insert([1; 32]));
        assert!(recent.contains(&[2; 32]) && recent.insert([3; 32]));
        assert!(!recent.contains(&[2; 32]));
        assert!(recent.contains(&[1; 32]) && recent.contains(&[3; 32]));
    }
}
