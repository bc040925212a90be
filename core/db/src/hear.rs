//! Received bytes: coverage of topics, accepted payloads, envelopes that wait.

use rusqlite::params;

use crate::row::{Table, all, one, row};
use crate::{Error, Hash};

/// Most payloads remembered of one session.
const SEEN: u32 = 10_000;

row! {
    /// Until when a topic was received without a gap.
    Coverage in "coverage" (topic: str) {
        /// Content topic; empty for all topics without a row.
        topic: String,
        /// End of the coverage, corrected clock, Unix milliseconds.
        until_ms: i64,
    }
}

row! {
    /// An accepted payload, remembered to recognise copies.
    Seen in "seen" (payload: Hash) {
        /// SHA-256 of the payload; the primary key.
        payload: Hash,
        /// The session that opened it.
        session: Option<Hash>,
        /// Newest Waku timestamp of a copy, Unix seconds.
        ts_s: i64,
        /// When the row expires, Unix milliseconds.
        until_ms: i64,
        /// Its counter in the session; 0 if it wants no receipt.
        seq: u32,
        /// How many receipts its copies caused.
        answers: u32,
        /// When the last of these receipts was due, or when the payload was accepted.
        answered_ms: i64,
    }
}

row! {
    /// An envelope that no session opens yet.
    Waiting in "waiting" (payload_hash: Hash) {
        /// SHA-256 of the payload; the primary key.
        payload_hash: Hash,
        /// Its tag, by which a session will find it.
        tag: [u8; 16],
        /// Its content topic; empty for the home topic.
        topic: String,
        /// The whole envelope.
        payload: Vec<u8>,
        /// Its Waku timestamp, Unix seconds.
        ts_s: i64,
        /// When it arrived, Unix milliseconds.
        added_ms: i64,
        /// Whether its version is newer than this program.
        newer: bool,
    }
}

impl Table<'_, Coverage> {
    /// End of the coverage of topics without a row of their own; 0 if unknown.
    pub fn until_ms(&self) -> Result<i64, Error> {
        Ok(self.get("")?.map_or(0, |row| row.until_ms))
    }

    /// Sets that coverage.
    pub fn set_until_ms(&mut self, until_ms: i64) -> Result<(), Error> {
        self.put(&Coverage { topic: String::new(), until_ms })
    }
}

impl Table<'_, Seen> {
    /// Stores a payload. A session keeps at most 10,000; those that expire first are deleted.
    pub fn note(&mut self, seen: &Seen) -> Result<(), Error> {
        self.put(seen)?;
        let sql = "SELECT payloads FROM seen_held WHERE session=?";
        let held: Option<u32> = one(self.conn, sql, [seen.session], |r| r.get(0))?;
        let over = held.unwrap_or(0).saturating_sub(SEEN);
        if over > 0 {
            let sql = "DELETE FROM seen WHERE payload IN
                (SELECT payload FROM seen WHERE session=? ORDER BY until_ms, payload LIMIT ?)";
            self.run(sql, params![seen.session, over])?;
        }
        Ok(())
    }

    /// Deletes expired rows.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        self.run("DELETE FROM seen WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, Waiting> {
    /// (tag, payload hash, payload length) of all waiting envelopes.
    pub fn tags(&self) -> Result<Vec<([u8; 16], Hash, u32)>, Error> {
        let sql = "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY rowid";
        all(self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
    }

    /// Deletes envelopes that arrived before `before_ms`; returns (tag, payload hash) of each.
    pub fn expire(&mut self, before_ms: i64) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "DELETE FROM waiting WHERE added_ms<? RETURNING tag, payload_hash";
        all(self.conn, sql, [before_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Deletes the oldest envelopes until their payloads reach `bytes`; returns (tag, payload hash) of each.
    pub fn drop_oldest(&mut self, bytes: u64) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY added_ms, rowid LIMIT 1";
        let mut gone = Vec::new();
        let mut freed = 0_u64;
        while freed < bytes {
            let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get::<_, u32>(2)?));
            let Some((tag, payload_hash, length)) = one(self.conn, sql, [], read)? else {
                break;
            };
            self.remove(&payload_hash)?;
            freed = freed.saturating_add(length.max(1).into());
            gone.push((tag, payload_hash));
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests;
