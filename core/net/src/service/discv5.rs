//! Finds other nodes over UDP: discv5 under Waku's protocol id, with the `discv5` crate.
//!
//! The node's own record names its addresses and services. Records of the same network that a walk finds are handed out
//! by peer exchange, and some of their nodes become relay peers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use discv5::{Discv5, ListenConfig};
use enr::CombinedKey;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use sotto_wire::waku::{Services, ShardSet, join_addresses, record_key};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::StartError;
use super::config::{NodeConfig, NodeKey};
use super::finding::Found;
use crate::address::{ip_of, is_private};
use crate::discovery::discv5 as discovery;
use crate::discovery::record::NodeRecord;
use crate::{clock, random};

/// First wait between walks; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Most results of walks that wait.
pub(super) const DEPTH: usize = 4;

pub(super) struct Prepared {
    socket: std::net::UdpSocket,
    key: CombinedKey,
    bootstrap: Vec<discv5::Enr>,
}

/// Binds the socket and reads the bootstrap records.
pub(super) fn prepare(config: &NodeConfig, key: &NodeKey) -> Result<Option<Prepared>, StartError> {
    let Some(discovery) = &config.discovery else {
        return Ok(None);
    };
    let mut bootstrap = Vec::with_capacity(discovery.bootstrap.len());
    for (index, text) in discovery.bootstrap.iter().enumerate() {
        bootstrap.push(text.parse().map_err(|_| StartError::Bootstrap(index))?);
    }
    let socket = std::net::UdpSocket::bind(discovery.listen).map_err(StartError::Udp)?;
    socket.set_nonblocking(true).map_err(StartError::Udp)?;
    let mut bytes = key.to_bytes();
    // The conversion wipes its copy.
    let key = CombinedKey::secp256k1_from_bytes(&mut bytes);
    Ok(Some(Prepared {
        socket,
        key: key.map_err(|_| StartError::Udp(std::io::ErrorKind::InvalidInput.into()))?,
        bootstrap,
    }))
}

/// The own record, as far as it is known. Without a known address, the node's peers tell which is its own.
fn record(
    config: &NodeConfig,
    key: &CombinedKey,
    udp: SocketAddr,
    reached: &Reached<'_>,
) -> Result<discv5::Enr, enr::Error> {
    let mut builder = discv5::Enr::builder();
    builder.seq(clock::now_s());
    if let Some(ip) = reached.ip {
        builder.ip(ip);
    }
    if udp.is_ipv4() {
        builder.udp4(udp.port());
        reached.tcp.map(|port| builder.tcp4(port));
    } else {
        builder.udp6(udp.port());
        reached.tcp.map(|port| builder.tcp6(port));
    }
    if let Some(shards) = ShardSet::new(config.cluster, config.sharding.list()) {
        let (key, value) = shards.to_value();
        builder.add_value(key, &value.as_slice());
    }
    let store = if config.store { Services::STORE } else { 0 };
    let services = Services::RELAY | Services::FILTER | Services::LIGHT_PUSH | store;
    builder.add_value(record_key::SERVICES, &[services].as_slice());
    let plain = builder.build(key)?;
    if reached.others.is_empty() {
        return Ok(plain);
    }
    let value = join_addresses(reached.others.iter().map(|address| address.as_ref()));
    builder.add_value(record_key::ADDRESSES, &value.as_slice());
    // The record is too long with these addresses, so it goes without them.
    Ok(builder.build(key).unwrap_or(plain))
}

#[derive(Debug, PartialEq, Eq)]
struct Reached<'a> {
    /// Ports for UDP and TCP; `None` if unknown.
    ip: Option<IpAddr>,
    tcp: Option<u16>,
    /// Addresses that do not fit these fields.
    others: Vec<&'a Multiaddr>,
}

impl<'a> Reached<'a> {
    /// The announced addresses, or else the listen addresses.
    fn new(udp: SocketAddr, announced: &'a [Multiaddr], bound: &'a [Multiaddr]) -> Self {
        let known = |ip: &IpAddr| !ip.is_unspecified();
        let all = if announced.is_empty() { bound } else { announced };
        let fits = |address: &&Multiaddr| ip_of(address).is_some_and(|ip| ip.is_ipv4() == udp.is_ipv4());
        let first = all.iter().filter(fits).find(|address| plain_port(address).is_some());
        let ip = match first.or_else(|| announced.iter().find(fits)) {
            Some(address) if !announced.is_empty() => ip_of(address),
            _ => Some(udp.ip()).filter(known),
        };
        let others = all.iter().filter(|address| Some(*address) != first && ip_of(address).as_ref().is_none_or(known));
        Self { ip, tcp: first.and_then(plain_port), others: others.collect() }
    }
}

/// The port of `/ip…/…/tcp/…` without anything after it.
fn plain_port(address: &Multiaddr) -> Option<u16> {
    let mut parts = address.iter().skip(1);
    match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(port)), None) => Some(port),
        _ => None,
    }
}

/// Starts the search once the listen addresses are known. Returns the own record, and the walk.
pub(super) fn begin(
    prepared: Prepared,
    config: &NodeConfig,
    announced: &[Multiaddr],
    bound: &[Multiaddr],
    found: mpsc::Sender<Vec<Found>>,
) -> Result<(String, impl Future<Output = ()> + Send + use<>), Box<dyn std::error::Error>> {
    let Prepared { socket, key, bootstrap } = prepared;
    let udp = socket.local_addr()?;
    let reached = Reached::new(udp, announced, bound);
    let record = record(config, &key, udp, &reached)?;
    let socket = Some(Arc::new(UdpSocket::from_std(socket)?));
    let listen = match udp.is_ipv4() {
        true => ListenConfig::FromSockets { ipv4: socket, ipv6: None },
        false => ListenConfig::FromSockets { ipv4: None, ipv6: socket },
    };
    let mut builder = discovery::builder(listen);
    if reached.ip.is_some() {
        builder.disable_enr_update(); // the address is known without peers
    }
    // In a private network, records with private addresses are wanted.
    let public = reached.ip.is_none_or(|ip| !is_private(&Multiaddr::from(ip)));
    if public {
        builder.enable_packet_filter();
    }
    let discv5 = Discv5::new(record, key, builder.build())?;
    for record in bootstrap {
        if let Err(reason) = discv5.add_enr(record) {
            log::warn!("a bootstrap record cannot be used: {reason}");
        }
    }
    let (cluster, shards) = (config.cluster, config.sharding.list());
    let fits = move |node: &NodeRecord| node.fits(cluster, &shards, u8::MAX);
    Ok((discv5.local_enr().to_base64(), walk(discv5, fits, public, found)))
}

/// Walks through all tables again and again, with growing waits.
async fn walk(mut discv5: Discv5, fits: impl Fn(&NodeRecord) -> bool, public: bool, found: mpsc::Sender<Vec<Found>>) {
    if let Err(error) = discv5.start().await {
        return log::error!("discv5 did not start: {error}");
    }
    let mut wait = FIRST_WAIT;
    loop {
        let read = discovery::walk(&discv5).await.into_iter();
        let read = read.filter_map(|mut node| {
            if public {
                node.keep_public();
            }
            let inside = !public;
            fits(&node).then_some(Found { node, inside })
        });
        if found.send(read.collect()).await.is_err() {
            return;
        }
        sleep(random::jitter(wait)).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
