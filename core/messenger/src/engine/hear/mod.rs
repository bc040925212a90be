//! What is asked of stores, what came, and until when nothing was missed. Knows topics and nodes; no key and no
//! contact.

pub mod book;
pub mod bucket;
pub(crate) mod held;
pub(crate) mod incoming;
pub(crate) mod query;
