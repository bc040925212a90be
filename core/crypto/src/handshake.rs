//! First contact: X25519 with ML-KEM-768, in one masked block of 1,383 bytes.

use crate::bytes::{Reader, closed_debug, join, newtypes};
use crate::device::DeviceKeys;
use crate::error::{HandshakeError, SnapshotError};
use crate::kdf::{Cipher, MAC_LEN, derive, derive_four, expand, tagged};
use crate::prekey::{KEM_CIPHERTEXT_LEN, KemShared, PrekeyPair, PrekeyPublic};
use crate::session::{Agreed, HeaderKey, NextKeys, RootKey, Roots, Session, SessionHash, TagKey, agree, outer_ad};
use crate::suite::SUITE_1;
use crate::{CardSecret, ChatPublic, DeviceId, Random, Record, Tag};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

const INNER_LEN: usize = 33 + 185 + 4;
/// Bytes of a [`HandshakeCore`]: suite 1 ‖ prekey id 8 ‖ EKa 32 ‖ ct 1,088 ‖ sealed inner 238.
pub const CORE_LEN: usize = 1 + 8 + 32 + KEM_CIPHERTEXT_LEN + INNER_LEN + MAC_LEN;
/// Bytes of a masked block.
pub const BLOCK_LEN: usize = CORE_LEN + MAC_LEN;
const ZERO_NONCE: [u8; 12] = [0; 12];

newtypes! {
    /// The chain value c0. With the third DH it gives the session's first keys.
    secret FirstKey: 32;
}
/// EKa with IKb.
struct Dh1(Agreed);
/// EKa with SPKb.
struct Dh2(Agreed);
/// IKa with SPKb.
struct Dh3(Agreed);

/// The device that the first message is for.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The account's chat key.
    pub chat: &'a ChatPublic,
    /// The device's id, from its record.
    pub device_id: &'a DeviceId,
    /// The device's X25519 identity key, from its record.
    pub identity: &'a [u8; 32],
    /// A prekey of that device.
    pub prekey: &'a PrekeyPublic,
}

/// The part of a handshake that the initiator makes once and repeats in every message until the first answer.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeCore(Box<[u8; CORE_LEN]>);

impl HandshakeCore {
    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; CORE_LEN] {
        &self.0
    }

    /// From storage; `None` for a wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Box::new(bytes.try_into().ok()?)))
    }

    /// SHA-256(EKa ‖ ct): the handshake's name on both sides.
    pub fn hash(&self) -> [u8; 32] {
        let named = self.0.get(9..9 + 32 + KEM_CIPHERTEXT_LEN);
        Sha256::digest(named.unwrap_or_default()).into()
    }
}

/// T0: the transcript of the handshake's public values.
fn transcript(to: &Recipient<'_>, ephemeral: &[u8; 32], ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> [u8; 32] {
    let Recipient { chat, device_id, identity, prekey } = to;
    tagged(
        "sotto/transcript/1",
        &[
            &[SUITE_1],
            chat.as_slice(),
            &device_id.0,
            identity.as_slice(),
            ephemeral,
            &prekey.x25519,
            &prekey.kem,
            ciphertext,
            &prekey.id,
        ],
    )
}

/// c0, and the key K0 that seals the inner part.
fn first_keys(t0: &[u8; 32], dh1: &Dh1, dh2: &Dh2, shared: &KemShared) -> (FirstKey, Cipher) {
    let ikm = Zeroizing::new([dh1.0.as_bytes().as_slice(), dh2.0.as_bytes(), shared.as_bytes()].concat());
    let (mut prk, hk) = Hkdf::<Sha256>::extract(Some(t0), &ikm);
    let c0 = FirstKey::new(prk.as_ref());
    prk.zeroize();
    let mut k0 = Zeroizing::new([0; 32]);
    expand(&hk, "sotto/handshake-seal/1", &[], k0.as_mut_slice());
    (c0, Cipher { key: k0, nonce: ZERO_NONCE })
}

