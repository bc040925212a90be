use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use libp2p::identity::{Keypair, secp256k1};
use sotto_wire::waku;
use tokio::sync::mpsc;

use crate::config::Sharding;
use crate::traffic::Traffic;

/// Configuration of [`service::start`](super::start).
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Where to listen: multiaddrs `/ip4/…/tcp/<port>` and `/ip4/…/tcp/<port>/ws`; port 0 takes a free one.
    pub listen: Vec<String>,
    /// Where others reach it, for a node that does not know by itself, as behind NAT or in a container: at most 8
    /// multiaddrs
    /// `/ip4|ip6|dns|dns4|dns6/…/tcp/<port>`, also with `/ws`, `/wss` or `/tls/ws` behind it. They take the place of
    /// the
    /// listen addresses in identify and in the record of discv5.
    pub announce: Vec<String>,
    /// Waku cluster.
    pub cluster: u16,
    /// Shards relayed and served.
    pub sharding: Sharding,
    /// Relay peers to stay connected with: multiaddrs ending in `/p2p/…`.
    pub peers: Vec<String>,
    /// How many of them at a time.
    pub peers_at_once: usize,
    /// This is the only node of its network: a message that reached it has arrived, although no relay peer took it.
    pub alone: bool,
    /// Offer a store. The starter then has to answer [`ArchiveRequest`](super::ArchiveRequest)s.
    pub store: bool,
    /// DNS servers, IP addresses with optional port; empty: the system's.
    pub dns_servers: Vec<String>,
    /// Largest encoded WakuMessage of the network, bytes.
    pub max_message: usize,
    /// ENRs given out by peer exchange, as RLP bytes of at most 300; those that discv5 finds come on top.
    pub records: Vec<Vec<u8>>,
    /// Find other nodes by discv5.
    pub discovery: Option<Discv5Config>,
    /// Bounds.
    pub limits: Limits,
    /// Counts bytes over TCP; keep a clone to read it.
    pub traffic: Arc<Traffic>,
    /// Is given a copy of each request: what a curious operator sees of those who use the node. Of those that come
    /// while
    /// it is full there is none.
    pub tap: Option<mpsc::Sender<Request>>,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Peer id of who asked.
    pub peer: String,
    /// Protocol id.
    pub protocol: String,
    /// The protobuf, as received.
    pub body: Vec<u8>,
}

impl NodeConfig {
    /// A node with a store, the usual limits and no relay peers yet.
    pub fn new(listen: Vec<String>, cluster: u16, sharding: Sharding) -> Self {
        Self {
            listen,
            announce: Vec::new(),
            cluster,
            sharding,
            peers: Vec::new(),
            peers_at_once: usize::MAX,
            alone: false,
            store: true,
            dns_servers: Vec::new(),
            max_message: waku::MAX_MESSAGE,
            records: Vec::new(),
            discovery: None,
            limits: Limits::default(),
            traffic: Arc::default(),
            tap: None,
        }
    }
}

/// How to find other nodes over UDP (discv5, protocol id `d5waku`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discv5Config {
    /// Where to listen; port 0 takes a free one. On `0.0.0.0` the node learns its address from its peers, and takes
    /// nobody in a private network for one; to find those, listen on an address in it.
    pub listen: SocketAddr,
    /// Records to begin with, `enr:…`.
    pub bootstrap: Vec<String>,
}

/// What a node bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: u32,
    /// Connections from one IP address (IPv6: one /64), 127.0.0.1 and ::1 excepted.
    pub connections_per_ip: u32,
    /// Streams of one connection; more are reset, or end the connection.
    pub streams: usize,
    /// Relay peers at one IP address before gossip scores them down, 127.0.0.1 and ::1 excepted; 0 for any number.
    pub relays_per_ip: u32,
    /// For a relay peer that was dialled to subscribe to a shard of ours; else it is left, and dialled again ever more
    /// rarely.
    pub relay_within: Duration,
    /// Requests of one peer per second; more are answered "too many requests".
    pub requests_per_second: u32,
    /// Requests of one peer being read or answered; more are dropped. Of all peers together 4,096 are, of those at one
    /// IP
    /// address (IPv6: one /64) 512, 127.0.0.1 and ::1 excepted.
    pub requests_at_once: u32,
    /// Bytes of store pages being made or on their way; a page counts as 2 MiB until it is made. One peer has 4 MiB of
    /// that, an IP address (IPv6: one /64) an eighth, 127.0.0.1 and ::1 excepted. At least one page.
    pub answer_bytes: usize,
    /// For a request to be read whole, or a first ping, or a query to find room for its page; streams that say nothing
    /// end
    /// quietly.
    pub request_within: Duration,
    /// Filter subscribers.
    pub subscribers: usize,
    /// Topics of one subscriber.
    pub criteria: usize,
    /// How long a subscription lives without a request or ping.
    pub subscription_life: Duration,
    /// Pushes that may wait for one subscriber. One more, and the subscription ends: the subscriber's next ping says
    /// so,
    /// and it asks a store for what it missed.
    pub pushes: usize,
    /// The same for their bytes. One push always fits.
    pub push_bytes: usize,
    /// The same for all subscribers together; what waits for several counts once. With more, the subscriptions end of
    /// those
    /// who have most waiting.
    pub push_bytes_in_all: usize,
    /// How long a connection without traffic lives.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            connections_per_ip: 64,
            streams: 128,
            relays_per_ip: 5,
            relay_within: Duration::from_secs(15),
            requests_per_second: 100,
            requests_at_once: 32,
            answer_bytes: 64 * 1024 * 1024,
            request_within: Duration::from_secs(20),
            subscribers: 1000,
            criteria: 1000,
            subscription_life: Duration::from_secs(300),
            pushes: 256,
            push_bytes: 4 * 1024 * 1024,
            push_bytes_in_all: 64 * 1024 * 1024,
            idle: Duration::from_secs(400),
        }
    }
}

impl Limits {
    /// What a phone bears that serves its neighbours.
    pub fn phone() -> Self {
        Self {
            connections: 64,
            connections_per_ip: 8,
            streams: 64,
            requests_per_second: 10,
            requests_at_once: 16,
            answer_bytes: 8 * 1024 * 1024,
            subscribers: 32,
            criteria: 100,
            pushes: 64,
            push_bytes: 256 * 1024,
            push_bytes_in_all: 4 * 1024 * 1024,
            ..Self::default()
        }
    }
}

/// Why bytes are not a node key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 secret key")]
pub struct KeyError;

/// A node's identity: a secp256k1 key, as ENRs and peer exchange need it.
pub struct NodeKey(secp256k1::Keypair);

impl NodeKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(secp256k1::Keypair::generate())
    }

    /// The key of 32 secret bytes, big-endian, which may be wiped after.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let mut copy = *bytes;
        // It wipes the copy.
        let secret = secp256k1::SecretKey::try_from_bytes(&mut copy).map_err(|_| KeyError)?;
        Ok(Self(secret.into()))
    }

    /// The 32 secret bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.secret().to_bytes()
    }

    /// The peer id that belongs to it (`16Uiu2…`).
    pub fn peer_id(&self) -> String {
        self.keypair().public().to_peer_id().to_string()
    }

    pub(crate) fn keypair(&self) -> Keypair {
        self.0.clone().into()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(..)")
    }
}
