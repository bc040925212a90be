//! Files: what lies on this disk, what pointers name, and which messages have them.

use rusqlite::params;

use crate::row::{Table, all, least, numbers, one, row};
use crate::{Error, Hash, NEVER, Reader};

/// Name of a sealed file on this disk.
pub type ContentName = [u8; 8];
/// Id of a file on this device.
pub type FileId = [u8; 16];
/// Place of a message's body among its files.
pub const BODY: u32 = 255;
/// Most bodies of one conversation that are fetched at a time.
const FETCHES: u32 = 256;

numbers! {
    /// What is known of a file.
    FileState {
        /// Elsewhere; nobody asked for it.
        Remote = 0,
        /// It is being fetched.
        Coming = 1,
        /// Whole on this disk.
        Here = 2,
        /// Whole on this disk, and being published.
        Going = 3,
        /// Nobody has it any more.
        Gone = 4,
        /// What came is not what its author named, or the copy on this disk is damaged.
        Corrupt = 5,
    }
}

numbers! {
    /// What has a file.
    FileRole {
        /// Messages, as files. A pointer names one of this role.
        Message = 0,
        /// A message, as its body.
        Body = 1,
        /// An account, as its picture.
        Picture = 2,
    }
}

row! {
    /// Bytes on this disk, sealed under a key of their own.
    Content in "contents" (name: ContentName) {
        /// Name of the sealed file.
        name: ContentName,
        /// Its key.
        key: [u8; 32],
        /// Length of the plain bytes.
        size: i64,
        /// Their SHA-256; `None` while not all of them are here, or as some are damaged.
        sha256: Option<Hash>,
    }
}

row! {
    /// A file as a pointer names it, and how far its transfer is.
    File in "files" (id: FileId) {
        /// Its id on this device.
        id: FileId,
        /// Encoded pointer, 76 bytes.
        pointer: Vec<u8>,
        /// What has it.
        role: FileRole,
        /// Its bytes, whole or not.
        content: Option<ContentName>,
        /// What is known of it.
        state: FileState,
        /// Whether nodes accepted all that a reader needs, so that its message may leave.
        sent: bool,
        /// Parts that are here, or that nodes accepted: a bitmap.
        have: Vec<u8>,
        /// Hashes of its parts.
        manifest: Option<Vec<u8>>,
        /// Number of tries so far.
        tries: u32,
        /// Next try, Unix milliseconds.
        due_ms: i64,
        /// Start of the search: no part is older, Unix seconds.
        since_s: i64,
        /// Where the running search goes on, Unix nanoseconds; 0 at its start.
        from_ns: i64,
        /// Until when stores keep it, by its author's word, Unix seconds.
        until_s: i64,
        /// Why it waits, by code.
        reason: Option<String>,
        /// When its author was last asked for missing parts, Unix milliseconds.
        asked_ms: i64,
        /// Whether all parts were here once and were not what the pointer names.
        doubted: bool,
        /// How often its parts were published again for somebody on the day of `answered_ms`.
        answers: u32,
        /// When that day began, Unix milliseconds.
        answered_ms: i64,
        /// Whether it may be fetched without being asked for.
        auto: bool,
        /// Length of its preview, bytes; 0 for none.
        preview_size: u32,
        /// The preview.
        preview: Option<Vec<u8>>,
        /// Number of tries for it so far.
        preview_tries: u32,
        /// Next try for it, Unix milliseconds.
        preview_due_ms: i64,
    }
}

row! {
    /// A file of a message.
    Attachment in "attachments" (message: Hash, i: u32) {
        /// Id of the message.
        message: Hash,
        /// Place among its files, from 0.
        i: u32,
        /// Which file.
        file: FileId,
        /// Id of the conversation; zeros for the picture of an account, which stands in place of a message.
        conversation: Hash,
        /// Number of what it is: a picture, a voice note.
        kind: u32,
        /// Lamport time of the message.
        lamport: i64,
        /// Time of the message, Unix seconds.
        time_s: i64,
        /// Of a received body: the session that the message came in.
        session: Option<Hash>,
        /// Its counter there; receipted when the body is whole.
        seq: Option<u32>,
    }
}

