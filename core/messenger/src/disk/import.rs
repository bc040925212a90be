//! Copies a source into the folder, sealed, with its parity and manifest.

use std::fs::{self, File, Metadata as Stat, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use rand_core::Rng as _;
use sotto_wire::file::{MAX_FILE, Manifest};
use sotto_wire::hash::Hasher;
use zeroize::Zeroizing;

use super::columns::Columns;
use super::slots::Slots;
use super::strip::{self, Piece};
use super::{Disk, Imported, Metadata, Place, Trouble};
use crate::error::{Code, Error};

/// The open source, and what it was when it was opened.
struct Source {
    file: File,
    len: u64,
    changed: Option<SystemTime>,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Error> {
        // Without a wait for the other end of a pipe, and without taking a terminal over.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).map_err(|_| Code::FileUnreadable)?;
        let open = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = open.map_err(|_| Code::FileUnreadable)?;
        let stat = file.metadata().map_err(|_| Code::FileUnreadable)?;
        match stat.len() {
            _ if !stat.is_file() => Err(Code::FileUnreadable.into()),
            0 => Err(Code::TextEmpty.into()),
            1..=MAX_FILE => Ok(Self { file, len: stat.len(), changed: changed(&stat) }),
            _ => Err(Code::FileTooLarge.into()),
        }
    }

    /// Nobody changed the source since it was opened, as far as its time and length show.
    fn same(&self) -> io::Result<bool> {
        let stat = self.file.metadata()?;
        Ok(stat.len() == self.len && changed(&stat) == self.changed)
    }
}

fn changed(stat: &Stat) -> Option<SystemTime> {
    stat.modified().ok()
}

/// Reads the pieces of a source as one stream.
struct Pieces<'a> {
    file: &'a File,
    rest: std::vec::IntoIter<Piece>,
    piece: Piece,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = match &mut self.piece {
                Piece::Copy(range) => {
                    let most = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
                    let most = most.min(into.len());
                    let count = self.file.read_at(into.split_at_mut(most).0, range.start)?;
                    if count == 0 && most > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    range.start += count as u64;
                    count
                }
                Piece::Bytes(bytes) => {
                    let count = bytes.as_slice().read(into)?;
                    bytes.drain(..count);
                    count
                }
            };
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            match self.rest.next() {
                Some(next) => self.piece = next,
                None => return Ok(0),
            }
        }
    }
}

pub(super) fn import(disk: &mut Disk, path: &Path, strip: bool) -> Result<Imported, Error> {
    let source = Source::open(path)?;
    let (pieces, metadata) = match strip.then(|| strip::strip(&source.file, source.len)) {
        None => (None, Metadata::None),
        Some(stripped) => stripped,
    };
    let pieces = pieces.unwrap_or_else(|| vec![Piece::Copy(0..source.len)]);
    let size = pieces.iter().map(Piece::len).sum();
    if size > MAX_FILE {
        return Err(Code::FileTooLarge.into());
    }
    let mut name = [0; 8];
    disk.rng.fill_bytes(&mut name);
    let place = Place { name, key: disk.local_key(), size };
    let slots = disk.create(&place)?;
    let stream = Pieces { file: &source.file, rest: pieces.into_iter(), piece: Piece::Bytes(Vec::new()) };
    let filled = fill(disk, &place, &slots, stream).and_then(|filled| match source.same()? {
        true => Ok(filled),
        false => Err(Trouble::Unreadable),
    });
    match filled {
        Ok((sha256, manifest)) => Ok(Imported { place, sha256, manifest, metadata }),
        Err(trouble) => {
            let _ = fs::remove_file(disk.path(&place.name));
            Err(trouble.into())
        }
    }
}

/// Fills all slots; gives the SHA-256 of the content, and the manifest.
fn fill(disk: &mut Disk, place: &Place, slots: &Slots, mut from: Pieces<'_>) -> Result<([u8; 32], Vec<u8>), Trouble> {
    let layout = slots.layout();
    let mut columns = (layout.parity_chunks() > 0).then(|| Columns::create(disk, place)).transpose()?;
    let (mut whole, mut manifest) = (Hasher::default(), Manifest::default());
    let mut chunk = Zeroizing::new(Vec::with_capacity(layout.chunk_len()));
    for slot in 0..layout.data_chunks() {
        chunk.resize(slots.len_of(slot), 0);
        from.read_exact(&mut chunk)?;
        whole.update(&chunk);
        manifest.push(&chunk);
        slots.write(slot, &disk.random(), &chunk)?;
        if let Some(columns) = &mut columns {
            columns.put(slot, &chunk)?;
        }
    }
    if let Some(columns) = &mut columns {
        write_parity(disk, slots, columns, &mut manifest)?;
    }
    slots.sync()?;
    File::open(&disk.dir)?.sync_all()?;
    Ok((whole.finish(), manifest.encode()))
}

/// Makes the parity of a whole file again.
pub(super) fn parity(disk: &mut Disk, place: &Place, slots: &Slots) -> Result<(), Trouble> {
    let mut columns = Columns::create(disk, place)?;
    for slot in 0..slots.layout().data_chunks() {
        columns.put(slot, &slots.read(slot)?.ok_or(Trouble::Unreadable)?)?;
    }
    write_parity(disk, slots, &mut columns, &mut Manifest::default())
}

fn write_parity(disk: &mut Disk, slots: &Slots, columns: &mut Columns, manifest: &mut Manifest) -> Result<(), Trouble> {
    columns.encode()?;
    for slot in slots.layout().data_chunks()..slots.layout().slots() {
        let chunk = columns.chunk(slot)?;
        manifest.push(&chunk);
        slots.write(slot, &disk.random(), &chunk)?;
    }
    Ok(())
}
