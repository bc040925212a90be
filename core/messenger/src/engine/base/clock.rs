//! The corrected time: moved by a probe ([`crate::engine::probe`]) or, if probes fail, by the smallest median skew of
//! the nodes' live pushes. One node that finds the clock right is enough to leave it unchanged.

use std::collections::VecDeque;

use crate::engine::base::schedule::{DAY, HOUR};

/// Most samples remembered of one node.
const SAMPLES: usize = 15;
const NODES_MAX: usize = 16;
/// Samples needed for a correction.
const ENOUGH: usize = 5;
/// Nodes needed for a correction.
const NODES: usize = 2;
/// Skew that may be delay, milliseconds.
const DELAY_MS: i64 = 10_000;
/// Skew that is reported, milliseconds.
const REPORTED_MS: i64 = 20_000;
/// With a larger error of the device's clock nothing is signed, ms: contacts refuse lists dated ahead.
const SIGNED_MS: i64 = 4 * DAY;

#[derive(Debug, Default)]
struct Node {
    number: u64,
    skews: VecDeque<i64>,
    last_ms: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Clock {
    nodes: VecDeque<Node>,
    correction_ms: i64,
    /// Known error of the device's clock.
    skew_ms: i64,
    /// Whether a probe or a store proved the corrected time in this run.
    proven: bool,
}

impl Clock {
    /// The corrected time for a device time, both Unix milliseconds.
    pub(crate) fn correct(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.correction_ms)
    }

    /// Whether the device's clock is off by more than 20 s.
    pub(crate) fn skewed(&self) -> bool {
        self.skew_ms.saturating_abs() > REPORTED_MS
    }

