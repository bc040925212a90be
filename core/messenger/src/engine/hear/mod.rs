//! What is asked of stores, what came, and until when nothing was missed. Knows topics and nodes; no key and no
//! contact.

pub mod book;
pub mod bucket;
pub(crate) mod held;
pub(crate) mod incoming;
pub(crate) mod memory;
pub(crate) mod query;

use crate::engine::base::room;
use crate::engine::base::step::Base;

room! {
    /// What is heard.
    Hear over base: Base {
        coverage: Coverage,
        seen: Seen,
        waiting: Waiting,
    } and {
        /// Questions to stores, asked after the commit.
        queries: Vec<query::Query>,
    }
}
