//! What is relayed, on its way to a light client in the same process.

use std::sync::Arc;

use libp2p::PeerId;
use sotto_wire::waku::WakuMessage;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Messages that may wait for the light client,
const DEPTH: usize = 256;
/// and their payloads' bytes. One message always fits.
const BYTES: usize = 2 * 1024 * 1024;

/// A message that was relayed.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Who gave it.
    pub(crate) from: PeerId,
    pub(crate) pubsub_topic: String,
    pub(crate) message: WakuMessage,
    /// Messages before it were not handed over, because there was no room.
    pub(crate) gap: bool,
    /// Its bytes' share of what may wait.
    _room: OwnedSemaphorePermit,
}

/// The node's end.
pub(super) struct Hearing {
    queue: mpsc::Sender<Heard>,
    room: Arc<Semaphore>,
    /// Something was not handed over.
    gap: bool,
}

impl Hearing {
    pub(super) fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (queue, heard) = mpsc::channel(DEPTH);
        let hearing = Self {
            queue,
            room: Arc::new(Semaphore::new(BYTES)),
            gap: false,
        };
        (hearing, heard)
    }

    /// Hands a message over, if anybody listens and there is room.
    pub(super) fn give(&mut self, from: PeerId, pubsub_topic: &str, message: &WakuMessage) {
        if self.queue.is_closed() {
            return;
        }
        let share = u32::try_from(message.payload.len().min(BYTES)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(share);
        let given = room.is_ok_and(|room| {
            let heard = Heard {
                from,
                pubsub_topic: pubsub_topic.into(),
                message: message.clone(),
                gap: self.gap,
                _room: room,
            };
            self.queue.try_send(heard).is_ok()
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
        (0..DEPTH).for_each(|_| hearing.give(from, "shard", &message(1 << 20)));
        assert_eq!(count(&mut hearing), (2, true));
        hearing.give(from, "shard", &message(BYTES + 1));
        assert_eq!(count(&mut hearing), (1, false));
    }
}
