//! Columns that hold private keys.

use std::ops::Deref;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use zeroize::Zeroizing;

/// A private key or a session's snapshot, wiped when dropped. SQLite's own pages are not wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Private(Zeroizing<Vec<u8>>);

impl From<&[u8]> for Private {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl Deref for Private {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl FromSql for Private {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(value.as_blob()?.into())
    }
}

impl ToSql for Private {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(&**self))
    }
}

crate::row::closed_debug!(Private);
