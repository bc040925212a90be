//! The seam between the engine and the network: data over two bounded channels.
//!
//! Whoever holds a [`NetHandle`] cannot tell a real Waku node from the test kit's loopback net.

use tokio::sync::mpsc;

use crate::known::KnownNode;

/// Commands that may wait before the actor takes them.
pub const COMMAND_DEPTH: usize = 256;
/// Events that may wait before the engine takes them; a full channel stops the actor's reading, never drops.
pub const EVENT_DEPTH: usize = 256;

/// A service node as this process numbers it: stable for one run, never an address.
pub type NodeNumber = u64;

/// The two ends of a running network actor.
#[derive(Debug)]
pub struct NetHandle {
    /// Commands to the actor.
    pub commands: mpsc::Sender<Command>,
    /// What the actor has to say; `None` once it has stopped.
    pub events: mpsc::Receiver<Event>,
}

/// What the engine asks of the network. Commands with an `id` are answered by one final event with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Hand a message to one node of the publish circle (lightpush v3, else v2).
    Publish {
        /// Repeated in [`Event::Published`].
        id: u64,
        /// Content topic.
        topic: String,
        /// The envelope, exactly one size class long.
        payload: Vec<u8>,
        /// Waku timestamp, Unix nanoseconds; 0: the node that takes the message sets its own time.
        timestamp_ns: i64,
        /// Nodes not to use when another is healthy: those that had it before.
        not: Vec<NodeNumber>,
        /// What belongs together goes through one node, drawn at random for each value, whoever is preferred: no node
        /// sees everything. `None`: as [`Self::Prefer`] says.
        spread: Option<u64>,
    },
    /// Nodes to use first from now on, the best first, a few.
    Prefer {
        /// For [`Self::Publish`], but for its `not`: messages came through them.
        publish: Vec<NodeNumber>,
        /// For the filter and [`Circle::Receive`]: messages came from them.
        receive: Vec<NodeNumber>,
    },
    /// Messages came through a node of the publish circle, or did not: what is kept of it over restarts.
    Judge {
        /// Which.
        node: NodeNumber,
        /// They came.
        of_use: bool,
    },
    /// The whole set of content topics to hear through the receive circle's filter.
    Subscribe {
        /// Content topics; replaces the earlier set.
        topics: Vec<String>,
    },
    /// Ask a store for a time range, page by page to the end; of [`Circle::Alone`] 32 MiB at most, from where it
    /// begins.
    Query {
        /// Repeated in every [`Event::Page`] and in [`Event::QueryFailed`].
        id: u64,
        /// Which node to ask.
        circle: Circle,
        /// Content topics, at most 10.
        topics: Vec<String>,
        /// Start, inclusive, Unix nanoseconds.
        start_ns: i64,
        /// End, inclusive, Unix nanoseconds.
        end_ns: Option<i64>,
        /// Page from the newest backwards.
        newest_first: bool,
    },
    /// Ask a node of the publish circle whether its store holds these messages.
    Check {
        /// Repeated in [`Event::Checked`] or [`Event::CheckFailed`].
        id: u64,
        /// Waku message hashes, at most 50.
        hashes: Vec<[u8; 32]>,
        /// The node that took the message: another is asked, unless it is the only one.
        not: Option<NodeNumber>,
    },
    /// A conversation is on screen (two filter peers, quick detection) or not (one, slow).
    Foreground(bool),
    /// The host's network changed: drop connections and resolve anew.
    NetworkChanged(Network),
    /// Relay mode on or off: a node of its own, with a key of its own, relays the shards of the wanted topics and hears
    /// them by gossip, instead of a filter node. Publishing goes through the publish circle as before.
    Relay(bool),
    /// Service nodes out of an invite; both circles draw from them. Taken only where the configuration names neither
    /// nodes nor trees.
    AddNodes(Vec<String>),
    /// Stop: connections closed, [`Event::Closed`] last.
    Close,
}

/// Which node answers a store query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circle {
    /// A node of the receive circle.
    Receive,
    /// Another node of the receive circle than the ones last asked; when all were, the one asked longest ago.
    Other,
    /// A connection of its own with a fresh libp2p key, a node of neither circle where there are enough.
    Alone,
}

/// What the host knows about its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// DNS servers, IP addresses with optional port; empty keeps the system's.
    pub dns_servers: Vec<String>,
    /// The link costs money.
    pub metered: bool,
}

impl Network {
    /// Is every DNS server an IP address with optional port?
    pub fn is_valid(&self) -> bool {
        self.dns_servers.iter().all(|text| crate::names::is_server(text))
    }
}

