use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Error, Hash, Tx};

/// Bytes of payloads that may wait.
const WAITING_BYTES: i64 = 8 * 1024 * 1024;
/// Holes looked after at a time.
const HOLES: u32 = 1000;

row! {
    /// A payload that was taken.
    Seen in "seen" ("payload") {
        /// SHA-256 of the payload.
        payload: Hash,
        /// The session it came in.
        session: Option<Hash>,
        /// Newest timestamp it came with.
        ts_s: i64,
        /// When it is forgotten.
        until_ms: i64,
        /// Its counter in the session; 0: it wants no receipt.
        seq: u32,
        /// Receipts that copies of it caused,
        answers: u32,
        /// and when the last one was due, or the payload taken.
        answered_ms: i64,
    }
}

row! {
    /// An envelope that nothing here opens yet.
    Waiting in "waiting" ("payload_hash") {
        /// SHA-256 of the payload.
        payload_hash: Hash,
        /// Its tag.
        tag: [u8; 16],
        /// The envelope.
        payload: Vec<u8>,
        /// Its timestamp.
        ts_s: i64,
        /// Came.
        added_ms: i64,
        /// Of a newer version.
        newer: bool,
    }
}

row! {
    /// A message that another one names and that is not here.
    Hole in "holes" ("conversation,prefix") {
        /// Where.
        conversation: Hash,
        /// First bytes of its id.
        prefix: [u8; 8],
        /// Time of the message that names it.
        around_s: i64,
        /// What was tried.
        stage: u8,
        /// Next try.
        due_ms: i64,
    }
}

row! {
    /// A text that lies in chunks.
    Fetch in "fetches" ("message") {
        /// The message.
        message: Hash,
        /// Where.
        conversation: Hash,
        /// What the whole is.
        kind: u32,
        /// The pointer.
        pointer: Vec<u8>,
        /// The session the message came in,
        session: Hash,
        /// and its counter there: receipted once the text is whole.
        seq: u32,
        /// Tries so far.
        tries: u32,
        /// Next try.
        due_ms: i64,
        /// Nothing of it is older.
        since_s: i64,
    }
}

impl Tx<'_> {
    /// Notes a payload.
    pub fn seen_put(&self, seen: &Seen) -> Result<(), Error> {
        seen.upsert(self.conn)
    }

    /// Was it taken?
    pub fn seen(&self, payload: &Hash) -> Result<Option<Seen>, Error> {
        one(
            self.conn,
            "SELECT * FROM seen WHERE payload=?",
            params![payload],
            Seen::read,
        )
    }

    /// Forgets what is past its time.
    pub fn seen_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(
            self.conn,
            "DELETE FROM seen WHERE until_ms<=?",
            params![now_ms],
        )
    }

    /// Keeps an envelope.
    pub fn waiting_put(&self, waiting: &Waiting) -> Result<(), Error> {
        waiting.upsert(self.conn)
    }

    /// (tag, payload hash) of all that wait.
    pub fn waiting_tags(&self) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "SELECT tag, payload_hash FROM waiting";
        all(self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// One that waits.
    pub fn waiting_get(&self, payload_hash: &Hash) -> Result<Option<Waiting>, Error> {
        let sql = "SELECT * FROM waiting WHERE payload_hash=?";
        one(self.conn, sql, params![payload_hash], Waiting::read)
    }

    /// Lets one go.
    pub fn waiting_delete(&self, payload_hash: &Hash) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM waiting WHERE payload_hash=?",
            params![payload_hash],
        )?;
        Ok(())
    }

    /// Lets go of what came before `before_ms`, and of the oldest beyond 8 MB.
    pub fn waiting_expire(&self, before_ms: i64) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM waiting WHERE added_ms<?",
            params![before_ms],
        )?;
        let sql = "DELETE FROM waiting WHERE payload_hash IN (SELECT payload_hash FROM
            (SELECT payload_hash, sum(length(payload)) OVER (ORDER BY added_ms DESC, payload_hash) AS total FROM waiting) WHERE total>?)";
        run(self.conn, sql, params![WAITING_BYTES])?;
        Ok(())
    }

    /// Notes a hole, unless there are too many.
    pub fn hole_put(&self, hole: &Hole) -> Result<(), Error> {
        let count: u32 =
            one(self.conn, "SELECT count(*) FROM holes", [], |r| r.get(0))?.unwrap_or(0);
        if count < HOLES || self.hole(&hole.conversation, &hole.prefix)?.is_some() {
            hole.upsert(self.conn)?;
        }
        Ok(())
    }

    /// A hole.
    pub fn hole(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<Option<Hole>, Error> {
        one(
            self.conn,
            "SELECT * FROM holes WHERE conversation=? AND prefix=?",
            params![conversation, prefix],
            Hole::read,
        )
    }

    /// What is to be tried now.
    pub fn holes_due(&self, now_ms: i64) -> Result<Vec<Hole>, Error> {
        all(
            self.conn,
            "SELECT * FROM holes WHERE due_ms<=? ORDER BY conversation, due_ms LIMIT 64",
            params![now_ms],
            Hole::read,
        )
    }

    /// It is filled or given up.
    pub fn hole_delete(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<bool, Error> {
        Ok(run(
            self.conn,
            "DELETE FROM holes WHERE conversation=? AND prefix=?",
            params![conversation, prefix],
        )? > 0)
    }

    /// Writes a fetch.
    pub fn fetch_put(&self, fetch: &Fetch) -> Result<(), Error> {
        fetch.upsert(self.conn)
    }

    /// A fetch.
    pub fn fetch(&self, message: &Hash) -> Result<Option<Fetch>, Error> {
        one(
            self.conn,
            "SELECT * FROM fetches WHERE message=?",
            params![message],
            Fetch::read,
        )
    }

    /// What is to be fetched now.
    pub fn fetches_due(&self, now_ms: i64) -> Result<Vec<Fetch>, Error> {
        all(
            self.conn,
            "SELECT * FROM fetches WHERE due_ms<=? ORDER BY due_ms LIMIT 8",
            params![now_ms],
            Fetch::read,
        )
    }

    /// Ends a fetch and drops its chunks.
    pub fn fetch_delete(&self, message: &Hash) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM fetches WHERE message=?",
            params![message],
        )?;
        Ok(())
    }

    /// Keeps a chunk.
    pub fn chunk_put(&self, message: &Hash, i: u32, bytes: &[u8]) -> Result<(), Error> {
        run(
            self.conn,
            "INSERT INTO chunks VALUES(?,?,?) ON CONFLICT DO NOTHING",
            params![message, i, bytes],
        )?;
        Ok(())
    }

    /// The chunks of a message.
    pub fn chunks(&self, message: &Hash) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        all(
            self.conn,
            "SELECT i, bytes FROM chunks WHERE message=? ORDER BY i",
            params![message],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }
}
