use super::*;

const RETENTION: Retention = Retention { age: Duration::from_secs(3600), bytes: 1 << 30 };

struct Fixture {
    folder: tempfile::TempDir,
    archive: Archive,
}

impl Fixture {
    fn new(retention: Retention) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive.db"), retention).unwrap();
        Self { folder, archive }
    }
}

/// Message number `n`: three to a timestamp, on topic `n % 4`, every fifth on another shard.
fn entry(n: u32) -> Entry {
    let mut hash = [0; 32];
    // The order of hashes within a timestamp is not the order of numbers.
    hash[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
    hash[4..8].copy_from_slice(&n.to_be_bytes());
    Entry {
        hash,
        timestamp_ns: i64::from(n / 3) * 1000,
        pubsub_topic: if n.is_multiple_of(5) { "b" } else { "a" }.into(),
        content_topic: format!("/t/1/{}/proto", n % 4),
        message: n.to_be_bytes().to_vec(),
    }
}

fn range(content_topics: &[&str]) -> Find {
    Find::Range {
        pubsub_topic: None,
        content_topics: content_topics.iter().map(|&t| t.to_owned()).collect(),
        start_ns: None,
        end_ns: None,
    }
}

impl Entry {
    fn place(&self) -> Place {
        (self.timestamp_ns, self.hash)
    }
}

/// All pages in one direction, joined in ascending order.
fn pages(archive: &Archive, find: &Find, forward: bool, limit: usize) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let mut cursor = None;
    loop {
        let query = Query { find: find.clone(), cursor, forward, limit, bytes: Some(usize::MAX) };
        let page = archive.query(&query).unwrap();
        assert!(page.entries.len() <= limit);
        assert!(page.entries.is_sorted_by_key(Entry::place));
        let edge = if forward { page.entries.last() } else { page.entries.first() };
        cursor = edge.map(|entry| entry.hash);
        if forward {
            found.extend(page.entries);
        } else {
            found.splice(0..0, page.entries);
        }
        if !page.more {
            return found;
        }
        assert!(cursor.is_some(), "more, but nothing to go on from");
    }
}

#[test]
fn pages_hold_each_match_once_in_both_directions() {
    let mut fixture = Fixture::new(RETENTION);
    let every: Vec<Entry> = (0..200).map(entry).collect();
    fixture.archive.put(&every).unwrap();
    type Fits = fn(&Entry) -> bool;
    let topics = ["/t/1/1/proto", "/t/1/3/proto", "/t/1/1/proto"];
    let cases: Vec<(Find, Fits)> = vec![
        (range(&[]), |_| true),
        (range(&topics), |e| e.content_topic == "/t/1/1/proto" || e.content_topic == "/t/1/3/proto"),
        (
            Find::Range {
                pubsub_topic: Some("b".into()),
                content_topics: vec!["/t/1/2/proto".into()],
                start_ns: Some(3000),
                end_ns: Some(40_000),
            },
            |e| e.pubsub_topic == "b" && e.content_topic == "/t/1/2/proto" && (3000..=40_000).contains(&e.timestamp_ns),
        ),
        (Find::Hashes((50..90).map(|n| entry(n).hash).collect()), |e| (50..90).any(|n| entry(n).hash == e.hash)),
        (range(&["/t/1/9/proto"]), |_| false),
    ];
    for (find, fits) in cases {
        let mut wanted: Vec<Entry> = every.iter().filter(|e| fits(e)).cloned().collect();
        wanted.sort_by_key(Entry::place);
        for limit in [1, 7, 100] {
            for forward in [true, false] {
                let found = pages(&fixture.archive, &find, forward, limit);
                assert_eq!(found, wanted, "{find:?} {forward} {limit}");
            }
        }
    }
}

#[test]
fn a_message_is_kept_once_and_survives_reopening() {
    let Fixture { folder, mut archive } = Fixture::new(RETENTION);
    archive.put(&[entry(1), entry(1)]).unwrap();
    archive.put(&[Entry { message: vec![9], ..entry(1) }]).unwrap();
    drop(archive);
    let archive = Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap();
    assert_eq!(pages(&archive, &range(&[]), true, 10), [entry(1)]);
}

#[test]
fn an_unknown_cursor_is_no_empty_page() {
    let mut fixture = Fixture::new(RETENTION);
    fixture.archive.put(&[entry(1)]).unwrap();
    let query = Query { find: range(&[]), cursor: Some([7; 32]), forward: true, limit: 10, bytes: None };
    assert_eq!(fixture.archive.query(&query), Err(QueryError::UnknownCursor));
}

