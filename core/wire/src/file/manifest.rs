use sha2::{Digest, Sha256};

use super::FilePointer;

/// The hash of each chunk of a file, data chunks first.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    hashes: Vec<[u8; 32]>,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not one hash for each chunk.
    #[error("wrong manifest length")]
    Length,
    /// Its hash is not the pointer's root.
    #[error("manifest of another file")]
    Root,
}

impl Manifest {
    /// Adds the next chunk, in the order of slots, as long as it is before padding.
    pub fn push(&mut self, chunk: &[u8]) {
        self.hashes.push(Sha256::digest(chunk).into());
    }

    /// Reads the manifest of a file. That of a file of one chunk is empty, and its hash stands in the pointer. A body
    /// of more chunks has none.
    pub fn decode(bytes: &[u8], pointer: &FilePointer) -> Result<Self, ManifestError> {
        let slots = usize::try_from(pointer.layout().slots()).unwrap_or(usize::MAX);
        let manifest = match bytes.as_chunks() {
            ([], []) if slots == 1 => Self { hashes: vec![*pointer.root()] },
            (hashes, []) if pointer.layout().has_manifest() && hashes.len() == slots => {
                Self { hashes: hashes.to_vec() }
            }
            _ => return Err(ManifestError::Length),
        };
        if manifest.root() == *pointer.root() { Ok(manifest) } else { Err(ManifestError::Root) }
    }

    /// The bytes that are published; none for a file of one chunk.
    pub fn encode(&self) -> Vec<u8> {
        if self.hashes.len() == 1 { Vec::new() } else { self.hashes.concat() }
    }

    /// What the pointer of the file must have as its root.
    pub fn root(&self) -> [u8; 32] {
        match self.hashes.as_slice() {
            [file] => *file,
            hashes => Sha256::digest(hashes.as_flattened()).into(),
        }
    }

    /// Whether these bytes are the chunk in this slot.
    pub fn matches(&self, slot: u32, chunk: &[u8]) -> bool {
        let hash = usize::try_from(slot).ok().and_then(|slot| self.hashes.get(slot));
        hash.is_some_and(|hash| *hash == <[u8; 32]>::from(Sha256::digest(chunk)))
    }
}

crate::closed_debug!(Manifest);

/// SHA-256 of a file that is read piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

crate::closed_debug!(Hasher);
