//! Events of the node that wait for the host.

use std::collections::VecDeque;

use super::NodeEvent;

#[derive(Debug, Default)]
pub(super) struct Told {
    out: VecDeque<NodeEvent>,
    /// Number of connected peers, of relaying peers, and of mesh peers.
    peers: (u32, u32, u32),
}

impl Told {
    pub(super) fn say(&mut self, event: NodeEvent) {
        self.out.push_back(event);
    }

    /// Reports the numbers of peers if they changed; several changes may become one event.
    pub(super) fn peers(&mut self, connected: usize, relays: usize, mesh: u32) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (connected, relays) = (count(connected), count(relays));
        if self.peers != (connected, relays, mesh) {
            self.peers = (connected, relays, mesh);
            self.out.retain(|event| !matches!(event, NodeEvent::Peers { .. }));
            self.say(NodeEvent::Peers { connected, relays, mesh });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<NodeEvent> {
        self.out.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_peers_only_the_last_number_waits() {
        let mut told = Told::default();
        told.peers(0, 0, 0);
        assert!(told.is_empty(), "nobody before, nobody now");
        told.say(NodeEvent::Stopped);
        (1..9).for_each(|count| told.peers(count, 1, 0));
        assert_eq!(told.next(), Some(NodeEvent::Stopped));
        assert_eq!(told.next(), Some(NodeEvent::Peers { connected: 8, relays: 1, mesh: 0 }));
        told.peers(8, 1, 0);
        assert_eq!(told.next(), None);
    }
}
