//! Uploads: chunks of one file, pushed at one node. Chunks once taken stay noted when the upload is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sotto_wire::waku::{Shard, WakuMessage};
use tokio::time::timeout;

use super::lightpush;
use super::nodes::Offers;
use super::store::Asked;
use crate::config::NetConfig;
use crate::handle::{FailReason, PublishOutcome, UPLOAD_MOST};

/// Most chunks that wait for the node's answer.
const IN_FLIGHT: usize = 4;

/// The chunks of one command.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) topic: String,
    shard: Shard,
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    message: WakuMessage,
    taken: AtomicBool,
}

/// A second, nanoseconds.
const SECOND_NS: i64 = 1_000_000_000;

impl Batch {
    /// The messages of an upload; `None` if one of them does not fit the network, or their number the command.
    pub(crate) fn new(topic: String, payloads: Vec<Vec<u8>>, timestamp_ns: i64, config: &NetConfig) -> Option<Self> {
        let shard = config.shard(&topic).filter(|_| (1..=UPLOAD_MOST).contains(&payloads.len()))?;
        let step = i64::from(timestamp_ns % SECOND_NS != 0);
        let chunk = |(at, payload)| {
            let message = WakuMessage::new(topic.clone(), payload, timestamp_ns.saturating_add(step * at));
            message.validate(config.max_message).is_ok().then(|| Chunk { message, taken: AtomicBool::new(false) })
        };
        let chunks = (0..).zip(payloads).map(chunk).collect::<Option<_>>()?;
        Some(Self { topic, shard, chunks })
    }

    /// Whether each chunk was taken so far.
    pub(crate) fn taken(&self) -> Vec<bool> {
        self.chunks.iter().map(|chunk| chunk.taken.load(Ordering::Relaxed)).collect()
    }

    #[cfg(test)]
    pub(crate) fn take(&self, chunk: usize) {
        self.chunks.get(chunk).unwrap().taken.store(true, Ordering::Relaxed);
    }

    /// Whether a chunk was taken.
    pub(crate) fn has_begun(&self) -> bool {
        self.taken().contains(&true)
    }
}

/// Pushes the chunks in order, a few at a time. The first failure or refusal is the end, after the answers to the
/// chunks in flight; so is the time limit, without them.
pub(crate) async fn push(asked: Asked, offers: Offers, batch: Arc<Batch>) -> Result<(), FailReason> {
    let limit = asked.config.timing.upload;
    timeout(limit, push_all(&asked, offers, &batch)).await.unwrap_or(Err(FailReason::Timeout))
}

async fn push_all(asked: &Asked, offers: Offers, batch: &Batch) -> Result<(), FailReason> {
    let mut waiting = batch.chunks.iter();
    let mut flying = FuturesUnordered::new();
    let mut failed = None;
    loop {
        while flying.len() < IN_FLIGHT
            && failed.is_none()
            && let Some(chunk) = waiting.next()
        {
            let answer = lightpush::push(asked.clone(), offers, batch.shard, chunk.message.clone());
            flying.push(async move { (chunk, answer.await) });
        }
        let Some((chunk, answer)) = flying.next().await else {
            return failed.map_or(Ok(()), Err);
        };
        let reason = match answer {
            Ok(PublishOutcome::Failed(reason)) => Some(reason),
            Ok(PublishOutcome::Refused) => Some(FailReason::Refused),
            Ok(_) => {
                chunk.taken.store(true, Ordering::Relaxed);
                None
            }
            Err(error) => Some(error.reason()),
        };
        failed = failed.or(reason);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::Sharding;

    const TOPIC: &str = "/sotto/1/b00-0000000000000000/proto";

    fn batch(count: usize, timestamp_ns: i64) -> Option<Batch> {
        let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        Batch::new(TOPIC.into(), vec![vec![1]; count], timestamp_ns, &config)
    }

    #[test]
    fn each_chunk_is_a_nanosecond_later_or_all_have_one_second() {
        let times = |timestamp_ns| {
            let chunks = batch(3, timestamp_ns).unwrap().chunks;
            chunks.iter().map(|chunk| chunk.message.timestamp.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(times(7), [7, 8, 9]);
        assert_eq!(times(0), [0, 0, 0]);
        assert_eq!(times(5_000_000_000), [5_000_000_000; 3]);
    }

    #[test]
    fn an_upload_has_so_many_chunks_and_each_fits_the_network() {
        assert!(batch(UPLOAD_MOST, 1).is_some_and(|batch| !batch.has_begun()));
        assert!(batch(0, 1).is_none() && batch(UPLOAD_MOST + 1, 1).is_none());
        let config = NetConfig::new(Vec::new(), 66, Sharding::Static(vec![0]));
        let large = vec![vec![1], vec![1; config.max_message]];
        assert!(Batch::new(TOPIC.into(), large, 1, &config).is_none());
        assert!(Batch::new("no topic".into(), vec![vec![1]], 1, &config).is_none());
    }
}
