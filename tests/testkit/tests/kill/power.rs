//! The power fails: the disk has what was synced, and of the rest what it likes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sotto_testkit::{Seeded, life};

use crate::disk::{Disk, Op, ops};
use crate::stage::{each, empty, folder};
use crate::strace::{finish, recorded};

/// The files at one moment, and how much of the record there was.
struct Cut {
    when: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
    told: usize,
}

/// A whole life from nothing: its calls, and its record.
fn whole_life() -> (Vec<Op>, Vec<u8>) {
    let (life, logs) = (empty(), folder());
    let trace = recorded(life.path(), &logs.path().join("log"));
    let record = std::fs::read(life.path().join("record")).unwrap();
    (ops(&trace, life.path()), record)
}

/// After each sync: what is surely there, and, twice, what may be there just before the next one. People and nodes were
/// told whatever they were told until then.
fn cuts(ops: &[Op]) -> Vec<Cut> {
    let mut disk = Disk::default();
    let mut rng = Seeded::new(9);
    let mut cuts = Vec::new();
    let mut syncs = 0;
    for (i, op) in ops.iter().enumerate() {
        let last = i + 1 == ops.len();
        if matches!(op, Op::Sync(_)) || last {
            let mut cut = |how: &str, files| {
                cuts.push(Cut {
                    when: format!("{how} after sync {syncs}"),
                    files,
                    told: disk.told,
                });
            };
            cut("what is sure", disk.strict());
            cut("what may be", disk.lucky(&mut rng));
            cut("what may be, too,", disk.lucky(&mut rng));
            syncs += 1;
        }
        disk.apply(op);
    }
    assert!(syncs > 100, "{syncs} syncs");
    cuts
}

fn cut(cut: &Cut, record: &[u8], rng: &mut Seeded) {
    let folder = empty();
    for (name, content) in &cut.files {
        let path = folder.path().join(name);
        if name.parent() != Some(Path::new("")) {
            std::fs::write(&path, content).unwrap();
        }
        if name.ends_with("account.db") {
            // The index of the log never has to be right.
            let junk: Vec<u8> = (0..32_768).map(|_| rng.below(256) as u8).collect();
            std::fs::write(path.with_file_name("account.db-shm"), junk).unwrap();
        }
    }
    std::fs::write(folder.path().join("record"), &record[..cut.told]).unwrap();
    let when = format!("{} of {:?}", cut.when, cut.files.keys());
    finish(folder.path(), &when);
    life::check(folder.path(), &when);
}

#[test]
fn cut_after_every_sync() {
    let (ops, record) = whole_life();
    let cuts = cuts(&ops);
    println!("{} cuts", cuts.len());
    each(&cuts, |one| cut(one, &record, &mut Seeded::new(3)));
}
