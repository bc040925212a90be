//! What a light client is started with.

use std::sync::Arc;
use std::time::Duration;

use sotto_wire::waku::{self, Shard};

use crate::known::KnownNode;
use crate::traffic::Traffic;

/// How a network maps content topics to shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharding {
    /// These shards. A content topic goes to the one that its application and version select among them, so that
    /// everybody with the same list agrees.
    Static(Vec<u16>),
    /// Autosharding over this many shards, numbered from 0.
    Auto(u16),
}

impl Sharding {
    /// The shard of a content topic; `None` for a malformed topic or a network without shards.
    pub(crate) fn shard(&self, cluster: u16, content_topic: &str) -> Option<Shard> {
        let shard = match self {
            Self::Auto(count) => waku::autoshard(content_topic, *count).ok()?,
            Self::Static(list) => {
                let count = u16::try_from(list.len()).ok()?;
                let index = waku::autoshard(content_topic, count).ok()?;
                *list.get(usize::from(index))?
            }
        };
        Some(Shard { cluster, shard })
    }

    /// All shards.
    pub(crate) fn list(&self) -> Vec<u16> {
        match self {
            Self::Static(list) => list.clone(),
            Self::Auto(count) => (0..(*count).min(Shard::MAX + 1)).collect(),
        }
    }
}

/// Configuration of [`client::start`](crate::client::start).
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// Service nodes: multiaddrs ending in `/p2p/…`. Both circles draw from them, never the same one.
    pub nodes: Vec<String>,
    /// Trees of nodes in DNS: `enrtree://…` URLs (EIP-1459), read when too few nodes are known.
    pub dns_trees: Vec<String>,
    /// What was remembered of nodes: the entries of earlier [`Event::Book`](crate::Event::Book)s.
    pub book: Vec<KnownNode>,
    /// Waku cluster.
    pub cluster: u16,
    /// Shards of the cluster.
    pub sharding: Sharding,
    /// Both circles may use the same node, still with keys and connections of their own. Preset `local` only.
    pub single_circle: bool,
    /// Where to serve neighbours while in relay mode (filter and lightpush, no store, within
    /// [`Limits::phone`](crate::service::Limits::phone)): multiaddrs as in
    /// [`NodeConfig::listen`](crate::NodeConfig::listen); empty: nowhere.
    pub listen: Vec<String>,
    /// DNS servers, IP addresses with optional port; empty: the system's.
    pub dns_servers: Vec<String>,
    /// Largest encoded WakuMessage of the network, bytes.
    pub max_message: usize,
    /// Time limits.
    pub timing: Timing,
    /// Counts bytes over TCP; keep a clone to read it.
    pub traffic: Arc<Traffic>,
}

impl NetConfig {
    /// Whether the host named nodes, or where to find some.
    pub fn has_network(&self) -> bool {
        !(self.nodes.is_empty() && self.dns_trees.is_empty())
    }

    /// The shard of a content topic, as [`Sharding`] has it.
    pub(crate) fn shard(&self, content_topic: &str) -> Option<Shard> {
        self.sharding.shard(self.cluster, content_topic)
    }

    /// A configuration with the usual limits, two circles and the system's DNS.
    pub fn new(nodes: Vec<String>, cluster: u16, sharding: Sharding) -> Self {
        Self {
            nodes,
            dns_trees: Vec::new(),
            book: Vec::new(),
            cluster,
            sharding,
            single_circle: false,
            listen: Vec::new(),
            dns_servers: Vec::new(),
            max_message: waku::MAX_MESSAGE,
            timing: Timing::default(),
            traffic: Arc::default(),
        }
    }
}

/// Time limits of a light client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For one request to one node, negotiation included.
    pub request: Duration,
    /// For reaching a node before a request is given up.
    pub reach: Duration,
    /// Between filter pings while no conversation is on screen; servers forget after 300 s.
    pub background_ping: Duration,
    /// Between filter pings while one is.
    pub foreground_ping: Duration,
    /// Longest silence of a filter node in the foreground before it is asked whether it lives.
    pub alive_every: Duration,
    /// For its answer; with `alive_every` the time within which a dead node is noticed.
    pub alive_within: Duration,
    /// How much later than others a filter node may push a message; it must have been subscribed for twice as long
    /// before the message was sent. Timestamps may be 20 s off.
    pub late: Duration,
    /// First wait after a node had too much to do; doubles.
    pub busy: Duration,
    /// First wait after a failure to connect, or a connection that failed; between two gaps told, too. Doubles, and
    /// begins
    /// anew after the longest wait without a failure.
    pub redial: Duration,
    /// Longest wait, conversation on screen.
    pub foreground_redial: Duration,
    /// Longest wait otherwise.
    pub background_redial: Duration,
    /// How long a connection without use lives while no conversation is on screen. Those of filter nodes stay.
    pub unused: Duration,
    /// First wait after a search for further nodes; doubles, up to six hours. Nothing is searched while enough are
    /// known.
    pub discover: Duration,
}

impl Timing {
    /// Longest wait before a node is dialled again.
    pub(crate) fn longest_redial(&self, foreground: bool) -> Duration {
        if foreground { self.foreground_redial } else { self.background_redial }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            reach: Duration::from_secs(15),
            background_ping: Duration::from_secs(240),
            foreground_ping: Duration::from_secs(60),
            alive_every: Duration::from_secs(5),
            alive_within: Duration::from_secs(3),
            late: Duration::from_secs(15),
            busy: Duration::from_secs(1),
            redial: Duration::from_secs(1),
            foreground_redial: Duration::from_secs(30),
            background_redial: Duration::from_secs(300),
            unused: Duration::from_secs(60),
            discover: Duration::from_secs(30),
        }
    }
}
