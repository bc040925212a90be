//! Bodies too long for one envelope: chunks on a topic of their own, and the pointer that names topic and content.
//!
//! A pointer is `file key 32 ‖ size 8 ‖ chunk count 4 ‖ SHA-256 32`. Chunks are pieces of equal length; the last one
//! may be shorter. The caller pads each chunk to the room of its class and seals it.

mod assemble;

pub use assemble::{AssembleError, Assembler};

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::envelope::{Class, Form, room};
use crate::read::Reader;

/// Length of an encoded pointer, bytes.
pub const POINTER_LEN: usize = 76;
/// Largest blob, bytes.
pub const MAX_BLOB: usize = 1024 * 1024;
/// Bytes of a blob in one 8 KiB chunk.
pub const LARGE_CHUNK: usize = room(Class::Large, Form::Sealed);
/// Bytes of a blob in one 64 KiB chunk.
pub const HUGE_CHUNK: usize = room(Class::Huge, Form::Sealed);
/// Longest blob that goes out in 8 KiB chunks, bytes; longer ones go out in 64 KiB chunks.
pub const LARGE_UP_TO: usize = 4 * LARGE_CHUNK;

const _: () = assert!(LARGE_CHUNK == 8142 && HUGE_CHUNK == 65_486);

/// Names a blob's topic and keys, and the size and hash it must have.
#[derive(Clone, PartialEq, Eq)]
pub struct Pointer {
    file_key: [u8; 32],
    size: usize,
    class: Class,
    sha256: [u8; 32],
}

/// Why a pointer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Not [`POINTER_LEN`] bytes.
    #[error("wrong pointer length")]
    Length,
    /// The blob is empty.
    #[error("empty blob")]
    Empty,
    /// The blob is over [`MAX_BLOB`] (`input.too_long` for an own one).
    #[error("blob over 1 MiB")]
    TooLarge,
    /// The chunk count does not fit the size.
    #[error("chunk count and size disagree")]
    ChunkCount,
}

impl Pointer {
    /// Describes a blob to be published under `file_key`, which must be fresh for each blob.
    pub fn new(file_key: [u8; 32], plain: &[u8]) -> Result<Self, PointerError> {
        let class = if plain.len() <= LARGE_UP_TO { Class::Large } else { Class::Huge };
        Self::checked(file_key, plain.len(), class, Sha256::digest(plain).into())
    }

    /// Reads a pointer. The class of the chunks follows from size and count.
    pub fn decode(bytes: &[u8]) -> Result<Self, PointerError> {
        let bytes: &[u8; POINTER_LEN] = bytes.try_into().map_err(|_| PointerError::Length)?;
        let mut reader = Reader::new(bytes);
        let mut read = || Ok((reader.array()?, reader.u64()?, reader.u32()?, reader.array()?));
        let (file_key, size, chunks, sha256) = read().map_err(|_: crate::read::Short| PointerError::Length)?;
        let size = usize::try_from(size).map_err(|_| PointerError::TooLarge)?;
        let class = [Class::Large, Class::Huge]
            .into_iter()
            .find(|&class| Some(chunks) == count(size, class))
            .unwrap_or(Class::Small);
        Self::checked(file_key, size, class, sha256)
    }

    fn checked(file_key: [u8; 32], size: usize, class: Class, sha256: [u8; 32]) -> Result<Self, PointerError> {
        match size {
            0 => Err(PointerError::Empty),
            1..=MAX_BLOB if class == Class::Small => Err(PointerError::ChunkCount),
            1..=MAX_BLOB => Ok(Self { file_key, size, class, sha256 }),
            _ => Err(PointerError::TooLarge),
        }
    }

    /// The [`POINTER_LEN`] bytes of the pointer.
    pub fn encode(&self) -> [u8; POINTER_LEN] {
        let (size, chunks) = ((self.size as u64).to_be_bytes(), self.chunks().to_be_bytes());
        let bytes = [self.file_key.as_slice(), &size, &chunks, &self.sha256].concat();
        bytes.try_into().unwrap_or([0; POINTER_LEN])
    }

    /// The secret that topic, tags and chunk keys derive from.
    pub fn file_key(&self) -> &[u8; 32] {
        &self.file_key
    }

    /// Length of the blob, bytes, 1 to [`MAX_BLOB`].
    pub fn size(&self) -> usize {
        self.size
    }

    /// SHA-256 of the blob.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Number of chunks, 1 to 129.
    pub fn chunks(&self) -> u32 {
        count(self.size, self.class).unwrap_or(0)
    }

    /// Length that each chunk is padded from, bytes: the room of its class.
    pub fn chunk_room(&self) -> usize {
        room(self.class, Form::Sealed)
    }

    /// The range of chunk `index` in the blob; `None` past the last chunk.
    pub fn chunk_range(&self, index: u32) -> Option<Range<usize>> {
        let start = usize::try_from(index).ok()?.checked_mul(self.chunk_room())?;
        (start < self.size).then(|| start..self.size.min(start.saturating_add(self.chunk_room())))
    }
}

crate::closed_debug!(Pointer);

/// How many chunks of `class` a blob of `size` bytes has.
fn count(size: usize, class: Class) -> Option<u32> {
    u32::try_from(size.div_ceil(room(class, Form::Sealed))).ok()
}