/// A file whose transfer goes on.
#[derive(Clone, Copy)]
pub struct Next {
    /// Which file.
    pub file: FileId,
    /// What is done with it.
    pub state: FileState,
    /// Whether it is the body of a message.
    pub body: bool,
    /// When, Unix milliseconds.
    pub due_ms: i64,
}

crate::row::closed_debug!(Next);

/// Bytes on this disk by conversation and number of the kind.
pub type Stored = (Hash, u32, i64);

impl Table<'_, Content> {
    /// The whole content with this hash.
    pub fn of_hash(&self, sha256: &Hash) -> Result<Option<Content>, Error> {
        self.row("SELECT * FROM contents WHERE sha256=?", [sha256])
    }

    /// Names of all.
    pub fn names(&self) -> Result<Vec<ContentName>, Error> {
        all(self.conn, "SELECT name FROM contents ORDER BY name", [], |r| r.get(0))
    }

    /// Deletes a content unless a file has it; true if so.
    pub fn drop_unused(&mut self, name: &ContentName) -> Result<bool, Error> {
        let sql = "DELETE FROM contents WHERE name=?1 AND NOT EXISTS (SELECT 1 FROM files WHERE content=?1)";
        Ok(self.run(sql, [name])? > 0)
    }
}

impl Table<'_, File> {
    /// The file of messages that a pointer names.
    pub fn of_pointer(&self, pointer: &[u8]) -> Result<Option<File>, Error> {
        self.row("SELECT * FROM files WHERE pointer=? AND role=0", [pointer])
    }

    /// Files of messages with these bytes, the one that stores keep longest first.
    pub fn of_content(&self, name: &ContentName) -> Result<Vec<File>, Error> {
        self.rows("SELECT * FROM files WHERE content=? AND role=0 ORDER BY until_s DESC, id", [name])
    }

    /// All files with these bytes, whatever has them.
    pub fn sharing(&self, name: &ContentName) -> Result<Vec<File>, Error> {
        self.rows("SELECT * FROM files WHERE content=? ORDER BY id", [name])
    }

    /// The next ones in a state, so many bodies and then so many others, with the time of each.
    pub fn next(&self, state: FileState, limit: u32) -> Result<Vec<Next>, Error> {
        let sql = "SELECT * FROM (SELECT id, state, role=1, due_ms FROM files WHERE state=?1 AND role=1 AND due_ms<?2
              ORDER BY due_ms, id LIMIT ?3)
            UNION ALL SELECT * FROM (SELECT id, state, role=1, due_ms FROM files WHERE state=?1 AND role<>1
              AND due_ms<?2 ORDER BY due_ms, id LIMIT ?3)";
        let next =
            |r: &rusqlite::Row<'_>| Ok(Next { file: r.get(0)?, state: r.get(1)?, body: r.get(2)?, due_ms: r.get(3)? });
        all(self.conn, sql, params![state, NEVER, limit], next)
    }

    /// Previews to fetch now.
    pub fn previews(&self, now_ms: i64) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT id FROM files WHERE preview_due_ms<=? ORDER BY preview_due_ms, id LIMIT 4";
        all(self.conn, sql, [now_ms], |r| r.get(0))
    }

    /// When the next preview is fetched, Unix milliseconds.
    pub fn preview_due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(preview_due_ms) FROM files")
    }

    /// How many wait for a state's work, without bodies.
    pub fn count_due(&self, state: FileState) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM files WHERE state=? AND role<>1 AND due_ms<?";
        crate::row::count(self.conn, sql, params![state, NEVER])
    }

    /// Files being fetched that rest for a reason.
    pub fn held(&self, reason: &str) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT id FROM files WHERE state=1 AND due_ms=? AND reason=? ORDER BY id";
        all(self.conn, sql, params![NEVER, reason], |r| r.get(0))
    }

    /// Files that may come without being asked for, the newest 256.
    pub fn automatic(&self) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT id FROM files WHERE auto=1 AND state=0 ORDER BY rowid DESC LIMIT 256";
        all(self.conn, sql, [], |r| r.get(0))
    }

    /// Makes what failed due now.
    pub fn rewind(&mut self, state: FileState, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE files SET due_ms=?2, tries=0 WHERE state=?1 AND due_ms>?2 AND due_ms<?3";
        self.exec(sql, params![state, now_ms, NEVER])
    }

    /// Makes the held bodies of a conversation due, except for those of a device that is not the confirmed one: the
    /// oldest, so that 256 are fetched at a time.
    pub fn release(&mut self, conversation: &Hash, now_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE files SET state=1, due_ms=?2, tries=0 WHERE id IN
            (SELECT f.id FROM attachments a JOIN files f ON f.id=a.file
              WHERE a.conversation=?1 AND i=255 AND session IS NOT NULL AND f.state=0 AND
                (EXISTS (SELECT 1 FROM messages m WHERE m.id=a.message AND m.unconfirmed=0)
                 OR EXISTS (SELECT 1 FROM sessions s JOIN devices d ON d.chat=s.chat AND d.device=s.device
                    WHERE s.hash=a.session AND d.standing=1))
              ORDER BY f.rowid
              LIMIT max(0, ?3-(SELECT count(*) FROM attachments a JOIN files f ON f.id=a.file
                WHERE a.conversation=?1 AND i=255 AND session IS NOT NULL AND f.state=1)))";
        self.exec(sql, params![conversation, now_ms, FETCHES])
    }

    /// Bodies of a conversation that are fetched, all but the oldest 256.
    pub fn over(&self, conversation: &Hash) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT f.id FROM attachments a JOIN files f ON f.id=a.file
            WHERE a.conversation=? AND i=255 AND session IS NOT NULL AND f.state=1 ORDER BY f.rowid LIMIT -1 OFFSET ?";
        all(self.conn, sql, params![conversation, FETCHES], |r| r.get(0))
    }

    /// Received bodies of a conversation are not fetched for now.
    pub fn hold(&mut self, conversation: &Hash) -> Result<(), Error> {
        let sql = "UPDATE files SET state=0, due_ms=? WHERE state=1 AND id IN
            (SELECT file FROM attachments WHERE conversation=? AND i=255 AND session IS NOT NULL)";
        self.exec(sql, params![NEVER, conversation])
    }

    /// Makes due now what waits for longer than `longest_ms`.
    pub fn hasten(&mut self, now_ms: i64, longest_ms: i64) -> Result<(), Error> {
        let params = params![now_ms, now_ms.saturating_add(longest_ms), NEVER];
        self.exec("UPDATE files SET due_ms=?1 WHERE state IN (1, 3) AND due_ms>?2 AND due_ms<?3", params)?;
        self.exec("UPDATE files SET preview_due_ms=?1 WHERE preview_due_ms>?2 AND preview_due_ms<?3", params)
    }

    /// Whether a file of a message was not yet accepted by nodes.
    pub fn is_unsent(&self, message: &Hash) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM attachments a JOIN files f ON f.id=a.file WHERE a.message=? AND f.sent=0 LIMIT 1";
        Ok(one(self.conn, sql, [message], |_| Ok(()))?.is_some())
    }

    /// Deletes a file unless a message has it; returns its content, if it had one.
    pub fn drop_unused(&mut self, id: &FileId) -> Result<Option<ContentName>, Error> {
        let sql = "DELETE FROM files WHERE id=?1 AND NOT EXISTS (SELECT 1 FROM attachments WHERE file=?1)
            RETURNING content";
        Ok(one(self.conn, sql, [id], |r| r.get(0))?.flatten())
    }
}

