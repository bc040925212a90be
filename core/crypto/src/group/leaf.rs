//! Keys of a device in one group, the authority key of an account, and proofs of whose a leaf is.

use super::{ExchangePublic, GroupId, LeafId, stored};
use crate::bytes::{Reader, closed_debug, fill};
use crate::device::DeviceKeys;
use crate::error::SnapshotError;
use crate::kdf::{derive, tagged};
use crate::phrase::Phrase;
use crate::prekey::{KEM_PUBLIC_LEN, KemShared};
use crate::session::agree;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{DecapsulationKey768, Seed};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

/// 32 random bytes as an Ed25519 key.
pub(super) fn signing_key(rng: &mut impl CryptoRng) -> SigningKey {
    let mut seed = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(seed.as_mut_slice());
    SigningKey::from_bytes(&seed)
}

/// The keys of a leaf that stay: vk signs, ek is encapsulated to. New for each group.
pub struct LeafKeys {
    signing: SigningKey,
    kem_seed: Zeroizing<[u8; 64]>,
}

impl LeafKeys {
    /// Bytes of stored leaf keys: Ed25519 seed 32 ‖ ML-KEM seed 64.
    pub const LEN: usize = 96;

    /// Makes both keys at random.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let signing = signing_key(rng);
        let mut kem_seed = Zeroizing::new([0u8; 64]);
        rng.fill_bytes(kem_seed.as_mut_slice());
        Self { signing, kem_seed }
    }

    /// vk, for the leaf.
    pub fn signing_public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// ek. The leaf has its hash.
    pub fn kem_public(&self) -> [u8; KEM_PUBLIC_LEN] {
        self.kem().encapsulation_key().to_bytes().into()
    }

    /// An Ed25519 signature over tagged SHA-256: of an entry, or of a call for help.
    pub fn sign(&self, label: &str, parts: &[&[u8]]) -> [u8; 64] {
        self.signing.sign(&tagged(label, parts)).to_bytes()
    }

    fn kem(&self) -> DecapsulationKey768 {
        let mut seed = Seed::from(*self.kem_seed);
        let key = DecapsulationKey768::from_seed(seed);
        seed.zeroize();
        key
    }

    /// The shared secret, and SHA-256 of the encapsulation key.
    pub(super) fn decapsulate(&self, ciphertext: &[u8; 1088]) -> (KemShared, [u8; 32]) {
        let kem = self.kem();
        let mut shared = kem.decapsulate(&(*ciphertext).into());
        let out = KemShared::new(shared.as_ref());
        shared.zeroize();
        (out, Sha256::digest(kem.encapsulation_key().to_bytes()).into())
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[self.signing.as_bytes(), self.kem_seed.as_slice()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let (signing, kem_seed) = (SigningKey::from_bytes(r.take()?), Zeroizing::new(*r.take()?));
        r.end(Self { signing, kem_seed })
    }
}

/// x, the private half of an X or X′. A device keeps at most 3 for each group.
pub struct ExchangeKey(StaticSecret);

impl ExchangeKey {
    /// Bytes of a stored key.
    pub const LEN: usize = 32;

    /// Makes a random key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(StaticSecret::random_from_rng(rng))
    }

    /// X.
    pub fn public(&self) -> ExchangePublic {
        ExchangePublic(PublicKey::from(&self.0).to_bytes())
    }

    pub(super) fn secret(&self) -> &StaticSecret {
        &self.0
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        stored(bytes).map(|key: &[u8; 32]| Self(StaticSecret::from(*key)))
    }
}

/// The authority key A of an account, from its phrase; or a deputy key B, random, on a device without the phrase.
pub struct AuthorityKey(SigningKey);

impl AuthorityKey {
    /// Bytes of a stored key.
    pub const LEN: usize = 32;

    /// A: the same on every device that has the phrase, and in all groups.
    pub fn from_phrase(phrase: &Phrase) -> Self {
        let seed = derive::<32>(b"", phrase.seed().as_slice(), "sotto/group-authority/1", &[]);
        Self(SigningKey::from_bytes(&seed))
    }

    /// A fresh B.
    pub fn deputy(rng: &mut impl CryptoRng) -> Self {
        Self(signing_key(rng))
    }

    /// vk_A or vk_B.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// An Ed25519 signature over tagged SHA-256: of an entry, or of a deputy's key.
    pub fn sign(&self, label: &str, parts: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&tagged(label, parts)).to_bytes()
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        stored(bytes).map(|seed| Self(SigningKey::from_bytes(seed)))
    }
}

closed_debug!(LeafKeys, ExchangeKey, AuthorityKey);

/// What a binding proof is about.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// G.
    pub group: &'a GroupId,
    /// λ of the leaf whose device proves itself.
    pub leaf: &'a LeafId,
    /// λ of the leaf that checks.
    pub reader: &'a LeafId,
    /// The whole leaf of `leaf`.
    pub bytes: &'a [u8],
}

impl Binding<'_> {
    fn proof(&self, identity: &StaticSecret, other: &[u8; 32]) -> Option<[u8; 16]> {
        let agreed = agree(identity, other)?;
        let key = derive::<32>(b"", agreed.as_bytes(), "sotto/group-bind/1", &[]);
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_slice()).ok()?;
        let mac = mac.chain_update(self.group.0).chain_update(self.leaf.0).chain_update(self.reader.0);
        let mac: [u8; 32] = mac.chain_update(Sha256::digest(self.bytes)).finalize().into_bytes().into();
        mac.first_chunk().copied()
    }
}

/// Proves to one reader, whose key is `reader_x`, that the leaf is of this device. The reader could make the proof too.
/// `None` if the reader's key is of low order.
pub fn bind(me: &DeviceKeys, reader_x: &ExchangePublic, of: &Binding<'_>) -> Option<[u8; 16]> {
    of.proof(me.identity(), &reader_x.0)
}

/// Checks a proof with the key that it was made for, and the identity key of the leaf's record.
pub fn check_binding(mine: &ExchangeKey, identity: &[u8; 32], of: &Binding<'_>, proof: &[u8; 16]) -> bool {
    of.proof(mine.secret(), identity).is_some_and(|made| made.ct_eq(proof).into())
}
