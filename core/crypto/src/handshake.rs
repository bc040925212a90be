//! First contact: X25519 with ML-KEM-768, in one masked block of 1,383 bytes.

use crate::device::DeviceKeys;
use crate::error::HandshakeError;
use crate::kdf::{MAC_LEN, derive, expand, extract, open, quarter, seal, tagged};
use crate::prekey::{KEM_CIPHERTEXT_LEN, PrekeyPair, PrekeyPublic};
use crate::session::{Roots, Session, agree, outer_ad};
use crate::suite::SUITE_1;
use crate::{ChatPublic, Random, Record, Tag};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

const INNER_LEN: usize = 33 + 185 + 4;
/// Bytes of a [`HandshakeCore`]: suite 1 ‖ prekey id 8 ‖ EKa 32 ‖ ct 1,088 ‖ sealed inner 238.
pub const CORE_LEN: usize = 1 + 8 + 32 + KEM_CIPHERTEXT_LEN + INNER_LEN + MAC_LEN;
/// Bytes of a masked block.
pub const BLOCK_LEN: usize = CORE_LEN + MAC_LEN;
const ZERO_NONCE: [u8; 12] = [0; 12];

/// Whom to write to.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// Their account.
    pub chat: &'a ChatPublic,
    /// Their device's id.
    pub device_id: &'a [u8; 16],
    /// Their device's X25519 identity key.
    pub identity: &'a [u8; 32],
    /// A prekey of that device.
    pub prekey: &'a PrekeyPublic,
}

/// The part made once and repeated in every message until answered.
#[derive(Clone, PartialEq, Eq)]
pub struct HandshakeCore(Box<[u8; CORE_LEN]>);

impl HandshakeCore {
    /// As stored.
    pub fn as_bytes(&self) -> &[u8; CORE_LEN] {
        &self.0
    }

    /// From storage; `None` for a wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Box::new(bytes.try_into().ok()?)))
    }

    /// SHA-256(EKa ‖ ct): names this handshake on both sides.
    pub fn hash(&self) -> [u8; 32] {
        let named = self.0.iter().skip(9).take(32 + KEM_CIPHERTEXT_LEN).copied().collect::<Vec<u8>>();
        Sha256::digest(named).into()
    }
}

impl std::fmt::Debug for HandshakeCore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HandshakeCore(…)")
    }
}

struct Transcript<'a> {
    suite: u8,
    chat_b: &'a ChatPublic,
    device_b: &'a [u8; 16],
    identity_b: &'a [u8; 32],
    ephemeral_a: &'a [u8; 32],
    prekey_b: &'a PrekeyPublic,
    ciphertext: &'a [u8; KEM_CIPHERTEXT_LEN],
}

impl Transcript<'_> {
    fn hash(&self) -> [u8; 32] {
        tagged(
            "sotto/transcript/1",
            &[
                &[self.suite],
                self.chat_b,
                self.device_b,
                self.identity_b,
                self.ephemeral_a,
                &self.prekey_b.x25519,
                &self.prekey_b.kem,
                self.ciphertext,
                &self.prekey_b.id,
            ],
        )
    }
}

/// c0 and K0.
fn first_keys(
    t0: &[u8; 32],
    dh1: &[u8; 32],
    dh2: &[u8; 32],
    shared: &[u8; 32],
) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let ikm = Zeroizing::new([dh1.as_slice(), dh2, shared].concat());
    let (c0, hk) = extract(t0, &ikm);
    (c0, expand(&hk, "sotto/handshake-seal/1", &[]))
}

/// c1 and S to the session's first keys.
fn roots(t0: &[u8; 32], c0: &[u8; 32], dh3: &[u8; 32], inner: &[u8; INNER_LEN]) -> Roots {
    let hash = tagged("sotto/session/1", &[t0, inner]);
    let (_, hk): (_, Hkdf<Sha256>) = extract(c0, dh3);
    let out = expand::<128>(&hk, "sotto/session-keys/1", &[&hash]);
    let [root, header_a, header_b, tags_b] = quarter(&out);
    Roots { hash, root, header_a, header_b, tags_b }
}

