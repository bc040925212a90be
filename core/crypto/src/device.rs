//! A device: random keys, new for each install.

use crate::bytes::{Reader, closed_debug, fill};
use crate::error::{SignatureError, SnapshotError};
use crate::kdf::tagged;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// X25519 identity key and Ed25519 signing key of one install.
pub struct DeviceKeys {
    identity: StaticSecret,
    signing: SigningKey,
}

impl DeviceKeys {
    /// Bytes of stored device keys: X25519 32 ‖ Ed25519 seed 32.
    pub const LEN: usize = 64;

    /// Makes both keys at random.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        Self { identity: StaticSecret::random_from_rng(rng), signing: SigningKey::from_bytes(&seed) }
    }

    /// Public X25519 identity key.
    pub fn identity_public(&self) -> [u8; 32] {
        PublicKey::from(&self.identity).to_bytes()
    }

    /// Public Ed25519 key.
    pub fn signing_public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// An Ed25519 signature over tagged SHA-256.
    pub fn sign(&self, label: &str, parts: &[&[u8]]) -> [u8; 64] {
        self.signing.sign(&tagged(label, parts)).to_bytes()
    }

    pub(crate) fn identity(&self) -> &StaticSecret {
        &self.identity
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[self.identity.as_bytes(), self.signing.as_bytes()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let (identity, signing) = (StaticSecret::from(*r.take()?), SigningKey::from_bytes(r.take()?));
        r.end(Self { identity, signing })
    }
}

closed_debug!(DeviceKeys);

/// Checks a device signature strictly (no small-order keys, RFC 8032).
pub fn verify_device(key: &[u8; 32], label: &str, parts: &[&[u8]], signature: &[u8; 64]) -> Result<(), SignatureError> {
    VerifyingKey::from_bytes(key)
        .and_then(|k| k.verify_strict(&tagged(label, parts), &Signature::from_bytes(signature)))
        .map_err(|_| SignatureError)
}
