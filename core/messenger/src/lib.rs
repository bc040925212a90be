//! The engine's seam and the words of the public API.
//!
//! So far this crate holds data only: what goes into the engine and comes out of it ([`engine::input`]), what the
//! API hands out ([`records`]), its [`Event`]s, its [`Error`] with stable codes, and the networks it can talk to
//! ([`Fleet`]). It knows no libp2p type, no SQL and no cipher. The state machine between them is not built yet.

pub mod engine;
mod error;
mod event;
mod fleet;
pub mod records;

pub use error::{Code, Error, Kind};
pub use event::Event;
pub use fleet::{Fleet, Sharding};
