use super::*;
use crate::row::run;
use crate::{Account, Tables};

fn account() -> (tempfile::TempDir, Account) {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    (folder, account)
}

fn number<const N: usize>(n: u32) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    bytes
}

fn body(n: u32, state: FileState, due_ms: i64) -> File {
    File {
        id: number(n),
        pointer: vec![9; 76], // of all of them
        role: FileRole::Body,
        content: None,
        state,
        sent: true,
        have: Vec::new(),
        manifest: None,
        tries: 0,
        due_ms,
        since_s: 1,
        from_ns: 0,
        until_s: 0,
        reason: None,
        asked_ms: 0,
        doubted: false,
        answers: 0,
        answered_ms: 0,
        auto: false,
        preview_size: 0,
        preview: None,
        preview_tries: 0,
        preview_due_ms: NEVER,
    }
}

/// A body of a message in a conversation, which came in a session; an own one without.
fn add(tx: &mut Tables<'_>, file: &File, (message, i): (u32, u32), conversation: u8, session: Option<u8>) {
    tx.files.put(file).unwrap();
    let attachment = Attachment {
        message: number(message),
        i,
        file: file.id,
        conversation: [conversation; 32],
        kind: 0,
        lamport: 1,
        time_s: 1,
        session: session.map(|session| [session; 32]),
        seq: session.map(|_| 1),
    };
    tx.attachments.put(&attachment).unwrap();
}

#[test]
fn a_hello_releases_no_text_of_another_device_and_hurries_none() {
    let (_folder, mut account) = account();
    let due = account.transaction(|mut tx| {
        for device in [3_u8, 4] {
            let theirs = "INSERT INTO devices(chat, device, identity, signing, standing, start_in, start_out, seen_ms)
                VALUES(?1, ?2, x'', x'', ?3, 0, 0, 0)";
            run(tx.files.conn, theirs, params![[1_u8; 33], [device; 16], device == 3])?;
            let session = "INSERT INTO sessions(hash, chat, device, snapshot, initiator, start, handshake, answered,
                created_ms) VALUES(?1, ?2, ?3, x'01', 0, 1, ?1, 1, 0)";
            run(tx.files.conn, session, params![[device; 32], [1_u8; 33], [device; 16]])?;
        }
        let (remote, coming) = (FileState::Remote, FileState::Coming);
        for (n, device, state, due_ms) in [(1, 3, remote, NEVER), (2, 4, remote, NEVER), (3, 3, coming, 5_000)] {
            add(&mut tx, &body(n, state, due_ms), (n, BODY), 2, Some(device));
        }
        add(&mut tx, &File { role: FileRole::Message, ..body(4, remote, NEVER) }, (1, 0), 2, None);
        add(&mut tx, &body(5, remote, NEVER), (5, BODY), 3, Some(3));
        tx.files.release(&[2; 32], 9)?;
        let due = |n: u32| Ok::<_, Error>(tx.files.get(&number(n))?.unwrap().due_ms);
        Ok::<_, Error>([due(1)?, due(2)?, due(3)?, due(4)?, due(5)?])
    });
    assert_eq!(due.unwrap(), [9, NEVER, 5_000, NEVER, NEVER]);
}

#[test]
fn one_contact_crowds_out_no_others_fetches() {
    let (_folder, mut account) = account();
    let done = account.transaction(|mut tx| {
        add(&mut tx, &body(0, FileState::Coming, 1), (0, BODY), 1, Some(1));
        add(&mut tx, &body(1000, FileState::Going, 1), (1000, BODY), 2, None);
        for n in 1..=300 {
            add(&mut tx, &body(n, FileState::Coming, 1), (n, BODY), 2, Some(1));
            let over = tx.files.over(&[2; 32])?;
            assert_eq!(over.len(), usize::from(n > FETCHES), "{n}: own ones and those of others are not counted");
            over.iter().try_for_each(|id| tx.files.change(id, |row| row.state = FileState::Remote))?;
        }
        let state = |tx: &Tables<'_>, n: u32| tx.files.get(&number(n)).unwrap().unwrap().state;
        for n in 0..=300 {
            assert_eq!(state(&tx, n) == FileState::Coming, n <= FETCHES, "{n}: the rest waits");
        }
        tx.files.hold(&[2; 32])?;
        let coming: Vec<u32> = (0..=300).filter(|n| state(&tx, *n) == FileState::Coming).collect();
        assert_eq!((coming, state(&tx, 1000)), (vec![0], FileState::Going));
        Ok::<_, Error>(())
    });
    done.unwrap();
}

#[test]
fn a_body_is_first_and_no_file_of_its_message() {
    let (folder, mut account) = account();
    let done = account.transaction(|mut tx| {
        for (n, is_body, state) in [
            (1, false, FileState::Going),
            (2, true, FileState::Going),
            (3, true, FileState::Coming),
            (4, false, FileState::Coming),
            (5, true, FileState::Here),
            (6, false, FileState::Here),
        ] {
            let role = if is_body { FileRole::Body } else { FileRole::Message };
            let file = File { role, pointer: vec![n as u8; 76], ..body(n, state, 10 + i64::from(n)) };
            add(&mut tx, &file, (n, if is_body { BODY } else { 0 }), 1, (n == 3).then_some(1));
        }
        let next = |state| {
            let next = tx.files.next(state, 1).unwrap().into_iter();
            next.map(|next| (next.file[3], next.state == state, next.body, next.due_ms)).collect::<Vec<_>>()
        };
        assert_eq!(next(FileState::Going), [(2, true, true, 12), (1, true, false, 11)]);
        assert_eq!(next(FileState::Coming), [(3, true, true, 13), (4, true, false, 14)]);
        assert_eq!(tx.attachments.stored(None, 9)?, [number::<16>(6)], "a body cannot be freed");
        let files = tx.attachments.of_conversation(&[1; 32])?;
        assert_eq!(files, [number::<16>(1), number(4), number(6)]);
        let named = |n: u8| tx.files.of_pointer(&[n; 76]).map(|row| row.is_some());
        assert_eq!((named(1)?, named(2)?), (true, false));
        Ok::<_, Error>(())
    });
    done.unwrap();
    let reader = Reader::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let page = reader.files_page(&[1; 32], None, None, 9).unwrap();
    assert_eq!(page.iter().map(|one| one.message[3]).collect::<Vec<_>>(), [6, 4, 1]);
    assert_eq!(reader.counts().unwrap().fetches, 1);
}
