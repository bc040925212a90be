//! Listen addresses of the node.

use std::collections::HashMap;

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

#[derive(Debug, Default)]
pub(super) struct Listening {
    listeners: HashMap<ListenerId, usize>,
    bound: Vec<Option<Multiaddr>>,
}

impl Listening {
    /// A listener was started, in the order of the configuration.
    pub(super) fn begun(&mut self, id: ListenerId) {
        self.listeners.insert(id, self.bound.len());
        self.bound.push(None);
    }

    /// Index of a listener in the configuration.
    pub(super) fn index(&self, id: ListenerId) -> Option<usize> {
        self.listeners.get(&id).copied()
    }

    /// A listener has an address; its first address counts. True if it had none before.
    pub(super) fn bound(&mut self, id: ListenerId, address: &Multiaddr) -> bool {
        let slot = self.index(id).and_then(|index| self.bound.get_mut(index));
        slot.filter(|slot| slot.is_none()).map(|slot| *slot = Some(address.clone())).is_some()
    }

    /// All addresses in order, once all are known.
    pub(super) fn all(&self) -> Option<Vec<Multiaddr>> {
        self.bound.iter().cloned().collect()
    }
}

pub(super) fn full(address: Multiaddr, me: PeerId) -> String {
    address.with(Protocol::P2p(me)).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn all_are_told_together_in_order_and_the_first_address_of_each_counts() {
        let mut listening = Listening::default();
        assert_eq!(listening.all(), Some(Vec::new()), "nowhere to listen");
        let ids = [ListenerId::next(), ListenerId::next()];
        ids.iter().for_each(|id| listening.begun(*id));
        let at = |port| -> Multiaddr { format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap() };
        assert!(listening.bound(ids[1], &at(2)));
        assert!(!listening.bound(ids[1], &at(3)), "another interface");
        assert!(!listening.bound(ListenerId::next(), &at(4)));
        assert_eq!(listening.all(), None);
        assert!(listening.bound(ids[0], &at(1)));
        assert_eq!(listening.all(), Some(vec![at(1), at(2)]));
        assert_eq!(ids.map(|id| listening.index(id)), [Some(0), Some(1)]);
    }
}
