//! Identity against vectors computed by status-go, and the signatures that hang on it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use rand_core::UnwrapErr;
use serde_json::Value;
use sotto_crypto::{
    Account, DeviceId, DeviceKeys, IdError, Phrase, PhraseError, SafetyQr, account_id, color_ring, devices_hash,
    emoji_hash, parse_account_id, safety_number, verify_chat, verify_device,
};

fn vectors() -> Vec<Value> {
    include_str!("../vectors/status-identity.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn account(words: &str) -> Account {
    Account::from_phrase(&Phrase::parse(words).unwrap()).unwrap()
}

#[test]
fn the_same_phrase_has_the_same_identity_as_in_status() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 2);
    for v in vectors {
        let account = account(v["phrase"].as_str().unwrap());
        let chat = account.chat_public();
        let uncompressed = v["chat_key"].as_str().unwrap();
        let x: String = chat[1..].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(x, uncompressed[4..68]);
        assert_eq!(account_id(chat), v["compressed"].as_str().unwrap());
        assert_eq!(parse_account_id(&account_id(chat)), Ok(*chat));
        let emoji: Vec<&str> = v["emoji"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
        assert_eq!(emoji_hash(chat), emoji);
        let ring: Vec<(u8, u8)> = serde_json::from_value(v["color_hash"].clone()).unwrap();
        assert_eq!(color_ring(chat), ring);
    }
}

#[test]
fn a_mistyped_phrase_says_what_is_wrong() {
    let good = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    assert_eq!(*Phrase::parse(&format!("  {}\n", good.to_uppercase())).unwrap().words(), good);
    let word = good.replacen("abandon", "abandom", 1);
    assert_eq!(Phrase::parse(&word).unwrap_err(), PhraseError::UnknownWord { index: 1 });
    let checksum = good.replace("about", "abandon");
    assert_eq!(Phrase::parse(&checksum).unwrap_err(), PhraseError::Checksum);
    for count in ["", "abandon", &good[8..]] {
        assert_eq!(Phrase::parse(count).unwrap_err(), PhraseError::WordCount);
    }
    assert_eq!(format!("{:?}", Phrase::parse(good).unwrap()), "Phrase(…)");
}

#[test]
fn a_new_phrase_has_twelve_words_and_comes_back() {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let phrase = Phrase::generate(&mut rng);
    assert_eq!(phrase.words().split(' ').count(), 12);
    let again = account(&phrase.words());
    let stored = Account::from_bytes(&*again.to_bytes()).unwrap();
    assert_eq!(stored.chat_public(), again.chat_public());
    assert_eq!((stored.home_value(), stored.self_secret()), (again.home_value(), again.self_secret()));
    assert!(Account::from_bytes(&[0; 56]).is_err() && Account::from_bytes(&[1; 55]).is_err());
}

#[test]
fn foreign_ids_are_refused() {
    for bad in ["", "z", "zQ3sh", "Q3shgXaXEtHSFVhHgTUiCSNAXYKeKryUVnPZZJLBMDutaWHB", "z0OIl", &"z".repeat(4000)] {
        assert_eq!(parse_account_id(bad), Err(IdError));
    }
}

#[test]
fn signatures_bind_label_key_and_every_byte() {
    let alice = account(vectors()[0]["phrase"].as_str().unwrap());
    let sig = alice.sign("sotto/test/1", &[b"a", b"b"]).unwrap();
    let chat = alice.chat_public();
    assert!(verify_chat(chat, "sotto/test/1", &[b"ab"], &sig).is_ok());
    assert!(verify_chat(chat, "sotto/test/2", &[b"ab"], &sig).is_err());
    assert!(verify_chat(chat, "sotto/test/1", &[b"ac"], &sig).is_err());
    for bit in 0..512 {
        let mut bad = sig;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_chat(chat, "sotto/test/1", &[b"ab"], &bad).is_err());
    }
    // The same signature with S negated is valid ECDSA, but not the one form we take.
    let high = k256::ecdsa::Signature::from_slice(&sig)
        .map(|s| k256::ecdsa::Signature::from_scalars(s.r().to_bytes(), (-*s.s()).to_bytes()).unwrap());
    assert!(verify_chat(chat, "sotto/test/1", &[b"ab"], &high.unwrap().to_bytes().into()).is_err());

    let device = DeviceKeys::from_bytes(&[9; 64]).unwrap();
    let sig = device.sign("sotto/test/1", &[b"x"]);
    assert!(verify_device(&device.signing_public(), "sotto/test/1", &[b"x"], &sig).is_ok());
    assert!(verify_device(&device.signing_public(), "sotto/test/2", &[b"x"], &sig).is_err());
    assert!(verify_device(&[0; 32], "sotto/test/1", &[b"x"], &sig).is_err());
}

#[test]
fn both_sides_see_one_safety_number() {
    let [a, b] = [0, 1].map(|i| *account(vectors()[i]["phrase"].as_str().unwrap()).chat_public());
    let number = safety_number(&a, &b);
    assert_eq!(number, safety_number(&b, &a));
    let groups: Vec<&str> = number.split(' ').collect();
    assert!(groups.len() == 12 && groups.iter().all(|g| g.len() == 5 && g.bytes().all(|c| c.is_ascii_digit())));
    assert_ne!(number, safety_number(&a, &a));
}

#[test]
fn a_qr_code_stands_for_both_accounts_and_their_devices() {
    let (alice, bob) = ([2; 33], [3; 33]);
    let one = (DeviceId([1; 16]), [2; 32], [3; 32]);
    let other = (DeviceId([4; 16]), [5; 32], [6; 32]);
    let qr = SafetyQr::new(&alice, devices_hash(&[one]), &bob, devices_hash(&[other]));
    let bytes = qr.encode();
    assert_eq!(SafetyQr::decode(&bytes), Some(qr));
    assert!(qr.is_of(&alice, &bob) && !qr.is_of(&bob, &alice) && !qr.is_of(&alice, &[4; 33]));
    for cut in [&bytes[1..], &bytes[..128], &[&bytes[..], &[0]].concat()] {
        assert_eq!(SafetyQr::decode(cut), None);
    }
    for version in [0, 1, 3] {
        let mut bytes = bytes;
        bytes[0] = version;
        assert_eq!(SafetyQr::decode(&bytes), None);
    }
    assert_eq!(devices_hash(&[one, other]), devices_hash(&[other, one]));
    let mut changed = one;
    for other in [
        {
            changed.0.0[0] ^= 1;
            changed
        },
        (one.0, [7; 32], [3; 32]),
        (one.0, [2; 32], [7; 32]),
    ] {
        assert_ne!(devices_hash(&[one]), devices_hash(&[other]));
    }
}

/// Half of all keys have a second SEC1 form of 33 bytes, which would be a second id of the same account.
#[test]
fn a_compact_point_is_no_account() {
    let account = account(vectors()[0]["phrase"].as_str().unwrap());
    let signature = account.sign("sotto/test/1", &[b"x"]).unwrap();
    for first in 0..=255_u8 {
        let mut other = *account.chat_public();
        if first == other[0] {
            continue;
        }
        other[0] = first;
        let verified = verify_chat(&other, "sotto/test/1", &[b"x"], &signature);
        assert!(verified.is_err(), "first byte {first}");
        let id = parse_account_id(&account_id(&other));
        assert_eq!(id.is_ok(), matches!(first, 2 | 3), "first byte {first}");
    }
}
