//! The engine: `handle(now, Input) -> Vec<Effect>`.

pub mod input;
