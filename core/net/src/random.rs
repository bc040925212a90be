//! Randomness for choices, jitter and ids that need not be secret.

use std::time::Duration;

/// A random number; 0 only if the system has no randomness at all.
pub(crate) fn number() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => 0,
    }
}

/// A random index of a list with `len` entries.
pub(crate) fn index(len: usize) -> Option<usize> {
    number().checked_rem(len as u64).and_then(|index| usize::try_from(index).ok())
}

/// A random one of those with the lowest key.
pub(crate) fn first<T, K: Ord>(of: impl Iterator<Item = T>, key: impl FnMut(&T) -> K) -> Option<T> {
    let mut all: Vec<T> = of.collect();
    shuffle(&mut all);
    all.into_iter().min_by_key(key)
}

pub(crate) fn shuffle<T>(list: &mut [T]) {
    for last in (1..list.len()).rev() {
        if let Some(other) = index(last + 1) {
            list.swap(last, other);
        }
    }
}

/// `base` ± half of it.
pub(crate) fn jitter(base: Duration) -> Duration {
    let per_mille = 500 + u32::try_from(number() % 1001).unwrap_or(500);
    base.saturating_mul(per_mille) / 1000
}

/// Exponential back-off: `base` doubled `step` times, capped, ± half.
pub(crate) fn backoff(base: Duration, step: u32, cap: Duration) -> Duration {
    let factor = 1u32.checked_shl(step.min(20)).unwrap_or(u32::MAX);
    jitter(base.saturating_mul(factor).min(cap))
}

/// A request id of four characters, so that requests stay short.
pub(crate) fn request_id() -> String {
    format!("{:04x}", number() & 0xffff)
}
