//! Copies a file out of the folder, decrypted, to where the person wants it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use rand_core::Rng as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::slots::Slots;
use super::{Disk, Place, Trouble, hex};
use crate::error::{Code, Error};

/// The name at the end is that of a whole file or of none. A process that is killed leaves `.sotto-<16 hex>.part`.
pub(super) fn export(disk: &mut Disk, place: &Place, to: &Path) -> Result<(), Error> {
    let slots = disk.open(place)?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(Code::FileExists.into()); // and not only after the copying
    }
    let mut name = [0; 8];
    disk.rng.fill_bytes(&mut name);
    let part = to.with_file_name(format!(".sotto-{}.part", hex(&name)));
    let file = File::create_new(&part).map_err(refused)?;
    let done = copy(&slots, file).and_then(|()| rename(&part, to).map_err(refused));
    if done.is_err() {
        let _ = fs::remove_file(&part);
        return done;
    }
    // A folder that cannot be synced may forget the file with the next power cut; the file is whole now.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn refused(error: io::Error) -> Error {
    Error::from(match error.kind() {
        ErrorKind::AlreadyExists => Code::FileExists,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::FileNoSpace,
        _ => Code::StorageReadOnly,
    })
}

fn copy(slots: &Slots, mut file: File) -> Result<(), Error> {
    for slot in 0..slots.layout().data_chunks() {
        let chunk = slots.read(slot)?.ok_or(Code::FileCorrupt)?;
        file.write_all(&chunk).map_err(Trouble::from)?;
    }
    Ok(file.sync_all().map_err(Trouble::from)?)
}

/// Gives a file its name, unless that is taken.
fn rename(part: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, to, RenameFlags::NOREPLACE) {
        // Android's shared storage knows no such rename: an empty file takes the name first.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            File::create_new(to)?;
            fs::rename(part, to).inspect_err(|_| drop(fs::remove_file(to)))
        }
        renamed => Ok(renamed?),
    }
}
