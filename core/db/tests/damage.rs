//! Any damage of the database file is reported as damage, by the open or by the first read that meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sotto_db::{Account, Error, FileState, Message, MessageState, Tables};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];
const PAGE: usize = 4096;
/// In the salt, SQLite's header, the middle, the last byte of content, the vector, the MAC.
const PLACES: [usize; 9] = [0, 15, 17, 100, 2000, 4015, 4016, 4032, 4095];

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.db");
    (folder, path)
}

fn message(n: u8) -> Message {
    Message {
        id: [n; 32],
        conversation: [1; 32],
        author: Some([9; 33]),
        kind: 1,
        m: vec![n; 400],
        text: Some(format!("text {n}")),
        state: MessageState::Received,
        reason: None,
        time_s: 1000,
        lamport: i64::from(n),
        newer: false,
        fetching: false,
        read: false,
        added_ms: 0,
        unconfirmed: false,
        resent_ms: 0,
        marked: false,
        body: None,
        edited: false,
        names: String::new(),
        deleted_by: None,
        expire_s: 0,
        expires_ms: None,
    }
}

/// Long values and short ones.
fn fill(mut tx: Tables<'_>) -> Result<(), Error> {
    for n in 0..40_u8 {
        tx.kv.set(&format!("{n}"), &vec![n + 1; 100 + 300 * usize::from(n)])?;
        tx.messages.add(&message(n))?;
    }
    Ok(())
}

type All = (Vec<Option<Vec<u8>>>, Vec<Option<Message>>, usize);

/// Reads all of it, as the engine and as the API do.
fn read(path: &Path) -> Result<All, Error> {
    let account = Account::open(path, &KEY)?;
    let reader = account.reader()?;
    let shown = reader.messages_page(&[1; 32], None, 100)?.len() + reader.search("\"text\"", None, None, 100)?.len();
    assert!(reader.pins(&[1; 32], 15)?.is_empty() && reader.annotations(&[1; 32])?.is_empty());
    assert!(!account.read(|tx| tx.messages.has_unindexed())?);
    account.read(|tx| {
        let queues = [
            tx.parcels.due_ms()?,
            tx.parcels.check_ms()?,
            tx.links.due_ms()?,
            tx.persons.cards_due_ms()?,
            tx.invites.due_ms()?,
            tx.news.due_ms()?,
            tx.holes.due_ms()?,
            tx.messages.expires_ms()?,
        ];
        assert!(
            tx.files.next(FileState::Going, 1)?.is_empty()
                && tx.files.preview_due_ms()?.is_none()
                && tx.contents.names()?.is_empty()
        );
        assert!(tx.files.automatic()?.is_empty() && tx.attachments.of_file(&[1; 16])?.is_empty());
        assert!(tx.attachments.of(&[1; 32])?.is_empty() && reader.files_page(&[1; 32], None, None, 9)?.is_empty());
        assert!(tx.files.of_content(&[1; 8])?.is_empty() && tx.files.of_pointer(&[1; 76])?.is_none());
        assert!(tx.contents.of_hash(&[1; 32])?.is_none());
        assert!(tx.early.one(&[1; 32], 14, &[2; 33])?.is_none() && tx.messages.newer(1)?.is_empty());
        assert!(queues.iter().all(Option::is_none));
        no_groups(tx)?;
        let values = (0..40).map(|n| tx.kv.get(&format!("{n}")));
        let messages = (0..40).map(|n| tx.messages.get(&[n; 32]));
        Ok((values.collect::<Result<_, _>>()?, messages.collect::<Result<_, _>>()?, shown))
    })
}

fn no_groups(tx: &Tables<'_>) -> Result<(), Error> {
    let id = [1; 32];
    assert!(tx.groups.all()?.is_empty() && tx.groups.due_ms()?.is_none() && tx.groups.past_ms()?.is_none());
    assert!(tx.group_entries.of(&id)?.is_empty() && tx.group_leaves.of(&id)?.is_empty());
    assert!(tx.group_exchange.of(&id)?.is_empty() && tx.group_passed.get(&id, &[1; 16], &1)?.is_none());
    assert!(tx.group_epochs.of(&id)?.is_empty() && tx.group_epochs.over(1)?.is_empty());
    assert!(tx.group_chains.all()?.is_empty() && tx.group_chains.due_ms()?.is_none());
    assert!(tx.group_skipped.by_tag(&[1; 16])?.is_none() && tx.group_copies.of_message(&id)?.is_none());
    assert!(tx.group_parts.of(&id, &id)?.is_empty() && tx.group_old_keys.due(&id, 1)?.is_none());
    assert!(tx.group_invites.of(&id)?.is_empty() && tx.group_invites.at(&id)?.is_none());
    Ok(())
}

struct Whole {
    folder: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
    all: All,
}

impl Whole {
    fn new() -> Self {
        let (folder, path) = place();
        let mut account = Account::open(&path, &KEY).unwrap();
        account.transaction(fill).unwrap();
        account.truncate().unwrap();
        drop(account);
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 50 * PAGE);
        let all = read(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "reading changes nothing");
        Self { folder, path, bytes, all }
    }

    /// The report for these bytes in place of the file. If all reads succeed, the damaged bytes were unused.
    fn said(&self, bytes: &[u8]) -> Option<Error> {
        for part in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.folder.path().join(format!("account.db{part}")));
        }
        fs::write(&self.path, bytes).unwrap();
        match read(&self.path) {
            Ok(all) => {
                assert!(all == self.all, "silently another content");
                None
            }
            Err(error) => Some(error),
        }
    }
}

