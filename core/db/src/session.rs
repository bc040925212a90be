use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Chat, Error, Hash, Private, Tx};

/// Skipped keys kept per session.
const SKIPPED_PER_SESSION: u32 = 25_000;
/// Handshakes without a session remembered.
const REFUSED: u32 = 1000;
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
        /// Counters above this one, up to the next field, were never given; both 0: there are none, or the other side
        /// was seen to lack them.
        gap_from: u32,
        /// The last of them.
        gap_to: u32,
        /// The other side is ahead of this session, as far as is known: a number of the engine's.
        ahead: u8,
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
        one(self.conn, "SELECT * FROM sessions WHERE hash=?", params![hash], Session::read)
    }

    /// The sessions with an account, oldest first.
    pub fn sessions_of(&self, chat: &Chat) -> Result<Vec<Session>, Error> {
        all(self.conn, "SELECT * FROM sessions WHERE chat=? ORDER BY created_ms, hash", params![chat], Session::read)
    }

    /// All sessions' hashes, the one with the last receipt first.
    pub fn sessions(&self) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT hash FROM sessions ORDER BY heard_ms DESC, hash";
        all(self.conn, sql, [], |r| r.get(0))
    }

    /// Leaves out the next `length` counters of every session that messages leave by and that was answered. Where
    /// nothing was sent since the last gap, that one is made anew. None is made where more than `most` counters are
    /// under way: a receipt reaches no further.
    pub fn sessions_leave_gaps(&self, length: u32, most: u32) -> Result<usize, Error> {
        let sql = "UPDATE sessions SET gap_from=f, gap_to=f+?1, seq=f+?1 FROM (SELECT hash AS h,
              CASE WHEN gap_to>0 AND seq=gap_to THEN gap_from ELSE seq END AS f FROM sessions WHERE sending=1
                AND (initiator=0 OR answered=1)
                AND seq-coalesce((SELECT min(o.seq) FROM outbox o WHERE o.session=hash), seq)<?2)
            WHERE hash=h";
        run(self.conn, sql, params![length, most])
    }

    /// Deletes a session and its skipped keys.
    pub fn session_delete(&self, hash: &Hash) -> Result<(), Error> {
        run(self.conn, "DELETE FROM sessions WHERE hash=?", params![hash])?;
        Ok(())
    }

    /// Accounts that are owed a receipt now.
    pub fn receipts_due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        all(
            self.conn,
            "SELECT DISTINCT chat FROM sessions WHERE receipt_due_ms<=? ORDER BY chat LIMIT 64",
            params![now_ms],
            |r| r.get(0),
        )
    }

    /// Sessions past their time.
    pub fn sessions_over(&self, now_ms: i64) -> Result<Vec<Session>, Error> {
        all(
            self.conn,
            "SELECT * FROM sessions WHERE until_ms<=? ORDER BY until_ms, hash",
            params![now_ms],
            Session::read,
        )
    }

    /// Sending sessions whose last receipt is older than this, and so is a node's yes to something unreceipted.
    pub fn sessions_silent(&self, before_ms: i64) -> Result<Vec<Session>, Error> {
        let sql = "SELECT * FROM sessions s WHERE sending=1 AND heard_ms<?1 AND EXISTS (SELECT 1 FROM outbox o
            JOIN attempts a ON a.outbox=o.id WHERE o.session=s.hash AND o.seq IS NOT NULL AND a.ts_s<?1/1000)
            ORDER BY hash";
        all(self.conn, sql, params![before_ms], Session::read)
    }

    /// Notes a handshake. Of those without a session at most 1,000 are remembered, the last to be forgotten: a repeat of
    /// another one costs its checks anew.
    pub fn handshake_put(&self, handshake: &Handshake) -> Result<(), Error> {
        handshake.upsert(self.conn)?;
        if handshake.session.is_none() {
            let sql = "DELETE FROM handshakes WHERE handshake IN
                (SELECT handshake FROM handshakes WHERE session IS NULL ORDER BY until_ms DESC, handshake LIMIT -1 OFFSET ?)";
            run(self.conn, sql, params![REFUSED])?;
        }
        Ok(())
    }

    /// A known handshake.
    pub fn handshake(&self, hash: &Hash) -> Result<Option<Handshake>, Error> {
        one(self.conn, "SELECT * FROM handshakes WHERE handshake=?", params![hash], Handshake::read)
    }

    /// Forgets one.
    pub fn handshake_delete(&self, hash: &Hash) -> Result<(), Error> {
        run(self.conn, "DELETE FROM handshakes WHERE handshake=?", params![hash])?;
        Ok(())
    }

    /// Is a handshake known that only this secret unmasks?
    pub fn handshakes_under(&self, secret: &[u8; 16]) -> Result<bool, Error> {
        Ok(one(self.conn, "SELECT 1 FROM handshakes WHERE secret=?", params![secret], |_| Ok(()))?.is_some())
    }

    /// Forgets what is past its time.
    pub fn handshakes_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM handshakes WHERE until_ms<=?", params![now_ms])
    }

    /// Keeps keys of messages passed by: at most 25,000 of a session, whose oldest go, and 100,000 in all, of which each
    /// account has its share.
    pub fn skipped_insert(&self, keys: &[Skipped]) -> Result<(), Error> {
        let Some(first) = keys.first() else {
            return Ok(());
        };
        for key in keys {
            key.upsert(self.conn)?;
        }
        let sql = "SELECT keys FROM skipped_held WHERE session=?";
        let held: Option<u32> = one(self.conn, sql, params![first.session], |r| r.get(0))?;
        let over = held.unwrap_or(0).saturating_sub(SKIPPED_PER_SESSION);
        if over > 0 {
            let sql = "DELETE FROM skipped WHERE session=?1 AND (chain, n) IN
                (SELECT chain, n FROM skipped WHERE session=?1 ORDER BY chain, n LIMIT ?2)";
            run(self.conn, sql, params![first.session, over])?;
        }
        self.skipped_share()
    }

    /// Who holds most loses first, and of what it holds the oldest.
    fn skipped_share(&self) -> Result<(), Error> {
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
    pub fn skipped_by_tag(&self, tag: &[u8; 16]) -> Result<Option<Skipped>, Error> {
        one(
            self.conn,
            "SELECT * FROM skipped WHERE tag=? ORDER BY session, chain, n LIMIT 1",
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
        run(self.conn, "DELETE FROM skipped WHERE session=? AND chain=? AND n=?", params![session, chain, n])?;
        Ok(())
    }

    /// Deletes what is past its time.
    pub fn skipped_expire(&self, now_ms: i64) -> Result<usize, Error> {
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
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn shares() {
        assert_eq!(share(&[], 10), None);
        assert_eq!(share(&[3, 7], 10), None);
        assert_eq!(share(&[3, 8], 10), Some(7));
        assert_eq!(share(&[2, 9, 9, 9], 20), Some(6));
        assert_eq!(share(&[25_000, 125_000], 100_000), Some(75_000));
    }

    fn session(tx: &Tx<'_>, who: u8, number: u8) -> Hash {
        let mut hash = [who; 32];
        hash[0] = number;
        let session = Session {
            hash,
            chat: [who; 33],
            device: [who; 16],
            snapshot: [1_u8].as_slice().into(),
            initiator: false,
            start: 1,
            handshake: hash,
            core: None,
            mask_secret: None,
            prekey_id: None,
            answered: true,
            sending: true,
            seq: 0,
            tracker: Vec::new(),
            floor: 0,
            receipt_due_ms: None,
            receipt_dirty: false,
            created_ms: 0,
            heard_ms: 0,
            until_ms: None,
            gap_from: 0,
            gap_to: 0,
            ahead: 0,
        };
        tx.session_put(&session).unwrap();
        hash
    }

    fn key(session: Hash, n: u32, expires_ms: i64) -> Skipped {
        Skipped { session, chain: 0, n, tag: None, key: [2_u8].as_slice().into(), expires_ms }
    }

    /// Messages 0 to `count` of a session were passed by; the last key is put in as the engine does.
    fn pass_by(tx: &Tx<'_>, session: Hash, count: u32, expires_ms: i64) {
        let sql = "INSERT INTO skipped(session, chain, n, tag, key, expires_ms)
            WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM c WHERE n+2<?2) SELECT ?1, 0, n, NULL, x'02', ?3 FROM c";
        run(tx.conn, sql, params![session, count, expires_ms]).unwrap();
        tx.skipped_insert(&[key(session, count - 1, expires_ms)]).unwrap();
    }

    fn held(tx: &Tx<'_>, session: Hash) -> u32 {
        let count = "SELECT count(*) FROM skipped WHERE session=?";
        let counted: u32 = one(tx.conn, count, params![session], |r| r.get(0)).unwrap().unwrap();
        let noted = "SELECT keys FROM skipped_held WHERE session=?";
        let noted: Option<u32> = one(tx.conn, noted, params![session], |r| r.get(0)).unwrap();
        assert_eq!(noted.unwrap_or(0), counted, "the table keeps count");
        counted
    }

    #[test]
    fn a_strangers_sessions_take_nothing_from_friends() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let done = account.transaction(|tx| {
            let friends = [session(tx, 1, 0), session(tx, 2, 0)];
            // The oldest of all, and the first to expire.
            pass_by(tx, friends[0], 5000, 10);
            pass_by(tx, friends[1], 200, 11);
            let mut strangers = Vec::new();
            for number in 0..5 {
                let one = session(tx, 9, number);
                pass_by(tx, one, 25_000, 1000 + i64::from(number));
                strangers.push(one);
            }
            assert_eq!(friends.map(|one| held(tx, one)), [5000, 200]);
            let all: u32 = strangers.iter().map(|one| held(tx, *one)).sum();
            assert_eq!(all, SKIPPED_IN_ALL - 5200);
            assert_eq!(held(tx, strangers[4]), 25_000, "his oldest go");
            assert_eq!(held(tx, strangers[0]), 0);
            // A session has its own bound, and its oldest go.
            tx.skipped_insert(&[key(strangers[4], 25_000, 1004)])?;
            assert_eq!(held(tx, strangers[4]), 25_000);
            assert!(tx.skipped(&strangers[4], 0, 0)?.is_none());
            assert!(tx.skipped(&strangers[4], 0, 1)?.is_some());
            // What is used, expires or ends with its session is not counted any more.
            tx.skipped_delete(&friends[1], 0, 3)?;
            assert_eq!(held(tx, friends[1]), 199);
            tx.skipped_expire(11)?;
            assert_eq!(held(tx, friends[1]), 0);
            tx.session_delete(&strangers[4])?;
            assert_eq!(held(tx, strangers[4]), 0);
            Ok::<_, Error>(())
        });
        done.unwrap();
    }

    #[test]
    fn refused_handshakes_crowd_out_none_that_has_a_session() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let done = account.transaction(|tx| {
            let handshake = |n: u32, session| {
                let mut handshake = [0; 32];
                handshake.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
                Handshake { handshake, session, secret: None, until_ms: n.into() }
            };
            tx.handshake_put(&handshake(0, Some([1; 32])))?;
            for n in 1..=REFUSED + 20 {
                tx.handshake_put(&handshake(n, None))?;
            }
            for n in 0..=REFUSED + 20 {
                let known = tx.handshake(&handshake(n, None).handshake)?.is_some();
                assert_eq!(known, n == 0 || n > 20, "{n}");
            }
            Ok::<_, Error>(())
        });
        done.unwrap();
    }
}
