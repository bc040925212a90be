//! An account: the secp256k1 chat key of a phrase, and the values derived from the same seed.

use crate::bytes::{CardSecret, Reader, closed_debug, fill};
use crate::error::{IdError, SignatureError, SnapshotError};
use crate::kdf::{derive, tagged};
use crate::phrase::Phrase;
use crate::{ChatPublic, bip32};
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use k256::elliptic_curve::scalar::IsHigh;
use zeroize::{ZeroizeOnDrop, Zeroizing};

const MULTICODEC: [u8; 2] = [0xe7, 0x01];

/// The secrets of an account. They sign lists, profiles and public statements, never a private message.
#[derive(ZeroizeOnDrop)]
pub struct Account {
    chat: Zeroizing<[u8; 32]>,
    home_value: [u8; 8],
    self_secret: CardSecret,
    #[zeroize(skip)]
    public: ChatPublic,
}

impl Account {
    /// Bytes of a stored account: chat key 32 ‖ home value 8 ‖ self secret 16.
    pub const LEN: usize = 56;

    /// Derives the account: chat key at `m/43'/60'/1581'/0'/0`, home value and self secret from the BIP39 seed.
    /// Fails for the one phrase in 2^127 whose path is invalid.
    pub fn from_phrase(phrase: &Phrase) -> Result<Self, SnapshotError> {
        let seed = phrase.seed();
        let chat = bip32::chat_key(&seed).ok_or(SnapshotError::Damaged)?;
        let home_value = *derive(b"", seed.as_slice(), "sotto/home-value/1", &[]);
        let self_secret = derive(b"", seed.as_slice(), "sotto/self-secret/1", &[]);
        Self::assemble(chat, home_value, CardSecret::new(&self_secret))
    }

    fn assemble(
        chat: Zeroizing<[u8; 32]>,
        home_value: [u8; 8],
        self_secret: CardSecret,
    ) -> Result<Self, SnapshotError> {
        let key = SigningKey::from_slice(chat.as_slice()).map_err(|_| SnapshotError::Damaged)?;
        let public =
            key.verifying_key().to_sec1_point(true).as_bytes().try_into().map_err(|_| SnapshotError::Damaged)?;
        Ok(Self { chat, home_value, self_secret, public })
    }

    /// The account's public key, compressed.
    pub fn chat_public(&self) -> &ChatPublic {
        &self.public
    }

    /// 8 bytes whose top bits choose the home bucket. Contacts and holders of an open invite know them.
    pub fn home_value(&self) -> [u8; 8] {
        self.home_value
    }

    /// The secret under which the account's installs publish to each other.
    pub fn self_secret(&self) -> &CardSecret {
        &self.self_secret
    }

    /// ECDSA over tagged SHA-256, compact, low-S (RFC 6979 nonce). Only the primitive's type allows failure.
    pub fn sign(&self, label: &str, parts: &[&[u8]]) -> Result<[u8; 64], SignatureError> {
        let key = SigningKey::from_slice(self.chat.as_slice()).map_err(|_| SignatureError)?;
        let sig: Signature = key.sign_prehash(&tagged(label, parts)).map_err(|_| SignatureError)?;
        Ok(sig.normalize_s().to_bytes().into())
    }

    /// The bytes for the encrypted database.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        let mut out = Zeroizing::new([0u8; Self::LEN]);
        fill(out.as_mut_slice(), &[self.chat.as_slice(), &self.home_value, self.self_secret.as_bytes()]);
        out
    }

    /// Reads the bytes of [`Self::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut r = Reader(bytes);
        let (chat, home_value) = (Zeroizing::new(*r.take()?), *r.take()?);
        let self_secret = CardSecret::new(r.take()?);
        r.end(Self::assemble(chat, home_value, self_secret)?)
    }
}

closed_debug!(Account);

/// Checks a chat-key signature. A high S is refused, so each signature has one form.
pub fn verify_chat(
    chat: &ChatPublic,
    label: &str,
    parts: &[&[u8]],
    signature: &[u8; 64],
) -> Result<(), SignatureError> {
    verify_digest(chat, &tagged(label, parts), signature)
}

/// A compressed point. SEC1's form with tag 5 is refused: it would give half of all accounts a second key.
pub(crate) fn point(chat: &ChatPublic) -> Option<VerifyingKey> {
    matches!(chat.first(), Some(2 | 3)).then(|| VerifyingKey::from_sec1_bytes(chat).ok()).flatten()
}

pub(crate) fn verify_digest(chat: &ChatPublic, digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), SignatureError> {
    let key = point(chat).ok_or(SignatureError)?;
    let sig = Signature::from_slice(signature).map_err(|_| SignatureError)?;
    if bool::from(sig.s().is_high()) {
        return Err(SignatureError);
    }
    key.verify_prehash(digest, &sig).map_err(|_| SignatureError)
}

/// The id that people see: `z` + base58btc(`e701` ‖ key). It always begins with `zQ3sh`.
pub fn account_id(chat: &ChatPublic) -> String {
    let mut bytes = MULTICODEC.to_vec();
    bytes.extend_from_slice(chat);
    format!("z{}", bs58::encode(bytes).into_string())
}

/// Reads an account id, and checks that the bytes are a point.
pub fn parse_account_id(id: &str) -> Result<ChatPublic, IdError> {
    let text = id.strip_prefix('z').filter(|t| t.len() <= 64).ok_or(IdError)?;
    let bytes = bs58::decode(text).into_vec().map_err(|_| IdError)?;
    let key: ChatPublic = bytes.strip_prefix(&MULTICODEC).ok_or(IdError)?.try_into().map_err(|_| IdError)?;
    point(&key).ok_or(IdError)?;
    Ok(key)
}
