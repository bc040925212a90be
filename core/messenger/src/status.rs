//! State that the engine's thread shares with callers: reachability, and serving addresses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::engine::bucket::Bucket;
use crate::records::Connectivity;

/// Shared by the engine thread and the API.
#[derive(Debug, Default)]
pub(crate) struct Status {
    connectivity: Mutex<Connectivity>,
    serving: Mutex<Vec<String>>,
    reached: AtomicBool,
    bucket: Mutex<Bucket>,
}

impl Status {
    pub(crate) fn set_connectivity(&self, now: Connectivity) {
        if now.publish_nodes > 0 || now.receive_nodes > 0 || now.relay_peers > 0 {
            self.reached.store(true, Ordering::Relaxed);
        }
        *self.connectivity.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(crate) fn connectivity(&self) -> Connectivity {
        self.connectivity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_bucket(&self, now: Bucket) {
        *self.bucket.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(crate) fn bucket(&self) -> Bucket {
        *self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_serving(&self, addresses: Vec<String>) {
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    pub(crate) fn serving(&self) -> Vec<String> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a node was reached since the start.
    pub(crate) fn reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }
}
