use super::*;
use crate::Account;

#[test]
fn a_contact_has_64_holes_and_takes_none_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let done = account.transaction(|mut tx| {
        let hole = |who: u8, n: u8| Hole {
            conversation: [who; 32],
            prefix: [n; 8],
            from_s: 0,
            until_s: 1,
            stage: 0,
            due_ms: 1,
        };
        for who in 0..40 {
            for n in 0..100 {
                tx.holes.note(&hole(who, n))?;
            }
            for n in 0..100 {
                assert_eq!(tx.holes.get(&[who; 32], &[n; 8])?.is_some(), n < 64, "{who} {n}");
            }
        }
        // One that is there can be moved on, one that is filled makes room.
        let moved = Hole { stage: 1, ..hole(0, 63) };
        tx.holes.note(&moved)?;
        assert_eq!(tx.holes.get(&[0; 32], &[63; 8])?, Some(moved));
        assert!(tx.holes.remove(&[0; 32], &[5; 8])?);
        tx.holes.note(&hole(0, 99))?;
        assert!(tx.holes.get(&[0; 32], &[99; 8])?.is_some());
        Ok::<_, Error>(())
    });
    done.unwrap();
}
