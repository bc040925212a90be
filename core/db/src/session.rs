use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Chat, Error, Hash, Private, Tx};

/// Skipped keys kept per session.
const SKIPPED_PER_SESSION: u32 = 25_000;
/// Skipped keys kept in all.
const SKIPPED_IN_ALL: u32 = 100_000;

row! {
    /// A session with one device.
    Session in "sessions" ("hash") {
        /// Session hash.
        hash: Hash,
        /// The other account.
        chat: Chat,
        /// Its device.
        device: [u8; 16],
        /// The ratchet's snapshot.
        snapshot: Private,
        /// We began it.
        initiator: bool,
        /// Start number.
        start: u32,
        /// SHA-256(EKa ‖ ct).
        handshake: Hash,
        /// The block's core, until answered.
        core: Option<Vec<u8>>,
        /// What masks it.
        mask_secret: Option<[u8; 16]>,
        /// The prekey pair it came by.
        prekey_id: Option<[u8; 8]>,
        /// Initiator: answered. Responder: confirmed.
        answered: bool,
        /// New messages leave by it.
        sending: bool,
        /// Last counter given.
        seq: u32,
        /// Which counters arrived.
        tracker: Vec<u8>,
        /// Counters below this one are receipted, as the other side said last; 0: it said nothing.
        floor: u32,
        /// A receipt leaves by itself.
        receipt_due_ms: Option<i64>,
        /// A receipt is owed.
        receipt_dirty: bool,
        /// Made.
        created_ms: i64,
        /// Last receipt, or made.
        heard_ms: i64,
        /// When it goes.
        until_ms: Option<i64>,
    }
}

row! {
    /// A handshake that is known.
    Handshake in "handshakes" ("handshake") {
        /// SHA-256(EKa ‖ ct).
        handshake: Hash,
        /// Its session; none when that was dropped.
        session: Option<Hash>,
        /// What unmasks it.
        secret: Option<[u8; 16]>,
        /// When it is forgotten.
        until_ms: i64,
    }
}

row! {
    /// The key of a message passed by.
    Skipped in "skipped" ("session,chain,n") {
        /// Session.
        session: Hash,
        /// Receiving chain.
        chain: u32,
        /// Number in it.
        n: u32,
        /// The tag it comes with.
        tag: Option<[u8; 16]>,
        /// The key.
        key: Private,
        /// When it goes.
        expires_ms: i64,
    }
}

