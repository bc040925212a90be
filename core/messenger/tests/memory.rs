//! A file of 100 MB goes out and comes back in little memory. In a process of its own, whose peak it reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use rand_core::{Rng as _, UnwrapErr};
use sotto_crypto::LocalKey;
use sotto_messenger::disk::{Disk, Done, Order, Place, Source};
use sotto_wire::file::{FilePointer, MAX_FILE, Part};
use sotto_wire::hash::Hasher;

/// What one call may add, bytes.
const MOST: u64 = 8 * 1024 * 1024;

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(getrandom::SysRng).fill_bytes(&mut bytes);
    bytes
}

/// A line of `/proc/self/status`, bytes.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() * 1024
}

/// What `work` adds to the memory of an idle process, at its peak, is little.
fn measured<T>(idle: u64, what: &str, work: impl FnOnce() -> T) -> T {
    // Sets the peak to what is used now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let begun = Instant::now();
    let done = work();
    let more = status("VmHWM:").saturating_sub(idle);
    eprintln!("{what}: {} KB more at the peak, {:.1} s", more / 1024, begun.elapsed().as_secs_f64());
    assert!(more <= MOST, "{what}: {more} bytes");
    done
}

#[test]
fn a_file_of_100_mb_needs_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let (mut file, mut hasher) = (fs::File::create(&source).unwrap(), Hasher::default());
    for i in 0..100u32 {
        let block: Vec<u8> =
            (0..1 << 18).flat_map(|j: u32| (i << 18 | j).wrapping_mul(0x9e37_79b1).to_be_bytes()).collect();
        file.write_all(&block).unwrap();
        hasher.update(&block);
    }
    let sha256 = hasher.finish();
    let idle = status("VmRSS:");
    let rng = || UnwrapErr(getrandom::SysRng);
    let mut sender = Disk::new(dir.path().join("sender"), rng());
    let imported = measured(idle, "import", || sender.import(&source, true)).unwrap();
    assert_eq!((imported.place.size, imported.sha256), (MAX_FILE, sha256));
    fs::remove_file(&source).unwrap();

    let mut root = Hasher::default();
    root.update(&imported.manifest);
    let pointer = FilePointer::new(random(), MAX_FILE, root.finish()).unwrap();
    let layout = pointer.layout();
    let mut receiver = Disk::new(dir.path().join("receiver"), rng());
    let place = Place { name: random(), key: LocalKey::new(&random()), size: MAX_FILE };
    let mut have = vec![0; layout.slots().div_ceil(8) as usize];
    // As much is lost as may be, and both manifests.
    let lost = |part: &Part| matches!(part, Part::Data(chunk) if chunk % 7 == 3 && chunk / 7 < layout.parity_chunks());
    let kept = layout.parts(false).filter(|part| layout.slot(*part).is_some() && !lost(part));
    let kept: Vec<Part> = kept.take(layout.data_chunks() as usize).collect();
    let envelopes = 16;
    measured(idle, "seal and take", || {
        for parts in kept.chunks(envelopes) {
            let order = Order::Seal {
                job: 1,
                source: Source::Place(imported.place.clone()),
                pointer: pointer.clone(),
                manifest: imported.manifest.clone(),
                preview: Vec::new(),
                parts: parts.to_vec(),
            };
            let Done::Sealed { payloads: envelopes, .. } = sender.run(order) else { panic!("not sealed") };
            let (place, pointer, have_now) = (place.clone(), pointer.clone(), have.clone());
            let order = Order::Take { job: 2, place, pointer, manifest: None, have: have_now, envelopes };
            let Done::Took { parts: slots, .. } = receiver.run(order) else { panic!("not taken") };
            assert_eq!(slots.len(), parts.len());
            slots.iter().for_each(|&slot| have[slot as usize / 8] |= 1 << (slot % 8));
        }
    });
    let order = Order::Finish { job: 3, place: place.clone(), pointer, manifest: None, have };
    match measured(idle, "finish", || receiver.run(order)) {
        Done::Whole { sha256: restored, manifest, .. } => {
            assert_eq!((restored, manifest), (sha256, imported.manifest));
        }
        _ => panic!("not whole"),
    }
    let to = dir.path().join("copy");
    measured(idle, "export", || receiver.export(&place, &to)).unwrap();
    assert_eq!(fs::metadata(&to).unwrap().len(), MAX_FILE);
}
