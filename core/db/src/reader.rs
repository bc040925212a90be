use rusqlite::{Connection, params};

use crate::row::{all, one};
use crate::{Chat, Error, Hash, Message, Person, Tables};

/// A connection that can only read. Not tied to the writer's thread.
pub struct Reader {
    pub(crate) conn: Connection,
}

/// A conversation as a list shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its id.
    pub id: Hash,
    /// The other side.
    pub chat: Chat,
    /// Their name.
    pub name: String,
    /// Unread messages.
    pub unread: u32,
    /// Unsent text.
    pub draft: String,
    /// The newest message's text, its first 500 characters.
    pub last_text: Option<String>,
    /// The newest message's time, or the beginning.
    pub last_ms: i64,
}

impl std::fmt::Debug for ConversationRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConversationRow(..)")
    }
}

/// How much there is, for diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accounts known.
    pub contacts: u64,
    /// Messages shown.
    pub messages: u64,
    /// Sessions.
    pub sessions: u64,
    /// Skipped keys.
    pub skipped: u64,
    /// What has to leave.
    pub parcels: u64,
    /// Those for a contact that no node took yet.
    pub unsent: u64,
    /// Envelopes that wait.
    pub waiting: u64,
    /// Payloads remembered.
    pub seen: u64,
    /// Long texts on their way.
    pub fetches: u64,
}

impl Reader {
    /// Opens beside the one writer, which made the file.
    pub fn open(path: &std::path::Path, key: &[u8; 32]) -> Result<Self, Error> {
        crate::account::open_reader(path, key)
    }

    /// All tables, to be read.
    pub fn tables(&self) -> Tables<'_> {
        Tables::of(&self.conn)
    }

    /// Everybody known, the one known longest first, and the conversation with each.
    pub fn contacts(&self) -> Result<Vec<(Person, Hash)>, Error> {
        let sql = "SELECT p.*, v.id FROM persons p JOIN conversations v ON v.peer=p.chat ORDER BY p.created_ms, p.chat";
        all(&self.conn, sql, [], |r| Ok((Person::read(r)?, r.get("id")?)))
    }

    /// Conversations before (last_ms, id), newest first.
    pub fn conversations_page(&self, before: Option<(i64, Hash)>, limit: u32) -> Result<Vec<ConversationRow>, Error> {
        let (ms, id) = before.unwrap_or((i64::MAX, [0xff; 32]));
        let sql = "SELECT v.id, v.peer, p.name, v.unread, v.draft, v.last_ms,
              (SELECT substr(text, 1, 500) FROM messages m WHERE m.conversation=v.id ORDER BY lamport DESC, time_s DESC, m.id DESC LIMIT 1) AS last_text
            FROM conversations v JOIN persons p ON p.chat=v.peer WHERE (v.last_ms, v.id) < (?,?)
            ORDER BY v.last_ms DESC, v.id DESC LIMIT ?";
        all(&self.conn, sql, params![ms, id, limit], |r| {
            Ok(ConversationRow {
                id: r.get(0)?,
                chat: r.get(1)?,
                name: r.get(2)?,
                unread: r.get(3)?,
                draft: r.get(4)?,
                last_ms: r.get(5)?,
                last_text: r.get(6)?,
            })
        })
    }

    /// Messages before (lamport, time, id), newest first.
    pub fn messages_page(
        &self,
        conversation: &Hash,
        before: Option<(i64, i64, Hash)>,
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        let (lamport, time_s, id) = before.unwrap_or((i64::MAX, i64::MAX, [0xff; 32]));
        let sql = "SELECT * FROM messages WHERE conversation=? AND (lamport, time_s, id) < (?,?,?)
            ORDER BY lamport DESC, time_s DESC, id DESC LIMIT ?";
        all(&self.conn, sql, params![conversation, lamport, time_s, id, limit], Message::read)
    }

    /// How much there is.
    pub fn counts(&self) -> Result<Counts, Error> {
        let unsent = "parcels WHERE attempts=0 AND party IS NOT NULL";
        let count = |table: &str| {
            let n = one(&self.conn, &format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0))?;
            Ok::<u64, Error>(n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
        };
        Ok(Counts {
            contacts: count("persons")?,
            messages: count("messages")?,
            sessions: count("sessions")?,
            skipped: count("skipped")?,
            parcels: count("parcels")?,
            unsent: count(unsent)?,
            waiting: count("waiting")?,
            seen: count("seen")?,
            fetches: count("fetches")?,
        })
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(..)")
    }
}
