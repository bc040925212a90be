use super::*;
use crate::Account;

fn annotation(author: u8, key: u8, lamport: i64) -> Annotation {
    Annotation {
        target: [1; 32],
        kind: 14,
        author: [author; 33],
        key: vec![key],
        conversation: [9; 32],
        value: vec![1],
        lamport,
        time_s: 0,
        id: [lamport as u8; 32],
    }
}

fn kept(account: &Account) -> Vec<(u8, i64)> {
    let all = account.read(|tx| tx.annotations.of(&[1; 32], 14)).unwrap();
    all.into_iter().filter(|one| one.author == [2; 33]).map(|one| (one.key[0], one.lamport)).collect()
}

/// The latest annotations stay, in whatever order they come.
#[test]
fn the_latest_few_of_an_author_stay() {
    let mut orders = Vec::new();
    for turn in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
        let mut all: Vec<Annotation> = (0..5).map(|n| annotation(2, n % 4, i64::from(n))).collect();
        all.rotate_left(turn);
        account
            .transaction(|mut tx| {
                tx.annotations.raise(&annotation(3, 0, 0), 3)?;
                all.iter().try_for_each(|one| tx.annotations.raise(one, 3).map(drop))
            })
            .unwrap();
        orders.push(kept(&account));
    }
    assert_eq!(orders, vec![vec![(2, 2), (3, 3), (0, 4)]; 5]);
}

#[test]
fn a_conversation_keeps_its_latest_effects_that_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let early = |n: u32, conversation: u8| Early {
        target: [conversation; 32],
        id: std::array::from_fn(|i| n.to_be_bytes()[i % 4]),
        conversation: [conversation; 32],
        author: [2; 33],
        kind: 14,
        body: Vec::new(),
        lamport: 0,
        time_s: 0,
        added_ms: i64::from(n),
    };
    let held = account.transaction(|mut tx| {
        (0..EARLY + 10).try_for_each(|n| tx.early.note(&early(n, 1)))?;
        tx.early.note(&early(0, 2))?;
        let held = tx.early.take(&[1; 32], None)?;
        let first = held.iter().map(|one| one.added_ms).min();
        Ok::<_, Error>((held.len(), first, tx.early.take(&[2; 32], None)?.len()))
    });
    assert_eq!(held.unwrap(), (4096, Some(10), 1));
}
