//! Files of keys and certificates: written whole or not at all, keys for their owner only.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::authority::AuthError;

/// No certificate or key is longer.
const LONGEST: u64 = 1 << 20;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Owner,
    Everyone,
}

/// Reads a file, at most as much as a chain of certificates may be.
pub(super) fn read(path: &Path) -> Result<String, AuthError> {
    let failed = |source| AuthError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Creates a directory that only its owner looks into, unless it exists.
pub(super) fn create_directory(path: &Path) -> Result<(), AuthError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| AuthError::Write { path: path.to_owned(), source })
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, text: &str, access: Access) -> Result<(), AuthError> {
    write_whole(path, text, access).map_err(|source| AuthError::Write { path: path.to_owned(), source })
}

fn write_whole(path: &Path, text: &str, access: Access) -> std::io::Result<()> {
    let temporary = temporary(path);
    // What a crash left behind may be readable for others.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if access == Access::Owner { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = access;
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    // The new name is safe when its directory is.
    #[cfg(unix)]
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_left_over_that_others_can_read_does_not_give_a_key_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        std::fs::write(temporary(&path), "half").unwrap();
        std::fs::set_permissions(temporary(&path), std::fs::Permissions::from_mode(0o666)).unwrap();
        write(&path, "secret", Access::Owner).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), "secret");
        assert!(!temporary(&path).exists());
    }
}
