//! Configuration of an engine.

use sotto_wire::topic::BucketTable;

use crate::config::Mode;

/// Configuration of an engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Waku cluster; invites of other clusters are refused.
    pub cluster: u16,
    /// The number of buckets of a lane, by date.
    pub buckets: BucketTable,
    /// Retention of the stores, seconds.
    pub store_retention_s: u64,
    /// Whether one node may publish and answer for its own store (test networks).
    pub single_circle: bool,
    /// The key of the peer book; see [`book::network`](crate::engine::book::network).
    pub network: String,
    /// Node addresses for invites.
    pub invite_nodes: Vec<String>,
    /// Whether read receipts are sent until the person decides.
    pub read_receipts: bool,
    /// The suites of this install, one bit each: [`sotto_crypto::SUITES`], or others in simulations.
    pub suites: u32,
    /// Light client, relay, or adaptive.
    pub mode: Mode,
}
