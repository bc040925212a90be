//! The ratchet under a queue that drops, doubles, reorders and forges, against a model of who should have seen what.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod party;

use party::{Pair, Seeded, Wired, pair, settled};
use proptest::prelude::*;
use sotto_crypto::{DecryptError, EncryptError, JUMP_MAX, Random, Session};
use std::collections::BTreeSet;

fn number(n: usize) -> [u8; 8] {
    (n as u64).to_be_bytes()
}

fn shuffle<T>(rng: &mut Seeded, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i + 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the queue does, each message that arrives at least once decrypts exactly once, and nothing else
    /// decrypts.
    #[test]
    fn what_arrives_decrypts_once(seed in any::<u64>(), steps in 20usize..120) {
        let mut rng = Seeded::new(seed);
        let mut p = pair(&mut rng);
        let mut queues: [Vec<(usize, Wired)>; 2] = [Vec::new(), Vec::new()];
        let mut seen = BTreeSet::new();
        let mut bob_heard = false;
        for i in 0..steps {
            let to_bob = rng.below(2) == 0;
            let from = if to_bob { &mut p.alice } else { &mut p.bob };
            if to_bob || bob_heard {
                queues[usize::from(to_bob)].push((i, from.send(&mut rng, &number(i))));
            } else {
                let refused = from.session.encrypt(&mut rng, &Random([0; 16]), b"x").unwrap_err();
                prop_assert_eq!(refused, EncryptError::NotReady);
            }
            let queue = &mut queues[usize::from(to_bob)];
            if queue.is_empty() {
                continue;
            }
            let at = rng.below(queue.len());
            let (id, wired) = queue[at].clone();
            let to = if to_bob { &mut p.bob } else { &mut p.alice };
            match rng.below(4) {
                0 => { queue.swap_remove(at); }
                1 => {
                    let mut forged = wired.clone();
                    let place = rng.below(forged.sealed.message.len());
                    forged.sealed.message[place] ^= 1;
                    let before = to.session.to_bytes();
                    prop_assert!(to.receive(&forged).is_err());
                    prop_assert_eq!(&*before, &*to.session.to_bytes());
                }
                // Delivered; half of the time it stays in the queue and comes again.
                kind => {
                    if kind == 2 { queue.swap_remove(at); }
                    match to.receive(&wired) {
                        Ok(plain) => {
                            prop_assert_eq!(plain.as_slice(), &number(id));
                            prop_assert!(seen.insert(id), "twice");
                            bob_heard |= to_bob;
                        }
                        Err(_) => prop_assert!(seen.contains(&id), "lost {}", id),
                    }
                }
            }
        }
    }

    /// A session that was stored and read again is the same session.
    #[test]
    fn snapshots_come_back(seed in any::<u64>(), cut in 0usize..400) {
        let mut rng = Seeded::new(seed);
        for session in [pair(&mut rng).alice.session, pair(&mut rng).bob.session, settled(&mut rng).bob.session] {
            let bytes = session.to_bytes();
            prop_assert!(Session::from_bytes(&bytes).unwrap() == session);
            prop_assert!(Session::from_bytes(&bytes[..cut.min(bytes.len() - 1)]).is_err());
        }
    }
}

#[test]
fn ten_thousand_in_any_order_all_decrypt() {
    let mut rng = Seeded::new(1);
    let mut p = settled(&mut rng);
    let mut sent: Vec<(usize, Wired)> = (0..10_000).map(|i| (i, p.alice.send(&mut rng, &number(i)))).collect();
    shuffle(&mut rng, &mut sent);
    for (i, wired) in &sent {
        assert_eq!(p.bob.receive(wired).unwrap(), number(*i));
    }
    assert!(p.bob.skipped.is_empty(), "every used key is gone");
    assert!(sent.iter().all(|(_, w)| p.bob.receive(w).is_err()), "no replay decrypts");
}

#[test]
fn a_handshake_chain_in_any_order_decrypts_even_late() {
    let mut rng = Seeded::new(2);
    let mut p = pair(&mut rng);
    let mut sent: Vec<(usize, Wired)> = (0..50).map(|i| (i, p.alice.send(&mut rng, &number(i)))).collect();
    let late = sent.remove(7);
    shuffle(&mut rng, &mut sent);
    for (i, wired) in &sent {
        assert_eq!(p.bob.receive(wired).unwrap(), number(*i));
    }
    let answer = p.bob.send(&mut rng, b"answer");
    p.alice.receive(&answer).unwrap();
    let second_chain = p.alice.send(&mut rng, b"second chain");
    p.bob.receive(&second_chain).unwrap();
    assert_eq!(p.bob.receive(&late.1).unwrap(), number(7));
}

#[test]
fn twenty_thousand_lost_and_the_next_arrives() {
    let mut rng = Seeded::new(3);
    let mut p = settled(&mut rng);
    let mut last = p.alice.send(&mut rng, b"0");
    for _ in 0..20_000 {
        last = p.alice.send(&mut rng, b"next");
    }
    let next_chain = p.bob.session.receiving_tags(0, JUMP_MAX);
    assert_eq!(next_chain.iter().position(|tag| *tag == last.sealed.tag), Some(20_000));
    assert_eq!(p.bob.receive(&last).unwrap(), b"next");
    assert_eq!(p.bob.skipped.len(), 20_000);
}

