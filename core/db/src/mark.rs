use std::fs::File;
use std::io;

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
    pub(crate) fn read(lock: &File, key: &[u8; 32]) -> Result<Self, Error> {
        if lock.metadata()?.len() != LEN as u64 {
            return Ok(Self::None);
        }
        let mut found = [0; LEN];
        read_at(lock, &mut found)?;
        Ok(if found == Self::of(key) { Self::Right } else { Self::Other })
    }

    /// Writes the mark and syncs it.
    pub(crate) fn write(lock: &File, key: &[u8; 32]) -> Result<(), Error> {
        lock.set_len(LEN as u64)?;
        write_at(lock, &Self::of(key))?;
        Ok(lock.sync_all()?)
    }

    fn of(key: &[u8; 32]) -> [u8; LEN] {
        Sha256::new().chain_update(LABEL).chain_update(key).finalize().into()
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, 0)
}

#[cfg(unix)]
fn write_at(file: &File, buffer: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, buffer, 0)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8]) -> io::Result<()> {
    io::Seek::rewind(&mut file)?;
    io::Read::read_exact(&mut file, buffer)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, buffer: &[u8]) -> io::Result<()> {
    io::Seek::rewind(&mut file)?;
    io::Write::write_all(&mut file, buffer)
}
