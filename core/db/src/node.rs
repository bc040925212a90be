use crate::Error;
use crate::row::{Table, row};

row! {
    /// A service node of the peer book.
    Node in "nodes" (network: str, peer: str) {
        /// The network (cluster and trees) that it belongs to.
        network: String,
        /// Its libp2p peer id.
        peer: String,
        /// Its multiaddrs, one a line.
        addresses: String,
        /// Number of the source that named it, see `net`.
        source: u8,
        /// Number of the circle it belongs to.
        circle: u8,
        /// Number of runs in which it answered.
        successes: u32,
        /// Number of failures since its last answer.
        failures: u32,
        /// When it last answered, Unix seconds; 0 for never.
        answered_s: i64,
    }
}

impl Table<'_, Node> {
    /// The nodes of a network.
    pub fn of(&self, network: &str) -> Result<Vec<Node>, Error> {
        self.rows("SELECT * FROM nodes WHERE network=? ORDER BY peer", [network])
    }

    /// Nodes of other networks that answered once.
    pub fn elsewhere(&self, network: &str) -> Result<Vec<Node>, Error> {
        self.rows("SELECT * FROM nodes WHERE network<>? AND answered_s>0 ORDER BY network, peer", [network])
    }
}
