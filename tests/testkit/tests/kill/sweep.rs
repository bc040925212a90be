//! Kills before system calls, and restarts.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use sotto_testkit::{Seeded, life};
use tempfile::TempDir;

use crate::stage::{copy, each, empty, folder, old, schemas, template};
use crate::strace::{CHANGES, End, Strace, count, finish};

/// Where a life is killed.
struct Point<'a> {
    /// The folder that it starts from; each run gets a copy.
    from: &'a Path,
    word: Option<&'static str>,
    call: String,
    nth: u64,
}

impl Point<'_> {
    fn is_sync(&self) -> bool {
        self.call.contains("sync")
    }
}

/// All calls of these stages.
fn points<'a>(stages: &[(&'a Path, Option<&'static str>)]) -> Vec<Point<'a>> {
    let mut points = Vec::new();
    let logs = folder();
    for &(from, word) in stages {
        let rehearsal = copy(from);
        let counted = count(rehearsal.path(), word, &logs.path().join("log"));
        for (call, times) in counted {
            points.extend((1..=times).map(|nth| Point { from, word, call: call.clone(), nth }));
        }
    }
    points
}

/// All syncs, and a sample of the other calls unless all are wanted.
fn chosen(all: Vec<Point<'_>>, least_syncs: usize, sample: usize) -> Vec<Point<'_>> {
    let (mut chosen, mut others): (Vec<Point<'_>>, Vec<Point<'_>>) = all.into_iter().partition(Point::is_sync);
    let syncs = chosen.len();
    assert!(syncs > least_syncs, "{syncs} syncs");
    if std::env::var("SOTTO_KILL").is_ok_and(|how_many| how_many == "all") {
        chosen.append(&mut others);
    }
    let mut rng = Seeded::new(1);
    while !others.is_empty() && chosen.len() < syncs + sample {
        chosen.push(others.swap_remove(rng.below(others.len() as u64) as usize));
    }
    chosen
}

/// The copy of a killed life.
fn killed(point: &Point<'_>, when: &str) -> TempDir {
    let folder = copy(point.from);
    let how = format!("{}:signal=SIGKILL:when={}", point.call, point.nth);
    let end = Strace::new(CHANGES).inject(&how).run(folder.path(), point.word, when);
    assert_eq!(end, End::Killed, "{when}");
    folder
}

fn ends_well(folder: &Path, when: &str) {
    finish(folder, when);
    life::check(folder, when);
}

/// From nothing to contacts, and on from there.
#[test]
fn killed_at_every_sync_and_at_other_writes() {
    let (nothing, known) = (empty(), template());
    let all = points(&[(nothing.path(), Some("befriend")), (known.path(), None)]);
    let chosen = chosen(all, 100, 150);
    println!("{} calls", chosen.len());
    each(&chosen, |point| {
        let when = format!("killed before {} {}", point.call, point.nth);
        ends_well(killed(point, &when).path(), &when);
    });
}

/// A folder has the old schema or the new one, and lives on either way.
#[test]
fn killed_while_an_old_folder_is_migrated() {
    let (old, before) = (old(), schemas(&old()));
    let seen = Mutex::new(BTreeSet::new());
    let chosen = chosen(points(&[(&old, Some("open"))]), 3, 24);
    println!("{} calls", chosen.len());
    each(&chosen, |point| {
        let when = format!("killed before {} {} of a migration", point.call, point.nth);
        let folder = killed(point, &when);
        seen.lock().unwrap().insert(schemas(folder.path()));
        ends_well(folder.path(), &when);
    });
    let old = before[0];
    let seen = seen.into_inner().unwrap();
    assert!(seen.contains(&before), "none was killed before: {seen:?}");
    assert!(seen.iter().any(|seen| seen[0] > old && seen[1] == old), "none between: {seen:?}");
    assert!(seen.iter().any(|seen| seen[0] > old && seen[1] > old), "none after: {seen:?}");
    let newest = seen.iter().flatten().max();
    assert!(seen.iter().flatten().all(|one| *one == old || Some(one) == newest), "{seen:?}");
}

#[test]
fn killed_again_and_again() {
    let nothing = empty();
    let seeds: Vec<u64> = (0..12).collect();
    each(&seeds, |&seed| {
        let mut rng = Seeded::new(seed);
        let folder = copy(nothing.path());
        let when = format!("killed again and again, seed {seed}");
        for _ in 0..10 {
            let nth = 1 + rng.below(700);
            let how = format!("pwrite64:signal=SIGKILL:when={nth}");
            let end = Strace::new(CHANGES).inject(&how).run(folder.path(), None, &when);
            if end == End::Finished {
                break;
            }
        }
        ends_well(folder.path(), &when);
    });
}
