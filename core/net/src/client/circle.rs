//! One swarm with its own key, and the pair of swarms: network events in, requests out.

use std::time::Duration;

use futures::StreamExt as _;
use libp2p::identity::Keypair;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{PeerId, Swarm, connection_limits, identify};
use sotto_wire::waku::protocol;
use tokio::time::Instant;

use super::choose::{Choice, Wish};
use super::links::{self, Links, Ready};
use super::nodes::{Kind, Node, Nodes, Offers, Service};
use crate::config::NetConfig;
use crate::exchange::PING;
use crate::handle::{Connectivity, NodeNumber};
use crate::streams::{self, Inbound, Opener};
use crate::transport::{self, Insiders, TransportSetupError};

const STREAMS: usize = 64;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    streams: streams::Behaviour,
}

#[derive(Debug)]
pub(super) enum Happened {
    /// A node sent identify. It is ready for requests when it is [admitted](Links::admit).
    Identified(Ready),
    /// A node is gone or could not be reached, with whether it had been ready.
    Lost(PeerId, NodeNumber, bool),
    Stream(Inbound),
}

pub(super) struct Circle {
    swarm: Swarm<Behaviour>,
    pub(super) opener: Opener,
    insiders: Insiders,
    pub(super) links: Links,
}

impl Circle {
    pub(super) fn new(kind: Kind, config: &NetConfig) -> Result<Self, TransportSetupError> {
        let key = Keypair::generate_ed25519();
        let insiders = Insiders::default();
        let transport = transport::build(&key, &config.dns_servers, STREAMS, &config.traffic, &insiders)?;
        let accepted: &[&'static str] = match kind {
            Kind::Receive => &[PING, protocol::METADATA, protocol::FILTER_PUSH],
            Kind::Publish | Kind::Alone => &[PING, protocol::METADATA],
        };
        let streams = streams::Behaviour::new(accepted, true);
        let opener = streams.opener();
        let links = u32::try_from(links::MOST).ok();
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
            links: Links::default(),
        })
    }

    /// Starts a connection; false if that failed at once.
    pub(super) fn dial(&mut self, node: &Node, keep: &[PeerId], now: Instant) -> bool {
        let Some(room) = self.links.room(keep).filter(|_| !self.links.has(&node.peer)) else {
            return false;
        };
        if let Some(peer) = room {
            self.close(&peer);
        }
        if node.is_inside() {
            self.insiders.add(node.peer);
        }
        let options = DialOpts::peer_id(node.peer).addresses(node.addresses.clone()).build();
        let dialled = self.swarm.dial(options).is_ok();
        if dialled {
            self.links.dialled(node.peer, node.number, now);
        }
        dialled
    }

    /// Ends a connection; no [`Happened::Lost`] follows.
    pub(super) fn close(&mut self, peer: &PeerId) {
        self.links.remove(peer);
        let _ = self.swarm.disconnect_peer_id(*peer);
    }

    /// Closes connections that were unused for this long; returns when the next one is due.
    pub(super) fn close_unused(&mut self, unused: Duration, keep: &[PeerId], now: Instant) -> Option<Instant> {
        while let Some((peer, used)) = self.links.oldest(keep) {
            if used + unused > now {
                return Some(used + unused);
            }
            self.close(&peer);
        }
        None
    }

    pub(super) async fn next(&mut self) -> Option<Happened> {
        match self.swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                if !self.links.reached(&peer_id, Instant::now()) {
                    let _ = self.swarm.disconnect_peer_id(peer_id); // closed while it was being set up
                }
                None
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. }
            | SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), .. } => self.lost(peer_id),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.links.identified(peer_id, offers(&info)).map(Happened::Identified)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Error { peer_id, .. }))
                if self.links.is_unknown(&peer_id) =>
            {
                let _ = self.swarm.disconnect_peer_id(peer_id);
                self.lost(peer_id)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Streams(inbound)) => Some(Happened::Stream(inbound)),
            _ => None,
        }
    }

    fn lost(&mut self, peer: PeerId) -> Option<Happened> {
        let (node, was_ready) = self.links.remove(&peer)?;
        Some(Happened::Lost(peer, node, was_ready))
    }
}

fn offers(info: &identify::Info) -> Offers {
    let has = |id: &str| info.protocols.iter().any(|protocol| protocol.as_ref() == id);
    Offers {
        lightpush_v3: has(protocol::LIGHTPUSH_V3),
        lightpush_v2: has(protocol::LIGHTPUSH_V2),
        filter: has(protocol::FILTER_SUBSCRIBE),
        store: has(protocol::STORE),
        metadata: has(protocol::METADATA),
        peer_exchange: has(protocol::PEER_EXCHANGE),
        ping: has(PING),
    }
}

pub(super) struct Circles {
    publish: Circle,
    receive: Circle,
}

impl Circles {
    pub(super) fn new(config: &NetConfig) -> Result<Self, TransportSetupError> {
        Ok(Self { publish: Circle::new(Kind::Publish, config)?, receive: Circle::new(Kind::Receive, config)? })
    }

    pub(super) fn of(&mut self, kind: Kind) -> &mut Circle {
        match kind {
            Kind::Receive => &mut self.receive,
            Kind::Publish | Kind::Alone => &mut self.publish,
        }
    }

    pub(super) async fn next(&mut self) -> (Kind, Option<Happened>) {
        tokio::select! {
            happened = self.publish.next() => (Kind::Publish, happened),
            happened = self.receive.next() => (Kind::Receive, happened),
        }
    }

    /// Gives up peers without an identify in time.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(PeerId, NodeNumber)> {
        let mut all = Vec::new();
        for circle in [&mut self.publish, &mut self.receive] {
            let late = circle.links.late(now);
            late.iter().for_each(|(peer, _)| circle.close(peer));
            all.extend(late);
        }
        all
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.publish.links.deadline().into_iter().chain(self.receive.links.deadline()).min()
    }

    pub(super) fn online(&self) -> bool {
        self.publish.links.all_ready().chain(self.receive.links.all_ready()).next().is_some()
    }

    /// A ready node, else a connection is started; or a node for a connection of its own. `keep`: must not be closed.
    pub(super) fn reach(&mut self, wish: &Wish, nodes: &Nodes, keep: impl Fn() -> Vec<PeerId>, now: Instant) -> Choice {
        if wish.own_link {
            let linked = |peer: &PeerId| self.publish.links.has(peer) || self.receive.links.has(peer);
            return wish.alone(nodes, linked, now);
        }
        let circle = self.of(wish.kind);
        let mut refused = Vec::new();
        loop {
            match wish.choose(nodes, &circle.links, &refused, now) {
                Choice::Dial(node, until) if circle.dial(&node, &keep(), now) => return Choice::Wait(Some(until)),
                Choice::Dial(node, _) => refused.push(node.number),
                choice => return choice,
            }
        }
    }

    pub(super) fn connectivity(&self) -> Connectivity {
        let count = |circle: &Circle, of| u32::try_from(circle.links.ready(of).count()).unwrap_or(u32::MAX);
        Connectivity {
            publish_nodes: count(&self.publish, Service::LightPush),
            receive_nodes: count(&self.receive, Service::Filter),
            store: [&self.publish, &self.receive].into_iter().any(|circle| count(circle, Service::Store) > 0),
            ..Connectivity::default()
        }
    }
}
