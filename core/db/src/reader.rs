use std::ops::RangeInclusive;

use rusqlite::{Connection, params};

use crate::row::{all, one};
use crate::{Conversation, Error, Hash, Message, Person, Standing, Tables};

/// Longest text of one message in a page, bytes.
pub const PAGE_TEXT: usize = 4096;

/// Longest body of one message in a page, bytes. A page has no body of a longer one.
pub const PAGE_BODY: usize = 65_536;

/// Longest text in the list of conversations, characters.
pub const PREVIEW: usize = 200;

/// A read-only connection, independent of the writer's thread.
pub struct Reader {
    pub(crate) conn: Connection,
}

/// Counts of rows, for diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Persons, in any state.
    pub contacts: u64,
    /// Shown messages.
    pub messages: u64,
    /// Sessions, including those that only receive.
    pub sessions: u64,
    /// Skipped message keys.
    pub skipped: u64,
    /// Parcels.
    pub parcels: u64,
    /// Parcels for an account that no node accepted yet.
    pub unsent: u64,
    /// Envelopes that wait for a session.
    pub waiting: u64,
    /// Accepted payloads that are remembered.
    pub seen: u64,
    /// Long texts being fetched.
    pub fetches: u64,
}

impl Reader {
    /// Opens a file that the writer has made.
    pub fn open(path: &std::path::Path, key: &[u8; 32]) -> Result<Self, Error> {
        crate::account::open_reader(path, key)
    }

    /// All tables, for reading.
    pub fn tables(&self) -> Tables<'_> {
        Tables::of(&self.conn)
    }

    /// All persons, the one known longest first, each with its conversation.
    pub fn contacts(&self) -> Result<Vec<(Person, Hash)>, Error> {
        let sql = "SELECT p.*, v.id FROM persons p JOIN conversations v ON v.peer=p.chat ORDER BY p.created_ms, p.chat";
        all(&self.conn, sql, [], |r| Ok((Person::read(r)?, r.get("id")?)))
    }

    /// Listed conversations before (pinned, last_ms, id), newest first, with [`PREVIEW`] + 1 characters of the draft.
    pub fn conversations_page(
        &self,
        (standings, archived): (RangeInclusive<Standing>, RangeInclusive<bool>),
        before: Option<(bool, i64, Hash)>,
        limit: u32,
    ) -> Result<Vec<Conversation>, Error> {
        let columns = columns(Conversation::COLUMNS, "draft", PREVIEW);
        let sql = format!(
            "SELECT {columns} FROM conversations WHERE listed=1 AND standing BETWEEN ? AND ?
            AND archived BETWEEN ? AND ? AND (pinned, last_ms, id) < (?,?,?)
            ORDER BY pinned DESC, last_ms DESC, id DESC LIMIT ?"
        );
        let (pinned, ms, id) = before.unwrap_or((true, i64::MAX, [0xff; 32]));
        let (first, last) = standings.into_inner();
        let params = params![first, last, archived.start(), archived.end(), pinned, ms, id, limit];
        all(&self.conn, &sql, params, Conversation::read)
    }

    /// Of listed conversations without a mute: their number, how many are unread, and the number of unread messages.
    pub fn unread(
        &self,
        (standings, archived): (RangeInclusive<Standing>, RangeInclusive<bool>),
        now_ms: i64,
    ) -> Result<[u32; 3], Error> {
        let sql = "SELECT count(*), coalesce(sum(unread>0 OR marked), 0), coalesce(sum(unread), 0) FROM conversations
            WHERE listed=1 AND muted_ms<=? AND standing BETWEEN ? AND ? AND archived BETWEEN ? AND ?";
        let params = params![now_ms, standings.start(), standings.end(), archived.start(), archived.end()];
        Ok(one(&self.conn, sql, params, |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?]))?.unwrap_or_default())
    }

    /// Messages before (lamport, time, id), newest first, each with the first [`PAGE_TEXT`] + 1 characters of its text
    /// and a body of up to [`PAGE_BODY`].
    pub fn messages_page(
        &self,
        conversation: &Hash,
        before: Option<(i64, i64, Hash)>,
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        self.messages(conversation, ["<", "DESC"], before.unwrap_or((i64::MAX, i64::MAX, [0xff; 32])), limit)
    }

    /// Messages after (lamport, time, id), oldest first, with as much text.
    pub fn messages_after(
        &self,
        conversation: &Hash,
        after: (i64, i64, Hash),
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        self.messages(conversation, [">", "ASC"], after, limit)
    }

    /// A page shows at most [`PAGE_TEXT`] bytes of a text, so at most as many characters are read.
    fn messages(
        &self,
        conversation: &Hash,
        [side, order]: [&str; 2],
        (lamport, time_s, id): (i64, i64, Hash),
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        let columns = columns(Message::COLUMNS, "text", PAGE_TEXT);
        let sql = format!(
            "SELECT {columns} FROM messages
            WHERE conversation=? AND (state=7)=0 AND (lamport, time_s, id) {side} (?,?,?)
            ORDER BY lamport {order}, time_s {order}, id {order} LIMIT ?"
        );
        all(&self.conn, &sql, params![conversation, lamport, time_s, id, limit], Message::read)
    }

    /// Counts the rows of all tables.
    pub fn counts(&self) -> Result<Counts, Error> {
        let unsent = "parcels WHERE attempts=0 AND party IS NOT NULL";
        let count = |table: &str| {
            let n = one(&self.conn, &format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0))?;
            Ok::<u64, Error>(n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
        };
        Ok(Counts {
            contacts: count("persons")?,
            messages: count("messages WHERE state<>7")?,
            sessions: count("sessions")?,
            skipped: count("skipped")?,
            parcels: count("parcels")?,
            unsent: count(unsent)?,
            waiting: count("waiting")?,
            seen: count("seen")?,
            fetches: count("attachments WHERE session IS NOT NULL")?,
        })
    }
}

crate::row::closed_debug!(Reader);

/// Columns to read, of a long one only the first `most` + 1 characters, and no long body.
pub(crate) fn columns(all: &[&str], long: &str, most: usize) -> String {
    let cut = format!("substr({long}, 1, {}) AS {long}", most + 1);
    let body = format!("iif(length(body)>{PAGE_BODY}, NULL, body) AS body");
    let one = |name: &&str| match *name {
        "body" => body.clone(),
        name if name == long => cut.clone(),
        name => name.to_owned(),
    };
    all.iter().map(one).collect::<Vec<_>>().join(",")
}
