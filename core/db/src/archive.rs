//! The archive of a service node: opaque messages by time, topic and hash, in a plain SQLite file.
//!
//! Nothing here is secret, and other nodes have the messages too. So a power cut may cost the last moments
//! (`synchronous=NORMAL`). Pages are ordered by (timestamp, hash), the same in both directions.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Row, TransactionBehavior, params};

use crate::account::{check, connect, lock, migrate, private_file};
use crate::mark::Mark;
use crate::row::{all, one, run};
use crate::{Error, Hash};

const APPLICATION_ID: i32 = 0x536f_7441; // "SotA"
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE messages(hash BLOB PRIMARY KEY, timestamp_ns INTEGER NOT NULL, pubsub_topic TEXT NOT NULL,
       content_topic TEXT NOT NULL, message BLOB NOT NULL) STRICT;
     CREATE UNIQUE INDEX messages_time ON messages(timestamp_ns, hash);
     CREATE UNIQUE INDEX messages_topic ON messages(content_topic, timestamp_ns, hash);",
    "DROP INDEX messages_topic;
     CREATE UNIQUE INDEX messages_topic ON messages(content_topic, pubsub_topic, timestamp_ns, hash);
     CREATE UNIQUE INDEX messages_shard ON messages(pubsub_topic, timestamp_ns, hash);",
];
/// Rows deleted in one step while the file is too large.
const PRUNE_ROWS: u32 = 256;

/// Limits of the archive. The file keeps its greatest size; freed pages are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Messages older than this are deleted.
    pub age: Duration,
    /// The oldest messages are deleted while more bytes than this are in use.
    pub bytes: u64,
}

/// One archived message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Waku message hash, the primary key.
    pub hash: Hash,
    /// Waku timestamp, Unix nanoseconds.
    pub timestamp_ns: i64,
    /// Pubsub topic of the shard.
    pub pubsub_topic: String,
    /// Content topic.
    pub content_topic: String,
    /// The encoded message.
    pub message: Vec<u8>,
}

/// Which messages a query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// The messages with these hashes, as far as they exist.
    Hashes(Vec<Hash>),
    /// A range of time, both ends inclusive.
    Range {
        /// Pubsub topic; `None` for any.
        pubsub_topic: Option<String>,
        /// Content topics; empty for any.
        content_topics: Vec<String>,
        /// First timestamp, Unix nanoseconds.
        start_ns: Option<i64>,
        /// Last timestamp, Unix nanoseconds.
        end_ns: Option<i64>,
    },
}

/// A query for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which messages match.
    pub find: Find,
    /// Continues after the message with this hash.
    pub cursor: Option<Hash>,
    /// Whether the page begins with the oldest message; otherwise with the newest.
    pub forward: bool,
    /// Most messages in the page.
    pub limit: usize,
    /// Most bytes of messages in the page; the first message may be larger. `None`: messages without their bytes.
    pub bytes: Option<usize>,
}

/// One page, ascending by (timestamp, hash) in both directions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// At most `limit` messages.
    pub entries: Vec<Entry>,
    /// Whether more messages follow in the direction of the query.
    pub more: bool,
}

/// Why a query failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The cursor's hash is not in this archive.
    #[error("unknown cursor")]
    UnknownCursor,
    /// The file could not be read.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// An open archive.
pub struct Archive {
    conn: Connection,
    retention: Retention,
    /// The lock, held while open; the system releases it with the process.
    _lock: File,
}

/// A place in the order of pages: (timestamp, hash).
type Place = (i64, Hash);

