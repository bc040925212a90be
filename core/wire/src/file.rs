//! Files: the pointer that names a file, its chunks, and the hashes that prove them.
//!
//! A pointer is `file key 32 ‖ size 8 ‖ data chunk count 4 ‖ root 32`. Files have up to 12.5 % parity chunks and a
//! manifest of all chunk hashes; the root is the manifest's SHA-256. A file of one chunk has neither, and its root is
//! its own SHA-256.

use std::fmt;

use crate::blob::{HUGE_CHUNK, LARGE_CHUNK, LARGE_UP_TO};
use crate::read::{Reader, Short};

/// Length of an encoded pointer, bytes.
pub const POINTER_LEN: usize = crate::blob::POINTER_LEN;
/// Largest file, bytes.
pub const MAX_FILE: u64 = 100 * 1024 * 1024;

/// Names a file's topic and keys, its size, and the hash that proves it.
#[derive(Clone, PartialEq, Eq)]
pub struct FilePointer {
    key: [u8; 32],
    size: u64,
    root: [u8; 32],
}

/// Why a file's pointer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilePointerError {
    /// Not [`POINTER_LEN`] bytes.
    #[error("wrong pointer length")]
    Length,
    /// The file is empty, or over [`MAX_FILE`].
    #[error("file empty or over 100 MB")]
    Size,
    /// The number of data chunks does not fit the size.
    #[error("chunk count and size disagree")]
    ChunkCount,
}

impl FilePointer {
    /// Describes a file of 1 to [`MAX_FILE`] bytes under `key`, which must be fresh for each upload.
    pub fn new(key: [u8; 32], size: u64, root: [u8; 32]) -> Result<Self, FilePointerError> {
        match size {
            1..=MAX_FILE => Ok(Self { key, size, root }),
            _ => Err(FilePointerError::Size),
        }
    }

    /// Reads a pointer.
    pub fn decode(bytes: &[u8]) -> Result<Self, FilePointerError> {
        let bytes: &[u8; POINTER_LEN] = bytes.try_into().map_err(|_| FilePointerError::Length)?;
        let mut reader = Reader::new(bytes);
        let mut read = || Ok((reader.array()?, reader.u64()?, reader.u32()?, reader.array()?));
        let (key, size, chunks, root) = read().map_err(|_: Short| FilePointerError::Length)?;
        let pointer = Self::new(key, size, root)?;
        if pointer.data_chunks() == chunks { Ok(pointer) } else { Err(FilePointerError::ChunkCount) }
    }

    /// The [`POINTER_LEN`] bytes of the pointer.
    pub fn encode(&self) -> [u8; POINTER_LEN] {
        let parts = [&self.key[..], &self.size.to_be_bytes(), &self.data_chunks().to_be_bytes(), &self.root].concat();
        let mut bytes = [0; POINTER_LEN];
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }

    /// The secret that topic, tags and chunk keys derive from.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Length of the file, bytes, 1 to [`MAX_FILE`].
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of the manifest; of the file, if it has one chunk.
    pub fn root(&self) -> &[u8; 32] {
        &self.root
    }

    /// Length of each data chunk but the last, bytes.
    pub fn chunk_len(&self) -> usize {
        if self.size <= LARGE_UP_TO as u64 { LARGE_CHUNK } else { HUGE_CHUNK }
    }

    /// Number of data chunks, 1 to 1,602.
    pub fn data_chunks(&self) -> u32 {
        u32::try_from(self.size.div_ceil(self.chunk_len() as u64)).unwrap_or(u32::MAX)
    }

    /// Number of parity chunks: a seventh of the data chunks, rounded up; none for one data chunk.
    pub fn parity_chunks(&self) -> u32 {
        match self.data_chunks() {
            1 => 0,
            data => data.div_ceil(7),
        }
    }
}

impl fmt::Debug for FilePointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePointer").field("size", &self.size).finish_non_exhaustive()
    }
}
