use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Error, Hash, NEVER, Tx};

/// Holes of one conversation looked after at a time.
const HOLES: u32 = 64;
/// Payloads of one session remembered.
const SEEN: u32 = 10_000;
/// Texts of one conversation fetched at a time.
const FETCHES: u32 = 256;

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
        /// It may have come between these times, corrected clock: when a message came that was there before,
        from_s: i64,
        /// and when the one came that names it.
        until_s: i64,
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
    /// Notes a payload. Of each session at most 10,000 are remembered, the last to be forgotten.
    pub fn seen_put(&self, seen: &Seen) -> Result<(), Error> {
        seen.upsert(self.conn)?;
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

    /// Was it taken?
    pub fn seen(&self, payload: &Hash) -> Result<Option<Seen>, Error> {
        one(self.conn, "SELECT * FROM seen WHERE payload=?", params![payload], Seen::read)
    }

    /// Forgets what is past its time.
    pub fn seen_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM seen WHERE until_ms<=?", params![now_ms])
    }

    /// Keeps an envelope.
    pub fn waiting_put(&self, waiting: &Waiting) -> Result<(), Error> {
        waiting.upsert(self.conn)
    }

    /// (tag, payload hash, length of the payload) of all that wait.
    pub fn waiting_tags(&self) -> Result<Vec<([u8; 16], Hash, u32)>, Error> {
        let sql = "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY rowid";
        all(self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
    }

    /// One that waits.
    pub fn waiting_get(&self, payload_hash: &Hash) -> Result<Option<Waiting>, Error> {
        let sql = "SELECT * FROM waiting WHERE payload_hash=?";
        one(self.conn, sql, params![payload_hash], Waiting::read)
    }

    /// Lets one go.
    pub fn waiting_delete(&self, payload_hash: &Hash) -> Result<(), Error> {
        run(self.conn, "DELETE FROM waiting WHERE payload_hash=?", params![payload_hash])?;
        Ok(())
    }

    /// Lets go of what came before `before_ms`; (tag, payload hash) of each.
    pub fn waiting_expire(&self, before_ms: i64) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "DELETE FROM waiting WHERE added_ms<? RETURNING tag, payload_hash";
        all(self.conn, sql, params![before_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Lets go of the oldest until so many bytes of payloads are gone; (tag, payload hash) of each.
    pub fn waiting_drop_oldest(&self, bytes: u64) -> Result<Vec<([u8; 16], Hash)>, Error> {
        let sql = "SELECT tag, payload_hash, length(payload) FROM waiting ORDER BY added_ms, rowid LIMIT 1";
        let mut gone = Vec::new();
        let mut freed = 0_u64;
        while freed < bytes {
            let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get::<_, u32>(2)?));
            let Some((tag, payload_hash, length)) = one(self.conn, sql, [], read)? else {
                break;
            };
            self.waiting_delete(&payload_hash)?;
            freed = freed.saturating_add(length.max(1).into());
            gone.push((tag, payload_hash));
        }
        Ok(gone)
    }

    /// Notes a hole, unless its conversation has too many.
    pub fn hole_put(&self, hole: &Hole) -> Result<(), Error> {
        let sql = "SELECT count(*) FROM holes WHERE conversation=?";
        let count: u32 = one(self.conn, sql, params![hole.conversation], |r| r.get(0))?.unwrap_or(0);
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
            "SELECT * FROM holes WHERE due_ms<=? ORDER BY conversation, due_ms, prefix LIMIT 64",
            params![now_ms],
            Hole::read,
        )
    }

    /// It is filled or given up.
    pub fn hole_delete(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<bool, Error> {
        Ok(run(self.conn, "DELETE FROM holes WHERE conversation=? AND prefix=?", params![conversation, prefix])? > 0)
    }

    /// Writes a fetch. Of each conversation there are at most 256, the last noted.
    pub fn fetch_put(&self, fetch: &Fetch) -> Result<(), Error> {
        fetch.upsert(self.conn)?;
        let sql = "DELETE FROM fetches WHERE message IN
            (SELECT message FROM fetches WHERE conversation=? ORDER BY rowid DESC LIMIT -1 OFFSET ?)";
        run(self.conn, sql, params![fetch.conversation, FETCHES])?;
        Ok(())
    }

    /// A fetch.
    pub fn fetch(&self, message: &Hash) -> Result<Option<Fetch>, Error> {
        one(self.conn, "SELECT * FROM fetches WHERE message=?", params![message], Fetch::read)
    }

    /// What is to be fetched now.
    pub fn fetches_due(&self, now_ms: i64) -> Result<Vec<Fetch>, Error> {
        all(
            self.conn,
            "SELECT * FROM fetches WHERE due_ms<=? ORDER BY due_ms, message LIMIT 8",
            params![now_ms],
            Fetch::read,
        )
    }

    /// What was not to be fetched in a conversation is to be now, but for texts of a device that is not the confirmed one.
    pub fn fetches_release(&self, conversation: &Hash, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE fetches SET due_ms=?2 WHERE conversation=?1 AND due_ms=?3 AND
            (EXISTS (SELECT 1 FROM messages m WHERE m.id=fetches.message AND m.unconfirmed=0)
             OR EXISTS (SELECT 1 FROM sessions s JOIN contacts c ON c.chat=s.chat
                WHERE s.hash=fetches.session AND s.device=c.device))";
        run(self.conn, sql, params![conversation, now_ms, NEVER])
    }

    /// Ends a fetch and drops its chunks.
    pub fn fetch_delete(&self, message: &Hash) -> Result<(), Error> {
        run(self.conn, "DELETE FROM fetches WHERE message=?", params![message])?;
        Ok(())
    }

    /// Keeps a chunk.
    pub fn chunk_put(&self, message: &Hash, i: u32, bytes: &[u8]) -> Result<(), Error> {
        run(self.conn, "INSERT INTO chunks VALUES(?,?,?) ON CONFLICT DO NOTHING", params![message, i, bytes])?;
        Ok(())
    }

    /// The chunks of a message.
    pub fn chunks(&self, message: &Hash) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        all(self.conn, "SELECT i, bytes FROM chunks WHERE message=? ORDER BY i", params![message], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::Account;

    fn waiting(n: u32) -> Waiting {
        let mut payload_hash = [0; 32];
        // In no order, as hashes are.
        let mixed = n.wrapping_mul(2_654_435_761).to_be_bytes();
        payload_hash.iter_mut().zip(mixed).for_each(|(to, from)| *to = from);
        Waiting { payload_hash, tag: [3; 16], payload: vec![5; 512], ts_s: 0, added_ms: n.into(), newer: false }
    }

    /// Steps of SQLite's machine for one more envelope when there is no more room, and so many wait.
    fn steps(account: &mut Account, from: u32, to: u32) -> u32 {
        let fill = |tx: &Tx<'_>| (from..to).try_for_each(|n| tx.waiting_put(&waiting(n)));
        account.transaction(fill).unwrap();
        let counter = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&counter);
        let counting = move || {
            count.fetch_add(1, Ordering::Relaxed);
            false
        };
        let gone = account.transaction(|tx| {
            tx.conn.progress_handler(1, Some(counting))?;
            tx.waiting_put(&waiting(to))?;
            let gone = tx.waiting_drop_oldest(512)?;
            assert!(tx.waiting_expire(0)?.is_empty());
            tx.conn.progress_handler(0, None::<fn() -> bool>)?;
            Ok::<_, Error>(gone)
        });
        assert_eq!(gone.unwrap().len(), 1);
        counter.load(Ordering::Relaxed)
    }

    #[test]
    fn a_hello_releases_no_text_of_another_device_and_hurries_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let due = account.transaction(|tx| {
            let contact = "INSERT INTO contacts(chat, conversation, state, name, device, list_version, verified, devices_changed,
                fetch_tries, hello_sent, start_out, created_ms) VALUES(?1, ?2, 2, '', ?3, 0, 1, 0, 0, 1, 0, 0)";
            run(tx.conn, contact, params![[1_u8; 33], [2_u8; 32], [3_u8; 16]])?;
            for device in [3_u8, 4] {
                let session = "INSERT INTO sessions(hash, chat, device, snapshot, initiator, start, handshake, answered, sending,
                    seq, tracker, receipt_dirty, created_ms, heard_ms) VALUES(?1, ?2, ?3, x'01', 0, 1, ?1, 1, 0, 0, x'', 0, 0, 0)";
                run(tx.conn, session, params![[device; 32], [1_u8; 33], [device; 16]])?;
            }
            for (n, device, due_ms) in [(1_u8, 3_u8, NEVER), (2, 4, NEVER), (3, 3, 5_000)] {
                tx.fetch_put(&Fetch {
                    message: [n; 32],
                    conversation: [2; 32],
                    kind: 1,
                    pointer: Vec::new(),
                    session: [device; 32],
                    seq: 1,
                    tries: 0,
                    due_ms,
                    since_s: 0,
                })?;
            }
            tx.fetches_release(&[2; 32], 9)?;
            let due = |n: u8| Ok::<_, Error>(tx.fetch(&[n; 32])?.unwrap().due_ms);
            Ok::<_, Error>([due(1)?, due(2)?, due(3)?])
        });
        assert_eq!(due.unwrap(), [9, NEVER, 5_000]);
    }

    #[test]
    fn one_more_costs_the_same_however_many_wait() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let few = steps(&mut account, 1, 20);
        let many = steps(&mut account, 20, 17_000);
        assert!(few > 20, "they are counted: {few}");
        assert!(many <= few + 10, "{few} steps beside 20, {many} beside 17,000");
    }

    #[test]
    fn a_contact_has_64_holes_and_takes_none_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let done = account.transaction(|tx| {
            let hole = |who: u8, n: u8| Hole {
                conversation: [who; 32],
                prefix: [n; 8],
                from_s: 0,
                until_s: 1,
                stage: 0,
                due_ms: 1,
            };
            for who in 0..40 {
                for n in 0..100 {
                    tx.hole_put(&hole(who, n))?;
                }
                for n in 0..100 {
                    assert_eq!(tx.hole(&[who; 32], &[n; 8])?.is_some(), n < 64, "{who} {n}");
                }
            }
            // One that is there can be moved on, one that is filled makes room.
            let moved = Hole { stage: 1, ..hole(0, 63) };
            tx.hole_put(&moved)?;
            assert_eq!(tx.hole(&[0; 32], &[63; 8])?, Some(moved));
            assert!(tx.hole_delete(&[0; 32], &[5; 8])?);
            tx.hole_put(&hole(0, 99))?;
            assert!(tx.hole(&[0; 32], &[99; 8])?.is_some());
            Ok::<_, Error>(())
        });
        done.unwrap();
    }

    fn account() -> (tempfile::TempDir, Account) {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        (folder, account)
    }

    fn number(n: u32) -> Hash {
        let mut hash = [0; 32];
        hash.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
        hash
    }

    #[test]
    fn one_session_crowds_out_no_others_payloads() {
        let (_folder, mut account) = account();
        let done = account.transaction(|tx| {
            let seen = |who: u8, n: u32| Seen {
                payload: number(n),
                session: Some([who; 32]),
                ts_s: 0,
                until_ms: n.into(),
                seq: 1,
                answers: 0,
                answered_ms: 0,
            };
            tx.seen_put(&seen(1, 0))?;
            for n in 1..=SEEN + 5 {
                tx.seen_put(&seen(2, n))?;
            }
            let known = |n: u32| Ok::<_, Error>(tx.seen(&number(n))?.is_some());
            assert!(known(0)?, "another session's");
            assert!(!known(5)? && known(6)? && known(SEEN + 5)?, "the oldest go");
            tx.seen_put(&Seen { answers: 3, ..seen(2, 6) })?;
            assert!(known(6)?, "one that is there takes no place");
            assert_eq!(tx.seen_expire(100)?, 96, "the first, and those from 6 to 100");
            tx.seen_put(&seen(2, 7))?;
            assert!(known(101)?, "there is room again");
            Ok::<_, Error>(())
        });
        done.unwrap();
    }

    #[test]
    fn one_contact_crowds_out_no_others_fetches() {
        let (_folder, mut account) = account();
        let done = account.transaction(|tx| {
            let fetch = |who: u8, n: u32| Fetch {
                message: number(n),
                conversation: [who; 32],
                kind: 1,
                pointer: Vec::new(),
                session: [0; 32],
                seq: 1,
                tries: 0,
                due_ms: 1,
                since_s: 0,
            };
            tx.fetch_put(&fetch(1, 0))?;
            tx.chunk_put(&number(0), 0, b"kept")?;
            for n in 1..=300 {
                tx.fetch_put(&fetch(2, n))?;
                tx.chunk_put(&number(n), 0, b"part")?;
                tx.fetch_put(&Fetch { tries: 1, ..fetch(2, n) })?;
            }
            for n in 0..=300 {
                let kept = n == 0 || n > 300 - FETCHES;
                assert_eq!(tx.fetch(&number(n))?.is_some(), kept, "{n}");
                assert_eq!(!tx.chunks(&number(n))?.is_empty(), kept, "{n}");
            }
            Ok::<_, Error>(())
        });
        done.unwrap();
    }
}
