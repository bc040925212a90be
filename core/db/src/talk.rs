//! Conversations and their messages.

use rusqlite::params;

use crate::row::{Table, all, count, least, numbers, one, row};
use crate::{Chat, Error, Hash, Reader};

/// Most holes of one conversation.
const HOLES: u32 = 64;

numbers! {
    /// The type of a conversation.
    Kind {
        /// Between two accounts.
        Pair = 0,
        /// A group.
        Group = 1,
    }
}

numbers! {
    /// Whether a conversation takes messages. `people` sets it.
    Standing {
        /// Both sides may write.
        Open = 0,
        /// We sent a request, and may write.
        Asked = 1,
        /// They sent a request; 100 of their messages are shown.
        Pending = 2,
        /// Nothing is written or shown: declined.
        Closed = 3,
        /// Nothing is written or shown: blocked.
        Blocked = 4,
    }
}

numbers! {
    /// State of a message. Own messages rise from queued to read, or fail.
    MessageState {
        /// No node accepted it yet.
        Queued = 0,
        /// A node accepted it.
        Sent = 1,
        /// A store has it.
        Stored = 2,
        /// The other side has it.
        Delivered = 3,
        /// The other side marked it read.
        Read = 4,
        /// Refused or given up.
        Failed = 5,
        /// A message of the other side.
        Received = 6,
        /// Deleted here, or disappeared: what is left is its place.
        Deleted = 7,
        /// Deleted for everybody: it is shown as deleted.
        Withdrawn = 8,
    }
}

row! {
    /// One conversation.
    Conversation in "conversations" (id: Hash) {
        /// Conversation id, see `wire::content`.
        id: Hash,
        /// The type of the conversation.
        kind: Kind,
        /// The other account's chat key.
        peer: Option<Chat>,
        /// Whether the conversation takes messages.
        standing: Standing,
        /// Own Lamport clock of this conversation.
        lamport: i64,
        /// Prefixes of the newest messages, 8 bytes each, at most 3: the parents of the next own message.
        heads: Vec<u8>,
        /// Text that the person has typed and not sent.
        draft: String,
        /// The message that the draft replies to.
        draft_reply: Option<Hash>,
        /// Number of unread messages.
        unread: u32,
        /// When it was made, Unix milliseconds.
        created_ms: i64,
        /// Time of the newest message, or `created_ms`; the order of lists.
        last_ms: i64,
        /// When the other side's last message arrived, corrected clock, Unix milliseconds; 0 if none did.
        arrived_ms: i64,
        /// When the other side was last told that wanted messages are gone, Unix milliseconds.
        gone_ms: i64,
        /// Whether lists show it: not after it was deleted, until something is shown in it.
        listed: bool,
        /// Whether the list shows it first. An archived conversation is not pinned.
        pinned: bool,
        /// Whether it is in the archive folder.
        archived: bool,
        /// End of the mute, device's clock, Unix milliseconds; [`crate::NEVER`] for no end.
        muted_ms: i64,
        /// Whether the person marked it as unread.
        marked: bool,
        /// How long new posts live after they were read, seconds; 0 for ever.
        timer_s: u32,
    }
}

