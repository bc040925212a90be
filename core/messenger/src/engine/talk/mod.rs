//! Conversations and what is shown in them.

pub(crate) mod holes;
pub(crate) mod inbox;
pub(crate) mod state;
pub(crate) mod write;
