//! Relay peers to stay connected with.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::random;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Neighbour {
    addresses: Vec<Multiaddr>,
    failures: u32,
    /// When to dial; `None` while connected or on the way.
    dial_at: Option<Instant>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Neighbours(HashMap<PeerId, Neighbour>);

impl Neighbours {
    pub(crate) fn new(found: Vec<(PeerId, Multiaddr)>, now: Instant) -> Self {
        let mut neighbours = Self(HashMap::new());
        neighbours.add(found, now);
        neighbours
    }

    /// Adds some.
    pub(crate) fn add(&mut self, found: Vec<(PeerId, Multiaddr)>, now: Instant) {
        for (peer, address) in found {
            let neighbour = self.0.entry(peer).or_insert_with(|| Neighbour {
                addresses: Vec::new(),
                failures: 0,
                dial_at: Some(now),
            });
            if !neighbour.addresses.contains(&address) {
                neighbour.addresses.push(address);
            }
        }
    }

    /// Whom to dial now.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.0
            .iter_mut()
            .filter(|(_, neighbour)| neighbour.dial_at.is_some_and(|at| at <= now))
            .map(|(peer, neighbour)| {
                neighbour.dial_at = None;
                (*peer, neighbour.addresses.clone())
            })
            .collect()
    }

    pub(crate) fn connected(&mut self, peer: &PeerId) {
        if let Some(neighbour) = self.0.get_mut(peer) {
            neighbour.dial_at = None;
            neighbour.failures = 0;
        }
    }

    /// Gone, or not reached.
    pub(crate) fn lost(&mut self, peer: &PeerId, now: Instant) {
        if let Some(neighbour) = self.0.get_mut(peer) {
            let wait = random::backoff(FIRST_WAIT, neighbour.failures, LONGEST_WAIT);
            neighbour.dial_at = Some(now + wait);
            neighbour.failures = neighbour.failures.saturating_add(1);
        }
    }
}
