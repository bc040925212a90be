//! The engine's seam: `handle(now, Input) -> Vec<Effect>`, without await, lock or clock.

pub mod input;
