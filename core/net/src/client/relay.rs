//! Relay mode: a node of our own in this process. It hears all of a shard by gossip, so no filter node is told a topic while it has peers;
//! its key and connections are its own. What we publish still leaves through the publish circle.

use std::collections::BTreeSet;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::actor::Actor;
use super::discover::RELAY;
use super::nodes::Kind;
use crate::address::ip_of;
use crate::config::{NetConfig, Sharding};
use crate::discovery::record::NodeRecord;
use crate::handle::{Event, NodeNumber};
use crate::random;
use crate::service::{self, Heard, Limits, NodeConfig, NodeEvent, NodeHandle, NodeKey};

/// Relay peers to be connected with: what a mesh takes at most.
const PEERS: usize = 8;
/// Events that may wait for the engine, and bytes of messages, those that are handed over and not yet taken included.
/// What comes then is missed, and asked of a store.
const WAITING: usize = 256;
const WAITING_BYTES: usize = 2 * 1024 * 1024;
/// Longest wait before what failed is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Numbers of relay peers are no numbers of service nodes.
const RELAY_NUMBERS: NodeNumber = 1 << 63;

/// Something that failed, and when it is tried again.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    not_before: Option<Instant>,
    failures: u32,
}

impl Trouble {
    fn failed(&mut self, base: Duration, now: Instant) {
        self.not_before = Some(now + random::backoff(base, self.failures, LONGEST_WAIT));
        self.failures = self.failures.saturating_add(1);
    }

    /// Until when it has to wait, if it has to.
    fn waits(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }
}