#[test]
fn what_is_too_old_goes() {
    let mut fixture = Fixture::new(Retention { age: Duration::from_nanos(5000), ..RETENTION });
    let every: Vec<Entry> = (0..60).map(entry).collect();
    fixture.archive.put(&every).unwrap();
    assert_eq!(fixture.archive.expire(15_000).unwrap(), 30);
    let left = pages(&fixture.archive, &range(&[]), true, 100);
    assert_eq!(left.len(), 30);
    assert!(left.iter().all(|entry| entry.timestamp_ns >= 10_000));
}

#[test]
fn a_full_archive_lets_go_of_the_oldest() {
    let bytes = 2 << 20;
    let mut fixture = Fixture::new(Retention { bytes, ..RETENTION });
    for n in 0..120 {
        let message = vec![7; 64 << 10];
        fixture.archive.put(&[Entry { message, ..entry(n) }]).unwrap();
        assert!(fixture.archive.used_bytes().unwrap() <= bytes);
    }
    let left = pages(&fixture.archive, &range(&[]), true, 100);
    assert!(!left.is_empty());
    assert_eq!(left.last().map(Entry::place), (117..120).map(|n| entry(n).place()).max());
}

#[test]
fn another_process_and_another_file_are_refused() {
    let fixture = Fixture::new(RETENTION);
    let path = fixture.folder.path().join("archive.db");
    assert_eq!(Archive::open(&path, RETENTION).unwrap_err(), Error::InUse);
    let account = fixture.folder.path().join("account.db");
    drop(crate::Account::open(&account, &[1; 32]).unwrap());
    assert_eq!(Archive::open(&account, RETENTION).unwrap_err(), Error::Foreign);
    let other = fixture.folder.path().join("other.db");
    let conn = Connection::open(&other).unwrap();
    conn.execute_batch("CREATE TABLE x(y)").unwrap();
    drop(conn);
    assert_eq!(Archive::open(&other, RETENTION).unwrap_err(), Error::Foreign);
}

#[test]
fn pages_are_read_by_an_index() {
    let fixture = Fixture::new(RETENTION);
    for (content, pubsub, index) in [
        (false, false, "messages_time ("),
        (false, true, "messages_shard (pubsub_topic=? AND "),
        (true, true, "messages_topic (content_topic=? AND pubsub_topic=? AND "),
    ] {
        let sql = by_time_sql(content, pubsub, false);
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = fixture.archive.conn.prepare(&sql).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan += &row.get::<_, String>(3).unwrap();
        }
        assert!(plan.contains(&format!("COVERING INDEX {index}")), "{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("B-TREE"), "{plan}");
    }
}

#[test]
fn an_archive_of_the_first_version_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.db");
    private_file(&path).unwrap();
    let mut conn = connect(&path).unwrap();
    migrate(&mut conn, APPLICATION_ID, &MIGRATIONS[..1]).unwrap();
    let old = entry(1);
    let values = params![old.hash, old.timestamp_ns, old.pubsub_topic, old.content_topic, old.message];
    conn.execute("INSERT INTO messages VALUES(?,?,?,?,?)", values).unwrap();
    drop(conn);
    let mut archive = Archive::open(&path, RETENTION).unwrap();
    archive.put(&[entry(2)]).unwrap();
    let found = pages(&archive, &range(&[]), true, 10);
    assert_eq!(found.len(), 2);
    assert!(found.contains(&old));
}

#[test]
fn no_more_is_read_than_the_bytes_asked_for() {
    let mut fixture = Fixture::new(RETENTION);
    let long = |n| Entry { message: vec![7; 100], ..entry(n) };
    let every: Vec<Entry> = (0..40).map(long).collect();
    fixture.archive.put(&every).unwrap();
    let hashes = Find::Hashes(every.iter().map(|entry| entry.hash).collect());
    for find in [range(&[]), range(&["/t/1/1/proto", "/t/1/2/proto"]), hashes] {
        let whole = pages(&fixture.archive, &find, true, 100);
        for (bytes, read) in [(350, 3), (300, 3), (299, 2), (99, 1), (0, 1)] {
            for forward in [true, false] {
                let mut query = Query { find: find.clone(), cursor: None, forward, limit: 100, bytes: Some(bytes) };
                let page = fixture.archive.query(&query).unwrap();
                let end = if forward { 0 } else { whole.len() - read };
                assert_eq!(page.entries, whole[end..end + read]);
                assert!(page.more);
                query.bytes = None;
                let page = fixture.archive.query(&query).unwrap();
                assert!(page.entries.iter().all(|entry| entry.message.is_empty()));
                assert_eq!((page.entries.len(), page.more), (whole.len(), false));
            }
        }
    }
}
