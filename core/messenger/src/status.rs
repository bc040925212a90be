//! State that the engine's thread shares with callers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::bucket::Bucket;
use crate::records::Connectivity;

#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<Now>);

#[derive(Debug, Default)]
pub(crate) struct Now {
    pub(crate) connectivity: Connectivity,
    pub(crate) serving: Vec<String>,
    pub(crate) reached: bool,
    pub(crate) bucket: Bucket,
}

impl Status {
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
