//! Relay peers to dial and to stay connected to.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::random;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Longest wait before redialling a peer that connects but does not relay: it costs more than one that is down.
const LONGEST_USELESS: Duration = Duration::from_secs(15 * 60);
const MOST: usize = 256;
/// Most candidates from discv5 or a phone.
const MOST_FOUND: usize = 16;
/// Failures in a row after which a new candidate may replace one.
const GIVEN_UP: u32 = 4;
const MOST_ADDRESSES: usize = 8;

#[derive(Debug)]
struct Neighbour {
    addresses: Vec<Multiaddr>,
    /// Failures since the peer last relayed.
    failures: u32,
    /// When to dial; `None` while connected or dialling.
    dial_at: Option<Instant>,
    /// When it last relayed or was reached; `None` if the peer dialled us.
    useful: Option<Instant>,
    /// Whether discv5 or a phone named it.
    found: bool,
}

#[derive(Debug)]
pub(crate) struct Neighbours {
    wanted: usize,
    patience: Duration,
    all: HashMap<PeerId, Neighbour>,
}

impl Neighbours {
    /// `wanted`: number of connected peers to keep. `patience`: how long a dialled peer may stay without relaying.
    pub(crate) fn new(found: Vec<(PeerId, Multiaddr)>, wanted: usize, patience: Duration, now: Instant) -> Self {
        let mut neighbours = Self { wanted, patience, all: HashMap::new() };
        neighbours.add(found, now);
        neighbours
    }

    /// Adds candidates, as far as there is room.
    pub(crate) fn add(&mut self, found: Vec<(PeerId, Multiaddr)>, now: Instant) {
        for (peer, address) in found {
            if self.all.len() >= MOST && !self.all.contains_key(&peer) {
                continue;
            }
            let neighbour = self.all.entry(peer).or_insert_with(|| Neighbour {
                addresses: Vec::new(),
                failures: 0,
                dial_at: Some(now),
                useful: None,
                found: false,
            });
            let addresses = &mut neighbour.addresses;
            if addresses.len() < MOST_ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }

    /// Adds a found candidate; if there are many, it replaces one that fails.
    pub(crate) fn found(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, now: Instant) {
        let known = self.all.contains_key(&peer);
        if !known && self.all.values().filter(|one| one.found).count() >= MOST_FOUND {
            let failing =
                self.all.iter().find(|(_, one)| one.found && one.failures >= GIVEN_UP && one.dial_at.is_some());
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

    /// The peers to dial now: random ones among those that did not fail recently.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let with = self.all.values().filter(|one| one.dial_at.is_none());
        let missing = self.wanted.saturating_sub(with.count());
        let mut due: Vec<_> =
            self.all.iter_mut().filter(|(_, neighbour)| neighbour.dial_at.is_some_and(|at| at <= now)).collect();
        random::shuffle(&mut due);
        due.into_iter()
            .take(missing)
            .map(|(peer, neighbour)| {
                neighbour.dial_at = None;
                (*peer, neighbour.addresses.clone())
            })
            .collect()
    }

    /// Records a connection; `dialled` says that we dialled.
    pub(crate) fn connected(&mut self, peer: &PeerId, dialled: bool, now: Instant) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.dial_at = None;
            if dialled {
                neighbour.useful.get_or_insert(now);
            }
        }
    }

