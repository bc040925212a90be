use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::{Account, Tables};

fn waiting(n: u32) -> Waiting {
    let mut payload_hash = [0; 32];
    // In random order, like hashes.
    let mixed = n.wrapping_mul(2_654_435_761).to_be_bytes();
    payload_hash.iter_mut().zip(mixed).for_each(|(to, from)| *to = from);
    Waiting {
        payload_hash,
        tag: [3; 16],
        topic: String::new(),
        payload: vec![5; 512],
        ts_s: 0,
        added_ms: n.into(),
        newer: false,
    }
}

/// Steps of SQLite's machine to add an envelope to a full buffer with this many waiting.
fn steps(account: &mut Account, from: u32, to: u32) -> u32 {
    let fill = |mut tx: Tables<'_>| (from..to).try_for_each(|n| tx.waiting.put(&waiting(n)));
    account.transaction(fill).unwrap();
    let counter = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&counter);
    let counting = move || {
        count.fetch_add(1, Ordering::Relaxed);
        false
    };
    let gone = account.transaction(|mut tx| {
        tx.waiting.conn.progress_handler(1, Some(counting))?;
        tx.waiting.put(&waiting(to))?;
        let gone = tx.waiting.drop_oldest(512)?;
        assert!(tx.waiting.expire(0)?.is_empty());
        tx.waiting.conn.progress_handler(0, None::<fn() -> bool>)?;
        Ok::<_, Error>(gone)
    });
    assert_eq!(gone.unwrap().len(), 1);
    counter.load(Ordering::Relaxed)
}

#[test]
fn one_more_costs_the_same_however_many_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let few = steps(&mut account, 1, 20);
    let many = steps(&mut account, 20, 17_000);
    assert!(few > 20, "they are counted: {few}");
    assert!(many <= few + 10, "{few} steps beside 20, {many} beside 17,000");
}

fn account() -> (tempfile::TempDir, Account) {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    (folder, account)
}

fn number(n: u32) -> Hash {
    let mut hash = [0; 32];
    hash.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
    hash
}

#[test]
fn one_session_crowds_out_no_others_payloads() {
    let (_folder, mut account) = account();
    let done = account.transaction(|mut tx| {
        let seen = |who: u8, n: u32| Seen {
            payload: number(n),
            session: Some([who; 32]),
            ts_s: 0,
            until_ms: n.into(),
            seq: 1,
            answers: 0,
            answered_ms: 0,
        };
        tx.seen.note(&seen(1, 0))?;
        for n in 1..=SEEN + 5 {
            tx.seen.note(&seen(2, n))?;
        }
        let view = tx.view();
        let known = |n: u32| Ok::<_, Error>(view.seen.get(&number(n))?.is_some());
        assert!(known(0)?, "another session's");
        assert!(!known(5)? && known(6)? && known(SEEN + 5)?, "the oldest go");
        tx.seen.note(&Seen { answers: 3, ..seen(2, 6) })?;
        assert!(known(6)?, "one that is there takes no place");
        assert_eq!(tx.seen.expire(100)?, 96, "the first, and those from 6 to 100");
        tx.seen.note(&seen(2, 7))?;
        assert!(known(101)?, "there is room again");
        Ok::<_, Error>(())
    });
    done.unwrap();
}
