//! A file goes out and comes in while the process is killed, or the disk fails, at each call that changes the disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand_core::UnwrapErr;
use sotto_crypto::LocalKey;
use sotto_messenger::disk::{Disk, Done, Imported, Order, Place, Source, Trouble};
use sotto_wire::file::{FilePointer, Part};
use sotto_wire::hash::Hasher;

/// Where a life goes on.
const FOLDER: &str = "SOTTO_DISK_FOLDER";
const CHANGES: &str = "pwrite64,ftruncate,fsync,unlink,mkdir";
const LEN: usize = 150_000;

fn content() -> Vec<u8> {
    (0..LEN).map(|i| ((i * i) >> 7) as u8).collect()
}

/// What the engine keeps: the sender's row, and the receiver's bitmap and manifest.
struct Rows(PathBuf);

impl Rows {
    fn sent(&self) -> Option<(Place, Vec<u8>)> {
        let row = fs::read(self.0.join("sent")).ok()?;
        let (name, rest) = row.split_first_chunk()?;
        let (key, manifest) = rest.split_first_chunk()?;
        Some((Place { name: *name, key: LocalKey::new(key), size: LEN as u64 }, manifest.to_vec()))
    }

    fn send(&self, file: &Imported) {
        let row = [&file.place.name[..], file.place.key.as_bytes(), &file.manifest].concat();
        self.put("sent", &row);
    }

    fn put(&self, row: &str, bytes: &[u8]) {
        fs::write(self.0.join("next"), bytes).unwrap();
        fs::rename(self.0.join("next"), self.0.join(row)).unwrap();
    }
}

/// Says why it stopped, or `whole`.
fn live(folder: &Path) -> &'static str {
    let rows = Rows(folder.to_owned());
    let rng = || UnwrapErr(getrandom::SysRng);
    let (mut sender, mut receiver) =
        (Disk::new(folder.join("sender"), rng()), Disk::new(folder.join("receiver"), rng()));
    let taken = Place { name: [1; 8], key: LocalKey::new(&[2; 32]), size: LEN as u64 };
    sender.sweep(&rows.sent().map(|(place, _)| place.name).into_iter().collect()).unwrap();
    receiver.sweep(&HashSet::from([taken.name])).unwrap();
    if rows.sent().is_none() {
        match sender.import(&folder.join("source"), false) {
            Ok(file) => rows.send(&file),
            Err(error) => {
                // What is left of it would stay until the next open.
                assert_eq!(fs::read_dir(folder.join("sender")).map_or(0, Iterator::count), 0);
                return error.code().as_str();
            }
        }
    }
    let (place, manifest) = rows.sent().unwrap();
    let mut root = Hasher::default();
    root.update(&manifest);
    let pointer = FilePointer::new([3; 32], LEN as u64, root.finish()).unwrap();
    let mut have = fs::read(folder.join("have")).unwrap_or_else(|_| vec![0]);
    // The second chunk is lost.
    for part in [Part::Data(0), Part::Data(2), Part::Parity(0)] {
        let slot = pointer.layout().slot(part).unwrap();
        if have[0] >> slot & 1 == 1 {
            continue;
        }
        let (source, of, manifest) = (Source::Place(place.clone()), pointer.clone(), manifest.clone());
        let order = Order::Seal { job: 1, source, pointer: of, manifest, preview: vec![], parts: vec![part] };
        let Done::Sealed { payloads: envelopes, .. } = sender.run(order) else { return "not sealed" };
        let (name, pointer) = (taken.clone(), pointer.clone());
        match receiver.run(Order::Take { job: 2, place: name, pointer, manifest: None, have: have.clone(), envelopes })
        {
            Done::Took { parts, .. } => assert_eq!(parts, [slot]),
            done => return failed(&done),
        }
        have[0] |= 1 << slot;
        rows.put("have", &have);
    }
    match receiver.run(Order::Finish { job: 3, place: taken.clone(), pointer, manifest: None, have }) {
        Done::Whole { manifest: rebuilt, .. } => assert_eq!(rebuilt, manifest),
        // Finished before, and the parity is gone.
        Done::Bad { parts, all: false, .. } if parts == [3] => {}
        done => return failed(&done),
    }
    assert!(receiver.read(&taken, 0, LEN).unwrap() == content());
    sender.run(Order::Trim { place });
    "whole"
}

fn failed(done: &Done) -> &'static str {
    match done {
        Done::Failed { why: Trouble::NoSpace, .. } => "file.no_space",
        Done::Failed { why: Trouble::Unreadable, .. } => "file.unreadable",
        _ => "another answer",
    }
}

#[test]
#[ignore = "one life, which the others run under strace"]
fn life() {
    println!("END {}", live(Path::new(&std::env::var(FOLDER).unwrap())));
}

/// Lives once with this fault; gives what the life says at its end, if it was not killed.
fn lived(folder: &Path, fault: Option<&str>) -> Option<String> {
    let this = std::env::current_exe().unwrap();
    let mut command = match fault {
        Some(fault) => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", &format!("trace={CHANGES}")]);
            strace.args(["-e", &format!("inject={fault}")]).arg(this);
            strace
        }
        None => Command::new(this),
    };
    command.args(["--exact", "life", "--ignored", "--nocapture"]).env(FOLDER, folder);
    let output = command.output().unwrap_or_else(|error| panic!("strace is needed: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("panicked") && !said.contains("FAILED"), "{fault:?}: {said}");
    let end = said.lines().find_map(|line| line.split_once("END ")).map(|(_, end)| end.to_owned());
    assert!(end.is_some() || fault.is_some_and(|fault| fault.contains("KILL")), "{fault:?}: {said}");
    end
}

/// Lives with a fault at each call in turn, then undisturbed. Gives how many lives a fault ended.
fn each(fault: impl Fn(u32) -> String, codes: &[&str]) -> u32 {
    for call in 1.. {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("source"), content()).unwrap();
        let end = lived(dir.path(), Some(&fault(call)));
        if let Some(end) = &end {
            assert!(end == "whole" || codes.contains(&end.as_str()), "{}: {end}", fault(call));
        }
        assert_eq!(lived(dir.path(), None).as_deref(), Some("whole"), "after {}", fault(call));
        for side in ["sender", "receiver"] {
            let files: Vec<_> = fs::read_dir(dir.path().join(side)).unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(files.len(), 1, "{side} after {}", fault(call));
            assert_eq!(files[0].metadata().unwrap().len(), LEN as u64 + 3 * 32, "{side} after {}", fault(call));
        }
        if end.as_deref() == Some("whole") && call > 10 {
            return call - 1;
        }
    }
    0
}

/// F5, as far as files go.
#[test]
fn killed_at_each_call_the_file_goes_on() {
    let kills = each(|call| format!("{CHANGES}:signal=KILL:when={call}"), &[]);
    assert!(kills >= 15, "{kills}");
}

/// F6, as far as files go.
#[test]
fn a_disk_full_from_each_call_on_is_told_and_the_file_goes_on() {
    let codes = ["file.no_space"];
    let ends = each(|call| format!("pwrite64,fsync,mkdir:error=ENOSPC:when={call}+"), &codes);
    assert!(ends >= 12, "{ends}");
}

#[test]
fn a_disk_that_fails_at_each_call_is_told_and_the_file_goes_on() {
    let codes = ["file.unreadable"];
    let ends = each(|call| format!("pwrite64,ftruncate,fsync,mkdir:error=EIO:when={call}"), &codes);
    assert!(ends >= 12, "{ends}");
}