    pub(crate) fn relays(&mut self, peer: &PeerId, now: Instant) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            neighbour.failures = 0;
            if let Some(useful) = &mut neighbour.useful {
                *useful = now;
            }
        }
    }

    /// Dialled peers that have not relayed for too long.
    pub(crate) fn useless(&self, now: Instant) -> Vec<PeerId> {
        let late = |at: Instant| now.saturating_duration_since(at) > self.patience;
        let useless = self.all.iter().filter(|(_, one)| one.useful.is_some_and(late));
        useless.map(|(peer, _)| *peer).collect()
    }

    /// Records that a peer is gone or could not be reached.
    pub(crate) fn lost(&mut self, peer: &PeerId, now: Instant) {
        if let Some(neighbour) = self.all.get_mut(peer) {
            let longest = match neighbour.useful.take() {
                Some(_) => LONGEST_USELESS,
                None => LONGEST_WAIT,
            };
            let wait = random::backoff(FIRST_WAIT, neighbour.failures, longest);
            neighbour.dial_at = Some(now + wait);
            neighbour.failures = neighbour.failures.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(15);

    fn one(now: Instant) -> (Neighbours, PeerId) {
        let peer = PeerId::random();
        let found = vec![(peer, "/ip4/127.0.0.1/tcp/1".parse().unwrap())];
        (Neighbours::new(found, 1, PATIENCE, now), peer)
    }

    #[test]
    fn as_many_as_wanted_and_others_when_one_is_lost() {
        let now = Instant::now();
        let address: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        let found = || (PeerId::random(), address.clone());
        let mut all = Neighbours::new((0..5).map(|_| found()).collect(), 2, PATIENCE, now);
        let first = all.due(now);
        assert_eq!(first.len(), 2);
        assert!(all.due(now).is_empty());
        all.connected(&first[0].0, true, now);
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
        let mut all = Neighbours::new(Vec::new(), usize::MAX, PATIENCE, now);
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

    /// A connection alone does not reset the waits: they grow until the peer relays.
    #[test]
    fn who_is_reached_and_does_not_relay_is_dialled_ever_more_rarely() {
        let mut now = Instant::now();
        let (mut all, peer) = one(now);
        for failures in 0..20 {
            assert_eq!(all.due(now).len(), 1);
            all.connected(&peer, true, now);
            assert!(all.useless(now + PATIENCE).is_empty());
            now += PATIENCE + Duration::from_secs(1);
            assert_eq!(all.useless(now), [peer]);
            all.lost(&peer, now);
            assert!(all.useless(now + PATIENCE * 9).is_empty(), "it is gone");
            let wait = (FIRST_WAIT * (1 << failures)).min(LONGEST_USELESS);
            assert!(all.due(now + wait / 2 - FIRST_WAIT / 10).is_empty());
            now += wait * 3 / 2;
        }
        assert_eq!(all.due(now).len(), 1);
        all.connected(&peer, true, now);
        all.relays(&peer, now + PATIENCE);
        assert!(all.useless(now + PATIENCE * 2).is_empty());
        all.lost(&peer, now);
        assert_eq!(all.due(now + FIRST_WAIT * 3 / 2).len(), 1);
    }

    #[test]
    fn who_relayed_and_does_so_no_more_is_of_no_use_either() {
        let now = Instant::now();
        let (mut all, peer) = one(now);
        all.connected(&peer, true, now);
        all.relays(&peer, now + PATIENCE * 100);
        assert!(all.useless(now + PATIENCE * 101).is_empty());
        assert_eq!(all.useless(now + PATIENCE * 102), [peer]);
    }

    #[test]
    fn who_dialled_us_may_relay_or_not() {
        let now = Instant::now();
        let (mut all, peer) = one(now);
        all.connected(&peer, false, now);
        assert!(all.useless(now + PATIENCE * 9).is_empty());
        // Both sides dialled.
        all.connected(&peer, true, now);
        all.connected(&peer, false, now + PATIENCE * 9);
        assert_eq!(all.useless(now + PATIENCE * 9), [peer]);
    }

    #[test]
    fn who_is_found_and_never_relays_leaves_his_place() {
        let now = Instant::now();
        let address = || vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()];
        let mut all = Neighbours::new(Vec::new(), usize::MAX, PATIENCE, now);
        let first = PeerId::random();
        all.found(first, address(), now);
        for _ in 1..MOST_FOUND {
            all.found(PeerId::random(), address(), now);
        }
        for _ in 0..GIVEN_UP {
            all.connected(&first, true, now);
            all.lost(&first, now);
        }
        let next = PeerId::random();
        all.found(next, address(), now);
        assert!(all.all.contains_key(&next) && !all.all.contains_key(&first));
    }
}
