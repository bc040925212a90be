//! Full-text search: FTS5 inside the encrypted database. Triggers of schema 7 keep the index in step with messages.

use std::borrow::Cow;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};

use crate::reader::columns;
use crate::row::{Table, all, one};
use crate::{Error, Hash, Message, NEVER, Reader};

/// Length of texts that enter the index in one step, bytes; the last one may be longer.
const INDEXED_BYTES: usize = 256 * 1024;

/// Text of one hit that is read, characters.
const FOUND_TEXT: usize = 65_536;

/// Gives a connection the function that the triggers call.
pub(crate) fn register(conn: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("spaced", 1, flags, |call| {
        let text = call.get_raw(0).as_str().map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
        Ok(spaced(text).into_owned())
    })?;
    Ok(())
}

/// Whether a character is a word of its own: scripts that write no blanks between words. Deletion from the index
/// repeats the insertion, so another answer needs an index made anew.
pub fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// Points of Hebrew and Arabic, which most people leave out, and the stroke that stretches words. The tokenizer would
/// cut words at points.
fn is_point(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// A text with a blank around each ideograph and without points, as it is indexed and asked for.
pub fn spaced(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_ideograph(c) || is_point(c)) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len().saturating_mul(2));
    for c in text.chars().filter(|c| !is_point(*c)) {
        if is_ideograph(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    Cow::Owned(spaced)
}

impl Table<'_, Message> {
    /// Row numbers from this one on are in the index; [`NEVER`] if search is off.
    fn indexed_from(&self) -> Result<i64, Error> {
        Ok(one(self.conn, "SELECT n FROM search_from", [], |row| row.get(0))?.unwrap_or(NEVER))
    }

    /// Whether texts from before wait for the index.
    pub fn has_unindexed(&self) -> Result<bool, Error> {
        let from = self.indexed_from()?;
        let older = "SELECT 1 FROM messages WHERE rowid<? AND ?1<>9223372036854775807 LIMIT 1";
        Ok(one(self.conn, older, [from], |_| Ok(()))?.is_some())
    }

    /// Adds the next older texts to the index: at most so many, and few long ones.
    pub fn index_older(&mut self, most: u32) -> Result<(), Error> {
        let mut reached = self.indexed_from()?;
        let mut bytes = 0;
        for _ in 0..most {
            let sql = "SELECT rowid, text||char(10)||names FROM messages WHERE rowid<? ORDER BY rowid DESC LIMIT 1";
            let older = one(self.conn, sql, [reached], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
            let Some((row, text)) = older.filter(|_| bytes < INDEXED_BYTES) else {
                break;
            };
            reached = row;
            if let Some(text) = &text {
                self.exec("INSERT INTO search(rowid, text) VALUES(?, ?)", params![row, spaced(text)])?;
                bytes = bytes.saturating_add(text.len());
            }
        }
        self.exec("UPDATE search_from SET n=?", [reached])
    }

    /// Empties the index and keeps it empty, or begins it anew.
    pub fn set_search(&mut self, on: bool) -> Result<(), Error> {
        if on == (self.indexed_from()? < NEVER) {
            return Ok(());
        }
        self.exec("INSERT INTO search(search) VALUES('delete-all')", [])?;
        let from = "UPDATE search_from SET n=iif(?, (SELECT coalesce(max(rowid), 0)+1 FROM messages), ?)";
        self.exec(from, params![on, NEVER])
    }
}

impl Reader {
    /// Whether search is on.
    pub fn is_searchable(&self) -> Result<bool, Error> {
        Ok(self.tables().messages.indexed_from()? < NEVER)
    }

    /// Messages that match an FTS5 query, in one conversation or all, before a row number: the latest stored first,
    /// each with its row number and the first 65,536 characters of its text.
    pub fn search(
        &self,
        query: &str,
        conversation: Option<&Hash>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Error> {
        let sql = format!(
            "SELECT rowid AS n, {} FROM messages WHERE rowid IN
            (SELECT search.rowid FROM search JOIN messages m ON m.rowid=search.rowid
             WHERE search MATCH ?1 AND search.rowid<?2 AND (?3 IS NULL OR m.conversation=?3)
             ORDER BY search.rowid DESC LIMIT ?4) ORDER BY rowid DESC",
            columns(Message::COLUMNS, "text", FOUND_TEXT)
        );
        let params = params![query, before.unwrap_or(NEVER), conversation, limit];
        all(&self.conn, &sql, params, |row| Ok((row.get("n")?, Message::read(row)?)))
    }
}

#[cfg(test)]
mod tests;
