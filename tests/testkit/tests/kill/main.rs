//! Crashes below the engine: a scripted life of two phones (`sotto_testkit::life`) is killed at single system calls,
//! its disk loses what was not synced, or fails for a while. Whatever was acknowledged is there afterwards, once, in
//! order.
//!
//! `strace` stops, breaks and records the calls. Where it cannot be used these tests fail: skipped they would say
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod disk;
mod power;
mod stage;
mod starve;
mod strace;
mod sweep;
