//! Two devices with a handshake between them, and a seeded generator: what the other suites stand on.
#![allow(dead_code, reason = "each suite uses its part")]

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sotto_crypto::{
    CardSecret, DecryptError, DeviceId, DeviceKeys, HandshakeCore, PrekeyPair, Random, Recipient, Sealed, Session,
    SkippedKey, Tag, initiate, mask, open_skipped, unmask,
};
use std::collections::HashMap;

/// A ChaCha20 keystream as generator: the same seed gives the same run.
pub(crate) struct Seeded(ChaCha20);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        Self(ChaCha20::new(&key.into(), &[0u8; 12].into()))
    }
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0u8; N];
        self.0.apply_keystream(&mut out);
        out
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (u64::from_be_bytes(self.bytes()) % n as u64) as usize
    }
}

impl TryRng for Seeded {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.bytes()))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.bytes()))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(0);
        self.0.apply_keystream(out);
        Ok(())
    }
}
impl TryCryptoRng for Seeded {}

#[derive(Clone)]
pub(crate) struct Wired {
    pub(crate) random: Random,
    pub(crate) sealed: Sealed,
}

/// One side as an engine holds it: the session, and the skipped keys that it keeps in SQL.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) session: Session,
    pub(crate) skipped: HashMap<(u32, u32), SkippedKey>,
    pub(crate) by_tag: HashMap<Tag, (u32, u32)>,
}

impl Party {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, skipped: HashMap::new(), by_tag: HashMap::new() }
    }

    pub(crate) fn send(&mut self, rng: &mut Seeded, plain: &[u8]) -> Wired {
        let random = Random(rng.bytes());
        let sealed = self.session.encrypt(rng, &random, plain).unwrap();
        Wired { random, sealed }
    }

    fn passed_by(&mut self, place: (u32, u32), w: &Wired) -> Result<Vec<u8>, DecryptError> {
        let key = self.skipped.get(&place).ok_or(DecryptError::Unknown)?;
        let s = &w.sealed;
        let plain = open_skipped(&key.key, self.session.hash(), &s.tag, &w.random, &s.header, &s.message)?;
        let key = self.skipped.remove(&place).unwrap();
        if let Some(tag) = key.tag {
            self.by_tag.remove(&tag);
        }
        Ok(plain.to_vec())
    }

    /// As the engine does: first the tag in the table of skipped keys, then the session.
    pub(crate) fn receive(&mut self, w: &Wired) -> Result<Vec<u8>, DecryptError> {
        if let Some(place) = self.by_tag.get(&w.sealed.tag).copied() {
            return self.passed_by(place, w);
        }
        match self.session.decrypt(u32::MAX, &w.sealed.tag, &w.random, &w.sealed.header, &w.sealed.message) {
            Ok(done) => {
                for key in done.skipped {
                    if let Some(tag) = key.tag {
                        self.by_tag.insert(tag, (key.chain, key.n));
                    }
                    self.skipped.insert((key.chain, key.n), key);
                }
                self.session = done.session;
                Ok(done.plaintext.to_vec())
            }
            Err(DecryptError::Skipped { chain, n }) => self.passed_by((chain, n), w),
            Err(e) => Err(e),
        }
    }
}

pub(crate) struct Pair {
    pub(crate) alice: Party,
    pub(crate) bob: Party,
    pub(crate) core: HandshakeCore,
}

pub(crate) const ALICE: [u8; 33] = [2; 33];
pub(crate) const BOB: [u8; 33] = [3; 33];
pub(crate) const BOB_DEVICE: DeviceId = DeviceId([4; 16]);
pub(crate) const RECORD: [u8; 185] = [5; 185];
pub(crate) const START: u32 = 1_800_000_000;

/// Alice's handshake, unmasked and opened by Bob. The chat keys and the record are opaque here.
pub(crate) fn pair(rng: &mut Seeded) -> Pair {
    let (alice_keys, bob_keys) = (DeviceKeys::generate(rng), DeviceKeys::generate(rng));
    let prekey = PrekeyPair::generate(rng);
    let to = Recipient {
        chat: &BOB,
        device_id: &BOB_DEVICE,
        identity: &bob_keys.identity_public(),
        prekey: &prekey.public(),
    };
    let (alice, core) = initiate(rng, &alice_keys, &ALICE, &RECORD, START, &to).unwrap();
    let secret = CardSecret::new(&rng.bytes());
    let (tag, random) = (Tag(rng.bytes()), Random(rng.bytes()));
    let block = unmask(&secret, &tag, &random, &mask(&core, &secret, &tag, &random)).unwrap();
    assert_eq!((block.hash(), block.prekey_id()), (core.hash(), prekey.id()));
    let opened = block.open(&bob_keys, &BOB, &BOB_DEVICE, &prekey).unwrap();
    assert_eq!((opened.chat_public(), opened.record(), opened.start()), (&ALICE, &RECORD, START));
    let bob = opened.finish(&alice_keys.identity_public(), &prekey).unwrap();
    assert_eq!(alice.hash(), bob.hash());
    Pair { alice: Party::new(alice), bob: Party::new(bob), core }
}

/// The same, after one message each way.
pub(crate) fn settled(rng: &mut Seeded) -> Pair {
    let mut p = pair(rng);
    let hello = p.alice.send(rng, b"hello");
    p.bob.receive(&hello).unwrap();
    let answer = p.bob.send(rng, b"answer");
    p.alice.receive(&answer).unwrap();
    p
}
