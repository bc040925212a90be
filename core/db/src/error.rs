use rusqlite::{ErrorCode, ffi};

/// Why the database refused. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process has the folder open.
    #[error("the folder is open in another process")]
    InUse,
    /// The key does not open the file.
    #[error("the key does not open the database")]
    WrongKey,
    /// The file is damaged.
    #[error("the database is damaged")]
    Corrupt,
    /// The file is another program's.
    #[error("this is another program's database")]
    Foreign,
    /// A newer version wrote the file.
    #[error("a newer version wrote the database")]
    Newer,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The folder cannot be written.
    #[error("the database cannot be written")]
    ReadOnly,
    /// The system failed to read or write.
    #[error("reading or writing failed")]
    Io,
    /// One of our statements is wrong.
    #[error("a statement is wrong")]
    Internal,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let answer = match error.sqlite_error_code() {
            _ if is_damage(&error) => Self::Corrupt,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::NoLargeFileSupport,
            ) => Self::Io,
            _ => Self::Internal,
        };
        if matches!(answer, Self::Corrupt | Self::Io | Self::Internal) {
            // The number names the kind of failure and nothing else; without a number a row was not as expected.
            let code = error.sqlite_error().map(|error| error.extended_code);
            log::error!("{answer}: SQLite's code {code:?}");
        }
        answer
    }
}

/// Whether this error means a damaged file. The open has already checked the key.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Sqlite;
    match error {
        // SQLCipher reports a page with a wrong MAC as a bare `SQLITE_ERROR`, which SQLite may turn into a bare
        // `SQLITE_IOERR` or `SQLITE_NOMEM`. Failed reads and writes of the system have an extended code, and
        // allocations of some KiB do not fail where this runs. A wrong statement of ours fails when it is prepared:
        // `SqlInputError`.
        Sqlite::SqliteFailure(failure, _) => {
            let bare = [ffi::SQLITE_ERROR, ffi::SQLITE_IOERR, ffi::SQLITE_NOMEM];
            bare.contains(&failure.extended_code)
                || matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        // A row that none of our statements wrote.
        Sqlite::FromSqlConversionFailure(..)
        | Sqlite::IntegralValueOutOfRange(..)
        | Sqlite::InvalidColumnType(..)
        | Sqlite::Utf8Error(..) => true,
        _ => false,
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Io,
        }
    }
}
