use std::collections::BTreeSet;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::content::MAX_FILE_PREVIEW;
use crate::envelope::{Class, Form, room};

/// The smallest file with `chunks` data chunks of 64 KiB.
fn huge(chunks: u64) -> Layout {
    Layout::new((chunks - 1) * HUGE_CHUNK as u64 + 1).unwrap()
}

/// Bytes that repeat nowhere.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let block = |i: u64| Sha256::digest([seed.to_be_bytes(), i.to_be_bytes()].concat());
    (0..).flat_map(block).take(len).collect()
}

fn sizes() -> Vec<u64> {
    let (large, huge) = (LARGE_CHUNK as u64, HUGE_CHUNK as u64);
    let edges = [1, large, 2 * large, LARGE_UP_TO as u64, huge, 7 * huge, 55 * huge, 223 * huge, MAX_FILE];
    edges.into_iter().flat_map(|edge| [edge - 1, edge, edge + 1]).filter(|size| (1..=MAX_FILE).contains(size)).collect()
}

#[test]
fn every_file_is_cut_into_parts_that_fit_their_envelopes() {
    for size in sizes() {
        let layout = Layout::new(size).unwrap();
        let parts: Vec<Part> = layout.parts(true).collect();
        let indexes: BTreeSet<u32> = parts.iter().map(|part| part.index()).collect();
        assert_eq!(indexes.len(), parts.len(), "{size}");
        let mut data = 0;
        for &part in &parts {
            assert_eq!(Part::from_index(part.index()), part);
            let room = room(layout.class(part).unwrap(), Form::Sealed);
            let len = layout.part_len(part).unwrap_or(MAX_FILE_PREVIEW);
            assert!((1..=room).contains(&len), "{size} {part:?}");
            if matches!(part, Part::Data(_)) {
                data += len;
            }
            if let Some(slot) = layout.slot(part) {
                assert_eq!(layout.chunk(slot), Some(part), "{size}");
            }
        }
        assert_eq!(data as u64, size);
        assert!((0..layout.slots()).all(|slot| layout.chunk(slot).is_some()));
        assert_eq!(layout.chunk(layout.slots()), None);
        for past in [Part::Data(layout.data_chunks()), Part::Parity(layout.parity_chunks())] {
            assert_eq!((layout.slot(past), layout.class(past), layout.part_len(past)), (None, None, None), "{size}");
        }
        assert!(layout.slots() <= 1831);
        assert!(layout.data_chunks() == 1 || 8 * layout.parity_chunks() >= layout.slots(), "an eighth may be lost");
    }
    let largest = Layout::new(MAX_FILE).unwrap();
    assert_eq!((largest.data_chunks(), largest.parity_chunks()), (1602, 229));
    assert!(Layout::new(0).is_err() && Layout::new(MAX_FILE + 1).is_err());
}

#[test]
fn parts_leave_in_the_order_of_upload() {
    let parts: Vec<Part> = Layout::new(300_000).unwrap().parts(true).collect();
    let (data, rest) = parts.split_at(5);
    assert_eq!(data, [0, 1, 2, 3, 4].map(Part::Data));
    assert_eq!(rest, [Part::Manifest, Part::ManifestCopy, Part::Preview, Part::Parity(0)]);
    assert_eq!(Layout::new(300).unwrap().parts(false).collect::<Vec<_>>(), [Part::Data(0)]);
    assert_eq!(Layout::new(300).unwrap().class(Part::Manifest), None);
}

#[test]
fn a_manifest_takes_the_smallest_class() {
    for (data, hashes, class) in [
        (2, 3, Class::Medium),
        (54, 62, Class::Medium),
        (55, 63, Class::Large),
        (222, 254, Class::Large),
        (223, 255, Class::Huge),
        (1602, 1831, Class::Huge),
    ] {
        let layout = huge(data);
        assert_eq!((layout.data_chunks() as u64, layout.slots()), (data, hashes));
        assert_eq!(layout.class(Part::Manifest), Some(class));
        assert_eq!(layout.class(Part::ManifestCopy), Some(class));
    }
}

