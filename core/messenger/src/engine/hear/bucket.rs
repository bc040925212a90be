//! The load of the own bucket. A busy bucket is left: then a store is asked for it instead.

use std::collections::VecDeque;

use crate::engine::base::own::{KEY_BUCKET, KEY_BUCKET_LEFT};
use crate::engine::base::schedule::{self, HOUR};
use crate::engine::hear::Hear;
use crate::error::{Code, Error};

/// A bucket with more than this a day is busy, bytes.
const LEAVE: u64 = 20_000_000;
/// Below this it is subscribed to again, bytes a day.
const RETURN: u64 = LEAVE / 2;
/// Bytes of a push beside its payload: topic, timestamp, frames.
const AROUND: u64 = 220;
/// Bytes that one person adds to a bucket in a day, with 50 sent and 50 received texts.
const PERSON: u64 = 109_000;
/// How long an hour's bytes count, hours.
const DAY: i64 = 24;

pub(crate) fn poll_ms(foreground: bool) -> i64 {
    if foreground { schedule::POLL_SEEN } else { schedule::POLL }
}

/// Figures of the own bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Bytes of the last 24 hours, each envelope once, with its frames.
    pub bytes_day: u64,
    /// Estimated number of people who share it, with this one.
    pub people: u64,
    /// Whether it was left.
    pub left: bool,
}

/// Bytes by hour since 1970, oldest first, of the last 24 hours.
#[derive(Default)]
pub(crate) struct Meter(VecDeque<(i64, u64)>);

impl Meter {
    /// As stored: hour 8 ‖ bytes 8, up to 24 times.
    pub(crate) fn load(bytes: &[u8]) -> Self {
        let words = bytes.as_chunks::<8>().0.as_chunks::<2>().0.iter();
        let read = |[hour, bytes]: &[[u8; 8]; 2]| (i64::from_be_bytes(*hour), u64::from_be_bytes(*bytes));
        Self(words.map(read).collect())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let hours = self.0.iter();
        hours.flat_map(|(hour, bytes)| [hour.to_be_bytes(), bytes.to_be_bytes()].concat()).collect()
    }

    pub(crate) fn add(&mut self, now_ms: i64, payload: usize) {
        let now = now_ms.div_euclid(HOUR);
        // Later hours are from before the clock was set.
        self.0.retain(|(hour, _)| (now - DAY + 1..=now).contains(hour));
        if self.0.back().is_none_or(|(hour, _)| *hour < now) {
            self.0.push_back((now, 0));
        }
        if let Some((_, bytes)) = self.0.back_mut() {
            *bytes = bytes.saturating_add(payload as u64 + AROUND);
        }
    }

    fn day(&self, now_ms: i64) -> u64 {
        let from = now_ms.div_euclid(HOUR) - DAY;
        let hours = self.0.iter().filter(|(hour, _)| *hour > from);
        hours.map(|(_, bytes)| bytes).sum()
    }

    pub(crate) fn numbers(&self, now_ms: i64, left: bool) -> Bucket {
        let bytes_day = self.day(now_ms);
        let first_ms = self.0.front().map_or(now_ms, |(hour, _)| hour * HOUR);
        let counted = now_ms.saturating_sub(first_ms).clamp(HOUR, DAY * HOUR);
        let a_day = bytes_day.saturating_mul((DAY * HOUR) as u64) / counted as u64;
        Bucket { bytes_day, people: (a_day / PERSON).max(1), left }
    }

    /// Whether to leave the bucket or to subscribe again; `None` for no change.
    pub(crate) fn turn(&self, now_ms: i64, left: bool) -> Option<bool> {
        match (self.day(now_ms), left) {
            (LEAVE.., false) => Some(true),
            (..RETURN, true) => Some(false),
            _ => None,
        }
    }
}

/// Leaves the bucket, or subscribes again, and reports it.
pub(crate) fn leave(step: &mut Hear<'_>, meter: &Meter, left: bool) -> Result<(), Error> {
    step.fx.own = true;
    store(step, meter)?; // or the next start would count from zero
    if left {
        log::warn!("the own bucket carries too much: it is polled");
        step.notice(Code::BucketBusy);
        Ok(step.kv.set(KEY_BUCKET_LEFT, &[1])?)
    } else {
        Ok(step.kv.remove(KEY_BUCKET_LEFT)?)
    }
}

pub(crate) fn store(step: &mut Hear<'_>, meter: &Meter) -> Result<(), Error> {
    Ok(step.kv.set(KEY_BUCKET, &meter.to_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_by_the_hour() {
        let mut meter = Meter::default();
        let begin = 500_000 * HOUR;
        for hour in 0..30 {
            meter.add(begin + hour * HOUR, 780);
        }
        let now = begin + 29 * HOUR;
        assert_eq!(meter.day(now), 24 * 1000);
        assert_eq!(Meter::load(&meter.to_bytes()).0, meter.0);
        assert_eq!(meter.day(now + 12 * HOUR), 12 * 1000);
        assert_eq!(meter.day(now + 30 * HOUR), 0);
        meter.add(begin - 1000 * HOUR, 780); // the clock was set back
        assert_eq!(meter.0.len(), 1);
    }

    #[test]
    fn left_above_twenty_megabytes_and_heard_again_below_ten() {
        let mut meter = Meter::default();
        let now = 500_000 * HOUR;
        meter.add(now, 9_999_000);
        assert_eq!(meter.turn(now, false), None);
        assert_eq!(meter.turn(now, true), Some(false));
        meter.add(now, 5_000_000);
        assert_eq!((meter.turn(now, false), meter.turn(now, true)), (None, None));
        meter.add(now, 5_001_000);
        assert_eq!(meter.turn(now, false), Some(true));
        assert_eq!(meter.turn(now + 24 * HOUR, true), Some(false));
    }

    #[test]
    fn people_are_estimated_from_what_was_counted_so_far() {
        let mut meter = Meter::default();
        let now = 500_000 * HOUR;
        assert_eq!(meter.numbers(now, false).people, 1);
        meter.add(now, 40 * 109_000 / 24);
        let people = meter.numbers(now + HOUR, false).people;
        assert!((39..=41).contains(&people), "{people}");
    }
}
