use rusqlite::params;

use crate::Error;
use crate::row::{Table, one};

/// Single values of the account, by name.
pub struct Kv;

impl Table<'_, Kv> {
    /// The value, if it is set.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        one(self.conn, "SELECT value FROM kv WHERE key=?", [key], |r| r.get(0))
    }

    /// Sets the value.
    pub fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.exec("INSERT INTO kv VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value", params![key, value])
    }

    /// Deletes the value.
    pub fn remove(&mut self, key: &str) -> Result<(), Error> {
        self.exec("DELETE FROM kv WHERE key=?", [key])
    }

    /// A time, Unix milliseconds; 0 if it is not set.
    pub fn time(&self, key: &str) -> Result<i64, Error> {
        let bytes = self.get(key)?.unwrap_or_default();
        Ok(<[u8; 8]>::try_from(bytes.as_slice()).map_or(0, i64::from_be_bytes))
    }

    /// Sets a time, Unix milliseconds.
    pub fn set_time(&mut self, key: &str, ms: i64) -> Result<(), Error> {
        self.set(key, &ms.to_be_bytes())
    }
}