#[test]
fn a_longer_jump_is_a_typed_error_and_the_session_lives_on() {
    let mut rng = Seeded::new(4);
    let mut p = settled(&mut rng);
    let first = p.alice.send(&mut rng, b"first");
    p.bob.receive(&first).unwrap();
    let next = p.alice.send(&mut rng, b"next");
    let mut far = next.clone();
    for _ in 0..=JUMP_MAX {
        far = p.alice.send(&mut rng, b"far");
    }
    let before = p.bob.session.to_bytes();
    assert_eq!(p.bob.receive(&far).unwrap_err(), DecryptError::TooFarAhead { ahead: JUMP_MAX + 1 });
    assert_eq!(*before, *p.bob.session.to_bytes());
    assert_eq!(p.bob.receive(&next).unwrap(), b"next");
    assert_eq!(p.bob.receive(&far).unwrap(), b"far");
}

#[test]
fn every_flipped_bit_is_refused_and_moves_nothing() {
    let mut rng = Seeded::new(5);
    let Pair { mut alice, mut bob, .. } = settled(&mut rng);
    let wired = alice.send(&mut rng, b"a text");
    let before = bob.session.to_bytes();
    let flips = |part: &mut dyn FnMut(&mut Wired) -> &mut [u8], bob: &mut party::Party| {
        let len = part(&mut wired.clone()).len();
        for bit in 0..len * 8 {
            let mut bad = wired.clone();
            part(&mut bad)[bit / 8] ^= 1 << (bit % 8);
            assert!(bob.receive(&bad).is_err(), "bit {bit}");
            assert_eq!(*before, *bob.session.to_bytes());
        }
    };
    flips(&mut |w| &mut w.sealed.tag.0, &mut bob);
    flips(&mut |w| &mut w.random.0, &mut bob);
    flips(&mut |w| &mut w.sealed.header, &mut bob);
    flips(&mut |w| w.sealed.message.as_mut_slice(), &mut bob);
    assert_eq!(bob.receive(&wired).unwrap(), b"a text");
}

#[test]
fn tags_far_ahead_are_found_in_either_chain() {
    let mut rng = Seeded::new(61);
    let mut p = settled(&mut rng);
    for next_chain in [true, false] {
        // Lost, all of them.
        (0..300).for_each(|_| drop(p.alice.send(&mut rng, b"x")));
        let wired = p.alice.send(&mut rng, b"found");
        let tag = wired.sealed.tag;
        let found = |ahead| p.bob.session.tags_among(ahead, |one| *one == tag);
        assert_eq!(found(301), [tag], "next chain: {next_chain}");
        assert!(found(300).is_empty());
        let all = p.bob.session.tags_among(1000, |_| true);
        assert_eq!(all, p.bob.session.receiving_tags(1000, 1000));
        assert_eq!(p.bob.receive(&wired).unwrap(), b"found");
    }
}

#[test]
fn tags_to_listen_for_are_the_tags_that_come() {
    let mut rng = Seeded::new(6);
    let mut p = settled(&mut rng);
    for round in 0..3 {
        let expected = p.bob.session.receiving_tags(64, 16);
        assert_eq!(expected.len(), if round == 0 { 16 } else { 80 });
        for n in 0..5 {
            let wired = p.alice.send(&mut rng, b"x");
            let at = expected.iter().position(|tag| *tag == wired.sealed.tag);
            assert_eq!(at, Some(expected.len() - 16 + n), "message n of the next chain");
            p.bob.receive(&wired).unwrap();
        }
        let back = p.bob.send(&mut rng, b"y");
        p.alice.receive(&back).unwrap();
    }
}

#[test]
fn an_old_copy_repeats_no_ciphertext() {
    let mut rng = Seeded::new(7);
    let mut p = settled(&mut rng);
    let mut copy = p.alice.clone();
    let (one, two) = (p.alice.send(&mut rng, b"same"), copy.send(&mut rng, b"same"));
    // Same message number, other random bytes: other nonce and other key, so nothing of one shows in the other.
    assert_eq!(p.alice.session.sent_in_chain(), copy.session.sent_in_chain());
    assert_ne!(one.random, two.random);
    assert_ne!(one.sealed.message, two.sealed.message);
    assert_ne!(one.sealed.header, two.sealed.header);
}

#[test]
fn a_stolen_state_opens_nothing_earlier_and_heals_after_a_round_trip() {
    let mut rng = Seeded::new(8);
    let mut p = settled(&mut rng);
    let before = p.alice.send(&mut rng, b"before");
    p.bob.receive(&before).unwrap();
    let mut thief = p.bob.clone();
    assert!(thief.receive(&before).is_err());
    let same_chain = p.alice.send(&mut rng, b"same chain");
    assert!(thief.clone().receive(&same_chain).is_ok(), "without this the test would prove nothing");
    p.bob.receive(&same_chain).unwrap();
    // Bob answers with a key the thief never saw, and Alice answers that.
    let back = p.bob.send(&mut rng, b"back");
    p.alice.receive(&back).unwrap();
    let healed = p.alice.send(&mut rng, b"healed");
    assert!(thief.receive(&healed).is_err());
    assert_eq!(p.bob.receive(&healed).unwrap(), b"healed");
}

#[test]
fn debug_shows_no_secret() {
    let mut rng = Seeded::new(9);
    let p = pair(&mut rng);
    assert_eq!(format!("{:?} {:?}", p.alice.session, p.core), "Session(…) HandshakeCore(…)");
}

#[test]
fn secrets_are_erased_when_dropped() {
    fn erased<T: zeroize::ZeroizeOnDrop>() {}
    erased::<Session>();
    erased::<sotto_crypto::MessageKey>();
    erased::<sotto_crypto::CardSecret>();
    erased::<sotto_crypto::FileKey>();
    erased::<sotto_crypto::LocalKey>();
    erased::<sotto_crypto::Account>();
    erased::<x25519_dalek::StaticSecret>();
    erased::<ed25519_dalek::SigningKey>();
    erased::<ml_kem::DecapsulationKey768>();
    erased::<chacha20poly1305::ChaCha20Poly1305>();
    erased::<k256::ecdsa::SigningKey>();
}
