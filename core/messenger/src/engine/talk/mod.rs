//! Conversations and what is shown in them.

pub(crate) mod inbox;
