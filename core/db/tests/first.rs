//! The first database connections of a process, made by several threads at once. Alone in this file: each try needs a
//! process that made none.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use sotto_db::{Account, Reader};

/// Names the file to the processes that the test starts.
const FILE: &str = "SOTTO_TEST_FILE";
const KEY: [u8; 32] = [7; 32];
const THREADS: usize = 4;
/// About one in a hundred failed before the first connection was made alone.
const ROUNDS: usize = 300;

#[test]
fn threads_that_are_the_first_to_open_a_database_at_once_all_open_it() {
    if let Some(path) = std::env::var_os(FILE) {
        return open_at_once(path.as_ref());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.db");
    drop(Account::open(&path, &KEY).unwrap());
    let this = std::env::current_exe().unwrap();
    for round in 0..ROUNDS {
        let output = Command::new(&this).env(FILE, &path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "round {round}: {said}");
    }
}

fn open_at_once(path: &Path) {
    let ready = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.wait();
                Reader::open(path, &KEY).unwrap();
            });
        }
    });
}
