//! A service node as remembered from one run to the next.

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
