//! The corrected time: the device's clock, moved by the skew of recent live pushes. It is each node's median, and of
//! those the smallest: one node that finds the clock right is enough to leave it alone.

use std::collections::VecDeque;

use super::step::HOUR;

/// Samples remembered of one node,
const SAMPLES: usize = 15;
/// and nodes.
const NODES_MAX: usize = 16;
/// Samples needed,
const ENOUGH: usize = 5;
/// from so many nodes.
const NODES: usize = 2;
/// What may be delay, milliseconds.
const DELAY_MS: i64 = 10_000;
/// Skew that is reported, milliseconds.
const REPORTED_MS: i64 = 20_000;

/// What one node pushed.
#[derive(Debug, Default)]
struct Node {
    number: u64,
    skews: VecDeque<i64>,
    last_ms: i64,
}

/// Skew samples and the correction in force.
#[derive(Debug, Default)]
pub(super) struct Clock {
    nodes: VecDeque<Node>,
    correction_ms: i64,
}

impl Clock {
    /// The corrected time for a device time, both Unix milliseconds.
    pub(super) fn correct(&self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.correction_ms)
    }

    /// Is the device's clock off by more than 20 s?
    pub(super) fn skewed(&self) -> bool {
        self.correction_ms.abs() > REPORTED_MS - DELAY_MS
    }

    /// A live push of this timestamp came through this node. True when that changed [`Self::skewed`].
    pub(super) fn sample(&mut self, node: u64, timestamp_ms: i64, now_ms: i64) -> bool {
        let before = self.skewed();
        let skew = timestamp_ms.saturating_sub(now_ms);
        // What a node said of the clock as it was before somebody set it says nothing of it now.
        self.nodes
            .retain(|one| now_ms.saturating_sub(one.last_ms).saturating_abs() <= HOUR);
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
        let count: usize = self.nodes.iter().map(|one| one.skews.len()).sum();
        let medians = self.nodes.iter().map(|one| median(&one.skews));
        let enough = count >= ENOUGH && self.nodes.len() >= NODES;
        if let Some(median) = medians.min_by_key(|skew| skew.unsigned_abs()) {
            // Delay looks like skew, and the samples of peers who correct themselves carry it on: what may be
            // delay is left alone, or clocks would drift together. Stores take what is up to 20 s off.
            let beyond = median.saturating_abs().saturating_sub(DELAY_MS).max(0);
            // Less than before needs no second node: somebody may have set the clock right.
            if enough || beyond < self.correction_ms.saturating_abs() {
                self.correction_ms = beyond.saturating_mul(median.signum());
            }
        }
        before != self.skewed()
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
        let changed = (0..5)
            .filter(|i| clock.sample(i % 2, 1_700_000_000_000, 1_700_000_000_000 + years))
            .count();
        assert_eq!(changed, 1);
        assert_eq!(clock.correct(years), 10_000);

        let mut clock = Clock::default();
        for i in 0..20 {
            clock.sample(i % 2, 10_000, 19_300);
        }
        assert_eq!(clock.correct(7), 7);
    }
}
