//! Power cuts: the disk keeps what was synced, and any part of the rest.

use std::sync::Arc;

use sotto_testkit::{Seeded, life};
use tempfile::TempDir;

use crate::disk::{Disk, Files, Op, ops};
use crate::stage::{each, empty, folder};
use crate::strace::{finish, recorded};

/// The files at one moment, and everything that people and nodes were told by then.
struct Cut {
    when: String,
    files: Files,
    told: usize,
    record: Arc<Vec<u8>>,
}

impl Cut {
    /// The state before any call.
    fn nothing() -> Self {
        Self { when: String::new(), files: Files::new(), told: 0, record: Arc::default() }
    }

    /// As a folder to continue from.
    fn folder(&self) -> TempDir {
        let folder = empty();
        let mut rng = Seeded::new(self.told as u64);
        for (name, content) in &self.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            if name.ends_with("account.db") {
                // The index of the log never has to be right.
                let junk: Vec<u8> = (0..32_768).map(|_| rng.below(256) as u8).collect();
                std::fs::write(path.with_file_name("account.db-shm"), junk).unwrap();
            }
        }
        std::fs::write(folder.path().join("record"), &self.record[..self.told]).unwrap();
        folder
    }

    fn check(&self) {
        let when = format!("{} of {:?}", self.when, self.files.keys());
        let folder = self.folder();
        finish(folder.path(), &when);
        life::check(folder.path(), &when);
    }

    /// Runs to the end and cuts the run after each of its first `syncs` syncs: with the surely durable state, and with
    /// a possible state just before the next sync. People and nodes keep what they were told until then.
    fn cuts(&self, syncs: usize) -> Vec<Cut> {
        let (life, logs) = (self.folder(), folder());
        let trace = recorded(life.path(), &logs.path().join("log"));
        let record = Arc::new(std::fs::read(life.path().join("record")).unwrap());
        let mut disk = Disk::over(&self.files, self.told);
        let mut rng = Seeded::new(9);
        let mut cuts = Vec::new();
        for op in ops(&trace, life.path()).iter().chain([&Op::End]) {
            if matches!(op, Op::Sync(_) | Op::End) {
                let after = cuts.len() / 2;
                if after == syncs {
                    break;
                }
                let mut add = |how: &str, files| {
                    cuts.push(Cut {
                        when: format!("{}{how} after sync {after} ", self.when),
                        files,
                        told: disk.told,
                        record: Arc::clone(&record),
                    });
                };
                add("what is sure", disk.strict());
                add("what may be", disk.lucky(&mut rng));
            }
            disk.apply(op);
        }
        cuts
    }
}

#[test]
fn cut_after_every_sync() {
    let cuts = Cut::nothing().cuts(usize::MAX);
    assert!(cuts.len() > 200, "{} cuts", cuts.len());
    each(&cuts, Cut::check);
}

#[test]
fn cut_again_while_coming_back() {
    let first = Cut::nothing().cuts(usize::MAX);
    let some: Vec<&Cut> = first.iter().skip(5).step_by(75).collect();
    each(&some, |cut| {
        let again = cut.cuts(6);
        assert_eq!(again.len(), 12);
        again.iter().for_each(Cut::check);
    });
}
