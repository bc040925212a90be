//! Folders that earlier programs wrote open, and live on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use sotto_testkit::{KEY, life};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// How many rows of a table there are, by a column's value.
fn count(folder: &Path, sql: &str) -> i64 {
    let conn = rusqlite::Connection::open(folder.join("account.db")).unwrap();
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key = \"x'{hex}'\"")).unwrap();
    conn.query_row(&format!("SELECT count(*) FROM {sql}"), [], |row| row.get(0)).unwrap()
}

/// Cut off mid-life by the program that wrote schema 3.
#[test]
fn folders_of_schema_3_live_on() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("schema_3"), folder.path());
    life::live(folder.path());
    life::check(folder.path(), "schema 3");
}

/// Makes the fixture of the schema that is in force, before a migration is added: its number in `SOTTO_FIXTURE`.
#[test]
#[ignore = "writes a fixture"]
fn make() {
    let name = std::env::var("SOTTO_FIXTURE").unwrap();
    let folder = tempfile::tempdir().unwrap();
    life::make_folder(folder.path());
    life::cut_off(folder.path());
    let sender = folder.path().join("0");
    let receiver = folder.path().join("1");
    for (who, rows) in [
        (&sender, "outbox WHERE kind=0 AND seq IS NOT NULL"),
        (&receiver, "outbox WHERE kind=0"),
        (&receiver, "outbox WHERE kind=1"),
        (&receiver, "outbox WHERE kind=2"),
        (&receiver, "outbox WHERE kind=3"),
        (&sender, "attempts"),
        (&receiver, "holes"),
        (&receiver, "fetches"),
        (&receiver, "waiting"),
        (&receiver, "skipped"),
        (&receiver, "invites"),
        (&receiver, "arrivals"),
        (&receiver, "news"),
        (&sender, "contacts WHERE reset_pair IS NOT NULL"),
        (&receiver, "prekeys WHERE chat IS NOT NULL"),
        (&sender, "devices"),
        (&sender, "seen"),
    ] {
        assert!(count(who, rows) > 0, "no {rows}");
    }
    copy(folder.path(), &fixtures().join(format!("schema_{name}")));
}
