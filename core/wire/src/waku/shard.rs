use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A static shard: pubsub topic `/waku/2/rs/<cluster>/<shard>`, written by `Display` and read by `FromStr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// Cluster, 0 to 65,535.
    pub cluster: u16,
    /// Shard in the cluster, 0 to [`Shard::MAX`].
    pub shard: u16,
}

/// Why a pubsub topic is not a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// The topic has another form.
    #[error("not a shard topic")]
    Form,
    /// The shard is over [`Shard::MAX`].
    #[error("shard out of range")]
    Range,
}

/// Why a content topic (23/WAKU2-TOPICS) cannot be mapped to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not `/{app}/{version}/{name}/{encoding}`, with or without a generation in front.
    #[error("malformed content topic")]
    Form,
    /// The generation is not 0.
    #[error("unknown topic generation")]
    Generation,
    /// The network has no shards.
    #[error("no shards")]
    NoShards,
}

impl Shard {
    /// Highest shard number of a cluster.
    pub const MAX: u16 = 1023;
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/waku/2/rs/{}/{}", self.cluster, self.shard)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(topic: &str) -> Result<Self, ShardError> {
        let (cluster, shard) =
            topic.strip_prefix("/waku/2/rs/").and_then(|rest| rest.split_once('/')).ok_or(ShardError::Form)?;
        let (cluster, shard) = (number(cluster)?, number(shard)?);
        if shard > Self::MAX { Err(ShardError::Range) } else { Ok(Self { cluster, shard }) }
    }
}

/// A decimal number in its only form: digits, no sign, no leading zero.
fn number(text: &str) -> Result<u16, ShardError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
        return Err(ShardError::Form);
    }
    text.parse().map_err(|_| ShardError::Range)
}

/// The shard by autosharding: the last 8 bytes of SHA-256(app ‖ version), big-endian, modulo the number of shards.
pub fn autoshard(content_topic: &str, shards: u16) -> Result<u16, TopicError> {
    let rest = content_topic.strip_prefix('/').ok_or(TopicError::Form)?;
    let parts: Vec<&str> = rest.splitn(6, '/').collect();
    let (app, version) = match parts.as_slice() {
        [_, app, version, name, encoding] if filled(&[app, version, name, encoding]) => {
            if parts.first() != Some(&"0") {
                return Err(TopicError::Generation);
            }
            (*app, *version)
        }
        [app, version, name, encoding] if filled(&[app, version, name, encoding]) => (*app, *version),
        _ => return Err(TopicError::Form),
    };
    let hash = Sha256::new().chain_update(app).chain_update(version).finalize();
    let tail = hash.last_chunk::<8>().copied().unwrap_or_default();
    u64::from_be_bytes(tail)
        .checked_rem(u64::from(shards))
        .and_then(|shard| u16::try_from(shard).ok())
        .ok_or(TopicError::NoShards)
}

fn filled(parts: &[&str]) -> bool {
    parts.iter().all(|part| !part.is_empty())
}
