//! The light client: filter, lightpush and store through two circles of nodes that share no node.
//!
//! The publish circle accepts messages and says whether they are stored. The receive circle pushes messages and answers
//! store queries. Each circle has its own swarm and a key made at start. A store query may also use a connection of its
//! own, and each upload does.

mod actor;
mod choose;
mod circle;
mod discover;
mod files;
mod filter;
mod gaps;
mod job;
mod jobs;
mod lightpush;
mod links;
mod nodes;
mod pace;
mod relay;
mod relay_mode;
mod store;
mod told;
mod upload;
mod witness;
mod work;

use std::future::Future;

use sotto_wire::waku::TreeUrl;
use tokio::sync::mpsc;

use crate::address::{AddressError, listenable, parse_node};
use crate::config::NetConfig;
use crate::handle::{COMMAND_DEPTH, EVENT_DEPTH, NetHandle};
use crate::names;

/// Why a client cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One of the node addresses cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Entry of this index (from 0) of the trees is no `enrtree://` URL.
    #[error("tree {0} is malformed")]
    Tree(usize),
    /// Listen address of this index (from 0) is no multiaddr.
    #[error("listen address {0} is malformed")]
    Listen(usize),
    /// DNS server of this index (from 0) is no IP address with optional port.
    #[error("DNS server {0} is malformed")]
    DnsServer(usize),
    /// The configuration names no shard.
    #[error("no shards configured")]
    NoShards,
    /// The transport could not be built.
    #[error("the transport could not be built")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes a client. It lives while the future runs, on a tokio runtime with IO and time enabled; one thread is enough.
/// The future ends after [`Event::Closed`](crate::Event::Closed), or when the handle is dropped. The client dials
/// nobody before the first command that needs a node.
pub fn start(config: NetConfig) -> Result<(NetHandle, impl Future<Output = ()> + Send), StartError> {
    let (found, trees) = read(&config)?;
    let (commands, command_queue) = mpsc::channel(COMMAND_DEPTH);
    let (event_queue, events) = mpsc::channel(EVENT_DEPTH);
    let actor = actor::Actor::new(config, found, trees, command_queue, event_queue);
    let actor = actor.map_err(|error| StartError::Transport(Box::new(error)))?;
    Ok((NetHandle { commands, events }, actor.run()))
}

/// The error that [`start`] would return for this configuration.
pub fn check(config: &NetConfig) -> Result<(), StartError> {
    read(config).map(|_| ())
}

fn read(config: &NetConfig) -> Result<(nodes::Found, Vec<TreeUrl>), StartError> {
    if config.sharding.list().is_empty() {
        return Err(StartError::NoShards);
    }
    let node = |(index, text): (usize, &String)| Ok(parse_node(index, text).map(|(peer, at)| (peer, vec![at]))?);
    let found = config.nodes.iter().enumerate().map(node).collect::<Result<_, StartError>>()?;
    let listens = |text: &String| text.parse().is_ok_and(|address| listenable(&address));
    if let Some(index) = config.listen.iter().position(|text| !listens(text)) {
        return Err(StartError::Listen(index));
    }
    if let Some(index) = config.dns_servers.iter().position(|text| !names::is_server(text)) {
        return Err(StartError::DnsServer(index));
    }
    let tree = |(index, text): (usize, &String)| text.parse().map_err(|_| StartError::Tree(index));
    let trees = config.dns_trees.iter().enumerate().map(tree).collect::<Result<_, _>>()?;
    Ok((found, trees))
}
