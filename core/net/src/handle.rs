//! The seam between the engine and the network, real or the testkit's: data over two bounded channels.

use tokio::sync::mpsc;

use crate::trust::{Evidence, Purpose};

/// Most commands that wait for the actor.
pub const COMMAND_DEPTH: usize = 256;
/// Most events that wait for the engine. A full channel stops the actor's reading and drops nothing.
pub const EVENT_DEPTH: usize = 256;

/// Most chunks of one [`Command::Upload`].
pub const UPLOAD_MOST: usize = 16;

/// Number of a service node in this process: stable for one run, never an address.
pub type NodeNumber = u64;

/// The two ends of a running network actor.
#[derive(Debug)]
pub struct NetHandle {
    /// Commands to the actor.
    pub commands: mpsc::Sender<Command>,
    /// Events of the actor; `None` after it has stopped.
    pub events: mpsc::Receiver<Event>,
}

/// Commands of the engine. One final event with the same `id` answers each command with an `id`, except
/// [`Command::Stop`] and what it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Publish a message through one node of the publish circle (lightpush v3, else v2).
    Publish {
        /// Repeated in [`Event::Published`].
        id: u64,
        /// Content topic.
        topic: String,
        /// The envelope, exactly one size class long.
        payload: Vec<u8>,
        /// Waku timestamp, Unix nanoseconds; 0 if the accepting node shall set its own time.
        timestamp_ns: i64,
        /// The time by the other clock while neither is proven: attempts use either in turn.
        other_ns: Option<i64>,
        /// What the message is for; says which nodes to avoid, and which nodes its fate proves.
        purpose: Purpose,
        /// Messages with the same value go through one node, drawn at random: so no node sees all messages.
        spread: Option<u64>,
    },
    /// What shows which nodes can be trusted.
    Evidence(Vec<Evidence>),
    /// All content topics to receive through the receive circle's filter.
    Subscribe {
        /// Content topics; they replace the earlier set.
        topics: Vec<String>,
    },
    /// Publish chunks of one file through one node of the publish circle, over a connection of its own with a fresh
    /// libp2p key. Another node is tried only while no chunk was taken. Ends at the first failure or refusal, after the
    /// answers to the chunks in flight, or after [`Timing::upload`](crate::Timing::upload). At most two uploads run
    /// at a time; further ones wait.
    Upload {
        /// Repeated in [`Event::Uploaded`]. No other upload or query under way has it.
        id: u64,
        /// Content topic, of this file alone. Uploads on one topic stay with one node, and go elsewhere than uploads on
        /// other topics, if there is a choice among the preferred nodes, or without these.
        topic: String,
        /// The envelopes, at most [`UPLOAD_MOST`], each exactly one size class long.
        payloads: Vec<Vec<u8>>,
        /// Waku timestamp, Unix nanoseconds. A whole second is the time of all messages, and 0 has the accepting node
        /// set its own times. Otherwise each message is a nanosecond later than the one before.
        timestamp_ns: i64,
        /// Nodes to use only if there is no other, the worst first.
        not: Vec<NodeNumber>,
    },
    /// Query a store for a time range, page by page to the end; with [`Circle::Alone`] at most 32 MiB.
    Query {
        /// Repeated in every [`Event::Page`] and in [`Event::QueryFailed`].
        id: u64,
        /// Which node to query.
        circle: Circle,
        /// Content topics, at most 10.
        topics: Vec<String>,
        /// Start, inclusive, Unix nanoseconds.
        start_ns: i64,
        /// End, inclusive, Unix nanoseconds.
        end_ns: Option<i64>,
        /// Whether pages go from the newest backwards.
        newest_first: bool,
        /// For files: ends the query after this many payload bytes; pages are small (20 messages). With
        /// [`Circle::Alone`] such queries are counted apart: at most four run at a time.
        most_bytes: Option<usize>,
    },
    /// End the upload or query with this id and close its own connection. No final event answers the ended command; its
    /// events that are already in the channel stay.
    Stop {
        /// The command's id.
        id: u64,
    },
    /// Ask a node of the publish circle whether its store has these messages.
    Check {
        /// Repeated in [`Event::Checked`] or [`Event::CheckFailed`].
        id: u64,
        /// Waku message hashes, at most 50.
        hashes: Vec<[u8; 32]>,
        /// The node that accepted the message. Another node is asked, unless this is the only one.
        not: Option<NodeNumber>,
    },
    /// Whether a conversation is on screen: then two filter peers and quick detection of dead nodes, else one and slow.
    Foreground(bool),
    /// The host's network changed: drop connections and resolve names again.
    NetworkChanged(Network),
    /// Relay mode on or off: a relay with its own key receives the shards of the wanted topics instead of a filter.
    Relay(bool),
    /// Service nodes from an invite, for both circles. Used only if the configuration names neither nodes nor trees.
    AddNodes(Vec<String>),
    /// Stop: close all connections, then send [`Event::Closed`].
    Close,
}

