//! The migration to the newest schema, on folders that the program of schema 3 left mid-life.

use std::path::PathBuf;

use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;

const KEY: [u8; 32] = [7; 32];
const OLD: i64 = 3;

/// A copy of the folder of phone `who`.
fn old(who: u8) -> (TempDir, PathBuf) {
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/testkit/tests/fixtures/schema_3");
    let folder = tempfile::tempdir().unwrap();
    for name in ["account.db", "account.lock"] {
        std::fs::copy(format!("{from}/{who}/{name}"), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("account.db");
    (folder, path)
}

/// With so few pages in memory that the log also gets uncommitted ones.
fn open(path: &Path) -> Connection {
    let conn = connect(path).unwrap();
    unlock(&conn, &KEY).unwrap();
    conn.execute_batch("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=10").unwrap();
    conn
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The SQL of each table, index and trigger, without blanks and quotes.
fn schema(conn: &Connection) -> Vec<(String, String)> {
    let mut statement =
        conn.prepare("SELECT type||' '||name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    let plain = |sql: String| sql.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    rows.map(|row| row.map(|(name, sql)| (name, plain(sql))).unwrap()).collect()
}

/// All rows of all tables.
fn rows(conn: &Connection) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut tables = conn
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type='table'
        AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name",
        )
        .unwrap();
    let names = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    names
        .map(|name| {
            let name = name.unwrap();
            let mut all = conn.prepare(&format!("SELECT * FROM {name}")).unwrap();
            let columns = all.column_count();
            let rows = all.query_map([], |row| (0..columns).map(|i| row.get(i)).collect()).unwrap();
            let rows = rows.collect::<Result<_, _>>().unwrap();
            (name, rows)
        })
        .collect()
}

/// At every size limit of the file nothing is changed; with room the migration succeeds.
#[test]
fn a_disk_that_is_full_at_any_size_leaves_the_old_schema() {
    for who in 0..2 {
        let (_folder, path) = old(who);
        let mut conn = open(&path);
        // Much to send, which is copied, and no pages to spare.
        conn.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<20)
               INSERT INTO outbox SELECT NULL, kind, chat, message, m, session, seq, topic, payload, sealed_ms,
                 attempts, due_ms, last_s, check_ms, give_up_ms, created_ms, group_key FROM outbox, n;
             VACUUM; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
        let (had, before) = (number(&conn, "PRAGMA page_count"), rows(&conn));
        let parcels = number(&conn, "SELECT count(*) FROM outbox WHERE kind<>3"); // chunks are sealed again
        let file = std::fs::read(&path).unwrap();
        let mut full = 0;
        for most in had.. {
            number(&conn, &format!("PRAGMA max_page_count={most}"));
            match migrate(&mut conn, APPLICATION_ID, MIGRATIONS) {
                Ok(()) => break,
                Err(error) => assert_eq!(error, Error::Full, "{most} pages"),
            }
            full += 1;
            assert_eq!(number(&conn, "PRAGMA user_version"), OLD, "{most} pages");
            assert_eq!(rows(&conn), before, "{most} pages");
            assert!(std::fs::read(&path).unwrap() == file, "{most} pages: the file is as it was");
        }
        assert!(full > 15, "{full} sizes were too small");
        assert_eq!(number(&conn, "PRAGMA user_version"), MIGRATIONS.len() as i64);
        assert_eq!(number(&conn, "SELECT count(*) FROM messages"), count_of(&before, "messages"));
        assert_eq!(number(&conn, "SELECT count(*) FROM parcels"), parcels);
        drop(conn);
        drop(Account::open(&path, &KEY).unwrap());
    }
}

/// A folder of schema 4 keeps all its rows; columns of the newest schema have their defaults.
#[test]
fn a_folder_of_schema_4_gets_columns_and_keeps_its_rows() {
    let (_folder, path) = old(0);
    let mut conn = open(&path);
    migrate(&mut conn, APPLICATION_ID, &MIGRATIONS[..4]).unwrap();
    let before = rows(&conn);
    migrate(&mut conn, APPLICATION_ID, MIGRATIONS).unwrap();
    let new: i64 = count_of(&before, "persons") + count_of(&before, "conversations");
    let plain = "SELECT (SELECT count(*) FROM persons WHERE nickname IS NULL)
        + (SELECT count(*) FROM conversations WHERE listed=1 AND pinned+archived+muted_ms+marked=0)";
    assert_eq!(number(&conn, plain), new);
    let after = rows(&conn);
    for (name, had) in before.iter().filter(|(name, _)| !["fetches", "chunks"].contains(&name.as_str())) {
        let (_, has) = after.iter().find(|(other, _)| other == name).unwrap();
        let kept: Vec<_> = had.iter().zip(has).map(|(had, has)| &has[..had.len()]).collect();
        assert!(
            kept.iter().eq(&had.iter().map(|row| &row[..]).collect::<Vec<_>>()) && had.len() == has.len(),
            "{name}"
        );
    }
}

/// A long text that was being fetched, one that a person has to release, and another message with its pointer.
#[test]
fn long_texts_of_schema_7_take_the_path_of_files() {
    let (_folder, path) = old(0);
    let mut conn = open(&path);
    migrate(&mut conn, APPLICATION_ID, &MIGRATIONS[..7]).unwrap();
    conn.execute_batch(
        "DELETE FROM fetches;
         CREATE TEMP TABLE three AS
           SELECT id, conversation, row_number() OVER (ORDER BY id) AS n FROM messages LIMIT 3;
         INSERT INTO fetches SELECT id, conversation, 1, iif(n=2, x'02', x'01'), x'aa', n, 5,
           iif(n=2, 9223372036854775807, 77), 1000+n FROM three;
         INSERT INTO fetches VALUES(x'99', x'99', 1, x'07', x'aa', 1, 0, 1, 1); -- of no message
         INSERT INTO chunks SELECT id, 0, x'00' FROM three;
         INSERT INTO parcels(class, topic, sealed_ms, attempts, due_ms, last_s, give_up_ms)
           VALUES(3, '', 0, 0, 1, 0, 9)",
    )
    .unwrap();
    let kept = number(&conn, "SELECT count(*) FROM parcels WHERE class<>3");
    migrate(&mut conn, APPLICATION_ID, MIGRATIONS).unwrap();
    let of = |n: i64| {
        let sql = "SELECT f.state, f.due_ms, f.since_s, a.seq FROM three t JOIN attachments a ON a.message=t.id
            JOIN messages m ON m.id=t.id AND m.lamport=a.lamport AND m.time_s=a.time_s JOIN files f ON f.id=a.file
            WHERE n=?1 AND a.conversation=t.conversation AND a.i=255 AND a.session=x'aa' AND f.role=1
            AND f.pointer=iif(n=2, x'02', x'01') AND f.content IS NULL AND f.have=x''";
        conn.query_row(sql, [n], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))).unwrap()
    };
    assert_eq!([1, 2, 3].map(of), [(1, 77, 1001, 1), (0, i64::MAX, 1002, 2), (1, 77, 1003, 3_i64)]);
    assert_eq!(number(&conn, "SELECT count(*) FROM files"), 3);
    assert_eq!(number(&conn, "SELECT count(*) FROM parcels"), kept);
    drop(conn);
    let account = Account::open(&path, &KEY).unwrap();
    assert_eq!(account.read(|tx| tx.files.next(crate::FileState::Coming, 9)).unwrap().len(), 2);
}

