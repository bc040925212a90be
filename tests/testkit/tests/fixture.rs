//! Folders of earlier programs open, and live on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sotto_db::Account;
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

/// Number of rows of a table, by a column's value.
fn count(folder: &Path, sql: &str) -> i64 {
    life::database(folder).query_row(&format!("SELECT count(*) FROM {sql}"), [], |row| row.get(0)).unwrap()
}

/// Cut off mid-life by the program that wrote schema 3.
#[test]
fn folders_of_schema_3_live_on() {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("schema_3"), folder.path());
    for who in ["0", "1"] {
        drop(Account::open(&folder.path().join(who).join("account.db"), &KEY).unwrap());
        assert_eq!(life::orphans(&folder.path().join(who)), [], "{who}, just migrated");
    }
    life::live(folder.path());
    life::check(folder.path(), "schema 3");
}

/// Each query for orphans finds some, once there are any.
#[test]
fn rows_that_refer_to_nothing_are_found() {
    let old = tempfile::tempdir().unwrap();
    copy(&fixtures().join("schema_3"), old.path());
    for who in ["0", "1"] {
        drop(Account::open(&old.path().join(who).join("account.db"), &KEY).unwrap());
    }
    let mut found = BTreeSet::new();
    for damage in [
        "DELETE FROM parcels",
        "DELETE FROM items",
        "UPDATE items SET chat=zeroblob(33)",
        "DELETE FROM messages",
        "DELETE FROM links",
        "DELETE FROM sessions",
        "DELETE FROM peers",
        "DELETE FROM persons",
        "UPDATE persons SET state=4",
        "DELETE FROM conversations",
        "DELETE FROM prekeys",
        "UPDATE arrivals SET answer=zeroblob(32)",
        "UPDATE devices SET standing=0",
        "INSERT INTO devices SELECT chat, zeroblob(16), identity, signing, 1, record, NULL, NULL, 0, 0, 0 FROM devices",
        "INSERT INTO annotations SELECT zeroblob(32), 14, peer, x'', id, x'01', 0, 0, zeroblob(32) FROM conversations;
         INSERT INTO early SELECT zeroblob(32), zeroblob(32), id, peer, 14, x'', 0, 0, 0 FROM conversations;
         DELETE FROM conversations",
        "INSERT INTO attachments VALUES(zeroblob(32), 0, zeroblob(16), x'01', 0, 0, 0, x'', 1);
         INSERT INTO contents VALUES(zeroblob(8), zeroblob(32), 1, NULL);
         INSERT INTO files VALUES(zeroblob(15), x'', 0, x'01', 2, 1, x'', NULL, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0,
           NULL, 0, 0)",
        "UPDATE files SET role=0",
        "UPDATE files SET id=randomblob(16)",
        "UPDATE seen_held SET payloads=payloads+1",
        "DELETE FROM seen_held",
        "UPDATE skipped_held SET keys=keys+1",
        "DELETE FROM skipped_held",
        "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='messages_page'",
    ] {
        for who in ["0", "1"] {
            let folder = tempfile::tempdir().unwrap();
            copy(&old.path().join(who), folder.path());
            // The triggers of search need a function of the program.
            let sql =
                format!("PRAGMA foreign_keys=OFF; DROP TRIGGER search_went; DROP TRIGGER search_changed; {damage}");
            life::database(folder.path()).execute_batch(&sql).unwrap();
            found.extend(life::orphans(folder.path()).into_iter().map(|(sql, _)| sql));
        }
    }
    let blind: Vec<_> = life::ORPHANS.iter().filter(|sql| !found.contains(*sql)).collect();
    assert!(blind.is_empty(), "{blind:#?}");
}

/// Makes the fixture of the current schema, before a migration is added; `SOTTO_FIXTURE` is its number.
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
        (&receiver, "attachments WHERE session IS NOT NULL"),
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
