//! Keys of messages passed by. They live in SQL, never in a session's snapshot.

use crate::error::DecryptError;
use crate::session::{HEADER_LEN, MessageKey, SessionHash, message_ad};
use crate::{Random, Tag};
use zeroize::Zeroizing;

/// One message key that was not used yet.
#[derive(Clone)]
pub struct SkippedKey {
    /// Receiving chain, from 0.
    pub chain: u32,
    /// Number in its chain.
    pub n: u32,
    /// The tag it will come with; `None` in a handshake chain, where tags are random.
    pub tag: Option<Tag>,
    /// The secret part for the encrypted database.
    pub key: MessageKey,
}

/// Decrypts a message whose key was passed by. The caller deletes the key in the transaction that stores the plaintext.
///
/// # Errors
/// [`DecryptError::Forged`]; the key stays good.
pub fn open_skipped(
    key: &MessageKey,
    session_hash: &[u8; 32],
    tag: &Tag,
    random: &Random,
    header: &[u8; HEADER_LEN],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let ad = message_ad(tag, random, header, &SessionHash(*session_hash));
    key.cipher(random).open(&ad, message).ok_or(DecryptError::Forged)
}
