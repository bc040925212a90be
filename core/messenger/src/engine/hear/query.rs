//! Questions to stores, and holes.

use sotto_db::Hash;
use sotto_net::Circle;

/// A question, not yet asked.
pub(crate) struct Query {
    pub(crate) what: What,
    pub(crate) circle: Circle,
    pub(crate) topics: Vec<String>,
    pub(crate) start_ms: i64,
    /// `None`: all that there is. The clock may be behind.
    pub(crate) end_ms: Option<i64>,
    pub(crate) newest_first: bool,
}

/// What a query is for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Everything on the own topics since last time. Corrected times: when it was asked, and until when nothing was
    /// missed before.
    CatchUp { started_ms: i64, covered_ms: i64, by_turns: bool },
    /// The cards of a contact.
    Cards { chat: [u8; 33] },
    /// The own device list.
    OwnList,
    /// The chunks of a long text.
    Chunks { message: Hash },
    /// A message that others name.
    Hole,
    /// What a store kept of a probe, this one.
    Probe { id: u64 },
}

crate::closed_debug!(Query, What);
