//! Removes metadata from JPEG, PNG and WebP pictures, without decoding a pixel.
//!
//! The picture is walked segment by segment where it lies; the result is a list of ranges to copy and of bytes to put
//! between them. So memory stays small for a picture of any size. Kept are the picture, its colour profile and its
//! orientation. Removed are EXIF, XMP, IPTC, comments, texts, times, thumbnails, everything unknown, and everything
//! after the end (the film of a "motion photo").

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use super::Metadata;

/// Most segments of a picture that are walked.
const MOST_SEGMENTS: usize = 200_000;
/// Most pieces of a stripped picture.
const MOST_PIECES: usize = 10_000;
/// Most bytes of EXIF that are searched for the orientation.
const MOST_EXIF: u64 = 64 * 1024;

const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
const EXIF: &[u8] = b"Exif\0\0";

/// A part of a stripped picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A range of the source.
    Copy(Range<u64>),
    /// Other bytes.
    Bytes(Vec<u8>),
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Copy(range) => range.end.saturating_sub(range.start),
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// The picture without metadata; no pieces if it stays as it is.
pub(super) fn strip(file: &File, len: u64) -> (Option<Vec<Piece>>, Metadata) {
    match Walk::new(file, len).run() {
        None => (None, Metadata::Kept),
        Some(pieces) if unchanged(file, len, &pieces) => (None, Metadata::None),
        Some(pieces) => (Some(pieces), Metadata::Removed),
    }
}

/// Whether the pieces give the same bytes again.
fn unchanged(file: &File, len: u64, pieces: &[Piece]) -> bool {
    let mut end = 0;
    let mut same = |piece: &Piece| {
        let start = end;
        end += piece.len();
        match piece {
            Piece::Copy(range) => range.start == start,
            Piece::Bytes(bytes) => is(file, start, bytes),
        }
    };
    pieces.iter().all(&mut same) && end == len
}

/// Whether these bytes lie at `at`.
fn is(file: &File, at: u64, bytes: &[u8]) -> bool {
    let mut found = vec![0; bytes.len()];
    file.read_exact_at(&mut found, at).is_ok() && found == bytes
}

struct Walk<'a> {
    file: &'a File,
    len: u64,
    pieces: Vec<Piece>,
    segments: usize,
}

impl<'a> Walk<'a> {
    fn new(file: &'a File, len: u64) -> Self {
        Self { file, len, pieces: Vec::new(), segments: 0 }
    }

    /// `None` for anything malformed or unknown.
    fn run(mut self) -> Option<Vec<Piece>> {
        let begins = |at, with| is(self.file, at, with);
        if begins(0, &[0xff, 0xd8]) {
            self.jpeg()?;
        } else if begins(0, &PNG) {
            self.png()?;
        } else if begins(0, b"RIFF") && begins(8, b"WEBP") {
            self.webp()?;
        } else {
            return None;
        }
        (self.pieces.len() <= MOST_PIECES).then_some(self.pieces)
    }

