//! Configuration of a light client.

use std::sync::Arc;
use std::time::Duration;

use sotto_wire::waku::{self, Shard};

use crate::handle::KnownNode;
use crate::traffic::Traffic;

/// How a network maps content topics to shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharding {
    /// These shards. The application and version of a content topic select one of them, so everybody with the same list
    /// agrees.
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

    /// All shards of the network.
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
    /// Service nodes: multiaddrs ending in `/p2p/…`. Both circles choose from them, but never the same node.
    pub nodes: Vec<String>,
    /// Trees of nodes in DNS: `enrtree://…` URLs (EIP-1459). They are read while too few nodes are known.
    pub dns_trees: Vec<String>,
    /// The peer book: entries of earlier [`Event::Book`](crate::Event::Book)s.
    pub book: Vec<KnownNode>,
    /// Waku cluster.
    pub cluster: u16,
    /// Shards of the cluster.
    pub sharding: Sharding,
    /// Whether both circles may use the same node, with a key and connection each: for the preset `local` only.
    pub single_circle: bool,
    /// Addresses to serve neighbours at in relay mode (filter and lightpush, no store, within
    /// [`Limits::phone`](crate::service::Limits::phone)): multiaddrs as in
    /// [`NodeConfig::listen`](crate::NodeConfig::listen); empty to serve nobody.
    pub listen: Vec<String>,
    /// DNS servers, IP addresses with optional port; empty for the system's.
    pub dns_servers: Vec<String>,
    /// Largest encoded WakuMessage of the network, bytes.
    pub max_message: usize,
    /// Time limits of requests, pings and waits.
    pub timing: Timing,
    /// Counts bytes over TCP; keep a clone to read it.
    pub traffic: Arc<Traffic>,
}

impl NetConfig {
    /// Whether the host named nodes or trees.
    pub fn has_network(&self) -> bool {
        !(self.nodes.is_empty() && self.dns_trees.is_empty())
    }

    /// The shard of a content topic, by the rule of [`Sharding`].
    pub(crate) fn shard(&self, content_topic: &str) -> Option<Shard> {
        self.sharding.shard(self.cluster, content_topic)
    }

    /// A configuration with the default limits, two circles and the system's DNS.
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
    /// Time limit of one request to one node, with negotiation.
    pub request: Duration,
    /// Time limit of one upload at one node, once it is reached.
    pub upload: Duration,
    /// Time limit for reaching a node, after which a request is given up.
    pub reach: Duration,
    /// Interval of filter pings without a conversation on screen; servers forget after 300 s.
    pub background_ping: Duration,
    /// Interval of filter pings with a conversation on screen.
    pub foreground_ping: Duration,
    /// Longest silence of a filter node, with a conversation on screen, before it is pinged.
    pub alive_every: Duration,
    /// Time limit for its answer. Together with `alive_every` it bounds the time until a dead node is noticed.
    pub alive_within: Duration,
    /// How much later than other nodes a filter node may push a message. It must have been subscribed for twice as long
    /// before the message was sent, because timestamps may be 20 s off.
    pub late: Duration,
    /// First wait after a node was too busy; it doubles.
    pub busy: Duration,
    /// First wait after a failure to connect or a failed connection, and between two reported gaps. It doubles, and
    /// starts again after the longest wait without a failure.
    pub redial: Duration,
    /// Longest wait with a conversation on screen.
    pub foreground_redial: Duration,
    /// Longest wait otherwise.
    pub background_redial: Duration,
    /// How long an unused connection lives without a conversation on screen. Connections to filter nodes stay.
    pub unused: Duration,
    /// First wait after a search for nodes; it doubles, up to six hours.
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
            upload: Duration::from_secs(10),
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
