//! Back-off: how often something that fails is retried.

use std::time::Duration;

use tokio::time::Instant;

use crate::random;

/// Waits that double until they are forgotten.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pace {
    step: u32,
    next: Option<Instant>,
}

impl Pace {
    /// A try or failure now. The first wait is `base`, the longest `cap`, each ± half.
    pub(crate) fn again(&mut self, base: Duration, cap: Duration, now: Instant) {
        self.next = Some(now + random::backoff(base, self.step, cap));
        self.grow(1);
    }

    /// A failure now. Earlier failures are forgotten only after things worked for longer than the longest wait: a good
    /// start with a quick failure counts as a failure.
    pub(crate) fn failed(&mut self, base: Duration, cap: Duration, now: Instant) {
        if self.next.is_some_and(|next| next + cap <= now) {
            self.step = 0;
        }
        self.again(base, cap, now);
    }

    /// A failure now, the `times`th in a row without success in between.
    pub(crate) fn still_fails(&mut self, base: Duration, cap: Duration, times: u32, now: Instant) {
        self.next = Some(now + random::backoff(base, self.step.max(times), cap));
    }

    /// Adds this many to the count.
    pub(crate) fn grow(&mut self, times: u32) {
        self.step = self.step.saturating_add(times);
    }

    /// When a retry is allowed; `None` if there was no failure.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The same, if that is in the future.
    pub(crate) fn waits(&self, now: Instant) -> Option<Instant> {
        self.next.filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const BASE: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(60);

    /// Failures within an hour of something that works for `good` after each wait.
    fn failures(good: Duration) -> usize {
        let begin = Instant::now();
        let (mut pace, mut now, mut count) = (Pace::default(), begin, 0);
        while now < begin + Duration::from_secs(3600) {
            pace.failed(BASE, CAP, now);
            count += 1;
            now = pace.next().unwrap() + good;
        }
        count
    }

    #[test]
    fn who_starts_well_and_fails_soon_waits_ever_longer() {
        // Some quick ones, then waits of 60 s ± half.
        let most = 7 + 3600 / 30;
        assert!(failures(Duration::ZERO) <= most);
        assert!(failures(Duration::from_secs(5)) <= most);
        assert!(failures(CAP / 2) <= most);
    }

    #[test]
    fn what_went_well_for_long_is_tried_again_soon() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        for _ in 0..10 {
            pace.failed(BASE, CAP, now);
            now = pace.next().unwrap();
        }
        now += CAP;
        pace.failed(BASE, CAP, now);
        assert!(pace.next().unwrap() <= now + BASE * 3 / 2);
        assert!(failures(CAP) <= 3600 / 60 + 1);
    }
}
