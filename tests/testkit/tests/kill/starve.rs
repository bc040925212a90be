//! The disk is full, read-only or broken for a while. Callers get a typed code, nothing acknowledged is lost, and
//! everything works again afterwards.

use std::path::Path;

use sotto_testkit::{Seeded, Told, life};

use crate::stage::{copy, each, empty, folder, old, template};
use crate::strace::{CHANGES, End, Strace, count, finish};

/// The broken calls, from the `from`th to the `to`th.
struct Fault {
    calls: &'static str,
    errno: &'static str,
    from: u64,
    to: u64,
    /// The codes that anybody may get.
    codes: &'static [&'static str],
}

impl Fault {
    fn inject(&self) -> String {
        let Self { calls, errno, from, .. } = self;
        format!("{calls}:error={errno}:when={from}..{}", self.to)
    }

    fn when(&self) -> String {
        format!("{} from {} to {}", self.errno, self.from, self.to)
    }

    /// Every reported error was one of these, and there were some if `some`.
    fn told(&self, told: &Told, some: bool) {
        let when = self.when();
        for code in &told.errors {
            let code = code.strip_prefix("notice ").unwrap_or(code);
            assert!(self.codes.contains(&code), "{when}: {code}");
        }
        assert!(!some || !told.errors.is_empty(), "{when}: nobody was told");
    }
}

const WRITES: &str = "pwrite64,ftruncate";
const SYNCS: &str = "fsync,fdatasync";
/// Writes of a whole life, roughly, and its syncs.
const ALL_WRITES: u64 = 2500;
const ALL_SYNCS: u64 = 170;

/// The database file stays readable, so a failed write is not an error of the whole file: SQLite reports `full` for a
/// full disk and `io` for the rest.
fn faults() -> Vec<Fault> {
    let kinds: [(_, _, u64, u64, &[&str]); 5] = [
        (WRITES, "ENOSPC", ALL_WRITES, 30, &["storage.full", "storage.io"]),
        (WRITES, "EROFS", ALL_WRITES, 30, &["storage.read_only", "storage.io"]),
        (WRITES, "EIO", ALL_WRITES, 30, &["storage.io"]),
        (SYNCS, "ENOSPC", ALL_SYNCS, 6, &["storage.full", "storage.io"]),
        (SYNCS, "EIO", ALL_SYNCS, 6, &["storage.io"]),
    ];
    let mut rng = Seeded::new(4);
    let mut faults = Vec::new();
    for (calls, errno, all, stretch, codes) in kinds {
        const PARTS: u64 = 10;
        for part in 0..PARTS {
            let from = 1 + all * part / PARTS + rng.below(all / PARTS);
            faults.push(Fault { calls, errno, from, to: from + stretch, codes });
        }
    }
    faults
}

/// The process lives on by itself; then another process finds everything.
fn over(folder: &Path, when: &str) -> Told {
    life::check(folder, when);
    finish(folder, when);
    life::check(folder, when)
}

#[test]
fn writes_and_syncs_fail_for_a_while() {
    each(&faults(), |fault| {
        let (folder, when) = (empty(), fault.when());
        let strace = Strace::new(fault.calls).inject(&fault.inject());
        let end = strace.run(folder.path(), None, &when);
        assert_eq!(end, End::Finished, "{when}");
        fault.told(&over(folder.path(), &when), true);
    });
}

/// The disk is full while an old folder is migrated, and not later.
#[test]
fn an_old_folder_is_migrated_once_there_is_room() {
    let (old, logs) = (old(), folder());
    let rehearsal = copy(&old);
    let writes = count(rehearsal.path(), Some("open"), &logs.path().join("log"))["pwrite64"];
    assert!(writes > 100, "{writes} writes");
    let points: Vec<u64> = (0..8).map(|i| 1 + i * writes / 8).collect();
    each(&points, |&from| {
        let fault =
            Fault { calls: WRITES, errno: "ENOSPC", from, to: from + 3, codes: &["storage.full", "storage.io"] };
        let (folder, when) = (copy(&old), format!("migration, {}", fault.when()));
        let end = Strace::new(fault.calls).inject(&fault.inject()).run(folder.path(), None, &when);
        assert_eq!(end, End::Finished, "{when}");
        fault.told(&over(folder.path(), &when), true);
    });
}

/// A page that cannot be read is an error of its connection until that is opened again; SQLCipher may report it as a
/// wrong key. People restart the app.
#[test]
fn reads_fail_for_a_while() {
    // The loader makes the first ones.
    let points: Vec<u64> = (0..12).map(|i| 5 + 35 * i).collect();
    each(&points, |from| {
        let (folder, when) = (empty(), format!("reads fail from {from}"));
        let fault = format!("pread64:error=EIO:when={from}..{}", from + 4);
        let strace = Strace::new("pread64").inject(&fault);
        let end = strace.run(folder.path(), None, &when);
        assert_eq!(end, End::Finished, "{when}");
        over(folder.path(), &when);
    });
}

#[test]
fn broken_and_then_killed() {
    let known = template();
    let mut rng = Seeded::new(5);
    let points: Vec<(Fault, u64)> = (0..16)
        .map(|i| {
            let from = 1 + rng.below(90);
            let fault = Fault {
                calls: SYNCS,
                errno: if i % 2 == 0 { "EIO" } else { "ENOSPC" },
                from,
                to: from + 2,
                codes: &["storage.full", "storage.io"],
            };
            // Soon after, while the failed bytes may still be in the log.
            (fault, 1 + rng.below(1200))
        })
        .collect();
    each(&points, |(fault, write)| {
        let when = format!("{}, killed before write {write}", fault.when());
        let folder = copy(known.path());
        let killed = format!("pwrite64:signal=SIGKILL:when={write}");
        let strace = Strace::new(CHANGES).inject(&fault.inject());
        strace.inject(&killed).run(folder.path(), None, &when);
        finish(folder.path(), &when);
        fault.told(&life::check(folder.path(), &when), false);
    });
}

#[test]
fn a_folder_that_cannot_be_written_does_not_open_and_later_does() {
    let known = template();
    for (errno, code) in [("EROFS", "storage.read_only"), ("EACCES", "storage.read_only"), ("ENOSPC", "storage.full")] {
        let folder = copy(known.path());
        let when = format!("{errno} at opening");
        let end = Strace::new("openat")
            .only(&folder.path().join("0/account.lock"))
            .inject(&format!("openat:error={errno}:when=1..3"))
            .run(folder.path(), None, &when);
        assert_eq!(end, End::Finished, "{when}");
        let told = over(folder.path(), &when);
        assert_eq!(told.errors, [code; 3], "{when}");
    }
}

/// A file system that became read-only under an open database. SQLite reports `io`; new files that cannot be opened for
/// writing show the difference.
#[test]
fn a_folder_that_turns_read_only_is_called_so() {
    let (known, when) = (template(), "EROFS while running");
    let folder = copy(known.path());
    let end = Strace::new("openat,pwrite64")
        .only(&folder.path().join("0/account.lock"))
        .only(&folder.path().join("0/account.db-wal"))
        // At the start the lock file is opened once, and the log twice, by writer and reader.
        .inject("openat:error=EROFS:when=4..100")
        .inject("pwrite64:error=EROFS:when=200..210")
        .run(folder.path(), None, when);
    assert_eq!(end, End::Finished, "{when}");
    let told = over(folder.path(), when);
    assert!(!told.errors.is_empty(), "{when}");
    for code in &told.errors {
        assert!(code.ends_with("storage.read_only"), "{when}: {code}");
    }
}
