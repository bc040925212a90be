//! Sealed files on disk: a machine with file IO and ciphers, without SQL, rules, threads or a clock.
//!
//! The engine gives an [`Order`], [`Disk::run`] carries it out and answers with a [`Done`]. Every call is total on
//! hostile bytes. None needs more than 8 MB of memory, whatever the file.
//!
//! A file lies in `<folder>/<16 hex digits of its name>` as slots of equal length: slot `i` is data chunk `i`, then
//! come the parity chunks while a transfer is under way. A slot is `random 16 ‖ chunk sealed under the local key`. The
//! folder holds no plain byte of a file. `<name>.columns` is scratch space of a running call, under a key that only
//! that call has.

mod columns;
mod export;
mod finish;
mod import;
mod placeholder;
mod slots;
mod stop;
mod strip;
mod transfer;

pub use placeholder::{colour, placeholder};
pub use stop::Stop;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rand_core::{CryptoRng, Rng as _};
use sotto_crypto::{LocalKey, Random};
use sotto_wire::file::{FilePointer, LARGE_UP_TO, Layout, Part};

use crate::error::{Code, Error};
use slots::Slots;
use transfer::Known;

/// Longest answer of [`Disk::read`], bytes.
pub const MOST_READ: usize = 1024 * 1024;
/// Bytes that stay free beside what a file needs.
const SPARE: u64 = 64 * 1024 * 1024;

/// How a file lies on disk, from its row.
#[derive(Clone)]
pub struct Place {
    /// Names the file in the folder; random.
    pub name: [u8; 8],
    /// Seals the file's slots. Without it they are noise.
    pub key: LocalKey,
    /// Length of the content, bytes, 1 to 100 MB.
    pub size: u64,
}

/// What is published.
pub enum Source {
    /// A file on disk.
    Place(Place),
    /// The body of a message.
    Bytes(Vec<u8>),
}

/// The folder of all files.
pub struct Disk {
    dir: PathBuf,
    rng: Box<dyn CryptoRng + Send>,
    /// Bytes free in a folder.
    free: fn(&Path) -> io::Result<u64>,
    /// What is known of the files being received, the latest last.
    known: Vec<Known>,
    stop: Stop,
    /// Of the running order.
    job: Option<u64>,
}

/// A source that was copied and sealed.
pub struct Imported {
    /// The copy.
    pub place: Place,
    /// SHA-256 of the content, after metadata was removed.
    pub sha256: [u8; 32],
    /// The encoded manifest; empty for a file of one chunk.
    pub manifest: Vec<u8>,
    /// What became of the source's metadata.
    pub metadata: Metadata,
}

/// What became of metadata in a picture (where, when and with what it was taken).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// There was none, or its removal was not asked for.
    None,
    /// Removed.
    Removed,
    /// Not removed: a malformed picture, or a format unknown here.
    Kept,
}

/// Work for [`Disk::run`]. `job` is given back in the answer. Bitmaps begin with the lowest bit of the first byte.
pub enum Order {
    /// Seals parts of a whole own file or body for the network: envelopes, each padded to its class.
    Seal {
        /// For the answer.
        job: u64,
        /// Where the file is.
        source: Source,
        /// What others know the file by.
        pointer: FilePointer,
        /// The encoded manifest.
        manifest: Vec<u8>,
        /// The bytes of the preview.
        preview: Vec<u8>,
        /// Which parts, at most 16.
        parts: Vec<Part>,
    },
    /// Opens downloaded envelopes. Each chunk is checked against the manifest, if that is known, and put in its slot.
    Take {
        /// For the answer.
        job: u64,
        /// Where the file goes; made by the first order.
        place: Place,
        /// What others know the file by.
        pointer: FilePointer,
        /// The encoded manifest, if it is known.
        manifest: Option<Vec<u8>>,
        /// The slots written so far.
        have: Vec<u8>,
        /// Payloads from the network.
        envelopes: Vec<Vec<u8>>,
    },
    /// Enough slots are written: restores missing chunks, checks all, and drops the parity.
    Finish {
        /// For the answer.
        job: u64,
        /// The file.
        place: Place,
        /// What others know the file by.
        pointer: FilePointer,
        /// The encoded manifest, if it is known.
        manifest: Option<Vec<u8>>,
        /// The slots written so far.
        have: Vec<u8>,
    },
    /// Opens a preview, which is one envelope.
    Preview {
        /// For the answer.
        job: u64,
        /// What others know the file by.
        pointer: FilePointer,
        /// Length of the preview, bytes.
        size: u32,
        /// Payloads from the network.
        envelopes: Vec<Vec<u8>>,
    },
    /// The upload is complete: drops the parity.
    Trim {
        /// The file.
        place: Place,
    },
    /// Removes files.
    Remove {
        /// Their names.
        names: Vec<[u8; 8]>,
    },
    /// An earlier order is not wanted any more. Whoever hands it over tells [`Stop`] first.
    Stop {
        /// Of that order.
        job: u64,
    },
}

