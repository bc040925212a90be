//! Where the node listens, who is connected, and what is said about both.

use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;

use super::actor::Actor;
use super::{NodeEvent, relay};

impl Actor {
    pub(super) fn listen(&mut self, listen: Vec<Multiaddr>) {
        self.bound = vec![None; listen.len()];
        for (index, address) in listen.into_iter().enumerate() {
            match self.swarm.listen_on(address) {
                Ok(id) => drop(self.listeners.insert(id, index)),
                Err(_) => return self.listen_failed(index),
            }
        }
        self.say_bound();
    }

    pub(super) fn listen_failed(&mut self, index: usize) {
        self.out.push_back(NodeEvent::ListenFailed { index });
        self.stopping = true;
    }

    fn say_bound(&mut self) {
        let me = *self.swarm.local_peer_id();
        let full = |address: &Option<Multiaddr>| {
            let address = address.clone()?.with(Protocol::P2p(me));
            Some(address.to_string())
        };
        if let Some(addresses) = self.bound.iter().map(full).collect() {
            let bound: Vec<Multiaddr> = self.bound.iter().flatten().cloned().collect();
            self.begin_discv5(&bound);
            self.out.push_back(NodeEvent::Listening { addresses });
        }
    }

    /// The first address of a listener counts.
    pub(super) fn bound(&mut self, id: ListenerId, address: Multiaddr) {
        let index = self.listeners.get(&id);
        if let Some(slot) = index.and_then(|index| self.bound.get_mut(*index))
            && slot.is_none()
        {
            *slot = Some(address);
            self.say_bound();
        }
    }

    /// Once a second at most, or a crowd would fill the channel.
    pub(super) fn count_peers(&mut self) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let behaviour = &self.swarm.behaviour().relay;
        let relays = count(relay::relays(behaviour).count());
        let now = (count(self.peers.len()), relays, relay::mesh(behaviour));
        if now == self.told {
            return;
        }
        self.told = now;
        self.out.retain(|event| !matches!(event, NodeEvent::Peers { .. }));
        self.out.push_back(NodeEvent::Peers { connected: now.0, relays: now.1, mesh: now.2 });
    }
}
