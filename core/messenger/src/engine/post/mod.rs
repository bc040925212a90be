//! Parcels: bytes that leave until somebody has them. What is inside is not known here.

pub(crate) mod memory;
pub(crate) mod parcel;

use crate::engine::base::room;
use crate::engine::hear::Hear;

room! {
    /// What leaves.
    Post over hear: Hear {
        parcels: Parcel,
        attempts: Attempt,
    } and {
        /// Nodes to publish through; 0: nothing leaves.
        publish_nodes: u32,
        /// What shows which nodes do what they say.
        evidence: Vec<sotto_net::Evidence>,
    }
}
