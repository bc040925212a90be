use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::Path;
use std::sync::Once;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use zeroize::Zeroizing;

use crate::mark::Mark;
use crate::{Error, Reader, Tables};

const APPLICATION_ID: i32 = 0x536f_7474; // "Sott"
/// Page size, bytes; SQLCipher's default.
const PAGE: u64 = 4096;
/// Bytes of the initialisation vector and the MAC at a page's end.
const PAGE_END: usize = 80;
/// Pages that an open checks: 32 MiB, in some milliseconds.
const LOOKED_AT: u64 = 8192;
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema_nodes.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
];

/// The open database of an account; its only writer.
pub struct Account {
    conn: Connection,
    path: std::path::PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// The lock, held while open; the system releases it with the process.
    _lock: File,
}

impl Account {
    /// Opens or makes the file at `path`, with a lock file beside it that holds the mark of its key. Both get mode
    /// 0600. A new database is made only if neither the lock file nor a log shows that there was one.
    pub fn open(path: &Path, key: &[u8; 32]) -> Result<Self, Error> {
        let lock = lock(path)?;
        let mark = Mark::read(&lock, key)?;
        let length = length(path)?;
        if length == 0 && (mark != Mark::None || has_log(path)?) {
            return Err(Error::Corrupt);
        }
        private_file(path)?;
        let mut conn = connect(path)?;
        unlock(&conn, key)?;
        check(&conn, path, length, APPLICATION_ID, mark)?;
        if !has_log(path)? {
            no_page_is_lost(path)?;
        }
        conn.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;
             PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=2000; PRAGMA cache_size=-1024;
             PRAGMA wal_autocheckpoint=512;",
        )?;
        conn.set_prepared_statement_cache_capacity(48); // about 3 KB each
        migrate(&mut conn, APPLICATION_ID, MIGRATIONS)?;
        if mark != Mark::Right {
            // File names reach the disk before the mark does.
            sync_folder(path)?;
            Mark::write(&lock, key)?;
        }
        Ok(Self { conn, path: path.to_owned(), key: Zeroizing::new(*key), _lock: lock })
    }

    /// Whether there is a database at `path`, whole or damaged. Changes nothing and needs no key.
    pub fn is_there(path: &Path) -> Result<bool, Error> {
        let marked = length(&path.with_extension("lock"))? > 0;
        Ok(marked || length(path)? > 0 || has_log(path)?)
    }

    /// Destroys the database at `path` with its log and its lock file, even if it is damaged or has another key. After
    /// a kill in the middle no key opens the rest, and another call removes it. Errors: in use, or of the disk.
    pub fn wipe(path: &Path) -> Result<(), Error> {
        crate::wipe::wipe(path)
    }

    /// Runs one transaction: all of it, or nothing after an `Err`.
    pub fn transaction<T, E: From<Error>>(&mut self, work: impl FnOnce(Tables<'_>) -> Result<T, E>) -> Result<T, E> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::from)?;
        let done = work(Tables::of(&tx))?;
        tx.commit().map_err(|error| self.why(error.into()))?;
        Ok(done)
    }

    /// SQLite reports every failed write as an input/output error, except for a full disk. On a file system that became
    /// read-only, the lock file cannot be opened for writing either.
    fn why(&self, error: Error) -> Error {
        let probe = || private_file(&self.path.with_extension("lock"));
        match error {
            Error::Io => probe().map_or_else(Error::from, |_| error),
            other => other,
        }
    }

    /// Runs one transaction that a power cut may undo. For data that a store has too.
    pub fn transaction_unsynced<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(Tables<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let set = |conn: &Connection, sql| conn.execute_batch(sql).map_err(Error::from);
        set(&self.conn, "PRAGMA synchronous=NORMAL")?;
        let done = self.transaction(work);
        set(&self.conn, "PRAGMA synchronous=FULL")?;
        done
    }

    /// Tables for reading, outside of a write transaction.
    pub fn read<T, E>(&self, work: impl FnOnce(&Tables<'_>) -> Result<T, E>) -> Result<T, E> {
        work(&Tables::of(&self.conn))
    }

    /// Copies the write-ahead log into the file and empties it.
    pub fn truncate(&mut self) -> Result<(), Error> {
        let done = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(|error| self.why(error.into()))
    }

    /// A second, read-only connection. Drop it before this one.
    pub fn reader(&self) -> Result<Reader, Error> {
        open_reader(&self.path, &self.key)
    }

    /// For tests: limits the file to so many pages, so that it answers like a full disk.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), Error> {
        self.conn.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
        Ok(())
    }
}

