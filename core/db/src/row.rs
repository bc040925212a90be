//! One macro turns a list of columns into a row and its table: read, edit, write.

use std::marker::PhantomData;

use rusqlite::{Connection, Params, Row};

use crate::Error;

/// One table as a step sees it. One call reads, changes and writes a row, so nobody holds a copy older than it.
pub struct Table<'t, R> {
    pub(crate) conn: &'t Connection,
    rows: PhantomData<R>,
}

impl<'t, R> Table<'t, R> {
    pub(crate) fn new(conn: &'t Connection) -> Self {
        Self { conn, rows: PhantomData }
    }

    /// Runs a statement and returns the number of changed rows.
    pub(crate) fn run(&mut self, sql: &str, params: impl Params) -> Result<usize, Error> {
        run(self.conn, sql, params)
    }

    /// Runs a statement of which the number of changed rows does not matter.
    pub(crate) fn exec(&mut self, sql: &str, params: impl Params) -> Result<(), Error> {
        self.run(sql, params).map(drop)
    }
}

/// `struct Name in "table" (key: Type, …) { columns }`. Fields have the names of the columns.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident in $table:literal ($($key:ident: $ktype:ty),+) {
        $($(#[$fdoc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }

        #[allow(dead_code, reason = "not every table needs all of them")]
        impl $name {
            pub(crate) const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            pub(crate) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: row.get(stringify!($field))?,)* })
            }
        }

        #[allow(dead_code, reason = "not every table needs all of them")]
        impl crate::row::Table<'_, $name> {
            /// The row with this key.
            pub fn get(&self, $($key: &$ktype),+) -> Result<Option<$name>, crate::Error> {
                let sql = concat!("SELECT * FROM ", $table, " WHERE 1" $(, " AND ", stringify!($key), "=?")+);
                self.row(sql, rusqlite::params![$($key),+])
            }

            fn row(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<$name>, crate::Error> {
                crate::row::one(self.conn, sql, params, $name::read)
            }

            fn rows(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<$name>, crate::Error> {
                crate::row::all(self.conn, sql, params, $name::read)
            }

            /// Changes the row with this key, if it exists, and returns the result of `change`.
            pub fn edit<T>(
                &mut self,
                $($key: &$ktype,)+
                change: impl FnOnce(&mut $name) -> T,
            ) -> Result<Option<T>, crate::Error> {
                let Some(mut row) = self.get($($key),+)? else {
                    return Ok(None);
                };
                let given = change(&mut row);
                self.put(&row)?;
                Ok(Some(given))
            }

            /// Changes the row with this key, if it exists.
            pub fn change(&mut self, $($key: &$ktype,)+ change: impl FnOnce(&mut $name)) -> Result<(), crate::Error> {
                self.edit($($key,)+ change).map(drop)
            }

            /// Writes a row: a new one, or over the row with its key.
            pub fn put(&mut self, row: &$name) -> Result<(), crate::Error> {
                static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
                let sql = SQL.get_or_init(|| {
                    let keys = [$(stringify!($key)),*];
                    let rest = $name::COLUMNS.iter().filter(|name| !keys.contains(name));
                    let sets: Vec<String> = rest.map(|name| format!("{name}=excluded.{name}")).collect();
                    let marks = vec!["?"; $name::COLUMNS.len()].join(",");
                    let (keys, names, sets, table) = (keys.join(","), $name::COLUMNS.join(","), sets.join(","), $table);
                    format!("INSERT INTO {table}({names}) VALUES({marks}) ON CONFLICT({keys}) DO UPDATE SET {sets}")
                });
                self.exec(sql, rusqlite::params![$(row.$field),*])
            }

            /// Deletes the row with this key; false if there was none.
            pub fn remove(&mut self, $($key: &$ktype),+) -> Result<bool, crate::Error> {
                let sql = concat!("DELETE FROM ", $table, " WHERE 1" $(, " AND ", stringify!($key), "=?")+);
                Ok(self.run(sql, rusqlite::params![$($key),+])? > 0)
            }
        }

        crate::row::closed_debug!($name);
    };
}

/// A `Debug` that prints only the type's name.
macro_rules! closed_debug {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(crate) use {closed_debug, row};

/// `enum Name { Variant = number }`: a column with one of few values. Any other number is a damaged row.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)* }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok((*self as i64).into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_i64()? {
                    $($number => Ok(Self::$variant),)*
                    other => Err(rusqlite::types::FromSqlError::OutOfRange(other)),
                }
            }
        }
    };
}
pub(crate) use numbers;

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

/// The first row of a query, if there is one.
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

/// The number that a counting query returns.
pub(crate) fn count(conn: &Connection, sql: &str, params: impl Params) -> Result<u32, Error> {
    Ok(one(conn, sql, params, |row| row.get(0))?.unwrap_or(0))
}

/// The earliest time that a query finds; `None` without one, or for [`crate::NEVER`].
pub(crate) fn least(conn: &Connection, sql: &str) -> Result<Option<i64>, Error> {
    let least = one(conn, sql, [], |row| row.get::<_, Option<i64>>(0))?.flatten();
    Ok(least.filter(|at| *at < crate::NEVER))
}

/// Runs a statement and returns the number of changed rows.
pub(crate) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}
