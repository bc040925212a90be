//! One swarm with a key of its own, and the state of its connections.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{PeerId, Swarm, connection_limits, identify};
use sotto_wire::waku::protocol;
use tokio::time::Instant;

use super::nodes::{Kind, Node, Offers, Service};
use crate::config::NetConfig;
use crate::exchange::PING;
use crate::handle::NodeNumber;
use crate::streams::{self, Inbound, Opener};
use crate::transport::{self, Insiders, TransportSetupError};

/// Most connections of one circle.
pub(crate) const MAX_LINKS: usize = 4;
/// Streams of one connection.
const STREAMS: usize = 64;
/// For a peer to say what it is.
const IDENTIFY_WITHIN: Duration = Duration::from_secs(10);
/// The behaviours of a light client's swarm.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    streams: streams::Behaviour,
}

/// A connection, or the attempt at one.
#[derive(Debug)]
struct Link {
    node: NodeNumber,
    state: LinkState,
    used: Instant,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkState {
    /// Being set up.
    Dialing,
    /// Connected; given up at this time unless the peer says what it is.
    Identifying(Instant),
    /// It said what it offers; whether it is of our network is not known yet.
    Identified(Offers),
    /// In use.
    Ready(Offers),
}

/// A node that can be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) peer: PeerId,
    pub(crate) node: NodeNumber,
    pub(crate) offers: Offers,
}

/// What a swarm event came to.
#[derive(Debug)]
pub(crate) enum Happened {
    /// A node said what it offers. It is ready for requests when it is [admitted](Circle::admit).
    Identified(Ready),
    /// A node is gone, or could not be reached; whether it had been ready.
    Lost(PeerId, NodeNumber, bool),
    /// A node opened a stream.
    Stream(Inbound),
}

/// One circle.
pub(crate) struct Circle {
    swarm: Swarm<Behaviour>,
    opener: Opener,
    insiders: Insiders,
    links: HashMap<PeerId, Link>,
}

impl Circle {
    /// A swarm with a fresh key and no connection.
    pub(crate) fn new(kind: Kind, config: &NetConfig) -> Result<Self, TransportSetupError> {
        let key = Keypair::generate_ed25519();
        let insiders = Insiders::default();
        let transport = transport::build(&key, &config.dns_servers, STREAMS, &config.traffic, &insiders)?;
        let accepted: &[&'static str] = match kind {
            Kind::Receive => &[PING, protocol::METADATA, protocol::FILTER_PUSH],
            Kind::Publish | Kind::Alone => &[PING, protocol::METADATA],
        };
        let streams = streams::Behaviour::new(accepted, true);
        let opener = streams.opener();
        let links = u32::try_from(MAX_LINKS).ok();
        let limits = connection_limits::ConnectionLimits::default()
            .with_max_established_incoming(Some(0))
            .with_max_established_outgoing(links)
            .with_max_established_per_peer(Some(1));
        let identify = transport::identify(key.public()).with_hide_listen_addrs(true);
        let behaviour = Behaviour {
            limits: connection_limits::Behaviour::new(limits),
            identify: identify::Behaviour::new(identify),
            streams,
        };
        let peer = key.public().to_peer_id();
        Ok(Self {
            swarm: Swarm::new(transport, behaviour, peer, transport::swarm_config()),
            opener,
            insiders,
            links: HashMap::new(),
        })
    }

    pub(crate) fn swarm(&mut self) -> &mut Swarm<Behaviour> {
        &mut self.swarm
    }

    pub(crate) fn opener(&self) -> Opener {
        self.opener.clone()
    }

    /// Whether there is a connection, or an attempt at one.
    pub(crate) fn has(&self, peer: &PeerId) -> bool {
        self.links.contains_key(peer)
    }

    /// Nodes ready for a service.
    pub(crate) fn ready(&self, service: Service) -> impl Iterator<Item = Ready> {
        self.all_ready().filter(move |ready| ready.offers.has(service))
    }

    /// Nodes that are ready for whatever they offer.
    pub(crate) fn all_ready(&self) -> impl Iterator<Item = Ready> {
        self.links.iter().filter_map(|(&peer, link)| match link.state {
            LinkState::Ready(offers) => Some(Ready { peer, node: link.node, offers }),
            _ => None,
        })
    }

    /// Nodes on their way to be ready, and since when.
    pub(crate) fn coming(&self) -> impl Iterator<Item = (NodeNumber, Instant)> {
        self.links.values().filter(|link| !matches!(link.state, LinkState::Ready(_))).map(|link| (link.node, link.used))
    }

    /// Takes a node into use that said what it offers.
    pub(crate) fn admit(&mut self, peer: &PeerId) {
        if let Some(link) = self.links.get_mut(peer)
            && let LinkState::Identified(offers) = link.state
        {
            link.state = LinkState::Ready(offers);
        }
    }

