//! Store queries, and what they are for.

use sotto_db::Hash;
use sotto_net::Circle;

/// A query that is not sent yet.
pub(crate) struct Query {
    pub(crate) what: What,
    pub(crate) circle: Circle,
    pub(crate) topics: Vec<String>,
    pub(crate) start_ms: i64,
    /// `None` for no end, because the clock may be behind.
    pub(crate) end_ms: Option<i64>,
    pub(crate) newest_first: bool,
}

/// Purpose of a query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Everything on the own topics since the last catch-up. Corrected times: when it was asked, and until when the
    /// coverage went before.
    CatchUp { started_ms: i64, covered_ms: i64, by_turns: bool },
    /// The cards of a contact.
    Cards { chat: [u8; 33] },
    /// The own device list.
    OwnList,
    /// The chunks of a long text.
    Chunks { message: Hash },
    /// A missing parent.
    Hole,
    /// The stored form of this probe.
    Probe { id: u64 },
}

crate::closed_debug!(Query, What);
