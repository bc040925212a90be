use rusqlite::params;

use crate::row::{all, row, run};
use crate::{Error, Tx};

row! {
    /// A service node of the peer book.
    Node in "nodes" ("network,peer") {
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

impl Tx<'_> {
    /// Writes a node.
    pub fn node_put(&self, node: &Node) -> Result<(), Error> {
        node.upsert(self.conn)
    }

    /// Forgets a node.
    pub fn node_delete(&self, network: &str, peer: &str) -> Result<(), Error> {
        run(self.conn, "DELETE FROM nodes WHERE network=? AND peer=?", params![network, peer])?;
        Ok(())
    }

    /// The nodes of a network.
    pub fn nodes(&self, network: &str) -> Result<Vec<Node>, Error> {
        all(self.conn, "SELECT * FROM nodes WHERE network=? ORDER BY peer", params![network], Node::read)
    }

    /// Nodes of other networks that were met.
    pub fn nodes_elsewhere(&self, network: &str) -> Result<Vec<Node>, Error> {
        all(
            self.conn,
            "SELECT * FROM nodes WHERE network<>? AND answered_s>0 ORDER BY network, peer",
            params![network],
            Node::read,
        )
    }
}
