//! Gaps: periods in which pushes may have been lost.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::Pace;

/// Reports of gaps. After each report the engine asks a store. So when gaps follow each other, reports come with
/// growing waits, and the topics do not count as received before.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    missed: bool,
    pace: Pace,
    heard: bool,
}

impl Gaps {
    pub(crate) fn miss(&mut self) {
        self.missed = true;
    }

    /// After a change of network, or when the app is opened, earlier gaps mean nothing.
    pub(crate) fn forgive(&mut self) {
        self.pace = Pace::default();
    }

    /// Whether all wanted topics are received, given whether they are `covered`, and once for each gap that it has
    /// ended. The first wait between reports is `base`, the longest `cap`, each ± half.
    pub(crate) fn tell(&mut self, covered: bool, (base, cap): (Duration, Duration), now: Instant) -> (bool, bool) {
        let gap = self.missed && covered && self.pace.next().is_none_or(|next| next <= now);
        if gap {
            self.missed = false;
            self.pace.failed(base, cap, now);
        }
        self.heard = covered && (self.heard || !self.missed);
        (self.heard, gap)
    }

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
        // Every second a subscription is lost and renewed.
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
        // No gap is forgotten: the last one is reported in the end,
        let next = gaps.deadline(true).unwrap();
        assert_eq!(gaps.deadline(false), None);
        assert_eq!(gaps.tell(true, WAITS, next), (true, true));
        assert_eq!(gaps.deadline(true), None);
        // and at once if the app is opened, or if the last report was long ago.
        gaps.miss();
        assert_eq!(gaps.tell(true, WAITS, next), (true, false));
        gaps.forgive();
        assert_eq!(gaps.tell(true, WAITS, next), (true, true));
        gaps.miss();
        let later = next + 3 * WAITS.1;
        assert_eq!(gaps.tell(true, WAITS, later), (true, true));
    }
}
