//! Memory of one run about received messages: catch-ups, queries, the load of the bucket.

use std::collections::{HashMap, VecDeque};

use sotto_net::Command;

use crate::engine::base::schedule::{self, MINUTE};
use crate::engine::hear::bucket::Meter;
use crate::engine::hear::held::Held;
use crate::engine::hear::query::{Query, What};

/// Unit that the start of a query is rounded down to, milliseconds: no bound may link two sessions of one phone.
const START_MS: i64 = 10 * MINUTE;
/// Unit that the end of a query, if it has one, is rounded up to, milliseconds.
const END_MS: i64 = MINUTE;
/// Most stores that are asked for the same period while all is quiet, one after the other.
const STORES: usize = 10;

#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) topics: Vec<String>,
    pub(crate) subscribed: Vec<String>,
    pub(crate) meter: Meter,
    /// Until when polled messages were counted, Unix milliseconds: before, and with the running poll.
    pub(crate) counted_ms: (i64, i64),
    pub(crate) held: Held,
    /// A bucket that was left is asked for again.
    pub(crate) poll_ms: i64,
    /// Whether the coverage has no gap since the last catch-up.
    pub(crate) caught_up: bool,
    /// Catch-ups up to this query began before the last gap, so their end does not end it.
    too_early: u64,
    pub(crate) catch_up_after_ms: i64,
    /// Time of the last push, relayed message or round-robin catch-up. A bad store may cause other events.
    pub(crate) quiet_since_ms: i64,
    /// Starts of the periods that the last catch-ups were for, corrected time, oldest first.
    asked_ms: VecDeque<i64>,
    pub(crate) catch_up_tries: u32,
    pub(crate) queries: HashMap<u64, Query>,
    next_query: u64,
}

impl Heard {
    /// When a store is to be asked for the own topics, if that is possible.
    pub(crate) fn catch_up_from(&self) -> i64 {
        let from = match self.caught_up {
            false => i64::MIN,
            true => self.quiet_since_ms.saturating_add(schedule::QUIET),
        };
        from.max(self.catch_up_after_ms)
    }

    /// The app was opened; the person may wait for something.
    pub(crate) fn opened(&mut self, now_ms: i64) {
        self.catch_up_after_ms = 0;
        self.catch_up_tries = 0;
        if now_ms.saturating_sub(self.quiet_since_ms) >= schedule::QUIET_OPENED {
            self.quiet_since_ms = now_ms.saturating_sub(schedule::QUIET);
        }
    }

    /// Start of the period to ask a store for while all is quiet, corrected time: earlier stores may lack messages.
    pub(crate) fn asked_since(&self) -> Option<i64> {
        self.asked_ms.iter().min().copied()
    }

    pub(crate) fn asks(&self, what: impl Fn(&What) -> bool) -> bool {
        self.queries.values().any(|query| what(&query.what))
    }

    /// The command of a query; its answers carry the id.
    pub(crate) fn ask(&mut self, query: Query) -> (u64, Command) {
        self.next_query = self.next_query.wrapping_add(1);
        let id = self.next_query;
        let command = Command::Query {
            id,
            circle: query.circle,
            topics: query.topics.clone(),
            start_ns: query.from_ns.unwrap_or_else(|| cut(query.start_ms, START_MS)),
            end_ns: query.end_ms.map(|end_ms| cut(end_ms.saturating_add(END_MS), END_MS)),
            newest_first: query.newest_first,
            most_bytes: query.most_bytes,
        };
        self.queries.insert(id, query);
        (id, command)
    }

    /// Messages may have been missed until now.
    pub(crate) fn missed(&mut self) {
        self.caught_up = false;
        self.too_early = self.next_query;
    }

    /// The last page of a catch-up for the time after `covered_ms`, corrected; in round-robin also for earlier periods.
    pub(crate) fn catch_up_ended(&mut self, query: u64, (covered_ms, by_turns): (i64, bool), now_ms: i64) {
        self.caught_up = query > self.too_early;
        self.catch_up_tries = 0;
        self.quiet_if(by_turns, now_ms);
        match self.asked_ms.back_mut() {
            // The next round-robin query covers this period too.
            Some(last) if !by_turns => *last = covered_ms.min(*last),
            _ => self.asked_ms.push_back(covered_ms),
        }
        if self.asked_ms.len() > STORES {
            self.asked_ms.pop_front();
        }
    }

    fn quiet_if(&mut self, by_turns: bool, now_ms: i64) {
        if by_turns || self.quiet_since_ms == 0 {
            self.quiet_since_ms = now_ms;
        }
    }

    pub(crate) fn catch_up_failed(&mut self, by_turns: bool, reachable: bool, now_ms: i64) {
        let failed = match reachable {
            true => &schedule::CATCH_UP_FAILED,
            false => &schedule::CATCH_UP_OFFLINE,
        };
        self.catch_up_after_ms = now_ms.saturating_add(failed.plain(self.catch_up_tries));
        self.catch_up_tries = self.catch_up_tries.saturating_add(1);
        self.quiet_if(by_turns, now_ms);
    }

    /// Messages may have been missed; a store is asked at once.
    pub(crate) fn ask_now(&mut self) {
        self.missed();
        self.catch_up_after_ms = 0;
    }

    /// The disk failed: messages of this time are fetched again, and further pages are no complete catch-up.
    pub(crate) fn storage_failed(&mut self, again_ms: i64) {
        self.caught_up = false;
        self.catch_up_after_ms = again_ms;
        self.queries.retain(|_, query| !matches!(query.what, What::CatchUp { .. }));
    }
}

/// A time in milliseconds, rounded down to a multiple of `unit_ms`, in nanoseconds.
fn cut(ms: i64, unit_ms: i64) -> i64 {
    ms.saturating_sub(ms.rem_euclid(unit_ms)).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_net::Circle;

    #[test]
    fn a_question_begins_at_ten_minutes_and_ends_at_the_minute() {
        let mut heard = Heard::default();
        let mut bounds = |start_ms, end_ms| {
            let query = Query {
                what: What::Hole,
                circle: Circle::Receive,
                topics: Vec::new(),
                start_ms,
                end_ms,
                newest_first: false,
                most_bytes: None,
                from_ns: None,
            };
            match heard.ask(query).1 {
                Command::Query { start_ns, end_ns, .. } => (start_ns / 1_000_000, end_ns.map(|end| end / 1_000_000)),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(bounds(1_234_567, Some(1_261_234)), (1_200_000, Some(1_320_000)));
        assert_eq!(bounds(1_200_000, None), (1_200_000, None));
        assert_eq!(bounds(1_199_999, Some(0)), (600_000, Some(60_000)));
    }
}
