//! The connections of one circle: the progress of each, and since when each is unused.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use super::nodes::{Offers, Service};
use crate::handle::NodeNumber;

/// Most connections of one circle.
pub(super) const MOST: usize = 4;
const IDENTIFY_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Link {
    node: NodeNumber,
    state: State,
    used: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Dialing,
    /// Connected; given up at this time without an identify.
    Identifying(Instant),
    /// It sent identify; its network is not known yet.
    Identified(Offers),
    Ready(Offers),
}

/// A node that can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) peer: PeerId,
    pub(super) node: NodeNumber,
    pub(super) offers: Offers,
}

#[derive(Debug, Default)]
pub(super) struct Links(HashMap<PeerId, Link>);

impl Links {
    /// Whether there is a connection, or an attempt.
    pub(super) fn has(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    pub(super) fn ready(&self, service: Service) -> impl Iterator<Item = Ready> {
        self.all_ready().filter(move |ready| ready.offers.has(service))
    }

    pub(super) fn all_ready(&self) -> impl Iterator<Item = Ready> {
        self.0.iter().filter_map(|(&peer, link)| match link.state {
            State::Ready(offers) => Some(Ready { peer, node: link.node, offers }),
            _ => None,
        })
    }

    /// Nodes that are becoming ready, and since when.
    pub(super) fn coming(&self) -> impl Iterator<Item = (NodeNumber, Instant)> {
        self.0.values().filter(|link| !matches!(link.state, State::Ready(_))).map(|link| (link.node, link.used))
    }

    pub(super) fn dialled(&mut self, peer: PeerId, node: NodeNumber, now: Instant) {
        self.0.insert(peer, Link { node, state: State::Dialing, used: now });
    }

    /// A node is connected; false if it is no longer wanted.
    pub(super) fn reached(&mut self, peer: &PeerId, now: Instant) -> bool {
        let link = self.0.get_mut(peer);
        link.map(|link| link.state = State::Identifying(now + IDENTIFY_WITHIN)).is_some()
    }

    /// A node sent identify. It is ready for requests when it is [admitted](Self::admit).
    pub(super) fn identified(&mut self, peer: PeerId, offers: Offers) -> Option<Ready> {
        let link = self.0.get_mut(&peer)?;
        link.state = match link.state {
            State::Ready(_) => State::Ready(offers), // it sent identify again
            _ => State::Identified(offers),
        };
        Some(Ready { peer, node: link.node, offers })
    }

    /// Whether a node still has to send identify.
    pub(super) fn is_unknown(&self, peer: &PeerId) -> bool {
        let link = self.0.get(peer);
        !link.is_some_and(|link| matches!(link.state, State::Identified(_) | State::Ready(_)))
    }

    pub(super) fn admit(&mut self, peer: &PeerId) {
        if let Some(link) = self.0.get_mut(peer)
            && let State::Identified(offers) = link.state
        {
            link.state = State::Ready(offers);
        }
    }

    /// Whether a node waits to be admitted.
    pub(super) fn to_admit(&self, peer: &PeerId) -> bool {
        self.0.get(peer).is_some_and(|link| matches!(link.state, State::Identified(_)))
    }

    /// A connection has ended; returns its node, and whether that had been ready.
    pub(super) fn remove(&mut self, peer: &PeerId) -> Option<(NodeNumber, bool)> {
        self.0.remove(peer).map(|link| (link.node, matches!(link.state, State::Ready(_))))
    }

    pub(super) fn touch(&mut self, peer: &PeerId, now: Instant) {
        if let Some(link) = self.0.get_mut(peer) {
            link.used = now;
        }
    }

    /// The connection unused longest, except those to `keep`, and when it was last used.
    pub(super) fn oldest(&self, keep: &[PeerId]) -> Option<(PeerId, Instant)> {
        let may_go = self.0.iter().filter(|(peer, _)| !keep.contains(peer));
        may_go.map(|(peer, link)| (*peer, link.used)).min_by_key(|(_, used)| *used)
    }

    /// Whether one more connection may start. If a connection is named, it has to end first.
    pub(super) fn room(&self, keep: &[PeerId]) -> Option<Option<PeerId>> {
        if self.0.len() < MOST {
            return Some(None);
        }
        let may_go = self.all_ready().map(|ready| ready.peer).filter(|peer| !keep.contains(peer));
        may_go.min_by_key(|peer| self.0.get(peer).map(|link| link.used)).map(Some)
    }

    /// Peers without an identify in time.
    pub(super) fn late(&self, now: Instant) -> Vec<(PeerId, NodeNumber)> {
        let late = self.0.iter().filter(|(_, link)| matches!(link.state, State::Identifying(until) if until <= now));
        late.map(|(peer, link)| (*peer, link.node)).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let until = |link: &Link| match link.state {
            State::Identifying(until) => Some(until),
            _ => None,
        };
        self.0.values().filter_map(until).min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const STORE: Offers = Offers {
        lightpush_v3: false,
        lightpush_v2: false,
        filter: false,
        store: true,
        metadata: true,
        peer_exchange: false,
        ping: false,
    };

    #[test]
    fn a_node_is_asked_nothing_before_it_is_admitted() {
        let (mut links, peer, now) = (Links::default(), PeerId::random(), Instant::now());
        assert!(!links.reached(&peer, now), "nobody asked for it");
        links.dialled(peer, 7, now);
        assert!(links.is_unknown(&peer) && links.deadline().is_none());
        assert!(links.reached(&peer, now));
        assert_eq!(links.deadline(), Some(now + IDENTIFY_WITHIN));
        links.admit(&peer);
        assert!(links.is_unknown(&peer), "it said nothing yet");
        assert_eq!(links.identified(peer, STORE).unwrap().node, 7);
        assert!(links.to_admit(&peer) && links.deadline().is_none());
        assert_eq!(links.ready(Service::Store).count(), 0);
        assert_eq!(links.coming().next(), Some((7, now)));
        links.admit(&peer);
        assert_eq!(links.ready(Service::Store).count(), 1);
        assert_eq!(links.ready(Service::Filter).count(), 0);
        links.identified(peer, Offers { filter: true, ..STORE });
        assert_eq!(links.ready(Service::Filter).count(), 1, "said anew");
        assert_eq!(links.remove(&peer), Some((7, true)));
        assert_eq!(links.remove(&peer), None);
    }

    #[test]
    fn who_does_not_say_what_it_is_is_late() {
        let (mut links, peer, now) = (Links::default(), PeerId::random(), Instant::now());
        links.dialled(peer, 1, now);
        assert!(links.late(now + 2 * IDENTIFY_WITHIN).is_empty(), "to reach it may take longer");
        links.reached(&peer, now);
        assert!(links.late(now + IDENTIFY_WITHIN - SECOND).is_empty());
        assert_eq!(links.late(now + IDENTIFY_WITHIN), [(peer, 1)]);
    }

    #[test]
    fn the_longest_unused_makes_room_if_it_is_ready_and_not_needed() {
        let (mut links, begin) = (Links::default(), Instant::now());
        let peers: Vec<PeerId> = (0..MOST).map(|_| PeerId::random()).collect();
        for (second, peer) in (0..).zip(&peers) {
            assert_eq!(links.room(&[]), Some(None));
            links.dialled(*peer, 0, begin + second * SECOND);
        }
        assert_eq!(links.room(&[]), None, "all are on their way");
        for peer in &peers {
            links.identified(*peer, STORE);
            links.admit(peer);
        }
        assert_eq!(links.room(&[]), Some(Some(peers[0])));
        assert_eq!(links.room(&peers[..2]), Some(Some(peers[2])));
        assert_eq!(links.room(&peers), None);
        links.touch(&peers[0], begin + 9 * SECOND);
        assert_eq!(links.room(&[]), Some(Some(peers[1])));
        assert_eq!(links.oldest(&peers[1..]), Some((peers[0], begin + 9 * SECOND)));
        assert_eq!(links.oldest(&peers), None);
    }
}
