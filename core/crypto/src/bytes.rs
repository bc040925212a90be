//! Byte arrays of fixed length: as distinct types, joined, and read back.

use crate::error::SnapshotError;

/// Distinct types for byte arrays. A `secret` is wiped when dropped, hidden in Debug and compared in constant time.
macro_rules! newtypes {
    ($($(#[$doc:meta])* $vis:vis $kind:ident $name:ident: $len:expr;)+) => {
        $(crate::bytes::newtypes!(@$kind $(#[$doc])* $vis $name $len);)+
    };
    (@open $(#[$doc:meta])* $vis:vis $name:ident $len:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(#[doc = "The bytes."] $vis [u8; $len]);
    };
    (@secret $(#[$doc:meta])* $vis:vis $name:ident $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, zeroize::ZeroizeOnDrop)]
        $vis struct $name([u8; $len]);

        impl $name {
            /// Copies these bytes into the type.
            $vis const fn new(bytes: &[u8; $len]) -> Self {
                Self(*bytes)
            }

            /// The bytes, for layouts and storage.
            $vis const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
            }
        }

        impl Eq for $name {}
        crate::bytes::closed_debug!($name);
    };
}

/// A Debug that prints only the type's name.
macro_rules! closed_debug {
    ($($name:ident),+) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        })+
    };
}
pub(crate) use {closed_debug, newtypes};

newtypes! {
    /// A session tag, or 16 random bytes in its place. It stands at offset 1 of an envelope.
    pub open Tag: 16;
    /// The fresh random bytes of an envelope, at offset 17.
    pub open Random: 16;
    /// A device's id: 16 random bytes, as in its record.
    pub open DeviceId: 16;
    /// An invite, contacts or self secret. Cards and handshake blocks are sealed under it.
    pub secret CardSecret: 16;
    /// The secret of one blob or file, from its pointer.
    pub secret FileKey: 32;
    /// The secret of one file on this disk.
    pub secret LocalKey: 32;
}

/// Writes the parts one after another, as far as they fit.
pub(crate) fn fill(out: &mut [u8], parts: &[&[u8]]) {
    let mut rest = out;
    for part in parts {
        let (head, tail) = rest.split_at_mut(part.len().min(rest.len()));
        head.copy_from_slice(part.split_at(head.len()).0);
        rest = tail;
    }
}

/// The parts one after another, then zeros. For secret parts use [`fill`], which leaves no copy behind.
pub(crate) fn join<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out, parts);
    out
}

/// Reads fields of fixed length, in order.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn number(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// The value that was read, if no bytes are left.
    pub(crate) fn end<T>(&self, read: T) -> Result<T, SnapshotError> {
        if self.0.is_empty() { Ok(read) } else { Err(SnapshotError::Damaged) }
    }
}
