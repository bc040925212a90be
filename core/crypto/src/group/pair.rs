//! Pair keys, and what boxes and whispers seal under them.

use super::leaf::{ExchangeKey, LeafKeys};
use super::{BoxPublic, Epoch, EpochSecret, ExchangePublic, GroupId, LeafId, PairError, commit};
use crate::bytes::{Reader, closed_debug, fill, join, newtypes};
use crate::error::SnapshotError;
use crate::kdf::{Cipher, derive, tagged};
use crate::prekey::{KEM_PUBLIC_LEN, KemShared, encapsulate};
use crate::session::{Agreed, agree};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Longest jump forward of a pair, boxes.
pub const BOX_JUMP_MAX: u32 = 1_000;
const ZERO_NONCE: [u8; 12] = [0; 12];

newtypes! {
    /// Q: shared by an issuer and one leaf, at one box counter.
    pub secret PairKey: 32;
}

/// Q_K with its K.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    key: PairKey,
    k: u32,
}

/// A pair at the counter of a box.
#[derive(Debug)]
pub struct Ahead {
    /// Pairs of counters that were passed by, to keep for 7 days.
    pub passed: Vec<Pair>,
    /// The pair of the box. Once its item has opened, [`Pair::next`] replaces it.
    pub pair: Pair,
}

impl PairKey {
    /// Draws a key, for a welcome.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::new(&bytes)
    }
}

impl Pair {
    /// Bytes of a stored pair: Q 32 ‖ K 4.
    pub const LEN: usize = 36;

    /// A key from a welcome or an intro, at the counter named there.
    pub fn new(key: PairKey, k: u32) -> Self {
        Self { key, k }
    }

    /// Q_K.
    pub fn key(&self) -> &PairKey {
        &self.key
    }

    /// K.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The pair of the next box; `None` at the end of the counter.
    pub fn next(&self) -> Option<Self> {
        let k = self.k.checked_add(1)?;
        let key = PairKey::new(&derive(b"", self.key.as_bytes(), "sotto/group-pair-next/1", &[]));
        Some(Self { key, k })
    }

    /// The pair at the counter of a box that came.
    pub fn ahead(&self, k: u32) -> Result<Ahead, PairError> {
        let steps = k.checked_sub(self.k).ok_or(PairError::Behind)?;
        if steps > BOX_JUMP_MAX {
            return Err(PairError::TooFarAhead);
        }
        let (mut passed, mut pair) = (Vec::new(), self.clone());
        for _ in 0..steps {
            let next = pair.next().ok_or(PairError::TooFarAhead)?;
            passed.push(std::mem::replace(&mut pair, next));
        }
        Ok(Ahead { passed, pair })
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[self.key.as_bytes(), &self.k.to_be_bytes()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let pair = Self { key: PairKey::new(r.take()?), k: r.number()? };
        r.end(pair)
    }
}

/// The private half of e: fresh for each box or whisper, and dropped with it.
pub struct BoxKey(StaticSecret);

impl BoxKey {
    /// Makes a random key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(StaticSecret::random_from_rng(rng))
    }

    /// e.
    pub fn public(&self) -> BoxPublic {
        BoxPublic(PublicKey::from(&self.0).to_bytes())
    }

    fn agree(&self, reader: &ExchangePublic) -> Result<Agreed, PairError> {
        agree(&self.0, &reader.0).ok_or(PairError::BadKey)
    }

    /// The issuer's key of the item for `who.reader`, whose newest key is `reader`.
    pub fn item(
        &self,
        who: &Pairing<'_>,
        epoch: &Epoch,
        key: &PairKey,
        reader: &ExchangePublic,
    ) -> Result<ItemKey, PairError> {
        Ok(item_key(who, epoch, key, &self.public(), &self.agree(reader)?))
    }

    /// The issuer's key of a whisper.
    pub fn whisper(&self, who: &Pairing<'_>, key: &PairKey, reader: &ExchangePublic) -> Result<WhisperKey, PairError> {
        Ok(whisper_key(who, key, &self.public(), &self.agree(reader)?))
    }
}

