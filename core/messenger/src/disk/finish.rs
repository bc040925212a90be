//! The end of a download: what is not exactly the author's does not become a file.

use std::fs::File;
use std::ops::Range;

use sotto_wire::file::{FilePointer, Manifest};
use sotto_wire::hash::Hasher;

use super::columns::Columns;
use super::slots::Slots;
use super::transfer::{has, manifest_of};
use super::{Disk, Done, Place, Trouble};

pub(super) fn finish(
    disk: &mut Disk,
    job: u64,
    place: &Place,
    pointer: &FilePointer,
    manifest: Option<&[u8]>,
    have: &[u8],
) -> Result<Done, Trouble> {
    let slots = disk.open(place)?;
    let (data, all) = (slots.layout().data_chunks(), slots.layout().slots());
    let manifest = manifest_of(pointer, manifest);
    let mut checked = Checked::default();
    checked.check(&slots, manifest.as_ref(), have, 0..data)?;
    let needed = usize::try_from(data).unwrap_or(usize::MAX);
    let (sha256, manifest) = match manifest {
        _ if !pointer.layout().has_manifest() => {
            let sha256 = checked.content.finish();
            let all = checked.good.len() >= needed;
            if !all || sha256 != *pointer.root() {
                return Ok(Done::Bad { job, parts: checked.bad, all });
            }
            (sha256, Manifest::default())
        }
        Some(manifest) if checked.good.len() == needed => (checked.content.finish(), manifest),
        manifest => {
            checked.check(&slots, manifest.as_ref(), have, data..all)?;
            if checked.good.len() < needed {
                return Ok(Done::Bad { job, parts: checked.bad, all: false });
            }
            checked.good.truncate(needed);
            match restore(disk, place, pointer, &slots, manifest, &checked.good)? {
                Some(restored) => restored,
                None => return Ok(Done::Bad { job, parts: checked.bad, all: true }),
            }
        }
    };
    let mut body = Vec::new();
    if pointer.layout().is_bare() {
        for slot in 0..data {
            body.extend_from_slice(&slots.read(slot)?.ok_or(Trouble::Unreadable)?);
        }
    } else {
        slots.trim()?;
        File::open(&disk.dir)?.sync_all()?;
    }
    disk.known.retain(|known| known.name() != place.name);
    Ok(Done::Whole { job, sha256, manifest: manifest.encode(), body })
}

/// What became of the slots that were written.
#[derive(Default)]
struct Checked {
    /// Readable, and as in the manifest if that is known.
    good: Vec<u32>,
    bad: Vec<u32>,
    /// Over the good ones, in order.
    content: Hasher,
}

impl Checked {
    fn check(
        &mut self,
        slots: &Slots,
        manifest: Option<&Manifest>,
        have: &[u8],
        range: Range<u32>,
    ) -> Result<(), Trouble> {
        for slot in range.filter(|&slot| has(have, slot)) {
            match slots.read(slot)? {
                Some(chunk) if manifest.is_none_or(|manifest| manifest.matches(slot, &chunk)) => {
                    self.content.update(&chunk);
                    self.good.push(slot);
                }
                _ => self.bad.push(slot),
            }
        }
        Ok(())
    }
}

/// Makes the missing data chunks from as many good slots as there are data chunks, and the manifest if it was lost.
/// `None` if the result is not what the pointer names: with a manifest its author contradicts himself, without one any
/// slot may be forged.
fn restore(
    disk: &mut Disk,
    place: &Place,
    pointer: &FilePointer,
    slots: &Slots,
    manifest: Option<Manifest>,
    good: &[u32],
) -> Result<Option<([u8; 32], Manifest)>, Trouble> {
    let layout = slots.layout();
    let mut columns = Columns::create(disk, place)?;
    for &slot in good {
        columns.put(slot, &slots.read(slot)?.ok_or(Trouble::Unreadable)?)?;
    }
    columns.restore()?;
    let (mut content, mut rebuilt) = (Hasher::default(), Manifest::default());
    for slot in 0..layout.data_chunks() {
        let mut chunk = columns.chunk(slot)?;
        chunk.truncate(slots.len_of(slot));
        if manifest.as_ref().is_some_and(|manifest| !manifest.matches(slot, &chunk)) {
            return Ok(None);
        }
        content.update(&chunk);
        rebuilt.push(&chunk);
        if !good.contains(&slot) {
            slots.write(slot, &disk.random(), &chunk)?;
        }
    }
    if let Some(manifest) = manifest {
        return Ok(Some((content.finish(), manifest)));
    }
    columns.encode()?;
    for slot in layout.data_chunks()..layout.slots() {
        rebuilt.push(&columns.chunk(slot)?);
    }
    Ok((rebuilt.root() == *pointer.root()).then(|| (content.finish(), rebuilt)))
}
