//! What people do with messages: what counts, and what came too early.

use rusqlite::params;

use crate::row::{Table, all, count, row};
use crate::{Chat, Error, Hash, Reader};

/// Most effects of one conversation that wait for their target.
const EARLY: u32 = 4096;

row! {
    /// An effect that counts.
    Annotation in "annotations" (target: Hash, kind: u32, author: Chat, key: Vec<u8>) {
        /// Id of the message; of the conversation for its timer.
        target: Hash,
        /// Number of the content kind.
        kind: u32,
        /// The author's chat key.
        author: Chat,
        /// An edit's id, an emoji; empty for what an author has once.
        key: Vec<u8>,
        /// Id of the conversation.
        conversation: Hash,
        /// The text, choices or switch.
        value: Vec<u8>,
        /// Lamport time, clamped to the reader's clock.
        lamport: i64,
        /// The author's clock, Unix seconds.
        time_s: i64,
        /// Id of the message that brought it.
        id: Hash,
    }
}

row! {
    /// An effect whose target is not here yet.
    Early in "early" (target: Hash, kind: u32, author: Chat, id: Hash) {
        /// Id of the message that it waits for.
        target: Hash,
        /// Id of the message that brought it.
        id: Hash,
        /// Id of the conversation.
        conversation: Hash,
        /// The author's chat key.
        author: Chat,
        /// Number of the content kind.
        kind: u32,
        /// The body.
        body: Vec<u8>,
        /// Lamport time, clamped to the reader's clock.
        lamport: i64,
        /// The author's clock, Unix seconds.
        time_s: i64,
        /// When it was stored, Unix milliseconds.
        added_ms: i64,
    }
}

impl Annotation {
    /// Its place in the order of all effects.
    pub fn place(&self) -> (i64, i64, Hash) {
        (self.lamport, self.time_s, self.id)
    }
}

impl Table<'_, Annotation> {
    /// Stores an annotation unless a later one has its key; false then. Of an author's annotations of this kind for
    /// this target only the latest `most` stay.
    pub fn raise(&mut self, new: &Annotation, most: u32) -> Result<bool, Error> {
        let known = self.get(&new.target, &new.kind, &new.author, &new.key)?;
        if known.is_some_and(|known| known.place() >= new.place()) {
            return Ok(false);
        }
        self.put(new)?;
        let sql = "DELETE FROM annotations WHERE target=?1 AND kind=?2 AND author=?3 AND key IN
            (SELECT key FROM annotations WHERE target=?1 AND kind=?2 AND author=?3
             ORDER BY lamport DESC, time_s DESC, id DESC LIMIT -1 OFFSET ?4)";
        self.exec(sql, params![new.target, new.kind, new.author, most])?;
        Ok(true)
    }

    /// All of a target of a kind, in their order.
    pub fn of(&self, target: &Hash, kind: u32) -> Result<Vec<Annotation>, Error> {
        let sql = "SELECT * FROM annotations WHERE target=? AND kind=? ORDER BY lamport, time_s, id";
        self.rows(sql, params![target, kind])
    }

    /// Deletes all of a target.
    pub fn remove_of(&mut self, target: &Hash) -> Result<(), Error> {
        self.exec("DELETE FROM annotations WHERE target=?", [target])
    }

    /// Deletes all of a conversation's messages; with its timer if `whole`.
    pub fn remove_all(&mut self, conversation: &Hash, whole: bool) -> Result<(), Error> {
        let sql = "DELETE FROM annotations WHERE conversation=?1 AND (?2 OR target<>?1)";
        self.exec(sql, params![conversation, whole])
    }
}

impl Table<'_, Early> {
    /// One of a kind by an author that waits for a message.
    pub fn one(&self, target: &Hash, kind: u32, author: &Chat) -> Result<Option<Early>, Error> {
        self.row("SELECT * FROM early WHERE target=? AND kind=? AND author=?", params![target, kind, author])
    }

    /// Deletes those of a kind by an author that wait for a message; true if there were any.
    pub fn drop_of(&mut self, target: &Hash, kind: u32, author: &Chat) -> Result<bool, Error> {
        let sql = "DELETE FROM early WHERE target=? AND kind=? AND author=?";
        Ok(self.run(sql, params![target, kind, author])? > 0)
    }

    /// Stores an effect. A conversation keeps its latest 4,096.
    pub fn note(&mut self, early: &Early) -> Result<(), Error> {
        self.put(early)?;
        let held = count(self.conn, "SELECT count(*) FROM early WHERE conversation=?", [early.conversation])?;
        let Some(more) = held.checked_sub(EARLY).filter(|more| *more > 0) else {
            return Ok(());
        };
        let sql = "DELETE FROM early WHERE (target, kind, author, id) IN
            (SELECT target, kind, author, id FROM early WHERE conversation=? ORDER BY added_ms, target, id LIMIT ?)";
        self.exec(sql, params![early.conversation, more])
    }

    /// Takes those that wait for a message, except of a kind; the latest first, so that the first edit is the last one
    /// to change the text.
    pub fn take(&mut self, target: &Hash, but: Option<u32>) -> Result<Vec<Early>, Error> {
        let sql = "SELECT * FROM early WHERE target=? AND kind IS NOT ? ORDER BY lamport DESC, time_s DESC, id DESC";
        let all = self.rows(sql, params![target, but])?;
        if !all.is_empty() {
            self.exec("DELETE FROM early WHERE target=? AND kind IS NOT ?", params![target, but])?;
        }
        Ok(all)
    }

    /// Deletes all of a conversation, except of a kind.
    pub fn remove_all(&mut self, conversation: &Hash, but: Option<u32>) -> Result<(), Error> {
        self.exec("DELETE FROM early WHERE conversation=? AND kind IS NOT ?", params![conversation, but])
    }

    /// Deletes those stored before this, except of a kind.
    pub fn expire(&mut self, before_ms: i64, but: u32) -> Result<(), Error> {
        self.exec("DELETE FROM early WHERE added_ms<? AND kind<>?", params![before_ms, but])
    }
}

impl Reader {
    /// All annotations of a message.
    pub fn annotations(&self, target: &Hash) -> Result<Vec<Annotation>, Error> {
        let sql = "SELECT * FROM annotations WHERE target=? ORDER BY lamport, time_s, id";
        all(&self.conn, sql, params![target], Annotation::read)
    }

    /// Targets of a conversation whose latest annotation of this kind is on, the latest first: at most 64.
    pub fn pins(&self, conversation: &Hash, kind: u32) -> Result<Vec<Hash>, Error> {
        let sql = "SELECT target, value FROM (SELECT target, value, lamport, time_s, id,
              row_number() OVER (PARTITION BY target ORDER BY lamport DESC, time_s DESC, id DESC) AS place
              FROM annotations WHERE conversation=? AND kind=?)
            WHERE place=1 AND value=x'01' ORDER BY lamport DESC, time_s DESC, id DESC LIMIT 64";
        all(&self.conn, sql, params![conversation, kind], |r| r.get(0))
    }
}

#[cfg(test)]
mod tests;
