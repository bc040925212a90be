//! Relay mode: a node of our own in this process. It hears all of a shard by gossip, so no filter node is told a topic while it has peers;
//! its key and connections are its own. What we publish still leaves through the publish circle.

use std::collections::BTreeSet;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use libp2p::PeerId;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::actor::Actor;
use super::nodes::Kind;
use crate::config::{NetConfig, Sharding};
use crate::handle::{Event, NodeNumber};
use crate::service::{self, Heard, Limits, NodeConfig, NodeEvent, NodeHandle, NodeKey};

/// Relay peers to be connected with: what a mesh takes at most.
const PEERS: usize = 8;
/// Events that may wait for the engine, and bytes of messages, those that are handed over and not yet taken included.
/// What comes then is missed, and asked of a store.
const WAITING: usize = 256;
const WAITING_BYTES: usize = 2 * 1024 * 1024;
/// Numbers of relay peers are no numbers of service nodes.
const RELAY_NUMBERS: NodeNumber = 1 << 63;

/// A running relay.
pub(super) struct Relay {
    node: NodeHandle,
    task: JoinHandle<()>,
    shards: BTreeSet<u16>,
    numbers: RandomState,
    /// Peers in the mesh of the shard with fewest.
    pub(super) mesh: u32,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What it said.
pub(super) enum Said {
    Heard(Box<Heard>),
    Node(NodeEvent),
    Ended,
}

impl Relay {
    /// With a fresh key. `serve`: listen for neighbours.
    fn start(
        config: &NetConfig,
        shards: BTreeSet<u16>,
        serve: bool,
    ) -> Result<Self, service::StartError> {
        let listen = if serve {
            config.listen.clone()
        } else {
            Vec::new()
        };
        let sharding = Sharding::Static(shards.iter().copied().collect());
        let mut own = NodeConfig::new(listen, config.cluster, sharding);
        own.store = false; // a phone keeps nobody's messages
        own.peers_at_once = PEERS;
        own.dns_servers.clone_from(&config.dns_servers);
        own.max_message = config.max_message;
        own.limits = Limits::phone();
        own.traffic = Arc::clone(&config.traffic);
        let (node, future) = service::start_heard(own, NodeKey::generate())?;
        Ok(Self {
            node,
            task: tokio::spawn(future),
            shards,
            numbers: RandomState::new(),
            mesh: 0,
        })
    }

    async fn next(&mut self) -> Said {
        tokio::select! {
            Some(heard) = self.node.heard.recv() => Said::Heard(Box::new(heard)),
            event = self.node.events.recv() => event.map_or(Said::Ended, Said::Node),
        }
    }

    /// One number for each peer, and another in the next run.
    fn number(&self, peer: &PeerId) -> NodeNumber {
        self.numbers.hash_one(peer) | RELAY_NUMBERS
    }
}

/// What a relay says, should there be one.
pub(super) async fn next(relay: &mut Option<Relay>) -> Said {
    match relay {
        Some(relay) => relay.next().await,
        None => pending().await,
    }
}

impl Actor {
    /// Relays the shards of the wanted topics, or nothing.
    pub(super) fn keep_relay(&mut self) {
        let shards = if self.relaying {
            self.filter.shards()
        } else {
            BTreeSet::new()
        };
        let runs = self.relay.as_ref().map(|relay| &relay.shards);
        if runs.map_or(shards.is_empty(), |runs| *runs == shards) {
            return;
        }
        self.end_relay();
        if shards.is_empty() {
            return;
        }
        match Relay::start(&self.config, shards, self.serve) {
            Ok(relay) => self.relay = Some(relay),
            Err(error) => {
                log::error!("no relay mode: {error}");
                self.relaying = false;
            }
        }
        self.name_relay_peers();
    }

    /// Tells the relay the nodes of the receive circle: those of the publish circle are not to see that this address
    /// listens.
    pub(super) fn name_relay_peers(&self) {
        let Some(relay) = &self.relay else {
            return;
        };
        let mut found = Vec::new();
        for node in self.nodes.of(Kind::Receive) {
            found.extend(node.addresses.iter().map(|at| (node.peer, at.clone())));
        }
        let _ = relay.node.found.try_send(found); // full: it has plenty
    }

    /// Ends the relay, if there is one; what only it would have heard is missed.
    pub(super) fn end_relay(&mut self) {
        if self.relay.take().is_some() {
            self.filter.set_mesh(0);
            self.serving(Vec::new());
        }
    }

    fn serving(&mut self, addresses: Vec<String>) {
        if self.served != addresses {
            self.served.clone_from(&addresses);
            self.out.push_back(Event::Serving { addresses });
        }
    }

    pub(super) fn relay_said(&mut self, said: Said, now: Instant) {
        match said {
            Said::Heard(heard) => {
                let Some(relay) = &self.relay else {
                    return;
                };
                let node = relay.number(&heard.from);
                let room = self.out.len() < WAITING && self.waiting_bytes() < WAITING_BYTES;
                if heard.gap || !room {
                    self.filter.miss();
                }
                if room {
                    let topic = Some(heard.pubsub_topic);
                    let received = self.filter.receive(topic, heard.message, node, now);
                    self.out.extend(received.map(Event::Message));
                }
            }
            Said::Node(NodeEvent::Peers { mesh, .. }) => {
                if let Some(relay) = &mut self.relay {
                    relay.mesh = mesh;
                }
                self.filter.set_mesh(mesh);
            }
            Said::Node(NodeEvent::Listening { addresses }) => self.serving(addresses),
            Said::Node(NodeEvent::Record { .. }) => {}
            Said::Node(NodeEvent::ListenFailed { .. }) => {
                log::warn!("no neighbour is served: the listen address is not free");
                self.serve = false;
                self.end_relay(); // and begin again without it
            }
            Said::Node(NodeEvent::Stopped) | Said::Ended => {
                log::error!("relay mode ended by itself");
                self.relaying = false;
                self.end_relay();
            }
        }
    }
}
