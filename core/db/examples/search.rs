//! `search FOLDER TEXTS`: the cost of full-text search. Makes one database with the index and one without, of so many
//! texts, and measures size, time of insertion, and time of the first hits. `scripts/bench` runs it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program"
)]

use std::path::Path;
use std::time::Instant;

use sotto_db::{Account, Message, MessageState};

const KEY: [u8; 32] = [7; 32];
/// Texts of one transaction.
const BATCH: u32 = 50;
/// Texts with a transaction of their own.
const SINGLE: u32 = 3000;
/// Syllables of the made-up words; the lower ones come more often.
const SYLLABLES: [&str; 24] = [
    "a", "e", "no", "ta", "ri", "so", "men", "lo", "ka", "vi", "per", "du", "ün", "chá", "fol", "gri", "bek", "zwo",
    "hyl", "qua", "xer", "joj", "wim", "péc",
];
const IDEOGRAPHS: [char; 12] = ['東', '京', '夜', '雨', '水', '山', '川', '人', '今', '日', '明', '天'];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (folder, texts) = (Path::new(&args[1]), args[2].parse().unwrap());
    let plain = fill(&folder.join("plain.db"), texts, false);
    let indexed = fill(&folder.join("indexed.db"), texts, true);
    println!("insertion with the index, 50 texts a transaction: {:.2} of without", plain.batches / indexed.batches);
    println!(
        "insertion with the index, one text a synced transaction: {:.2} of without",
        plain.single / indexed.single
    );
    println!("size with the index {:.2} of without ({} MB)", indexed.size / plain.size, (indexed.size / 1e6).round());
    let account = Account::open(&folder.join("indexed.db"), &KEY).unwrap();
    let reader = account.reader().unwrap();
    for (what, query) in [
        ("a frequent word", "\"no\"".to_owned()),
        ("a rare word", format!("\"{}\"", word(99_991, 5))),
        ("two words", "\"no\" \"ta\"".to_owned()),
        ("a prefix of two letters", "\"me\" *".to_owned()),
        ("a prefix of three letters", "\"per\" *".to_owned()),
        ("a prefix of four letters", "\"perd\" *".to_owned()),
        ("one letter", "\"a\"".to_owned()),
        ("ideographs", "\"東 京\"".to_owned()),
        ("without accents", "\"cha\" *".to_owned()),
        ("nothing", "\"nowhere\"".to_owned()),
    ] {
        let _ = reader.search(&query, None, None, 50).unwrap();
        let start = Instant::now();
        let hits = reader.search(&query, None, None, 50).unwrap().len();
        println!("{what}: {hits} hits in {:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    }
}

/// What a database took.
struct Filled {
    /// Seconds for all texts, many in each transaction.
    batches: f64,
    /// Seconds for some more, each in a synced transaction, as the engine stores a message.
    single: f64,
    /// Bytes.
    size: f64,
}

fn fill(path: &Path, texts: u32, search: bool) -> Filled {
    let mut account = Account::open(path, &KEY).unwrap();
    account.transaction(|mut tx| tx.messages.set_search(search)).unwrap();
    let start = Instant::now();
    for batch in 0..texts.div_ceil(BATCH) {
        let done = account.transaction_unsynced(|mut tx| {
            (batch * BATCH..(batch + 1) * BATCH).try_for_each(|n| tx.messages.add(&message(n)).map(drop))
        });
        done.unwrap();
    }
    let batches = start.elapsed().as_secs_f64();
    account.truncate().unwrap();
    let size = std::fs::metadata(path).unwrap().len() as f64;
    let start = Instant::now();
    for n in texts..texts + SINGLE {
        account.transaction(|mut tx| tx.messages.add(&message(n)).map(drop)).unwrap();
    }
    Filled { batches, single: start.elapsed().as_secs_f64(), size }
}

/// A number that looks random.
fn mixed(n: u32) -> u32 {
    let n = (n ^ (n >> 16)).wrapping_mul(0x7feb_352d);
    let n = (n ^ (n >> 15)).wrapping_mul(0x846c_a68b);
    n ^ (n >> 16)
}

/// A word of up to so many syllables: short and frequent, or long and rare.
fn word(n: u32, most: u32) -> String {
    let length = 1 + mixed(n) % most;
    let syllable = |i| {
        let draw = mixed(n.wrapping_mul(31).wrapping_add(i)) % 576; // the square root makes low numbers frequent
        SYLLABLES[23 - f64::from(draw).sqrt() as usize]
    };
    (0..length).map(syllable).collect()
}

fn message(n: u32) -> Message {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&mixed(n).to_be_bytes());
    id[4..8].copy_from_slice(&n.to_be_bytes());
    let text = if n.is_multiple_of(20) {
        (0..20).map(|i| IDEOGRAPHS[mixed(n + i) as usize % 12]).collect()
    } else {
        let words: Vec<String> = (0..4 + mixed(n) % 16).map(|i| word(mixed(n * 20 + i), 4)).collect();
        words.join(" ")
    };
    Message {
        id,
        conversation: [(n % 40) as u8; 32],
        author: Some([2; 33]),
        kind: 1,
        m: [&[1; 60], text.as_bytes()].concat(),
        text: Some(text),
        state: MessageState::Received,
        reason: None,
        time_s: i64::from(n),
        lamport: i64::from(n),
        newer: false,
        fetching: false,
        read: true,
        added_ms: i64::from(n),
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
