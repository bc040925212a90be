//! One message of a group, and the keys that sign it.
//!
//! Plaintext: `signature 64 ‖ h_n 32 ‖ o 1 ‖ opening o ‖ GInner`, padded to the room of its envelope.

use super::chain::{Chain, GroupMessageKey, GroupSkipped, message_ad};
use super::leaf::{ExchangeKey, LeafKeys, signing_key};
use super::{ExchangePublic, GroupOpenError, GroupSealError, Place, stored};
use crate::bytes::{Reader, closed_debug, newtypes};
use crate::error::{SignatureError, SnapshotError};
use crate::kdf::{MAC_LEN, tag};
use crate::{Random, Tag, verify_device};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use zeroize::Zeroizing;

/// Bytes of the opening of a leaf that has not written in an earlier epoch.
pub const OPENING_LEN: usize = 128;
/// Bytes of an opening that names the leaf's last epoch.
pub const OPENING_LEN_AGAIN: usize = OPENING_LEN + 44;
/// Signature, run hash, length of the opening.
const FRONT: usize = 64 + 32 + 1;

newtypes! {
    /// h_n: a hash over all messages of a chain before number n.
    pub open RunHash: 32;
}

impl RunHash {
    /// h_0.
    pub fn first(place: &Place) -> Self {
        Self::of(&[&place.group.0, &place.epoch.0, &place.leaf.0])
    }

    /// h_{n+1}, from h_n and message n.
    pub fn next(&self, inner: &[u8]) -> Self {
        self.after(&Sha256::digest(inner).into())
    }

    /// h_{n+1}, from h_n and the SHA-256 of message n.
    pub fn after(&self, inner_hash: &[u8; 32]) -> Self {
        Self::of(&[&self.0, inner_hash])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let hash = Sha256::new().chain_update("sotto/group-run/1");
        Self(parts.iter().fold(hash, |hash, part| hash.chain_update(part)).finalize().into())
    }
}

/// The private epoch key of a leaf: signs its messages of one epoch. Its bytes are published when the epoch is over.
pub struct EpochKey(SigningKey);

impl EpochKey {
    /// Bytes of a stored or published key.
    pub const LEN: usize = 32;

    /// Makes a random key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(signing_key(rng))
    }

    /// vk_E.
    pub fn public(&self) -> EpochPublic {
        EpochPublic(self.0.verifying_key())
    }

    /// The Ed25519 seed, for the encrypted database and for publication.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        stored(bytes).map(|seed| Self(SigningKey::from_bytes(seed)))
    }
}

/// vk_E, decompressed: checks the messages of one leaf in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochPublic(VerifyingKey);

impl EpochPublic {
    /// Reads the 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SignatureError> {
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_| SignatureError)
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

/// Where a leaf's messages of its last epoch end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// The first 8 bytes of that epoch.
    pub epoch: [u8; 8],
    /// Number of its messages there.
    pub count: u32,
    /// h_count: the run hash after them.
    pub run: RunHash,
}

/// The beginning of a leaf's first message in an epoch:
/// `vk_E 32 ‖ X′ 32 ‖ leaf signature 64 (‖ old epoch 8 ‖ count 4 ‖ h_count 32)`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// vk_E.
    pub key: [u8; 32],
    /// X′, the leaf's next X25519 key.
    pub exchange: ExchangePublic,
    /// By the leaf key, over place, vk_E and X′.
    pub signature: [u8; 64],
    /// The leaf's last epoch, if it wrote in one.
    pub before: Option<Before>,
}

const LABEL_OPENING: &str = "sotto/group-epoch-key/1";

impl Opening {
    /// Signs an opening with the leaf key.
    pub fn sign(leaf: &LeafKeys, place: &Place, key: &EpochKey, next: &ExchangeKey, before: Option<Before>) -> Self {
        let (key, exchange) = (key.public().to_bytes(), next.public());
        let signature = leaf.sign(LABEL_OPENING, &opening_parts(place, &key, &exchange));
        Self { key, exchange, signature, before }
    }

    /// Checks the signature under the leaf key vk. What [`Self::before`] says is signed by the message.
    pub fn verify(&self, place: &Place, vk: &[u8; 32]) -> Result<EpochPublic, SignatureError> {
        verify_device(vk, LABEL_OPENING, &opening_parts(place, &self.key, &self.exchange), &self.signature)?;
        EpochPublic::from_bytes(&self.key)
    }

