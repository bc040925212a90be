//! Parcels: sealed bytes that are published until somebody has received them. This room does not know their content.

pub(crate) mod memory;
pub(crate) mod parcel;

use crate::engine::base::room;
use crate::engine::hear::Hear;

room! {
    Post over hear: Hear {
        parcels: Parcel,
        attempts: Attempt,
    } and {
        /// Number of publish nodes; without any, nothing leaves.
        publish_nodes: u32,
        /// Evidence of which nodes deliver what they take.
        evidence: Vec<sotto_net::Evidence>,
    }
}
