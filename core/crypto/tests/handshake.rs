//! First contact: what is refused, and by whom.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod party;

use party::{ALICE, BOB, BOB_DEVICE, RECORD, START, Seeded, settled};
use sotto_crypto::{
    BLOCK_LEN, CardSecret, DeviceId, DeviceKeys, HandshakeError, PrekeyPair, Random, Recipient, Tag, initiate, mask,
    unmask,
};

const SECRET: CardSecret = CardSecret::new(&[1; 16]);
const TAG: Tag = Tag([2; 16]);
const RANDOM: Random = Random([3; 16]);

struct Scene {
    rng: Seeded,
    alice: DeviceKeys,
    bob: DeviceKeys,
    prekey: PrekeyPair,
}

fn scene(seed: u64) -> Scene {
    let mut rng = Seeded::new(seed);
    let (alice, bob) = (DeviceKeys::generate(&mut rng), DeviceKeys::generate(&mut rng));
    let prekey = PrekeyPair::generate(&mut rng);
    Scene { rng, alice, bob, prekey }
}

#[test]
fn a_block_opens_for_its_recipient_alone() {
    let mut s = scene(1);
    let public = s.prekey.public();
    let to = Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity: &s.bob.identity_public(), prekey: &public };
    let (_, core) = initiate(&mut s.rng, &s.alice, &ALICE, &RECORD, START, &to).unwrap();
    let block = mask(&core, &SECRET, &TAG, &RANDOM);
    assert!(unmask(&CardSecret::new(&[0; 16]), &TAG, &RANDOM, &block).is_none());
    assert!(unmask(&SECRET, &Tag([0; 16]), &RANDOM, &block).is_none());
    assert!(unmask(&SECRET, &TAG, &Random([0; 16]), &block).is_none());
    let open = unmask(&SECRET, &TAG, &RANDOM, &block).unwrap();
    let forged = HandshakeError::Forged;
    assert_eq!(open.open(&s.bob, &ALICE, &BOB_DEVICE, &s.prekey).unwrap_err(), forged);
    assert_eq!(open.open(&s.bob, &BOB, &DeviceId([0; 16]), &s.prekey).unwrap_err(), forged);
    assert_eq!(open.open(&s.alice, &BOB, &BOB_DEVICE, &s.prekey).unwrap_err(), forged);
    let other = PrekeyPair::generate(&mut s.rng);
    assert_eq!(open.open(&s.bob, &BOB, &BOB_DEVICE, &other).unwrap_err(), forged);
    assert!(open.open(&s.bob, &BOB, &BOB_DEVICE, &s.prekey).is_ok());
}

#[test]
fn every_flipped_bit_of_a_block_is_refused() {
    let mut s = scene(2);
    let public = s.prekey.public();
    let to = Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity: &s.bob.identity_public(), prekey: &public };
    let (_, core) = initiate(&mut s.rng, &s.alice, &ALICE, &RECORD, START, &to).unwrap();
    let block = mask(&core, &SECRET, &TAG, &RANDOM);
    for bit in 0..BLOCK_LEN * 8 {
        let mut bad = block;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(unmask(&SECRET, &TAG, &RANDOM, &bad).is_none());
    }
}

#[test]
fn the_sender_is_bound_to_the_identity_key_in_the_record() {
    let mut s = scene(3);
    let public = s.prekey.public();
    let to = Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity: &s.bob.identity_public(), prekey: &public };
    let (mut alice, core) = initiate(&mut s.rng, &s.alice, &ALICE, &RECORD, START, &to).unwrap();
    let block = unmask(&SECRET, &TAG, &RANDOM, &mask(&core, &SECRET, &TAG, &RANDOM)).unwrap();
    let opened = block.open(&s.bob, &BOB, &BOB_DEVICE, &s.prekey).unwrap();
    let mallory = opened.finish(&s.bob.identity_public(), &s.prekey).unwrap();
    let random = Random([9; 16]);
    let sealed = alice.encrypt(&mut s.rng, &random, b"hello").unwrap();
    assert!(mallory.decrypt(u32::MAX, &sealed.tag, &random, &sealed.header, &sealed.message).is_err());
    let honest = opened.finish(&s.alice.identity_public(), &s.prekey).unwrap();
    assert!(honest.decrypt(u32::MAX, &sealed.tag, &random, &sealed.header, &sealed.message).is_ok());
}

#[test]
fn low_order_and_broken_keys_are_refused() {
    let mut s = scene(4);
    let good = s.prekey.public();
    let identity = s.bob.identity_public();
    let mut one = [0; 32];
    one[0] = 1;
    for low in [[0; 32], one] {
        let bad = sotto_crypto::PrekeyPublic { x25519: low, ..good.clone() };
        for (identity, prekey) in [(&identity, &bad), (&low, &good)] {
            let to = Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity, prekey };
            let result = initiate(&mut s.rng, &s.alice, &ALICE, &RECORD, START, &to);
            assert_eq!(result.unwrap_err(), HandshakeError::BadKey);
        }
    }
    let bad = sotto_crypto::PrekeyPublic { kem: [0xff; 1184], ..good };
    let to = Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity: &identity, prekey: &bad };
    assert_eq!(initiate(&mut s.rng, &s.alice, &ALICE, &RECORD, START, &to).unwrap_err(), HandshakeError::BadKey);
}

#[test]
fn one_core_masks_to_unlike_blocks() {
    let p = settled(&mut Seeded::new(5));
    let one = mask(&p.core, &SECRET, &TAG, &RANDOM);
    let two = mask(&p.core, &SECRET, &Tag([4; 16]), &RANDOM);
    assert!(one.iter().zip(&two).filter(|(a, b)| a == b).count() < 60);
}
