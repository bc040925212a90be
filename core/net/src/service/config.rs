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
    /// Listen addresses: multiaddrs `/ip4/…/tcp/<port>` and `/ip4/…/tcp/<port>/ws`; port 0 takes a free port.
    pub listen: Vec<String>,
    /// Public addresses, for a node that cannot know them, as behind NAT or in a container: at most 8 multiaddrs
    /// `/ip4|ip6|dns|dns4|dns6/…/tcp/<port>`, also with `/ws`, `/wss` or `/tls/ws` at the end. They replace the listen
    /// addresses in identify and in the discv5 record.
    pub announce: Vec<String>,
    /// Waku cluster.
    pub cluster: u16,
    /// Shards that the node relays and serves.
    pub sharding: Sharding,
    /// Relay peers to stay connected to: multiaddrs ending in `/p2p/…`.
    pub peers: Vec<String>,
    /// How many of these peers to keep connected.
    pub peers_at_once: usize,
    /// Whether this is the only node of its network: a message that reached it has arrived, even without a relay peer.
    pub alone: bool,
    /// Whether to offer a store. The host then has to answer [`ArchiveRequest`](super::ArchiveRequest)s.
    pub store: bool,
    /// DNS servers, IP addresses with optional port; empty for the system's.
    pub dns_servers: Vec<String>,
    /// Largest encoded WakuMessage of the network, bytes.
    pub max_message: usize,
    /// ENRs for peer exchange, as RLP of at most 300 bytes; records that discv5 finds are added.
    pub records: Vec<Vec<u8>>,
    /// Settings to find other nodes by discv5, if wanted.
    pub discovery: Option<Discv5Config>,
    /// Limits of all that peers can use.
    pub limits: Limits,
    /// Counts bytes over TCP; keep a clone to read it.
    pub traffic: Arc<Traffic>,
    /// Receives a copy of each request while the channel has room, to show what a curious operator sees.
    pub tap: Option<mpsc::Sender<Request>>,
}

/// A request as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Peer id of the requesting peer.
    pub peer: String,
    /// Protocol id.
    pub protocol: String,
    /// The protobuf, as received.
    pub body: Vec<u8>,
}

impl NodeConfig {
    /// A node with a store, the default limits and no relay peers.
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
    /// UDP address; port 0 takes a free port. On `0.0.0.0` the node learns its address from its peers, and accepts no
    /// private address for itself. To find nodes in a private network, listen on an address in it.
    pub listen: SocketAddr,
    /// Records to start the search from, `enr:…`.
    pub bootstrap: Vec<String>,
}

/// Limits of a service node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most connections.
    pub connections: u32,
    /// Most connections of one IP address (IPv6: one /64), except 127.0.0.1 and ::1.
    pub connections_per_ip: u32,
    /// Most streams of one connection; further streams are reset, or end the connection.
    pub streams: usize,
    /// Relay peers at one IP address before their scores drop, except 127.0.0.1 and ::1; 0 for any number.
    pub relays_per_ip: u32,
    /// Time limit for a dialled peer to subscribe to one of our shards; then it is redialled with growing waits.
    pub relay_within: Duration,
    /// Most requests of one peer in a second; further ones get "too many requests".
    pub requests_per_second: u32,
    /// Most requests of one peer being read or answered; further ones are dropped. The node serves 4,096 in all, and
    /// 512 of one IP address (IPv6: one /64), except 127.0.0.1 and ::1.
    pub requests_at_once: u32,
    /// Most bytes of store pages being made or in flight; a page counts as 2 MiB until it is made. A peer gets 4 MiB of
    /// that, an IP address (IPv6: one /64) an eighth, except 127.0.0.1 and ::1. At least one page.
    pub answer_bytes: usize,
    /// Time limit for reading a request or a first ping, and for a query to get room for its page.
    pub request_within: Duration,
    /// Most filter subscribers.
    pub subscribers: usize,
    /// Most topics of one subscriber.
    pub criteria: usize,
    /// How long a subscription lives without a request or ping.
    pub subscription_life: Duration,
    /// Most pushes queued for one subscriber. One more ends the subscription; its next ping tells the subscriber.
    pub pushes: usize,
    /// Most bytes of these pushes. One push always fits.
    pub push_bytes: usize,
    /// Most bytes of pushes queued for all; a push for several counts once. Beyond that the longest queues end.
    pub push_bytes_in_all: usize,
    /// How long a connection lives without traffic.
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
    /// Limits of a phone that serves its neighbours.
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
    /// A new random key.
    pub fn generate() -> Self {
        Self(secp256k1::Keypair::generate())
    }

    /// The key with these 32 secret bytes, big-endian. The caller may wipe them afterwards.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let mut copy = *bytes;
        // The conversion wipes its copy.
        let secret = secp256k1::SecretKey::try_from_bytes(&mut copy).map_err(|_| KeyError)?;
        Ok(Self(secret.into()))
    }

    /// The 32 secret bytes, big-endian.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.secret().to_bytes()
    }

    /// The peer id of this key (`16Uiu2…`).
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
