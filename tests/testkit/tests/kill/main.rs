//! Crashes below the engine. A scripted life of two phones (`sotto_testkit::life`) is killed at single system calls,
//! its disk loses unsynced changes, or the disk fails for a while. Everything acknowledged is there afterwards, once,
//! in order.
//!
//! `strace` stops, breaks and records the calls. Without it these tests fail: skipped tests would prove nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod disk;
mod power;
mod stage;
mod starve;
mod strace;
mod sweep;
