use rusqlite::params;

use crate::row::{all, one, run};
use crate::{Error, Hash, Message, Reader, Tx};

impl Tx<'_> {
    /// Gives a received message the next number; it keeps the one it has.
    pub fn arrival_put(&self, message: &Hash) -> Result<(), Error> {
        let sql = "INSERT INTO arrivals(message) VALUES(?) ON CONFLICT DO NOTHING";
        run(self.conn, sql, params![message])?;
        Ok(())
    }

    /// Gives every whole received message of a conversation a number, in the order in which they came.
    pub fn arrivals_put(&self, conversation: &Hash) -> Result<(), Error> {
        let sql = "INSERT INTO arrivals(message) SELECT id FROM messages WHERE conversation=? AND mine=0 AND fetching=0
            ORDER BY added_ms, rowid ON CONFLICT DO NOTHING";
        run(self.conn, sql, params![conversation])?;
        Ok(())
    }

    /// The message with a number, and our message that answers it.
    pub fn arrival(&self, n: i64) -> Result<Option<(Hash, Option<Hash>)>, Error> {
        let sql = "SELECT message, answer FROM arrivals WHERE n=?";
        one(self.conn, sql, params![n], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Notes which message of ours answers one.
    pub fn arrival_answer(&self, n: i64, answer: &Hash) -> Result<(), Error> {
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

    /// All invites, oldest first, closed ones too.
    pub fn invites(&self) -> Result<Vec<crate::Invite>, Error> {
        Tx { conn: &self.conn }.invites()
    }
}
