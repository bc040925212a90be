use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Chat, Error, Hash, NEVER, Tx};

row! {
    /// Something that has to leave.
    Outbox in "outbox" ("id") {
        /// Rising; 0 to have one given.
        id: i64,
        /// The engine's number for its kind.
        kind: u8,
        /// To whom.
        chat: Option<Chat>,
        /// The message it carries.
        message: Option<Hash>,
        /// What is sealed, and sealed anew.
        m: Option<Vec<u8>>,
        /// The session it is sealed in.
        session: Option<Hash>,
        /// Its counter there.
        seq: Option<u32>,
        /// Content topic; empty when it follows from the contact.
        topic: String,
        /// The envelope, once sealed.
        payload: Option<Vec<u8>>,
        /// Sealed.
        sealed_ms: i64,
        /// Attempts that a node accepted.
        attempts: u32,
        /// Next attempt.
        due_ms: i64,
        /// Timestamp of the last attempt.
        last_s: i64,
        /// Next look whether a store holds it.
        check_ms: Option<i64>,
        /// Given up then.
        give_up_ms: i64,
        /// Made.
        created_ms: i64,
        /// What belongs together.
        group_key: Option<Vec<u8>>,
    }
}

row! {
    /// A message hash under which something was published.
    Attempt in "attempts" ("outbox,hash") {
        /// The row.
        outbox: i64,
        /// Waku message hash.
        hash: Hash,
        /// Who took it; -1 unknown.
        node: i64,
        /// Its timestamp.
        ts_s: i64,
    }
}

/// Attempts of one row remembered.
const ATTEMPTS: u32 = 64;