#[test]
fn numbers_of_parts_are_the_documented_ones() {
    for (part, index) in [
        (Part::Data(0), 0),
        (Part::Data((1 << 30) - 1), (1 << 30) - 1),
        (Part::Parity(0), 1 << 30),
        (Part::Parity(228), (1 << 30) + 228),
        (Part::ManifestCopy, u32::MAX - 2),
        (Part::Manifest, u32::MAX - 1),
        (Part::Preview, u32::MAX),
    ] {
        assert_eq!((part.index(), Part::from_index(index)), (index, part));
    }
}

/// A file of small chunks, its manifest and pointer.
fn made(size: usize) -> (Vec<Vec<u8>>, Manifest, FilePointer) {
    let layout = Layout::new(size as u64).unwrap();
    let mut chunks: Vec<Vec<u8>> = noise(0, size).chunks(layout.chunk_len()).map(<[u8]>::to_vec).collect();
    let filled = |chunk: &Vec<u8>| [chunk.clone(), vec![0; layout.chunk_len() - chunk.len()]].concat();
    let parity = layout.parity(chunks.iter().map(filled)).unwrap();
    chunks.extend(parity);
    let mut manifest = Manifest::default();
    chunks.iter().for_each(|chunk| manifest.push(chunk));
    let pointer = FilePointer::new([7; 32], size as u64, manifest.root()).unwrap();
    (chunks, manifest, pointer)
}

#[test]
fn a_manifest_proves_each_chunk_in_its_slot() {
    let (chunks, manifest, pointer) = made(20_000);
    let bytes = manifest.encode();
    assert!(Manifest::decode(&bytes, &pointer) == Ok(manifest.clone()));
    assert_eq!(Some(bytes.len()), pointer.layout().part_len(Part::Manifest));
    for (slot, chunk) in (0..).zip(&chunks) {
        assert!(manifest.matches(slot, chunk));
        assert!(!manifest.matches(slot + 1, chunk));
        assert!(!manifest.matches(slot, &chunk[1..]));
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(Manifest::decode(&damaged, &pointer) == Err(ManifestError::Root), "{place}");
        assert!(Manifest::decode(&bytes[..place], &pointer) == Err(ManifestError::Length), "{place}");
    }
    assert!(Manifest::decode(&[bytes, vec![0; 32]].concat(), &pointer) == Err(ManifestError::Length));
}

#[test]
fn a_file_of_one_chunk_is_its_own_manifest() {
    let (chunks, manifest, pointer) = made(300);
    assert_eq!(*pointer.root(), <[u8; 32]>::from(Sha256::digest(&chunks[0])));
    assert!(manifest.encode().is_empty() && chunks.len() == 1);
    let read = Manifest::decode(&[], &pointer).unwrap();
    assert!(read.matches(0, &chunks[0]) && !read.matches(0, b"forged") && !read.matches(1, &chunks[0]));
    assert!(Manifest::decode(pointer.root(), &pointer) == Err(ManifestError::Length));
}

#[test]
fn a_file_is_hashed_piece_by_piece() {
    let file = noise(1, 1000);
    let mut hasher = Hasher::default();
    file.chunks(77).for_each(|piece| hasher.update(piece));
    assert_eq!(hasher.finish(), <[u8; 32]>::from(Sha256::digest(&file)));
}

/// One column of all chunks: data, then parity.
fn column(layout: Layout, len: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..layout.data_chunks()).map(|chunk| noise(chunk.into(), len)).collect();
    let parity = layout.parity(&all).unwrap();
    all.extend(parity);
    all
}

/// Restores from the slots in `kept` and says what came of it.
fn restored(layout: Layout, all: &[Vec<u8>], kept: &[usize]) -> Result<(), ColumnError> {
    let slices = kept.iter().map(|&slot| (slot as u32, &all[slot]));
    let found = layout.restore(slices)?;
    let lost: Vec<u32> = (0..layout.data_chunks()).filter(|chunk| !kept.contains(&(*chunk as usize))).collect();
    assert_eq!(found.iter().map(|(chunk, _)| *chunk).collect::<Vec<_>>(), lost);
    for (chunk, slice) in found {
        assert_eq!(slice, all[chunk as usize], "{chunk}");
    }
    Ok(())
}

