//! How long a log of the largest size takes to admit and to judge: `grouplog [KIND]`, KIND = straight, wide, quarrel.
//!
//! straight: 1,000 members, then grants, settings and rekeys by ten admins. wide: the same, each entry beside 16
//! others.
//! quarrel: two admins remove and add one member 8,000 times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use sotto_messenger::grouplog::{Act, Entry, EntryId, Leaf, LeafId, Log, MAX_ENTRIES, MEMBER, Setting, Signer};
use std::collections::HashMap;
use std::time::Instant;

fn id<const N: usize>(n: usize) -> [u8; N] {
    let mut id = [0; N];
    id[..8].copy_from_slice(&(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[8..16].copy_from_slice(&(n as u64).to_be_bytes());
    id
}

fn leaf(member: usize) -> Leaf {
    Leaf { id: id(member), owner: id(member) }
}

/// Writes entries, each after the newest ones of `width` branches or after one of them.
struct Pen {
    entries: Vec<Entry>,
    branches: Vec<(EntryId, u32)>,
    own: HashMap<LeafId, [u8; 16]>,
}

impl Pen {
    fn write(&mut self, member: usize, seat: u32, act: Act) {
        let n = self.entries.len();
        let width = self.branches.len();
        let join = n.is_multiple_of(64) || n < 1_100;
        let parents: Vec<_> = if join { self.branches.clone() } else { vec![self.branches[n % width]] };
        let depth = if n == 0 { 0 } else { parents.iter().map(|(_, depth)| depth + 1).max().unwrap_or(0) };
        let mut parents: Vec<_> = parents.iter().filter(|_| n > 0).map(|(id, _)| *id).collect();
        parents.dedup();
        let (entry, author) = (id(1 << 32 | n), id(member));
        let own = self.own.insert(author, *entry.first_chunk().unwrap()).unwrap_or_default();
        let date_s = u64::from(depth);
        self.entries.push(Entry { id: entry, signer: Signer::Leaf, author, seat, depth, date_s, own, parents, act });
        if join {
            self.branches.fill((entry, depth));
        } else {
            self.branches[n % width] = (entry, depth);
        }
    }
}

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_else(|| "straight".into());
    let width = if kind == "wide" { 16 } else { 1 };
    let mut pen = Pen { entries: Vec::new(), branches: vec![([0; 32], 0); width], own: HashMap::new() };
    pen.write(0, 0, Act::Genesis(leaf(0), Vec::new()));
    (1..1_000).for_each(|member| pen.write(0, 0, Act::Add(leaf(member))));
    (1..17).for_each(|admin| pen.write(0, 0, Act::Grant(id(admin), admin as u32)));
    while pen.entries.len() < MAX_ENTRIES {
        let n = pen.entries.len();
        let admin = if width == 1 { 1 + n % 10 } else { 1 + n % 16 };
        let act = match kind.as_str() {
            "quarrel" if n.is_multiple_of(2) => Act::Remove(id(500)),
            "quarrel" => Act::Add(leaf(500)),
            _ if n.is_multiple_of(3) => Act::Grant(id(500 + n % 400), 1_000),
            _ if n % 3 == 1 => Act::Set(Setting { field: 1, value: vec![1] }),
            _ => Act::Rekey([0; 32]),
        };
        pen.write(admin, admin as u32, act);
    }
    let mut log = Log::default();
    let start = Instant::now();
    for entry in &pen.entries {
        let admitted = log.admit(entry);
        assert!(admitted.is_ok(), "{admitted:?} {entry:?}");
    }
    let admitted = start.elapsed();
    let start = Instant::now();
    let state = log.state();
    println!(
        "{kind}: {} entries admitted in {admitted:?}, judged in {:?}: {} valid, {} members, seat {MEMBER}",
        log.len(),
        start.elapsed(),
        state.valid.len(),
        state.members.len()
    );
}