    fn bytes<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.within(at, N as u64)?;
        self.file.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }

    /// The end of `count` bytes from `at` on, if the picture has them.
    fn within(&self, at: u64, count: u64) -> Option<u64> {
        at.checked_add(count).filter(|&end| end <= self.len)
    }

    fn copy(&mut self, range: Range<u64>) {
        match self.pieces.last_mut() {
            Some(Piece::Copy(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Copy(range)),
        }
    }

    /// Counts a segment; `None` if there were too many.
    fn count(&mut self) -> Option<()> {
        self.segments = self.segments.saturating_add(1);
        (self.segments <= MOST_SEGMENTS && self.pieces.len() <= MOST_PIECES).then_some(())
    }

    fn jpeg(&mut self) -> Option<()> {
        self.copy(0..2);
        let mut at = 2;
        loop {
            self.count()?;
            let [0xff, marker] = self.bytes(at)? else { return None };
            let end = match marker {
                // Fill bytes.
                0xff => {
                    at = self.within(at, 1)?;
                    continue;
                }
                0x00 | 0xd8 => return None,
                0x01 | 0xd0..=0xd7 => at + 2,
                0xd9 => {
                    self.copy(at..at + 2);
                    return Some(());
                }
                _ => match u16::from_be_bytes(self.bytes(at + 2)?) {
                    0 | 1 => return None,
                    len => self.within(at + 2, u64::from(len))?,
                },
            };
            if self.keeps(marker, at + 4, end) {
                self.copy(at..end);
            } else if let Some(value) = self.jpeg_orientation(marker, at + 4, end) {
                let tiff = orientation_alone(value);
                let len = u16::try_from(2 + EXIF.len() + tiff.len()).ok()?;
                self.pieces.push(Piece::Bytes([&[0xff, 0xe1], &len.to_be_bytes()[..], EXIF, &tiff].concat()));
            }
            at = end;
            if marker == 0xda {
                at = self.scan_end(end)?;
                self.copy(end..at);
            }
        }
    }

    /// Whether a JPEG segment with this content is part of the picture.
    fn keeps(&self, marker: u8, at: u64, end: u64) -> bool {
        let begins =
            |with: &[u8]| self.within(at, with.len() as u64).is_some_and(|to| to <= end) && is(self.file, at, with);
        match marker {
            // JFIF, if it has no thumbnail.
            0xe0 => begins(b"JFIF\0") && end.saturating_sub(at) == 14,
            0xe2 => begins(b"ICC_PROFILE\0"),
            0xee => begins(b"Adobe"),
            0xe1 | 0xe3..=0xed | 0xef | 0xfe => false,
            _ => true,
        }
    }

    fn jpeg_orientation(&self, marker: u8, at: u64, end: u64) -> Option<u8> {
        (marker == 0xe1 && is(self.file, at, EXIF)).then(|| self.orientation(at + EXIF.len() as u64, end)).flatten()
    }

    /// Where the compressed data from `at` on ends: at a marker that is not part of it.
    fn scan_end(&self, mut at: u64) -> Option<u64> {
        let mut buffer = vec![0; 64 * 1024];
        let mut marker = false;
        loop {
            let most = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buffer.len());
            let (block, _) = buffer.split_at_mut(most);
            if block.is_empty() {
                return None;
            }
            self.file.read_exact_at(block, at).ok()?;
            for (offset, &byte) in (at..).zip(block.iter()) {
                if marker && !matches!(byte, 0x00 | 0xd0..=0xd7 | 0xff) {
                    return offset.checked_sub(1);
                }
                marker = byte == 0xff;
            }
            at += most as u64;
        }
    }

    fn png(&mut self) -> Option<()> {
        self.copy(0..8);
        let mut at = 8;
        loop {
            self.count()?;
            let head: [u8; 8] = self.bytes(at)?;
            let [a, b, c, d, kind @ ..] = head;
            let end = self.within(at + 12, u64::from(u32::from_be_bytes([a, b, c, d])))?;
            if (at == 8) != (kind == *b"IHDR") {
                return None;
            }
            match &kind {
                b"eXIf" => {
                    if let Some(value) = self.orientation(at + 8, end - 4) {
                        self.pieces.push(Piece::Bytes(png_chunk(b"eXIf", &orientation_alone(value))));
                    }
                }
                // All that a decoder must understand, and what else says how it looks.
                [b'A'..=b'Z', ..] => self.copy(at..end),
                b"tRNS" | b"cHRM" | b"gAMA" | b"iCCP" | b"sBIT" | b"sRGB" | b"cICP" | b"mDCV" | b"cLLI" | b"bKGD"
                | b"pHYs" | b"acTL" | b"fcTL" | b"fdAT" => self.copy(at..end),
                _ => {}
            }
            if kind == *b"IEND" {
                return Some(());
            }
            at = end;
        }
    }

    fn webp(&mut self) -> Option<()> {
        let size = u32::from_le_bytes(self.bytes(4)?);
        self.len = self.within(8, u64::from(size))?;
        let (mut at, mut value, mut flags) = (12, None, None);
        while at < self.len {
            self.count()?;
            let head: [u8; 8] = self.bytes(at)?;
            let [kind @ .., a, b, c, d] = head;
            let len = u64::from(u32::from_le_bytes([a, b, c, d]));
            let end = self.within(at + 8, len)?;
            // The last chunk's padding may be missing.
            let next = end.saturating_add(len % 2).min(self.len);
            match &kind {
                b"VP8X" if at != 12 || len < 10 => return None,
                b"VP8X" => {
                    let [first] = self.bytes(at + 8)?;
                    self.copy(at..at + 8);
                    flags = Some((self.pieces.len(), first));
                    self.pieces.push(Piece::Bytes(Vec::new()));
                    self.copy(at + 9..next);
                }
                b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP" => self.copy(at..next),
                b"EXIF" => {
                    let prefix = if is(self.file, at + 8, EXIF) { EXIF.len() as u64 } else { 0 };
                    value = self.orientation(at + 8 + prefix, end);
                }
                _ => {}
            }
            at = next;
        }
        // Only the extended form may have EXIF.
        let value = value.filter(|_| flags.is_some());
        if let Some((place, first)) = flags {
            let exif = if value.is_some() { 0x08 } else { 0 };
            *self.pieces.get_mut(place)? = Piece::Bytes(vec![first & !0x0c | exif]);
        }
        if let Some(value) = value {
            let tiff = orientation_alone(value);
            self.pieces
                .push(Piece::Bytes([b"EXIF", &u32::try_from(tiff.len()).ok()?.to_le_bytes()[..], &tiff].concat()));
        }
        self.webp_head()
    }

    /// Puts the head in front, with the new size.
    fn webp_head(&mut self) -> Option<()> {
        let size = u32::try_from(self.pieces.iter().map(Piece::len).sum::<u64>().checked_add(4)?).ok()?;
        self.pieces.insert(0, Piece::Bytes([b"RIFF", &size.to_le_bytes()[..], b"WEBP"].concat()));
        Some(())
    }

    /// The orientation that EXIF between `at` and `end` tells, if it is not the usual one.
    fn orientation(&self, at: u64, end: u64) -> Option<u8> {
        let len = end.checked_sub(at)?.min(MOST_EXIF);
        let mut tiff = vec![0; usize::try_from(len).ok()?];
        self.file.read_exact_at(&mut tiff, at).ok()?;
        orientation(&tiff)
    }
}

/// The orientation in TIFF bytes, 2 to 8.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    };
    let first = usize::try_from(u32_at(4)?).ok()?;
    let entries = (0..usize::from(u16_at(first)?)).map_while(|i| first.checked_add(2 + 12 * i));
    let value = entries.map_while(|at| Some((at, u16_at(at)?))).find(|&(_, tag)| tag == 0x0112)?.0;
    let short = u16_at(value + 2)? == 3 && u32_at(value + 4)? == 1;
    u16_at(value + 8).filter(|value| short && (2..=8).contains(value)).and_then(|value| u8::try_from(value).ok())
}

/// TIFF bytes with the orientation and nothing else.
fn orientation_alone(value: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0];
    [&b"MM\0*\0\0\0\x08\0\x01"[..], &entry, &[0; 4]].concat()
}

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [kind, content].concat();
    let len = u32::try_from(content.len()).unwrap_or(0);
    [&len.to_be_bytes()[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// CRC-32 of PNG.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests;
