//! Clocks, randomness, configuration, the own account, and what a step asks for after its commit. Knows no table of
//! another room.

pub(crate) mod clock;
pub(crate) mod own;
pub(crate) mod schedule;
pub(crate) mod step;
