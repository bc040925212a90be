//! `migration make|open FILE`: a database of schema 3 with 100,000 messages and as many keys of messages passed by; and
//! what it costs to open it: time, bytes of the log, the most memory (Linux). `scripts/bench` runs it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program"
)]

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};
use sotto_db::Account;

const KEY: [u8; 32] = [7; 32];
const MESSAGES: u32 = 100_000;
const SKIPPED: u32 = 100_000;
const CONTACTS: u32 = 40;
const UNSENT: u32 = 1000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let path = Path::new(&args[2]);
    match args[1].as_str() {
        "make" => make(path),
        "open" => {
            let start = Instant::now();
            let account = Account::open(path, &KEY).unwrap();
            let ms = start.elapsed().as_millis();
            let log = std::fs::metadata(format!("{}-wal", path.display())).unwrap().len();
            println!("{ms} ms, log of {} KiB, memory {}", log >> 10, memory());
            let counts = account.reader().unwrap().counts().unwrap();
            assert_eq!((counts.messages, counts.skipped), (MESSAGES.into(), SKIPPED.into()));
        }
        other => panic!("{other}?"),
    }
}

/// The most that was resident.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(String::new, |line| line.trim().to_owned())
}

/// `n` at the front of so many bytes, in no order.
fn id<const N: usize>(n: u32) -> [u8; N] {
    let mut id = [0; N];
    id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    id
}

fn make(path: &Path) {
    let mut conn = Connection::open(path).unwrap();
    let hex: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    conn.execute_batch(&format!("PRAGMA key=\"x'{hex}'\"; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON")).unwrap();
    let tx = conn.transaction().unwrap();
    for schema in [
        include_str!("../src/schema.sql"),
        include_str!("../src/schema_nodes.sql"),
        include_str!("../src/schema_3.sql"),
    ] {
        tx.execute_batch(schema).unwrap();
    }
    for n in 0..CONTACTS {
        let (chat, conversation) = (id::<33>(n), id::<32>(n));
        let contact =
            "INSERT INTO contacts VALUES(?1, ?2, 2, 'a name', ?3, ?4, NULL, ?4, ?5, 1, NULL, NULL, 0, 0, NULL,
            NULL, 0, 1, 0, 0, NULL, 3, 0)";
        tx.execute(contact, params![chat, conversation, [1_u8; 8], id::<16>(n), vec![1_u8; 185]]).unwrap();
        let row = "INSERT INTO conversations VALUES(?1, ?2, 0, 1, zeroblob(24), '', 0, 0, ?3, 0)";
        tx.execute(row, params![conversation, chat, n]).unwrap();
        let device = "INSERT INTO devices VALUES(?1, ?2, zeroblob(32), zeroblob(32), 0, 0)";
        tx.execute(device, params![chat, id::<16>(n)]).unwrap();
        let session = "INSERT INTO sessions VALUES(?1, ?2, ?3, zeroblob(600), 1, 0, ?1, NULL, NULL, NULL, 1, 1, 9,
            zeroblob(40), NULL, 0, 0, 0, NULL, 0, 0, 0, 0)";
        tx.execute(session, params![id::<32>(n), chat, id::<16>(n)]).unwrap();
    }
    for n in 0..MESSAGES {
        let text = format!("message {n} of a long conversation, as long as such a text is");
        let row =
            "INSERT INTO messages VALUES(?1, ?2, ?3, 1, zeroblob(160), ?4, ?5, NULL, ?6, ?6, 0, 0, 1, 0, 0, 0, 0)";
        let (mine, state) = (n % 2, if n % 2 == 1 { 3 } else { 6 });
        let place = id::<32>(n % CONTACTS);
        tx.prepare_cached(row).unwrap().execute(params![id::<32>(n), place, mine, text, state, n]).unwrap();
        if mine == 0 {
            let row = "INSERT INTO arrivals(message) VALUES(?)";
            tx.prepare_cached(row).unwrap().execute(params![id::<32>(n)]).unwrap();
        }
    }
    for n in 0..SKIPPED {
        let row = "INSERT INTO skipped VALUES(?1, 1, ?2, ?3, zeroblob(32), 1)";
        let of = params![id::<32>(n % CONTACTS), n, id::<8>(n)];
        tx.prepare_cached(row).unwrap().execute(of).unwrap();
    }
    for n in 0..UNSENT {
        let row =
            "INSERT INTO outbox VALUES(NULL, 0, ?1, ?2, zeroblob(160), ?3, ?4, '/topic', zeroblob(512), 0, 1, 0, 0,
            NULL, 0, 0, NULL)";
        let of = n % CONTACTS;
        let row_of = params![id::<33>(of), id::<32>(2 * n + 1), id::<32>(of), n];
        tx.prepare_cached(row).unwrap().execute(row_of).unwrap();
    }
    tx.execute_batch("PRAGMA user_version=3; PRAGMA application_id=0x536f7474").unwrap();
    tx.commit().unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}
