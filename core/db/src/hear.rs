//! What comes in: until when nothing was missed, payloads that were taken, envelopes that wait.

use rusqlite::params;

use crate::row::{Table, all, one, row, run};
use crate::{Error, Hash};

/// Payloads of one session remembered.
const SEEN: u32 = 10_000;

row! {
    /// Until when nothing was missed.
    Coverage in "coverage" (topic: str) {
        /// Content topic; empty: every one without a row.
        topic: String,
        /// Corrected clock.
        until_ms: i64,
    }
}

row! {
    /// A payload that was taken.
    Seen in "seen" (payload: Hash) {
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
    Waiting in "waiting" (payload_hash: Hash) {
        /// SHA-256 of the payload.
        payload_hash: Hash,
        /// Its tag.
        tag: [u8; 16],
        /// The topic it came on; empty: the own one.
        topic: String,
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

impl Table<'_, Coverage> {
    /// Until when nothing was missed on the topics without a row of their own; 0 where nothing is known.
    pub fn until_ms(&self) -> Result<i64, Error> {
        Ok(self.get("")?.map_or(0, |row| row.until_ms))
    }

    /// Nothing was missed on them until then.
    pub fn set_until_ms(&mut self, until_ms: i64) -> Result<(), Error> {
        self.put(&Coverage { topic: String::new(), until_ms })
    }
}

impl Table<'_, Seen> {
    /// Notes a payload. Of each session at most 10,000 are remembered, the last to be forgotten.
    pub fn note(&mut self, seen: &Seen) -> Result<(), Error> {
        self.put(seen)?;
        let sql = "SELECT payloads FROM seen_held WHERE session=?";
        let held: Option<u32> = one(self.conn, sql, params![seen.session], |r| r.get(0))?;
        let over = held.unwrap_or(0).saturating_sub(SEEN);
        if over > 0 {
            let sql = "DELETE FROM seen WHERE payload IN
                (SELECT payload FROM seen WHERE session=? ORDER BY until_ms, payload LIMIT ?)";
            run(self.conn, sql, params![seen.session, over])?;
        }
        Ok(())
    }

    /// Forgets what is past its time.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM seen WHERE until_ms<=?", params![now_ms])
    }
}

impl Table<'_, Waiting> {
    /// (tag, payload hash, length of the payload) of all that wait.
    pub fn tags(&self) -> Result<Vec<([u8; 16], Hash, u32)>, Error> {
        let sql = "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY rowid";
        all(self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
    }

    /// Lets go of what came before `before_ms`; (tag, payload hash) of each.
    pub fn expire(&mut self, before_ms: i64) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "DELETE FROM waiting WHERE added_ms<? RETURNING tag, payload_hash";
        all(self.conn, sql, params![before_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Lets go of the oldest until so many bytes of payloads are gone; (tag, payload hash) of each.
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