/// Answer to an [`Order`].
pub enum Done {
    /// Of [`Order::Seal`].
    Sealed {
        /// Of the order.
        job: u64,
        /// One for each part, in the order of the parts.
        payloads: Vec<Vec<u8>>,
    },
    /// Of [`Order::Take`].
    Took {
        /// Of the order.
        job: u64,
        /// Slots newly written.
        parts: Vec<u32>,
        /// The encoded manifest, if it came with these envelopes.
        manifest: Option<Vec<u8>>,
        /// Slots written before the manifest came, which it refutes. The only slot of a file if what came for it is
        /// not what the pointer names.
        dropped: Vec<u32>,
    },
    /// The file is whole and exactly the author's.
    Whole {
        /// Of the order.
        job: u64,
        /// SHA-256 of the content.
        sha256: [u8; 32],
        /// The encoded manifest, rebuilt if it was lost; empty if it has none.
        manifest: Vec<u8>,
        /// The bytes of a body. They are not wanted on the disk any more.
        body: Vec<u8>,
    },
    /// The file cannot be finished with these slots.
    Bad {
        /// Of the order.
        job: u64,
        /// Slots that are wrong or unreadable.
        parts: Vec<u32>,
        /// Every slot is in doubt: they do not fit the root, and none is known to be the culprit.
        all: bool,
    },
    /// Of [`Order::Preview`].
    Preview {
        /// Of the order.
        job: u64,
        /// The preview, if one of the envelopes had it.
        bytes: Option<Vec<u8>>,
    },
    /// The order was not carried out.
    Failed {
        /// Of the order.
        job: u64,
        /// Why.
        why: Trouble,
    },
    /// Of the orders that have no answer.
    Nothing,
}

/// Why an order failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Too little space is free.
    NoSpace,
    /// The file is missing or damaged, or the disk fails.
    Unreadable,
    /// Nobody waits for the answer any more: there is none.
    Stopped,
}

crate::closed_debug!(Place, Source, Disk, Imported, Order, Done);

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Unreadable,
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::new(match trouble {
            Trouble::NoSpace => Code::FileNoSpace,
            Trouble::Unreadable => Code::FileUnreadable,
            Trouble::Stopped => Code::Closed,
        })
    }
}

impl Order {
    /// Of an order that has an answer.
    fn job(&self) -> Option<u64> {
        match self {
            Self::Seal { job, .. } | Self::Take { job, .. } | Self::Finish { job, .. } | Self::Preview { job, .. } => {
                Some(*job)
            }
            Self::Trim { .. } | Self::Remove { .. } | Self::Stop { .. } => None,
        }
    }
}

impl Place {
    fn layout(&self) -> Result<Layout, Trouble> {
        Layout::new(self.size).map_err(|_| Trouble::Unreadable)
    }
}

impl Disk {
    /// Files in `dir`, which is made when the first file comes.
    pub fn new(dir: PathBuf, rng: impl CryptoRng + Send + 'static) -> Self {
        Self { dir, rng: Box::new(rng), free: free_bytes, known: Vec::new(), stop: Stop::default(), job: None }
    }

    /// Ends orders from another thread, as long as they make or restore parity.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Copies and seals a source for sending. `strip` removes metadata from a JPEG, PNG or WebP picture.
    ///
    /// # Errors
    /// `input.empty`, `file.too_large`, `file.no_space`, `file.unreadable`. Nothing is left on disk then.
    pub fn import(&mut self, source: &Path, strip: bool) -> Result<Imported, Error> {
        import::import(self, source, strip)
    }