impl Archive {
    /// Opens or makes the file at `path`, with a lock file beside it. Both get mode 0600.
    pub fn open(path: &Path, retention: Retention) -> Result<Self, Error> {
        let lock = lock(path)?;
        let length = private_file(path)?.metadata()?.len();
        let mut conn = connect(path)?;
        check(&conn, path, length, APPLICATION_ID, Mark::None).map_err(|error| match error {
            Error::WrongKey => Error::Foreign, // there is no key
            other => other,
        })?;
        conn.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;",
        )?;
        migrate(&mut conn, APPLICATION_ID, MIGRATIONS)?;
        Ok(Self { conn, retention, _lock: lock })
    }

    /// Stores messages whose hash is new, in one transaction. Then deletes the oldest while the file is too large.
    pub fn put(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for entry in entries {
            tx.prepare_cached("INSERT OR IGNORE INTO messages VALUES(?,?,?,?,?)")?.execute(params![
                entry.hash,
                entry.timestamp_ns,
                entry.pubsub_topic,
                entry.content_topic,
                entry.message
            ])?;
        }
        tx.commit()?;
        self.shrink()
    }

    /// Deletes messages past the retention at `now_ns` and returns their number; then, as [`Self::put`], the oldest.
    pub fn expire(&mut self, now_ns: i64) -> Result<usize, Error> {
        let age_ns = i64::try_from(self.retention.age.as_nanos()).unwrap_or(i64::MAX);
        let oldest_ns = now_ns.saturating_sub(age_ns);
        let sql = "DELETE FROM messages WHERE timestamp_ns<?";
        let gone = run(&self.conn, sql, params![oldest_ns])?;
        self.shrink()?;
        Ok(gone)
    }

    fn shrink(&mut self) -> Result<(), Error> {
        let sql = "DELETE FROM messages WHERE hash IN
            (SELECT hash FROM messages ORDER BY timestamp_ns, hash LIMIT ?)";
        while self.used_bytes()? > self.retention.bytes {
            if run(&self.conn, sql, params![PRUNE_ROWS])? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// For tests: limits the file to so many pages, so that it answers like a full disk.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), Error> {
        let sql = format!("PRAGMA max_page_count={pages}");
        Ok(self.conn.query_row(&sql, [], |_| Ok(()))?)
    }

    /// Bytes in use, without freed pages and the write-ahead log.
    pub fn used_bytes(&self) -> Result<u64, Error> {
        let sql = "SELECT (page_count - freelist_count) * page_size
            FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        let bytes = one(&self.conn, sql, [], |row| row.get::<_, i64>(0))?;
        Ok(bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// The number of messages.
    pub fn count(&self) -> Result<u64, Error> {
        let count = one(&self.conn, "SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0))?;
        Ok(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    /// One page. The work is bounded by the page: first places are found in an index, then the messages are read.
    pub fn query(&self, query: &Query) -> Result<Page, QueryError> {
        let cursor = match &query.cursor {
            None => None,
            Some(hash) => Some(self.place(hash)?.ok_or(QueryError::UnknownCursor)?),
        };
        let mut places = match &query.find {
            Find::Hashes(hashes) => self.by_hash(hashes, cursor, query.forward)?,
            Find::Range { pubsub_topic, content_topics, start_ns, end_ns } => {
                let ends = ends(*start_ns, *end_ns, cursor, query.forward);
                let mut topics: Vec<_> = content_topics.iter().map(|topic| Some(topic.as_str())).collect();
                topics.sort_unstable();
                topics.dedup();
                if topics.is_empty() {
                    topics.push(None);
                }
                let mut found = Vec::new();
                for topic in topics {
                    found.extend(self.by_time(topic, pubsub_topic.as_deref(), &ends, query)?);
                }
                found
            }
        };
        places.sort_unstable();
        if !query.forward {
            places.reverse();
        }
        let all = places.len();
        places.truncate(query.limit);
        let mut entries = self.read(&places, query.bytes)?;
        let more = entries.len() < all;
        if !query.forward {
            entries.reverse();
        }
        Ok(Page { entries, more })
    }

    fn place(&self, hash: &Hash) -> Result<Option<Place>, Error> {
        let sql = "SELECT timestamp_ns FROM messages WHERE hash=?";
        let at = one(&self.conn, sql, params![hash], |row| row.get(0))?;
        Ok(at.map(|at| (at, *hash)))
    }

    fn by_hash(&self, hashes: &[Hash], cursor: Option<Place>, forward: bool) -> Result<Vec<Place>, Error> {
        let mut hashes = hashes.to_vec();
        hashes.sort_unstable();
        hashes.dedup();
        let mut found = Vec::new();
        for hash in hashes {
            found.extend(self.place(&hash)?);
        }
        found.retain(|place| match cursor {
            None => true,
            Some(at) if forward => *place > at,
            Some(at) => *place < at,
        });
        Ok(found)
    }

    /// Places of one content topic, or of all, from the requested end: up to a page and one more.
    fn by_time(
        &self,
        content_topic: Option<&str>,
        pubsub_topic: Option<&str>,
        [after, before]: &[(i64, Vec<u8>); 2],
        query: &Query,
    ) -> Result<Vec<Place>, Error> {
        let rows = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
        let sql = by_time_sql(content_topic.is_some(), pubsub_topic.is_some(), query.forward);
        let params = params![content_topic, after.0, after.1, before.0, before.1, pubsub_topic, rows];
        all(&self.conn, &sql, params, |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The messages at these places, as many as the bytes allow.
    fn read(&self, places: &[Place], bytes: Option<usize>) -> Result<Vec<Entry>, Error> {
        let sql = "SELECT hash, timestamp_ns, pubsub_topic, content_topic, iif(?2, message, x'') AS message
            FROM messages WHERE hash=?1";
        let mut entries = Vec::with_capacity(places.len());
        let mut left = bytes.unwrap_or(usize::MAX);
        for (_, hash) in places {
            let params = params![hash, bytes.is_some()];
            let Some(entry) = one(&self.conn, sql, params, Entry::read)? else {
                continue;
            };
            if entry.message.len() > left && !entries.is_empty() {
                break;
            }
            left = left.saturating_sub(entry.message.len());
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// One index for each kind of range: all messages, messages of a shard, messages of a content topic in a shard.
fn by_time_sql(content_topic: bool, pubsub_topic: bool, forward: bool) -> String {
    let content = if content_topic { "content_topic=?1" } else { "?1 IS NULL" };
    let pubsub = if pubsub_topic { "pubsub_topic=?6" } else { "?6 IS NULL" };
    let order = if forward { "ASC" } else { "DESC" };
    format!(
        "SELECT timestamp_ns, hash FROM messages WHERE {content} AND {pubsub} AND (timestamp_ns, hash) > (?2, ?3)
         AND (timestamp_ns, hash) < (?4, ?5) ORDER BY timestamp_ns {order}, hash {order} LIMIT ?7"
    )
}

/// The ends of a query's range, outside of it. Hashes are compared as bytes: one has 0 to 33 here, so both ends of the
/// asked time belong to the range.
fn ends(start: Option<i64>, end: Option<i64>, cursor: Option<Place>, forward: bool) -> [(i64, Vec<u8>); 2] {
    let mut after = (start.unwrap_or(i64::MIN), Vec::new());
    let mut before = (end.unwrap_or(i64::MAX), vec![0xff; 33]);
    match cursor.map(|(at, hash)| (at, hash.to_vec())) {
        Some(place) if forward => after = after.max(place),
        Some(place) => before = before.min(place),
        None => {}
    }
    [after, before]
}

impl Entry {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            hash: row.get("hash")?,
            timestamp_ns: row.get("timestamp_ns")?,
            pubsub_topic: row.get("pubsub_topic")?,
            content_topic: row.get("content_topic")?,
            message: row.get("message")?,
        })
    }
}

crate::row::closed_debug!(Archive);

#[cfg(test)]
mod tests;