impl ExchangeKey {
    fn agree(&self, e: &BoxPublic) -> Result<Agreed, PairError> {
        agree(self.secret(), &e.0).ok_or(PairError::BadKey)
    }

    /// The reader's key of its item in a box with the key `e`.
    pub fn item(&self, who: &Pairing<'_>, epoch: &Epoch, key: &PairKey, e: &BoxPublic) -> Result<ItemKey, PairError> {
        Ok(item_key(who, epoch, key, e, &self.agree(e)?))
    }

    /// The reader's key of a whisper with the key `e`.
    pub fn whisper(&self, who: &Pairing<'_>, key: &PairKey, e: &BoxPublic) -> Result<WhisperKey, PairError> {
        Ok(whisper_key(who, key, e, &self.agree(e)?))
    }
}

/// The two leaves of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Pairing<'a> {
    /// G.
    pub group: &'a GroupId,
    /// λ of the leaf that issues boxes or whispers.
    pub issuer: &'a LeafId,
    /// λ of the leaf that reads.
    pub reader: &'a LeafId,
}

/// A pair key that an intro or whisper brings.
pub struct Introduced {
    /// ML-KEM-768 ciphertext, for the intro or whisper.
    pub ciphertext: [u8; 1088],
    /// Q. For an intro: of the counter of its box.
    pub key: PairKey,
}

closed_debug!(Pair, BoxKey, Introduced);

struct Transcript<'a> {
    who: &'a Pairing<'a>,
    e: &'a BoxPublic,
    issuer_x: &'a ExchangePublic,
    reader_x: &'a ExchangePublic,
    kem_hash: &'a [u8; 32],
    ciphertext: &'a [u8; 1088],
}

impl Transcript<'_> {
    fn key(&self, dh_static: &Agreed, dh_fresh: &Agreed, shared: &KemShared) -> PairKey {
        let Pairing { group, issuer, reader } = self.who;
        let (issuer_x, reader_x) = (&self.issuer_x.0, &self.reader_x.0);
        let parts: [&[u8]; 8] =
            [&group.0, &issuer.0, &reader.0, &self.e.0, issuer_x, reader_x, self.kem_hash, self.ciphertext];
        let transcript = tagged("sotto/group-pair/1", &parts);
        let mut ikm = Zeroizing::new([0u8; 96]);
        fill(ikm.as_mut_slice(), &[dh_static.as_bytes(), dh_fresh.as_bytes(), shared.as_bytes()]);
        PairKey::new(&derive(&transcript, ikm.as_slice(), "sotto/group-pair-key/1", &[]))
    }
}

/// Makes a pair key for a leaf whose newest key is `reader_x` and whose encapsulation key is `ek`.
pub fn introduce(
    rng: &mut impl CryptoRng,
    who: &Pairing<'_>,
    mine: &ExchangeKey,
    e: &BoxKey,
    reader_x: &ExchangePublic,
    ek: &[u8; KEM_PUBLIC_LEN],
) -> Result<Introduced, PairError> {
    let (ciphertext, shared) = encapsulate(ek, rng).ok_or(PairError::BadKey)?;
    let dh_static = agree(mine.secret(), &reader_x.0).ok_or(PairError::BadKey)?;
    let (e_public, issuer_x, kem_hash) = (e.public(), mine.public(), Sha256::digest(ek).into());
    let transcript =
        Transcript { who, e: &e_public, issuer_x: &issuer_x, reader_x, kem_hash: &kem_hash, ciphertext: &ciphertext };
    let key = transcript.key(&dh_static, &e.agree(reader_x)?, &shared);
    Ok(Introduced { ciphertext, key })
}

