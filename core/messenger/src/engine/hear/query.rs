//! Store queries, and what they are for.

use sotto_net::Circle;

pub(crate) struct Query {
    pub(crate) what: What,
    pub(crate) circle: Circle,
    pub(crate) topics: Vec<String>,
    pub(crate) start_ms: i64,
    /// Where an earlier query ended at its limit of bytes, Unix nanoseconds; this one goes on there.
    pub(crate) from_ns: Option<i64>,
    /// `None` for no end, because the clock may be behind.
    pub(crate) end_ms: Option<i64>,
    pub(crate) newest_first: bool,
    /// Bytes after which it ends although the store has more.
    pub(crate) most_bytes: Option<usize>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The own topics since the last catch-up. Corrected times: when it was asked, and the coverage before.
    CatchUp {
        started_ms: i64,
        covered_ms: i64,
        by_turns: bool,
    },
    Cards {
        chat: [u8; 33],
    },
    OwnList,
    /// Parts of a file, for this job.
    File {
        job: u64,
    },
    Preview {
        file: sotto_db::FileId,
    },
    Hole,
    /// What a group said since the welcome.
    Group {
        group: sotto_db::Hash,
    },
    Probe {
        id: u64,
    },
}

crate::closed_debug!(Query, What);
