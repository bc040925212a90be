//! Waku's own messages, hashes, topics and framing, as deployed nodes use them.
//!
//! The structs are generated from `proto/waku.proto`. Fields that nim decoders require are `Option`s although proto3
//! does not need them. Write `Some(default)` into these, or such nodes drop the message.

mod enr;
mod frame;
mod hash;
mod shard;
mod status;
mod tree;

pub use enr::{MAX_RECORD, RecordError, Services, ShardSet, join_addresses, record_key, split_addresses};
pub use frame::{
    DecodeError, FILTER_REQUEST_CAP, FILTER_RESPONSE_CAP, FrameError, FrameHeader, LIGHTPUSH_RESPONSE_CAP, MAX_FIELDS,
    MAX_MESSAGE, METADATA_CAP, PEER_EXCHANGE_CAP, STORE_PAGE_LIMIT, STORE_REQUEST_CAP, decode, decode_framed,
    encode_framed, frame_header, lightpush_request_cap, push_cap, store_response_cap,
};
pub use generated::{
    FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, LightPushRequest, LightPushResponse,
    MessagePush, PeerExchangeQuery, PeerExchangeResponse, PeerExchangeRpc, PeerInfo, PushRequest, PushResponse,
    PushRpc, StoreQueryRequest, StoreQueryResponse, WakuMessage, WakuMessageKeyValue, WakuMetadata,
};
pub use hash::{gossip_id, message_hash};
pub use prost::Message;
pub use shard::{Shard, ShardError, TopicError, autoshard};
pub use status::{FilterStatus, LightPushStatus, PeerExchangeStatus, StoreStatus};
pub use tree::{MAX_CHILDREN, MAX_TREE_TEXT, TreeEntry, TreeError, TreeHash, TreeRoot, TreeUrl, record_bytes};

#[allow(missing_docs, clippy::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/waku.rs"));
}

/// Protocol ids, exactly as they are negotiated.
pub mod protocol {
    /// Gossipsub between relays.
    pub const RELAY: &str = "/vac/waku/relay/2.0.0";
    /// Store v3 queries.
    pub const STORE: &str = "/vac/waku/store-query/3.0.0";
    /// Filter: client to server.
    pub const FILTER_SUBSCRIBE: &str = "/vac/waku/filter-subscribe/2.0.0-beta1";
    /// Filter: server to client.
    pub const FILTER_PUSH: &str = "/vac/waku/filter-push/2.0.0-beta1";
    /// Lightpush v3 requests, with status codes.
    pub const LIGHTPUSH_V3: &str = "/vac/waku/lightpush/3.0.0";
    /// Lightpush v2 requests, without status codes.
    pub const LIGHTPUSH_V2: &str = "/vac/waku/lightpush/2.0.0-beta1";
    /// Exchange of cluster and shards.
    pub const METADATA: &str = "/vac/waku/metadata/1.0.0";
    /// Requests for node records.
    pub const PEER_EXCHANGE: &str = "/vac/waku/peer-exchange/2.0.0-alpha1";
}

/// Longest `meta`, bytes.
pub const MAX_META: usize = 64;

/// The `request_id` of a reply from a rate-limiting server.
pub const RATE_LIMITED_ID: &str = "N/A";

/// Why a [`WakuMessage`] must not be relayed, pushed or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The payload is empty.
    #[error("empty payload")]
    EmptyPayload,
    /// The content topic is empty.
    #[error("empty content topic")]
    EmptyTopic,
    /// `meta` is over [`MAX_META`].
    #[error("meta too long")]
    MetaTooLong,
    /// The encoded message is over the network's limit.
    #[error("message too large")]
    TooLarge,
}

impl WakuMessage {
    /// A message as Sotto sends it: no version, meta, proof or `ephemeral`. `timestamp_ns` is Unix nanoseconds.
    pub fn new(content_topic: String, payload: Vec<u8>, timestamp_ns: i64) -> Self {
        Self { payload, content_topic, timestamp: Some(timestamp_ns), ..Self::default() }
    }

    /// Checks the rules that every implementation checks. `max`: the network's limit in encoded bytes.
    pub fn validate(&self, max: usize) -> Result<(), MessageError> {
        if self.payload.is_empty() {
            return Err(MessageError::EmptyPayload);
        }
        if self.content_topic.is_empty() {
            return Err(MessageError::EmptyTopic);
        }
        if self.meta.as_ref().is_some_and(|meta| meta.len() > MAX_META) {
            return Err(MessageError::MetaTooLong);
        }
        if self.encoded_len() > max { Err(MessageError::TooLarge) } else { Ok(()) }
    }
}

impl WakuMetadata {
    /// Cluster and shards in both encodings, for requests and responses alike.
    pub fn new(cluster: u16, shards: &[u16]) -> Self {
        let shards: Vec<u32> = shards.iter().map(|&s| u32::from(s)).collect();
        Self { cluster_id: Some(u32::from(cluster)), shards_unpacked: shards.clone(), shards }
    }

    /// The sender's cluster; `None` if it is absent or over 65,535.
    pub fn cluster(&self) -> Option<u16> {
        self.cluster_id.and_then(|c| u16::try_from(c).ok())
    }
}
