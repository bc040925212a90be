//! The open counter: kept by the host and in the database, so that an old copy of the database is noticed.
//!
//! At rest both hold the same even number. An open sets the host's to the next odd number, then the database's to the
//! even one after it, then the host's too. So a crash in between is told from an old copy: only an odd host forgives a
//! difference, and only of one. An empty database is a new one; there is no key in it that could be used twice.

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

    /// Counts an open: compares, and has `store` put the new number into the database.
    pub(crate) fn advance(
        &self,
        database: Option<u64>,
        store: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let host = (self.load)().map_err(|_| Code::StorageIo)?;
        let opening = opening(host, database).ok_or(Code::StorageRolledBack)?;
        if host != Some(opening) {
            (self.save)(opening).map_err(|_| Code::StorageIo)?;
        }
        let next = opening.saturating_add(1);
        store(next)?;
        (self.save)(next).map_err(|_| Code::StorageIo.into())
    }
}

/// The odd number of an open that begins; `None` for an old copy. A host without a counter takes the database's: a key
/// store that was emptied is not a rolled-back database.
fn opening(host: Option<u64>, database: Option<u64>) -> Option<u64> {
    match (host, database) {
        (host, None) => Some(host.unwrap_or(0) | 1),
        (None, Some(database)) => Some(database | 1),
        (Some(host), Some(database)) if host.is_multiple_of(2) => {
            (host == database).then_some(host | 1)
        }
        // It crashed before the database was written, or after.
        (Some(host), Some(database)) if database.checked_add(1) == Some(host) => Some(host),
        (Some(host), Some(database)) if host.checked_add(1) == Some(database) => Some(database | 1),
        _ => None,
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
    fn only_a_crash_between_the_writes_is_forgiven() {
        assert_eq!(opening(None, None), Some(1));
        assert_eq!(opening(Some(4), Some(4)), Some(5));
        assert_eq!(
            opening(Some(5), Some(4)),
            Some(5),
            "not in the database yet"
        );
        assert_eq!(opening(Some(5), Some(6)), Some(7), "not confirmed yet");
        assert_eq!(opening(None, Some(4)), Some(5), "the key store was emptied");
        assert_eq!(opening(Some(4), None), Some(5), "the database is new");
        for (host, database) in [(6, 4), (4, 6), (5, 2), (5, 8), (7, 4)] {
            assert_eq!(
                opening(Some(host), Some(database)),
                None,
                "{host} {database}"
            );
        }
    }

    #[test]
    fn a_copy_from_before_the_last_open_is_refused_and_crashes_never_lock_out() {
        let folder = tempfile::tempdir().unwrap();
        let counter = OpenCounter::file(folder.path().join("key.counter"));
        let open = |database: Option<u64>| {
            let mut stored = None;
            counter
                .advance(database, |value| {
                    stored = Some(value);
                    Ok(())
                })
                .map(|()| stored.unwrap())
        };
        let crash = |database| counter.advance(Some(database), |_| Err(Code::StorageFull.into()));
        assert_eq!(open(None).unwrap(), 2);
        for _ in 0..5 {
            assert_eq!(crash(2).unwrap_err().code(), Code::StorageFull);
        }
        assert_eq!(open(Some(2)).unwrap(), 4);
        assert_eq!(open(Some(2)).unwrap_err().code(), Code::StorageRolledBack);
        assert_eq!(open(Some(4)).unwrap(), 6);
    }

    /// Ten opens, each cut short after each of its writes: the database itself always opens again, and once an open
    /// was finished no copy from before it does.
    #[test]
    fn at_every_crash_point_the_database_opens_and_its_copies_do_not() {
        for cut in 0..3 {
            let (mut host, mut database) = (None, None);
            let mut copies = Vec::new();
            for _ in 0..10 {
                // An open that is cut short after `cut` writes,
                let begun = opening(host, database).expect("the database itself");
                host = if cut > 0 { Some(begun) } else { host };
                database = if cut > 1 { Some(begun + 1) } else { database };
                for copy in copies.iter().filter(|copy| Some(**copy) != database) {
                    let last = copies.last() == Some(copy);
                    let forgiven = opening(host, Some(*copy)).is_some();
                    assert!(!forgiven || last, "cut {cut}: {copy} of {host:?}");
                }
                // and one that is not.
                let begun = opening(host, database).expect("the database itself");
                (host, database) = (Some(begun + 1), Some(begun + 1));
                for copy in &copies {
                    assert_eq!(opening(host, Some(*copy)), None, "cut {cut}");
                }
                copies.extend(database);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.counter");
        OpenCounter::file(&path).advance(None, |_| Ok(())).unwrap();
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
