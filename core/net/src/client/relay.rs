//! Relay mode: a service node in this process. It receives all messages of a shard by gossip, so no filter node gets a
//! topic while it has peers. It has its own key and connections. Own messages still leave through the publish circle.

use std::collections::BTreeSet;
use std::future::pending;
use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::nodes::{Kind, Nodes};
use super::relay_mode::{RelayMode, Todo};
use crate::address::{ip_of, port_of};
use crate::config::{NetConfig, Sharding, Timing};
use crate::discovery::record::NodeRecord;
use crate::handle::NodeNumber;
use crate::random;
use crate::service::{self, Heard, Limits, NodeConfig, NodeEvent, NodeHandle, NodeKey};

/// Relay peers to stay connected to: as many as a mesh takes at most.
const PEERS: usize = 8;
/// First number of relay peers, so that they differ from the numbers of service nodes.
const RELAY_NUMBERS: NodeNumber = 1 << 63;

struct Relay {
    node: NodeHandle,
    /// Stops when it is dropped.
    _task: JoinSet<()>,
    numbers: RandomState,
}

pub(super) enum Said {
    /// A message, and the number of the peer that sent it.
    Heard(Box<Heard>, NodeNumber),
    Node(NodeEvent),
}

impl Relay {
    /// Starts a relay with a fresh key. `serve`: listen for neighbours.
    fn start(config: &NetConfig, shards: BTreeSet<u16>, serve: bool) -> Result<Self, service::StartError> {
        let listen = if serve { config.listen.clone() } else { Vec::new() };
        let mut own = NodeConfig::new(listen, config.cluster, Sharding::Static(shards.into_iter().collect()));
        own.store = false; // a phone archives nothing
        own.peers_at_once = PEERS;
        own.dns_servers.clone_from(&config.dns_servers);
        own.max_message = config.max_message;
        own.limits = Limits::phone();
        own.traffic = Arc::clone(&config.traffic);
        let (node, future) = service::start_heard(own, NodeKey::generate())?;
        Ok(Self { node, _task: JoinSet::from_iter([future]), numbers: RandomState::new() })
    }
}

/// The rules of relay mode, and the running relay.
pub(super) struct Relaying {
    pub(super) mode: RelayMode,
    relay: Option<Relay>,
}

impl Relaying {
    pub(super) fn new(timing: Timing) -> Self {
        Self { mode: RelayMode::new(timing), relay: None }
    }

    /// The next event of the relay, if one runs.
    pub(super) async fn next(&mut self) -> Said {
        let Some(Relay { node, numbers, .. }) = &mut self.relay else {
            return pending().await;
        };
        tokio::select! {
            Some(heard) = node.heard.recv() => {
                let number = numbers.hash_one(heard.from) | RELAY_NUMBERS; // the number differs in the next run
                Said::Heard(Box::new(heard), number)
            }
            event = node.events.recv() => Said::Node(event.unwrap_or(NodeEvent::Stopped)),
        }
    }

    /// Stops and starts relays as due; returns how many peers a stopped relay had.
    pub(super) fn keep(
        &mut self,
        shards: &BTreeSet<u16>,
        config: &NetConfig,
        nodes: &Nodes,
        now: Instant,
    ) -> Option<u32> {
        let mut ended = None;
        let is_free = || config.listen.iter().all(|text| is_free(text));
        while let Some(todo) = self.mode.next(shards, is_free, now) {
            match todo {
                Todo::End => ended = self.end(),
                Todo::Start(serve) => match Relay::start(config, shards.clone(), serve) {
                    Ok(relay) => {
                        self.relay = Some(relay);
                        self.name_nodes(nodes);
                    }
                    Err(error) => {
                        log::error!("no relay mode: {error}");
                        self.mode.end();
                        self.mode.failed(now);
                    }
                },
            }
        }
        ended
    }

    /// Stops the relay; returns how many peers it had.
    pub(super) fn end(&mut self) -> Option<u32> {
        self.relay = None;
        self.mode.end()
    }

    /// Passes receive nodes to the relay. Publish nodes must not learn that this address listens.
    pub(super) fn name_nodes(&self, nodes: &Nodes) {
        let mut found: Vec<_> = nodes.of(Kind::Receive).collect();
        random::shuffle(&mut found); // the relay remembers only so many
        self.name(found.into_iter().map(|node| (node.is_inside(), node.peer, node.addresses.clone())));
    }

    /// Passes nodes found by discv5, `inside` a private network or not, to the relay alone; returns how many fit.
    pub(super) fn name_found(&self, records: &[NodeRecord], inside: bool) -> usize {
        self.name(records.iter().map(|record| (inside, record.peer, record.addresses.clone())))
    }

    fn name(&self, found: impl Iterator<Item = (bool, PeerId, Vec<Multiaddr>)>) -> usize {
        let Some(Relay { node, .. }) = &self.relay else {
            return 0;
        };
        let (inside, found): (Vec<_>, Vec<_>) =
            found.map(|(inside, peer, at)| (inside.then_some(peer), (peer, at))).unzip();
        inside.into_iter().flatten().for_each(|peer| node.insiders.add(peer));
        let count = found.len();
        let _ = node.found.try_send(found); // full: the relay has enough
        count
    }
}

/// Whether the address can be listened on now.
fn is_free(listen: &str) -> bool {
    let Ok(address) = listen.parse() else {
        return false;
    };
    let socket = ip_of(&address).zip(port_of(&address));
    socket.is_some_and(|socket| TcpListener::bind(socket).is_ok())
}
