use std::ops::Range;

use super::{FilePointerError, MAX_FILE, MAX_LONG};
use crate::envelope::{Class, Form, room};

/// Bytes of a file in one 8 KiB chunk.
pub const LARGE_CHUNK: usize = room(Class::Large, Form::Sealed);
/// Bytes of a file in one 64 KiB chunk.
pub const HUGE_CHUNK: usize = room(Class::Huge, Form::Sealed);
/// Largest file in 8 KiB chunks, bytes; larger ones have 64 KiB chunks.
pub const LARGE_UP_TO: usize = 4 * LARGE_CHUNK;

const _: () = assert!(LARGE_CHUNK == 8142 && HUGE_CHUNK == 65_486);

/// Number of the first parity chunk in tags.
const PARITY: u32 = 1 << 30;
const MANIFEST_COPY: u32 = u32::MAX - 2;
const MANIFEST: u32 = u32::MAX - 1;
const PREVIEW: u32 = u32::MAX;
/// Memory for one column of all chunks while parity is made or data restored, bytes.
const COLUMN: usize = 4 * 1024 * 1024;

/// What one envelope of a file carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A piece of the file, from 0.
    Data(u32),
    /// A chunk that replaces any missing data chunk, from 0.
    Parity(u32),
    /// The manifest.
    Manifest,
    /// The manifest, once more.
    ManifestCopy,
    /// The preview, on a topic of its own.
    Preview,
}

impl Part {
    /// The number that tag, random bytes and key derive from.
    pub const fn index(self) -> u32 {
        match self {
            Self::Data(chunk) => chunk,
            Self::Parity(chunk) => PARITY.saturating_add(chunk),
            Self::ManifestCopy => MANIFEST_COPY,
            Self::Manifest => MANIFEST,
            Self::Preview => PREVIEW,
        }
    }

    /// The part with this number. A file need not have it: see [`Layout::class`].
    pub const fn from_index(index: u32) -> Self {
        match index {
            0..PARITY => Self::Data(index),
            PARITY..MANIFEST_COPY => Self::Parity(index - PARITY),
            MANIFEST_COPY => Self::ManifestCopy,
            MANIFEST => Self::Manifest,
            PREVIEW => Self::Preview,
        }
    }
}

/// How a file of some size is cut. Chunks are counted in slots: data chunks from 0, parity chunks behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    bare: bool,
}

impl Layout {
    /// The layout of a file of 1 to [`MAX_FILE`] bytes.
    pub fn new(size: u64) -> Result<Self, FilePointerError> {
        match size {
            1..=MAX_FILE => Ok(Self { size, bare: false }),
            _ => Err(FilePointerError::Size),
        }
    }

    /// The layout of a body of 1 to [`MAX_LONG`] bytes: data chunks only.
    pub fn bare(size: u64) -> Result<Self, FilePointerError> {
        if size > MAX_LONG as u64 {
            return Err(FilePointerError::Size);
        }
        Ok(Self { bare: true, ..Self::new(size)? })
    }

    /// Whether it is the layout of a body.
    pub fn is_bare(self) -> bool {
        self.bare
    }

    /// Whether it has a manifest, and with it parity. If not, the pointer's root is the hash of the file.
    pub fn has_manifest(self) -> bool {
        !self.bare && self.data_chunks() > 1
    }

    /// Length of the file, bytes.
    pub fn size(self) -> u64 {
        self.size
    }

    /// Length of each chunk but the last data chunk, bytes.
    pub fn chunk_len(self) -> usize {
        if self.size <= LARGE_UP_TO as u64 { LARGE_CHUNK } else { HUGE_CHUNK }
    }

    /// Number of data chunks, 1 to 1,602.
    pub fn data_chunks(self) -> u32 {
        u32::try_from(self.size.div_ceil(self.chunk_len() as u64)).unwrap_or(u32::MAX)
    }

    /// Number of parity chunks: a seventh of the data chunks, rounded up; none without a manifest.
    pub fn parity_chunks(self) -> u32 {
        if self.has_manifest() { self.data_chunks().div_ceil(7) } else { 0 }
    }

    /// Number of data and parity chunks, 1 to 1,831.
    pub fn slots(self) -> u32 {
        self.data_chunks() + self.parity_chunks()
    }

    /// The slot of a data or parity chunk; `None` for other parts, and for chunks that the file does not have.
    pub fn slot(self, part: Part) -> Option<u32> {
        match part {
            Part::Data(chunk) => (chunk < self.data_chunks()).then_some(chunk),
            Part::Parity(chunk) => (chunk < self.parity_chunks()).then(|| self.data_chunks() + chunk),
            Part::Manifest | Part::ManifestCopy | Part::Preview => None,
        }
    }

    /// The chunk in a slot; `None` past the last one.
    pub fn chunk(self, slot: u32) -> Option<Part> {
        match slot.checked_sub(self.data_chunks()) {
            None => Some(Part::Data(slot)),
            Some(parity) => (parity < self.parity_chunks()).then_some(Part::Parity(parity)),
        }
    }

    /// All parts in the order of upload.
    pub fn parts(self, preview: bool) -> impl Iterator<Item = Part> {
        let manifests = self.has_manifest().then_some([Part::Manifest, Part::ManifestCopy]);
        let data = (0..self.data_chunks()).map(Part::Data);
        let parity = (0..self.parity_chunks()).map(Part::Parity);
        data.chain(manifests.into_iter().flatten()).chain(preview.then_some(Part::Preview)).chain(parity)
    }

    /// Length of a part before padding, bytes; `None` for the preview, whose length the post says, and for parts that
    /// the file does not have.
    pub fn part_len(self, part: Part) -> Option<usize> {
        match part {
            Part::Data(_) => {
                let start = u64::from(self.slot(part)?) * self.chunk_len() as u64;
                let rest = usize::try_from(self.size.saturating_sub(start)).unwrap_or(usize::MAX);
                Some(rest.min(self.chunk_len()))
            }
            Part::Parity(_) => self.slot(part).map(|_| self.chunk_len()),
            Part::Manifest | Part::ManifestCopy if !self.has_manifest() => None,
            Part::Manifest | Part::ManifestCopy => Some(32 * usize::try_from(self.slots()).unwrap_or(0)),
            Part::Preview => None,
        }
    }

    /// The class of the envelope that carries a part; `None` for parts that the file does not have.
    pub fn class(self, part: Part) -> Option<Class> {
        let fits = |len: usize| move |class: &Class| room(*class, Form::Sealed) >= len;
        match part {
            Part::Data(_) | Part::Parity(_) => {
                self.slot(part)?;
                [Class::Large, Class::Huge].into_iter().find(fits(self.chunk_len()))
            }
            Part::Manifest | Part::ManifestCopy => {
                let len = self.part_len(part)?;
                [Class::Medium, Class::Large, Class::Huge].into_iter().find(fits(len))
            }
            Part::Preview => Some(Class::Large),
        }
    }

    /// The ranges in which [`Self::parity`] and [`Self::restore`] go through all chunks, so that one range of all of
    /// them has at most 4 MiB.
    pub fn columns(self) -> impl Iterator<Item = Range<usize>> {
        let (len, width) = (self.chunk_len(), self.slice_len());
        (0..len).step_by(width).map(move |start| start..len.min(start + width))
    }

    /// Width of each column but the last, bytes. A multiple of 64 if there is more than one column, because parity is
    /// over blocks of 64 bytes.
    pub fn slice_len(self) -> usize {
        let slots = usize::try_from(self.slots()).unwrap_or(usize::MAX);
        (COLUMN / slots.next_power_of_two()).min(self.chunk_len())
    }
}
