//! What has to leave: bytes with a topic and a time. What they are is not known here.

use rusqlite::params;

use crate::row::{Table, all, count, least, numbers, one, row, run};
use crate::{Chat, Error, Hash, NEVER};

numbers! {
    /// How a parcel ends.
    Class {
        /// Whoever put it in takes it out: once it is receipted.
        Kept = 0,
        /// Once a node took it.
        Once = 1,
        /// Once a store has it.
        Card = 2,
        /// Once a node took it; what belongs to it waits.
        Chunk = 3,
    }
}

row! {
    /// Something that has to leave.
    Parcel in "parcels" (id: i64) {
        /// Rising; 0 to have one given.
        id: i64,
        /// How it ends.
        class: Class,
        /// For whom; what this means is the sender's affair.
        party: Option<Chat>,
        /// What belongs together.
        batch: Option<Vec<u8>>,
        /// Content topic; empty while it is not known.
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
    }
}

row! {
    /// A message hash under which something was published.
    Attempt in "attempts" (parcel: i64, hash: Hash) {
        /// The parcel.
        parcel: i64,
        /// Waku message hash.
        hash: Hash,
        /// Who took it; -1 unknown.
        node: i64,
        /// Its timestamp.
        ts_s: i64,
    }
}

/// Attempts of one parcel remembered.
const ATTEMPTS: u32 = 64;

impl Table<'_, Parcel> {
    /// Adds a parcel; its number.
    pub fn add(&mut self, mut parcel: Parcel) -> Result<i64, Error> {
        let next = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name='parcels'), 0) + 1";
        parcel.id = one(self.conn, next, [], |r| r.get(0))?.unwrap_or(1);
        self.put(&parcel)?;
        Ok(parcel.id)
    }

    /// What is due, in the order of its time.
    pub fn due(&self, now_ms: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM parcels WHERE due_ms<=? ORDER BY due_ms, id LIMIT ?";
        all(self.conn, sql, params![now_ms, limit], |r| r.get(0))
    }

    /// When the next is due.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM parcels")
    }

    /// Makes due what was sealed and never accepted, as if it had not been tried.
    pub fn rewind(&mut self, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE parcels SET due_ms=?1 WHERE attempts=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        run(self.conn, sql, params![now_ms, NEVER])
    }

    /// Makes everything due at once that is sealed and waits for a receipt.
    pub fn all_due(&mut self, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE parcels SET due_ms=?1 WHERE class=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        run(self.conn, sql, params![now_ms, NEVER])
    }

    /// Whose store is to be looked into.
    pub fn checks_due(&self, now_ms: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM parcels WHERE check_ms<=? ORDER BY check_ms, id LIMIT ?";
        all(self.conn, sql, params![now_ms, limit], |r| r.get(0))
    }

    /// When the next look is.
    pub fn check_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(check_ms) FROM parcels WHERE check_ms IS NOT NULL")
    }

    /// Moves the look into a store forward to this time, for what a node took.
    pub fn check_by(&mut self, node: i64, check_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE parcels SET check_ms=?2 WHERE check_ms>?2
          AND EXISTS(SELECT 1 FROM attempts WHERE attempts.parcel=parcels.id AND node=?1)";
        run(self.conn, sql, params![node, check_ms])
    }

    /// All for somebody, in their order.
    pub fn of(&self, party: &Chat) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM parcels WHERE party=? ORDER BY id";
        all(self.conn, sql, params![party], |r| r.get(0))
    }

    /// Deletes what belongs together.
    pub fn remove_batch(&mut self, batch: &[u8]) -> Result<(), Error> {
        run(self.conn, "DELETE FROM parcels WHERE batch=?", params![batch])?;
        Ok(())
    }

    /// How much of a class belongs together.
    pub fn in_batch(&self, batch: &[u8], class: Class) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM parcels WHERE batch=? AND class=?", params![batch, class])
    }
}

impl Table<'_, Attempt> {
    /// Notes an attempt; the newest 64 of a parcel are remembered, however often nodes have it sent again.
    pub fn note(&mut self, attempt: &Attempt) -> Result<(), Error> {
        self.put(attempt)?;
        let sql = "DELETE FROM attempts WHERE parcel=?1 AND hash IN
            (SELECT hash FROM attempts WHERE parcel=?1 ORDER BY ts_s DESC, hash LIMIT -1 OFFSET ?2)";
        run(self.conn, sql, params![attempt.parcel, ATTEMPTS])?;
        Ok(())
    }

    /// Nodes have other numbers in the next run: who took what is forgotten (−1).
    pub fn unname(&mut self) -> Result<(), Error> {
        run(self.conn, "UPDATE attempts SET node=-1 WHERE node<>-1", params![])?;
        Ok(())
    }

    /// Forgets the attempts of a parcel.
    pub fn forget(&mut self, parcel: i64) -> Result<(), Error> {
        run(self.conn, "DELETE FROM attempts WHERE parcel=?", params![parcel])?;
        Ok(())
    }

    /// Attempts of a parcel, newest first.
    pub fn of(&self, parcel: i64) -> Result<Vec<Attempt>, Error> {
        let sql = "SELECT * FROM attempts WHERE parcel=? ORDER BY ts_s DESC, hash";
        all(self.conn, sql, params![parcel], Attempt::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn a_parcel_remembers_its_newest_attempts() {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let done = account.transaction(|mut tx| {
            let parcel = || Parcel {
                id: 0,
                class: Class::Card,
                party: None,
                batch: None,
                topic: String::new(),
                payload: None,
                sealed_ms: 0,
                attempts: 0,
                due_ms: NEVER,
                last_s: 0,
                check_ms: None,
                give_up_ms: 0,
            };
            let parcels = [tx.parcels.add(parcel())?, tx.parcels.add(parcel())?];
            let attempt = |parcel, n: u8| Attempt { parcel, hash: [n; 32], node: 1, ts_s: n.into() };
            tx.attempts.note(&attempt(parcels[0], 1))?;
            (0..200).try_for_each(|n| tx.attempts.note(&attempt(parcels[1], n)))?;
            assert_eq!(tx.attempts.of(parcels[0])?.len(), 1);
            let stamps: Vec<i64> = tx.attempts.of(parcels[1])?.iter().map(|one| one.ts_s).collect();
            assert_eq!(stamps, (136..200).rev().collect::<Vec<i64>>());
            Ok::<_, Error>(())
        });
        done.unwrap();
    }
}