row! {
    /// A shown message.
    Message in "messages" (id: Hash) {
        /// Message id, see `wire::content`.
        id: Hash,
        /// Id of its conversation.
        conversation: Hash,
        /// The author's chat key; none for an own message.
        author: Option<Chat>,
        /// Number of the content kind.
        kind: u32,
        /// M, exactly as its author made it.
        m: Vec<u8>,
        /// The shown text.
        text: Option<String>,
        /// Names of its files, a line each.
        names: String,
        /// State of the message.
        state: MessageState,
        /// Code of the failure.
        reason: Option<String>,
        /// The author's clock, Unix seconds.
        time_s: i64,
        /// Lamport time, clamped to the reader's clock.
        lamport: i64,
        /// Whether a newer version made it, of an unknown kind.
        newer: bool,
        /// Whether its text is still being fetched.
        fetching: bool,
        /// Whether it was marked read here.
        read: bool,
        /// When it was stored, Unix milliseconds.
        added_ms: i64,
        /// Whether it came from a device that is not its author's confirmed one.
        unconfirmed: bool,
        /// When it was last sent again because the other side asked for it, Unix milliseconds.
        resent_ms: i64,
        /// Own messages: the other side's read mark covers it and waits for its receipt.
        marked: bool,
        /// The body, if it came in chunks and is no plain text.
        body: Option<Vec<u8>>,
        /// Whether the text is of an edit.
        edited: bool,
        /// Who deleted it for everybody.
        deleted_by: Option<Chat>,
        /// How long it lives after it was read, seconds; 0 for ever.
        expire_s: u32,
        /// When it disappears, Unix milliseconds.
        expires_ms: Option<i64>,
    }
}

row! {
    /// A missing message that another message names as its parent.
    Hole in "holes" (conversation: Hash, prefix: [u8; 8]) {
        /// Id of its conversation.
        conversation: Hash,
        /// The first 8 bytes of its id.
        prefix: [u8; 8],
        /// Earliest arrival, corrected clock: when the last earlier message arrived.
        from_s: i64,
        /// Latest arrival: when the message that names it arrived.
        until_s: i64,
        /// Number of searches so far.
        stage: u8,
        /// Next search, Unix milliseconds.
        due_ms: i64,
    }
}

/// Received messages of contacts, numbered in the order in which they became whole.
pub struct Arrival;

/// What a deleted message loses: all but its id, place, author and kind.
const EMPTY: &str =
    "UPDATE messages SET m=x'', text=NULL, names='', body=NULL, state=7, reason=NULL, newer=0, fetching=0, read=1,
    unconfirmed=0, resent_ms=0, marked=0, edited=0, expire_s=0, expires_ms=NULL WHERE";

impl Message {
    /// Whether this account wrote it.
    pub fn is_own(&self) -> bool {
        self.author.is_none()
    }

    /// Whether it was deleted here or for everybody: nothing of it is left.
    pub fn is_gone(&self) -> bool {
        self.state >= MessageState::Deleted
    }
}

impl Table<'_, Conversation> {
    /// The conversation with an account.
    pub fn with(&self, peer: &Chat) -> Result<Option<Conversation>, Error> {
        self.row("SELECT * FROM conversations WHERE peer=?", [peer])
    }
}

