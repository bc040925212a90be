//! The open counter. The host and the database each keep it, so that an old copy of the database is noticed.
//!
//! At rest both hold the same number: the name of the database (random bits, made once) above an even count. An open,
//! and each later step, sets the host's count to the next odd one, then the database's to the even one after it, then
//! the host's too. So a crash in between differs from an old copy: only an odd host count allows a difference, and only
//! of one.
//!
//! The counter of another database says nothing about this one, which takes the counter over. A database without an
//! account does not take it over. So a folder that was missing at one start, and is put back, finds its counter
//! unchanged.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use sotto_db::{Account, Tables};

use crate::engine::KEY_ACCOUNT;
use crate::error::{Code, Error};

/// The number in the database, 8 bytes.
const KEY_OPENS: &str = "opens";

type Load = Box<dyn Fn() -> io::Result<Option<u64>> + Send>;
type Save = Box<dyn Fn(u64) -> io::Result<()> + Send>;

/// The host's storage of the counter: on a phone the platform's key store, in the CLI a file beside the key.
pub struct OpenCounter {
    load: Load,
    save: Save,
}

crate::closed_debug!(OpenCounter);

impl OpenCounter {
    /// A counter behind two closures. `load` returns `None` if there is no counter yet, and an error of kind
    /// [`io::ErrorKind::InvalidData`] if the stored bytes are no number. `save` returns when the number is durable.
    /// Both are called while the messenger opens, and later on the engine's thread: when the app leaves the foreground,
    /// and once an hour while something happens.
    pub fn new(
        load: impl Fn() -> io::Result<Option<u64>> + Send + 'static,
        save: impl Fn(u64) -> io::Result<()> + Send + 'static,
    ) -> Self {
        Self { load: Box::new(load), save: Box::new(save) }
    }

    /// A counter in a file of mode 0600, replaced as a whole and synced. The file must not lie in the data folder.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let read = path.clone();
        Self::new(
            move || match std::fs::read_to_string(&read) {
                Ok(text) => {
                    let garbled = |error| io::Error::new(io::ErrorKind::InvalidData, error);
                    text.trim().parse().map(Some).map_err(garbled)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            move |value| replace(&path, value),
        )
    }

    /// Counts an open, or refuses an old copy. `name`: random bits for a database without a name.
    pub(crate) fn opened(&self, account: &mut Account, name: u64) -> Result<(), Error> {
        let stored = account.read(number)?;
        let has_account = account.read(|tx| tx.kv.get(KEY_ACCOUNT))?.is_some();
        self.advance(stored, has_account, name % NAMES, |next| store(account, next))
    }

    /// Counts while the database is open and has an account. So a copy made before is an old one.
    pub(crate) fn moved(&self, account: &mut Account, name: u64) -> Result<(), Error> {
        let stored = account.read(number)?;
        self.advance_open(stored, name % NAMES, |next| store(account, next))
    }

    /// Compares the numbers, and has `store` write the new number into the database.
    fn advance(
        &self,
        database: Option<u64>,
        has_account: bool,
        name: u64,
        store: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let host = self.host()?;
        let other = match (host, database) {
            (Some(_), None) => true,
            (Some(host), Some(database)) => is_other(host, database),
            (None, _) => false,
        };
        if other && !has_account {
            return Ok(());
        }
        let known = host.filter(|_| !(other && database.is_some()));
        let opening = opening(known.map(count), database.map(count));
        self.step(host, (database, name), opening.ok_or(Code::StorageRolledBack)?, store)
    }

    /// Does not compare: an open database is the newest one.
    fn advance_open(
        &self,
        database: Option<u64>,
        name: u64,
        store: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let next = database.map(count).unwrap_or(0) | 1;
        self.step(None, (database, name), next, store)
    }

    fn host(&self) -> Result<Option<u64>, Error> {
        (self.load)().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Code::StorageCounter.into(),
            _ => Code::StorageIo.into(),
        })
    }

    fn step(
        &self,
        host: Option<u64>,
        (database, name): (Option<u64>, u64),
        opening: u64,
        store: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let named = database.map(|number| number >> COUNT_BITS).filter(|named| *named != 0);
        let name = named.unwrap_or(name);
        let numbered = |count: u64| (name << COUNT_BITS) | (count & COUNT);
        if host != Some(numbered(opening)) {
            (self.save)(numbered(opening)).map_err(|_| Code::StorageIo)?;
        }
        let next = numbered(opening.saturating_add(1));
        store(next)?;
        (self.save)(next).map_err(|_| Code::StorageIo.into())
    }
}

