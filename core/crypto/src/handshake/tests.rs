//! Proofs that a handshake gives, and the secrets that open it.

use super::*;
use crate::Sealed;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

const ALICE: ChatPublic = [2; 33];
const BOB: ChatPublic = [3; 33];
const BOB_DEVICE: DeviceId = DeviceId([4; 16]);
const RECORD: Record = [5; 185];
const START: u32 = 1_800_000_000;
const SECRET: CardSecret = CardSecret::new(&[7; 16]);
const TAG: Tag = Tag([1; 16]);
const RANDOM: Random = Random([2; 16]);

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Bob with all his keys, which he can show a judge.
struct Bob {
    keys: DeviceKeys,
    prekey: PrekeyPair,
    identity: [u8; 32],
    prekey_public: PrekeyPublic,
}

/// Alice's first chain on the wire, or a forgery of it.
struct Transcript {
    block: [u8; BLOCK_LEN],
    messages: Vec<(Random, Sealed)>,
}

impl Bob {
    fn new() -> Self {
        let (keys, prekey) = (DeviceKeys::generate(&mut rng()), PrekeyPair::generate(&mut rng()));
        Self { identity: keys.identity_public(), prekey_public: prekey.public(), keys, prekey }
    }

    fn recipient(&self) -> Recipient<'_> {
        Recipient { chat: &BOB, device_id: &BOB_DEVICE, identity: &self.identity, prekey: &self.prekey_public }
    }

    /// The check of a judge with Bob's keys and Alice's signed record: whether the messages open in her session.
    fn judge(&self, shown: &Transcript, alice_identity: &[u8; 32]) -> Option<Vec<Vec<u8>>> {
        let block = unmask(&SECRET, &TAG, &RANDOM, &shown.block)?;
        let opened = block.open(&self.keys, &BOB, &BOB_DEVICE, &self.prekey);
        let opened = opened.ok()?;
        let claim = (*opened.chat_public(), *opened.record(), opened.start());
        if claim != (ALICE, RECORD, START) {
            return None;
        }
        let mut session = opened.finish(alice_identity, &self.prekey).ok()?;
        let mut texts = Vec::new();
        for (random, sealed) in &shown.messages {
            let done = session.decrypt(u32::MAX, &sealed.tag, random, &sealed.header, &sealed.message);
            let done = done.ok()?;
            texts.push(done.plaintext.to_vec());
            session = done.session;
        }
        Some(texts)
    }
}

fn transcript((mut session, core): (Session, HandshakeCore), texts: &[&[u8]]) -> Transcript {
    let wired = |text: &&[u8]| {
        let mut random = Random([0; 16]);
        rng().fill_bytes(&mut random.0);
        let sealed = session.encrypt(&mut rng(), &random, text).unwrap();
        (random, sealed)
    };
    Transcript { messages: texts.iter().map(wired).collect(), block: mask(&core, &SECRET, &TAG, &RANDOM) }
}

/// Deniability: with his own keys and Alice's public values, Bob makes a transcript that is as good as hers.
#[test]
fn bob_alone_makes_a_transcript_as_good_as_alices() {
    let (alice, bob) = (DeviceKeys::generate(&mut rng()), Bob::new());
    let alice_identity = alice.identity_public();
    let said: [&[u8]; 3] = [b"hello", b"I owe you nothing", b"bye"];
    let hers = initiate(&mut rng(), &alice, &ALICE, &RECORD, START, &bob.recipient()).unwrap();
    let hers = transcript(hers, &said);
    assert_eq!(bob.judge(&hers, &alice_identity).unwrap(), said);
    drop(alice);

    let dh3 = Dh3(agree(bob.prekey.x25519(), &alice_identity).unwrap());
    let claim = inner(&ALICE, &RECORD, START);
    let his = initiate_as(&mut rng(), &claim, &dh3, &bob.recipient()).unwrap();
    let his = transcript(his, &[b"hello", b"I owe you all I have", b"bye"]);
    let found = bob.judge(&his, &alice_identity).unwrap();
    assert_eq!(found[1], b"I owe you all I have");

    // Without that one secret it fails, so the judge does check something.
    let strangers = initiate_as(&mut rng(), &claim, &Dh3(Agreed::new(&[9; 32])), &bob.recipient()).unwrap();
    let strangers = transcript(strangers, &said);
    assert!(bob.judge(&strangers, &alice_identity).is_none());
}

