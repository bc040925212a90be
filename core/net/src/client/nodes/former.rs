//! Circles of nodes that left the book and may return. Without this memory such a node could see both halves of the
//! traffic, one after the other.

use std::collections::HashMap;

use libp2p::PeerId;

use super::Kind;
use crate::known::{KnownNode, Source};

pub(super) const MOST: usize = 2000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub(super) home: Kind,
    /// When it last answered, Unix seconds.
    pub(super) answered_s: u64,
    changed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Formers(HashMap<PeerId, Former>);

impl Formers {
    /// Whether one more fits without forgetting another.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<Former> {
        self.0.get(peer).copied()
    }

    pub(super) fn remove(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// Remembers a node, whether it is `stored` already or not. Returns the node that is forgotten for it: the one
    /// silent longest.
    pub(super) fn put(&mut self, peer: PeerId, home: Kind, answered_s: u64, stored: bool) -> Option<PeerId> {
        let former = Former { home, answered_s, changed: !stored };
        self.0.insert(peer, former);
        if self.0.len() <= MOST {
            return None;
        }
        let oldest = self.0.iter().min_by_key(|(_, one)| one.answered_s);
        let oldest = oldest.map(|(peer, _)| *peer)?;
        self.0.remove(&oldest);
        Some(oldest)
    }

    /// The entries to store since the last call.
    pub(super) fn take_changes(&mut self) -> impl Iterator<Item = KnownNode> {
        let changed = self.0.iter_mut().filter(|(_, one)| one.changed);
        changed.map(|(peer, one)| {
            one.changed = false;
            KnownNode {
                peer: peer.to_string(),
                addresses: Vec::new(),
                source: Source::Former,
                circle: one.home as u8,
                successes: 0,
                failures: 0,
                answered_s: one.answered_s,
            }
        })
    }
}
