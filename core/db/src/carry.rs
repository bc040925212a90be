//! Messages in the outbox: items, counters and receipts of a session.

use rusqlite::params;

use crate::row::{Table, all, least, one, row};
use crate::{Chat, Error, Hash, NEVER};

row! {
    /// An own message that is kept until its receipt. Its parcel holds the sealed form.
    Item in "items" (parcel: i64) {
        /// Number of its parcel.
        parcel: i64,
        /// The receiving account; none for a group.
        chat: Option<Chat>,
        /// The receiving device, once sealed.
        device: Option<[u8; 16]>,
        /// Id of the shown message that it carries.
        message: Option<Hash>,
        /// M, which is sealed, and sealed again when needed.
        m: Vec<u8>,
        /// The session it is sealed in.
        session: Option<Hash>,
        /// Its counter in that session.
        seq: Option<u32>,
        /// The message whose files it waits for, or waited for.
        after: Option<Vec<u8>>,
    }
}

row! {
    /// Counters of a session, and receipts that it owes.
    Link in "links" (session: Hash) {
        /// Hash of the session.
        session: Hash,
        /// Chat key of the other account.
        chat: Chat,
        /// Last counter used for sending.
        seq: u32,
        /// Counters that arrived, as a stored `SeqTracker`.
        tracker: Vec<u8>,
        /// The other side's last floor: lower counters are receipted; 0 if it named none.
        floor: u32,
        /// When a receipt leaves without a message, Unix milliseconds.
        due_ms: Option<i64>,
        /// Whether a receipt is owed.
        dirty: bool,
        /// When the last receipt arrived, or when the session was made, Unix milliseconds.
        heard_ms: i64,
        /// Counters above this and up to `gap_to` were skipped. Both 0: no gap, or a receipt lacks it.
        gap_from: u32,
        /// Last counter of the gap.
        gap_to: u32,
    }
}

impl Table<'_, Item> {
    /// Items of a session that wait for a receipt, by counter.
    pub fn of_session(&self, session: &Hash) -> Result<Vec<Item>, Error> {
        self.rows("SELECT * FROM items WHERE session=? AND seq IS NOT NULL ORDER BY seq", [session])
    }

    /// The lowest counter of a session that waits for a receipt.
    pub fn floor(&self, session: &Hash) -> Result<Option<u32>, Error> {
        Ok(one(self.conn, "SELECT min(seq) FROM items WHERE session=?", [session], |r| r.get(0))?.flatten())
    }

    /// All items for an account, in their order.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Item>, Error> {
        self.rows("SELECT * FROM items WHERE chat=? ORDER BY parcel", [chat])
    }

    /// Items for groups, in their order.
    pub fn of_groups(&self) -> Result<Vec<Item>, Error> {
        self.rows("SELECT * FROM items WHERE chat IS NULL ORDER BY parcel", [])
    }

    /// Messages that wait for their files.
    pub fn waiting(&self) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT i.message FROM items i JOIN parcels p ON p.id=i.parcel
            WHERE i.after IS NOT NULL AND i.message IS NOT NULL AND p.due_ms=? ORDER BY i.parcel";
        all(self.conn, sql, [NEVER], |r| r.get(0))
    }

    /// The item that carries a message.
    pub fn of_message(&self, message: &Hash) -> Result<Option<Item>, Error> {
        self.row("SELECT * FROM items WHERE message=? ORDER BY parcel", [message])
    }
}

impl Table<'_, Link> {
    /// The links with an account, the oldest session first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Link>, Error> {
        let sql = "SELECT l.* FROM links l JOIN sessions s ON s.hash=l.session WHERE l.chat=?
            ORDER BY s.created_ms, s.hash";
        self.rows(sql, [chat])
    }

    /// Accounts that are owed a receipt now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        all(self.conn, "SELECT DISTINCT chat FROM links WHERE due_ms<=? ORDER BY chat LIMIT 64", [now_ms], |r| r.get(0))
    }

    /// When the next receipt leaves, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM links WHERE due_ms IS NOT NULL")
    }

    /// Sending sessions (and accounts) without a receipt since, though a node accepted an unreceipted item before.
    pub fn silent(&self, before_ms: i64) -> Result<Vec<(Hash, Chat)>, Error> {
        let sql = "SELECT l.session, l.chat FROM links l JOIN devices d ON d.chat=l.chat AND d.session=l.session
            WHERE l.heard_ms<?1 AND EXISTS (SELECT 1 FROM items i JOIN attempts a ON a.parcel=i.parcel
              WHERE i.session=l.session AND i.seq IS NOT NULL AND a.ts_s<?1/1000) ORDER BY l.session";
        all(self.conn, sql, [before_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Skips the next `length` counters of every sending session that was answered. If nothing was sent since the last
    /// gap, that gap is replaced. No gap is made while more than `most` counters are in flight: a receipt does not
    /// reach further.
    pub fn leave_gaps(&mut self, length: u32, most: u32) -> Result<(), Error> {
        let sql = "UPDATE links SET gap_from=f, gap_to=f+?1, seq=f+?1 FROM (SELECT l.session AS h,
              CASE WHEN gap_to>0 AND seq=gap_to THEN gap_from ELSE seq END AS f FROM links l
                JOIN sessions s ON s.hash=l.session JOIN devices d ON d.chat=s.chat AND d.session=s.hash
                WHERE (initiator=0 OR answered=1)
                AND seq-coalesce((SELECT min(i.seq) FROM items i WHERE i.session=l.session), seq)<?2)
            WHERE session=h";
        self.exec(sql, params![length, most])
    }
}
