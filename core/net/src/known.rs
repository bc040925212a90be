//! A service node as it is remembered from one run to the next.

/// How a node became known. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// Configured: a preset's or the app's own.
    Static = 0,
    /// Out of an invite.
    Invite = 1,
    /// A signed tree in DNS.
    Dns = 2,
    /// Another node named it.
    PeerExchange = 3,
    /// In use no longer: only the circle that it served is remembered, for the case that it comes back.
    Former = 4,
    /// Somebody inside a private network named it, whose names may lead there.
    Inside = 5,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Static, Self::Invite, Self::Dns, Self::PeerExchange, Self::Former, Self::Inside];

    /// The source of a stored number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|source| *source as u8 == code)
    }
}

/// One entry of the peer book. Whoever stores it needs to understand nothing but [`peer`](Self::peer), its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Peer id, as text.
    pub peer: String,
    /// Multiaddrs without the peer id, at most 8.
    pub addresses: Vec<String>,
    /// How it became known.
    pub source: Source,
    /// The circle it serves, and never another: 0 publish, 1 receive, 2 queries of their own.
    pub circle: u8,
    /// Runs in which it was of use: it pushed, its store answered, or messages that it had published came through.
    /// Each run
    /// in which it was found of none halves them.
    pub successes: u32,
    /// Failures since it answered last, counted while other nodes could be reached.
    pub failures: u32,
    /// When it last answered, or first said what it is, Unix seconds; 0: never met.
    pub answered_s: u64,
}
