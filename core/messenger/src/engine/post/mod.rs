//! Parcels: bytes that leave until somebody has them, and which nodes are worth their word. What is inside is not
//! known here.

pub(crate) mod memory;
pub(crate) mod parcel;
pub(crate) mod trust;

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
        trust: &'a trust::Trust,
        /// What shows whether publish nodes do what they say.
        told: Vec<trust::Told>,
    }
}
