//! One macro turns a list of columns into a row struct, its reading and its writing.

/// `struct Name in "table" (key columns) { columns }`: fields are named as the columns.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident in $table:literal ($key:literal) { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }

        impl $name {
            pub(crate) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: row.get(stringify!($field))?,)* })
            }

            /// Inserts the row, or replaces the one with the same key.
            pub(crate) fn upsert(&self, conn: &rusqlite::Connection) -> Result<(), crate::Error> {
                static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
                let sql = SQL.get_or_init(|| {
                    let names = [$(stringify!($field)),*];
                    let marks = vec!["?"; names.len()].join(",");
                    let keys: Vec<&str> = $key.split(',').collect();
                    let sets: Vec<String> = names.iter().filter(|n| !keys.contains(n)).map(|n| format!("{n}=excluded.{n}")).collect();
                    let tail = if sets.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", sets.join(",")) };
                    format!("INSERT INTO {}({}) VALUES({marks}) ON CONFLICT({}) DO {tail}", $table, names.join(","), $key)
                });
                conn.prepare_cached(sql)?.execute(rusqlite::params![$(self.$field),*])?;
                Ok(())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(crate) use row;

use crate::Error;
use rusqlite::{Connection, Params, Row};

/// All rows of a query.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// The first row, if there is one.
pub(crate) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    Ok(rows.next()?.map(read).transpose()?)
}

/// Changes rows; how many.
pub(crate) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}