/// The pair key that an issuer with the key `issuer_x` made. A wrong guess of either X gives a key that opens nothing.
pub fn introduced(
    who: &Pairing<'_>,
    leaf: &LeafKeys,
    mine: &ExchangeKey,
    issuer_x: &ExchangePublic,
    e: &BoxPublic,
    ciphertext: &[u8; 1088],
) -> Result<PairKey, PairError> {
    let (shared, kem_hash) = leaf.decapsulate(ciphertext);
    let dh_static = agree(mine.secret(), &issuer_x.0).ok_or(PairError::BadKey)?;
    let reader_x = mine.public();
    let transcript = Transcript { who, e, issuer_x, reader_x: &reader_x, kem_hash: &kem_hash, ciphertext };
    Ok(transcript.key(&dh_static, &mine.agree(e)?, &shared))
}

/// Seals the secret of one epoch for one leaf.
pub struct ItemKey {
    key: Zeroizing<[u8; 32]>,
    tag: [u8; 8],
}

/// Seals one whisper.
pub struct WhisperKey(ItemKey);

closed_debug!(ItemKey, WhisperKey);

/// k ‖ tag.
fn split(bytes: &Zeroizing<[u8; 40]>) -> ItemKey {
    let mut key = Zeroizing::new([0; 32]);
    fill(key.as_mut_slice(), &[bytes.as_slice()]);
    ItemKey { key, tag: join(&[bytes.split_at(32).1]) }
}

fn ikm(key: &PairKey, agreed: &Agreed) -> Zeroizing<[u8; 64]> {
    let mut ikm = Zeroizing::new([0u8; 64]);
    fill(ikm.as_mut_slice(), &[key.as_bytes(), agreed.as_bytes()]);
    ikm
}

fn item_key(who: &Pairing<'_>, epoch: &Epoch, key: &PairKey, e: &BoxPublic, agreed: &Agreed) -> ItemKey {
    let leaves: [u8; 32] = join(&[&who.issuer.0, &who.reader.0]);
    let parts: [&[u8]; 3] = [&who.group.0, &epoch.0, &leaves];
    split(&derive(&e.0, ikm(key, agreed).as_slice(), "sotto/group-box/1", &parts))
}

fn whisper_key(who: &Pairing<'_>, key: &PairKey, e: &BoxPublic, agreed: &Agreed) -> WhisperKey {
    let parts: [&[u8]; 3] = [&who.group.0, &who.issuer.0, &who.reader.0];
    WhisperKey(split(&derive(&e.0, ikm(key, agreed).as_slice(), "sotto/group-whisper/1", &parts)))
}

impl ItemKey {
    fn cipher(&self) -> Cipher {
        Cipher { key: self.key.clone(), nonce: ZERO_NONCE }
    }

    /// The tag of the item, by which the reader finds it.
    pub fn tag(&self) -> [u8; 8] {
        self.tag
    }

    /// Seals the secret; `head` are the 90 bytes of the part. Once for each key.
    pub fn seal(&self, head: &[u8; 90], secret: &EpochSecret) -> [u8; 48] {
        join(&[&self.cipher().seal(head, secret.as_bytes())])
    }

    /// Opens the item, and refuses a secret that the epoch's entry does not commit to.
    pub fn open(&self, head: &[u8; 90], sealed: &[u8; 48], commits: &[u8; 32]) -> Result<EpochSecret, PairError> {
        let plain = self.cipher().open(head, sealed).ok_or(PairError::Forged)?;
        let secret = EpochSecret::new(plain.as_slice().try_into().map_err(|_| PairError::Forged)?);
        if commit(&secret).ct_eq(commits).into() { Ok(secret) } else { Err(PairError::Commit) }
    }
}

impl WhisperKey {
    /// The tag of the whisper, by which its reader knows it.
    pub fn tag(&self) -> [u8; 8] {
        self.0.tag
    }

    /// Seals a message; `head` are the bytes before the ciphertext, with the tag. Once for each key.
    pub fn seal(&self, head: &[u8], message: &[u8]) -> Vec<u8> {
        self.0.cipher().seal(head, message)
    }

    /// Opens a whisper; `None` if it is not under this key.
    pub fn open(&self, head: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.0.cipher().open(head, sealed)
    }
}