impl Table<'_, Message> {
    /// Adds a message; false if it exists.
    pub fn add(&mut self, message: &Message) -> Result<bool, Error> {
        let there = one(self.conn, "SELECT 1 FROM messages WHERE id=?", [message.id], |_| Ok(()))?;
        if there.is_some() {
            return Ok(false);
        }
        self.put(message)?;
        Ok(true)
    }

    /// A message of a conversation by its prefix.
    pub fn by_prefix(&self, conversation: &Hash, prefix: &[u8; 8]) -> Result<Option<Message>, Error> {
        let mut end = [0xff; 32];
        end.iter_mut().zip(prefix).for_each(|(e, p)| *e = *p);
        let sql = "SELECT * FROM messages WHERE id BETWEEN ? AND ? AND conversation=? ORDER BY id LIMIT 1";
        self.row(sql, params![prefix, end, conversation])
    }

    /// Own messages up to a place that are neither read nor failed.
    pub fn unread_own(&self, up_to: &Message) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE conversation=? AND (state=7)=0 AND author IS NULL AND state<4
                   AND (lamport, time_s, id) <= (?,?,?) ORDER BY lamport, time_s, id";
        let params = params![up_to.conversation, up_to.lamport, up_to.time_s, up_to.id];
        all(self.conn, sql, params, |r| r.get(0))
    }

    /// Marks whole received messages up to a place as read; the time of those that disappear begins. Returns the last
    /// one that was unread before.
    pub fn mark_read(&mut self, up_to: &Message, now_ms: i64) -> Result<Option<Hash>, Error> {
        let sql = "UPDATE messages SET read=1, expires_ms=iif(expire_s>0, ?5+expire_s*1000, expires_ms)
                   WHERE conversation=?1 AND author IS NOT NULL AND read=0 AND fetching=0
                   AND (lamport, time_s, id) <= (?2,?3,?4) RETURNING lamport, time_s, id";
        let params = params![up_to.conversation, up_to.lamport, up_to.time_s, up_to.id, now_ms];
        let read: Vec<(i64, i64, Hash)> = all(self.conn, sql, params, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        Ok(read.into_iter().max().map(|(_, _, id)| id))
    }

    /// The newest failed own message of a kind.
    pub fn failed_own(&self, conversation: &Hash, kind: u32) -> Result<Option<Hash>, Error> {
        let sql =
            "SELECT id FROM messages WHERE conversation=? AND (state=7)=0 AND author IS NULL AND kind=? AND state=?
            ORDER BY lamport DESC, time_s DESC, id DESC LIMIT 1";
        one(self.conn, sql, params![conversation, kind, MessageState::Failed], |r| r.get(0))
    }

    /// The last of those that are shown in a conversation, and its author's clock.
    pub fn newest(&self, conversation: &Hash) -> Result<Option<(Hash, i64)>, Error> {
        let sql = "SELECT id, time_s FROM messages WHERE conversation=? AND (state=7)=0
            ORDER BY lamport DESC, time_s DESC, id DESC LIMIT 1";
        one(self.conn, sql, [conversation], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Those of a conversation of which something is on its way, in or out.
    pub fn under_way(&self, conversation: &Hash) -> Result<Vec<Message>, Error> {
        let sql = "SELECT * FROM messages
            WHERE id IN (SELECT message FROM items
                UNION SELECT message FROM attachments WHERE i=255 AND conversation=?1)
              AND conversation=?1 ORDER BY lamport DESC, time_s DESC, id DESC";
        self.rows(sql, [conversation])
    }

    /// Empties a message.
    pub fn delete(&mut self, id: &Hash) -> Result<(), Error> {
        self.exec(&format!("{EMPTY} id=?"), [id])
    }

    /// Empties a message that was deleted for everybody; its place is shown.
    pub fn withdraw(&mut self, id: &Hash, by: &Chat) -> Result<(), Error> {
        self.delete(id)?;
        self.exec("UPDATE messages SET state=8, deleted_by=? WHERE id=?", params![by, id])
    }

    /// When the next message disappears, Unix milliseconds.
    pub fn expires_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(expires_ms) FROM messages WHERE expires_ms IS NOT NULL")
    }

    /// Messages that disappear by now, at most 64.
    pub fn expired(&self, now_ms: i64) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT id FROM messages WHERE expires_ms<=? ORDER BY expires_ms, id LIMIT 64";
        all(self.conn, sql, params![now_ms], |r| r.get(0))
    }

    /// After the clock was set back, no message lives longer than its timer from now, or than `unread_ms` unread.
    pub fn hasten(&mut self, now_ms: i64, unread_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE messages SET expires_ms=?1+iif(read=1, expire_s*1000, ?2)
            WHERE expires_ms>?1 AND expires_ms>?1+iif(read=1, expire_s*1000, ?2)";
        self.exec(sql, params![now_ms, unread_ms])
    }

    /// Messages of a kind that an earlier version did not know, in the order of arrival.
    pub fn newer(&self, kind: u32) -> Result<Vec<Message>, Error> {
        self.rows("SELECT * FROM messages WHERE newer=1 AND kind=? ORDER BY added_ms, rowid", [kind])
    }

    /// Empties all messages of a conversation.
    pub fn delete_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        self.exec(&format!("{EMPTY} (state=7)=0 AND conversation=?"), [conversation])
    }

    /// Deletes the rows of all messages of a conversation.
    pub fn remove_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM messages WHERE conversation=?", [conversation])
    }

    /// The highest Lamport time of a conversation.
    pub fn lamport(&self, conversation: &Hash) -> Result<i64, Error> {
        let sql = "SELECT max(lamport) FROM messages WHERE conversation=?";
        let max = one(self.conn, sql, [conversation], |r| r.get::<_, Option<i64>>(0))?;
        Ok(max.flatten().unwrap_or(0))
    }

    /// Number of received messages of a conversation.
    pub fn count_received(&self, conversation: &Hash) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM messages WHERE conversation=? AND author IS NOT NULL", [conversation])
    }

    /// How many messages were sent again since then because the other side asked for them.
    pub fn count_resent(&self, conversation: &Hash, since_ms: i64) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND resent_ms>? AND resent_ms>0";
        count(self.conn, sql, params![conversation, since_ms])
    }

    /// Number of unread received messages.
    pub fn count_unread(&self, conversation: &Hash) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM messages WHERE conversation=? AND author IS NOT NULL AND read=0";
        count(self.conn, sql, [conversation])
    }
}

