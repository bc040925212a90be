//! What an engine is opened with.

use sotto_wire::topic::BucketTable;

use crate::config::Mode;

/// What an engine is opened with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Waku cluster; invites of others are refused.
    pub cluster: u16,
    /// How many buckets a lane has, by date.
    pub buckets: BucketTable,
    /// How long stores keep messages, seconds.
    pub store_retention_s: u64,
    /// One node may publish and answer for its store (test networks).
    pub single_circle: bool,
    /// What nodes are remembered under; see [`book::network`](crate::engine::book::network).
    pub network: String,
    /// Node addresses put into invites.
    pub invite_nodes: Vec<String>,
    /// Read receipts, until the person decides.
    pub read_receipts: bool,
    /// The suites this install speaks, one bit each: [`sotto_crypto::SUITES`], or others in simulations.
    pub suites: u32,
    /// Light client, relay, or each in its time.
    pub mode: Mode,
}
