//! A file with 32 secret bytes: a database key, a node's identity.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The path with a suffix on its last name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    // A trailing slash would put the file inside the folder.
    let mut name: PathBuf = path.components().collect();
    name.as_mut_os_string().push(suffix);
    name
}

/// Reads the 32 bytes or makes them. A new file is written beside its place, synced, and moved without replacing
/// another file.
pub(crate) fn read_or_make(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(path),
        other => other,
    }
}

/// Reads the 32 bytes of an existing file.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(io::Error::other("others may read it: chmod 600"));
    }
    let bytes = Zeroizing::new(std::fs::read(path)?);
    let key = <[u8; 32]>::try_from(bytes.as_slice());
    key.map(Zeroizing::new).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not hold 32 bytes"))
}

fn make_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
    let fresh = with_suffix(path, &format!(".new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(key.as_slice())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh)?;
    // The file is synced before anything is made with its key.
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/alice.key");
        let made = read_or_make(&path).unwrap();
        assert_eq!(*read_or_make(&path).unwrap(), *made);
        assert_ne!(*made, [0; 32]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_or_make(&path).is_err(), "a key that others may read is refused");
    }

    #[test]
    fn a_short_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        for wrong in [&[][..], &[1; 31], &[1; 33]] {
            std::fs::write(&path, wrong).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let refused = read_or_make(&path).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
            assert_eq!(std::fs::read(&path).unwrap(), wrong);
        }
    }

    #[test]
    fn a_suffix_never_lands_inside_the_folder() {
        assert_eq!(with_suffix(Path::new("a/b/"), ".key"), Path::new("a/b.key"));
    }
}