/// A running relay.
pub(super) struct Relay {
    node: NodeHandle,
    task: JoinHandle<()>,
    shards: BTreeSet<u16>,
    /// It listens where it is to listen.
    serves: bool,
    numbers: RandomState,
    /// Peers in the mesh of the shard with fewest.
    pub(super) mesh: u32,
    /// When there were last as many as are wanted, else when it began.
    pub(super) low_since: Instant,
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
    fn start(config: &NetConfig, shards: BTreeSet<u16>, serve: bool) -> Result<Self, service::StartError> {
        let listen = if serve { config.listen.clone() } else { Vec::new() };
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
            serves: serve,
            numbers: RandomState::new(),
            mesh: 0,
            low_since: Instant::now(),
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
    /// Relays the shards of the wanted topics, or nothing. What failed is tried again, ever more rarely.
    pub(super) fn keep_relay(&mut self, now: Instant) {
        let shards = if self.relaying { self.filter.shards() } else { BTreeSet::new() };
        let runs = self.relay.as_ref().map(|relay| &relay.shards);
        if runs.is_some_and(|runs| *runs == shards) {
            return self.serve_again(now);
        }
        self.end_relay();
        if shards.is_empty() {
            return;
        }
        if let Some(at) = self.no_relay.waits(now) {
            return self.wake_at(at);
        }
        let serve = self.not_served.waits(now).is_none();
        match Relay::start(&self.config, shards, serve) {
            Ok(relay) => self.relay = Some(relay),
            Err(error) => {
                log::error!("no relay mode: {error}");
                self.relay_failed(now);
            }
        }
        self.name_relay_peers();
    }

    fn relay_failed(&mut self, now: Instant) {
        self.no_relay.failed(self.config.timing.redial, now);
        if let Some(at) = self.no_relay.waits(now) {
            self.wake_at(at);
        }
    }

    /// A relay that could not listen begins anew with it, but only once the address is free: it costs its connections.
    fn serve_again(&mut self, now: Instant) {
        if self.relay.as_ref().is_none_or(|relay| relay.serves) {
            return;
        }
        if self.not_served.waits(now).is_none() {
            if self.config.listen.iter().all(|text| is_free(text)) {
                self.end_relay();
                return self.keep_relay(now);
            }
            self.not_served.failed(self.config.timing.redial, now);
        }
        if let Some(at) = self.not_served.waits(now) {
            self.wake_at(at);
        }
    }

    /// What failed before says nothing any more.
    pub(super) fn forgive_relay(&mut self) {
        (self.no_relay, self.not_served) = Default::default();
    }

    /// Tells the relay the nodes of the receive circle: those of the publish circle are not to see that this address
    /// listens.
    pub(super) fn name_relay_peers(&self) {
        let Some(relay) = &self.relay else {
            return;
        };
        let mut found = Vec::new();
        for node in self.nodes.of(Kind::Receive) {
            if node.is_inside() {
                relay.node.insiders.add(node.peer);
            }
            found.push((node.peer, node.addresses.clone()));
        }
        random::shuffle(&mut found); // it remembers so many only
        let _ = relay.node.found.try_send(found); // full: it has plenty
    }

    /// Tells the relay, and nobody else, whom discv5 found; how many they are.
    pub(super) fn name_relays(&self, records: &[NodeRecord], inside: bool) -> usize {
        let Some(relay) = &self.relay else {
            return 0;
        };
        let record_of = |record: &NodeRecord| (record.peer, record.addresses.clone());
        for record in records.iter().filter(|_| inside) {
            relay.node.insiders.add(record.peer);
        }
        let _ = relay.node.found.try_send(records.iter().map(record_of).collect());
        records.len()
    }

    /// Ends the relay, if there is one; what was on its way to it is missed, though a filter node be there already.
    pub(super) fn end_relay(&mut self) {
        if let Some(relay) = self.relay.take() {
            if relay.mesh > 0 {
                self.filter.miss();
            }
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
                    if relay.mesh >= RELAY {
                        relay.low_since = now;
                    }
                    relay.mesh = mesh;
                }
                if mesh > 0 {
                    self.no_relay = Trouble::default();
                }
                self.filter.set_mesh(mesh);
            }
            Said::Node(NodeEvent::Listening { addresses }) => {
                if self.relay.as_ref().is_some_and(|relay| relay.serves) {
                    self.not_served = Trouble::default();
                }
                self.serving(addresses);
            }
            Said::Node(NodeEvent::Record { .. }) => {}
            Said::Node(NodeEvent::ListenFailed { .. }) => {
                log::warn!("no neighbour is served: the listen address is not free");
                self.not_served.failed(self.config.timing.redial, now);
                self.end_relay(); // and begin again without it
            }
            Said::Node(NodeEvent::Stopped) | Said::Ended => {
                log::error!("relay mode ended by itself");
                self.end_relay();
                self.relay_failed(now);
            }
        }
    }
}

/// Whether one can listen there now.
fn is_free(listen: &str) -> bool {
    let Ok(address) = listen.parse::<Multiaddr>() else {
        return false;
    };
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    let socket = ip_of(&address).zip(port);
    socket.is_some_and(|socket| TcpListener::bind(socket).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_relay_that_ended_is_begun_again_ever_more_rarely() {
        let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        let (_commands, commands) = mpsc::channel(1);
        let (events, _events) = mpsc::channel(1);
        let mut actor = Actor::new(config, Vec::new(), Vec::new(), commands, events).unwrap();
        actor.relaying = true;
        actor.filter.want(vec!["/sotto/1/h00-0000/proto".into()]);
        let mut now = Instant::now();
        for failures in 0..20 {
            actor.settle(now);
            actor.relay.as_ref().unwrap().task.abort();
            let said = next(&mut actor.relay).await;
            actor.relay_said(said, now);
            actor.settle(now);
            assert!(actor.relay.is_none() && actor.relaying);
            let wait = actor.wake.unwrap() - now;
            let base = Duration::from_secs(1 << failures).min(LONGEST_WAIT);
            assert!(wait >= base / 2 && wait <= base * 3 / 2, "{wait:?}");
            now += wait;
        }
        actor.forgive_relay();
        actor.settle(now - LONGEST_WAIT / 4);
        assert!(actor.relay.is_some());
    }
}
