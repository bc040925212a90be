//! Finding other nodes over UDP: discv5 under Waku's protocol id, by the `discv5` crate.
//!
//! Our record says where we listen and what we serve. Records of the same network that a walk comes across are handed
//! out by peer exchange, and some of their nodes become relay peers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use discv5::{Discv5, ListenConfig};
use enr::CombinedKey;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use sotto_wire::waku::{Services, ShardSet, join_addresses, record_key};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::actor::Actor;
use super::config::{NodeConfig, NodeKey};
use super::{NodeEvent, StartError};
use crate::address::{ip_of, is_private};
use crate::discovery::discv5 as discovery;
use crate::discovery::record::NodeRecord;
use crate::random;

/// First wait between walks; doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Records remembered.
const RECORDS: usize = 60;
/// Of one IP address, loopback excepted.
const SAME_IP: usize = 4;
/// Walks' results that may wait.
pub(super) const DEPTH: usize = 4;

/// A node come across.
pub(super) struct Found {
    node: NodeRecord,
    /// Found in a private network.
    inside: bool,
}

/// What is needed to begin, checked at the start.
pub(super) struct Prepared {
    socket: std::net::UdpSocket,
    key: CombinedKey,
    bootstrap: Vec<discv5::Enr>,
}

/// Binds the socket and reads the records to begin with.
pub(super) fn prepare(config: &NodeConfig, key: &NodeKey) -> Result<Option<Prepared>, StartError> {
    let Some(discovery) = &config.discovery else {
        return Ok(None);
    };
    let mut bootstrap = Vec::with_capacity(discovery.bootstrap.len());
    for (index, text) in discovery.bootstrap.iter().enumerate() {
        bootstrap.push(text.parse().map_err(|_| StartError::Bootstrap { index })?);
    }
    let socket = std::net::UdpSocket::bind(discovery.listen).map_err(StartError::Udp)?;
    socket.set_nonblocking(true).map_err(StartError::Udp)?;
    let mut bytes = key.to_bytes();
    // It wipes the copy.
    let key = CombinedKey::secp256k1_from_bytes(&mut bytes);
    Ok(Some(Prepared {
        socket,
        key: key.map_err(|_| StartError::Udp(std::io::ErrorKind::InvalidInput.into()))?,
        bootstrap,
    }))
}

/// What we say of ourselves, as far as it is known. Where we listen on every address, and none was said, the peers will
/// tell which is ours.
fn record(
    config: &NodeConfig,
    key: &CombinedKey,
    udp: SocketAddr,
    reached: &Reached<'_>,
) -> Result<discv5::Enr, enr::Error> {
    let mut builder = discv5::Enr::builder();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    builder.seq(since.unwrap_or_default().as_secs());
    if let Some(ip) = reached.ip {
        builder.ip(ip);
    }
    match udp.is_ipv4() {
        true => drop(builder.udp4(udp.port())),
        false => drop(builder.udp6(udp.port())),
    }
    match (reached.tcp, udp.is_ipv4()) {
        (Some(port), true) => drop(builder.tcp4(port)),
        (Some(port), false) => drop(builder.tcp6(port)),
        (None, _) => {}
    }
    let shards = ShardSet::new(config.cluster, config.sharding.list());
    if let Some((key, value)) = shards.as_ref().map(ShardSet::to_value) {
        builder.add_value(key, &value.as_slice());
    }
    let mut services = Services::RELAY | Services::FILTER | Services::LIGHT_PUSH;
    if config.store {
        services |= Services::STORE;
    }
    builder.add_value(record_key::SERVICES, &[services].as_slice());
    let plain = builder.build(key)?;
    if reached.others.is_empty() {
        return Ok(plain);
    }
    let others: Vec<Vec<u8>> = reached.others.iter().map(|one| one.to_vec()).collect();
    let value = join_addresses(others.iter().map(Vec::as_slice));
    builder.add_value(record_key::ADDRESSES, &value.as_slice());
    // Too long with them: without them, then.
    Ok(builder.build(key).unwrap_or(plain))
}

/// Where others reach us.
#[derive(Debug, PartialEq, Eq)]
struct Reached<'a> {
    /// Over UDP, and over TCP at that port; `None`: unknown.
    ip: Option<IpAddr>,
    tcp: Option<u16>,
    /// Whatever does not fit in there.
    others: Vec<&'a Multiaddr>,
}

