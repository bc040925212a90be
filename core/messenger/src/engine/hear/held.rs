//! Pushes right after a start, before a store was asked for the time before. They are held, so that no message written
//! after a restore elsewhere is accepted before the restore is known.

use crate::engine::base::schedule;
use std::collections::VecDeque;

use sotto_net::Received;

const HELD_BYTES: usize = 512 * 1024;

/// The held pushes. By default nothing is held.
#[derive(Default)]
pub(crate) struct Held {
    holding: bool,
    since_ms: Option<i64>,
    pushes: VecDeque<Received>,
    bytes: usize,
    dropped: bool,
}

impl Held {
    /// An account was opened: pushes are held until the first catch-up ends.
    pub(crate) fn begin(&mut self) {
        self.holding = true;
    }

    /// Holds a push, or returns it if pushes are not held.
    pub(crate) fn take(&mut self, now_ms: i64, push: Received) -> Option<Received> {
        if !self.holding {
            return Some(push);
        }
        self.since_ms.get_or_insert(now_ms);
        let bytes = self.bytes.saturating_add(push.payload.len());
        if bytes > HELD_BYTES {
            self.dropped = true;
        } else {
            self.bytes = bytes;
            self.pushes.push_back(push);
        }
        None
    }

    /// When they are released, unless a store is being asked.
    pub(crate) fn until_ms(&self) -> Option<i64> {
        Some(self.since_ms?.saturating_add(schedule::HELD))
    }

    /// Releases the held pushes, oldest first, with whether some were dropped.
    pub(crate) fn release(&mut self) -> (VecDeque<Received>, bool) {
        let held = std::mem::take(self);
        (held.pushes, held.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(number: u8, bytes: usize) -> Received {
        Received {
            topic: String::new(),
            payload: vec![number; bytes],
            timestamp_ns: 0,
            hash: [number; 32],
            node: 1,
            live: true,
        }
    }

    #[test]
    fn pushes_wait_bounded_and_in_order() {
        let mut held = Held::default();
        assert!(held.take(0, push(0, 512)).is_some(), "nothing waits");
        held.begin();
        for number in 1..=9 {
            assert!(held.take(i64::from(number), push(number, 65_536)).is_none());
        }
        assert_eq!(held.until_ms(), Some(1 + schedule::HELD));
        let (pushes, dropped) = held.release();
        let order: Vec<u8> = pushes.iter().map(|one| one.hash[0]).collect();
        assert_eq!((order, dropped), ((1..=8).collect(), true));
        assert!(held.take(0, push(0, 512)).is_some(), "and nothing waits again");
    }
}
