use sha2::{Digest, Sha256};

use super::WakuMessage;

/// The deterministic message hash (14/WAKU2-MESSAGE): SHA-256(pubsub topic ‖ payload ‖ content topic ‖ meta ‖
/// timestamp, 8 bytes big-endian). An absent timestamp hashes as zero.
pub fn message_hash(pubsub_topic: &str, message: &WakuMessage) -> [u8; 32] {
    Sha256::new()
        .chain_update(pubsub_topic)
        .chain_update(&message.payload)
        .chain_update(&message.content_topic)
        .chain_update(message.meta.as_deref().unwrap_or_default())
        .chain_update(message.timestamp.unwrap_or_default().to_be_bytes())
        .finalize()
        .into()
}

/// The gossipsub message id (11/WAKU2-RELAY): SHA-256 of the message's data as received.
pub fn gossip_id(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}
