//! Sources of nodes that nobody configured: trees in DNS, peer exchange, discv5.
//!
//! Each source gives signed node records ([`record`]) and drops invalid ones at once. `client::nodes` decides which
//! nodes enter the book, and how many.

pub(crate) mod discv5;
pub(crate) mod dns_tree;
pub(crate) mod peer_exchange;
pub(crate) mod record;
