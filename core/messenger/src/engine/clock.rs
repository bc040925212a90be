//! The corrected time: the device's clock, moved by the median skew of recent live pushes.

use std::collections::{BTreeSet, VecDeque};

/// Samples remembered.
const SAMPLES: usize = 31;
/// Samples needed,
const ENOUGH: usize = 5;
/// from so many nodes.
const NODES: usize = 2;
/// What may be delay, milliseconds.
const DELAY_MS: i64 = 10_000;
/// Skew that is reported, milliseconds.
const REPORTED_MS: i64 = 20_000;

/// Skew samples and the correction in force.
#[derive(Debug, Default)]
pub(super) struct Clock {
    samples: VecDeque<(u64, i64)>,
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
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        let skew = timestamp_ms.saturating_sub(now_ms);
        self.samples.push_back((node, skew));
        let nodes: BTreeSet<u64> = self.samples.iter().map(|&(node, _)| node).collect();
        if self.samples.len() >= ENOUGH && nodes.len() >= NODES {
            let mut skews: Vec<i64> = self.samples.iter().map(|&(_, skew)| skew).collect();
            skews.sort_unstable();
            let median = skews.get(skews.len() / 2).copied().unwrap_or(0);
            // Delay looks like skew, and the samples of peers who correct themselves carry it on: what may be
            // delay is left alone, or clocks would drift together. Stores take what is up to 20 s off.
            let beyond = median.abs().saturating_sub(DELAY_MS).max(0);
            self.correction_ms = beyond.saturating_mul(median.signum());
        }
        before != self.skewed()
    }
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
