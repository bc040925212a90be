//! Unix time of the device.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn since() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub(crate) fn now_ns() -> i64 {
    i64::try_from(since().as_nanos()).unwrap_or(i64::MAX)
}

pub(crate) fn now_s() -> u64 {
    since().as_secs()
}
