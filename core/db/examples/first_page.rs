//! `first_page make|read FILE`: a database of 100,000 messages, and the time from nothing to its first page of 50.
//! `scripts/bench` runs it: a new process, the file in the page cache.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measuring program"
)]

use std::path::Path;
use std::time::Instant;

use sotto_db::{Account, Error, Message, MessageState};

const KEY: [u8; 32] = [7; 32];
const MESSAGES: u32 = 100_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let path = Path::new(&args[2]);
    match args[1].as_str() {
        "make" => make(path),
        "read" => {
            let start = Instant::now();
            let account = Account::open(path, &KEY).unwrap();
            let page = account.reader().unwrap().messages_page(&[1; 32], None, 50).unwrap();
            println!("{:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(page.len(), 50);
        }
        other => panic!("{other}?"),
    }
}

fn make(path: &Path) {
    let mut account = Account::open(path, &KEY).unwrap();
    let fill = account.transaction(|mut tx| {
        for n in 0..MESSAGES {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b1).to_be_bytes());
            tx.messages.add(&Message {
                id,
                conversation: [1; 32],
                author: (n % 2 == 1).then_some([9; 33]),
                kind: 1,
                m: vec![1; 160],
                text: Some(format!("message {n} of a long conversation, as long as such a text is")),
                state: MessageState::Delivered,
                reason: None,
                time_s: i64::from(n),
                lamport: i64::from(n),
                newer: false,
                fetching: false,
                read: true,
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
            })?;
        }
        Ok::<_, Error>(())
    });
    fill.unwrap();
    account.truncate().unwrap();
}
