//! A file of sealed chunks, each in a slot of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use sotto_crypto::{Random, block_open, block_seal};
use sotto_wire::envelope::SEAL_LEN;
use sotto_wire::file::Layout;
use zeroize::Zeroizing;

use super::{Place, Trouble};

/// The random bytes in front of a sealed chunk.
const RANDOM_LEN: usize = 16;

pub(super) struct Slots {
    file: File,
    place: Place,
    layout: Layout,
}

impl Slots {
    pub(super) fn open(path: &Path, place: &Place) -> Result<Self, Trouble> {
        Self::over(path, place, OpenOptions::new().read(true).write(true))
    }

    /// A new file of mode 0600.
    pub(super) fn create(path: &Path, place: &Place) -> Result<Self, Trouble> {
        Self::over(path, place, OpenOptions::new().read(true).write(true).create_new(true).mode(0o600))
    }

    fn over(path: &Path, place: &Place, options: &OpenOptions) -> Result<Self, Trouble> {
        Ok(Self { file: options.open(path)?, place: place.clone(), layout: place.layout()? })
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Length of the chunk in a slot, bytes.
    pub(super) fn len_of(&self, slot: u32) -> usize {
        self.layout.chunk(slot).and_then(|part| self.layout.part_len(part)).unwrap_or(0)
    }

    /// The slot of a byte of the content, and the byte's place in the chunk.
    pub(super) fn locate(&self, offset: u64) -> (u32, usize) {
        let len = self.layout.chunk_len() as u64;
        (u32::try_from(offset / len).unwrap_or(u32::MAX), usize::try_from(offset % len).unwrap_or(0))
    }

    fn start(&self, slot: u32) -> u64 {
        u64::from(slot).saturating_mul(self.layout.chunk_len().saturating_add(RANDOM_LEN + SEAL_LEN) as u64)
    }

    /// The chunk in a slot; `None` if nothing, or something damaged, lies there.
    pub(super) fn read(&self, slot: u32) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
        let mut bytes = vec![0; self.len_of(slot).saturating_add(RANDOM_LEN + SEAL_LEN)];
        match self.file.read_exact_at(&mut bytes, self.start(slot)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let Some((random, sealed)) = bytes.split_first_chunk() else { return Ok(None) };
        let Place { name, key, size } = &self.place;
        Ok(block_open(key, name, slot, *size, &Random(*random), sealed))
    }

    /// Seals a chunk into its slot. `random` is fresh.
    pub(super) fn write(&self, slot: u32, random: &Random, chunk: &[u8]) -> Result<(), Trouble> {
        let Place { name, key, size } = &self.place;
        let sealed = block_seal(key, name, slot, *size, random, chunk);
        Ok(self.file.write_all_at(&[&random.0, sealed.as_slice()].concat(), self.start(slot))?)
    }

    /// Whether the last parity chunk is there.
    pub(super) fn has_parity(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.len() >= self.start(self.layout.slots()))
    }

    /// Drops the parity, and syncs.
    pub(super) fn trim(&self) -> io::Result<()> {
        let last = self.layout.data_chunks().saturating_sub(1);
        let end = self.len_of(last).saturating_add(RANDOM_LEN + SEAL_LEN) as u64;
        self.file.set_len(self.start(last).saturating_add(end))?;
        self.sync()
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}
