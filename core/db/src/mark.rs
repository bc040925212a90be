use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

use sha2::{Digest as _, Sha256};

use crate::Error;

/// The label in front of the key.
const LABEL: &[u8] = b"sotto database key mark 1";
const LEN: usize = 32;

/// What the lock file says about a key. Once a database exists, the lock file holds SHA-256(label ‖ key). So an open
/// knows that there was a database, and tells a wrong key from a damaged first page. The key is 32 random bytes, so its
/// hash does not reveal it. A lock file of another length says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// As far as the lock file says, no database was made here.
    None,
    /// A database with this key was made here.
    Right,
    /// A database with another key was made here.
    Other,
}

impl Mark {
    /// Reads the lock file's mark.
    pub(crate) fn read(mut lock: &File, key: &[u8; 32]) -> Result<Self, Error> {
        if lock.metadata()?.len() != LEN as u64 {
            return Ok(Self::None);
        }
        let mut found = [0; LEN];
        lock.rewind()?;
        lock.read_exact(&mut found)?;
        Ok(if found == Self::of(key) { Self::Right } else { Self::Other })
    }

    /// Writes the mark and syncs it.
    pub(crate) fn write(mut lock: &File, key: &[u8; 32]) -> Result<(), Error> {
        lock.set_len(LEN as u64)?;
        lock.rewind()?;
        lock.write_all(&Self::of(key))?;
        Ok(lock.sync_all()?)
    }

    fn of(key: &[u8; 32]) -> [u8; LEN] {
        Sha256::new().chain_update(LABEL).chain_update(key).finalize().into()
    }
}