/// Starts a session: draws EKa and the first ratchet key, encapsulates to the prekey.
///
/// # Errors
/// [`HandshakeError::BadKey`] when a key of the recipient is of low order or malformed.
pub fn initiate(
    rng: &mut impl CryptoRng,
    me: &DeviceKeys,
    my_chat: &ChatPublic,
    my_record: &Record,
    start: u32,
    to: &Recipient<'_>,
) -> Result<(Session, HandshakeCore), HandshakeError> {
    let dh3 = agree(me.identity(), &to.prekey.x25519).ok_or(HandshakeError::BadKey)?;
    let inner = inner(my_chat, my_record, start);
    initiate_as(rng, &inner, &dh3, to)
}

fn inner(chat: &ChatPublic, record: &Record, start: u32) -> [u8; INNER_LEN] {
    let mut inner = [0u8; INNER_LEN];
    let start = start.to_be_bytes();
    inner.iter_mut().zip(chat.iter().chain(record).chain(&start)).for_each(|(a, b)| *a = *b);
    inner
}

/// As whoever has `dh3`: the owner of IKa, or of SPKb. So no transcript proves which of them wrote it.
fn initiate_as(
    rng: &mut impl CryptoRng,
    inner: &[u8; INNER_LEN],
    dh3: &[u8; 32],
    to: &Recipient<'_>,
) -> Result<(Session, HandshakeCore), HandshakeError> {
    let bad = HandshakeError::BadKey;
    let ephemeral = StaticSecret::random_from_rng(rng);
    let ephemeral_a = PublicKey::from(&ephemeral).to_bytes();
    let (ciphertext, shared) = to.prekey.encapsulate(rng)?;
    let transcript = Transcript {
        suite: SUITE_1,
        chat_b: to.chat,
        device_b: to.device_id,
        identity_b: to.identity,
        ephemeral_a: &ephemeral_a,
        prekey_b: to.prekey,
        ciphertext: &ciphertext,
    };
    let t0 = transcript.hash();
    let dh1 = agree(&ephemeral, to.identity).ok_or(bad)?;
    let dh2 = agree(&ephemeral, &to.prekey.x25519).ok_or(bad)?;
    let (c0, k0) = first_keys(&t0, &dh1, &dh2, &shared);

    let sealed = seal(&k0, &ZERO_NONCE, &t0, inner);
    let mut core = Box::new([0u8; CORE_LEN]);
    let fields = [SUITE_1];
    let fields = fields.iter().chain(&to.prekey.id).chain(&ephemeral_a).chain(&ciphertext).chain(&sealed);
    core.iter_mut().zip(fields).for_each(|(a, b)| *a = *b);

    let roots = roots(&t0, &c0, dh3, inner);
    let ratchet = StaticSecret::random_from_rng(rng);
    let session = Session::initiator(&roots, ratchet, &to.prekey.x25519).ok_or(bad)?;
    Ok((session, HandshakeCore(core)))
}

fn mask_key(secret: &[u8; 16], tag: &Tag) -> Zeroizing<[u8; 32]> {
    derive(tag, secret, "sotto/mask/1", &[])
}

/// Hides a core under an invite or contacts secret, anew for each message: `tag` and `random` are the envelope's.
pub fn mask(core: &HandshakeCore, secret: &[u8; 16], tag: &Tag, random: &Random) -> [u8; BLOCK_LEN] {
    let sealed = seal(&mask_key(secret, tag), &ZERO_NONCE, &outer_ad(tag, random), core.as_bytes());
    let mut out = [0u8; BLOCK_LEN];
    out.iter_mut().zip(sealed).for_each(|(a, b)| *a = b);
    out
}

