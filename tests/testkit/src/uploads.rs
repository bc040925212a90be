//! Uploads and file queries on the simulated network.

use sotto_net::{Event as NetEvent, FailReason, PublishOutcome, Received};
use sotto_wire::waku::WakuMessage;

use crate::World;

/// Publish nodes, and chunks in flight, of an upload.
const NODES: u64 = 3;
const IN_FLIGHT: usize = 4;

impl World {
    /// Publishes each chunk like a message, through one node. The first failure ends the upload; chunks that were in
    /// flight then may still be taken.
    pub(crate) fn upload(
        &mut self,
        who: usize,
        (id, not): (u64, &[u64]),
        topic: &str,
        payloads: Vec<Vec<u8>>,
        timestamp_ns: i64,
    ) {
        let (mut taken, mut failed) = (vec![false; payloads.len()], None);
        let mut last = payloads.len();
        for (at, payload) in payloads.into_iter().enumerate() {
            if at >= last {
                break;
            }
            let timestamp_ns = self.dated(nth(timestamp_ns, at));
            let message = WakuMessage::new(topic.to_owned(), payload, timestamp_ns);
            let (outcome, relayed) = self.fate(who);
            let reason = match outcome {
                // A busy node refuses before it relays.
                PublishOutcome::Failed(FailReason::Timeout) if !relayed => Some(FailReason::Busy),
                PublishOutcome::Failed(reason) => Some(reason),
                PublishOutcome::Refused => Some(FailReason::Refused),
                _ => None,
            };
            taken[at] = reason.is_none();
            if let Some(reason) = reason
                && failed.is_none()
            {
                failed = Some(reason);
                last = last.min(at + IN_FLIGHT);
            }
            if relayed {
                self.relay(&message);
            }
        }
        let other: Vec<u64> = (0..NODES).filter(|node| !not.contains(node)).collect();
        let drawn = self.rng.below(other.len().max(1) as u64) as usize;
        let node = other.get(drawn).or(not.last()).copied().filter(|_| failed != Some(FailReason::NoNode));
        self.later(who, 30 + 10 * taken.len() as i64, NetEvent::Uploaded { id, node, taken, failed });
    }

    /// Drops what is under way for an upload or a query.
    pub(crate) fn stop(&mut self, who: usize, id: u64) {
        self.queue.retain(|_, (of, _, event)| *of != who || !is_of(event, id));
    }
}

/// The time of a chunk of an upload.
pub(crate) fn nth(timestamp_ns: i64, at: usize) -> i64 {
    if timestamp_ns == 0 { 0 } else { timestamp_ns + at as i64 }
}

fn is_of(event: &NetEvent, id: u64) -> bool {
    match event {
        NetEvent::Page { id: of, .. } | NetEvent::QueryFailed { id: of, .. } | NetEvent::Uploaded { id: of, .. } => {
            *of == id
        }
        _ => false,
    }
}

/// Pages of at most `size` messages, until `most_bytes` are reached; whether the store has more then.
pub(crate) fn pages(found: &[Received], size: usize, most_bytes: Option<usize>) -> (Vec<Vec<Received>>, bool) {
    let (mut pages, mut bytes, mut rest) = (Vec::new(), 0, found);
    while pages.is_empty() || (!rest.is_empty() && most_bytes.is_none_or(|most| bytes < most)) {
        let (page, behind) = rest.split_at(rest.len().min(size));
        bytes += page.iter().map(|one| one.payload.len()).sum::<usize>();
        pages.push(page.to_vec());
        rest = behind;
    }
    (pages, !rest.is_empty())
}
