//! Killed before a system call, and started again.

use std::path::Path;

use sotto_testkit::{Seeded, life};

use crate::stage::{copy, each, empty, folder, template};
use crate::strace::{CHANGES, End, Strace, count, finish};

/// Calls other than syncs that are tried unless all are.
const SAMPLE: usize = 150;

/// Where a life is killed.
struct Point<'a> {
    /// It begins on a copy of this.
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

/// Every call of both stages: from nothing to acquaintance, and from there on.
fn points<'a>(nothing: &'a Path, known: &'a Path) -> Vec<Point<'a>> {
    let mut points = Vec::new();
    let logs = folder();
    for (from, word) in [(nothing, Some("befriend")), (known, None)] {
        let rehearsal = copy(from);
        let counted = count(rehearsal.path(), word, &logs.path().join("log"));
        for (call, times) in counted {
            points.extend((1..=times).map(|nth| Point { from, word, call: call.clone(), nth }));
        }
    }
    points
}

fn killed(point: &Point<'_>) {
    let when = format!("killed before {} {}", point.call, point.nth);
    let folder = copy(point.from);
    let how = format!("{}:signal=SIGKILL:when={}", point.call, point.nth);
    let end = Strace::new(CHANGES).inject(&how).run(folder.path(), point.word, &when);
    assert_eq!(end, End::Killed, "{when}");
    finish(folder.path(), &when);
    life::check(folder.path(), &when);
}

#[test]
fn killed_at_every_sync_and_at_other_writes() {
    let (nothing, known) = (empty(), template());
    let all = points(nothing.path(), known.path());
    let (mut chosen, mut others): (Vec<Point<'_>>, Vec<Point<'_>>) = all.into_iter().partition(Point::is_sync);
    let syncs = chosen.len();
    assert!(syncs > 100, "{syncs} syncs");
    if std::env::var("SOTTO_KILL").is_ok_and(|how_many| how_many == "all") {
        chosen.append(&mut others);
    }
    let mut rng = Seeded::new(1);
    while !others.is_empty() && chosen.len() < syncs + SAMPLE {
        chosen.push(others.swap_remove(rng.below(others.len() as u64) as usize));
    }
    println!("{syncs} syncs, {} other calls", chosen.len() - syncs);
    each(&chosen, killed);
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
        finish(folder.path(), &when);
        life::check(folder.path(), &when);
    });
}