/// Opens the mask only: costs one AEAD, no DH and no KEM. `None` when it is not under this secret.
pub fn unmask(secret: &[u8; 16], tag: &Tag, random: &Random, block: &[u8; BLOCK_LEN]) -> Option<Block> {
    let plain = open(&mask_key(secret, tag), &ZERO_NONCE, &outer_ad(tag, random), block)?;
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
    fn parts(&self) -> Option<Parts<'_>> {
        let ([suite], rest) = self.0.0.split_first_chunk::<1>()?;
        let (id, rest) = rest.split_first_chunk::<8>()?;
        let (ephemeral, rest) = rest.split_first_chunk::<32>()?;
        let (ciphertext, sealed) = rest.split_first_chunk::<KEM_CIPHERTEXT_LEN>()?;
        Some(Parts { suite: *suite, id, ephemeral, ciphertext, sealed })
    }

    /// Its suite; [`Self::open`] knows [`SUITE_1`] alone.
    pub fn suite(&self) -> u8 {
        self.parts().map_or(0, |p| p.suite)
    }

    /// Which prekey it names.
    pub fn prekey_id(&self) -> [u8; 8] {
        self.parts().map_or([0; 8], |p| *p.id)
    }

    /// SHA-256(EKa ‖ ct).
    pub fn hash(&self) -> [u8; 32] {
        self.0.hash()
    }

    /// Two DHs and a decapsulation: opens the inner part.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn open(
        &self,
        me: &DeviceKeys,
        my_chat: &ChatPublic,
        my_device_id: &[u8; 16],
        prekey: &PrekeyPair,
    ) -> Result<Opened, HandshakeError> {
        let parts = self.parts().ok_or(HandshakeError::Forged)?;
        if parts.suite != SUITE_1 {
            return Err(HandshakeError::Suite);
        }
        let prekey_b = prekey.public();
        let identity_b = me.identity_public();
        let transcript = Transcript {
            suite: parts.suite,
            chat_b: my_chat,
            device_b: my_device_id,
            identity_b: &identity_b,
            ephemeral_a: parts.ephemeral,
            prekey_b: &prekey_b,
            ciphertext: parts.ciphertext,
        };
        let t0 = transcript.hash();
        let dh1 = agree(me.identity(), parts.ephemeral).ok_or(HandshakeError::BadKey)?;
        let dh2 = agree(prekey.x25519(), parts.ephemeral).ok_or(HandshakeError::BadKey)?;
        let shared = prekey.decapsulate(parts.ciphertext);
        let (c0, k0) = first_keys(&t0, &dh1, &dh2, &shared);
        let plain = open(&k0, &ZERO_NONCE, &t0, parts.sealed).ok_or(HandshakeError::Forged)?;
        let inner: [u8; INNER_LEN] = plain.as_slice().try_into().map_err(|_| HandshakeError::Forged)?;
        Opened::split(t0, c0, inner).ok_or(HandshakeError::Forged)
    }
}

/// The sender's claim: verify the record against the chat key, then [`Opened::finish`].
pub struct Opened {
    t0: [u8; 32],
    c0: Zeroizing<[u8; 32]>,
    inner: [u8; INNER_LEN],
    chat: ChatPublic,
    record: Record,
    start: u32,
}

impl Opened {
    fn split(t0: [u8; 32], c0: Zeroizing<[u8; 32]>, inner: [u8; INNER_LEN]) -> Option<Self> {
        let (chat, rest) = inner.split_first_chunk::<33>()?;
        let (record, start) = rest.split_first_chunk::<185>()?;
        let start = u32::from_be_bytes(start.try_into().ok()?);
        Some(Self { t0, c0, inner, chat: *chat, record: *record, start })
    }

    /// The account the sender claims.
    pub fn chat_public(&self) -> &ChatPublic {
        &self.chat
    }

    /// The device record the sender shows.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Unix seconds, strictly rising per peer device.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The session, with the identity key out of the verified record. Only a message that decrypts in it proves that key.
    ///
    /// # Errors
    /// [`HandshakeError::BadKey`] for a low-order identity key.
    pub fn finish(&self, identity_a: &[u8; 32], prekey: &PrekeyPair) -> Result<Session, HandshakeError> {
        let dh3 = agree(prekey.x25519(), identity_a).ok_or(HandshakeError::BadKey)?;
        Ok(Session::responder(&roots(&self.t0, &self.c0, &dh3, &self.inner), prekey.x25519()))
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened(…)")
    }
}

#[cfg(test)]
mod tests;
