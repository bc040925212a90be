//! Keys of skipped messages. The caller keeps them in SQL; a session's snapshot has none.

use crate::error::DecryptError;
use crate::session::{HEADER_LEN, MessageKey, SessionHash, message_ad};
use crate::{Random, Tag};
use zeroize::Zeroizing;

/// A message key that was skipped and not used yet.
#[derive(Clone)]
pub struct SkippedKey {
    /// Receiving chain, from 0.
    pub chain: u32,
    /// The message's number in its chain.
    pub n: u32,
    /// The tag that the message will have; `None` in a handshake chain, where tags are random.
    pub tag: Option<Tag>,
    /// The secret part, for the encrypted database.
    pub key: MessageKey,
}

/// Decrypts a message with a skipped key. The caller deletes the key in the transaction that stores the plaintext.
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
