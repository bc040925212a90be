use super::*;
use crate::Account;
use crate::row::run;

#[test]
fn a_hello_releases_no_text_of_another_device_and_hurries_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let due = account.transaction(|mut tx| {
        for device in [3_u8, 4] {
            let theirs = "INSERT INTO devices(chat, device, identity, signing, standing, start_in, start_out, seen_ms)
                VALUES(?1, ?2, x'', x'', ?3, 0, 0, 0)";
            run(tx.fetches.conn, theirs, params![[1_u8; 33], [device; 16], device == 3])?;
            let session = "INSERT INTO sessions(hash, chat, device, snapshot, initiator, start, handshake, answered,
                created_ms) VALUES(?1, ?2, ?3, x'01', 0, 1, ?1, 1, 0)";
            run(tx.fetches.conn, session, params![[device; 32], [1_u8; 33], [device; 16]])?;
        }
        for (n, device, due_ms) in [(1_u8, 3_u8, NEVER), (2, 4, NEVER), (3, 3, 5_000)] {
            tx.fetches.note(&Fetch {
                message: [n; 32],
                conversation: [2; 32],
                kind: 1,
                pointer: Vec::new(),
                session: [device; 32],
                seq: 1,
                tries: 0,
                due_ms,
                since_s: 0,
            })?;
        }
        tx.fetches.release(&[2; 32], 9)?;
        let due = |n: u8| Ok::<_, Error>(tx.fetches.get(&[n; 32])?.unwrap().due_ms);
        Ok::<_, Error>([due(1)?, due(2)?, due(3)?])
    });
    assert_eq!(due.unwrap(), [9, NEVER, 5_000]);
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
fn one_contact_crowds_out_no_others_fetches() {
    let (_folder, mut account) = account();
    let done = account.transaction(|mut tx| {
        let fetch = |who: u8, n: u32| Fetch {
            message: number(n),
            conversation: [who; 32],
            kind: 1,
            pointer: Vec::new(),
            session: [0; 32],
            seq: 1,
            tries: 0,
            due_ms: 1,
            since_s: 0,
        };
        tx.fetches.note(&fetch(1, 0))?;
        tx.chunks.put(&number(0), 0, b"kept")?;
        for n in 1..=300 {
            tx.fetches.note(&fetch(2, n))?;
            tx.chunks.put(&number(n), 0, b"part")?;
            tx.fetches.note(&Fetch { tries: 1, ..fetch(2, n) })?;
        }
        for n in 0..=300 {
            let kept = n == 0 || n > 300 - FETCHES;
            assert_eq!(tx.fetches.get(&number(n))?.is_some(), kept, "{n}");
            assert_eq!(!tx.chunks.of(&number(n))?.is_empty(), kept, "{n}");
        }
        Ok::<_, Error>(())
    });
    done.unwrap();
}
