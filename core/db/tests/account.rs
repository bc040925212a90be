//! Opening, refusing, failing: the file is what it was, and says why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sotto_db::{Account, Error, Message, MessageState, Node, Tables};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.db");
    (folder, path)
}

fn set(path: &Path, value: &[u8]) {
    let mut account = Account::open(path, &KEY).unwrap();
    account.transaction(|mut tx| tx.kv.set("a", value)).unwrap();
}

fn get(path: &Path) -> Option<Vec<u8>> {
    Account::open(path, &KEY).unwrap().read(|tx| tx.kv.get("a")).unwrap()
}

/// Opening must fail this way and leave every byte alone.
fn refused(path: &Path, key: &[u8; 32], error: Error) {
    let before = fs::read(path).unwrap();
    assert_eq!(Account::open(path, key).unwrap_err(), error);
    assert_eq!(fs::read(path).unwrap(), before, "untouched");
}

fn message(n: u8) -> Message {
    Message {
        id: [n; 32],
        conversation: [1; 32],
        author: Some([0; 33]),
        kind: 1,
        m: vec![n; 400],
        text: Some(format!("text {n}")),
        state: MessageState::Received,
        reason: None,
        time_s: 1000 + i64::from(n / 2),
        lamport: i64::from(n / 4),
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

#[test]
fn what_is_committed_stays_and_files_are_private() {
    let (folder, path) = place();
    set(&path, b"kept");
    assert_eq!(get(&path).as_deref(), Some(&b"kept"[..]));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn one_process_a_folder() {
    let (_folder, path) = place();
    let first = Account::open(&path, &KEY).unwrap();
    assert_eq!(Account::open(&path, &KEY).unwrap_err(), Error::InUse);
    drop(first);
    assert!(Account::open(&path, &KEY).is_ok());
}

#[test]
fn a_wrong_key_and_files_that_are_something_else() {
    let (_folder, path) = place();
    set(&path, b"kept");
    refused(&path, &[8; 32], Error::WrongKey);
    assert_eq!(get(&path).as_deref(), Some(&b"kept"[..]), "the right key still opens it");

    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2 + 100]).unwrap();
    refused(&path, &KEY, Error::Corrupt);

    let (_folder, path) = place();
    let plain = rusqlite::Connection::open(&path).unwrap();
    plain.execute_batch("CREATE TABLE theirs(a)").unwrap();
    drop(plain);
    refused(&path, &KEY, Error::Foreign);

    let (_folder, path) = place();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch(&format!("PRAGMA key=\"x'{}'\"; CREATE TABLE theirs(a)", "07".repeat(32))).unwrap();
    drop(other);
    refused(&path, &KEY, Error::Foreign);
}

#[test]
fn a_newer_schema_is_left_alone() {
    let (_folder, path) = place();
    set(&path, b"kept");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer
        .execute_batch(&format!(
            "PRAGMA key=\"x'{}'\"; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version=1000;
             PRAGMA wal_checkpoint(TRUNCATE);",
            "07".repeat(32)
        ))
        .unwrap();
    drop(newer);
    refused(&path, &KEY, Error::Newer);
}

#[test]
fn damage_inside_is_found_when_it_is_read() {
    let (_folder, path) = place();
    set(&path, &[5; 50_000]);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    for byte in &mut bytes[end - 20_000..end - 19_900] {
        *byte ^= 1;
    }
    fs::write(&path, &bytes).unwrap();
    let read = Account::open(&path, &KEY).and_then(|account| account.read(|tx| tx.kv.get("a")));
    assert_eq!(read.unwrap_err(), Error::Corrupt);
}

#[test]
fn a_full_disk_undoes_the_step_and_only_that() {
    let (_folder, path) = place();
    let mut account = Account::open(&path, &KEY).unwrap();
    account.transaction(|mut tx| tx.kv.set("a", b"before")).unwrap();
    account.limit_pages(80).unwrap();
    let filled = account.transaction(|mut tx| {
        tx.kv.set("a", b"half")?;
        for n in 0..200_u8 {
            tx.kv.set(&format!("fill {n}"), &[n; 8000])?;
        }
        Ok::<_, Error>(())
    });
    assert_eq!(filled, Err(Error::Full));
    assert_eq!(account.read(|tx| tx.kv.get("a")).unwrap().unwrap(), b"before");
    account.limit_pages(100_000).unwrap();
    account.transaction(|mut tx| tx.kv.set("a", b"after")).unwrap();
    assert_eq!(account.read(|tx| tx.kv.get("a")).unwrap().unwrap(), b"after");
}

#[test]
fn a_reader_sees_commits_and_cannot_write() {
    let (_folder, path) = place();
    let mut account = Account::open(&path, &KEY).unwrap();
    let reader = account.reader().unwrap();
    assert_eq!(reader.tables().kv.get("a").unwrap(), None);
    account.transaction(|mut tx| tx.kv.set("a", b"1")).unwrap();
    assert_eq!(reader.tables().kv.get("a").unwrap().unwrap(), b"1");
    let undone = account.transaction(|mut tx| {
        tx.kv.set("a", b"2")?;
        Err::<(), _>(Error::Internal)
    });
    assert_eq!(undone, Err(Error::Internal));
    assert_eq!(reader.tables().kv.get("a").unwrap().unwrap(), b"1");
}

#[test]
fn pages_are_whole_and_in_order() {
    let (_folder, path) = place();
    let mut account = Account::open(&path, &KEY).unwrap();
    account
        .transaction(|mut tx| {
            for n in (0..100).rev() {
                assert!(tx.messages.add(&message(n))?);
                assert!(!tx.messages.add(&message(n))?, "twice");
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    let reader = account.reader().unwrap();
    let (mut before, mut all) = (None, Vec::new());
    loop {
        let page = reader.messages_page(&[1; 32], before, 7).unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.lamport, last.time_s, last.id));
        all.extend(page.into_iter().map(|message| message.id[0]));
    }
    assert_eq!(all, (0..100).rev().collect::<Vec<u8>>());
}

#[test]
fn no_text_is_found_in_any_file() {
    let (folder, path) = place();
    let canary = "canary-7f3a9c-in-a-text";
    let mut account = Account::open(&path, &KEY).unwrap();
    account
        .transaction(|mut tx| {
            for n in 0..100 {
                let text = Some(format!("{canary} {n}"));
                tx.messages.add(&Message { text, ..message(n) })?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    for _ in 0..2 {
        let mut scanned = 0;
        for entry in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            scanned += bytes.len();
            assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()));
        }
        assert!(scanned > 40_000, "the rows are there: {scanned}");
        account.truncate().unwrap();
    }
    assert!(account.read(|tx| tx.messages.get(&[5; 32])).unwrap().unwrap().text.unwrap().contains(canary));
}

/// A database as the first version wrote it must open for ever.
#[test]
fn the_first_versions_file_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.db");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1.db");
    fs::copy(fixture, &path).unwrap();
    assert_eq!(get(&path).as_deref(), Some(&b"written by version 1"[..]));
    let account = Account::open(&path, &KEY).unwrap();
    assert_eq!(account.read(|tx| tx.messages.get(&[3; 32])).unwrap(), Some(message(3)));
}

