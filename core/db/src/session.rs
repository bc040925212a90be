//! Sessions, handshakes that are known, and keys of messages passed by.

use rusqlite::params;

use crate::row::{Table, all, numbers, one, row, run};
use crate::{Chat, Error, Hash, Private};

/// Skipped keys kept per session.
const SKIPPED_PER_SESSION: u32 = 25_000;
/// Handshakes without a session remembered.
const REFUSED: u32 = 1000;
/// Skipped keys kept in all.
const SKIPPED_IN_ALL: u32 = 100_000;

numbers! {
    /// Is the other side ahead of a session, as it would be of an old copy of the database?
    Ahead {
        /// It is not.
        No = 0,
        /// A header opened and its message did not.
        Doubt = 1,
        /// From here on nothing is sealed in the session: a new one takes its place.
        Left = 2,
        /// A receipt, or the own list, proved it.
        Proven = 3,
    }
}

row! {
    /// A session with one device.
    Session in "sessions" (hash: Hash) {
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
        /// Made.
        created_ms: i64,
        /// When it goes.
        until_ms: Option<i64>,
        /// Is the other side ahead of it?
        ahead: Ahead,
    }
}

row! {
    /// A handshake that is known.
    Handshake in "handshakes" (handshake: Hash) {
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
    Skipped in "skipped" (session: Hash, chain: u32, n: u32) {
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

impl Table<'_, Session> {
    /// The sessions with an account, oldest first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Session>, Error> {
        all(self.conn, "SELECT * FROM sessions WHERE chat=? ORDER BY created_ms, hash", params![chat], Session::read)
    }

    /// All sessions' hashes, the one with the last receipt first.
    pub fn all(&self) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT hash FROM sessions s LEFT JOIN links l ON l.session=s.hash ORDER BY l.heard_ms DESC, hash";
        all(self.conn, sql, [], |r| r.get(0))
    }

    /// Sessions past their time.
    pub fn over(&self, now_ms: i64) -> Result<Vec<Session>, Error> {
        let sql = "SELECT * FROM sessions WHERE until_ms<=? ORDER BY until_ms, hash";
        all(self.conn, sql, params![now_ms], Session::read)
    }
}

impl Table<'_, Handshake> {
    /// Notes a handshake. Of those without a session at most 1,000 are remembered, the last to be forgotten: a repeat
    /// of
    /// another one costs its checks anew.
    pub fn note(&mut self, handshake: &Handshake) -> Result<(), Error> {
        self.put(handshake)?;
        if handshake.session.is_none() {
            let sql = "DELETE FROM handshakes WHERE handshake IN
                (SELECT handshake FROM handshakes WHERE session IS NULL
                 ORDER BY until_ms DESC, handshake LIMIT -1 OFFSET ?)";
            run(self.conn, sql, params![REFUSED])?;
        }
        Ok(())
    }

    /// Is a handshake known that only this secret unmasks?
    pub fn under(&self, secret: &[u8; 16]) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM handshakes WHERE secret=?";
        Ok(one(self.conn, sql, params![secret], |_| Ok(()))?.is_some())
    }

    /// Forgets what is past its time.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM handshakes WHERE until_ms<=?", params![now_ms])
    }
}

impl Table<'_, Skipped> {
    /// Keeps keys of messages passed by: at most 25,000 of a session, whose oldest go, and 100,000 in all, of which
    /// each
    /// account has its share.
    pub fn keep(&mut self, keys: &[Skipped]) -> Result<(), Error> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        for key in keys {
            self.put(key)?;
        }
        let sql = "SELECT keys FROM skipped_held WHERE session=?";
        let held: Option<u32> = one(self.conn, sql, params![first.session], |r| r.get(0))?;
        let over = held.unwrap_or(0).saturating_sub(SKIPPED_PER_SESSION);
        if over > 0 {
            let sql = "DELETE FROM skipped WHERE session=?1 AND (chain, n) IN
                (SELECT chain, n FROM skipped WHERE session=?1 ORDER BY chain, n LIMIT ?2)";
            run(self.conn, sql, params![first.session, over])?;
        }
        self.share()
    }

    /// Who holds most loses first, and of what it holds the oldest.
    fn share(&self) -> Result<(), Error> {
        let sql = "SELECT s.chat, sum(h.keys) FROM skipped_held h JOIN sessions s ON s.hash=h.session
            GROUP BY s.chat ORDER BY 2, 1";
        let held: Vec<(Chat, u32)> = all(self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?;
        let counts: Vec<u32> = held.iter().map(|(_, keys)| *keys).collect();
        let Some(share) = share(&counts, SKIPPED_IN_ALL) else {
            return Ok(());
        };
        let sql = "DELETE FROM skipped WHERE (session, chain, n) IN
            (SELECT k.session, k.chain, k.n FROM sessions s JOIN skipped k ON k.session=s.hash
             WHERE s.chat=? ORDER BY k.expires_ms, k.chain, k.n LIMIT ?)";
        for (chat, keys) in held.iter().filter(|(_, keys)| *keys > share) {
            run(self.conn, sql, params![chat, keys.saturating_sub(share)])?;
        }
        Ok(())
    }

    /// A kept key by its tag.
    pub fn by_tag(&self, tag: &[u8; 16]) -> Result<Option<Skipped>, Error> {
        let sql = "SELECT * FROM skipped WHERE tag=? ORDER BY session, chain, n LIMIT 1";
        one(self.conn, sql, params![tag], Skipped::read)
    }

    /// Deletes what is past its time.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM skipped WHERE expires_ms<=?", params![now_ms])
    }
}

/// The most that each may hold so that all hold `most`; `None`: they do. `held` rises.
fn share(held: &[u32], most: u32) -> Option<u32> {
    let mut left = most;
    for (before, keys) in held.iter().enumerate() {
        let sharers = u32::try_from(held.len().saturating_sub(before)).unwrap_or(u32::MAX);
        let part = left.checked_div(sharers)?;
        if *keys > part {
            return Some(part);
        }
        left = left.saturating_sub(*keys);
    }
    None
}

#[cfg(test)]
mod tests;
