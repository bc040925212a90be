//! Folders to start from, and parallel work.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use sotto_testkit::life;
use tempfile::TempDir;

/// A new folder, in memory if possible: the tests themselves decide what a disk would have kept.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// A new folder for a life that has not begun.
pub(crate) fn empty() -> TempDir {
    let folder = folder();
    life::make_folder(folder.path());
    folder
}

/// Two people who know each other, to be copied.
pub(crate) fn template() -> TempDir {
    let folder = empty();
    life::befriended(folder.path());
    folder
}

/// The folder that a program of schema 3 left mid-life: it is migrated when it opens.
pub(crate) fn old() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema_3")
}

/// The schema of each phone's database.
pub(crate) fn schemas(folder: &Path) -> Vec<i64> {
    // Reading a log empties it, so a copy is read.
    let folder = copy(folder);
    let schema = |who: &str| {
        let database = life::database(&folder.path().join(who));
        database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    };
    vec![schema("0"), schema("1")]
}

/// A copy.
pub(crate) fn copy(from: &Path) -> TempDir {
    let to = empty();
    for path in files(from) {
        std::fs::copy(from.join(&path), to.path().join(&path)).unwrap();
    }
    to
}

/// All files of a life's folder, relative to it.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for part in ["", "0", "1"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                found.push(Path::new(part).join(entry.file_name()));
            }
        }
    }
    found
}

/// Runs `work` for each, as many at a time as there are cores. Panics with the first that does.
pub(crate) fn each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(2, Into::into);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}
