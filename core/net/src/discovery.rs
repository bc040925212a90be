//! Where nodes come from that nobody configured: trees in DNS, peer exchange, discv5.
//!
//! Each source gives signed node records ([`record`]); what does not check out is dropped where it comes in. Who is
//! taken into the book, and how many, is decided in `client::nodes`.

pub(crate) mod discv5;
pub(crate) mod dns_tree;
pub(crate) mod peer_exchange;
pub(crate) mod record;