impl Default for Network {
    /// One that costs money, as long as nobody says that it does not.
    fn default() -> Self {
        Self { dns_servers: Vec::new(), metered: true }
    }
}

/// A message as a service node gave it. The actor has recomputed the hash and checked the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Content topic, one of those asked for.
    pub topic: String,
    /// The envelope as received.
    pub payload: Vec<u8>,
    /// Sender's timestamp, Unix nanoseconds.
    pub timestamp_ns: i64,
    /// Waku message hash.
    pub hash: [u8; 32],
    /// Who gave it.
    pub node: NodeNumber,
    /// Pushed just now by a filter or relayed (true), or read from a store (false).
    pub live: bool,
}

/// What the network tells the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A live push, or a message relayed.
    Message(Received),
    /// The end of a [`Command::Publish`].
    Published {
        /// The command's id.
        id: u64,
        /// Hash of the message as published (this timestamp).
        hash: [u8; 32],
        /// The node that answered, if any was reached.
        node: Option<NodeNumber>,
        /// What it said.
        outcome: PublishOutcome,
    },
    /// One page of a query, ascending by time; `last` ends it.
    Page {
        /// The query's id.
        id: u64,
        /// Messages on the topics and within the range asked for.
        messages: Vec<Received>,
        /// No page follows.
        last: bool,
    },
    /// The query ended early; pages before it were good.
    QueryFailed {
        /// The query's id.
        id: u64,
        /// Why.
        reason: FailReason,
    },
    /// Answer to a [`Command::Check`].
    Checked {
        /// The command's id.
        id: u64,
        /// The node that answered.
        node: NodeNumber,
        /// Those of the hashes it holds.
        present: Vec<[u8; 32]>,
    },
    /// The check got no answer.
    CheckFailed {
        /// The command's id.
        id: u64,
        /// Why.
        reason: FailReason,
    },
    /// A node of the publish circle hung up or fell silent while others can be reached: what it took last may be lost.
    Lost {
        /// Which.
        node: NodeNumber,
    },
    /// A node said that it belongs to another network; it is not used.
    OtherNetwork,
    /// Something about reachability changed.
    Connectivity(Connectivity),
    /// Nodes to remember for the next start (`NetConfig::book`); at most 200 are known at a time, and of 2,000 more the
    /// circle that they served. Comes together with other news, and at the end.
    Book {
        /// New or changed entries.
        changed: Vec<KnownNode>,
        /// Peer ids of entries to forget.
        gone: Vec<String>,
    },
    /// In relay mode: where neighbours are served, multiaddrs ending in `/p2p/…`; empty: nowhere any more.
    Serving {
        /// In the order of [`NetConfig::listen`](crate::NetConfig::listen).
        addresses: Vec<String>,
    },
    /// The last event.
    Closed,
}

/// What a node said to a lightpush request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// v3 success: relayed to this many peers (> 0).
    Relayed {
        /// Relay peers.
        peers: u32,
    },
    /// Success without a count (v2), which proves less.
    Accepted,
    /// The node had it already (420 "already seen"); counts as accepted.
    Duplicate,
    /// Every node that could be asked refuses this message (too large, invalid). With no node: it does not fit this
    /// network, and nobody was asked.
    Refused,
    /// Try again, elsewhere or later.
    Failed(FailReason),
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailReason {
    /// No node of the circle could be reached.
    NoNode,
    /// Only the node that is not to be asked could answer.
    NoOther,
    /// The node did not answer in time or hung up.
    Timeout,
    /// 429, or its v2 wording.
    Busy,
    /// The node has no relay peers.
    NoRelayPeers,
    /// The node broke the protocol (wrong hash, foreign topic, endless pages).
    Lied,
    /// The node does not offer the protocol.
    Unsupported,
    /// The actor is closing.
    Closing,
}

/// Reachability, counted in nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connectivity {
    /// Connected nodes of the publish circle that offer lightpush.
    pub publish_nodes: u32,
    /// Connected nodes of the receive circle that offer filter.
    pub receive_nodes: u32,
    /// A store can be asked: a connected node offers store v3, or somebody is connected and a node is known that may,
    /// which the next query connects to.
    pub store: bool,
    /// The wanted topics are subscribed at a live node or heard by a relay of our own; rises again after every
    /// re-subscribe, and the engine then fills the gap. Where one gap follows the other it rises ever more rarely.
    pub subscribed: bool,
    /// A stretch in which pushes may have been missed ended just now (re-subscribed after loss or 404), or a while ago,
    /// if there was one just before it.
    pub gap: bool,
    /// Relay mode: peers in the mesh of the shard that has fewest; 0 in light mode.
    pub relay_peers: u32,
}