fn count_of(rows: &[(String, Vec<Vec<Value>>)], table: &str) -> i64 {
    let (_, rows) = rows.iter().find(|(name, _)| name == table).unwrap();
    assert!(!rows.is_empty(), "{table}");
    rows.len() as i64
}

#[test]
fn an_old_folder_and_a_new_one_have_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("account.db");
    drop(Account::open(&new, &KEY).unwrap());
    let new = schema(&open(&new));
    assert!(new.iter().any(|(name, sql)| name == "table persons" && sql.contains("STRICT")));
    for who in 0..2 {
        let (_folder, path) = old(who);
        assert_ne!(schema(&open(&path)), new);
        drop(Account::open(&path, &KEY).unwrap());
        assert_eq!(schema(&open(&path)), new, "phone {who}");
    }
    let first = folder.path().join("first.db");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1.db"), &first).unwrap();
    drop(Account::open(&first, &KEY).unwrap());
    assert_eq!(schema(&open(&first)), new, "of the first version");
}

/// What is deleted is overwritten: in the file, and in the log once it is emptied. Without a key, so that the pages can
/// be looked into.
#[test]
fn a_deleted_text_is_in_no_page_of_the_file() {
    const SECRET: &str = "meet me at the old mill";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.db");
    let mut conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON").unwrap();
    migrate(&mut conn, 1, MIGRATIONS).unwrap();
    let empty = |conn: &Connection| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let found = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let times = |bytes: Vec<u8>| bytes.windows(SECRET.len()).filter(|part| *part == SECRET.as_bytes()).count();
        files.map(times).sum::<usize>()
    };
    let message = |n: u8, text: String| crate::Message {
        id: [n; 32],
        conversation: [n % 2; 32],
        author: n.is_multiple_of(3).then_some([1; 33]),
        kind: 1,
        m: text.clone().into_bytes(),
        text: Some(text),
        state: crate::MessageState::Received,
        reason: None,
        time_s: 0,
        lamport: n.into(),
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
    };
    for n in 0..40_u8 {
        let times = if n.is_multiple_of(4) { 2000 } else { 1 };
        Tables::of(&conn).messages.put(&message(n, SECRET.repeat(times))).unwrap();
    }
    empty(&conn);
    assert!(found() > 20_000, "{}", found());
    for n in (0..40).step_by(2) {
        Tables::of(&conn).messages.delete(&[n; 32]).unwrap();
    }
    Tables::of(&conn).messages.delete_all(&[1; 32]).unwrap();
    empty(&conn);
    assert_eq!(found(), 0);
    assert_eq!(number(&conn, "SELECT count(*) FROM messages WHERE state=7 AND text IS NULL AND m=x''"), 40);
}
