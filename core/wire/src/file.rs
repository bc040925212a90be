//! Files: the pointer that names a file, the parts it travels in, and the hashes that prove them.
//!
//! A pointer is `file key 32 ‖ size 8 ‖ data chunk count 4 ‖ root 32`. The size alone gives the [`Layout`]: data
//! chunks, parity chunks (a seventh), and a [`Manifest`] of all their hashes, whose SHA-256 is the root. A file of one
//! chunk has neither parity nor manifest, and its root is its own SHA-256. The same holds for a bare file: the body of
//! a message, if it is too long for one envelope.

mod column;
mod layout;
mod manifest;

pub use column::ColumnError;
pub use layout::{HUGE_CHUNK, LARGE_CHUNK, LARGE_UP_TO, Layout, Part};
pub use manifest::{Hasher, Manifest, ManifestError};

use std::fmt;

use sha2::{Digest, Sha256};

use crate::read::{Reader, Short};

/// Length of an encoded pointer, bytes.
pub const POINTER_LEN: usize = 76;
/// Largest file, bytes.
pub const MAX_FILE: u64 = 100 * 1024 * 1024;
/// Longest body of a message, bytes.
pub const MAX_LONG: usize = 1024 * 1024;

/// Names a file's topic and keys, its size, and the hash that proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct FilePointer {
    key: [u8; 32],
    layout: Layout,
    root: [u8; 32],
}

/// Why a file's pointer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilePointerError {
    /// Not [`POINTER_LEN`] bytes.
    #[error("wrong pointer length")]
    Length,
    /// The file is empty, or over [`MAX_FILE`]; a body over [`MAX_LONG`].
    #[error("file empty or too large")]
    Size,
    /// The number of data chunks does not fit the size.
    #[error("chunk count and size disagree")]
    ChunkCount,
}

impl FilePointer {
    /// Describes a file of 1 to [`MAX_FILE`] bytes under `key`, which must be fresh for each upload.
    pub fn new(key: [u8; 32], size: u64, root: [u8; 32]) -> Result<Self, FilePointerError> {
        Ok(Self { key, layout: Layout::new(size)?, root })
    }

    /// Describes a body of 1 to [`MAX_LONG`] bytes under `key`, which must be fresh for each body.
    pub fn bare(key: [u8; 32], body: &[u8]) -> Result<Self, FilePointerError> {
        Ok(Self { key, layout: Layout::bare(body.len() as u64)?, root: Sha256::digest(body).into() })
    }

    /// Reads the pointer of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, FilePointerError> {
        Self::read(bytes, Layout::new)
    }

    /// Reads the pointer of a body.
    pub fn decode_bare(bytes: &[u8]) -> Result<Self, FilePointerError> {
        Self::read(bytes, Layout::bare)
    }

    fn read(bytes: &[u8], layout: fn(u64) -> Result<Layout, FilePointerError>) -> Result<Self, FilePointerError> {
        let bytes: &[u8; POINTER_LEN] = bytes.try_into().map_err(|_| FilePointerError::Length)?;
        let mut reader = Reader::new(bytes);
        let mut read = || Ok((reader.array()?, reader.u64()?, reader.u32()?, reader.array()?));
        let (key, size, chunks, root) = read().map_err(|_: Short| FilePointerError::Length)?;
        let pointer = Self { key, layout: layout(size)?, root };
        if pointer.layout.data_chunks() == chunks { Ok(pointer) } else { Err(FilePointerError::ChunkCount) }
    }

    /// The [`POINTER_LEN`] bytes of the pointer.
    pub fn encode(&self) -> [u8; POINTER_LEN] {
        let (size, chunks) = (self.size().to_be_bytes(), self.layout.data_chunks().to_be_bytes());
        let parts = [&self.key[..], &size, &chunks, &self.root].concat();
        let mut bytes = [0; POINTER_LEN];
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The secret that topics, tags, random bytes and keys of all parts derive from.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Length of the file, bytes, 1 to [`MAX_FILE`].
    pub fn size(&self) -> u64 {
        self.layout.size()
    }

    /// How the file is cut.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// SHA-256 of the manifest; of the file, if it has none.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }
}

impl fmt::Debug for FilePointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePointer").field("size", &self.size()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
