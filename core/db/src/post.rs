//! Parcels: bytes with a topic and a time, to publish. Their content is opaque here.

use rusqlite::params;

use crate::row::{Table, all, least, numbers, one, row};
use crate::{Chat, Error, Hash, NEVER};

numbers! {
    /// When a parcel is deleted.
    Class {
        /// When its sender deletes it, after the receipt.
        Kept = 0,
        /// When a node accepted it.
        Once = 1,
        /// When a store has it.
        Card = 2,
        /// When a store has it; its message's state follows.
        Shared = 3,
    }
}

row! {
    /// One envelope to publish.
    Parcel in "parcels" (id: i64) {
        /// Rising number; 0 asks [`Table::add`] for the next one.
        id: i64,
        /// When the parcel is deleted.
        class: Class,
        /// The receiving account; only the sender gives it a meaning.
        party: Option<Chat>,
        /// Cards with the same batch belong to one secret.
        batch: Option<Vec<u8>>,
        /// Content topic; empty while it is unknown.
        topic: String,
        /// The envelope; none before sealing.
        payload: Option<Vec<u8>>,
        /// When it was sealed, Unix milliseconds.
        sealed_ms: i64,
        /// How many attempts a node accepted.
        attempts: u32,
        /// Next attempt, Unix milliseconds, or [`NEVER`].
        due_ms: i64,
        /// Waku timestamp of the last attempt, Unix seconds.
        last_s: i64,
        /// Next check whether a store has it, Unix milliseconds.
        check_ms: Option<i64>,
        /// When it is given up, Unix milliseconds.
        give_up_ms: i64,
    }
}

row! {
    /// One publication of a parcel.
    Attempt in "attempts" (parcel: i64, hash: Hash) {
        /// Number of the parcel.
        parcel: i64,
        /// Waku message hash of this publication.
        hash: Hash,
        /// The node that accepted it, numbered by this run; -1 if unknown.
        node: i64,
        /// Waku timestamp of this publication, Unix seconds.
        ts_s: i64,
    }
}

/// Most attempts remembered of one parcel.
const ATTEMPTS: u32 = 64;

impl Table<'_, Parcel> {
    /// Adds a parcel and returns its number.
    pub fn add(&mut self, mut parcel: Parcel) -> Result<i64, Error> {
        let next = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name='parcels'), 0) + 1";
        parcel.id = one(self.conn, next, [], |r| r.get(0))?.unwrap_or(1);
        self.put(&parcel)?;
        Ok(parcel.id)
    }

    /// Parcels that are due, in the order of their time.
    pub fn due(&self, now_ms: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM parcels WHERE due_ms<=? ORDER BY due_ms, id LIMIT ?";
        all(self.conn, sql, params![now_ms, limit], |r| r.get(0))
    }

    /// When the next parcel is due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM parcels")
    }

    /// Makes sealed parcels due that no node accepted yet.
    pub fn rewind(&mut self, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE parcels SET due_ms=?1 WHERE attempts=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        self.exec(sql, params![now_ms, NEVER])
    }

    /// Makes all sealed parcels due that wait for a receipt.
    pub fn all_due(&mut self, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE parcels SET due_ms=?1 WHERE class=0 AND payload IS NOT NULL AND due_ms>?1 AND due_ms<?2";
        self.exec(sql, params![now_ms, NEVER])
    }

    /// Parcels whose check at a store is due.
    pub fn checks_due(&self, now_ms: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let sql = "SELECT id FROM parcels WHERE check_ms<=? ORDER BY check_ms, id LIMIT ?";
        all(self.conn, sql, params![now_ms, limit], |r| r.get(0))
    }

    /// When the next check is due, Unix milliseconds.
    pub fn check_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(check_ms) FROM parcels WHERE check_ms IS NOT NULL")
    }

    /// Moves the checks of parcels that `node` accepted forward to this time.
    pub fn check_by(&mut self, node: i64, check_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE parcels SET check_ms=?2 WHERE check_ms>?2
          AND EXISTS(SELECT 1 FROM attempts WHERE attempts.parcel=parcels.id AND node=?1)";
        self.exec(sql, params![node, check_ms])
    }

    /// Parcels for an account, in their order.
    pub fn of(&self, party: &Chat) -> Result<Vec<i64>, Error> {
        all(self.conn, "SELECT id FROM parcels WHERE party=? ORDER BY id", [party], |r| r.get(0))
    }

    /// Deletes the parcels of a batch.
    pub fn remove_batch(&mut self, batch: &[u8]) -> Result<(), Error> {
        self.exec("DELETE FROM parcels WHERE batch=?", [batch])
    }
}

impl Table<'_, Attempt> {
    /// Stores an attempt. A parcel keeps its newest 64, however often nodes cause a resend.
    pub fn note(&mut self, attempt: &Attempt) -> Result<(), Error> {
        self.put(attempt)?;
        let sql = "DELETE FROM attempts WHERE parcel=?1 AND hash IN
            (SELECT hash FROM attempts WHERE parcel=?1 ORDER BY ts_s DESC, hash LIMIT -1 OFFSET ?2)";
        self.exec(sql, params![attempt.parcel, ATTEMPTS])
    }

    /// Forgets which node accepted which attempt (−1), because nodes get other numbers in the next run.
    pub fn unname(&mut self) -> Result<(), Error> {
        self.exec("UPDATE attempts SET node=-1 WHERE node<>-1", [])
    }

    /// Deletes the attempts of a parcel.
    pub fn forget(&mut self, parcel: i64) -> Result<(), Error> {
        self.exec("DELETE FROM attempts WHERE parcel=?", [parcel])
    }

    /// Attempts of a parcel, newest first.
    pub fn of(&self, parcel: i64) -> Result<Vec<Attempt>, Error> {
        self.rows("SELECT * FROM attempts WHERE parcel=? ORDER BY ts_s DESC, hash", [parcel])
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