/// The session's first keys, by c1 and S.
fn roots(t0: &[u8; 32], c0: &FirstKey, dh3: &Dh3, inner: &[u8; INNER_LEN]) -> Roots {
    let hash = tagged("sotto/session/1", &[t0, inner]);
    let out = derive_four(c0.as_bytes(), dh3.0.as_bytes(), "sotto/session-keys/1", &[&hash]);
    let [root, header_a, header_b, tags_b] = &*out;
    Roots {
        hash: SessionHash(hash),
        root: RootKey::new(root),
        first_a: NextKeys { header: HeaderKey::new(header_a), tags: None },
        first_b: NextKeys { header: HeaderKey::new(header_b), tags: Some(TagKey::new(tags_b)) },
    }
}

/// Starts a session: draws EKa and the first ratchet key, encapsulates to the prekey.
pub fn initiate(
    rng: &mut impl CryptoRng,
    me: &DeviceKeys,
    my_chat: &ChatPublic,
    my_record: &Record,
    start: u32,
    to: &Recipient<'_>,
) -> Result<(Session, HandshakeCore), HandshakeError> {
    let dh3 = agree(me.identity(), &to.prekey.x25519).map(Dh3).ok_or(HandshakeError::BadKey)?;
    initiate_as(rng, &inner(my_chat, my_record, start), &dh3, to)
}

fn inner(chat: &ChatPublic, record: &Record, start: u32) -> [u8; INNER_LEN] {
    join(&[chat, record, &start.to_be_bytes()])
}

/// The owners of IKa and of SPKb can both compute `dh3`, so a transcript does not prove which of them wrote it.
fn initiate_as(
    rng: &mut impl CryptoRng,
    inner: &[u8; INNER_LEN],
    dh3: &Dh3,
    to: &Recipient<'_>,
) -> Result<(Session, HandshakeCore), HandshakeError> {
    let bad = HandshakeError::BadKey;
    let ephemeral = StaticSecret::random_from_rng(rng);
    let ephemeral_a = PublicKey::from(&ephemeral).to_bytes();
    let (ciphertext, shared) = to.prekey.encapsulate(rng)?;
    let t0 = transcript(to, &ephemeral_a, &ciphertext);
    let dh1 = agree(&ephemeral, to.identity).map(Dh1).ok_or(bad)?;
    let dh2 = agree(&ephemeral, &to.prekey.x25519).map(Dh2).ok_or(bad)?;
    let (c0, k0) = first_keys(&t0, &dh1, &dh2, &shared);

    let sealed = k0.seal(&t0, inner);
    let core = join(&[&[SUITE_1], &to.prekey.id, &ephemeral_a, &ciphertext, &sealed]);

    let ratchet = StaticSecret::random_from_rng(rng);
    let session = Session::initiator(&roots(&t0, &c0, dh3, inner), ratchet, &to.prekey.x25519).ok_or(bad)?;
    Ok((session, HandshakeCore(Box::new(core))))
}

fn mask_cipher(secret: &CardSecret, tag: &Tag) -> Cipher {
    Cipher { key: derive(&tag.0, secret.as_bytes(), "sotto/mask/1", &[]), nonce: ZERO_NONCE }
}

/// Hides a core under an invite or contacts secret, again for each message. `tag` and `random` are the envelope's.
pub fn mask(core: &HandshakeCore, secret: &CardSecret, tag: &Tag, random: &Random) -> [u8; BLOCK_LEN] {
    join(&[&mask_cipher(secret, tag).seal(&outer_ad(tag, random), core.as_bytes())])
}

/// Opens only the mask: one AEAD, no DH and no KEM. `None` if the block is not under this secret.
pub fn unmask(secret: &CardSecret, tag: &Tag, random: &Random, block: &[u8; BLOCK_LEN]) -> Option<Block> {
    let plain = mask_cipher(secret, tag).open(&outer_ad(tag, random), block)?;
    HandshakeCore::from_bytes(&plain).map(Block)
}