    /// The [`OPENING_LEN`] or [`OPENING_LEN_AGAIN`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.key.as_slice(), &self.exchange.0, &self.signature].concat();
        if let Some(before) = &self.before {
            bytes.extend_from_slice(&before.epoch);
            bytes.extend_from_slice(&before.count.to_be_bytes());
            bytes.extend_from_slice(&before.run.0);
        }
        bytes
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let (key, exchange, signature) = (*r.take()?, ExchangePublic(*r.take()?), *r.take()?);
        let before = match bytes.len() {
            OPENING_LEN => None,
            _ => Some(Before { epoch: *r.take()?, count: r.number()?, run: RunHash(*r.take()?) }),
        };
        r.end(Self { key, exchange, signature, before })
    }
}

fn opening_parts<'a>(place: &'a Place, key: &'a [u8; 32], exchange: &'a ExchangePublic) -> [&'a [u8]; 5] {
    [&place.group.0, &place.epoch.0, &place.leaf.0, key, &exchange.0]
}

/// What an author seals with, besides the chain.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The chain's place.
    pub place: &'a Place,
    /// The author's epoch key.
    pub key: &'a EpochKey,
    /// h_n of the next message.
    pub run: &'a RunHash,
}

/// A sealed message, and the author's state after it.
pub struct Sealed {
    /// Tag of the envelope.
    pub tag: Tag,
    /// Body of the envelope: the room, and 17 bytes.
    pub body: Vec<u8>,
    /// The chain that replaces the old one.
    pub chain: Chain,
    /// h_{n+1}.
    pub run: RunHash,
    /// The signature, for a relay.
    pub signature: [u8; 64],
}

/// What is known of an author when its message comes.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// vk of the leaf, from the log.
    pub leaf: &'a [u8; 32],
    /// vk_E, if the leaf's opening is known.
    pub epoch: Option<&'a EpochPublic>,
}

/// What an author signed of one message. It comes inside the message, or by a relay.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// By the epoch key.
    pub signature: &'a [u8; 64],
    /// h_n.
    pub run: RunHash,
    /// The opening, with message 0 alone.
    pub opening: &'a [u8],
    /// GInner.
    pub inner: &'a [u8],
}

/// What the signatures of a message prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    /// The opening and its key, with message 0.
    pub opening: Option<(Opening, EpochPublic)>,
    /// h_n, as the author says. The reader compares it with its own.
    pub run: RunHash,
    /// h_{n+1}.
    pub next: RunHash,
}

/// A message whose MAC and signatures hold.
pub struct Message {
    /// What they prove.
    pub proven: Proven,
    plaintext: Zeroizing<Vec<u8>>,
}

/// A message that a chain opened, and the reader's state after it.
pub struct Opened {
    /// The chain that replaces the old one.
    pub chain: Chain,
    /// Keys of skipped messages, to keep in SQL.
    pub skipped: Vec<GroupSkipped>,
    /// The message.
    pub message: Message,
}

closed_debug!(EpochKey, Opening, Sealed, Message, Opened);

impl std::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signed(…)")
    }
}

static MESSAGE: LazyLock<Sha256> = LazyLock::new(|| tag("sotto/group-message/1"));
static NO_OPENING: LazyLock<[u8; 32]> = LazyLock::new(|| Sha256::digest([]).into());

/// The digest that the epoch key signs.
fn digest(place: &Place, n: u32, run: &RunHash, opening: &[u8], inner_hash: &[u8; 32]) -> [u8; 32] {
    let opening = if opening.is_empty() { *NO_OPENING } else { Sha256::digest(opening).into() };
    let Place { group, epoch, leaf } = place;
    let parts: [&[u8]; 7] = [&group.0, &epoch.0, &leaf.0, &n.to_be_bytes(), &run.0, &opening, inner_hash];
    parts.iter().fold(MESSAGE.clone(), |hash, part| hash.chain_update(part)).finalize().into()
}

