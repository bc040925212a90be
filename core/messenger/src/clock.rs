//! The engine's source of time.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns Unix milliseconds. Tests pass their own clock.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The system's wall clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
