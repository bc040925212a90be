//! Connected peers: what each may open and request, how each wants pushes, and when its connections end.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use sotto_wire::waku::protocol;
use tokio::time::Instant;

use super::alive::Alive;
use super::config::Limits;
use super::push::Style;
use super::slots::{Places, Slot, Slots};
use crate::exchange::PING;

/// Agents whose filter clients read one push from a stream.
const ONE_PUSH_A_STREAM: &str = "go-waku";

struct Peer {
    /// The peer's first connection, while it is open.
    first: Option<ConnectionId>,
    /// When that connection was made.
    since: Instant,
    /// The peer's slots for streams and room for pages.
    places: Places,
    /// The second in progress, and the peer's requests in it.
    window: (Instant, u32),
    style: Style,
    /// When to ping the peer, if it is a relay.
    alive: Alive,
    /// Whether the peer offers relay.
    relays: bool,
    /// Whether the peer was asked for its cluster on its latest connection.
    asked: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    Leave,
    Ask,
}

pub(super) struct Links {
    limits: Limits,
    slots: Slots,
    peers: HashMap<PeerId, Peer>,
}

impl Links {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, slots: Slots::new(limits), peers: HashMap::new() }
    }

    pub(super) fn has(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    pub(super) fn count(&self) -> usize {
        self.peers.len()
    }

    /// Records a connection; `dialled` says that we dialled. True if all connections of the peer must end: a relay peer
    /// that connects again although it has been connected for a while has lost the old connections, for example by a
    /// change of network, and we have not noticed.
    pub(super) fn met(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        address: &Multiaddr,
        dialled: bool,
        now: Instant,
    ) -> bool {
        let state = self.peers.entry(peer).or_insert_with(|| Peer {
            first: Some(connection),
            since: now,
            places: self.slots.places(address, self.limits.requests_at_once),
            window: (now, 0),
            style: Style::Each,
            alive: Alive::new(dialled),
            relays: false,
            asked: false,
        });
        state.asked = false;
        state.relays && now.saturating_duration_since(state.since) > self.limits.relay_within
    }

    /// Records the end of one of several connections. True if the others must end too. gossipsub sends its
    /// subscriptions on the first connection only, so a peer that lost that connection never gets them; after all
    /// connections end, it connects again. The first connection may also end because the peer was restarted and had
    /// connected again before.
    pub(super) fn lost_one(&mut self, peer: &PeerId, connection: ConnectionId) -> bool {
        let state = self.peers.get_mut(peer);
        state.is_some_and(|state| state.first.take_if(|first| *first == connection).is_some() && state.relays)
    }

    pub(super) fn gone(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }

    /// A peer sent identify, which it may repeat. js clients learn our shards when we ask for theirs.
    pub(super) fn identified(
        &mut self,
        peer: &PeerId,
        agent: &str,
        offers: impl Fn(&str) -> bool,
        now: Instant,
    ) -> Next {
        let Some(state) = self.peers.get_mut(peer) else {
            return Next::Nothing;
        };
        if !agent.starts_with(ONE_PUSH_A_STREAM) {
            state.style = Style::Lasting;
        }
        state.relays = offers(protocol::RELAY);
        if offers(PING) {
            state.alive.answers(now);
        }
        if state.relays && state.first.is_none() {
            return Next::Leave;
        }
        let ask = offers(protocol::METADATA) && !std::mem::replace(&mut state.asked, true);
        if ask { Next::Ask } else { Next::Nothing }
    }

    /// A slot for a stream that a peer opened, if one is free.
    pub(super) fn place(&mut self, peer: &PeerId, pings: bool, now: Instant) -> Option<Slot> {
        let state = self.peers.get_mut(peer)?;
        let slot = if pings { state.places.ping() } else { state.places.request() };
        match slot {
            Some(_) => state.alive.heard(now),
            None => log::debug!("a peer, or its address, has too many streams"),
        }
        slot
    }

    /// Waits for room for a page to a peer.
    pub(super) fn room(&self, peer: &PeerId) -> Option<impl Future<Output = Option<Slot>> + Send + 'static> {
        self.peers.get(peer).map(|state| state.places.page())
    }

    /// Counts a request; false if the peer has used its share of this second.
    pub(super) fn allows(&mut self, peer: &PeerId, now: Instant) -> bool {
        let Some(state) = self.peers.get_mut(peer) else {
            return false;
        };
        let (since, count) = state.window;
        state.window = if now.duration_since(since) >= Duration::from_secs(1) { (now, 1) } else { (since, count + 1) };
        state.window.1 <= self.limits.requests_per_second
    }

    pub(super) fn style(&self, peer: &PeerId) -> Option<Style> {
        self.peers.get(peer).map(|state| state.style)
    }

    /// A peer has sent something by itself.
    pub(super) fn heard(&mut self, peer: &PeerId, now: Instant) {
        if let Some(state) = self.peers.get_mut(peer) {
            state.alive.heard(now);
        }
    }

    /// A peer has answered a ping.
    pub(super) fn lives(&mut self, peer: &PeerId, now: Instant) {
        if let Some(state) = self.peers.get_mut(peer) {
            state.alive.answers(now);
        }
    }

    /// Whether to ping a relay peer now.
    pub(super) fn doubts(&mut self, peer: &PeerId, now: Instant) -> bool {
        self.peers.get_mut(peer).is_some_and(|state| state.alive.ask(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn met(links: &mut Links, peer: PeerId, number: usize, now: Instant) -> bool {
        links.met(peer, id(number), &Multiaddr::empty(), false, now)
    }

    fn relay(id: &str) -> bool {
        id == protocol::RELAY || id == protocol::METADATA
    }

    #[test]
    fn a_relay_peer_that_comes_again_after_a_while_is_left() {
        let (mut links, peer, begin) = (Links::new(Limits::default()), PeerId::random(), Instant::now());
        let late = begin + links.limits.relay_within + SECOND;
        assert!(!met(&mut links, peer, 1, begin));
        assert!(!met(&mut links, peer, 2, late), "a client may have two");
        assert_eq!(links.identified(&peer, "", relay, late), Next::Ask);
        assert!(!met(&mut links, peer, 3, begin + SECOND), "both dialled");
        assert!(met(&mut links, peer, 4, late));
        links.gone(&peer);
        assert!(!met(&mut links, peer, 5, late) && links.count() == 1);
    }

    #[test]
    fn a_relay_peer_without_its_first_connection_is_left() {
        let (mut links, peer, now) = (Links::new(Limits::default()), PeerId::random(), Instant::now());
        for number in [1, 2] {
            met(&mut links, peer, number, now);
        }
        links.identified(&peer, "", relay, now);
        assert!(!links.lost_one(&peer, id(2)));
        assert!(links.lost_one(&peer, id(1)) && !links.lost_one(&peer, id(1)));
        assert_eq!(links.identified(&peer, "", relay, now), Next::Leave);
        // The peer does not relay, so nothing is lost.
        assert_eq!(links.identified(&peer, "", |_| false, now), Next::Nothing);
        assert!(!links.lost_one(&PeerId::random(), id(1)));
    }

    #[test]
    fn a_peer_is_asked_for_its_cluster_once_a_connection() {
        let (mut links, peer, now) = (Links::new(Limits::default()), PeerId::random(), Instant::now());
        assert_eq!(links.identified(&peer, "", relay, now), Next::Nothing, "it is not connected");
        for number in [1, 2] {
            met(&mut links, peer, number, now);
            assert_eq!(links.identified(&peer, "", |_| false, now), Next::Nothing);
            assert_eq!(links.identified(&peer, "", relay, now), Next::Ask);
            assert_eq!(links.identified(&peer, "", relay, now), Next::Nothing);
        }
    }

    #[test]
    fn pushes_go_one_a_stream_until_it_is_known_that_they_need_not() {
        let (mut links, peer, now) = (Links::new(Limits::default()), PeerId::random(), Instant::now());
        assert_eq!(links.style(&peer), None);
        met(&mut links, peer, 1, now);
        links.identified(&peer, "go-waku/1.2", |_| false, now);
        assert_eq!(links.style(&peer), Some(Style::Each));
        links.identified(&peer, "js-waku", |_| false, now);
        assert_eq!(links.style(&peer), Some(Style::Lasting));
    }

    #[test]
    fn so_many_requests_a_second_and_so_many_at_once() {
        let limits = Limits { requests_per_second: 3, requests_at_once: 2, ..Limits::default() };
        let (mut links, peer, now) = (Links::new(limits), PeerId::random(), Instant::now());
        assert!(!links.allows(&peer, now) && links.place(&peer, false, now).is_none(), "it is not connected");
        met(&mut links, peer, 1, now);
        for begin in [now, now + SECOND] {
            assert_eq!((0..9).filter(|_| links.allows(&peer, begin)).count(), 3);
        }
        let held: Vec<Slot> = (0..9).filter_map(|_| links.place(&peer, false, now)).collect();
        assert_eq!(held.len(), 2);
        assert!(links.place(&peer, true, now).is_some(), "pings have places of their own");
        drop(held);
        assert!(links.place(&peer, false, now).is_some());
    }
}