/// The parts of a handshake's secrets, and the one that an attacker lacks.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Lacks {
    Nothing,
    EphemeralWithIdentity,
    EphemeralWithPrekey,
    Kem,
    Identities,
    AllX25519,
}

/// Opens a block as an attacker who lacks some secrets and guesses them.
fn opens(lacks: Lacks, guess: &[u8; 32]) -> Option<bool> {
    let (alice, bob) = (DeviceKeys::generate(&mut rng()), Bob::new());
    let begun = initiate(&mut rng(), &alice, &ALICE, &RECORD, START, &bob.recipient());
    let (mut session, core) = begun.unwrap();
    let sealed = session.encrypt(&mut rng(), &RANDOM, b"text").unwrap();
    let block = Block(core);
    let parts = block.parts().unwrap();
    let t0 = super::transcript(&bob.recipient(), parts.ephemeral, parts.ciphertext);
    let known = |secret: Agreed, part: Lacks| {
        if lacks == part || lacks == Lacks::AllX25519 { Agreed::new(guess) } else { secret }
    };
    let dh1 = agree(bob.keys.identity(), parts.ephemeral).unwrap();
    let dh2 = agree(bob.prekey.x25519(), parts.ephemeral).unwrap();
    let dh3 = agree(bob.prekey.x25519(), &alice.identity_public()).unwrap();
    let shared = bob.prekey.decapsulate(parts.ciphertext);
    let (c0, k0) = first_keys(
        &t0,
        &Dh1(known(dh1, Lacks::EphemeralWithIdentity)),
        &Dh2(known(dh2, Lacks::EphemeralWithPrekey)),
        &if lacks == Lacks::Kem { KemShared::new(guess) } else { shared },
    );
    let plain = k0.open(&t0, parts.sealed)?;
    let claim: [u8; INNER_LEN] = plain.as_slice().try_into().unwrap();
    let roots = roots(&t0, &c0, &Dh3(known(dh3, Lacks::Identities)), &claim);
    let session = Session::responder(&roots, bob.prekey.x25519());
    let read = session.decrypt(u32::MAX, &sealed.tag, &RANDOM, &sealed.header, &sealed.message);
    Some(read.is_ok())
}

/// An attacker who breaks only X25519, or only ML-KEM, learns neither the sender nor the content. Each single secret is
/// needed.
#[test]
fn neither_x25519_alone_nor_ml_kem_alone_opens_a_handshake() {
    assert_eq!(opens(Lacks::Nothing, &[0; 32]), Some(true));
    for guess in [[0; 32], [1; 32]] {
        for lacks in [Lacks::EphemeralWithIdentity, Lacks::EphemeralWithPrekey, Lacks::Kem, Lacks::AllX25519] {
            assert_eq!(opens(lacks, &guess), None, "{lacks:?}");
        }
        assert_eq!(opens(Lacks::Identities, &guess), Some(false));
    }
}

/// Values between the secrets and the session are wiped when dropped.
#[test]
fn first_keys_are_wiped() {
    fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    let agreed = || Agreed::new(&[1; 32]);
    let (c0, k0) = first_keys(&[0; 32], &Dh1(agreed()), &Dh2(agreed()), &KemShared::new(&[2; 32]));
    wiped(&c0);
    wiped(&k0);
    let roots = roots(&[0; 32], &c0, &Dh3(agreed()), &[0; INNER_LEN]);
    wiped(&roots.root);
    wiped(&roots.first_a);
    wiped(&roots.first_b);
}
