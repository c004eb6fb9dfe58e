//! The data file on a disk: private to its owner, held by one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use redb::StorageBackend;

use super::error::OpenError;

/// A locked data file.
#[derive(Debug)]
pub(super) struct DataFile {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: redb::backends::FileBackend,
}

/// What happens when there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenMissing {
    Create,
    Fail,
}

impl DataFile {
    /// Opens a file and locks it.
    pub(super) fn open(path: &Path, missing: WhenMissing) -> Result<Self, OpenError> {
        let failed = |source| OpenError::NotWritable { path: path.to_owned(), source };
        if missing == WhenMissing::Create
            && let Some(parent) = path.parent()
        {
            std::fs::create_dir_all(parent)
                .map_err(|source| OpenError::NotWritable { path: parent.to_owned(), source })?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(missing == WhenMissing::Create);
        // It holds Secrets.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        loop {
            let file = options.open(path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound if missing == WhenMissing::Fail => {
                    OpenError::Missing { path: path.to_owned() }
                }
                _ => failed(source),
            })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // Another process may have put a converted file in its place between the two calls.
            if is_at(&file, path).map_err(failed)? {
                return Self::new(file).map_err(failed);
            }
        }
    }

    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "other systems' way can fail")]
    fn new(file: File) -> io::Result<Self> {
        Ok(Self { file })
    }

    #[cfg(not(unix))]
    fn new(file: File) -> io::Result<Self> {
        redb::backends::FileBackend::new(file).map(|file| Self { file }).map_err(io::Error::other)
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata()?;
    Ok(match std::fs::metadata(path) {
        Ok(there) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    })
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(unix)]
impl StorageBackend for DataFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, data, offset)
    }
}

#[cfg(not(unix))]
impl StorageBackend for DataFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }
}
