//! The effect of a run on its files, from a trace of its calls, and the states that a disk may have kept.
//!
//! The model follows POSIX: bytes and lengths of a file are durable from its own fsync on, names (made, removed) from
//! the folder's. Anything unsynced may survive in any part, by the sector.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sotto_testkit::Seeded;

/// Bytes that a disk writes as one.
const SECTOR: usize = 512;

/// One call, as far as a disk sees it.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Make(PathBuf),
    Write(PathBuf, usize, Vec<u8>),
    Length(PathBuf, usize),
    Remove(PathBuf),
    Sync(PathBuf),
    /// The record outside of the phones grew by this many bytes.
    Told(usize),
    End,
}

/// Files by name.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads a trace made with `-y -xx`; only files in `root` count.
pub(crate) fn ops(trace: &str, root: &Path) -> Vec<Op> {
    trace.lines().filter_map(|line| op(line, root)).collect()
}

fn op(line: &str, root: &Path) -> Option<Op> {
    let (call, rest) = line.split_once('(')?;
    let (args, result) = rest.rsplit_once(" = ")?;
    let result = result.split(['<', ' ']).next()?.parse::<i64>().ok();
    let args = args.trim_end().strip_suffix(')')?;
    let within = |hex: &str| {
        let path = PathBuf::from(String::from_utf8(bytes(hex)).unwrap());
        let path = path.strip_prefix(root).ok()?.to_owned();
        // The next process rebuilds the log's index; the record is no part of the disk.
        let name = path.to_string_lossy();
        (!name.ends_with("-shm") && name != "record").then_some(path)
    };
    let quoted = || args.split('"').nth(1);
    let open = || within(args.split(['<', '>']).nth(1)?);
    let last = || args.rsplit(", ").next()?.parse::<usize>().ok();
    let call = call.split_whitespace().last()?;
    if result? < 0 {
        return None;
    }
    match call {
        "openat" if args.contains("O_CREAT") => Some(Op::Make(within(quoted()?)?)),
        "openat" => None,
        "unlink" => Some(Op::Remove(within(quoted()?)?)),
        "ftruncate" => Some(Op::Length(open()?, last()?)),
        "fsync" | "fdatasync" => Some(Op::Sync(open()?)),
        "pwrite64" => {
            let data = bytes(quoted()?);
            assert_eq!(data.len() as i64, result?, "a write in one piece");
            Some(Op::Write(open()?, last()?, data))
        }
        // Only the record is written so.
        "writev" => Some(Op::Told(result? as usize)),
        // Their offsets would have to be followed.
        "write" => open().map(|path| panic!("write to {}", path.display())),
        other => panic!("{other} is not understood"),
    }
}

/// `\x41\x42`, as `-xx` prints everything.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    let four = hex.as_bytes().chunks_exact(4);
    assert!(four.remainder().is_empty(), "{hex}");
    four.map(|c| digit(c[2]) << 4 | digit(c[3])).collect()
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Default)]
struct Inode {
    kept: Vec<u8>,
    pending: Vec<Change>,
}

/// A disk, with its unsynced changes.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    /// Names as processes see them.
    names: BTreeMap<PathBuf, usize>,
    /// Names as the disk has them.
    kept_names: BTreeMap<PathBuf, usize>,
    /// Bytes of the record so far.
    pub(crate) told: usize,
}

impl Disk {
    /// A disk with these files.
    pub(crate) fn over(files: &Files, told: usize) -> Self {
        let mut disk = Self { told, ..Self::default() };
        for (name, content) in files {
            disk.names.insert(name.clone(), disk.inodes.len());
            disk.inodes.push(Inode { kept: content.clone(), pending: Vec::new() });
        }
        disk.kept_names.clone_from(&disk.names);
        disk
    }

    /// Applies one call.
    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Make(path) => {
                if !self.names.contains_key(path) {
                    self.inodes.push(Inode::default());
                    self.names.insert(path.clone(), self.inodes.len() - 1);
                }
            }
            Op::Write(path, at, data) => self.change(path, Change::Write(*at, data.clone())),
            Op::Length(path, length) => self.change(path, Change::Length(*length)),
            Op::Remove(path) => drop(self.names.remove(path)),
            Op::Sync(path) => self.sync(path),
            Op::Told(more) => self.told += more,
            Op::End => {}
        }
    }

    fn change(&mut self, path: &Path, change: Change) {
        let inode = self.names[path];
        self.inodes[inode].pending.push(change);
    }

    fn sync(&mut self, path: &Path) {
        if let Some(&inode) = self.names.get(path) {
            let inode = &mut self.inodes[inode];
            for change in inode.pending.drain(..) {
                make(&mut inode.kept, &change);
            }
            return;
        }
        let here = |other: &Path| other.parent() == Some(path);
        self.kept_names.retain(|name, _| !here(name));
        let now = self.names.iter().filter(|(name, _)| here(name));
        self.kept_names.extend(now.map(|(name, inode)| (name.clone(), *inode)));
    }

    /// All files as the disk surely has them.
    pub(crate) fn strict(&self) -> Files {
        let names = self.kept_names.iter();
        names.map(|(name, &inode)| (name.clone(), self.inodes[inode].kept.clone())).collect()
    }

    /// All files as the disk may have them, with some unsynced changes.
    pub(crate) fn lucky(&self, rng: &mut Seeded) -> Files {
        let mut names = self.kept_names.clone();
        for name in self.names.keys().chain(self.kept_names.keys()) {
            if rng.chance(50) {
                match self.names.get(name) {
                    Some(&inode) => drop(names.insert(name.clone(), inode)),
                    None => drop(names.remove(name)),
                }
            }
        }
        let file = |(name, inode): (PathBuf, usize)| (name, self.inodes[inode].partly(rng));
        names.into_iter().map(file).collect()
    }
}

impl Inode {
    fn partly(&self, rng: &mut Seeded) -> Vec<u8> {
        let mut content = self.kept.clone();
        for change in &self.pending {
            match (change, rng.below(4)) {
                (_, 0) => {}
                (Change::Write(at, data), 1) => {
                    for (i, sector) in data.chunks(SECTOR).enumerate() {
                        if rng.chance(50) {
                            make(&mut content, &Change::Write(at + i * SECTOR, sector.to_vec()));
                        }
                    }
                }
                _ => make(&mut content, change),
            }
        }
        content
    }
}

fn make(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => content.resize(*length, 0),
        Change::Write(at, data) => {
            let end = at + data.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*at..end].copy_from_slice(data);
        }
    }
}
