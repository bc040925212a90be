//! The open counter: kept by the host and in the database, so that an old copy of the database is noticed.
//!
//! Each open advances the host's counter first and the database's second. A crash in between leaves the host one
//! ahead, which the next open heals. Any other difference means that this database is not the one last opened.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::error::{Code, Error};

type Load = Box<dyn Fn() -> io::Result<Option<u64>> + Send>;
type Save = Box<dyn Fn(u64) -> io::Result<()> + Send>;

/// Where the host keeps the counter. On a phone that is the platform's key store, in the CLI a file beside the key.
pub struct OpenCounter {
    load: Load,
    save: Save,
}

impl std::fmt::Debug for OpenCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenCounter")
    }
}

impl OpenCounter {
    /// A counter behind two closures. `load` gives `None` when there is none yet; `save` returns when it is durable.
    pub fn new(
        load: impl Fn() -> io::Result<Option<u64>> + Send + 'static,
        save: impl Fn(u64) -> io::Result<()> + Send + 'static,
    ) -> Self {
        Self {
            load: Box::new(load),
            save: Box::new(save),
        }
    }

    /// A counter in a file of mode 0600, replaced as a whole and synced. It must not lie in the data folder.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let read = path.clone();
        Self::new(
            move || match std::fs::read_to_string(&read) {
                Ok(text) => text.trim().parse().map(Some).map_err(io::Error::other),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            move |value| replace(&path, value),
        )
    }

    /// Compares, advances the host's counter and says what the database must hold now.
    pub(crate) fn advance(&self, database: Option<u64>) -> Result<u64, Error> {
        let host = (self.load)().map_err(|_| Code::StorageIo)?;
        let next = match step(host, database) {
            Step::Advance(next) => next,
            Step::Heal(host) => return Ok(host),
            Step::RolledBack => return Err(Code::StorageRolledBack.into()),
        };
        (self.save)(next).map_err(|_| Code::StorageIo)?;
        Ok(next)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Advance(u64),
    Heal(u64),
    RolledBack,
}

/// A host without a counter starts at the database's: a key store that was emptied is not a rolled-back database.
fn step(host: Option<u64>, database: Option<u64>) -> Step {
    let database = database.unwrap_or(0);
    match host {
        None => Step::Advance(database.saturating_add(1)),
        Some(host) if host == database => Step::Advance(host.saturating_add(1)),
        Some(host) if host == database.saturating_add(1) => Step::Heal(host),
        Some(_) => Step::RolledBack,
    }
}

fn replace(path: &std::path::Path, value: u64) -> io::Result<()> {
    let mut fresh = path.to_path_buf();
    fresh.as_mut_os_string().push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    writeln!(file, "{value}")?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_crash_between_the_two_writes_is_forgiven() {
        assert_eq!(step(None, None), Step::Advance(1));
        assert_eq!(step(Some(4), Some(4)), Step::Advance(5));
        assert_eq!(step(Some(5), Some(4)), Step::Heal(5));
        assert_eq!(step(Some(6), Some(4)), Step::RolledBack);
        assert_eq!(step(Some(3), Some(4)), Step::RolledBack);
        assert_eq!(
            step(Some(2), None),
            Step::RolledBack,
            "the database was emptied"
        );
    }

    #[test]
    fn crashes_in_a_row_before_the_database_is_written_never_lock_out() {
        let folder = tempfile::tempdir().unwrap();
        let counter = OpenCounter::file(folder.path().join("key.counter"));
        assert_eq!(counter.advance(None).unwrap(), 1);
        for _ in 0..5 {
            assert_eq!(
                counter.advance(Some(1)).unwrap(),
                2,
                "the database never got to 2"
            );
        }
        assert_eq!(counter.advance(Some(2)).unwrap(), 3);
        assert_eq!(
            counter.advance(Some(1)).unwrap_err().code(),
            Code::StorageRolledBack
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.counter");
        OpenCounter::file(&path).advance(None).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing left beside it"
        );
    }
}
