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
    if timestamp_ns % 1_000_000_000 == 0 { timestamp_ns } else { timestamp_ns + at as i64 }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{SECOND, Weather};

    const TOPIC: &str = "/sotto/1/b00-0000000000000001/proto";

    fn world(weather: Weather) -> World {
        let mut world = World::new(7, 1);
        world.weather = weather;
        world.queue.clear();
        world
    }

    /// What the phone will hear next.
    fn heard(world: &mut World) -> Vec<NetEvent> {
        std::mem::take(&mut world.queue).into_values().map(|(_, _, event)| event).collect()
    }

    fn chunks(batch: u8) -> Vec<Vec<u8>> {
        (0..16).map(|number| vec![batch, number]).collect()
    }

    #[test]
    fn batches_are_taken_whole_or_cut_and_the_store_has_what_was_taken() {
        let mut world = world(Weather { publish_fails: 5, ..Weather::default() });
        let (mut whole, mut cut, mut holes, mut reasons) = (0, 0, 0, BTreeSet::new());
        for batch in 0..200 {
            let at_ns = world.now_ms * 1_000_000 + 1; // no whole second
            world.upload(0, (batch, &[0, 1]), TOPIC, chunks(batch as u8), at_ns);
            let events = heard(&mut world);
            let [NetEvent::Uploaded { id, node: Some(2), taken, failed }] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!((*id, taken.len(), failed.is_none()), (batch, 16, !taken.contains(&false)));
            let stored = world.found(&[TOPIC.into()], at_ns, None, false);
            let stored: Vec<_> = stored.iter().map(|one| (one.timestamp_ns - at_ns, one.payload[1])).collect();
            for (number, _) in taken.iter().enumerate().filter(|(_, taken)| **taken) {
                assert!(stored.contains(&(number as i64, number as u8)), "{number} of {stored:?}");
            }
            whole += u32::from(failed.is_none());
            cut += u32::from(failed.is_some() && taken.contains(&true));
            holes += u32::from(!taken.is_sorted_by(|one, next| one >= next));
            reasons.extend(failed.map(|reason| format!("{reason:?}")));
            world.now_ms += SECOND;
        }
        assert!(whole > 40 && cut > 40 && holes > 20, "{whole} {cut} {holes}");
        assert_eq!(reasons, ["Busy", "Timeout"].map(str::to_owned).into());
        world.phones[0].online = false;
        world.upload(0, (1, &[]), TOPIC, chunks(1), 1);
        let failed = Some(FailReason::NoNode);
        assert_eq!(heard(&mut world), [NetEvent::Uploaded { id: 1, node: None, taken: vec![false; 16], failed }]);
    }

    #[test]
    fn what_is_stopped_is_not_heard_of() {
        let mut world = world(Weather::default());
        for id in [1, 2] {
            world.upload(0, (id, &[]), TOPIC, chunks(1), 1);
        }
        world.stop(0, 1);
        assert!(matches!(heard(&mut world)[..], [NetEvent::Uploaded { id: 2, .. }]));
    }

    #[test]
    fn pages_end_at_so_many_bytes() {
        let one = |number| Received {
            topic: TOPIC.into(),
            payload: vec![0; 10],
            timestamp_ns: number,
            hash: [0; 32],
            node: 0,
            live: false,
        };
        let found: Vec<_> = (0..50).map(one).collect();
        let cut = |found: &[Received], most| {
            let (pages, more) = pages(found, 20, most);
            (pages.iter().map(Vec::len).collect::<Vec<_>>(), more)
        };
        assert_eq!(cut(&found, None), (vec![20, 20, 10], false));
        assert_eq!(cut(&found, Some(200)), (vec![20], true));
        assert_eq!(cut(&found, Some(201)), (vec![20, 20], true));
        assert_eq!(cut(&found, Some(500)), (vec![20, 20, 10], false));
        assert_eq!(cut(&[], Some(1)), (vec![0], false));
    }
}