impl Table<'_, Attachment> {
    /// Files of a message, in their order; its body is the last one.
    pub fn of(&self, message: &Hash) -> Result<Vec<Attachment>, Error> {
        self.rows("SELECT * FROM attachments WHERE message=? ORDER BY i", [message])
    }

    /// Messages that have a file, the oldest first.
    pub fn of_file(&self, file: &FileId) -> Result<Vec<Attachment>, Error> {
        self.rows("SELECT * FROM attachments WHERE file=? ORDER BY lamport, time_s, message, i", [file])
    }

    /// Takes all files from a message; returns them.
    pub fn remove_of(&mut self, message: &Hash) -> Result<Vec<FileId>, Error> {
        all(self.conn, "DELETE FROM attachments WHERE message=? RETURNING file", [message], |r| r.get(0))
    }

    /// Takes all files from the messages of a conversation; returns them.
    pub fn remove_all(&mut self, conversation: &Hash) -> Result<Vec<FileId>, Error> {
        all(self.conn, "DELETE FROM attachments WHERE conversation=? RETURNING file", [conversation], |r| r.get(0))
    }

    /// Files of a conversation, without bodies.
    pub fn of_conversation(&self, conversation: &Hash) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT DISTINCT file FROM attachments WHERE conversation=? AND i<255 ORDER BY file";
        all(self.conn, sql, [conversation], |r| r.get(0))
    }

    /// Files whose bytes are here, whole or damaged, of one conversation or all, of messages before this time, Unix
    /// seconds.
    pub fn stored(&self, conversation: Option<&Hash>, before_s: i64) -> Result<Vec<FileId>, Error> {
        let sql = "SELECT DISTINCT f.id FROM attachments a JOIN files f ON f.id=a.file
            WHERE (f.state=2 OR f.state=5 AND f.content IS NOT NULL) AND f.role=0 AND (?1 IS NULL OR a.conversation=?1)
              AND a.time_s<?2 ORDER BY f.id";
        all(self.conn, sql, params![conversation, before_s], |r| r.get(0))
    }
}

