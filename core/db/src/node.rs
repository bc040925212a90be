use rusqlite::params;

use crate::Error;
use crate::row::{Table, all, row};

row! {
    /// A service node of the peer book.
    Node in "nodes" (network: str, peer: str) {
        /// The network it belongs to.
        network: String,
        /// Its peer id.
        peer: String,
        /// Addresses, one a line.
        addresses: String,
        /// How it became known.
        source: u8,
        /// The circle it serves.
        circle: u8,
        /// Runs in which it answered.
        successes: u32,
        /// Failures since then.
        failures: u32,
        /// When it last answered; 0: never.
        answered_s: i64,
    }
}

impl Table<'_, Node> {
    /// The nodes of a network.
    pub fn of(&self, network: &str) -> Result<Vec<Node>, Error> {
        all(self.conn, "SELECT * FROM nodes WHERE network=? ORDER BY peer", params![network], Node::read)
    }

    /// Nodes of other networks that were met.
    pub fn elsewhere(&self, network: &str) -> Result<Vec<Node>, Error> {
        let sql = "SELECT * FROM nodes WHERE network<>? AND answered_s>0 ORDER BY network, peer";
        all(self.conn, sql, params![network], Node::read)
    }
}
