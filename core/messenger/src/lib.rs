//! The engine and the public API.

pub mod engine;
mod error;
mod event;
pub mod records;

pub use error::{Code, Error, Kind};
pub use event::Event;
