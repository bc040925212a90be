//! Relayed messages for a light client in the same process.

use libp2p::PeerId;
use sotto_wire::waku::{Message as _, WakuMessage};
use tokio::sync::mpsc;

use super::queue::{self, Filler};

/// Most messages queued for the light client.
const DEPTH: usize = 256;
/// Most bytes of these messages. One message always fits.
const BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) from: PeerId,
    pub(crate) pubsub_topic: String,
    pub(crate) message: WakuMessage,
    /// Whether messages before this one were dropped for lack of room.
    pub(crate) gap: bool,
}

pub(super) struct Hearing {
    queue: Filler<Heard>,
    /// Whether a message was dropped since the last one.
    gap: bool,
}

impl Hearing {
    pub(super) fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (queue, heard) = queue::channel(DEPTH, BYTES);
        (Self { queue, gap: false }, heard)
    }

    /// Queues a message, if there is a light client and room.
    pub(super) fn give(&mut self, from: PeerId, pubsub_topic: &str, message: &WakuMessage) {
        if self.queue.is_closed() {
            return;
        }
        let gap = self.gap;
        let given = self.queue.put(message.encoded_len(), || Heard {
            from,
            pubsub_topic: pubsub_topic.into(),
            message: message.clone(),
            gap,
        });
        self.gap = !given;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn few_large_ones_wait_or_many_small_ones() {
        let (mut hearing, mut heard) = Hearing::new();
        let message = |bytes| WakuMessage::new("/t/1/n/proto".into(), vec![1; bytes], 1);
        let from = PeerId::random();
        let mut count = |hearing: &mut Hearing| {
            let mut gaps = Vec::new();
            while let Ok(one) = heard.try_recv() {
                gaps.push(one.gap);
            }
            hearing.give(from, "shard", &message(9));
            (gaps.len(), heard.try_recv().unwrap().gap)
        };
        (0..DEPTH).for_each(|_| hearing.give(from, "shard", &message(1000)));
        assert_eq!(count(&mut hearing), (DEPTH, false));
        (0..DEPTH).for_each(|_| hearing.give(from, "shard", &message((1 << 20) - 99)));
        assert_eq!(count(&mut hearing), (2, true));
        hearing.give(from, "shard", &message(BYTES + 1));
        assert_eq!(count(&mut hearing), (1, false));
    }
}
