//! What is known of what comes in only while the process runs: catch-ups, questions, the load of the bucket.

use std::collections::{HashMap, VecDeque};

use sotto_net::Command;

use crate::engine::base::schedule;
use crate::engine::base::step::MINUTE;
use crate::engine::hear::bucket::Meter;
use crate::engine::hear::held::Held;
use crate::engine::hear::query::{Query, What};

/// The start of a query is cut down to a multiple of this, milliseconds: bounds that no other phone has would join two
/// sessions of one phone.
const START_MS: i64 = 10 * MINUTE;
/// The end of a query, where it has one, is moved up to a multiple of this, milliseconds.
const END_MS: i64 = MINUTE;
/// Stores that are asked for the same stretch of time while all is quiet, one after the other.
const STORES: usize = 10;

/// What comes in.
#[derive(Default)]
pub(crate) struct Heard {
    /// The own topics,
    pub(crate) topics: Vec<String>,
    /// and those of them that are subscribed to.
    pub(crate) subscribed: Vec<String>,
    pub(crate) meter: Meter,
    /// Polled messages up to the first time, Unix milliseconds, were counted before; with the poll under way, up to the
    /// second.
    pub(crate) counted_ms: (i64, i64),
    pub(crate) held: Held,
    /// A bucket that was left is asked for again.
    pub(crate) poll_ms: i64,
    /// Nothing was missed since the last catch-up.
    pub(crate) caught_up: bool,
    /// Catch-ups up to this query began before something was missed last: their end is not the end.
    too_early: u64,
    pub(crate) catch_up_after_ms: i64,
    /// The last push or relayed message, or the end of the last catch-up by turns: others may ask a bad store each
    /// time.
    pub(crate) quiet_since_ms: i64,
    /// Where the stretches begin, corrected time, that the last catch-ups were for, oldest first.
    asked_ms: VecDeque<i64>,
    pub(crate) catch_up_tries: u32,
    pub(crate) queries: HashMap<u64, Query>,
    next_query: u64,
}

impl Heard {
    /// From when on the store is to be asked for what came on the own topics, if that is possible.
    pub(crate) fn catch_up_from(&self) -> i64 {
        let from = match self.caught_up {
            false => i64::MIN,
            true => self.quiet_since_ms.saturating_add(schedule::QUIET),
        };
        from.max(self.catch_up_after_ms)
    }

    /// Somebody opens the app, and may wait for something.
    pub(crate) fn opened(&mut self, now_ms: i64) {
        self.catch_up_after_ms = 0;
        self.catch_up_tries = 0;
        if now_ms.saturating_sub(self.quiet_since_ms) >= schedule::QUIET_OPENED {
            self.quiet_since_ms = now_ms.saturating_sub(schedule::QUIET);
        }
    }

    /// Since when, corrected time, a store is asked when all is quiet: others may have left out what came then.
    pub(crate) fn asked_since(&self) -> Option<i64> {
        self.asked_ms.iter().min().copied()
    }

    /// Is a question of this kind under way?
    pub(crate) fn asks(&self, what: impl Fn(&What) -> bool) -> bool {
        self.queries.values().any(|query| what(&query.what))
    }

    /// The command for a question; its answers come with the id.
    pub(crate) fn ask(&mut self, query: Query) -> (u64, Command) {
        self.next_query = self.next_query.wrapping_add(1);
        let id = self.next_query;
        let command = Command::Query {
            id,
            circle: query.circle,
            topics: query.topics.clone(),
            start_ns: cut(query.start_ms, START_MS),
            end_ns: query.end_ms.map(|end_ms| cut(end_ms.saturating_add(END_MS), END_MS)),
            newest_first: query.newest_first,
        };
        self.queries.insert(id, query);
        (id, command)
    }

    /// Something may have been missed until now.
    pub(crate) fn missed(&mut self) {
        self.caught_up = false;
        self.too_early = self.next_query;
    }

    /// The last page came of a catch-up for what came after `covered_ms`, corrected time; with the stretches before it
    /// when it was by turns.
    pub(crate) fn catch_up_ended(&mut self, query: u64, (covered_ms, by_turns): (i64, bool), now_ms: i64) {
        self.caught_up = query > self.too_early;
        self.catch_up_tries = 0;
        self.quiet_if(by_turns, now_ms);
        match self.asked_ms.back_mut() {
            // The next by turns is for this stretch too.
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

    /// The next catch-up, after one failed.
    pub(crate) fn catch_up_failed(&mut self, by_turns: bool, reachable: bool, now_ms: i64) {
        let failed = match reachable {
            true => &schedule::CATCH_UP_FAILED,
            false => &schedule::CATCH_UP_OFFLINE,
        };
        self.catch_up_after_ms = now_ms.saturating_add(failed.plain(self.catch_up_tries));
        self.catch_up_tries = self.catch_up_tries.saturating_add(1);
        self.quiet_if(by_turns, now_ms);
    }

    /// Something may have been missed, and is asked for at once.
    pub(crate) fn ask_now(&mut self) {
        self.missed();
        self.catch_up_after_ms = 0;
    }

    /// The disk failed: what came in meanwhile has to be fetched again, then. Pages still to come must not count as all
    /// there was.
    pub(crate) fn storage_failed(&mut self, again_ms: i64) {
        self.caught_up = false;
        self.catch_up_after_ms = again_ms;
        self.queries.retain(|_, query| !matches!(query.what, What::CatchUp { .. }));
    }
}

/// A time in milliseconds as a multiple of `unit_ms` below it, in nanoseconds.
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
