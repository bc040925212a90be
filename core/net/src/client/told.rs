//! Events for the engine that wait to be fetched, and the last reported state.

use std::collections::VecDeque;

use crate::handle::{Connectivity, Event};

/// Most waiting events; beyond that, nothing that makes more events is taken.
const BACKLOG: usize = 64;
/// Most waiting events before relayed messages are dropped, and most bytes of their messages. Both include events that
/// are handed over and not fetched yet.
const HEARD: usize = 256;
const HEARD_BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Told {
    out: VecDeque<Event>,
    /// Payload bytes of the last events handed over, as many as fit the channel.
    handed: VecDeque<usize>,
    connectivity: Connectivity,
    /// Addresses of the own relay, as last reported.
    served: Vec<String>,
}

impl Told {
    pub(super) fn say(&mut self, event: Event) {
        self.out.push_back(event);
    }

    pub(super) fn all(&mut self, events: impl IntoIterator<Item = Event>) {
        self.out.extend(events);
    }

    /// Drops the waiting events of a stopped upload or query.
    pub(super) fn forget(&mut self, id: u64) {
        self.out.retain(|event| match event {
            Event::Page { id: of, .. } | Event::QueryFailed { id: of, .. } | Event::Uploaded { id: of, .. } => {
                *of != id
            }
            _ => true,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.out.len() < BACKLOG
    }

    /// Whether a relayed message may be queued. `fetching`: events in the channel that the engine has not fetched.
    pub(super) fn has_room_to_hear(&self, fetching: usize) -> bool {
        let handed = self.handed.iter().rev().take(fetching).copied();
        let bytes: usize = handed.chain(self.out.iter().map(payload)).sum();
        self.out.len() < HEARD && bytes < HEARD_BYTES
    }

    /// The event to hand over now, to a channel of `depth` events.
    pub(super) fn next(&mut self, depth: usize) -> Option<Event> {
        let event = self.out.pop_front()?;
        self.handed.push_back(payload(&event));
        self.handed.drain(..self.handed.len().saturating_sub(depth));
        Some(event)
    }

    /// Reports reachability if it changed. A gap is always reported.
    pub(super) fn is_news(&mut self, connectivity: Connectivity) -> bool {
        let before = std::mem::replace(&mut self.connectivity, Connectivity { gap: false, ..connectivity });
        connectivity.gap || connectivity != before
    }

    /// Reports the serving addresses if they changed.
    pub(super) fn serving(&mut self, addresses: Vec<String>) {
        if self.served != addresses {
            self.served.clone_from(&addresses);
            self.say(Event::Serving { addresses });
        }
    }
}

/// Bytes of a live message. Other events are bounded at their source.
fn payload(event: &Event) -> usize {
    match event {
        Event::Message(one) => one.payload.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::{FailReason, Received};

    fn message(bytes: usize) -> Event {
        let payload = vec![0; bytes];
        Event::Message(Received { topic: String::new(), payload, timestamp_ns: 0, hash: [0; 32], node: 0, live: true })
    }

    #[test]
    fn what_waits_is_bounded_by_count_and_by_bytes() {
        let mut told = Told::default();
        for waiting in 0..HEARD {
            assert_eq!(told.has_room(), waiting < BACKLOG);
            assert!(told.has_room_to_hear(0));
            told.say(message(1));
        }
        assert!(!told.has_room_to_hear(0));
        let mut told = Told::default();
        told.say(message(HEARD_BYTES - 1));
        assert!(told.has_room_to_hear(0));
        told.say(message(1));
        assert!(!told.has_room_to_hear(0));
    }

    #[test]
    fn bytes_count_until_they_are_fetched() {
        let (mut told, depth) = (Told::default(), 4);
        for _ in 0..10 {
            told.say(message(HEARD_BYTES));
            assert!(told.next(depth).is_some());
            assert!(!told.has_room_to_hear(1));
            assert!(told.has_room_to_hear(0));
        }
        assert!(told.is_empty() && told.next(depth).is_none());
        assert_eq!(told.handed.len(), depth);
    }

    #[test]
    fn what_is_stopped_says_nothing_more() {
        let mut told = Told::default();
        let page = |id| Event::Page { id, messages: Vec::new(), last: true, more: false };
        let uploaded = |id| Event::Uploaded { id, node: None, taken: Vec::new(), failed: None };
        for id in [1, 2] {
            told.all([page(id), uploaded(id), Event::QueryFailed { id, reason: FailReason::Timeout }, message(1)]);
        }
        told.forget(1);
        let left: Vec<Event> = std::iter::from_fn(|| told.next(9)).collect();
        let failed = Event::QueryFailed { id: 2, reason: FailReason::Timeout };
        assert_eq!(left, [message(1), page(2), uploaded(2), failed, message(1)]);
    }

    #[test]
    fn only_changes_are_told_and_every_gap() {
        let mut told = Told::default();
        let state = Connectivity { subscribed: true, ..Connectivity::default() };
        let gap = Connectivity { gap: true, ..state };
        assert!(!told.is_news(Connectivity::default()));
        assert!(told.is_news(state) && !told.is_news(state));
        assert!(told.is_news(gap) && told.is_news(gap) && !told.is_news(state));
        told.serving(Vec::new());
        assert!(told.is_empty(), "nowhere before, nowhere now");
        (0..2).for_each(|_| told.serving(vec!["/ip4/1.2.3.4/tcp/1".into()]));
        assert!(told.next(9).is_some() && told.is_empty());
    }
}
