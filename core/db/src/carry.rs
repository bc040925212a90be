//! Messages in the outbox: items, counters and receipts of a session, chunks of long texts.

use rusqlite::params;

use crate::row::{Table, all, count, least, one, row};
use crate::{Chat, Error, Hash, NEVER};

/// Most texts of one conversation that are fetched at a time.
const FETCHES: u32 = 256;

row! {
    /// An own message that is kept until its receipt. Its parcel holds the sealed form.
    Item in "items" (parcel: i64) {
        /// Number of its parcel.
        parcel: i64,
        /// The receiving account.
        chat: Chat,
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
        /// The batch of chunks that it waits for.
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

row! {
    /// A long text that is being fetched.
    Fetch in "fetches" (message: Hash) {
        /// Id of the message.
        message: Hash,
        /// Id of the conversation.
        conversation: Hash,
        /// Number of the content kind of the whole body.
        kind: u32,
        /// Encoded pointer, 76 bytes.
        pointer: Vec<u8>,
        /// The session that the message came in.
        session: Hash,
        /// Its counter there; receipted when the text is whole.
        seq: u32,
        /// Number of tries so far.
        tries: u32,
        /// Next try, Unix milliseconds.
        due_ms: i64,
        /// Start of the search: no chunk is older, Unix seconds.
        since_s: i64,
    }
}

/// The chunks of long texts.
pub struct Chunk;

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

impl Table<'_, Fetch> {
    /// Stores a fetch. A conversation keeps its latest 256.
    pub fn note(&mut self, fetch: &Fetch) -> Result<(), Error> {
        self.put(fetch)?;
        let sql = "DELETE FROM fetches WHERE message IN
            (SELECT message FROM fetches WHERE conversation=? ORDER BY rowid DESC LIMIT -1 OFFSET ?)";
        self.exec(sql, params![fetch.conversation, FETCHES])
    }

    /// Deletes all rows of a conversation.
    pub fn remove_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM fetches WHERE conversation=?", [conversation])
    }

    /// Fetches that are due.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Fetch>, Error> {
        self.rows("SELECT * FROM fetches WHERE due_ms<=? ORDER BY due_ms, message LIMIT 8", [now_ms])
    }

    /// When the next fetch is due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM fetches")
    }

    /// Makes the held fetches of a conversation due, except for texts of a device that is not the confirmed one.
    pub fn release(&mut self, conversation: &Hash, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE fetches SET due_ms=?2 WHERE conversation=?1 AND due_ms=?3 AND
            (EXISTS (SELECT 1 FROM messages m WHERE m.id=fetches.message AND m.unconfirmed=0)
             OR EXISTS (SELECT 1 FROM sessions s JOIN devices d ON d.chat=s.chat AND d.device=s.device
                WHERE s.hash=fetches.session AND d.standing=1))";
        self.exec(sql, params![conversation, now_ms, NEVER])
    }
}

impl Table<'_, Chunk> {
    /// Stores a chunk. It is deleted with its fetch.
    pub fn put(&mut self, message: &Hash, i: u32, bytes: &[u8]) -> Result<(), Error> {
        self.exec("INSERT INTO chunks VALUES(?,?,?) ON CONFLICT DO NOTHING", params![message, i, bytes])
    }

    /// How many chunks of a message are stored.
    pub fn count(&self, message: &Hash) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM chunks WHERE message=?", [message])
    }

    /// The stored chunks of a message.
    pub fn of(&self, message: &Hash) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        let sql = "SELECT i, bytes FROM chunks WHERE message=? ORDER BY i";
        all(self.conn, sql, [message], |r| Ok((r.get(0)?, r.get(1)?)))
    }
}

#[cfg(test)]
mod tests;
