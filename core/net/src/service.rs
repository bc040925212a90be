//! The service node: relays by gossipsub and serves light clients.
//!
//! Data path: a message comes by gossipsub or lightpush → check → relay peers → once for each message hash to the
//! archive (an [`ArchiveRequest`] that the host answers) and to every filter subscriber of its topics. The node knows
//! no account and reads no payload. [`Limits`] bound subscriptions, streams, requests, queues and sizes.

mod actor;
mod alive;
mod archive;
mod config;
mod discv5;
mod filter;
mod finding;
mod gossip;
mod hearing;
mod lightpush;
mod links;
mod listen;
mod neighbours;
mod per_ip;
mod push;
mod pushers;
mod queue;
mod relay;
mod slots;
mod store;
mod swarm;
mod told;
mod work;

pub use archive::{ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest, Archived};
pub(crate) use hearing::Heard;
use hearing::Hearing;

pub use config::{Discv5Config, KeyError, Limits, NodeConfig, NodeKey, Request};

use std::future::Future;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;

use crate::address::{AddressError, parse_announced, parse_node};
use crate::transport::Insiders;

/// Most events that wait for the host.
const EVENT_DEPTH: usize = 16;
/// Most archive requests that wait, and their bytes. Beyond that, messages are relayed and not archived.
const ARCHIVE_DEPTH: usize = 1024;
const ARCHIVE_BYTES: usize = 16 * 1024 * 1024;
/// Most announced addresses: as many as readers take from a record.
const MOST_ANNOUNCED: usize = 8;
/// Most further relay peers that wait.
const FOUND_DEPTH: usize = 16;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Listen address of this index (from 0) is no multiaddr to listen on.
    #[error("listen address {0} is malformed")]
    Listen(usize),
    /// Announced address of this index (from 0) cannot be dialled by others, or is one too many.
    #[error(
        "address {0} to announce is no /ip4|ip6|dns4|dns6/HOST/tcp/PORT, also with /ws, /wss or /tls/ws, or is \
             beyond the eighth"
    )]
    Announce(usize),
    /// A relay peer's address cannot be used.
    #[error(transparent)]
    Peer(#[from] AddressError),
    /// Bootstrap record of this index (from 0) is no node record.
    #[error("bootstrap record {0} is malformed")]
    Bootstrap(usize),
    /// The UDP socket could not be bound.
    #[error("the UDP socket could not be bound")]
    Udp(#[source] std::io::Error),
    /// The configuration names no shard.
    #[error("no shards configured")]
    NoShards,
    /// The transport or gossipsub could not be built.
    #[error("the network stack could not be built")]
    Stack(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Events for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEvent {
    /// All listeners are bound: full multiaddrs ending in `/p2p/…`, one for each listen address, in order.
    Listening(Vec<String>),
    /// The node's own record, `enr:…`. Comes before [`Listening`](Self::Listening) if discv5 is on.
    Record(String),
    /// The listen address of this index (from 0) could not be bound; the node stops.
    ListenFailed(usize),
    /// The number of connected peers changed, including light clients; several changes may become one event.
    Peers {
        /// Number of connected peers.
        connected: u32,
        /// Number of peers that relay one of the node's shards.
        relays: u32,
        /// Number of mesh peers of the shard with the fewest.
        mesh: u32,
    },
    /// The last event.
    Stopped,
}

/// A running node. Dropping every [`NodeStop`] stops it.
#[derive(Debug)]
pub struct NodeHandle {
    /// Events of the node; `None` after it has stopped.
    pub events: mpsc::Receiver<NodeEvent>,
    /// Requests to the archive. If this is dropped, nothing is archived and store queries fail.
    pub archive: mpsc::Receiver<ArchiveRequest>,
    /// Stops the node.
    pub stop: NodeStop,
    /// Relayed messages, for a light client in relay mode.
    pub(crate) heard: mpsc::Receiver<Heard>,
    /// Further relay peers to dial.
    pub(crate) found: mpsc::Sender<Vec<(PeerId, Vec<Multiaddr>)>>,
    /// Which of them have names that may lead into a private network.
    pub(crate) insiders: Insiders,
}

/// A handle that stops a node.
#[derive(Debug, Clone)]
pub struct NodeStop(mpsc::Sender<()>);

impl NodeStop {
    /// Stops the node; [`NodeEvent::Stopped`] follows.
    pub fn stop(&self) {
        let _ = self.0.try_send(()); // full: the node is stopping already
    }
}

/// Makes a node. It lives while the future runs, on a tokio runtime with IO and time enabled.
pub fn start(config: NodeConfig, key: NodeKey) -> Result<(NodeHandle, impl Future<Output = ()> + Send), StartError> {
    let (mut handle, run) = start_heard(config, key)?;
    handle.heard.close(); // nobody reads it, and queued messages would wait for ever
    Ok((handle, run))
}

/// The same for a light client that receives the relayed messages.
pub(crate) fn start_heard(
    config: NodeConfig,
    key: NodeKey,
) -> Result<(NodeHandle, impl Future<Output = ()> + Send), StartError> {
    if config.sharding.list().is_empty() {
        return Err(StartError::NoShards);
    }
    let bind = |(index, text): (usize, &String)| text.parse().map_err(|_| StartError::Listen(index));
    let listen: Vec<Multiaddr> = config.listen.iter().enumerate().map(bind).collect::<Result<_, _>>()?;
    let announce = |(index, text): (usize, &String)| {
        parse_announced(text).filter(|_| index < MOST_ANNOUNCED).ok_or(StartError::Announce(index))
    };
    let announced = config.announce.iter().enumerate().map(announce).collect::<Result<_, _>>()?;
    let peer = |(index, text): (usize, &String)| parse_node(index, text);
    let peers: Vec<_> = config.peers.iter().enumerate().map(peer).collect::<Result<_, _>>()?;
    let (event_queue, events) = mpsc::channel(EVENT_DEPTH);
    let (archive_queue, archive) = queue::channel(ARCHIVE_DEPTH, ARCHIVE_BYTES);
    let (hearing, heard) = Hearing::new();
    let (found, found_queue) = mpsc::channel(FOUND_DEPTH);
    let (stop, stopped) = mpsc::channel(1);
    let ends = actor::Ends { events: event_queue, archive: archive_queue, hearing, found: found_queue, stopped };
    let insiders = Insiders::default();
    for (peer, _) in &peers {
        insiders.add(*peer);
    }
    let actor = actor::Actor::new(config, &key, announced, peers, insiders.clone(), ends)?;
    let handle = NodeHandle { events, archive, stop: NodeStop(stop), heard, found, insiders };
    Ok((handle, actor.run(listen)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Sharding;

    #[tokio::test]
    async fn a_node_by_itself_keeps_nothing_for_a_client() {
        let config = || NodeConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        let (alone, _run) = start(config(), NodeKey::generate()).unwrap();
        assert!(alone.heard.is_closed());
        let (relay, _run) = start_heard(config(), NodeKey::generate()).unwrap();
        assert!(!relay.heard.is_closed());
    }
}
