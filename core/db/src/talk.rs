//! Conversations and what is shown in them.

use rusqlite::params;

use crate::row::{Table, all, count, least, numbers, one, row, run};
use crate::{Chat, Error, Hash, Reader};

/// Holes of one conversation looked after at a time.
const HOLES: u32 = 64;

numbers! {
    /// What a conversation is.
    Kind {
        /// One to one.
        Pair = 0,
    }
}

numbers! {
    /// May something be written or shown in a conversation? Set from above.
    Standing {
        /// Both may write.
        Open = 0,
        /// We asked, and may write.
        Asked = 1,
        /// They asked, and few messages are shown.
        Pending = 2,
        /// Nothing is written or shown,
        Closed = 3,
        /// for its other side is blocked.
        Blocked = 4,
    }
}

numbers! {
    /// Where a message stands: own ones rise to read, or fail.
    MessageState {
        /// To be sent.
        Queued = 0,
        /// A node took it.
        Sent = 1,
        /// A store has it.
        Stored = 2,
        /// The other side has it.
        Delivered = 3,
        /// The other side read it.
        Read = 4,
        /// Nothing more will come of it.
        Failed = 5,
        /// The other side's.
        Received = 6,
    }
}

row! {
    /// A conversation.
    Conversation in "conversations" (id: Hash) {
        /// Its id.
        id: Hash,
        /// What it is.
        kind: Kind,
        /// The other side of one to one.
        peer: Option<Chat>,
        /// May something be written or shown?
        standing: Standing,
        /// Lamport clock.
        lamport: i64,
        /// Prefixes of the newest messages, 8 bytes each, at most 3.
        heads: Vec<u8>,
        /// Unsent text.
        draft: String,
        /// Unread messages.
        unread: u32,
        /// Made.
        created_ms: i64,
        /// Newest message, or made.
        last_ms: i64,
        /// When their last message came, corrected clock; 0: none did.
        arrived_ms: i64,
        /// When the other side was last told that wanted messages are gone.
        gone_ms: i64,
        /// It is in the list; not after it was deleted, until something is shown in it.
        listed: bool,
        /// It comes first in the list. What is archived is not pinned.
        pinned: bool,
        /// It is listed apart.
        archived: bool,
        /// Nobody is to be disturbed by it before then, the device's clock; [`crate::NEVER`]: until it is unmuted.
        muted_ms: i64,
        /// The person marked it as unread.
        marked: bool,
    }
}

row! {
    /// A message that is shown.
    Message in "messages" (id: Hash) {
        /// Its id.
        id: Hash,
        /// Where.
        conversation: Hash,
        /// Who wrote it; none: we did.
        author: Option<Chat>,
        /// Content kind.
        kind: u32,
        /// Exactly as its author sent it.
        m: Vec<u8>,
        /// What is shown.
        text: Option<String>,
        /// Where it stands.
        state: MessageState,
        /// Why it failed, by code.
        reason: Option<String>,
        /// The author's clock.
        time_s: i64,
        /// Lamport time.
        lamport: i64,
        /// Of a kind not known here.
        newer: bool,
        /// Its text is being fetched.
        fetching: bool,
        /// Seen by us.
        read: bool,
        /// Stored.
        added_ms: i64,
        /// It came from a device that was not taken as its author's.
        unconfirmed: bool,
        /// When it was last sent again because the other side asked for it.
        resent_ms: i64,
        /// Own messages: the other side's read mark covers it, and waits for its receipt.
        marked: bool,
    }
}

