//! Sessions, known handshakes, and keys of skipped messages.

use rusqlite::params;

use crate::row::{Table, all, numbers, one, row};
use crate::{Chat, Error, Hash, Private};

/// Most skipped keys of a session.
const SKIPPED_PER_SESSION: u32 = 25_000;
/// Most remembered handshakes without a session.
const REFUSED: u32 = 1000;
/// Most skipped keys in all.
const SKIPPED_IN_ALL: u32 = 100_000;

numbers! {
    /// Whether the other side is ahead of a session, as after an old copy of the database was put back.
    Ahead {
        /// No sign of it.
        No = 0,
        /// Suspected: a header opened and its message did not.
        Doubt = 1,
        /// Nothing more is sealed in this session: a new one replaces it.
        Left = 2,
        /// Proved, by a receipt or by the own list.
        Proven = 3,
    }
}

row! {
    /// A session with one device of an account.
    Session in "sessions" (hash: Hash) {
        /// Session hash, the same on both sides.
        hash: Hash,
        /// Chat key of the other account.
        chat: Chat,
        /// Id of the other device.
        device: [u8; 16],
        /// The ratchet's snapshot, as `sotto-crypto` stores it.
        snapshot: Private,
        /// Whether this side began it.
        initiator: bool,
        /// Start number of its handshake, Unix seconds.
        start: u32,
        /// SHA-256(EKa ‖ ct): the handshake's name.
        handshake: Hash,
        /// Core of the handshake block, until the session is answered.
        core: Option<Vec<u8>>,
        /// The secret that masks the block.
        mask_secret: Option<[u8; 16]>,
        /// Id of the prekey pair that began it.
        prekey_id: Option<[u8; 8]>,
        /// Initiator: whether it was answered. Responder: whether it was confirmed.
        answered: bool,
        /// When it was made, Unix milliseconds.
        created_ms: i64,
        /// When it is deleted, Unix milliseconds; none for the sending session.
        until_ms: Option<i64>,
        /// Whether the other side is ahead of it.
        ahead: Ahead,
    }
}

row! {
    /// A handshake that was seen.
    Handshake in "handshakes" (handshake: Hash) {
        /// SHA-256(EKa ‖ ct), the primary key.
        handshake: Hash,
        /// Its session; none if that was refused or deleted.
        session: Option<Hash>,
        /// The secret that unmasks it.
        secret: Option<[u8; 16]>,
        /// When it expires, Unix milliseconds.
        until_ms: i64,
    }
}

row! {
    /// The key of a skipped message.
    Skipped in "skipped" (session: Hash, chain: u32, n: u32) {
        /// Hash of the session.
        session: Hash,
        /// Receiving chain, from 0.
        chain: u32,
        /// Number in its chain.
        n: u32,
        /// The tag of the message, unless tags of its chain are random.
        tag: Option<[u8; 16]>,
        /// The message key.
        key: Private,
        /// When it is deleted, Unix milliseconds.
        expires_ms: i64,
    }
}

impl Table<'_, Session> {
    /// The sessions with an account, oldest first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Session>, Error> {
        self.rows("SELECT * FROM sessions WHERE chat=? ORDER BY created_ms, hash", [chat])
    }

    /// Hashes of all sessions, the one with the last receipt first.
    pub fn all(&self) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT hash FROM sessions s LEFT JOIN links l ON l.session=s.hash ORDER BY l.heard_ms DESC, hash";
        all(self.conn, sql, [], |r| r.get(0))
    }

    /// Sessions past their end.
    pub fn over(&self, now_ms: i64) -> Result<Vec<Session>, Error> {
        self.rows("SELECT * FROM sessions WHERE until_ms<=? ORDER BY until_ms, hash", [now_ms])
    }
}

impl Table<'_, Handshake> {
    /// Stores a handshake. Of those without a session 1,000 are kept, the last to expire.
    pub fn note(&mut self, handshake: &Handshake) -> Result<(), Error> {
        self.put(handshake)?;
        if handshake.session.is_none() {
            let sql = "DELETE FROM handshakes WHERE handshake IN
                (SELECT handshake FROM handshakes WHERE session IS NULL
                 ORDER BY until_ms DESC, handshake LIMIT -1 OFFSET ?)";
            self.run(sql, [REFUSED])?;
        }
        Ok(())
    }

    /// Whether a handshake is known that only this secret unmasks.
    pub fn under(&self, secret: &[u8; 16]) -> Result<bool, Error> {
        Ok(one(self.conn, "SELECT 1 FROM handshakes WHERE secret=?", [secret], |_| Ok(()))?.is_some())
    }

    /// Deletes expired handshakes.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        self.run("DELETE FROM handshakes WHERE until_ms<=?", [now_ms])
    }
}

impl Table<'_, Skipped> {
    /// Stores skipped keys: the newest 25,000 of a session at most, and 100,000 in all, shared among accounts.
    pub fn keep(&mut self, keys: &[Skipped]) -> Result<(), Error> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        for key in keys {
            self.put(key)?;
        }
        let sql = "SELECT keys FROM skipped_held WHERE session=?";
        let held: Option<u32> = one(self.conn, sql, [first.session], |r| r.get(0))?;
        let over = held.unwrap_or(0).saturating_sub(SKIPPED_PER_SESSION);
        if over > 0 {
            let sql = "DELETE FROM skipped WHERE session=?1 AND (chain, n) IN
                (SELECT chain, n FROM skipped WHERE session=?1 ORDER BY chain, n LIMIT ?2)";
            self.run(sql, params![first.session, over])?;
        }
        self.share()
    }

    /// The account that holds most loses first, and its oldest keys.
    fn share(&mut self) -> Result<(), Error> {
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
            self.run(sql, params![chat, keys.saturating_sub(share)])?;
        }
        Ok(())
    }

    /// A skipped key by its tag.
    pub fn by_tag(&self, tag: &[u8; 16]) -> Result<Option<Skipped>, Error> {
        self.row("SELECT * FROM skipped WHERE tag=? ORDER BY session, chain, n LIMIT 1", [tag])
    }

    /// Deletes expired keys.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        self.run("DELETE FROM skipped WHERE expires_ms<=?", [now_ms])
    }
}

/// Most keys of each account so that all hold `most`; `None` if they do already. `held` is ascending.
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