impl Table<'_, Hole> {
    /// Deletes all rows of a conversation.
    pub fn remove_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM holes WHERE conversation=?", [conversation])
    }

    /// Stores a hole, unless its conversation has too many.
    pub fn note(&mut self, hole: &Hole) -> Result<(), Error> {
        if count(self.conn, "SELECT count(*) FROM holes WHERE conversation=?", [hole.conversation])? < HOLES
            || self.get(&hole.conversation, &hole.prefix)?.is_some()
        {
            self.put(hole)?;
        }
        Ok(())
    }

    /// Holes whose search is due.
    pub fn due(&self, now_ms: i64) -> Result<Vec<Hole>, Error> {
        self.rows("SELECT * FROM holes WHERE due_ms<=? ORDER BY conversation, due_ms, prefix LIMIT 64", [now_ms])
    }

    /// When the next search is due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM holes")
    }
}

impl Table<'_, Arrival> {
    /// Gives a received message the next number, unless it has one.
    pub fn add(&mut self, message: &Hash) -> Result<(), Error> {
        self.exec("INSERT INTO arrivals(message) VALUES(?) ON CONFLICT DO NOTHING", [message])
    }

    /// Gives every whole received message of a conversation a number, in the order of arrival.
    pub fn add_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        let sql = "INSERT INTO arrivals(message) SELECT id FROM messages
            WHERE conversation=? AND author IS NOT NULL AND fetching=0 AND state<7
            ORDER BY added_ms, rowid ON CONFLICT DO NOTHING";
        self.exec(sql, [conversation])
    }

    /// Takes back the number of a message; nobody else gets it.
    pub fn remove(&mut self, message: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM arrivals WHERE message=?", [message])
    }

    /// Takes back the numbers of a conversation's messages.
    pub fn remove_all(&mut self, conversation: &Hash) -> Result<(), Error> {
        let sql = "DELETE FROM arrivals WHERE message IN (SELECT id FROM messages WHERE conversation=?)";
        self.exec(sql, [conversation])
    }

    /// The message with a number, and the own message that answers it.
    pub fn get(&self, n: i64) -> Result<Option<(Hash, Option<Hash>)>, Error> {
        one(self.conn, "SELECT message, answer FROM arrivals WHERE n=?", [n], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Stores which own message answers a received one.
    pub fn answer(&mut self, n: i64, answer: &Hash) -> Result<(), Error> {
        self.exec("UPDATE arrivals SET answer=? WHERE n=?", params![answer, n])
    }
}

impl Reader {
    /// Received messages after a number, in the order of their numbers.
    pub fn arrivals_page(&self, after: i64, limit: u32) -> Result<Vec<(i64, Message)>, Error> {
        let sql = "SELECT a.n, m.* FROM arrivals a JOIN messages m ON m.id=a.message WHERE a.n>? ORDER BY a.n LIMIT ?";
        all(&self.conn, sql, params![after, limit], |r| Ok((r.get("n")?, Message::read(r)?)))
    }
}

#[cfg(test)]
mod tests;