row! {
    /// A message that another one names and that is not here.
    Hole in "holes" (conversation: Hash, prefix: [u8; 8]) {
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

/// Received messages of contacts, in the order in which they became whole.
pub struct Arrival;

impl Message {
    /// We wrote it.
    pub fn is_own(&self) -> bool {
        self.author.is_none()
    }
}

impl Table<'_, Conversation> {
    /// The one with an account.
    pub fn with(&self, peer: &Chat) -> Result<Option<Conversation>, Error> {
        one(self.conn, "SELECT * FROM conversations WHERE peer=?", params![peer], Conversation::read)
    }
}

impl Table<'_, Message> {
    /// Adds a message; false when it was there.
    pub fn add(&mut self, message: &Message) -> Result<bool, Error> {
        let there = one(self.conn, "SELECT 1 FROM messages WHERE id=?", params![message.id], |_| Ok(()))?;
        if there.is_some() {
            return Ok(false);
        }
        self.put(message)?;
        Ok(true)
    }

    /// A message of a conversation by the first 8 bytes of its id.
    pub fn by_prefix(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<Option<Message>, Error> {
        let mut end = [0xff; 32];
        end.iter_mut().zip(prefix).for_each(|(e, p)| *e = *p);
        let sql = "SELECT * FROM messages WHERE id BETWEEN ? AND ? AND conversation=? ORDER BY id LIMIT 1";
        one(self.conn, sql, params![prefix, end, conversation], Message::read)
    }

    /// Own messages up to a place that are not read and did not fail.
    pub fn unread_own(&self, up_to: &Message) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE conversation=? AND author IS NULL AND state<4
                   AND (lamport, time_s, id) <= (?,?,?) ORDER BY lamport, time_s, id";
        let params = params![up_to.conversation, up_to.lamport, up_to.time_s, up_to.id];
        all(self.conn, sql, params, |r| r.get(0))
    }

    /// Marks received messages up to a place as read, but for those whose text is being fetched. The last of those that
    /// were not read before; `None`: there was none.
    pub fn mark_read(&mut self, up_to: &Message) -> Result<Option<Hash>, Error> {
        let sql = "UPDATE messages SET read=1 WHERE conversation=? AND author IS NOT NULL AND read=0 AND fetching=0
                   AND (lamport, time_s, id) <= (?,?,?) RETURNING lamport, time_s, id";
        let params = params![up_to.conversation, up_to.lamport, up_to.time_s, up_to.id];
        let read: Vec<(i64, i64, Hash)> = all(self.conn, sql, params, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(read.into_iter().max().map(|(_, _, id)| id))
    }

    /// The newest own message of a kind that failed.
    pub fn failed_own(&self, conversation: &Hash, kind: u32) -> Result<Option<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE conversation=? AND author IS NULL AND kind=? AND state=?
            ORDER BY lamport DESC, time_s DESC, id DESC LIMIT 1";
        one(self.conn, sql, params![conversation, kind, MessageState::Failed], |r| r.get(0))
    }

    /// The highest Lamport time in a conversation.
    pub fn lamport(&self, conversation: &Hash) -> Result<i64, Error> {
        let sql = "SELECT max(lamport) FROM messages WHERE conversation=?";
        let max = one(self.conn, sql, params![conversation], |r| r.get::<_, Option<i64>>(0))?;
        Ok(max.flatten().unwrap_or(0))
    }

    /// Received messages of a conversation.
    pub fn count_received(&self, conversation: &Hash) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND author IS NOT NULL";
        count(self.conn, sql, params![conversation])
    }

    /// How many were sent again since then because the other side asked for them.
    pub fn count_resent(&self, conversation: &Hash, since_ms: i64) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND resent_ms>? AND resent_ms>0";
        count(self.conn, sql, params![conversation, since_ms])
    }

    /// Received messages not read.
    pub fn count_unread(&self, conversation: &Hash) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND author IS NOT NULL AND read=0";
        count(self.conn, sql, params![conversation])
    }
}

impl Table<'_, Hole> {
    /// Notes a hole, unless its conversation has too many.
    pub fn note(&mut self, hole: &Hole) -> Result<(), Error> {
        let sql = "SELECT count(*) FROM holes WHERE conversation=?";
        if count(self.conn, sql, params![hole.conversation])? < HOLES
            || self.get(&hole.conversation, &hole.prefix)?.is_some()
        {
            self.put(hole)?;
        }
        Ok(())
    }

    /// What is to be tried now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Hole>, Error> {
        let sql = "SELECT * FROM holes WHERE due_ms<=? ORDER BY conversation, due_ms, prefix LIMIT 64";
        all(self.conn, sql, params![now_ms], Hole::read)
    }

    /// When the next is to be tried.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM holes")
    }
}

impl Table<'_, Arrival> {
    /// Gives a received message the next number; it keeps the one it has.
    pub fn add(&mut self, message: &Hash) -> Result<(), Error> {
        let sql = "INSERT INTO arrivals(message) VALUES(?) ON CONFLICT DO NOTHING";
        run(self.conn, sql, params![message])?;
        Ok(())
    }

    /// Gives every whole received message of a conversation a number, in the order in which they came.
    pub fn add_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        let sql = "INSERT INTO arrivals(message) SELECT id FROM messages
            WHERE conversation=? AND author IS NOT NULL AND fetching=0 ORDER BY added_ms, rowid ON CONFLICT DO NOTHING";
        run(self.conn, sql, params![conversation])?;
        Ok(())
    }

    /// The message with a number, and our message that answers it.
    pub fn get(&self, n: i64) -> Result<Option<(Hash, Option<Hash>)>, Error> {
        let sql = "SELECT message, answer FROM arrivals WHERE n=?";
        one(self.conn, sql, params![n], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Notes which message of ours answers one.
    pub fn answer(&mut self, n: i64, answer: &Hash) -> Result<(), Error> {
        run(self.conn, "UPDATE arrivals SET answer=? WHERE n=?", params![answer, n])?;
        Ok(())
    }
}

impl Reader {
    /// Received messages behind a number, in the order of their numbers.
    pub fn arrivals_page(&self, after: i64, limit: u32) -> Result<Vec<(i64, Message)>, Error> {
        let sql = "SELECT a.n, m.* FROM arrivals a JOIN messages m ON m.id=a.message WHERE a.n>? ORDER BY a.n LIMIT ?";
        all(&self.conn, sql, params![after, limit], |r| Ok((r.get("n")?, Message::read(r)?)))
    }
}

#[cfg(test)]
mod tests;
