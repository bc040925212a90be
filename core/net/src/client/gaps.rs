//! Stretches in which pushes may have been missed.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;

/// What is told of them. After each a store is asked for what was missed, so where one follows the other the end is
/// told
/// ever more rarely, and nothing is called heard again before.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    missed: bool,
    pace: Pace,
    heard: bool,
}

impl Gaps {
    /// Pushes may have been missed until now.
    pub(crate) fn miss(&mut self) {
        self.missed = true;
    }

    /// Another network, or a person looking: what was before says nothing any more.
    pub(crate) fn forgive(&mut self) {
        self.pace = Pace::default();
    }

    /// Whether all that is wanted is heard, as it is `covered` or not, and, once for each stretch, that it is over. The
    /// first wait between two is `base`, the longest `cap`, each ± half.
    pub(crate) fn tell(&mut self, covered: bool, (base, cap): (Duration, Duration), now: Instant) -> (bool, bool) {
        let gap = self.missed && covered && self.pace.next().is_none_or(|next| next <= now);
        if gap {
            self.missed = false;
            self.pace.failed(base, cap, now);
        }
        self.heard = covered && (self.heard || !self.missed);
        (self.heard, gap)
    }

    /// When there is something to tell although nothing happens.
    pub(crate) fn deadline(&self, covered: bool) -> Option<Instant> {
        self.pace.next().filter(|_| self.missed && covered)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

    #[test]
    fn one_stretch_after_the_other_is_told_ever_more_rarely() {
        let begin = Instant::now();
        let mut gaps = Gaps::default();
        assert_eq!(gaps.tell(true, WAITS, begin), (true, false), "none so far");
        // Every second a subscription is lost and taken again.
        let (mut told, mut heard) = (0, 0);
        for second in 0..3600 {
            let now = begin + Duration::from_secs(second);
            gaps.miss();
            assert_eq!(gaps.tell(false, WAITS, now), (false, false));
            let (all, gap) = gaps.tell(true, WAITS, now);
            told += u32::from(gap);
            heard += u32::from(all);
        }
        assert!((10..=9 + 3600 / 150).contains(&told), "{told}");
        assert_eq!(heard, told, "heard again only together with the end of a gap");
        // None is forgotten: the last is told in the end,
        let next = gaps.deadline(true).unwrap();
        assert_eq!(gaps.deadline(false), None);
        assert_eq!(gaps.tell(true, WAITS, next), (true, true));
        assert_eq!(gaps.deadline(true), None);
        // and at once if somebody looks, or the last was long ago.
        gaps.miss();
        assert_eq!(gaps.tell(true, WAITS, next), (true, false));
        gaps.forgive();
        assert_eq!(gaps.tell(true, WAITS, next), (true, true));
        gaps.miss();
        let later = next + 3 * WAITS.1;
        assert_eq!(gaps.tell(true, WAITS, later), (true, true));
    }
}