crate::row::closed_debug!(Account);

pub(crate) fn open_reader(path: &Path, key: &[u8; 32]) -> Result<Reader, Error> {
    let conn = connect(path)?;
    unlock(&conn, key)?;
    conn.execute_batch(
        "PRAGMA query_only=ON; PRAGMA busy_timeout=2000; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-1024;",
    )?;
    Ok(Reader { conn })
}

/// Connects to an existing file. SQLite reports readiness before SQLCipher is ready, so a second thread's first
/// connection would be refused its key. The process's first connection is therefore made alone.
pub(crate) fn connect(path: &Path) -> Result<Connection, Error> {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| drop(Connection::open_in_memory()));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Takes the lock file beside `path`, mode 0600.
pub(crate) fn lock(path: &Path) -> Result<File, Error> {
    let lock = private_file(&path.with_extension("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Size of the file at `path`, bytes; 0 if there is none.
fn length(path: &Path) -> Result<u64, Error> {
    match std::fs::metadata(path) {
        Ok(file) => Ok(file.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Whether a log with commits stands beside the database; its first page is on disk before SQLite makes a log.
fn has_log(path: &Path) -> Result<bool, Error> {
    let mut log = path.to_path_buf();
    log.as_mut_os_string().push("-wal");
    Ok(length(&log)? > 0)
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => Ok(File::open(folder)?.sync_all()?),
        None => Ok(()),
    }
}

/// SQLCipher reads a page of zero bytes as empty, so a lost last page of a long value would be read as zeros. This
/// finds such a page in the first 32 MiB. Every written page ends with a random vector and a MAC. Without a log all
/// pages are in the file.
fn no_page_is_lost(path: &Path) -> Result<(), Error> {
    let file = File::open(path)?;
    let pages = (file.metadata()?.len() / PAGE).min(LOOKED_AT);
    let mut end = [0; PAGE_END];
    for page in 0..pages {
        let at = (page + 1) * PAGE - PAGE_END as u64;
        read_at(&file, &mut end, at)?;
        if end == [0; PAGE_END] {
            return Err(Error::Corrupt);
        }
    }
    Ok(())
}

/// One call of the system for each page, where the system has it.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at))?;
    file.read_exact(buffer)
}

pub(crate) fn private_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?)
}

fn unlock(conn: &Connection, key: &[u8; 32]) -> Result<(), Error> {
    let hex: Zeroizing<String> = Zeroizing::new(key.iter().map(|b| format!("{b:02x}")).collect());
    // SQLCipher's messages for standard error also come back as errors.
    conn.execute_batch("PRAGMA cipher_log_level=NONE")?;
    let sql = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
    conn.execute_batch(&sql)?;
    Ok(())
}

/// Checks that the database is ours, that the key is right, and that it is whole as far as an open can tell.
pub(crate) fn check(conn: &Connection, path: &Path, length: u64, application_id: i32, mark: Mark) -> Result<(), Error> {
    match conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
        Ok(0) if mark == Mark::None => return Ok(()),
        Ok(0) => return Err(Error::Corrupt), // its tables are gone
        Ok(_) => {}
        Err(error) => {
            let unreadable = error.sqlite_error_code() == Some(ErrorCode::NotADatabase);
            let error = Error::from(error);
            if error != Error::Corrupt {
                return Err(error);
            }
            let mut head = [0; 16];
            let _ = File::open(path)?.read(&mut head)?;
            return Err(match (&head, mark) {
                (b"SQLite format 3\0", _) => Error::Foreign,
                (_, Mark::Other) => Error::WrongKey,
                // Without a mark a damaged first page looks like a wrong key.
                (_, Mark::None) if unreadable && length.is_multiple_of(PAGE) => Error::WrongKey,
                _ => Error::Corrupt,
            });
        }
    }
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == application_id { Ok(()) } else { Err(Error::Foreign) }
}

/// Marks a new file as ours and migrates it to the newest schema.
pub(crate) fn migrate(conn: &mut Connection, application_id: i32, migrations: &[&'static str]) -> Result<(), Error> {
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != application_id {
        conn.pragma_update(None, "application_id", application_id)?;
    }
    crate::search::register(conn)?; // triggers call it
    let migrations = Migrations::new(migrations.iter().map(|sql| M::up(sql)).collect());
    migrations.to_latest(conn).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(_) => Error::Newer,
        rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
        _ => Error::Internal,
    })
}

#[cfg(test)]
mod tests;