impl Reader {
    /// Files of a conversation before (lamport, time, message, place), newest first.
    pub fn files_page(
        &self,
        conversation: &Hash,
        kind: Option<u32>,
        before: Option<(i64, i64, Hash, u32)>,
        limit: u32,
    ) -> Result<Vec<Attachment>, Error> {
        let sql = "SELECT * FROM attachments WHERE conversation=?1 AND i<255 AND (?2 IS NULL OR kind=?2)
            AND (lamport, time_s, message, i) < (?3,?4,?5,?6)
            ORDER BY lamport DESC, time_s DESC, message DESC, i DESC LIMIT ?7";
        let (lamport, time_s, message, i) = before.unwrap_or((i64::MAX, i64::MAX, [0xff; 32], u32::MAX));
        let params = params![conversation, kind, lamport, time_s, message, i, limit];
        all(&self.conn, sql, params, Attachment::read)
    }

    /// Files and bodies of a conversation's messages from one place (lamport, time, message) to another, in their
    /// order. Without their receipts.
    pub fn attachments(
        &self,
        conversation: &Hash,
        from: (i64, i64, Hash),
        to: (i64, i64, Hash),
    ) -> Result<Vec<Attachment>, Error> {
        let sql = "SELECT message, i, file, conversation, kind, lamport, time_s, NULL AS session, NULL AS seq
            FROM attachments WHERE conversation=?1 AND (lamport, time_s, message) BETWEEN (?2,?3,?4) AND (?5,?6,?7)
            ORDER BY lamport, time_s, message, i";
        let params = params![conversation, from.0, from.1, from.2, to.0, to.1, to.2];
        all(&self.conn, sql, params, Attachment::read)
    }

    /// Bytes of files on this disk by conversation and kind. What several conversations have counts in each.
    pub fn stored(&self) -> Result<Vec<Stored>, Error> {
        let sql = "SELECT conversation, kind, sum(size) FROM
              (SELECT DISTINCT a.conversation, a.kind, c.name, c.size FROM attachments a
               JOIN files f ON f.id=a.file JOIN contents c ON c.name=f.content
               WHERE c.sha256 IS NOT NULL AND f.role=0)
            GROUP BY conversation, kind ORDER BY conversation, kind";
        all(&self.conn, sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
    }

    /// Bytes of all files on this disk.
    pub fn stored_bytes(&self) -> Result<i64, Error> {
        let sql = "SELECT sum(size) FROM contents WHERE sha256 IS NOT NULL";
        Ok(one(&self.conn, sql, [], |r| r.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests;
