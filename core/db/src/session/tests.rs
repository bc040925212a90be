use super::*;
use crate::row::run;
use crate::{Account, Tables};

#[test]
fn shares() {
    assert_eq!(share(&[], 10), None);
    assert_eq!(share(&[3, 7], 10), None);
    assert_eq!(share(&[3, 8], 10), Some(7));
    assert_eq!(share(&[2, 9, 9, 9], 20), Some(6));
    assert_eq!(share(&[25_000, 125_000], 100_000), Some(75_000));
}

fn session(tx: &mut Tables<'_>, who: u8, number: u8) -> Hash {
    let mut hash = [who; 32];
    hash[0] = number;
    let session = Session {
        hash,
        chat: [who; 33],
        device: [who; 16],
        snapshot: [1_u8].as_slice().into(),
        initiator: false,
        start: 1,
        handshake: hash,
        core: None,
        mask_secret: None,
        prekey_id: None,
        answered: true,
        created_ms: 0,
        until_ms: None,
        ahead: Ahead::No,
    };
    tx.sessions.put(&session).unwrap();
    hash
}

fn key(session: Hash, n: u32, expires_ms: i64) -> Skipped {
    Skipped { session, chain: 0, n, tag: None, key: [2_u8].as_slice().into(), expires_ms }
}

/// Messages 0 to `count` of a session were skipped; the last key is added as the engine does.
fn pass_by(tx: &mut Tables<'_>, session: Hash, count: u32, expires_ms: i64) {
    let sql = "INSERT INTO skipped(session, chain, n, tag, key, expires_ms)
        WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM c WHERE n+2<?2)
            SELECT ?1, 0, n, NULL, x'02', ?3 FROM c";
    run(tx.sessions.conn, sql, params![session, count, expires_ms]).unwrap();
    tx.skipped.keep(&[key(session, count - 1, expires_ms)]).unwrap();
}

fn held(tx: &Tables<'_>, session: Hash) -> u32 {
    let count = "SELECT count(*) FROM skipped WHERE session=?";
    let counted: u32 = one(tx.sessions.conn, count, params![session], |r| r.get(0)).unwrap().unwrap();
    let noted = "SELECT keys FROM skipped_held WHERE session=?";
    let noted: Option<u32> = one(tx.sessions.conn, noted, params![session], |r| r.get(0)).unwrap();
    assert_eq!(noted.unwrap_or(0), counted, "the table keeps count");
    counted
}

#[test]
fn a_strangers_sessions_take_nothing_from_friends() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let done = account.transaction(|mut tx| {
        let friends = [session(&mut tx, 1, 0), session(&mut tx, 2, 0)];
        // The oldest of all, and the first to expire.
        pass_by(&mut tx, friends[0], 5000, 10);
        pass_by(&mut tx, friends[1], 200, 11);
        let mut strangers = Vec::new();
        for number in 0..5 {
            let one = session(&mut tx, 9, number);
            pass_by(&mut tx, one, 25_000, 1000 + i64::from(number));
            strangers.push(one);
        }
        assert_eq!(friends.map(|one| held(&tx, one)), [5000, 200]);
        let all: u32 = strangers.iter().map(|one| held(&tx, *one)).sum();
        assert_eq!(all, SKIPPED_IN_ALL - 5200);
        assert_eq!(held(&tx, strangers[4]), 25_000, "his oldest go");
        assert_eq!(held(&tx, strangers[0]), 0);
        // A session has its own bound, and its oldest keys are deleted.
        tx.skipped.keep(&[key(strangers[4], 25_000, 1004)])?;
        assert_eq!(held(&tx, strangers[4]), 25_000);
        assert!(tx.skipped.get(&strangers[4], &0, &0)?.is_none());
        assert!(tx.skipped.get(&strangers[4], &0, &1)?.is_some());
        // Keys that are used, expired, or deleted with their session are no longer counted.
        tx.skipped.remove(&friends[1], &0, &3)?;
        assert_eq!(held(&tx, friends[1]), 199);
        tx.skipped.expire(11)?;
        assert_eq!(held(&tx, friends[1]), 0);
        tx.sessions.remove(&strangers[4])?;
        assert_eq!(held(&tx, strangers[4]), 0);
        Ok::<_, Error>(())
    });
    done.unwrap();
}

#[test]
fn refused_handshakes_crowd_out_none_that_has_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut account = Account::open(&folder.path().join("account.db"), &[7; 32]).unwrap();
    let done = account.transaction(|mut tx| {
        let handshake = |n: u32, session| {
            let mut handshake = [0; 32];
            handshake.iter_mut().zip(n.to_be_bytes()).for_each(|(to, from)| *to = from);
            Handshake { handshake, session, secret: None, until_ms: n.into() }
        };
        tx.handshakes.note(&handshake(0, Some([1; 32])))?;
        for n in 1..=REFUSED + 20 {
            tx.handshakes.note(&handshake(n, None))?;
        }
        for n in 0..=REFUSED + 20 {
            let known = tx.handshakes.get(&handshake(n, None).handshake)?.is_some();
            assert_eq!(known, n == 0 || n > 20, "{n}");
        }
        Ok::<_, Error>(())
    });
    done.unwrap();
}
