//! Scratch space that turns chunks into columns and back, because neither all chunks nor all parity fit in memory.
//!
//! One Reed–Solomon word spans the whole file, so its encoder wants a slice of every chunk at once: a column. Chunks
//! come one after another. The pieces of both lie sealed in a file beside, column after column, under a key that is
//! never stored. The file has no name once it is open, so it ends with the call or the process.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

use sotto_crypto::{LocalKey, Random, block_open, block_seal};
use sotto_wire::envelope::SEAL_LEN;
use sotto_wire::file::{ColumnError, Layout};
use zeroize::Zeroizing;

use super::{Disk, Place, Stop, Trouble};

pub(super) struct Columns {
    file: File,
    key: LocalKey,
    layout: Layout,
    /// Whether a slot's chunk is here.
    have: Vec<bool>,
    /// Whether somebody waits for the order that it is made for.
    stop: (Stop, Option<u64>),
}

impl Columns {
    pub(super) fn create(disk: &mut Disk, place: &Place) -> Result<Self, Trouble> {
        let (path, layout) = (disk.scratch(&place.name), place.layout()?);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        fs::remove_file(path)?;
        let have = (0..layout.slots()).map(|_| false).collect();
        let stop = (disk.stop.clone(), disk.job);
        Ok(Self { file, key: disk.local_key(), layout, have, stop })
    }

    /// Writes a slot's chunk; a short one is continued with zeros.
    pub(super) fn put(&mut self, slot: u32, chunk: &[u8]) -> Result<(), Trouble> {
        self.goes_on()?;
        let mut padded = Zeroizing::new(Vec::with_capacity(self.layout.chunk_len()));
        padded.extend_from_slice(chunk);
        padded.resize(self.layout.chunk_len(), 0);
        for (column, range) in (0..).zip(self.layout.columns()) {
            self.write(slot, column, padded.get(range).unwrap_or_default())?;
        }
        self.mark(slot)
    }

    /// A slot's chunk, if it is here.
    pub(super) fn chunk(&self, slot: u32) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        self.goes_on()?;
        let mut chunk = Zeroizing::new(Vec::with_capacity(self.layout.chunk_len()));
        for (column, range) in (0..).zip(self.layout.columns()) {
            chunk.extend_from_slice(&self.read(slot, column, range.len())?);
        }
        Ok(chunk)
    }

    /// Makes the data chunks that are not here, from as many chunks as there are data chunks.
    pub(super) fn restore(&mut self) -> Result<(), Trouble> {
        let slots: Vec<u32> = (0..self.layout.slots()).filter(|&slot| self.has(slot)).collect();
        self.each(&slots, |layout, pieces| layout.restore(pieces))
    }

    /// Makes the parity chunks that are not here, from all data chunks.
    pub(super) fn encode(&mut self) -> Result<(), Trouble> {
        let data: Vec<u32> = (0..self.layout.data_chunks()).collect();
        self.each(&data, |layout, pieces| {
            let parity = layout.parity(pieces.map(|(_, piece)| piece))?;
            Ok((layout.data_chunks()..).zip(parity).collect())
        })
    }

    /// Gives each column's pieces of these slots to `make`, and writes what that makes.
    fn each(
        &mut self,
        slots: &[u32],
        make: impl Fn(
            Layout,
            &mut dyn Iterator<Item = (u32, Zeroizing<Vec<u8>>)>,
        ) -> Result<Vec<(u32, Vec<u8>)>, ColumnError>,
    ) -> Result<(), Trouble> {
        let mut made = Vec::new();
        for (column, range) in (0..).zip(self.layout.columns()) {
            self.goes_on()?;
            let mut failed = None;
            let read = |&slot: &u32| match self.read(slot, column, range.len()) {
                Ok(piece) => Some((slot, piece)),
                Err(trouble) => {
                    failed = Some(trouble);
                    None
                }
            };
            let pieces = make(self.layout, &mut slots.iter().map_while(read));
            if let Some(trouble) = failed {
                return Err(trouble);
            }
            made.clear();
            for (slot, piece) in pieces.map_err(|_| Trouble::Unreadable)? {
                // What is here has these bytes already.
                if !self.has(slot) {
                    self.write(slot, column, &Zeroizing::new(piece))?;
                    made.push(slot);
                }
            }
        }
        made.into_iter().try_for_each(|slot| self.mark(slot))
    }

    fn goes_on(&self) -> Result<(), Trouble> {
        let (stop, job) = &self.stop;
        stop.check(*job)
    }

    fn has(&self, slot: u32) -> bool {
        self.have.get(index(slot)).is_some_and(|&have| have)
    }

    fn mark(&mut self, slot: u32) -> Result<(), Trouble> {
        self.have.get_mut(index(slot)).map(|have| *have = true).ok_or(Trouble::Unreadable)
    }

    /// The piece's number, and where it begins.
    fn locate(&self, slot: u32, column: u32) -> (u32, u64) {
        let number = column.saturating_mul(self.layout.slots()).saturating_add(slot);
        (number, u64::from(number).saturating_mul(self.layout.slice_len().saturating_add(SEAL_LEN) as u64))
    }

    fn write(&self, slot: u32, column: u32, piece: &[u8]) -> Result<(), Trouble> {
        let (number, start) = self.locate(slot, column);
        // Nothing needs to be random: the key is fresh, and a number sealed once.
        let sealed = block_seal(&self.key, &[0; 8], number, 0, &Random([0; 16]), piece);
        Ok(self.file.write_all_at(&sealed, start)?)
    }

    fn read(&self, slot: u32, column: u32, len: usize) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let (number, start) = self.locate(slot, column);
        let mut sealed = vec![0; len.saturating_add(SEAL_LEN)];
        self.file.read_exact_at(&mut sealed, start)?;
        block_open(&self.key, &[0; 8], number, 0, &Random([0; 16]), &sealed).ok_or(Trouble::Unreadable)
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn scratch_space_has_no_name_and_no_plain_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let mut disk = Disk::new(dir.path().to_owned(), rand_core::UnwrapErr(getrandom::SysRng));
        let place = Place { name: [1; 8], key: LocalKey::new(&[2; 32]), size: 1_000_000 };
        let mut columns = Columns::create(&mut disk, &place).unwrap();
        let chunks: Vec<Vec<u8>> =
            (0..16u32).map(|slot| (0..65_486u32).map(|i| (((i + slot) * (i + 7)) >> 5) as u8).collect()).collect();
        let lost = 9;
        for (slot, chunk) in (0..).zip(&chunks).filter(|(slot, _)| *slot != lost) {
            columns.put(slot, chunk).unwrap();
        }
        columns.encode().unwrap_err();
        columns.put(lost, &chunks[9][..20]).unwrap();
        columns.encode().unwrap();
        let short = columns.chunk(lost).unwrap();
        assert!(short[..20] == chunks[9][..20] && short[20..].iter().all(|&byte| byte == 0));
        assert_eq!(columns.chunk(15).unwrap().as_slice(), chunks[15]);

        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut stored = vec![0; usize::try_from(columns.file.metadata().unwrap().len()).unwrap()];
        columns.file.read_exact_at(&mut stored, 0).unwrap();
        assert!(stored.len() > 18 * 65_486);
        let windows: HashSet<&[u8]> = chunks.iter().flat_map(|chunk| chunk.windows(16)).collect();
        assert!(!stored.windows(16).any(|window| windows.contains(window)));
    }
}