impl<'a> Reached<'a> {
    /// By what is announced, else by where we listen.
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

/// The port of `/ip…/…/tcp/…` with nothing behind it.
fn plain_port(address: &Multiaddr) -> Option<u16> {
    let mut parts = address.iter().skip(1);
    match (parts.next(), parts.next()) {
        (Some(Protocol::Tcp(port)), None) => Some(port),
        _ => None,
    }
}

impl Actor {
    /// Begins to look for nodes, now that it is known where we listen.
    pub(super) fn begin_discv5(&mut self, bound: &[Multiaddr]) {
        let Some(prepared) = self.discv5.take() else {
            return;
        };
        match self.make_discv5(prepared, bound) {
            Ok((discv5, public)) => {
                let record = discv5.local_enr().to_base64();
                self.out.push_back(NodeEvent::Record { record });
                let shards = self.config.sharding.list();
                let (cluster, sender) = (self.config.cluster, self.found.0.clone());
                let fits = move |node: &NodeRecord| node.fits(cluster, &shards, u8::MAX);
                self.walks.push(Box::pin(walk(discv5, fits, public, sender)));
            }
            Err(error) => log::error!("no discv5: {error}"),
        }
    }

    fn make_discv5(
        &self,
        prepared: Prepared,
        bound: &[Multiaddr],
    ) -> Result<(Discv5, bool), Box<dyn std::error::Error>> {
        let Prepared { socket, key, bootstrap } = prepared;
        let udp = socket.local_addr()?;
        let reached = Reached::new(udp, &self.announced, bound);
        let record = record(&self.config, &key, udp, &reached)?;
        let socket = Some(Arc::new(UdpSocket::from_std(socket)?));
        let listen = match udp.is_ipv4() {
            true => ListenConfig::FromSockets { ipv4: socket, ipv6: None },
            false => ListenConfig::FromSockets { ipv4: None, ipv6: socket },
        };
        let mut builder = discovery::builder(listen);
        if reached.ip.is_some() {
            builder.disable_enr_update(); // nobody need tell us
        }
        // In a private network the records of its nodes are what is looked for.
        let public = reached.ip.is_none_or(|ip| !is_private(&Multiaddr::from(ip)));
        if public {
            builder.enable_packet_filter();
        }
        let discv5 = Discv5::new(record, key, builder.build())?;
        for record in bootstrap {
            if let Err(reason) = discv5.add_enr(record) {
                log::warn!("a bootstrap record is of no use: {reason}");
            }
        }
        Ok((discv5, public))
    }

    /// Takes in what a walk came across.
    pub(super) fn found_records(&mut self, found: Vec<Found>, now: Instant) {
        let me = *self.swarm.local_peer_id();
        for one in found {
            let peer = one.node.peer;
            if peer == me || !self.learnt.take(peer, &one) {
                continue;
            }
            if !self.peers.contains_key(&peer) {
                if one.inside {
                    self.insiders.add(peer);
                }
                self.neighbours.found(peer, one.node.addresses, now);
            }
        }
    }
}

/// Records to hand out.
#[derive(Debug, Default)]
pub(super) struct Learnt(Vec<(PeerId, Option<IpAddr>, Vec<u8>)>);

impl Learnt {
    /// Remembers a record, in place of an older one of the same node, or at random of any when there are too many;
    /// false if its address has too many already.
    fn take(&mut self, peer: PeerId, found: &Found) -> bool {
        let ip = found.node.addresses.iter().find_map(ip_of);
        self.0.retain(|(other, ..)| *other != peer);
        let limited = ip.is_some_and(|ip| !ip.is_loopback());
        if limited && self.0.iter().filter(|(_, other, _)| *other == ip).count() >= SAME_IP {
            return false;
        }
        if self.0.len() >= RECORDS
            && let Some(index) = random::index(self.0.len())
        {
            self.0.swap_remove(index);
        }
        self.0.push((peer, ip, found.node.rlp.clone()));
        true
    }

    /// All but the asker's, in random order.
    pub(super) fn for_peer(&self, asker: &PeerId) -> Vec<Vec<u8>> {
        let others = self.0.iter().filter(|(peer, ..)| peer != asker);
        let mut records: Vec<Vec<u8>> = others.map(|(_, _, rlp)| rlp.clone()).collect();
        random::shuffle(&mut records);
        records
    }
}

/// Walks through the table of everybody's tables, again and again, ever more slowly.
async fn walk(mut discv5: Discv5, fits: impl Fn(&NodeRecord) -> bool, public: bool, found: mpsc::Sender<Vec<Found>>) {
    if let Err(error) = discv5.start().await {
        return log::error!("no discv5: {error}");
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
