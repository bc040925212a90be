//! Chunks between slots and envelopes.

use std::collections::HashMap;

use sotto_crypto::{FileKey, Random, Tag, blob_open, blob_random, blob_seal, blob_tag};
use sotto_wire::envelope::{Class, Envelope, Form, pad, room, unpad};
use sotto_wire::file::{FilePointer, Layout, Manifest, Part};
use zeroize::Zeroizing;

use super::slots::Slots;
use super::{Disk, Place, Source, Trouble, import};

/// Most files whose tags are remembered; as many downloads run at once.
const MOST_KNOWN: usize = 4;
/// Most envelopes of one tag that are opened and refuted by the manifest.
const MOST_TRIES: u8 = 16;

/// What is known of a file being received.
pub(super) struct Known {
    name: [u8; 8],
    file_key: [u8; 32],
    parts: HashMap<Tag, Part>,
    /// How many chunks of a slot the manifest refuted.
    refuted: HashMap<u32, u8>,
}

impl Known {
    fn new(place: &Place, pointer: &FilePointer) -> Self {
        let key = FileKey::new(pointer.key());
        let parts = pointer.layout().parts(false).map(|part| (blob_tag(&key, part.index()), part)).collect();
        Self { name: place.name, file_key: *pointer.key(), parts, refuted: HashMap::new() }
    }

    pub(super) fn name(&self) -> [u8; 8] {
        self.name
    }
}

/// Slots written, the manifest, and slots that it refutes.
#[derive(Default)]
pub(super) struct Took {
    pub(super) parts: Vec<u32>,
    pub(super) manifest: Option<Vec<u8>>,
    pub(super) dropped: Vec<u32>,
}

/// Whether the bitmap has a slot.
pub(super) fn has(bitmap: &[u8], slot: u32) -> bool {
    let byte = usize::try_from(slot / 8).ok().and_then(|at| bitmap.get(at));
    byte.is_some_and(|byte| byte >> (slot % 8) & 1 == 1)
}

pub(super) fn seal(
    disk: &mut Disk,
    source: &Source,
    pointer: &FilePointer,
    (manifest, preview): (&[u8], &[u8]),
    parts: &[Part],
) -> Result<Vec<Vec<u8>>, Trouble> {
    let (place, layout) = match source {
        Source::Bytes(bytes) => return parts.iter().map(|part| of_bytes(pointer, *part, bytes)).collect(),
        Source::Place(place) => (place, pointer.layout()),
    };
    let slots = disk.open(place)?;
    // Of a file that was published before, or received, the parity is gone.
    let lacks = |part: &Part| matches!(part, Part::Parity(_)) && !slots.has_parity();
    if parts.iter().any(lacks) {
        import::parity(disk, place, &slots)?;
    }
    let part = |&part: &Part| {
        let class = layout.class(part).ok_or(Trouble::Unreadable)?;
        match part {
            Part::Data(_) | Part::Parity(_) => {
                let slot = layout.slot(part).ok_or(Trouble::Unreadable)?;
                envelope(pointer, part, class, &slots.read(slot)?.ok_or(Trouble::Unreadable)?)
            }
            Part::Manifest | Part::ManifestCopy => envelope(pointer, part, class, manifest),
            Part::Preview => envelope(pointer, part, class, preview),
        }
    };
    parts.iter().map(part).collect()
}

fn of_bytes(pointer: &FilePointer, part: Part, bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
    let layout = pointer.layout();
    let slot = layout.slot(part).and_then(|slot| usize::try_from(slot).ok());
    let chunk = slot.and_then(|slot| bytes.chunks(layout.chunk_len()).nth(slot));
    let (class, chunk) = layout.class(part).zip(chunk).ok_or(Trouble::Unreadable)?;
    envelope(pointer, part, class, chunk)
}

/// The payload of a part. It is the same whoever makes it.
fn envelope(pointer: &FilePointer, part: Part, class: Class, chunk: &[u8]) -> Result<Vec<u8>, Trouble> {
    let (key, i) = (FileKey::new(pointer.key()), part.index());
    let random = blob_random(&key, i);
    let padded = Zeroizing::new(pad(chunk, room(class, Form::Sealed)).map_err(|_| Trouble::Unreadable)?);
    let body = blob_seal(&key, i, &random, &padded);
    let envelope = Envelope { tag: blob_tag(&key, i).0, random: random.0, body: &body };
    envelope.encode().map_err(|_| Trouble::Unreadable)
}

/// The chunk in a part's envelope, if somebody who has the pointer sealed it and it has the right length.
fn open(pointer: &FilePointer, part: Part, len: usize, envelope: &Envelope<'_>) -> Option<Zeroizing<Vec<u8>>> {
    if envelope.class() != pointer.layout().class(part) {
        return None;
    }
    let mut padded = blob_open(&FileKey::new(pointer.key()), part.index(), &Random(envelope.random), envelope.body)?;
    let chunk = unpad(&padded).ok()?.len();
    padded.truncate(chunk);
    (chunk == len).then_some(padded)
}