/// The node of a store query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circle {
    /// A node of the receive circle.
    Receive,
    /// A node of the receive circle, in round-robin: not the ones asked last, or else the one asked longest ago.
    Other,
    /// A node over a connection of its own with a fresh libp2p key: of neither circle if enough are known.
    Alone,
}

/// The host's view of its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// DNS servers, IP addresses with optional port; empty keeps the system's.
    pub dns_servers: Vec<String>,
    /// Whether traffic costs money.
    pub metered: bool,
    /// Whether the phone is abroad, where traffic costs more.
    pub roaming: bool,
}

impl Network {
    /// Whether every DNS server is an IP address with optional port.
    pub fn is_valid(&self) -> bool {
        self.dns_servers.iter().all(|text| crate::names::is_server(text))
    }
}

impl Default for Network {
    /// A metered network, until the host says otherwise.
    fn default() -> Self {
        Self { dns_servers: Vec::new(), metered: true, roaming: false }
    }
}

/// A message from a service node. The actor has recomputed the hash and checked the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Content topic, one of the wanted ones.
    pub topic: String,
    /// The envelope as received.
    pub payload: Vec<u8>,
    /// Sender's timestamp, Unix nanoseconds.
    pub timestamp_ns: i64,
    /// Waku message hash.
    pub hash: [u8; 32],
    /// The node that sent it.
    pub node: NodeNumber,
    /// Whether it was pushed or relayed just now; false if a store returned it.
    pub live: bool,
}

/// Events for the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A pushed or relayed message.
    Message(Received),
    /// The result of a [`Command::Publish`].
    Published(Published),
    /// The result of a [`Command::Upload`].
    Uploaded {
        /// The command's id.
        id: u64,
        /// The node asked last, if any was.
        node: Option<NodeNumber>,
        /// Whether the node took each payload, in the command's order. A payload that was not taken may have arrived.
        taken: Vec<bool>,
        /// Why the upload ended early; `None` if all payloads were taken. [`FailReason::Timeout`] with taken payloads
        /// also means: the node, or the way to it, is slow.
        failed: Option<FailReason>,
    },
    /// One page of a query, ascending by time.
    Page {
        /// The query's id.
        id: u64,
        /// Messages on the topics and within the range of the query.
        messages: Vec<Received>,
        /// Whether this is the last page.
        last: bool,
        /// Whether the query ended at its limit of bytes although the store has more.
        more: bool,
    },
    /// The query ended early; earlier pages are valid.
    QueryFailed {
        /// The query's id.
        id: u64,
        /// Reason of the failure.
        reason: FailReason,
    },
    /// The answer to a [`Command::Check`].
    Checked {
        /// The command's id.
        id: u64,
        /// The node that answered.
        node: NodeNumber,
        /// The hashes that its store has.
        present: Vec<[u8; 32]>,
    },
    /// The check failed.
    CheckFailed {
        /// The command's id.
        id: u64,
        /// Reason of the failure.
        reason: FailReason,
    },
    /// A publish node hung up or fell silent while others can be reached: its last messages may be lost.
    Lost {
        /// The node.
        node: NodeNumber,
    },
    /// A node named another network and is not used.
    OtherNetwork,
    /// Reachability changed.
    Connectivity(Connectivity),
    /// Changes of the peer book, to store for the next start (`NetConfig::book`). The book has at most 200 nodes, and
    /// the circles of 2,000 more. Comes together with other events, and at the end.
    Book {
        /// New or changed entries.
        changed: Vec<KnownNode>,
        /// Peer ids of entries to delete.
        gone: Vec<String>,
    },
    /// In relay mode: where neighbours are served, multiaddrs ending in `/p2p/…`; empty when nowhere any more.
    Serving {
        /// Addresses in the order of [`NetConfig::listen`](crate::NetConfig::listen).
        addresses: Vec<String>,
    },
    /// The last event.
    Closed,
}

