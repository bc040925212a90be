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
        names: String::new(),
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
fn files_are_found_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let named = |n, text: &str, names: &str| Message { names: names.into(), ..message(n, text) };
    let done = account.transaction(|mut tx| {
        tx.messages.add(&named(1, "look", "Reise_Übersicht.pdf\nsea.jpg"))?;
        tx.messages.set_search(false)?;
        tx.messages.set_search(true)?;
        tx.messages.index_older(10)?;
        tx.messages.add(&named(2, "", "Notes über das Meer.txt"))?;
        tx.messages.add(&message(3, "see"))?;
        tx.messages.edit(&message(3, "").id, |row| row.names = "sea chart.png".into())
    });
    done.unwrap();
    assert_eq!(found(&account, "\"ubersicht\""), [1]);
    assert_eq!(found(&account, "\"look\" \"sea\""), [1]);
    assert_eq!(found(&account, "\"uber\" *"), [2, 1]);
    assert_eq!(found(&account, "\"sea\""), [3, 1]);
    account.transaction(|mut tx| tx.messages.edit(&message(1, "").id, |row| row.text = Some("at".into()))).unwrap();
    assert_eq!((found(&account, "\"look\""), found(&account, "\"sea\"")), (vec![], vec![3, 1]));
    let done = account.transaction(|mut tx| {
        tx.messages.delete(&message(1, "").id)?;
        tx.messages.withdraw(&message(2, "").id, &[2; 33])?;
        tx.messages.remove_all(&[1; 32]) // 3
    });
    done.unwrap();
    assert_eq!(words(&mut account), [] as [&str; 0]);
    let names = account.read(|tx| all(tx.messages.conn, "SELECT names FROM messages", [], |row| row.get(0)));
    assert!(names.is_ok_and(|names: Vec<String>| names == [""]), "nothing of the withdrawn one is left");
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

#[test]
fn few_long_texts_are_indexed_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let long = "word ".repeat(40_000);
    let from = account.transaction(|mut tx| {
        tx.messages.set_search(false)?;
        (0..5).try_for_each(|n| tx.messages.add(&message(n, &long)).map(drop))?;
        tx.messages.set_search(true)?;
        tx.messages.index_older(500)?;
        tx.messages.indexed_from()
    });
    assert_eq!(from.unwrap(), 4, "two of five");
    let steps = account.transaction(|mut tx| {
        let mut steps = 0;
        while tx.messages.has_unindexed()? {
            tx.messages.index_older(500)?;
            steps += 1;
        }
        Ok::<_, Error>(steps)
    });
    assert_eq!(steps.unwrap(), 2);
    assert_eq!(found(&account, "\"word\"").len(), 5);
}

/// Words as long as pages and texts without words go in and out, and the index stays whole.
#[test]
fn no_text_breaks_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let mut texts =
        vec!["a".repeat(1 << 20), "é".repeat(40_000), "東".repeat(100_000), "\0".repeat(9), "a\0b c".into()];
    texts.extend([32_767, 32_768, 32_769, 4050].map(|length| "b".repeat(length)));
    texts.extend((0..300).map(|n| format!("{}{n}", "c".repeat(4000))));
    texts.extend(["\u{fffd}\u{ffff}\u{10ffff}".into(), "🎉".repeat(1000), "\"* OR NEAR(".into()]);
    let whole = |account: &mut Account| {
        let check = "INSERT INTO search(search) VALUES('integrity-check')";
        account.transaction(|mut tx| tx.messages.exec(check, [])).unwrap();
    };
    for round in 0..2 {
        account
            .transaction(|mut tx| {
                (0..).zip(&texts).try_for_each(|(n, text)| tx.messages.add(&message(n, text)).map(drop))
            })
            .unwrap();
        whole(&mut account);
        account
            .transaction(|mut tx| {
                (0..texts.len() as u32)
                    .filter(|n| n % 3 != round)
                    .try_for_each(|n| tx.messages.delete(&message(n, "").id))
            })
            .unwrap();
        whole(&mut account);
        account.transaction(|mut tx| (0..2).try_for_each(|n| tx.messages.remove_all(&[n; 32]))).unwrap();
        whole(&mut account);
        assert_eq!(words(&mut account), [] as [&str; 0]);
    }
}

/// Rows that are numbered again are found by their own words alone.
#[test]
fn a_number_that_comes_again_finds_the_new_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let add = |account: &mut Account, n: u32, text: &str| {
        account.transaction(|mut tx| tx.messages.add(&message(n, text))).unwrap();
    };
    (0..10).for_each(|n| add(&mut account, n, "old"));
    account.transaction(|mut tx| tx.messages.set_search(false).and_then(|()| tx.messages.set_search(true))).unwrap();
    account.transaction(|mut tx| tx.messages.index_older(5)).unwrap();
    account.transaction(|mut tx| (0..2).try_for_each(|n| tx.messages.remove_all(&[n; 32]))).unwrap();
    (20..32).for_each(|n| add(&mut account, n, "new"));
    account.transaction(|mut tx| tx.messages.index_older(500)).unwrap();
    assert_eq!(found(&account, "\"new\""), (20..32).rev().collect::<Vec<_>>());
    assert_eq!(found(&account, "\"old\""), [] as [u32; 0]);
    assert_eq!(words(&mut account), ["new"]);
}

/// A page reads no long bodies, and skips emptied messages without reading them.
#[test]
fn pages_read_no_more_than_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let bodies = [1, crate::reader::PAGE_BODY, crate::reader::PAGE_BODY + 1];
    let add = account.transaction(|mut tx| {
        (0..).zip(bodies).try_for_each(|(n, length)| {
            let row = Message { conversation: [0; 32], body: Some(vec![1; length]), ..message(n, "text") };
            tx.messages.add(&row).map(drop)
        })
    });
    add.unwrap();
    let reader = account.reader().unwrap();
    let lengths = |rows: Vec<Message>| rows.into_iter().map(|row| row.body.map(|body| body.len())).collect::<Vec<_>>();
    let page = lengths(reader.messages_page(&[0; 32], None, 10).unwrap());
    assert_eq!(page, [None, Some(65_536), Some(1)]);
    assert_eq!(
        lengths(reader.search("\"text\"", None, None, 10).unwrap().into_iter().map(|(_, row)| row).collect()),
        page
    );
    let whole = reader.tables().messages.get(&message(2, "").id).unwrap().unwrap();
    assert_eq!(whole.body.map(|body| body.len()), Some(65_537));

    let plan = |sql: &str| -> Vec<String> {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let mut plan = reader.conn.prepare(&sql).unwrap();
        let count = plan.parameter_count();
        let rows = plan.query_map(rusqlite::params_from_iter(vec![0; count]), |row| row.get(3)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let page = "SELECT text FROM messages WHERE conversation=? AND (state=7)=0 AND (lamport, time_s, id) < (?,?,?)
        ORDER BY lamport DESC, time_s DESC, id DESC LIMIT ?";
    let expected =
        "SEARCH messages USING INDEX messages_page (conversation=? AND <expr>=? AND (lamport,time_s,id)<(?,?,?))";
    assert_eq!(plan(page), [expected]);
}