/// Bits of the count; the bits above name the database.
const COUNT_BITS: u32 = 40;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
/// Names are below this value.
const NAMES: u64 = 1 << (u64::BITS - COUNT_BITS);

fn number(tx: &Tables<'_>) -> Result<Option<u64>, Error> {
    let Some(bytes) = tx.kv.get(KEY_OPENS)? else {
        return Ok(None);
    };
    let bytes = bytes.as_slice().try_into();
    Ok(Some(u64::from_be_bytes(bytes.map_err(|_| Code::StorageCorrupt)?)))
}

fn store(account: &mut Account, number: u64) -> Result<(), Error> {
    account.transaction(|mut tx| Ok(tx.kv.set(KEY_OPENS, &number.to_be_bytes())?))
}

fn count(number: u64) -> u64 {
    number & COUNT
}

/// Whether the names differ. Numbers without a name differ from none.
fn is_other(host: u64, database: u64) -> bool {
    let (host, database) = (host >> COUNT_BITS, database >> COUNT_BITS);
    host != database && host != 0 && database != 0
}

/// The odd count of a new open; `None` for an old copy. An emptied key store of the host is no old copy.
fn opening(host: Option<u64>, database: Option<u64>) -> Option<u64> {
    match (host, database) {
        (host, None) => Some(host.unwrap_or(0) | 1),
        (None, Some(database)) => Some(database | 1),
        (Some(host), Some(database)) if host.is_multiple_of(2) => (host == database).then_some(host | 1),
        // It crashed before or after the database was written.
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
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(count: u64) -> u64 {
        (7 << COUNT_BITS) | count
    }

    /// A database as the counter sees it.
    #[derive(Clone, Copy)]
    struct Database {
        number: Option<u64>,
        has_account: bool,
        name: u64,
    }

    impl Database {
        fn new(name: u64) -> Self {
            Self { number: None, has_account: false, name }
        }

        fn open(&mut self, counter: &OpenCounter) -> Result<(), Code> {
            let before = self.number;
            let number = &mut self.number;
            let store = |value| {
                *number = Some(value);
                Ok(())
            };
            let done = counter.advance(before, self.has_account, self.name, store);
            done.map_err(|error| error.code())
        }
    }

    #[test]
    fn a_start_with_an_empty_folder_leaves_the_counter_to_the_real_one() {
        let folder = tempfile::tempdir().unwrap();
        let counter = OpenCounter::file(folder.path().join("key.counter"));
        let mut real = Database::new(7);
        real.has_account = true;
        real.open(&counter).unwrap();
        let old = real;
        real.open(&counter).unwrap();
        let mut empty = Database::new(8);
        for _ in 0..3 {
            empty.open(&counter).unwrap();
        }
        assert_eq!(empty.number, None);
        let mut copy = old;
        assert_eq!(copy.open(&counter), Err(Code::StorageRolledBack));
        real.open(&counter).unwrap();
        // The other database has an account, so it keeps the counter and gives it back.
        let mut copy = empty;
        copy.has_account = true;
        copy.open(&counter).unwrap();
        assert_eq!(copy.number.unwrap() >> COUNT_BITS, 8);
        real.open(&counter).unwrap();
        let mut older = old;
        assert_eq!(older.open(&counter), Err(Code::StorageRolledBack));
        copy.open(&counter).unwrap();
    }

    #[test]
    fn numbers_from_before_there_were_names_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.counter");
        let counter = OpenCounter::file(&path);
        std::fs::write(&path, "4\n").unwrap();
        let mut database = Database::new(9);
        database.has_account = true;
        database.number = Some(2);
        assert_eq!(database.open(&counter), Err(Code::StorageRolledBack));
        database.number = Some(4);
        database.open(&counter).unwrap();
        assert_eq!(database.number, Some((9 << COUNT_BITS) | 6));
        database.open(&counter).unwrap();
        assert_eq!(database.number, Some((9 << COUNT_BITS) | 8));
    }

    #[test]
    fn a_garbled_counter_is_no_zero() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.counter");
        let counter = OpenCounter::file(&path);
        let mut database = Database::new(9);
        database.open(&counter).unwrap();
        let fine = std::fs::read(&path).unwrap();
        for garbled in [&b""[..], b"\n", b"four", b"-4", b"4 5", b"\xff\xfe", b"99999999999999999999"] {
            std::fs::write(&path, garbled).unwrap();
            assert_eq!(database.open(&counter), Err(Code::StorageCounter));
            assert_eq!(std::fs::read(&path).unwrap(), garbled, "untouched");
        }
        std::fs::write(&path, fine).unwrap();
        database.open(&counter).unwrap();
    }

    #[test]
    fn a_step_while_it_is_open_makes_what_was_before_an_old_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.counter");
        let counter = OpenCounter::file(&path);
        let mut database = Database::new(9);
        database.has_account = true;
        database.open(&counter).unwrap();
        let mut old = database;
        // Interrupted before and after the database has the number: the database itself always opens, its copy only
        // when the step is complete.
        let cut = counter.advance_open(database.number, 9, |_| Err(Code::StorageFull.into()));
        assert_eq!(cut.unwrap_err().code(), Code::StorageFull);
        let before = database.number;
        let number = &mut database.number;
        let store = |value| {
            *number = Some(value);
            Ok(())
        };
        counter.advance_open(before, 9, store).unwrap();
        assert_eq!(old.open(&counter), Err(Code::StorageRolledBack));
        database.open(&counter).unwrap();
    }

    #[test]
    fn only_a_crash_between_the_writes_is_forgiven() {
        assert_eq!(opening(None, None), Some(1));
        assert_eq!(opening(Some(4), Some(4)), Some(5));
        assert_eq!(opening(Some(5), Some(4)), Some(5), "not in the database yet");
        assert_eq!(opening(Some(5), Some(6)), Some(7), "not confirmed yet");
        assert_eq!(opening(None, Some(4)), Some(5), "the key store was emptied");
        assert_eq!(opening(Some(4), None), Some(5), "the database is new");
        for (host, database) in [(6, 4), (4, 6), (5, 2), (5, 8), (7, 4)] {
            assert_eq!(opening(Some(host), Some(database)), None, "{host} {database}");
        }
    }

    #[test]
    fn a_copy_from_before_the_last_open_is_refused_and_crashes_never_lock_out() {
        let folder = tempfile::tempdir().unwrap();
        let counter = OpenCounter::file(folder.path().join("key.counter"));
        let open = |database: Option<u64>| {
            let mut stored = None;
            counter
                .advance(database.map(named), true, 7, |value| {
                    stored = Some(count(value));
                    Ok(())
                })
                .map(|()| stored.unwrap())
        };
        let crash = |database| counter.advance(Some(named(database)), true, 7, |_| Err(Code::StorageFull.into()));
        assert_eq!(open(None).unwrap(), 2);
        for _ in 0..5 {
            assert_eq!(crash(2).unwrap_err().code(), Code::StorageFull);
        }
        assert_eq!(open(Some(2)).unwrap(), 4);
        assert_eq!(open(Some(2)).unwrap_err().code(), Code::StorageRolledBack);
        assert_eq!(open(Some(4)).unwrap(), 6);
    }

    /// Ten opens, each interrupted after each of its writes. The database itself always opens again. After a complete
    /// open no older copy opens.
    #[test]
    fn at_every_crash_point_the_database_opens_and_its_copies_do_not() {
        for cut in 0..3 {
            let (mut host, mut database) = (None, None);
            let mut copies = Vec::new();
            for _ in 0..10 {
                // An open that is interrupted after `cut` writes,
                let begun = opening(host, database).expect("the database itself");
                host = if cut > 0 { Some(begun) } else { host };
                database = if cut > 1 { Some(begun + 1) } else { database };
                for copy in copies.iter().filter(|copy| Some(**copy) != database) {
                    let last = copies.last() == Some(copy);
                    let forgiven = opening(host, Some(*copy)).is_some();
                    assert!(!forgiven || last, "cut {cut}: {copy} of {host:?}");
                }
                // and a complete one.
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
        OpenCounter::file(&path).advance(None, false, 7, |_| Ok(())).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing left beside it");
    }
}
