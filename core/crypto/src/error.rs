//! One error per operation. Display carries no key, id or content.

use thiserror::Error;

/// Why a phrase cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhraseError {
    /// The word at this place (from 1) is not in the English BIP39 list.
    #[error("word {index} is not in the list")]
    UnknownWord {
        /// The word's place, from 1.
        index: u32,
    },
    /// Not 12, 15, 18, 21 or 24 words.
    #[error("wrong number of words")]
    WordCount,
    /// The words are known but the checksum fails.
    #[error("the checksum fails")]
    Checksum,
}

/// An account id must be `z` + base58btc of `e701` and 33 key bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an account id")]
pub struct IdError;

/// A signature is wrong or malleable (high S), or its key is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature does not hold")]
pub struct SignatureError;

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// A public key is of low order or not a key.
    #[error("a public key cannot be used")]
    BadKey,
    /// This version does not support the suite.
    #[error("unknown suite")]
    Suite,
    /// The block does not open under this prekey.
    #[error("the block does not open")]
    Forged,
}

/// Why two devices cannot begin a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SuiteError {
    /// The two devices share no suite.
    #[error("no suite in common")]
    None,
    /// The device spoke a higher suite before.
    #[error("a lower suite than before")]
    Lower,
}

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncryptError {
    /// The other side has not written yet, so there is no ratchet key to answer.
    #[error("the other side has not written yet")]
    NotReady,
    /// The chain has reached 2^32 - 1 messages.
    #[error("the chain is full")]
    ChainFull,
    /// The other side's ratchet key is of low order.
    #[error("a public key cannot be used")]
    BadKey,
}

/// Why nothing was decrypted. The session is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecryptError {
    /// The header opens under no header key of this session.
    #[error("no header key of this session opens the header")]
    Unknown,
    /// The header opened, but the message key was skipped: look it up by session, chain and n.
    #[error("the message key was skipped")]
    Skipped {
        /// Receiving chain, from 0.
        chain: u32,
        /// Message number.
        n: u32,
    },
    /// The jump is longer than 25,000 messages.
    #[error("too far ahead")]
    TooFarAhead {
        /// Length of the jump, messages.
        ahead: u32,
    },
    /// The header has another ratchet version.
    #[error("a newer ratchet version")]
    Newer,
    /// The header opened, but the message did not.
    #[error("the message does not open")]
    Forged,
    /// The header carries a low-order ratchet key.
    #[error("a public key cannot be used")]
    BadKey,
}

/// Stored bytes have another version or length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// A newer version wrote them.
    #[error("written by a newer version")]
    Newer,
    /// The length or the content is wrong.
    #[error("damaged")]
    Damaged,
}
