//! Prekeys: one X25519 and one ML-KEM-768 (FIPS 203) key under one id.

use crate::bytes::{Reader, closed_debug, fill, newtypes};
use crate::error::{HandshakeError, SnapshotError};
use ml_kem::kem::{Decapsulate, Encapsulate, KeyExport};
use ml_kem::{DecapsulationKey768, EncapsulationKey768, Seed};
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of an ML-KEM-768 encapsulation key.
pub const KEM_PUBLIC_LEN: usize = 1184;
/// The suites of such a pair, one bit each.
pub const PREKEY_SUITES: u32 = 1;
/// Bytes of an ML-KEM-768 ciphertext.
pub(crate) const KEM_CIPHERTEXT_LEN: usize = 1088;

newtypes! {
    /// The shared secret of ML-KEM.
    pub(crate) secret KemShared: 32;
}

/// The private half. It lives as long as a handshake may still name it.
pub struct PrekeyPair {
    id: [u8; 8],
    x25519: StaticSecret,
    kem_seed: Zeroizing<[u8; 64]>,
}

/// The public half, as in a bundle or a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrekeyPublic {
    /// Random id; a handshake names the pair by it.
    pub id: [u8; 8],
    /// X25519 prekey.
    pub x25519: [u8; 32],
    /// ML-KEM-768 encapsulation key.
    pub kem: [u8; KEM_PUBLIC_LEN],
}

impl PrekeyPair {
    /// Bytes of a stored pair: id 8 ‖ X25519 32 ‖ ML-KEM seed 64.
    pub const LEN: usize = 104;

    /// Makes a random pair.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut id = [0u8; 8];
        let mut kem_seed = Zeroizing::new([0u8; 64]);
        rng.fill_bytes(&mut id);
        rng.fill_bytes(kem_seed.as_mut_slice());
        Self { id, x25519: StaticSecret::random_from_rng(rng), kem_seed }
    }

    /// The id by which handshakes name the pair.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    fn kem(&self) -> DecapsulationKey768 {
        let mut seed = Seed::from(*self.kem_seed);
        let key = DecapsulationKey768::from_seed(seed);
        seed.zeroize();
        key
    }

    /// The public half, to publish.
    pub fn public(&self) -> PrekeyPublic {
        PrekeyPublic {
            id: self.id,
            x25519: PublicKey::from(&self.x25519).to_bytes(),
            kem: self.kem().encapsulation_key().to_bytes().into(),
        }
    }

    pub(crate) fn x25519(&self) -> &StaticSecret {
        &self.x25519
    }

    pub(crate) fn decapsulate(&self, ciphertext: &[u8; KEM_CIPHERTEXT_LEN]) -> KemShared {
        let mut shared = self.kem().decapsulate(&(*ciphertext).into());
        let out = KemShared::new(shared.as_ref());
        shared.zeroize();
        out
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[&self.id, self.x25519.as_bytes(), self.kem_seed.as_slice()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let (id, x25519) = (*r.take()?, StaticSecret::from(*r.take()?));
        let kem_seed = Zeroizing::new(*r.take()?);
        r.end(Self { id, x25519, kem_seed })
    }
}

closed_debug!(PrekeyPair);

type Encapsulated = ([u8; KEM_CIPHERTEXT_LEN], KemShared);

impl PrekeyPublic {
    pub(crate) fn encapsulate(&self, rng: &mut impl CryptoRng) -> Result<Encapsulated, HandshakeError> {
        encapsulate(&self.kem, rng).ok_or(HandshakeError::BadKey)
    }
}

/// A fresh shared secret for the owner of `key`; `None` if it is no key.
pub(crate) fn encapsulate(key: &[u8; KEM_PUBLIC_LEN], rng: &mut impl CryptoRng) -> Option<Encapsulated> {
    let key = EncapsulationKey768::new(&(*key).into()).ok()?;
    let (ciphertext, mut shared) = key.encapsulate_with_rng(rng);
    let out = KemShared::new(shared.as_ref());
    shared.zeroize();
    Some((ciphertext.into(), out))
}