impl Tx<'_> {
    /// Writes a session.
    pub fn session_put(&self, session: &Session) -> Result<(), Error> {
        session.upsert(self.conn)
    }

    /// A session.
    pub fn session(&self, hash: &Hash) -> Result<Option<Session>, Error> {
        one(
            self.conn,
            "SELECT * FROM sessions WHERE hash=?",
            params![hash],
            Session::read,
        )
    }

    /// The sessions with an account, oldest first.
    pub fn sessions_of(&self, chat: &Chat) -> Result<Vec<Session>, Error> {
        all(
            self.conn,
            "SELECT * FROM sessions WHERE chat=? ORDER BY created_ms, hash",
            params![chat],
            Session::read,
        )
    }

    /// All sessions' hashes, the one with the last receipt first.
    pub fn sessions(&self) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT hash FROM sessions ORDER BY heard_ms DESC, hash";
        all(self.conn, sql, [], |r| r.get(0))
    }

    /// Deletes a session and its skipped keys.
    pub fn session_delete(&self, hash: &Hash) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM sessions WHERE hash=?",
            params![hash],
        )?;
        Ok(())
    }

    /// Accounts that are owed a receipt now.
    pub fn receipts_due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        all(
            self.conn,
            "SELECT DISTINCT chat FROM sessions WHERE receipt_due_ms<=? LIMIT 64",
            params![now_ms],
            |r| r.get(0),
        )
    }

    /// Sessions past their time.
    pub fn sessions_over(&self, now_ms: i64) -> Result<Vec<Session>, Error> {
        all(
            self.conn,
            "SELECT * FROM sessions WHERE until_ms<=?",
            params![now_ms],
            Session::read,
        )
    }

    /// Sending sessions whose last receipt is older than this, and so is a node's yes to something unreceipted.
    pub fn sessions_silent(&self, before_ms: i64) -> Result<Vec<Session>, Error> {
        let sql = "SELECT * FROM sessions s WHERE sending=1 AND heard_ms<?1 AND EXISTS (SELECT 1 FROM outbox o
            JOIN attempts a ON a.outbox=o.id WHERE o.session=s.hash AND o.seq IS NOT NULL AND a.ts_s<?1/1000)";
        all(self.conn, sql, params![before_ms], Session::read)
    }

    /// Notes a handshake.
    pub fn handshake_put(&self, handshake: &Handshake) -> Result<(), Error> {
        handshake.upsert(self.conn)
    }

    /// A known handshake.
    pub fn handshake(&self, hash: &Hash) -> Result<Option<Handshake>, Error> {
        one(
            self.conn,
            "SELECT * FROM handshakes WHERE handshake=?",
            params![hash],
            Handshake::read,
        )
    }

    /// Forgets one.
    pub fn handshake_delete(&self, hash: &Hash) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM handshakes WHERE handshake=?",
            params![hash],
        )?;
        Ok(())
    }

    /// Is a handshake known that only this secret unmasks?
    pub fn handshakes_under(&self, secret: &[u8; 16]) -> Result<bool, Error> {
        Ok(one(
            self.conn,
            "SELECT 1 FROM handshakes WHERE secret=?",
            params![secret],
            |_| Ok(()),
        )?
        .is_some())
    }

    /// Forgets what is past its time.
    pub fn handshakes_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(
            self.conn,
            "DELETE FROM handshakes WHERE until_ms<=?",
            params![now_ms],
        )
    }

    /// Keeps keys of messages passed by, at most 25,000 of a session and 100,000 in all; the oldest go.
    pub fn skipped_insert(&self, keys: &[Skipped]) -> Result<(), Error> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        for key in keys {
            key.upsert(self.conn)?;
        }
        let sql = "DELETE FROM skipped WHERE session=?1 AND (chain, n) IN
            (SELECT chain, n FROM skipped WHERE session=?1 ORDER BY chain DESC, n DESC LIMIT -1 OFFSET ?2)";
        run(self.conn, sql, params![first.session, SKIPPED_PER_SESSION])?;
        let count: u32 =
            one(self.conn, "SELECT count(*) FROM skipped", [], |r| r.get(0))?.unwrap_or(0);
        if let Some(over) = count.checked_sub(SKIPPED_IN_ALL).filter(|&over| over > 0) {
            let sql = "DELETE FROM skipped WHERE (session, chain, n) IN
                (SELECT session, chain, n FROM skipped ORDER BY expires_ms, chain, n LIMIT ?)";
            run(self.conn, sql, params![over])?;
        }
        Ok(())
    }

    /// A kept key by its tag.
    pub fn skipped_by_tag(&self, tag: &[u8; 16]) -> Result<Option<Skipped>, Error> {
        one(
            self.conn,
            "SELECT * FROM skipped WHERE tag=? LIMIT 1",
            params![tag],
            Skipped::read,
        )
    }

    /// A kept key by its place.
    pub fn skipped(&self, session: &Hash, chain: u32, n: u32) -> Result<Option<Skipped>, Error> {
        let sql = "SELECT * FROM skipped WHERE session=? AND chain=? AND n=?";
        one(self.conn, sql, params![session, chain, n], Skipped::read)
    }

    /// Deletes a kept key.
    pub fn skipped_delete(&self, session: &Hash, chain: u32, n: u32) -> Result<(), Error> {
        run(
            self.conn,
            "DELETE FROM skipped WHERE session=? AND chain=? AND n=?",
            params![session, chain, n],
        )?;
        Ok(())
    }

    /// Deletes what is past its time.
    pub fn skipped_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(
            self.conn,
            "DELETE FROM skipped WHERE expires_ms<=?",
            params![now_ms],
        )
    }
}
