use sotto_wire::waku::WakuMessage;
use tokio::sync::oneshot;

/// What a node asks of its archive.
#[derive(Debug)]
pub enum ArchiveRequest {
    /// Keep a message; one with the same hash is known already.
    Put(Archived),
    /// Find messages.
    Query {
        /// Which.
        query: ArchiveQuery,
        /// Where the answer goes. Dropped: the node answers that the archive failed.
        reply: oneshot::Sender<Result<ArchivePage, ArchiveError>>,
    },
}

/// A message with what it is found by.
#[derive(Debug, Clone, PartialEq)]
pub struct Archived {
    /// Waku message hash.
    pub hash: [u8; 32],
    /// Shard topic.
    pub pubsub_topic: String,
    /// The message; its timestamp is set and within 20 s of when it came.
    pub message: WakuMessage,
}

/// A store v3 query, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveQuery {
    /// Which messages.
    pub filter: ArchiveFilter,
    /// Hash of the message to go on from, exclusive.
    pub cursor: Option<[u8; 32]>,
    /// From the oldest; else from the newest.
    pub forward: bool,
    /// Most messages in the answer, 1 to 100.
    pub limit: usize,
    /// Most bytes of them, of which the first may have any number. `None`: only their hashes are wanted.
    pub bytes: Option<usize>,
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveFilter {
    /// These messages, as far as they are there.
    Hashes(Vec<[u8; 32]>),
    /// A range.
    Range {
        /// Shard topic; `None`: every shard.
        pubsub_topic: Option<String>,
        /// Content topics, at most 10; empty: all.
        content_topics: Vec<String>,
        /// Earliest timestamp, inclusive, Unix nanoseconds.
        start_ns: Option<i64>,
        /// Latest timestamp, inclusive, Unix nanoseconds.
        end_ns: Option<i64>,
    },
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArchivePage {
    /// Ascending by timestamp, then hash, in both directions.
    pub messages: Vec<Archived>,
    /// More follow in the direction asked for.
    pub more: bool,
}

/// Why an archive does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The cursor is no message it holds.
    #[error("unknown cursor")]
    UnknownCursor,
    /// It could not be read.
    #[error("archive failed")]
    Failed,
}
