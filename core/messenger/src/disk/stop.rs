//! Orders that nobody waits for any more. They end while they run.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Trouble;

/// Which orders of a [`Disk`](super::Disk) are to end; for other threads.
#[derive(Clone, Default)]
pub struct Stop(Arc<Stopped>);

#[derive(Default)]
struct Stopped {
    all: AtomicBool,
    jobs: Mutex<HashSet<u64>>,
}

crate::closed_debug!(Stop);

impl Stop {
    /// Ends all orders.
    pub fn all(&self) {
        self.0.all.store(true, Ordering::Relaxed);
    }

    /// Ends the order of this job. [`Order::Stop`](super::Order::Stop) comes behind it.
    pub fn job(&self, job: u64) {
        self.jobs().insert(job);
    }

    /// Whether all orders are to end.
    pub fn is_all(&self) -> bool {
        self.0.all.load(Ordering::Relaxed)
    }

    pub(super) fn forget(&self, job: u64) {
        self.jobs().remove(&job);
    }

    pub(super) fn check(&self, job: Option<u64>) -> Result<(), Trouble> {
        match self.is_all() || job.is_some_and(|job| self.jobs().contains(&job)) {
            true => Err(Trouble::Stopped),
            false => Ok(()),
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