/// The result of a [`Command::Publish`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The command's id.
    pub id: u64,
    /// Hash of the message as published.
    pub hash: [u8; 32],
    /// Its timestamp, one of the command's.
    pub timestamp_ns: i64,
    /// The node that answered, if any was reached.
    pub node: Option<NodeNumber>,
    /// The node's answer.
    pub outcome: PublishOutcome,
    /// The nodes through which messages are known to arrive; set when a node accepted this one.
    pub proven: Vec<NodeNumber>,
    /// How often receipts of this party were sent again in vain; `None` if they arrive, or while a node is proven.
    pub again: Option<u32>,
}

impl Published {
    /// The node's answer alone.
    pub fn new(id: u64, hash: [u8; 32], timestamp_ns: i64, node: Option<NodeNumber>, outcome: PublishOutcome) -> Self {
        Self { id, hash, timestamp_ns, node, outcome, proven: Vec::new(), again: None }
    }

    /// Whether a node accepted the message.
    pub fn is_taken(&self) -> bool {
        !matches!(self.outcome, PublishOutcome::Failed(_) | PublishOutcome::Refused)
    }
}

/// A node's answer to a lightpush request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// v3 success: relayed to this many peers (> 0).
    Relayed {
        /// Number of relay peers.
        peers: u32,
    },
    /// Success without a count (v2), which proves less.
    Accepted,
    /// The node had the message already (420 "already seen"); counts as accepted.
    Duplicate,
    /// Every reachable node refused the message (too large, invalid). Without a node: the message does not fit the
    /// network, and no node was asked.
    Refused,
    /// Retry later, or through another node.
    Failed(FailReason),
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailReason {
    /// No node of the circle could be reached.
    NoNode,
    /// The only node that could answer must not be asked.
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
    /// An upload: every reachable node refused a message, or a message does not fit the network.
    Refused,
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
    /// Whether a store can be asked: a connected node offers store v3, or a node that may have one is known and the
    /// next query connects to it.
    pub store: bool,
    /// Whether a live node or the own relay delivers the wanted topics. It rises again after every new subscription,
    /// and the engine then fills the gap. When gaps follow each other, it rises with growing waits.
    pub subscribed: bool,
    /// A period in which pushes may have been lost has ended: after a new subscription, or later if another gap was
    /// reported just before.
    pub gap: bool,
    /// Relay mode: mesh peers of the shard with the fewest; 0 in light mode.
    pub relay_peers: u32,
}

/// Source of a node. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// The configuration: a preset or the app.
    Static = 0,
    /// An invite.
    Invite = 1,
    /// A signed tree in DNS.
    Dns = 2,
    /// Peer exchange with another node.
    PeerExchange = 3,
    /// Not in use any more. Only the node's circle is remembered, in case it returns.
    Former = 4,
    /// Peer exchange with a node in a private network, whose names may lead into that network.
    Inside = 5,
}

impl Source {
    /// The source with this stored number.
    pub fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Static, Self::Invite, Self::Dns, Self::PeerExchange, Self::Former, Self::Inside];
        all.into_iter().find(|source| *source as u8 == code)
    }
}

/// One entry of the peer book. For storage only [`peer`](Self::peer) matters: it is the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Peer id, as text; the key.
    pub peer: String,
    /// Multiaddrs without the peer id, at most 8.
    pub addresses: Vec<String>,
    /// Source of the node.
    pub source: Source,
    /// The node's only circle: 0 publish, 1 receive, 2 queries over a connection of their own.
    pub circle: u8,
    /// Runs in which the node was useful: it pushed, its store answered, or messages published through it arrived. Each
    /// useless run halves the number.
    pub successes: u32,
    /// Failures since its last answer, counted only while other nodes could be reached.
    pub failures: u32,
    /// When it last answered, or first named its cluster, Unix seconds; 0 for never.
    pub answered_s: u64,
}
