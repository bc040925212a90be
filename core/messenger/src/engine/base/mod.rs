//! What every part of the engine may know.

pub(crate) mod schedule;
