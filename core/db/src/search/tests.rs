use super::*;
use crate::{Account, MessageState};

fn message(n: u32, text: &str) -> Message {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    Message {
        id,
        conversation: [(n % 2) as u8; 32],
        author: Some([2; 33]),
        kind: 1,
        m: Vec::new(),
        text: Some(text.to_owned()),
        state: MessageState::Received,
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
        deleted_by: None,
        expire_s: 0,
        expires_ms: None,
    }
}

fn found(account: &Account, query: &str) -> Vec<u32> {
    let reader = account.reader().unwrap();
    let rows = reader.search(query, None, None, 100).unwrap();
    rows.into_iter().map(|(_, row)| u32::from_be_bytes(row.id[..4].try_into().unwrap())).collect()
}

/// All words of the index.
fn words(account: &mut Account) -> Vec<String> {
    let words = account.transaction(|tx| {
        let conn = tx.messages.conn;
        conn.execute_batch("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, row)").unwrap();
        let words = all(conn, "SELECT term FROM temp.words", [], |row| row.get(0))?;
        conn.execute_batch("DROP TABLE temp.words").unwrap();
        Ok::<Vec<String>, Error>(words)
    });
    words.unwrap()
}

#[test]
fn words_of_every_script_are_found_and_deleted_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let texts = ["Über den Fluss", "das Café am Fluß", "東京の夜", "مرحبا بالعالم", "party 🎉 tonight", "한국어 검색"];
    let done = account.transaction(|mut tx| {
        for (n, text) in (0..).zip(texts) {
            tx.messages.add(&message(n, text))?;
        }
        Ok::<_, Error>(())
    });
    done.unwrap();
    assert_eq!(found(&account, "\"uber\""), [0]);
    assert_eq!(found(&account, "\"cafe\""), [1]);
    assert_eq!(found(&account, "\"flu\" *"), [1, 0]);
    assert_eq!(found(&account, "\"東 京\""), [2]);
    assert_eq!(found(&account, "\"京 東\""), [] as [u32; 0]);
    assert_eq!(found(&account, "\"夜\""), [2]);
    assert_eq!(found(&account, "\"مرحبا\""), [3]);
    assert_eq!(found(&account, "\"party\" \"tonight\""), [4]);
    assert_eq!(found(&account, "\"검 색\""), [5]);

    let done = account.transaction(|mut tx| {
        let id = |n| message(n, "").id;
        tx.messages.edit(&id(0), |row| row.text = Some("over the river".into()))?;
        tx.messages.delete(&id(1))?;
        tx.messages.remove_all(&[0; 32])?; // 2 and 4, and 0
        Ok::<_, Error>(())
    });
    done.unwrap();
    assert_eq!(found(&account, "\"fluss\" OR \"cafe\" OR \"夜\" OR \"party\" OR \"over\""), [] as [u32; 0]);
    assert_eq!(found(&account, "\"مرحبا\""), [3]);
    let left = words(&mut account);
    assert!(
        left.iter().all(|word| !["fluss", "cafe", "夜", "party", "over", "uber"].contains(&word.as_str())),
        "{left:?}"
    );
}

#[test]
fn old_texts_are_indexed_in_parts_and_search_can_be_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let mut step = |work: &dyn Fn(&mut Table<'_, Message>) -> Result<(), Error>| {
        account.transaction(|mut tx| work(&mut tx.messages)).unwrap();
        let (from, more) =
            account.read(|tx| Ok::<_, Error>((tx.messages.indexed_from()?, tx.messages.has_unindexed()?))).unwrap();
        (from, more, found(&account, "\"word\"").len())
    };
    assert_eq!(step(&|t| t.set_search(false)), (NEVER, false, 0));
    let add = |t: &mut Table<'_, Message>| (0..25).try_for_each(|n| t.add(&message(n, "a word")).map(drop));
    assert_eq!(step(&add), (NEVER, false, 0));
    assert_eq!(step(&|t| t.set_search(true)), (26, true, 0));
    assert_eq!(step(&|t| t.add(&message(25, "a new word")).map(drop)), (26, true, 1));
    assert_eq!(step(&|t| t.index_older(10)), (16, true, 11));
    // What is not indexed yet can go, and what is.
    assert_eq!(step(&|t| t.delete(&message(3, "").id)), (16, true, 11));
    assert_eq!(step(&|t| t.delete(&message(20, "").id)), (16, true, 10));
    assert_eq!(step(&|t| t.index_older(10)), (6, true, 20));
    assert_eq!(step(&|t| t.index_older(10)), (1, false, 24));
    assert_eq!(step(&|t| t.set_search(true)), (1, false, 24));
    assert_eq!(step(&|t| t.set_search(false)), (NEVER, false, 0));
}

#[test]
fn pages_of_hits_continue_where_the_last_one_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    account.transaction(|mut tx| (0..20).try_for_each(|n| tx.messages.add(&message(n, "word")).map(drop))).unwrap();
    let reader = account.reader().unwrap();
    let page = reader.search("\"word\"", None, None, 3).unwrap();
    assert_eq!(page.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [20, 19, 18]);
    let page = reader.search("\"word\"", Some(&[1; 32]), Some(18), 3).unwrap();
    assert_eq!(page.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [16, 14, 12]);
}
