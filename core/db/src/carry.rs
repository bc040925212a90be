//! Messages on their way: what is sealed for whom, counters and receipts of a session, chunks of a long text.

use rusqlite::params;

use crate::row::{Table, all, least, one, row, run};
use crate::{Chat, Error, Hash, NEVER};

/// Texts of one conversation fetched at a time.
const FETCHES: u32 = 256;

row! {
    /// A message of ours that is kept until its receipt: what its parcel holds.
    Item in "items" (parcel: i64) {
        /// The parcel.
        parcel: i64,
        /// To whom.
        chat: Chat,
        /// To which device, once sealed.
        device: Option<[u8; 16]>,
        /// The message it carries, if that is shown.
        message: Option<Hash>,
        /// What is sealed, and sealed anew.
        m: Vec<u8>,
        /// The session it is sealed in.
        session: Option<Hash>,
        /// Its counter there.
        seq: Option<u32>,
        /// The chunks that it waits for.
        after: Option<Vec<u8>>,
    }
}

row! {
    /// What a session carries: counters, and receipts that are owed.
    Link in "links" (session: Hash) {
        /// Its session.
        session: Hash,
        /// The other account.
        chat: Chat,
        /// Last counter given.
        seq: u32,
        /// Which counters arrived.
        tracker: Vec<u8>,
        /// Counters below this one are receipted, as the other side said last; 0: it said nothing.
        floor: u32,
        /// A receipt leaves by itself.
        due_ms: Option<i64>,
        /// A receipt is owed.
        dirty: bool,
        /// Last receipt, or made.
        heard_ms: i64,
        /// Counters above this one, up to the next field, were never given; both 0: there are none, or the other side
        /// was seen to lack them.
        gap_from: u32,
        /// The last of them.
        gap_to: u32,
    }
}

row! {
    /// A text that lies in chunks.
    Fetch in "fetches" (message: Hash) {
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

/// The chunks of long texts.
pub struct Chunk;

impl Table<'_, Item> {
    /// What waits for receipts in a session, by its counter.
    pub fn of_session(&self, session: &Hash) -> Result<Vec<Item>, Error> {
        let sql = "SELECT * FROM items WHERE session=? AND seq IS NOT NULL ORDER BY seq";
        all(self.conn, sql, params![session], Item::read)
    }

    /// The lowest counter that waits for a receipt in a session.
    pub fn floor(&self, session: &Hash) -> Result<Option<u32>, Error> {
        let sql = "SELECT min(seq) FROM items WHERE session=?";
        Ok(one(self.conn, sql, params![session], |r| r.get(0))?.flatten())
    }

    /// All to an account, in their order.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Item>, Error> {
        all(self.conn, "SELECT * FROM items WHERE chat=? ORDER BY parcel", params![chat], Item::read)
    }

    /// The one that carries a message.
    pub fn of_message(&self, message: &Hash) -> Result<Option<Item>, Error> {
        one(self.conn, "SELECT * FROM items WHERE message=? ORDER BY parcel", params![message], Item::read)
    }
}

impl Table<'_, Link> {
    /// Those with an account, the oldest session first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Link>, Error> {
        let sql = "SELECT l.* FROM links l JOIN sessions s ON s.hash=l.session WHERE l.chat=?
            ORDER BY s.created_ms, s.hash";
        all(self.conn, sql, params![chat], Link::read)
    }

    /// Accounts that are owed a receipt now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        let sql = "SELECT DISTINCT chat FROM links WHERE due_ms<=? ORDER BY chat LIMIT 64";
        all(self.conn, sql, params![now_ms], |r| r.get(0))
    }

    /// When the next receipt leaves.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM links WHERE due_ms IS NOT NULL")
    }

    /// Sessions that messages leave by, whose last receipt is older than this, and so is a node's yes to something
    /// unreceipted; and their accounts.
    pub fn silent(&self, before_ms: i64) -> Result<Vec<(Hash, Chat)>, Error> {
        let sql = "SELECT l.session, l.chat FROM links l JOIN devices d ON d.chat=l.chat AND d.session=l.session
            WHERE l.heard_ms<?1 AND EXISTS (SELECT 1 FROM items i JOIN attempts a ON a.parcel=i.parcel
              WHERE i.session=l.session AND i.seq IS NOT NULL AND a.ts_s<?1/1000) ORDER BY l.session";
        all(self.conn, sql, params![before_ms], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Leaves out the next `length` counters of every session that messages leave by and that was answered. Where
    /// nothing was sent since the last gap, that one is made anew. None is made where more than `most` counters are
    /// under way: a receipt reaches no further.
    pub fn leave_gaps(&mut self, length: u32, most: u32) -> Result<usize, Error> {
        let sql = "UPDATE links SET gap_from=f, gap_to=f+?1, seq=f+?1 FROM (SELECT l.session AS h,
              CASE WHEN gap_to>0 AND seq=gap_to THEN gap_from ELSE seq END AS f FROM links l
                JOIN sessions s ON s.hash=l.session JOIN devices d ON d.chat=s.chat AND d.session=s.hash
                WHERE (initiator=0 OR answered=1)
                AND seq-coalesce((SELECT min(i.seq) FROM items i WHERE i.session=l.session), seq)<?2)
            WHERE session=h";
        run(self.conn, sql, params![length, most])
    }
}

impl Table<'_, Fetch> {
    /// Writes a fetch. Of each conversation there are at most 256, the last noted.
    pub fn note(&mut self, fetch: &Fetch) -> Result<(), Error> {
        self.put(fetch)?;
        let sql = "DELETE FROM fetches WHERE message IN
            (SELECT message FROM fetches WHERE conversation=? ORDER BY rowid DESC LIMIT -1 OFFSET ?)";
        run(self.conn, sql, params![fetch.conversation, FETCHES])?;
        Ok(())
    }

    /// What is to be fetched now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Fetch>, Error> {
        let sql = "SELECT * FROM fetches WHERE due_ms<=? ORDER BY due_ms, message LIMIT 8";
        all(self.conn, sql, params![now_ms], Fetch::read)
    }

    /// When the next is to be fetched.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM fetches")
    }

    /// What was not to be fetched in a conversation is to be now, but for texts of a device that is not the confirmed
    /// one.
    pub fn release(&mut self, conversation: &Hash, now_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE fetches SET due_ms=?2 WHERE conversation=?1 AND due_ms=?3 AND
            (EXISTS (SELECT 1 FROM messages m WHERE m.id=fetches.message AND m.unconfirmed=0)
             OR EXISTS (SELECT 1 FROM sessions s JOIN devices d ON d.chat=s.chat AND d.device=s.device
                WHERE s.hash=fetches.session AND d.standing=1))";
        run(self.conn, sql, params![conversation, now_ms, NEVER])
    }
}

impl Table<'_, Chunk> {
    /// Keeps a chunk; it goes with its fetch.
    pub fn put(&mut self, message: &Hash, i: u32, bytes: &[u8]) -> Result<(), Error> {
        let sql = "INSERT INTO chunks VALUES(?,?,?) ON CONFLICT DO NOTHING";
        run(self.conn, sql, params![message, i, bytes])?;
        Ok(())
    }

    /// The chunks of a message.
    pub fn of(&self, message: &Hash) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        let sql = "SELECT i, bytes FROM chunks WHERE message=? ORDER BY i";
        all(self.conn, sql, params![message], |r| Ok((r.get(0)?, r.get(1)?)))
    }
}

#[cfg(test)]
mod tests;