    /// The content from `offset` on: `len` bytes, or fewer at the end, and at most [`MOST_READ`].
    ///
    /// # Errors
    /// `file.unreadable` if the file is missing, `file.corrupt` if it is damaged.
    pub fn read(&self, place: &Place, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        let slots = self.open(place)?;
        let end = offset.saturating_add(len.min(MOST_READ) as u64).min(place.size);
        let mut bytes = Vec::with_capacity(usize::try_from(end.saturating_sub(offset)).unwrap_or(0));
        let mut at = offset;
        while at < end {
            let (slot, within) = slots.locate(at);
            let chunk = slots.read(slot)?.ok_or(Code::FileCorrupt)?;
            let until = within.saturating_add(usize::try_from(end - at).unwrap_or(usize::MAX)).min(chunk.len());
            let piece = chunk.get(within..until).filter(|piece| !piece.is_empty()).ok_or(Code::FileCorrupt)?;
            bytes.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        Ok(bytes)
    }

    /// Writes the content to a new file at `to`, which is not executable.
    ///
    /// # Errors
    /// `file.exists`, `file.no_space`, `storage.read_only` if `to` cannot be made, `file.unreadable` and
    /// `file.corrupt` as [`Disk::read`]. No partial file is left then.
    pub fn export(&mut self, place: &Place, to: &Path) -> Result<(), Error> {
        export::export(self, place, to)
    }

    /// Carries out an order.
    pub fn run(&mut self, order: Order) -> Done {
        self.job = order.job();
        if self.stop.check(self.job).is_err() {
            return Done::Nothing;
        }
        match order {
            Order::Seal { job, source, pointer, manifest, preview, parts } => {
                let sealed = transfer::seal(self, &source, &pointer, (&manifest, &preview), &parts);
                answer(job, sealed.map(|payloads| Done::Sealed { job, payloads }))
            }
            Order::Take { job, place, pointer, manifest, have, envelopes } => {
                let taken = transfer::take(self, &place, &pointer, manifest.as_deref(), &have, &envelopes);
                answer(
                    job,
                    taken.map(|took| Done::Took {
                        job,
                        parts: took.parts,
                        manifest: took.manifest,
                        dropped: took.dropped,
                    }),
                )
            }
            Order::Finish { job, place, pointer, manifest, have } => {
                answer(job, finish::finish(self, job, &place, &pointer, manifest.as_deref(), &have))
            }
            Order::Preview { job, pointer, size, envelopes } => {
                Done::Preview { job, bytes: transfer::preview(&pointer, size, &envelopes) }
            }
            Order::Trim { place } => {
                // A parity that stays costs space only.
                let _ = self.open(&place).and_then(|slots| Ok(slots.trim()?));
                Done::Nothing
            }
            Order::Remove { names } => {
                self.known.retain(|known| !names.contains(&known.name()));
                for name in &names {
                    let _ = fs::remove_file(self.path(name));
                    let _ = fs::remove_file(self.scratch(name));
                }
                Done::Nothing
            }
            Order::Stop { job } => {
                self.stop.forget(job);
                Done::Nothing
            }
        }
    }

    /// Removes every file that no row names, and scratch files. Nothing else may use the folder meanwhile.
    ///
    /// # Errors
    /// Those of reading the folder.
    pub fn sweep(&self, known: &HashSet<[u8; 8]>) -> io::Result<()> {
        let keep: HashSet<String> = known.iter().map(hex).collect();
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| keep.contains(name)) {
                // What cannot be removed costs space only.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn path(&self, name: &[u8; 8]) -> PathBuf {
        self.dir.join(hex(name))
    }

    fn scratch(&self, name: &[u8; 8]) -> PathBuf {
        self.dir.join(hex(name) + ".columns")
    }

    fn open(&self, place: &Place) -> Result<Slots, Trouble> {
        Slots::open(&self.path(&place.name), place)
    }

    /// Makes the folder and the file, if there is room for the file, its parity, and the scratch space of both.
    fn create(&self, place: &Place) -> Result<Slots, Trouble> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let layout = place.layout()?;
        let bytes = u64::from(layout.slots()).saturating_mul(2 * layout.chunk_len() as u64);
        // What is short leaves room for the database all the same.
        let spare = if place.size <= LARGE_UP_TO as u64 { bytes } else { SPARE };
        if (self.free)(&self.dir)? < bytes.saturating_add(spare) {
            return Err(Trouble::NoSpace);
        }
        Slots::create(&self.path(&place.name), place)
    }

    fn random(&mut self) -> Random {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        Random(bytes)
    }

    fn local_key(&mut self) -> LocalKey {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        self.rng.fill_bytes(bytes.as_mut());
        LocalKey::new(&bytes)
    }
}

fn answer(job: u64, done: Result<Done, Trouble>) -> Done {
    match done {
        Err(Trouble::Stopped) => Done::Nothing,
        done => done.unwrap_or_else(|why| Done::Failed { job, why }),
    }
}

fn hex(name: &[u8; 8]) -> String {
    let mut text = String::with_capacity(24);
    for byte in name {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests;
