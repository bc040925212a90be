use rusqlite::params;

use crate::row::{one, run};
use crate::{Error, Tx};

impl Tx<'_> {
    /// A single value.
    pub fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        one(self.conn, "SELECT value FROM kv WHERE key=?", params![key], |r| r.get(0))
    }

    /// Sets it.
    pub fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        run(
            self.conn,
            "INSERT INTO kv VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            params![key, value],
        )?;
        Ok(())
    }

    /// Deletes it.
    pub fn kv_delete(&self, key: &str) -> Result<(), Error> {
        run(self.conn, "DELETE FROM kv WHERE key=?", params![key])?;
        Ok(())
    }
}