/// An unmasked block; nothing in it is proven yet.
#[derive(Debug, Clone)]
pub struct Block(HandshakeCore);

struct Parts<'a> {
    suite: u8,
    id: &'a [u8; 8],
    ephemeral: &'a [u8; 32],
    ciphertext: &'a [u8; KEM_CIPHERTEXT_LEN],
    sealed: &'a [u8],
}

impl Block {
    fn parts(&self) -> Result<Parts<'_>, SnapshotError> {
        let mut r = Reader(self.0.0.as_slice());
        let ([suite], id) = (*r.take()?, r.take()?);
        Ok(Parts { suite, id, ephemeral: r.take()?, ciphertext: r.take()?, sealed: r.0 })
    }

    /// The suite of the core. [`Self::open`] supports suite 1.
    pub fn suite(&self) -> u8 {
        self.parts().map_or(0, |p| p.suite)
    }

    /// The id of the prekey that the sender used.
    pub fn prekey_id(&self) -> [u8; 8] {
        self.parts().map_or([0; 8], |p| *p.id)
    }

    /// SHA-256(EKa ‖ ct): the handshake's name on both sides.
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash()
    }

    /// Opens the inner part, by two DHs and a decapsulation.
    pub fn open(
        &self,
        me: &DeviceKeys,
        my_chat: &ChatPublic,
        my_device_id: &DeviceId,
        prekey: &PrekeyPair,
    ) -> Result<Opened, HandshakeError> {
        let forged = HandshakeError::Forged;
        let parts = self.parts().map_err(|_| forged)?;
        if parts.suite != SUITE_1 {
            return Err(HandshakeError::Suite);
        }
        let (identity, public) = (me.identity_public(), prekey.public());
        let to = Recipient { chat: my_chat, device_id: my_device_id, identity: &identity, prekey: &public };
        let t0 = transcript(&to, parts.ephemeral, parts.ciphertext);
        let dh1 = agree(me.identity(), parts.ephemeral).map(Dh1).ok_or(HandshakeError::BadKey)?;
        let dh2 = agree(prekey.x25519(), parts.ephemeral).map(Dh2).ok_or(HandshakeError::BadKey)?;
        let shared = prekey.decapsulate(parts.ciphertext);
        let (c0, k0) = first_keys(&t0, &dh1, &dh2, &shared);
        let plain = k0.open(&t0, parts.sealed).ok_or(forged)?;
        let inner = plain.as_slice().try_into().map_err(|_| forged)?;
        Opened::split(t0, c0, inner).map_err(|_| forged)
    }
}

/// The sender's claim. Verify the record against the chat key, then call [`Opened::finish`].
pub struct Opened {
    t0: [u8; 32],
    c0: FirstKey,
    inner: [u8; INNER_LEN],
    chat: ChatPublic,
    record: Record,
    start: u32,
}

impl Opened {
    fn split(t0: [u8; 32], c0: FirstKey, inner: [u8; INNER_LEN]) -> Result<Self, SnapshotError> {
        let mut r = Reader(&inner);
        let (chat, record, start) = (*r.take()?, *r.take()?, r.number()?);
        Ok(Self { t0, c0, inner, chat, record, start })
    }

    /// The account that the sender claims to be.
    pub fn chat_public(&self) -> &ChatPublic {
        &self.chat
    }

    /// The device record that the sender sent.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Unix seconds, strictly rising for each device.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The session, with the identity key of the verified record. Only a message that decrypts proves that key.
    pub fn finish(&self, identity_a: &[u8; 32], prekey: &PrekeyPair) -> Result<Session, HandshakeError> {
        let dh3 = agree(prekey.x25519(), identity_a).map(Dh3).ok_or(HandshakeError::BadKey)?;
        Ok(Session::responder(&roots(&self.t0, &self.c0, &dh3, &self.inner), prekey.x25519()))
    }
}

closed_debug!(HandshakeCore, Opened);

#[cfg(test)]
mod tests;
