//! Store queries, received payloads, and coverage. Knows topics and nodes; no key and no contact.

pub mod book;
pub mod bucket;
pub(crate) mod held;
pub(crate) mod incoming;
pub(crate) mod memory;
pub(crate) mod query;

use crate::engine::base::room;
use crate::engine::base::step::Base;

room! {
    Hear over base: Base {
        coverage: Coverage,
        seen: Seen,
        waiting: Waiting,
    } and {
        queries: Vec<query::Query>,
    }
}