impl Chain {
    /// Signs and seals the next message. `room` is the most plaintext of the envelope's class, of form *sealed*;
    /// `random` its 16 fresh bytes. `opening` belongs to message 0 alone. The caller stores what comes back before it
    /// publishes the body.
    pub fn seal(
        &self,
        sender: &Sender<'_>,
        opening: Option<&Opening>,
        random: &Random,
        room: usize,
        inner: &[u8],
    ) -> Result<Sealed, GroupSealError> {
        let n = self.n();
        if opening.is_some() != (n == 0) {
            return Err(GroupSealError::Opening);
        }
        let opening = opening.map(Opening::to_bytes).unwrap_or_default();
        let len = FRONT + opening.len() + inner.len();
        if len > room {
            return Err(GroupSealError::TooLong);
        }
        let (mk, chain) = self.step().ok_or(GroupSealError::ChainFull)?;
        let inner_hash = Sha256::digest(inner).into();
        let signature = sender.key.0.sign(&digest(sender.place, n, sender.run, &opening, &inner_hash)).to_bytes();

        let mut body = Vec::with_capacity(room + 1 + MAC_LEN);
        body.extend_from_slice(&signature);
        body.extend_from_slice(&sender.run.0);
        body.push(u8::try_from(opening.len()).map_err(|_| GroupSealError::Opening)?);
        body.extend_from_slice(&opening);
        body.extend_from_slice(inner);
        body.push(0x80);
        body.resize(room + 1, 0);
        let tag = self.tag(n);
        mk.cipher(random).seal_in_place(&message_ad(sender.place, n, &tag, random), &mut body);
        Ok(Sealed { tag, body, chain, run: sender.run.after(&inner_hash), signature })
    }

    /// Opens message `n`, on a copy. The tag says which chain and number it has.
    pub fn open(
        &self,
        place: &Place,
        n: u32,
        author: &Author<'_>,
        tag: &Tag,
        random: &Random,
        body: &[u8],
    ) -> Result<Opened, GroupOpenError> {
        let (skipped, there) = self.skip_to(n)?;
        let (mk, chain) =
            there.as_ref().unwrap_or(self).step().ok_or(GroupOpenError::TooFarAhead { ahead: u32::MAX })?;
        let message = mk.open(place, n, author, tag, random, body)?;
        Ok(Opened { chain, skipped, message })
    }
}

impl GroupMessageKey {
    /// Opens message `n` with its own key. The caller deletes a skipped key in the transaction that stores the message.
    pub fn open(
        &self,
        place: &Place,
        n: u32,
        author: &Author<'_>,
        tag: &Tag,
        random: &Random,
        body: &[u8],
    ) -> Result<Message, GroupOpenError> {
        let ad = message_ad(place, n, tag, random);
        let mut plaintext = self.cipher(random).open(&ad, body).ok_or(GroupOpenError::Forged)?;
        let end = plaintext.iter().rposition(|&byte| byte != 0).filter(|&end| plaintext.get(end) == Some(&0x80));
        plaintext.truncate(end.ok_or(GroupOpenError::Malformed)?);
        let signed = Signed::split(&plaintext).ok_or(GroupOpenError::Malformed)?;
        let proven = signed.verify(place, n, author)?;
        Ok(Message { proven, plaintext })
    }
}

impl<'a> Signed<'a> {
    fn split(plaintext: &'a [u8]) -> Option<Self> {
        let (signature, rest) = plaintext.split_first_chunk()?;
        let (run, rest) = rest.split_first_chunk::<32>()?;
        let (len, rest) = rest.split_first()?;
        let (opening, inner) = rest.split_at_checked(usize::from(*len))?;
        Some(Self { signature, run: RunHash(*run), opening, inner })
    }

    /// Checks the signatures. Message 0 brings its own epoch key, which the leaf signed; a key that is known must be
    /// the same.
    pub fn verify(&self, place: &Place, n: u32, author: &Author<'_>) -> Result<Proven, GroupOpenError> {
        let forged = GroupOpenError::Signature;
        let opening = match (n, self.opening.len()) {
            (0, OPENING_LEN | OPENING_LEN_AGAIN) => {
                let opening = Opening::from_bytes(self.opening).map_err(|_| GroupOpenError::Malformed)?;
                Some((opening, opening.verify(place, author.leaf).map_err(|_| forged)?))
            }
            (1.., 0) => None,
            _ => return Err(GroupOpenError::Malformed),
        };
        let key = match (&opening, author.epoch) {
            (Some((_, key)), Some(known)) if key != known => return Err(GroupOpenError::Signature),
            (Some((_, key)), _) => key,
            (None, Some(known)) => known,
            (None, None) => return Err(GroupOpenError::NoOpening),
        };
        let inner_hash = Sha256::digest(self.inner).into();
        let digest = digest(place, n, &self.run, self.opening, &inner_hash);
        key.0.verify_strict(&digest, &Signature::from_bytes(self.signature)).map_err(|_| forged)?;
        Ok(Proven { opening, run: self.run, next: self.run.after(&inner_hash) })
    }
}

impl Message {
    /// GInner, exactly as its author made it.
    pub fn inner(&self) -> &[u8] {
        self.signed().map_or(&[], |signed| signed.inner)
    }

    /// What the author signed, for a relay.
    pub fn signed(&self) -> Option<Signed<'_>> {
        Signed::split(&self.plaintext)
    }
}
