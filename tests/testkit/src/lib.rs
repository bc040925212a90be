//! Phones on a simulated Waku network, in one thread, on a virtual clock, from one seed.
//!
//! A [`Phone`] is a real engine on a real encrypted database. [`World`] carries out its effects as two circles of
//! service nodes would: it relays, stores, pushes and answers queries. By [`Weather`] it also loses, doubles, delays,
//! reorders, refuses and lies. A test can disconnect a phone, kill it at any effect, and open its folder again.
//! [`Loopback`] is the network of whole messengers, with threads and the real clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod contact;
mod files;
mod fleet;
pub mod life;
mod loopback;
mod phone;
mod random;
mod record;
pub mod three;
mod trace;
mod uploads;
mod world;

pub use contact::{Contact, contacts, messages};
pub use files::Picked;
pub use fleet::{Conduct, Fleet};
pub use loopback::Loopback;
pub use phone::{KEY, Phone};
pub use random::Seeded;
pub use record::{Record, Relayed, Told};
pub use trace::{Shown, Trace};
pub use world::{Weather, World};

/// A second in milliseconds.
pub const SECOND: i64 = 1000;
/// A minute in milliseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// An hour in milliseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// A day in milliseconds.
pub const DAY: i64 = 24 * HOUR;
/// Start of every simulation: 2026-11-25 12:00 UTC.
pub const BEGIN: i64 = 1_795_608_000_000;
