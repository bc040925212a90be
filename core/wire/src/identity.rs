//! Who somebody is: device records and lists, prekey bundles, profiles, and the cards they are published on.
//!
//! Each object decodes without any trust in it. What its signature covers comes from `signed_bytes`; the caller
//! verifies that with the label beside it, then asks [`check_version`] and [`check_not_after`]. Objects on cards are
//! bound to the secret that opens the card by [`secret_hash`]; lists handed over inside a session to [`IN_SESSION`].

mod bundle;
mod card;
mod list;
mod record;

pub use bundle::{BUNDLE_LEN, Bundle};
pub use card::{CLOSED_LEN, CardKind, Closed, NO_DEVICE, Profile};
pub use list::{DeviceList, MAX_DEVICES, MAX_LIST_LEN};
pub use record::{DeviceRecord, RECORD_LEN};

use sha2::{Digest, Sha256};

use crate::blob::PointerError;
use crate::read::Short;

/// Compressed secp256k1 chat key.
pub type ChatKey = [u8; 33];
/// Device id.
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

/// Longest validity: not-after lies at most this far ahead when made, seconds.
pub const MAX_VALIDITY_S: u64 = 3 * 86_400;
/// How far ahead of us another's clock may be, seconds.
pub const AHEAD_S: u64 = 86_400;

/// In place of [`secret_hash`] for a list handed over inside a session.
pub const IN_SESSION: [u8; 32] = [0; 32];

/// Why bytes are not the object they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Longer or shorter than such an object.
    #[error("wrong length")]
    Length,
    /// No device, or more than [`MAX_DEVICES`].
    #[error("wrong number of devices")]
    DeviceCount,
    /// The same device id or key twice.
    #[error("a device twice")]
    DuplicateDevice,
    /// A record with another version or not-after than its list.
    #[error("record and list disagree")]
    RecordMismatch,
    /// A name that is too long or not UTF-8.
    #[error("malformed name")]
    Name,
    /// A picture that points at nothing possible.
    #[error("malformed picture pointer")]
    Picture(#[source] PointerError),
}

impl From<Short> for IdentityError {
    fn from(_: Short) -> Self {
        Self::Length
    }
}

/// Why a well-formed object is not to be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StaleError {
    /// Below a version already known.
    #[error("older version")]
    OlderVersion,
    /// More than [`AHEAD_S`] ahead of now.
    #[error("version in the future")]
    VersionAhead,
    /// Its not-after has passed.
    #[error("past its date")]
    Past,
    /// Its not-after lies further ahead than anyone may set it.
    #[error("valid for too long")]
    TooLong,
}

/// May this version replace `known`? Equal versions pass. `now_s`: Unix seconds.
pub fn check_version(version: u64, known: Option<u64>, now_s: u64) -> Result<(), StaleError> {
    if known.is_some_and(|known| version < known) {
        return Err(StaleError::OlderVersion);
    }
    if version > now_s.saturating_add(AHEAD_S) { Err(StaleError::VersionAhead) } else { Ok(()) }
}

/// Is an object with this not-after in force? Refuses what is past, and what lies over [`MAX_VALIDITY_S`] ahead, with
/// [`AHEAD_S`] granted for the maker's clock. `now_s`: Unix seconds.
pub fn check_not_after(not_after_s: u64, now_s: u64) -> Result<(), StaleError> {
    if not_after_s < now_s {
        return Err(StaleError::Past);
    }
    let latest = now_s.saturating_add(MAX_VALIDITY_S + AHEAD_S);
    if not_after_s > latest { Err(StaleError::TooLong) } else { Ok(()) }
}

/// The version for a list (or profile) to be signed now: max(last + 1, Unix seconds). An own last version more than
/// [`AHEAD_S`] ahead is discarded.
pub fn next_version(last: Option<u64>, now_s: u64) -> u64 {
    let usable = last.filter(|&last| last <= now_s.saturating_add(AHEAD_S));
    usable.map_or(now_s, |last| last.saturating_add(1).max(now_s))
}

/// What binds an object to the invite, contacts or self secret whose card it is on: SHA-256(label ‖ secret).
pub fn secret_hash(secret: &[u8; 16]) -> [u8; 32] {
    Sha256::new().chain_update(LABEL_SECRET_HASH).chain_update(secret).finalize().into()
}

/// kind ‖ chat key ‖ parts: what every card's signature begins with.
fn card_bytes(kind: CardKind, chat: &ChatKey, parts: &[&[u8]]) -> Vec<u8> {
    [&[kind.code()], chat.as_slice(), &parts.concat()].concat()
}
