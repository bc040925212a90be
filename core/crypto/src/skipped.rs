//! Keys of messages passed by. They live in SQL, never in a session's snapshot.

use crate::error::{DecryptError, SnapshotError};
use crate::kdf::open;
use crate::session::{HEADER_LEN, Key, message_ad, message_key};
use crate::{Random, Tag};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// One message key that was not used yet.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct SkippedKey {
    /// Receiving chain, from 0.
    #[zeroize(skip)]
    pub chain: u32,
    /// Number in its chain.
    #[zeroize(skip)]
    pub n: u32,
    /// The tag it will come with; `None` in a handshake chain, where tags are random.
    #[zeroize(skip)]
    pub tag: Option<Tag>,
    key: Key,
}

impl SkippedKey {
    pub(crate) fn new(chain: u32, n: u32, tag: Option<Tag>, key: Key) -> Self {
        Self { chain, n, tag, key }
    }

    /// The secret part for the encrypted database.
    pub fn key_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.key.clone()
    }

    /// From the parts kept in SQL.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] for a key that is not 32 bytes.
    pub fn from_parts(chain: u32, n: u32, tag: Option<Tag>, key: &[u8]) -> Result<Self, SnapshotError> {
        Ok(Self { chain, n, tag, key: Zeroizing::new(key.try_into().map_err(|_| SnapshotError::Damaged)?) })
    }
}

impl std::fmt::Debug for SkippedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SkippedKey({}, {})", self.chain, self.n)
    }
}

/// Decrypts a message whose key was passed by. The caller deletes the key in the transaction that stores the plaintext.
///
/// # Errors
/// [`DecryptError::Forged`]; the key stays good.
pub fn open_skipped(
    key: &SkippedKey,
    session_hash: &[u8; 32],
    tag: &Tag,
    random: &Random,
    header: &[u8; HEADER_LEN],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (k, nonce) = message_key(&key.key, random);
    open(&k, &nonce, &message_ad(tag, random, header, session_hash), message).ok_or(DecryptError::Forged)
}