#[test]
fn columns_are_the_parity_of_whole_chunks() {
    for layout in [Layout::new(20_000).unwrap(), huge(5), huge(100)] {
        assert!(layout.columns().all(|range| range.len() % 2 == 0));
        let total: usize = layout.columns().map(|range| range.len()).sum();
        assert_eq!(total, layout.chunk_len());
        assert!(layout.slice_len() * layout.slots() as usize <= 4 << 20);
    }
    let layout = huge(100);
    let data: Vec<Vec<u8>> = (0..100).map(|chunk| noise(chunk, layout.chunk_len())).collect();
    let whole = layout.parity(&data).unwrap();
    let mut joined = vec![Vec::new(); whole.len()];
    assert!(layout.columns().count() > 1);
    for range in layout.columns() {
        let column = layout.parity(data.iter().map(|chunk| &chunk[range.clone()])).unwrap();
        joined.iter_mut().zip(column).for_each(|(chunk, slice)| chunk.extend(slice));
    }
    assert!(joined == whole);
}

/// F1 at the size of the largest file: any 229 of 1,831 chunks lost, and one more.
#[test]
fn the_largest_file_loses_an_eighth() {
    let layout = Layout::new(MAX_FILE).unwrap();
    let all = column(layout, 66);
    let by_hash = |salt: u64| {
        let mut slots: Vec<usize> = (0..all.len()).collect();
        slots.sort_by_key(|&slot| noise(salt * 10_000 + slot as u64, 8));
        slots.split_off(229)
    };
    for kept in [(0..1602).collect(), (229..1831).collect(), by_hash(1), by_hash(2)] {
        assert_eq!(restored(layout, &all, &kept), Ok(()));
        assert_eq!(restored(layout, &all, &kept[1..]), Err(ColumnError::TooFew));
    }
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let layout = huge(8);
    let all = column(layout, 64);
    type Slices = Vec<(u32, Vec<u8>)>;
    let slices = |change: fn(&mut Slices)| {
        let mut slices: Slices = (0..).zip(all.clone()).collect();
        change(&mut slices);
        layout.restore(slices)
    };
    assert_eq!(slices(|_| ()), Ok(Vec::new()));
    assert_eq!(slices(|all| all.truncate(8)), Ok(Vec::new()));
    assert_eq!(slices(|all| all.clear()), Err(ColumnError::TooFew));
    assert_eq!(slices(|all| all[3].0 = 4), Err(ColumnError::Misfit));
    assert_eq!(slices(|all| all[3].0 = 10), Err(ColumnError::Misfit));
    assert_eq!(slices(|all| all[3].0 = u32::MAX), Err(ColumnError::Misfit));
    assert_eq!(slices(|all| all[9].1.truncate(62)), Err(ColumnError::Misfit));
    assert_eq!(slices(|all| all.iter_mut().for_each(|(_, slice)| slice.truncate(63))), Err(ColumnError::Misfit));
    assert_eq!(slices(|all| all.iter_mut().for_each(|(_, slice)| slice.clear())), Err(ColumnError::Misfit));
    assert_eq!(layout.parity(&all[..7]), Err(ColumnError::TooFew));
    assert_eq!(layout.parity(&all[..9]), Err(ColumnError::Misfit));
    let single = Layout::new(5).unwrap();
    assert_eq!(single.parity([b"bytes"]), Ok(Vec::new()));
    assert_eq!(single.restore([(0, b"bytes")]), Ok(Vec::new()));
    assert_eq!(single.restore([(1, b"bytes")]), Err(ColumnError::Misfit));
}

proptest! {
    /// F1: whatever an eighth is lost, the rest restores it; one chunk fewer does not.
    #[test]
    fn any_eighth_is_restored(
        chunks in 2u64..60,
        len in (1usize..80).prop_map(|half| 2 * half),
        seed in any::<u64>(),
    ) {
        let layout = huge(chunks);
        let all = column(layout, len);
        let mut slots: Vec<usize> = (0..all.len()).collect();
        slots.sort_by_key(|&slot| noise(seed.wrapping_add(slot as u64), 8));
        let kept = slots.split_off(layout.parity_chunks() as usize);
        prop_assert_eq!(restored(layout, &all, &kept), Ok(()));
        prop_assert_eq!(restored(layout, &all, &kept[1..]), Err(ColumnError::TooFew));
    }
}
