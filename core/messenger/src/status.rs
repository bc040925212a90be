//! What the engine thread tells callers without a message: the last reachability.

use std::sync::{Mutex, PoisonError};

use crate::records::Connectivity;

/// Shared by the engine thread and the API.
#[derive(Debug, Default)]
pub(crate) struct Status {
    connectivity: Mutex<Connectivity>,
}

impl Status {
    pub(crate) fn set_connectivity(&self, now: Connectivity) {
        *self.connectivity.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(crate) fn connectivity(&self) -> Connectivity {
        self.connectivity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