    /// Whether a node waits to be taken into use.
    pub(crate) fn to_admit(&self, peer: &PeerId) -> bool {
        let link = self.links.get(peer);
        link.is_some_and(|link| matches!(link.state, LinkState::Identified(_)))
    }

    /// Closes connections unused since then.
    pub(crate) fn close_unused(&mut self, since: Instant, keep: &[PeerId]) {
        let unused: Vec<_> = self
            .links
            .iter()
            .filter(|(peer, link)| link.used <= since && !keep.contains(peer))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in &unused {
            self.close(peer);
        }
    }

    /// When the connection longest unused was last used.
    pub(crate) fn oldest_use(&self, keep: &[PeerId]) -> Option<Instant> {
        self.links.iter().filter(|(peer, _)| !keep.contains(peer)).map(|(_, link)| link.used).min()
    }

    /// Marks a connection as used now.
    pub(crate) fn touch(&mut self, peer: &PeerId, now: Instant) {
        if let Some(link) = self.links.get_mut(peer) {
            link.used = now;
        }
    }

    /// Starts a connection; false when that was refused at once. `keep` are connections not to close for it.
    pub(crate) fn dial(&mut self, node: &Node, keep: &[PeerId], now: Instant) -> bool {
        if self.links.contains_key(&node.peer) || !self.make_room(keep) {
            return false;
        }
        if node.is_inside() {
            self.insiders.add(node.peer);
        }
        let options = DialOpts::peer_id(node.peer).addresses(node.addresses.clone()).build();
        if self.swarm.dial(options).is_err() {
            return false;
        }
        let link = Link { node: node.number, state: LinkState::Dialing, used: now };
        self.links.insert(node.peer, link);
        true
    }

    /// Closes the connection longest unused when all are taken.
    fn make_room(&mut self, keep: &[PeerId]) -> bool {
        if self.links.len() < MAX_LINKS {
            return true;
        }
        let oldest = self
            .links
            .iter()
            .filter(|(peer, link)| matches!(link.state, LinkState::Ready(_)) && !keep.contains(peer))
            .min_by_key(|(_, link)| link.used)
            .map(|(peer, _)| *peer);
        match oldest {
            Some(peer) => {
                self.close(&peer);
                true
            }
            None => false,
        }
    }

    /// Ends a connection; no [`Happened::Lost`] follows.
    pub(crate) fn close(&mut self, peer: &PeerId) {
        self.links.remove(peer);
        let _ = self.swarm.disconnect_peer_id(*peer);
    }

    /// Gives up peers that did not identify themselves in time.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<(PeerId, NodeNumber)> {
        let late: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| matches!(link.state, LinkState::Identifying(until) if until <= now))
            .map(|(peer, link)| (*peer, link.node))
            .collect();
        for (peer, _) in &late {
            self.close(peer);
        }
        late
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.links
            .values()
            .filter_map(|link| match link.state {
                LinkState::Identifying(until) => Some(until),
                _ => None,
            })
            .min()
    }

    /// Takes in a swarm event.
    pub(crate) fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>, now: Instant) -> Option<Happened> {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                match self.links.get_mut(&peer_id) {
                    Some(link) => link.state = LinkState::Identifying(now + IDENTIFY_WITHIN),
                    // Closed while it was being set up.
                    None => drop(self.swarm.disconnect_peer_id(peer_id)),
                }
                None
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. }
            | SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), .. } => self.lost(peer_id),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.identified(peer_id, &info)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Error { peer_id, .. })) => {
                let identified = |link: &Link| matches!(link.state, LinkState::Identified(_) | LinkState::Ready(_));
                if self.links.get(&peer_id).is_some_and(identified) {
                    return None;
                }
                let _ = self.swarm.disconnect_peer_id(peer_id);
                self.lost(peer_id)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Streams(inbound)) => Some(Happened::Stream(inbound)),
            _ => None,
        }
    }

    fn lost(&mut self, peer: PeerId) -> Option<Happened> {
        let link = self.links.remove(&peer)?;
        let ready = matches!(link.state, LinkState::Ready(_));
        Some(Happened::Lost(peer, link.node, ready))
    }

    fn identified(&mut self, peer: PeerId, info: &identify::Info) -> Option<Happened> {
        let has = |id: &str| info.protocols.iter().any(|protocol| protocol.as_ref() == id);
        let offers = Offers {
            lightpush_v3: has(protocol::LIGHTPUSH_V3),
            lightpush_v2: has(protocol::LIGHTPUSH_V2),
            filter: has(protocol::FILTER_SUBSCRIBE),
            store: has(protocol::STORE),
            metadata: has(protocol::METADATA),
            peer_exchange: has(protocol::PEER_EXCHANGE),
            ping: has(PING),
        };
        let link = self.links.get_mut(&peer)?;
        link.state = match link.state {
            LinkState::Ready(_) => LinkState::Ready(offers), // said anew
            _ => LinkState::Identified(offers),
        };
        let node = link.node;
        Some(Happened::Identified(Ready { peer, node, offers }))
    }
}
