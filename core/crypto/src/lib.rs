//! Identity, handshake and ratchet. Bytes in, bytes out.
//!
//! Knows no clock, no IO, no protobuf and no other crate of the workspace. Randomness is passed in.
//!
//! The data path: a [`Phrase`] gives an [`Account`] (secp256k1 chat key); each install makes its own [`DeviceKeys`].
//! The initiator's [`initiate`] mixes an ephemeral key, the recipient's [`PrekeyPublic`] and ML-KEM-768 into a
//! [`Session`] and a [`HandshakeCore`], which [`mask`] hides again in each message. The recipient calls [`unmask`],
//! opens the [`Block`], verifies the sender's record and finishes to the same [`Session`]. From then on
//! [`Session::encrypt`] and [`Session::decrypt`] run a double ratchet with encrypted headers and session tags. The
//! caller keeps skipped message keys in SQL. Decryption works on a copy, so nothing moves before the MAC is verified.
//!
//! Exact bytes and labels: `docs/protocol.md`. Primitives come from RustCrypto and dalek.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

mod account;
mod bip32;
mod bytes;
mod device;
mod error;
pub mod group;
mod handshake;
mod kdf;
mod phrase;
mod prekey;
mod seal;
mod session;
mod skipped;
mod suite;
mod visual;

pub use account::{Account, account_id, parse_account_id, verify_chat};
pub use bytes::{CardSecret, DeviceId, FileKey, LocalKey, Random, Tag};
pub use device::{DeviceKeys, verify_device};
pub use error::{
    DecryptError, EncryptError, HandshakeError, IdError, PhraseError, SignatureError, SnapshotError, SuiteError,
};
pub use handshake::{BLOCK_LEN, Block, CORE_LEN, HandshakeCore, Opened, Recipient, initiate, mask, unmask};
pub use phrase::Phrase;
pub use prekey::{KEM_PUBLIC_LEN, PREKEY_SUITES, PrekeyPair, PrekeyPublic};
pub use seal::{
    blob_open, blob_random, blob_seal, blob_tag, blob_topic, block_open, block_seal, card_open, card_seal, card_tag,
    preview_topic, secret_bucket, takeover_open, takeover_seal, takeover_tag,
};
pub use session::{Decrypted, HEADER_LEN, JUMP_MAX, MessageKey, Sealed, Session};
pub use skipped::{SkippedKey, open_skipped};
pub use suite::{SUITES, choose_suite};
pub use visual::{SAFETY_QR_LEN, SafetyQr, color_ring, devices_hash, emoji_hash, safety_number};

/// The outer version of an envelope; part of every AEAD's associated data.
const VERSION: u8 = 1;

/// A compressed secp256k1 public key: an account.
pub type ChatPublic = [u8; 33];
/// A device record as signed; its bytes are opaque here.
pub type Record = [u8; 185];

#[cfg(test)]
mod primitives;
#[cfg(doctest)]
#[doc = include_str!("../tests/swapped.md")]
struct Swapped;
