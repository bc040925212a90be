use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Error, Hash, Tx};

row! {
    /// A message that is shown.
    Message in "messages" ("id") {
        /// Its id.
        id: Hash,
        /// Where.
        conversation: Hash,
        /// We wrote it.
        mine: bool,
        /// Content kind.
        kind: u32,
        /// Exactly as its author sent it.
        m: Vec<u8>,
        /// What is shown.
        text: Option<String>,
        /// The engine's number for its state.
        state: u8,
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
    }
}

impl Tx<'_> {
    /// Adds a message; false when it was there.
    pub fn message_insert(&self, message: &Message) -> Result<bool, Error> {
        if self.message_exists(&message.id)? {
            return Ok(false);
        }
        message.upsert(self.conn)?;
        Ok(true)
    }

    /// Is it there?
    pub fn message_exists(&self, id: &Hash) -> Result<bool, Error> {
        Ok(one(self.conn, "SELECT 1 FROM messages WHERE id=?", params![id], |_| Ok(()))?.is_some())
    }

    /// A message.
    pub fn message(&self, id: &Hash) -> Result<Option<Message>, Error> {
        one(self.conn, "SELECT * FROM messages WHERE id=?", params![id], Message::read)
    }

    /// A message of a conversation by the first 8 bytes of its id.
    pub fn message_by_prefix(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<Option<Message>, Error> {
        let mut end = [0xff; 32];
        end.iter_mut().zip(prefix).for_each(|(e, p)| *e = *p);
        let sql = "SELECT * FROM messages WHERE id BETWEEN ? AND ? AND conversation=? ORDER BY id LIMIT 1";
        one(self.conn, sql, params![prefix, end, conversation], Message::read)
    }

    /// Moves a message to another state.
    pub fn message_set_state(&self, id: &Hash, state: u8, reason: Option<&str>) -> Result<(), Error> {
        run(self.conn, "UPDATE messages SET state=?, reason=? WHERE id=?", params![state, reason, id])?;
        Ok(())
    }

    /// The text of a message came, or will not come.
    pub fn message_set_text(
        &self,
        id: &Hash,
        text: Option<&str>,
        newer: bool,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let sql = "UPDATE messages SET text=?, newer=?, fetching=0, reason=? WHERE id=?";
        run(self.conn, sql, params![text, newer, reason, id])?;
        Ok(())
    }

    /// A read mark of the other side covers an own message and waits for its receipt; or it does not any more.
    pub fn message_mark(&self, id: &Hash, marked: bool) -> Result<(), Error> {
        let sql = "UPDATE messages SET marked=? WHERE id=?";
        run(self.conn, sql, params![marked, id])?;
        Ok(())
    }

    /// Does a read mark wait for the receipt of this message?
    pub fn message_is_marked(&self, id: &Hash) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM messages WHERE id=? AND marked=1";
        Ok(one(self.conn, sql, params![id], |_| Ok(()))?.is_some())
    }

    /// Own messages up to a place whose state is below `state` and which did not fail.
    pub fn messages_mine_up_to(&self, up_to: &Message, state: u8, failed: u8) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE conversation=? AND mine=1 AND state<? AND state<>?
                   AND (lamport, time_s, id) <= (?,?,?) ORDER BY lamport, time_s, id";
        let params = params![up_to.conversation, state, failed, up_to.lamport, up_to.time_s, up_to.id];
        all(self.conn, sql, params, |r| r.get(0))
    }

    /// Marks received messages up to a place as read, but for those whose text is being fetched. The last of those that
    /// were not read before; `None`: there was none.
    pub fn messages_mark_read(&self, up_to: &Message) -> Result<Option<Hash>, Error> {
        let sql = "UPDATE messages SET read=1 WHERE conversation=? AND mine=0 AND read=0 AND fetching=0
                   AND (lamport, time_s, id) <= (?,?,?) RETURNING lamport, time_s, id";
        let params = params![up_to.conversation, up_to.lamport, up_to.time_s, up_to.id];
        let read: Vec<(i64, i64, Hash)> = all(self.conn, sql, params, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(read.into_iter().max().map(|(_, _, id)| id))
    }

    /// The newest own message of a kind in a state.
    pub fn message_mine(&self, conversation: &Hash, kind: u32, state: u8) -> Result<Option<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE conversation=? AND mine=1 AND kind=? AND state=?
            ORDER BY lamport DESC, time_s DESC, id DESC LIMIT 1";
        let params = params![conversation, kind, state];
        one(self.conn, sql, params, |r| r.get(0))
    }

    /// The highest Lamport time in a conversation.
    pub fn messages_lamport(&self, conversation: &Hash) -> Result<i64, Error> {
        let sql = "SELECT max(lamport) FROM messages WHERE conversation=?";
        let max = one(self.conn, sql, params![conversation], |r| r.get::<_, Option<i64>>(0))?;
        Ok(max.flatten().unwrap_or(0))
    }

    /// Received messages of a conversation.
    pub fn messages_received(&self, conversation: &Hash) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND mine=0";
        Ok(one(self.conn, sql, params![conversation], |r| r.get(0))?.unwrap_or(0))
    }

    /// Notes that a message was sent again because the other side asked for it.
    pub fn message_resent(&self, id: &Hash, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE messages SET resent_ms=? WHERE id=?";
        run(self.conn, sql, params![now_ms, id])?;
        Ok(())
    }

    /// How many were sent again like that since then.
    pub fn messages_resent(&self, conversation: &Hash, since_ms: i64) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND resent_ms>? AND resent_ms>0";
        let count = one(self.conn, sql, params![conversation, since_ms], |r| r.get(0))?;
        Ok(count.unwrap_or(0))
    }

    /// Received messages not read.
    pub fn messages_unread(&self, conversation: &Hash) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND mine=0 AND read=0";
        Ok(one(self.conn, sql, params![conversation], |r| r.get(0))?.unwrap_or(0))
    }
}
