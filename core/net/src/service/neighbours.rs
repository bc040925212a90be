//! Relay peers to stay connected with, or as many of them as are wanted.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::random;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Most of them.
const MOST: usize = 256;
/// Most that were found meanwhile.
const MOST_FOUND: usize = 16;
/// Failures in a row after which another takes the place of one of them.
const GIVEN_UP: u32 = 4;
/// Most addresses of one.
const MOST_ADDRESSES: usize = 8;

#[derive(Debug)]
struct Neighbour {
    addresses: Vec<Multiaddr>,
    failures: u32,
    /// When to dial; `None` while connected or on the way.
    dial_at: Option<Instant>,
    /// By discv5, or named by a phone.
    found: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Neighbours {
    wanted: usize,
    all: HashMap<PeerId, Neighbour>,
}

impl Neighbours {
    /// `wanted`: how many to be connected with at a time.
    pub(crate) fn new(found: Vec<(PeerId, Multiaddr)>, wanted: usize, now: Instant) -> Self {
        let all = HashMap::new();
        let mut neighbours = Self { wanted, all };
        neighbours.add(found, now);
        neighbours
    }

    /// Adds some, as far as there is room.
    pub(crate) fn add(&mut self, found: Vec<(PeerId, Multiaddr)>, now: Instant) {
        for (peer, address) in found {
            if self.all.len() >= MOST && !self.all.contains_key(&peer) {
                continue;
            }
            let neighbour = self.all.entry(peer).or_insert_with(|| Neighbour {
                addresses: Vec::new(),
                failures: 0,
                dial_at: Some(now),
                found: false,
            });
            let addresses = &mut neighbour.addresses;
            if addresses.len() < MOST_ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }

    /// Adds one that was found, when there are many in place of one that fails.
    pub(crate) fn found(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) {
        let known = self.all.contains_key(&peer);
        if !known && self.all.values().filter(|one| one.found).count() >= MOST_FOUND {
            let failing = self
                .all
                .iter()
                .find(|(_, one)| one.found && one.failures >= GIVEN_UP && one.dial_at.is_some());
            let Some(failing) = failing.map(|(peer, _)| *peer) else {
                return;
            };
            self.all.remove(&failing);
        }
        let addresses = addresses.into_iter().map(|address| (peer, address));
        self.add(addresses.collect(), now);
        if let Some(neighbour) = self.all.get_mut(&peer).filter(|_| !known) {
            neighbour.found = true;
        }
    }

    /// Whom to dial now: at random among those not lately in vain.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let with = self.all.values().filter(|one| one.dial_at.is_none());
        let missing = self.wanted.saturating_sub(with.count());
        let mut due: Vec<_> = self
            .all
            .iter_mut()
            .filter(|(_, neighbour)| neighbour.dial_at.is_some_and(|at| at <= now))
            .collect();
        random::shuffle(&mut due);
        due.into_iter()
            .take(missing)
            .map(|(peer, neighbour)| {
                neighbour.dial_at = None;
                (*peer, neighbour.addresses.clone())
            })
            .collect()
    }

    pub(crate) fn connected(&mut self, peer: &PeerId) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.dial_at = None;
            neighbour.failures = 0;
        }
    }

    /// Gone, or not reached.
    pub(crate) fn lost(&mut self, peer: &PeerId, now: Instant) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            let wait = random::backoff(FIRST_WAIT, neighbour.failures, LONGEST_WAIT);
            neighbour.dial_at = Some(now + wait);
            neighbour.failures = neighbour.failures.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn as_many_as_wanted_and_others_when_one_is_lost() {
        let now = Instant::now();
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let found = || (PeerId::random(), address.clone());
        let mut all = Neighbours::new((0..5).map(|_| found()).collect(), 2, now);
        let first = all.due(now);
        assert_eq!(first.len(), 2);
        assert!(all.due(now).is_empty());
        all.connected(&first[0].0);
        all.lost(&first[1].0, now);
        let next = all.due(now);
        assert_eq!(next.len(), 1);
        assert!(first.iter().all(|(peer, _)| *peer != next[0].0));
        all.add((0..1000).map(|_| found()).collect(), now);
        assert_eq!(all.all.len(), MOST);
    }

    #[test]
    fn who_is_found_again_takes_no_further_place_and_who_fails_leaves_his() {
        let now = Instant::now();
        let address = || vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()];
        let mut all = Neighbours::new(Vec::new(), usize::MAX, now);
        let first = PeerId::random();
        for _ in 0..2 * MOST_FOUND {
            all.found(first, address(), now);
        }
        for _ in 0..2 * MOST_FOUND {
            all.found(PeerId::random(), address(), now);
        }
        assert_eq!(all.all.len(), MOST_FOUND);
        for _ in 0..GIVEN_UP {
            all.lost(&first, now);
        }
        let next = PeerId::random();
        all.found(next, address(), now);
        assert_eq!(all.all.len(), MOST_FOUND);
        assert!(all.all.contains_key(&next) && !all.all.contains_key(&first));
    }
}