pub(super) fn preview(pointer: &FilePointer, size: u32, envelopes: &[Vec<u8>]) -> Option<Vec<u8>> {
    let (part, len) = (Part::Preview, usize::try_from(size).ok()?);
    let tag = blob_tag(&FileKey::new(pointer.key()), part.index()).0;
    let mut found = envelopes.iter().filter_map(|payload| Envelope::decode(payload).ok()).filter(|one| one.tag == tag);
    found.find_map(|envelope| open(pointer, part, len, &envelope)).map(|bytes| bytes.to_vec())
}

pub(super) fn take(
    disk: &mut Disk,
    place: &Place,
    pointer: &FilePointer,
    manifest: Option<&[u8]>,
    have: &[u8],
    envelopes: &[Vec<u8>],
) -> Result<Took, Trouble> {
    let layout = pointer.layout();
    let mut known = disk.known(place, pointer);
    let parts = envelopes.iter().filter_map(|payload| {
        let envelope = Envelope::decode(payload).ok()?;
        Some((*known.parts.get(&Tag(envelope.tag))?, envelope))
    });
    let parts: Vec<(Part, Envelope<'_>)> = parts.collect();
    let slots = disk.open_or_create(place)?;
    let mut took = Took::default();
    let mut manifest = manifest_of(pointer, manifest);
    if manifest.is_none() {
        manifest = parts.iter().find_map(|(part, envelope)| came(pointer, *part, envelope));
        took.manifest = manifest.as_ref().map(Manifest::encode);
    }
    if let (Some(manifest), Some(_)) = (&manifest, &took.manifest) {
        took.dropped = refuted(&slots, layout, manifest, have)?;
    }
    for (part, envelope) in &parts {
        let Some(slot) = layout.slot(*part) else { continue };
        // Nothing proves a chunk of a long body alone: the latest counts, so that its author can replace a wrong one.
        let proved = manifest.is_some() || layout.has_manifest();
        let kept = has(have, slot) && proved && !took.dropped.contains(&slot);
        let tries = known.refuted.get(&slot).copied().unwrap_or(0);
        if kept || (proved && took.parts.contains(&slot)) || tries >= MOST_TRIES {
            continue;
        }
        let Some(chunk) = open(pointer, *part, slots.len_of(slot), envelope) else { continue };
        if manifest.as_ref().is_some_and(|manifest| !manifest.matches(slot, &chunk)) {
            known.refuted.insert(slot, tries.saturating_add(1));
            if layout.slots() == 1 {
                took.dropped.push(slot); // perhaps its author named another file
            }
            continue;
        }
        slots.write(slot, &disk.random(), &chunk)?;
        if !took.parts.contains(&slot) {
            took.parts.push(slot);
        }
    }
    // Slots filled again are no longer in doubt.
    took.dropped.retain(|slot| !took.parts.contains(slot));
    disk.known.push(known);
    Ok(took)
}

/// The manifest of a file, if it is known. A file of one chunk needs none: its root is the chunk's hash.
pub(super) fn manifest_of(pointer: &FilePointer, bytes: Option<&[u8]>) -> Option<Manifest> {
    let bytes = bytes.or((pointer.layout().slots() == 1).then_some(&[]))?;
    Manifest::decode(bytes, pointer).ok()
}

/// The manifest in an envelope, if it is the file's.
fn came(pointer: &FilePointer, part: Part, envelope: &Envelope<'_>) -> Option<Manifest> {
    let len = match part {
        Part::Manifest | Part::ManifestCopy => pointer.layout().part_len(part)?,
        Part::Data(_) | Part::Parity(_) | Part::Preview => return None,
    };
    Manifest::decode(&open(pointer, part, len, envelope)?, pointer).ok()
}

/// The written slots that the manifest refutes.
fn refuted(slots: &Slots, layout: Layout, manifest: &Manifest, have: &[u8]) -> Result<Vec<u32>, Trouble> {
    let mut wrong = Vec::new();
    for slot in (0..layout.slots()).filter(|&slot| has(have, slot)) {
        if !slots.read(slot)?.is_some_and(|chunk| manifest.matches(slot, &chunk)) {
            wrong.push(slot);
        }
    }
    Ok(wrong)
}

impl Disk {
    /// Takes what is known of a file out of the memory.
    fn known(&mut self, place: &Place, pointer: &FilePointer) -> Known {
        let same = |known: &Known| known.name == place.name && known.file_key == *pointer.key();
        let known = match self.known.iter().position(same) {
            Some(at) => self.known.remove(at),
            None => Known::new(place, pointer),
        };
        if self.known.len() >= MOST_KNOWN {
            self.known.remove(0);
        }
        known
    }

    fn open_or_create(&self, place: &Place) -> Result<Slots, Trouble> {
        if self.path(&place.name).exists() { self.open(place) } else { self.create(place) }
    }
}
