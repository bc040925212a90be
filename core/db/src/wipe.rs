//! Destroys a database, so that no key can read it again.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::account::{lock, sync_folder};

/// Bytes that one write overwrites.
const CHUNK: usize = 64 << 10;

/// A step on one file: what happens to it, and the ending after the database's name.
type Step = (fn(&Path) -> Result<(), Error>, &'static str);

/// The steps in order. The database comes before its log, because without the log an older state of the database would
/// open. The lock file is removed last: until then it records that there was a database.
const STEPS: [Step; 8] = [
    (shred, ""),
    (shred, "-wal"),
    (shred, "-journal"),
    (shred, "-shm"),
    (remove, "-shm"),
    (remove, "-journal"),
    (remove, "-wal"),
    (remove, ""),
];

/// Destroys the database at `path`, its log and its lock file. The database must not be open.
pub(crate) fn wipe(path: &Path) -> Result<(), Error> {
    if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        return Ok(());
    }
    let lock = lock(path)?;
    STEPS.iter().try_for_each(|step| carry_out(path, *step))?;
    sync_folder(path)?;
    remove(&path.with_extension("lock"))?;
    drop(lock);
    sync_folder(path)
}

fn carry_out(path: &Path, (step, end): Step) -> Result<(), Error> {
    let mut file = PathBuf::from(path);
    file.as_mut_os_string().push(end);
    step(&file)
}

/// Overwrites the file with zeros, then empties it. SQLCipher opens no page without the salt in the first.
fn shred(path: &Path) -> Result<(), Error> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut left = file.metadata()?.len();
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        file.write_all(vec![0; part].as_slice())?;
        left = left.saturating_sub(part as u64);
    }
    file.sync_all()?;
    file.set_len(0)?;
    Ok(File::sync_all(&file)?)
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::Account;

    const KEY: [u8; 32] = [7; 32];

    /// A folder as a crash leaves it: the log holds all rows.
    fn crashed() -> (TempDir, PathBuf) {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut account = Account::open(&from.path().join("account.db"), &KEY).unwrap();
        for n in 0..50_u8 {
            account.transaction(|mut tx| tx.kv.set(&format!("{n}"), &[n; 3000])).unwrap();
        }
        for file in std::fs::read_dir(from.path()).unwrap() {
            let file = file.unwrap().path();
            std::fs::copy(&file, to.path().join(file.file_name().unwrap())).unwrap();
        }
        let path = to.path().join("account.db");
        (to, path)
    }

    fn files(folder: &TempDir) -> usize {
        std::fs::read_dir(folder.path()).unwrap().count()
    }

    /// A new database can be made at once and has no row of the old one.
    fn is_free(folder: &TempDir, path: &Path) {
        assert_eq!((files(folder), Account::is_there(path).unwrap()), (0, false));
        let account = Account::open(path, &[8; 32]).unwrap();
        assert_eq!(account.read(|tx| tx.kv.get("1")).unwrap(), None);
    }

    #[test]
    fn killed_after_any_step_nothing_can_be_read_and_the_rest_goes_the_next_time() {
        let (folder, path) = crashed();
        assert!(files(&folder) >= 4, "a log too");
        drop(Account::open(&path, &KEY).unwrap());
        for done in 1..=STEPS.len() {
            let (folder, path) = crashed();
            STEPS.iter().take(done).for_each(|step| carry_out(&path, *step).unwrap());
            assert_eq!(Account::open(&path, &KEY).unwrap_err(), Error::Corrupt, "{done}");
            assert!(Account::is_there(&path).unwrap());
            wipe(&path).unwrap();
            is_free(&folder, &path);
        }
    }

    #[test]
    fn with_its_first_bytes_everything_is_gone() {
        let (folder, path) = crashed();
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(&[0; 512]).unwrap(); // a sector
        assert!(Account::open(&path, &KEY).is_err());
        wipe(&path).unwrap();
        is_free(&folder, &path);
    }

    #[test]
    fn whatever_lies_there_goes_but_what_somebody_has_open() {
        let (folder, path) = crashed();
        std::fs::write(&path, b"no database at all").unwrap();
        wipe(&path).unwrap();
        is_free(&folder, &path);

        let (folder, path) = crashed();
        let account = Account::open(&path, &KEY).unwrap();
        assert_eq!(wipe(&path), Err(Error::InUse));
        assert_eq!(account.read(|tx| tx.kv.get("1")).unwrap(), Some(vec![1; 3000]));
        drop(account);
        wipe(&path).unwrap();
        wipe(&path).unwrap();
        is_free(&folder, &path);
        wipe(&folder.path().join("nowhere/account.db")).unwrap();
        assert!(!folder.path().join("nowhere").exists());
    }
}
