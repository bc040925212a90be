use sotto_wire::waku::WakuMessage;
use tokio::sync::oneshot;

/// A request of the node to its archive.
#[derive(Debug)]
pub enum ArchiveRequest {
    /// Store a message. A message with the same hash may exist already.
    Put(Archived),
    /// Find messages.
    Query {
        /// The query.
        query: ArchiveQuery,
        /// Receives the answer. If it is dropped, the node answers that the archive failed.
        reply: oneshot::Sender<Result<ArchivePage, ArchiveError>>,
    },
}

/// A message with its search keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Archived {
    /// Waku message hash, the archive's key.
    pub hash: [u8; 32],
    /// Pubsub topic of the shard.
    pub pubsub_topic: String,
    /// The message. Its timestamp is set and within 20 s of its arrival.
    pub message: WakuMessage,
}

/// A checked store v3 query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveQuery {
    /// Which messages match.
    pub filter: ArchiveFilter,
    /// The page begins after the message with this hash.
    pub cursor: Option<[u8; 32]>,
    /// Whether the page begins with the oldest message; otherwise with the newest.
    pub forward: bool,
    /// Most messages in the answer, 1 to 100.
    pub limit: usize,
    /// Most bytes of messages; the first message may be larger. `None`: only hashes are wanted.
    pub bytes: Option<usize>,
}

/// Filter of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveFilter {
    /// The messages with these hashes, as far as they exist.
    Hashes(Vec<[u8; 32]>),
    /// A range of time, with topics.
    Range {
        /// Pubsub topic; `None` for every shard.
        pubsub_topic: Option<String>,
        /// Content topics, at most 10; empty for all.
        content_topics: Vec<String>,
        /// Earliest timestamp, inclusive, Unix nanoseconds.
        start_ns: Option<i64>,
        /// Latest timestamp, inclusive, Unix nanoseconds.
        end_ns: Option<i64>,
    },
}

/// A page of the archive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArchivePage {
    /// Ascending by timestamp, then hash, in both directions.
    pub messages: Vec<Archived>,
    /// Whether more messages follow in the query's direction.
    pub more: bool,
}

/// Why an archive query failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The archive has no message with the cursor's hash.
    #[error("unknown cursor")]
    UnknownCursor,
    /// The archive could not be read.
    #[error("archive failed")]
    Failed,
}