#[test]
fn every_page_and_every_part_of_it() {
    let whole = Whole::new();
    let mut unused = 0;
    let mut said = BTreeMap::<String, Vec<String>>::new();
    let pages = whole.bytes.len() / PAGE;
    for page in 0..pages {
        let mut damages: Vec<(String, Vec<u8>)> = PLACES
            .map(|place| {
                let mut bytes = whole.bytes.clone();
                bytes[page * PAGE + place] ^= 1;
                (format!("page {page}, byte {place}"), bytes)
            })
            .into();
        for fill in [0, 0xff] {
            let mut bytes = whole.bytes.clone();
            bytes[page * PAGE..(page + 1) * PAGE].fill(fill);
            damages.push((format!("page {page} filled with {fill}"), bytes));
        }
        let other = (page + 1) % pages;
        let mut bytes = whole.bytes.clone();
        bytes.copy_within(other * PAGE..(other + 1) * PAGE, page * PAGE);
        damages.push((format!("page {page} overwritten by {other}"), bytes));
        for (what, bytes) in damages {
            match whole.said(&bytes) {
                Some(Error::Corrupt) => {}
                Some(other) => said.entry(format!("{other:?}")).or_default().push(what),
                None => unused += 1,
            }
        }
    }
    assert!(said.is_empty(), "{said:?}");
    assert!(unused <= 54 * 12, "{unused} of {pages} pages");
}

#[test]
fn every_cut() {
    let whole = Whole::new();
    let pages = whole.bytes.len() / PAGE;
    for page in 0..pages {
        for rest in [0, 1, 100, 4095] {
            let cut = &whole.bytes[..page * PAGE + rest];
            let said = whole.said(cut);
            assert_eq!(said, Some(Error::Corrupt), "{page} pages and {rest} bytes");
        }
    }
}

#[test]
fn a_wrong_key_is_called_so_whatever_else_is_wrong() {
    let whole = Whole::new();
    for damage in [None, Some(0), Some(50), Some(PAGE + 50)] {
        let mut bytes = whole.bytes.clone();
        if let Some(at) = damage {
            bytes[at] ^= 1;
        }
        fs::write(&whole.path, &bytes).unwrap();
        let other = Account::open(&whole.path, &[8; 32]).unwrap_err();
        assert_eq!(other, Error::WrongKey);
        assert_eq!(fs::read(&whole.path).unwrap(), bytes, "untouched");
    }
}

/// A file from before marks existed gets one; a damaged mark is written again.
#[test]
fn the_mark_is_made_by_an_open_that_works() {
    let whole = Whole::new();
    let lock = whole.path.with_extension("lock");
    let mark = fs::read(&lock).unwrap();
    let mut other = mark.clone();
    other[0] ^= 1;
    for before in [&[][..], &mark[..7], &other[..]] {
        fs::write(&lock, before).unwrap();
        assert_eq!(Account::open(&whole.path, &[8; 32]).unwrap_err(), Error::WrongKey);
        assert_eq!(fs::read(&lock).unwrap(), before);
        assert!(read(&whole.path).unwrap() == whole.all);
        assert_eq!(fs::read(&lock).unwrap(), mark);
    }
}

#[test]
fn where_a_database_was_none_is_made() {
    let whole = Whole::new();
    assert!(Account::is_there(&whole.path).unwrap());
    let gone = |path: &Path| {
        assert!(Account::is_there(path).unwrap());
        assert_eq!(read(path).unwrap_err(), Error::Corrupt);
        fs::metadata(path).map_or(0, |file| file.len())
    };
    fs::write(&whole.path, []).unwrap();
    assert_eq!(gone(&whole.path), 0, "empty");
    fs::remove_file(&whole.path).unwrap();
    assert_eq!(gone(&whole.path), 0, "not there");
    assert!(!whole.path.exists());
    // The first page alone, as SQLite writes it before anything else; its log is lost.
    fs::write(&whole.path, &whole.bytes).unwrap();
    let (_other, fresh) = place();
    let connection = rusqlite::Connection::open(&fresh).unwrap();
    connection.execute_batch(&format!("PRAGMA key=\"x'{}'\"; PRAGMA journal_mode=WAL;", "07".repeat(32))).unwrap();
    drop(connection);
    assert_eq!(fs::metadata(&fresh).unwrap().len(), PAGE as u64);
    fs::copy(&fresh, &whole.path).unwrap();
    gone(&whole.path);

    // Without the lock file its log shows it.
    let (_folder, path) = place();
    fs::write(&path, []).unwrap();
    fs::write(path.with_extension("db-wal"), [1; 100]).unwrap();
    gone(&path);
}

#[test]
fn a_first_start_that_was_cut_short_is_begun_again() {
    let (_folder, path) = place();
    fs::write(path.with_extension("lock"), []).unwrap();
    fs::write(&path, []).unwrap();
    assert!(!Account::is_there(&path).unwrap());
    let mut account = Account::open(&path, &KEY).unwrap();
    account.transaction(fill).unwrap();
    drop(account);
    assert!(read(&path).is_ok());
}