    pub(crate) fn correction_ms(&self) -> i64 {
        self.correction_ms
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether the corrected time may date signatures.
    pub(crate) fn may_sign(&self) -> bool {
        !self.skewed() || (self.proven && self.skew_ms.saturating_abs() <= SIGNED_MS)
    }

    /// A store has a message that left by the corrected time.
    pub(crate) fn confirm(&mut self) {
        self.proven = true;
    }

    /// Nodes agree on this error of the device's clock. True if that moves the corrected time.
    pub(crate) fn prove(&mut self, skew_ms: i64) -> bool {
        self.proven = true;
        self.skew_ms = skew_ms;
        let off_ms = skew_ms.saturating_sub(self.correction_ms);
        let moves = off_ms.saturating_abs() > DELAY_MS;
        if moves {
            self.correction_ms = skew_ms;
            self.nodes.clear();
        }
        moves
    }

    /// Whether a timestamp is so far ahead of the corrected time that one of them is wrong.
    pub(crate) fn is_ahead(&self, timestamp_ms: i64, now_ms: i64) -> bool {
        timestamp_ms.saturating_sub(self.correct(now_ms)) > REPORTED_MS
    }

    /// Whether the last pushes contradict the corrected time. A proven time is contradicted only by the nodes' medians.
    pub(crate) fn is_contradicted(&self, timestamp_ms: i64, now_ms: i64) -> bool {
        let off_ms = match (self.proven, self.nearest(self.correction_ms)) {
            (false, _) => timestamp_ms.saturating_sub(self.correct(now_ms)),
            (true, Some((median, true))) => median.saturating_sub(self.correction_ms),
            (true, _) => 0,
        };
        off_ms.saturating_abs() > REPORTED_MS
    }

    /// A live push with this timestamp came through this node.
    pub(crate) fn hear(&mut self, node: u64, timestamp_ms: i64, now_ms: i64) {
        let skew = timestamp_ms.saturating_sub(now_ms);
        // Samples from before somebody set the clock mean nothing now.
        self.nodes.retain(|one| now_ms.saturating_sub(one.last_ms).saturating_abs() <= HOUR);
        let known = self.nodes.iter().position(|one| one.number == node);
        let known = known.and_then(|at| self.nodes.remove(at));
        let mut one = known.unwrap_or_default();
        (one.number, one.last_ms) = (node, now_ms);
        one.skews.push_back(skew);
        if one.skews.len() > SAMPLES {
            one.skews.pop_front();
        }
        self.nodes.push_back(one);
        if self.nodes.len() > NODES_MAX {
            self.nodes.pop_front();
        }
    }

    /// The median nearest to a skew, and whether enough nodes gave enough samples.
    fn nearest(&self, to_ms: i64) -> Option<(i64, bool)> {
        let count: usize = self.nodes.iter().map(|one| one.skews.len()).sum();
        let enough = count >= ENOUGH && self.nodes.len() >= NODES;
        let medians = self.nodes.iter().map(|one| median(&one.skews));
        let nearest = medians.min_by_key(|skew| skew.saturating_sub(to_ms).unsigned_abs());
        nearest.map(|median| (median, enough))
    }

    /// Moves the corrected time by the pushes, if there is no better source.
    pub(crate) fn follow(&mut self) {
        if self.proven {
            return;
        }
        if let Some((median, enough)) = self.nearest(0) {
            // Delay looks like skew, and samples of peers who correct themselves pass it on. So a skew that may be
            // delay is ignored, or clocks would drift together. Stores accept up to 20 s.
            let beyond = median.saturating_abs().saturating_sub(DELAY_MS).max(0);
            // A smaller correction needs no second node: somebody may have set the clock right.
            if enough || beyond < self.correction_ms.saturating_abs() {
                self.correction_ms = beyond.saturating_mul(median.signum());
                self.skew_ms = median;
            }
        }
    }
}

fn median(skews: &VecDeque<i64>) -> i64 {
    let mut sorted: Vec<i64> = skews.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Clock {
        /// True if that changed [`Self::skewed`].
        fn sample(&mut self, node: u64, timestamp_ms: i64, now_ms: i64) -> bool {
            let before = self.skewed();
            self.hear(node, timestamp_ms, now_ms);
            self.follow();
            before != self.skewed()
        }
    }

    #[test]
    fn one_node_moves_nothing_two_agreeing_ones_do_and_a_liar_among_them_does_not() {
        let mut clock = Clock::default();
        for _ in 0..10 {
            assert!(!clock.sample(1, 1_000_000, 0));
        }
        assert_eq!(clock.correct(5), 5);

        let mut clock = Clock::default();
        for i in 0..9 {
            clock.sample(i % 3, if i % 3 == 0 { 900_000_000 } else { 61_000 }, 0);
        }
        assert_eq!(clock.correct(0), 51_000);
        assert!(clock.skewed());
    }

    #[test]
    fn many_agreeing_liars_move_nothing_while_one_node_finds_the_clock_right() {
        let mut clock = Clock::default();
        clock.sample(0, 500, 0);
        for i in 0..200 {
            clock.sample(1 + i % 9, 3_600_000, 0);
        }
        assert_eq!(clock.correct(5), 5);
    }

    #[test]
    fn a_node_that_went_silent_speaks_for_the_clock_no_longer_than_an_hour() {
        let mut clock = Clock::default();
        clock.sample(0, 500, 0);
        for now in [1, HOUR, HOUR + 1, HOUR + 2] {
            clock.sample(1, now + 7 * HOUR, now);
            clock.sample(2, now + 7 * HOUR, now);
            assert_eq!(clock.skewed(), now > HOUR);
        }
    }

    #[test]
    fn ten_years_off_are_found_and_small_delays_ignored() {
        let mut clock = Clock::default();
        let years = 10 * 365 * 86_400_000_i64;
        let changed = (0..5).filter(|i| clock.sample(i % 2, 1_700_000_000_000, 1_700_000_000_000 + years)).count();
        assert_eq!(changed, 1);
        assert_eq!(clock.correct(years), 10_000);

        let mut clock = Clock::default();
        for i in 0..20 {
            clock.sample(i % 2, 10_000, 19_300);
        }
        assert_eq!(clock.correct(7), 7);
    }

    #[test]
    fn what_is_proven_follows_no_pushes_and_is_doubted_where_nodes_agree_that_it_is_wrong() {
        let mut clock = Clock::default();
        assert!(clock.is_contradicted(3_600_000, 0), "nothing is known");
        assert!(clock.prove(-60_000));
        assert!(clock.skewed() && clock.may_sign());
        assert!(!clock.prove(-55_000), "within what may be delay");
        for i in 0..4 {
            assert!(!clock.sample(i % 2, 3_600_000, 0));
            assert!(!clock.is_contradicted(3_600_000, 0));
        }
        clock.sample(0, 3_600_000, 0);
        assert!(clock.is_contradicted(3_600_000, 0));
        assert_eq!(clock.correct(0), -60_000);
        clock.sample(2, -58_000, 0);
        assert!(!clock.is_contradicted(3_600_000, 0), "one finds it right");
    }

    #[test]
    fn nothing_is_signed_by_what_is_not_proven_or_too_far_off() {
        let mut clock = Clock::default();
        for i in 0..5 {
            clock.sample(i % 2, 61_000, 0);
        }
        assert!(clock.skewed() && !clock.may_sign());
        clock.confirm();
        assert!(clock.may_sign());
        clock.prove(SIGNED_MS + 1);
        assert!(!clock.may_sign());
        clock.prove(0);
        assert!(clock.may_sign() && !clock.skewed());
    }
}
