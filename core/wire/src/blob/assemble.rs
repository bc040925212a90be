use sha2::{Digest, Sha256};

use super::Pointer;

/// Why a chunk or a whole blob is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// The blob has no chunk with this index.
    #[error("chunk index out of range")]
    Index,
    /// The chunk does not have the length that the pointer gives it.
    #[error("chunk of the wrong length")]
    Length,
    /// The same chunk arrived before. Nothing changed.
    #[error("duplicate chunk")]
    Duplicate,
    /// Other bytes arrived for this chunk before. Nothing changed.
    #[error("conflicting chunk")]
    Conflict,
    /// Some chunks are missing.
    #[error("chunks missing")]
    Incomplete,
    /// The blob's hash differs from the pointer's.
    #[error("hash mismatch")]
    Hash,
}

/// Assembles a blob from chunks in any order, in memory of the declared size.
pub struct Assembler {
    pointer: Pointer,
    bytes: Vec<u8>,
    have: Vec<bool>,
}

impl Assembler {
    /// An assembler without chunks. It allocates the blob when the first chunk arrives.
    pub fn new(pointer: Pointer) -> Self {
        let have = (0..pointer.chunks()).map(|_| false).collect();
        Self { pointer, bytes: Vec::new(), have }
    }

    /// Takes the plaintext of chunk `index`, without padding. Returns true if no chunk is missing afterwards.
    pub fn insert(&mut self, index: u32, chunk: &[u8]) -> Result<bool, AssembleError> {
        let range = self.pointer.chunk_range(index).ok_or(AssembleError::Index)?;
        if chunk.len() != range.len() {
            return Err(AssembleError::Length);
        }
        let slot = usize::try_from(index).ok().and_then(|i| self.have.get_mut(i)).ok_or(AssembleError::Index)?;
        if self.bytes.is_empty() {
            self.bytes = vec![0; self.pointer.size()];
        }
        let place = self.bytes.get_mut(range).ok_or(AssembleError::Index)?;
        if *slot {
            return Err(if place == chunk { AssembleError::Duplicate } else { AssembleError::Conflict });
        }
        place.copy_from_slice(chunk);
        *slot = true;
        Ok(self.have.iter().all(|&have| have))
    }

    /// Indexes of the missing chunks, ascending.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.have).filter(|&(_, &have)| !have).map(|(index, _)| index)
    }

    /// The blob, if it is complete and has the right hash.
    pub fn finish(self) -> Result<Vec<u8>, AssembleError> {
        if self.have.iter().any(|&have| !have) {
            return Err(AssembleError::Incomplete);
        }
        let hash: [u8; 32] = Sha256::digest(&self.bytes).into();
        if hash == *self.pointer.sha256() { Ok(self.bytes) } else { Err(AssembleError::Hash) }
    }
}

crate::closed_debug!(Assembler);
