//! Identity objects: device records and lists, prekey bundles, profiles, and the cards that carry them.
//!
//! Decoding an object proves nothing. `signed_bytes` returns the bytes that its signature covers. The caller verifies
//! the signature with the label beside it, then calls [`check_version`] and [`check_not_after`]. [`secret_hash`] binds
//! objects on cards to the secret that opens the card; lists sent inside a session use [`IN_SESSION`].

mod bundle;
mod card;
mod list;
mod record;

pub use bundle::{BUNDLE_LEN, Bundle};
pub use card::{CLOSED_LEN, CardKind, Closed, NO_DEVICE, Profile};
pub use list::{DeviceList, MAX_DEVICES, MAX_LIST_LEN};
pub use record::{DeviceRecord, RECORD_LEN};

use sha2::{Digest, Sha256};

use crate::file::FilePointerError;
use crate::read::Short;

/// Compressed secp256k1 chat key.
pub type ChatKey = [u8; 33];
/// Device id, 16 random bytes.
pub type DeviceId = [u8; 16];

/// Label of the chat key's signature over a [`DeviceRecord`].
pub const LABEL_RECORD: &str = "sotto/device-record/1";
/// Label of the chat key's signature over a [`DeviceList`].
pub const LABEL_LIST: &str = "sotto/device-list/1";
/// Label of the Ed25519 signature over a [`Bundle`].
pub const LABEL_BUNDLE: &str = "sotto/bundle/1";
/// Label of the chat key's signature over a [`Profile`].
pub const LABEL_PROFILE: &str = "sotto/profile/1";
/// Label of the chat key's signature over a [`Closed`].
pub const LABEL_CLOSED: &str = "sotto/closed/1";
/// Label of [`secret_hash`].
pub const LABEL_SECRET_HASH: &str = "sotto/secret-hash/1";

/// Longest validity, seconds: a maker sets not-after at most this far ahead.
pub const MAX_VALIDITY_S: u64 = 3 * 86_400;
/// How far another clock may be ahead of ours, seconds.
pub const AHEAD_S: u64 = 86_400;

/// Replaces [`secret_hash`] for a list sent inside a session.
pub const IN_SESSION: [u8; 32] = [0; 32];

/// Why bytes are not the expected object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The length is wrong.
    #[error("wrong length")]
    Length,
    /// No device, or more than [`MAX_DEVICES`].
    #[error("wrong number of devices")]
    DeviceCount,
    /// A device id or key stands twice.
    #[error("a device stands twice")]
    DuplicateDevice,
    /// A record with another version or not-after than its list.
    #[error("record and list disagree")]
    RecordMismatch,
    /// A name that is too long or not UTF-8.
    #[error("malformed name")]
    Name,
    /// The picture's pointer is malformed.
    #[error("malformed picture pointer")]
    Picture(#[source] FilePointerError),
}

impl From<Short> for IdentityError {
    fn from(_: Short) -> Self {
        Self::Length
    }
}

/// Why a well-formed object must not be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StaleError {
    /// Its version is below a known one.
    #[error("older version")]
    OlderVersion,
    /// Its version is more than [`AHEAD_S`] ahead of now.
    #[error("version in the future")]
    VersionAhead,
    /// Its not-after has passed.
    #[error("past its date")]
    Past,
    /// Its not-after is further ahead than a maker may set it.
    #[error("valid for too long")]
    TooLong,
}

/// Whether this version may replace `known`. Equal versions pass. `now_s` is Unix seconds.
pub fn check_version(version: u64, known: Option<u64>, now_s: u64) -> Result<(), StaleError> {
    if known.is_some_and(|known| version < known) {
        return Err(StaleError::OlderVersion);
    }
    if version > now_s.saturating_add(AHEAD_S) { Err(StaleError::VersionAhead) } else { Ok(()) }
}

/// Whether this not-after is neither past nor over [`MAX_VALIDITY_S`] + [`AHEAD_S`] ahead. `now_s`: Unix seconds.
pub fn check_not_after(not_after_s: u64, now_s: u64) -> Result<(), StaleError> {
    if not_after_s < now_s {
        return Err(StaleError::Past);
    }
    let latest = now_s.saturating_add(MAX_VALIDITY_S + AHEAD_S);
    if not_after_s > latest { Err(StaleError::TooLong) } else { Ok(()) }
}

/// The version to sign now: max(last + 1, Unix seconds). A last version over [`AHEAD_S`] ahead is discarded.
pub fn next_version(last: Option<u64>, now_s: u64) -> u64 {
    let usable = last.filter(|&last| last <= now_s.saturating_add(AHEAD_S));
    usable.map_or(now_s, |last| last.saturating_add(1).max(now_s))
}

/// Binds an object to the invite, contacts or self secret of its card: SHA-256(label ‖ secret).
pub fn secret_hash(secret: &[u8; 16]) -> [u8; 32] {
    Sha256::new().chain_update(LABEL_SECRET_HASH).chain_update(secret).finalize().into()
}

/// kind ‖ chat key ‖ parts: the beginning of the bytes that a card's signature covers.
fn card_bytes(kind: CardKind, chat: &ChatKey, parts: &[&[u8]]) -> Vec<u8> {
    [&[kind.code()], chat.as_slice(), &parts.concat()].concat()
}