#[test]
fn nodes_are_kept_by_network() {
    let (_folder, path) = place();
    let mut account = Account::open(&path, &KEY).unwrap();
    let node = |network: &str, failures| Node {
        network: network.into(),
        peer: "16Uiu2".into(),
        addresses: "/ip4/1.2.3.4/tcp/1\n/dns4/a.b/tcp/1".into(),
        source: 2,
        circle: 1,
        successes: 3,
        failures,
        answered_s: 9,
    };
    let put = |mut tx: Tables<'_>| {
        tx.nodes.put(&node("a", 0))?;
        tx.nodes.put(&node("a", 1))?;
        tx.nodes.put(&node("b", 2))?;
        tx.nodes.remove("b", "nobody")
    };
    account.transaction(put).unwrap();
    drop(account);
    let mut account = Account::open(&path, &KEY).unwrap();
    assert_eq!(account.read(|tx| tx.nodes.of("a")).unwrap(), [node("a", 1)]);
    let elsewhere = account.read(|tx| tx.nodes.elsewhere("a")).unwrap();
    assert_eq!(elsewhere, [node("b", 2)]);
    account.transaction(|mut tx| tx.nodes.remove("a", "16Uiu2")).unwrap();
    assert_eq!(account.read(|tx| tx.nodes.of("a")).unwrap(), []);
    assert_eq!(account.read(|tx| tx.nodes.of("b")).unwrap(), [node("b", 2)]);
}

/// Made the fixture; run by hand when a schema is released.
#[test]
#[ignore = "writes the fixture"]
fn make_fixture() {
    let (_folder, path) = place();
    set(&path, b"written by version 1");
    let mut account = Account::open(&path, &KEY).unwrap();
    account.transaction(|mut tx| tx.messages.add(&message(3))).unwrap();
    account.truncate().unwrap();
    drop(account);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1.db");
    fs::copy(&path, fixture).unwrap();
}