impl Tx<'_> {
    /// Adds a row; its id.
    pub fn outbox_insert(&self, row: &Outbox) -> Result<i64, Error> {
        let next = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name='outbox'), 0) + 1";
        let id: i64 = one(self.conn, next, [], |r| r.get(0))?.unwrap_or(1);
        Outbox { id, ..row.clone() }.upsert(self.conn)?;
        Ok(id)
    }

    /// Writes a row that is there.
    pub fn outbox_update(&self, row: &Outbox) -> Result<(), Error> {
        row.upsert(self.conn)
    }

    /// A row.
    pub fn outbox(&self, id: i64) -> Result<Option<Outbox>, Error> {
        one(self.conn, "SELECT * FROM outbox WHERE id=?", params![id], Outbox::read)
    }

    /// What is due, in the order of its time.
    pub fn outbox_due(&self, now_ms: i64, limit: u32) -> Result<Vec<Outbox>, Error> {
        all(
            self.conn,
            "SELECT * FROM outbox WHERE due_ms<=? ORDER BY due_ms, id LIMIT ?",
            params![now_ms, limit],
            Outbox::read,
        )
    }

    /// Makes due what was sealed and never accepted, as if it had not been tried: after opening.
    pub fn outbox_rewind(&self, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE outbox SET due_ms=?1 WHERE attempts=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        run(self.conn, sql, params![now_ms, NEVER])
    }

    /// Makes everything due at once that is sealed and waits for a receipt.
    pub fn outbox_all_due(&self, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE outbox SET due_ms=?1 WHERE kind=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        run(self.conn, sql, params![now_ms, NEVER])
    }

    /// When its store is to be looked into.
    pub fn outbox_checks_due(&self, now_ms: i64, limit: u32) -> Result<Vec<Outbox>, Error> {
        all(
            self.conn,
            "SELECT * FROM outbox WHERE check_ms<=? ORDER BY check_ms, id LIMIT ?",
            params![now_ms, limit],
            Outbox::read,
        )
    }

    /// Moves the look into a store forward to this time, for what a node took.
    pub fn outbox_check_by(&self, node: i64, check_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE outbox SET check_ms=?2 WHERE check_ms>?2
          AND EXISTS(SELECT 1 FROM attempts WHERE attempts.outbox=outbox.id AND node=?1)";
        run(self.conn, sql, params![node, check_ms])
    }

    /// (row, counter, message) of what waits for receipts in a session.
    #[allow(clippy::type_complexity)]
    pub fn outbox_of_session(&self, session: &Hash) -> Result<Vec<(i64, u32, Option<Hash>)>, Error> {
        let sql = "SELECT id, seq, message FROM outbox WHERE session=? AND seq IS NOT NULL ORDER BY seq";
        all(self.conn, sql, params![session], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
    }

    /// The lowest counter that waits for a receipt in a session.
    pub fn outbox_floor(&self, session: &Hash) -> Result<Option<u32>, Error> {
        Ok(one(self.conn, "SELECT min(seq) FROM outbox WHERE session=?", params![session], |r| r.get(0))?.flatten())
    }

    /// All rows to an account.
    pub fn outbox_of_chat(&self, chat: &Chat) -> Result<Vec<Outbox>, Error> {
        all(self.conn, "SELECT * FROM outbox WHERE chat=? ORDER BY id", params![chat], Outbox::read)
    }

    /// The row of a message.
    pub fn outbox_of_message(&self, message: &Hash) -> Result<Option<Outbox>, Error> {
        one(self.conn, "SELECT * FROM outbox WHERE message=? ORDER BY id", params![message], Outbox::read)
    }

    /// Deletes a row and its attempts.
    pub fn outbox_delete(&self, id: i64) -> Result<(), Error> {
        run(self.conn, "DELETE FROM outbox WHERE id=?", params![id])?;
        Ok(())
    }

    /// Deletes what belongs together.
    pub fn outbox_delete_group(&self, group: &[u8]) -> Result<(), Error> {
        run(self.conn, "DELETE FROM outbox WHERE group_key=?", params![group])?;
        Ok(())
    }

    /// Rows of a kind that belong together.
    pub fn outbox_in_group(&self, group: &[u8], kind: u8) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM outbox WHERE group_key=? AND kind=?";
        Ok(one(self.conn, sql, params![group, kind], |r| r.get(0))?.unwrap_or(0))
    }

    /// Notes an attempt; the newest 64 of a row are remembered, however often nodes have it sent again.
    pub fn attempt_put(&self, attempt: &Attempt) -> Result<(), Error> {
        attempt.upsert(self.conn)?;
        let sql = "DELETE FROM attempts WHERE outbox=?1 AND hash IN
            (SELECT hash FROM attempts WHERE outbox=?1 ORDER BY ts_s DESC, hash LIMIT -1 OFFSET ?2)";
        run(self.conn, sql, params![attempt.outbox, ATTEMPTS])?;
        Ok(())
    }

    /// Nodes have other numbers in the next run: who took what is forgotten (−1).
    pub fn attempts_unname(&self) -> Result<(), Error> {
        run(self.conn, "UPDATE attempts SET node=-1 WHERE node<>-1", params![])?;
        Ok(())
    }

    /// Attempts of a row, newest first.
    pub fn attempts(&self, outbox: i64) -> Result<Vec<Attempt>, Error> {
        all(self.conn, "SELECT * FROM attempts WHERE outbox=? ORDER BY ts_s DESC, hash", params![outbox], Attempt::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn a_row_remembers_its_newest_attempts() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let done = account.transaction(|tx| {
            let row = Outbox {
                id: 0,
                kind: 2,
                chat: None,
                message: None,
                m: None,
                session: None,
                seq: None,
                topic: String::new(),
                payload: None,
                sealed_ms: 0,
                attempts: 0,
                due_ms: NEVER,
                last_s: 0,
                check_ms: None,
                give_up_ms: 0,
                created_ms: 0,
                group_key: None,
            };
            let rows = [tx.outbox_insert(&row)?, tx.outbox_insert(&row)?];
            let attempt = |outbox, n: u8| Attempt { outbox, hash: [n; 32], node: 1, ts_s: n.into() };
            tx.attempt_put(&attempt(rows[0], 1))?;
            (0..200).try_for_each(|n| tx.attempt_put(&attempt(rows[1], n)))?;
            assert_eq!(tx.attempts(rows[0])?.len(), 1);
            let stamps: Vec<i64> = tx.attempts(rows[1])?.iter().map(|one| one.ts_s).collect();
            assert_eq!(stamps, (136..200).rev().collect::<Vec<i64>>());
            Ok::<_, Error>(())
        });
        done.unwrap();
    }
}
