//! An envelope as it came, and what became of it.

use sotto_crypto::{Random, Tag};
use sotto_db::Hash;
use sotto_wire::envelope::Class;

/// What became of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its content is stored, or was before.
    Taken,
    /// Nobody here opens it now.
    Unmatched,
    /// Nothing will ever come of it.
    Dropped,
}

/// An envelope as it came.
pub(crate) struct Incoming<'a> {
    pub(crate) tag: Tag,
    pub(crate) random: Random,
    pub(crate) body: &'a [u8],
    pub(crate) class: Option<Class>,
    /// SHA-256 of the payload.
    pub(crate) hash: Hash,
    pub(crate) ts_s: i64,
}
