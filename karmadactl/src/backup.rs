//! Backups of an embedded store: taken and restored over the API of a running server, or in its data directory.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::AsyncReadExt as _;
use http::Request;
use karmada_apiserver::server::data_file;
use karmada_apiserver::store::{
    Backup, BackupError, OpenError, Restored, Snapshot, Store, StoreOptions, WriteError,
};
use serde_json::Value;

use crate::api_error::ApiError;
use crate::embedded::{FileError, create_private_directory};

/// Where a running server gives and takes its store.
const PATH: &str = "/store/backup";
const PIECE: usize = 64 << 10;

/// What a backup file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    pub objects: usize,
    pub revision: u64,
}

/// Whether everything in a data file must be readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Whole,
    /// Whatever can be read of a damaged file.
    Salvage,
}

/// What a restore may do to objects that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// A backup that was not taken or not restored.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("the server does not give backups: it is not an embedded one, or older than this program")]
    Unsupported,
    #[error("cannot open the store")]
    Open(#[from] OpenError),
    #[error("cannot write {}", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is no whole backup", .path.display())]
    Backup { path: PathBuf, source: BackupError },
    #[error("{} holds {objects} objects already", .directory.display())]
    NotEmpty { directory: PathBuf, objects: usize },
    #[error("cannot store what was read")]
    Store(#[from] WriteError),
    #[error(transparent)]
    Directory(#[from] FileError),
    #[error("the server's answer is not understood")]
    Answer,
}

/// Takes a backup of a running server into a file: whole, or no file.
pub async fn download(client: &kube::Client, path: &Path) -> Result<Saved, TransferError> {
    let request = Request::get(PATH).body(Vec::new()).map_err(kube::Error::HttpError).map_err(ApiError)?;
    let mut body = match client.request_stream(request).await.map_err(ApiError) {
        Ok(body) => std::pin::pin!(body),
        Err(error) if error.is_not_found() => return Err(TransferError::Unsupported),
        Err(error) => return Err(error.into()),
    };
    let mut file = NewFile::create(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        let len = body.read(&mut piece).await.map_err(|source| file.failed(source))?;
        if len == 0 {
            return file.finish();
        }
        file.out.write_all(&piece[..len]).map_err(|source| file.failed(source))?;
    }
}

/// Takes a backup of a data directory that no server uses.
pub fn save_directory(directory: &Path, reading: Reading, path: &Path) -> Result<Saved, TransferError> {
    let data = data_file(directory);
    let snapshot = match reading {
        Reading::Whole => Snapshot::of_file(&data)?,
        Reading::Salvage => Snapshot::salvaged(&data)?,
    };
    let mut file = NewFile::create(path)?;
    snapshot.write_to(&mut file.out).map_err(|source| file.failed(source))?;
    file.finish()
}

/// Makes a running server hold exactly what a backup holds.
pub async fn upload(client: &kube::Client, path: &Path) -> Result<Restored, TransferError> {
    // Read here first: the server is not asked to find out that a file is no backup.
    read(path)?;
    let bytes =
        std::fs::read(path).map_err(|source| TransferError::Read { path: path.to_owned(), source })?;
    let request = Request::put(PATH)
        .header("Content-Type", "application/zstd")
        .body(bytes)
        .map_err(kube::Error::HttpError)
        .map_err(ApiError)?;
    let answer: Value = match client.request(request).await.map_err(ApiError) {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Err(TransferError::Unsupported),
        Err(error) => return Err(error.into()),
    };
    let number = |key: &str| answer[key].as_u64().and_then(|number| usize::try_from(number).ok());
    let restored = || {
        Some(Restored {
            created: number("created")?,
            changed: number("changed")?,
            removed: number("removed")?,
            unchanged: number("unchanged")?,
            revision: answer["revision"].as_str()?.parse().ok()?,
        })
    };
    restored().ok_or(TransferError::Answer)
}

/// Makes a data directory that no server uses hold exactly what a backup holds.
pub async fn restore_directory(
    directory: &Path,
    existing: Existing,
    path: &Path,
) -> Result<Restored, TransferError> {
    let backup = read(path)?;
    create_private_directory(directory)?;
    let store = Store::open(&data_file(directory), &StoreOptions::default())?;
    let objects = store.snapshot().len();
    if objects > 0 && existing == Existing::Keep {
        return Err(TransferError::NotEmpty { directory: directory.to_owned(), objects });
    }
    let restored = store.restore(&backup).await?;
    store.close();
    Ok(restored)
}

fn read(path: &Path) -> Result<Backup, TransferError> {
    let file =
        std::fs::File::open(path).map_err(|source| TransferError::Read { path: path.to_owned(), source })?;
    Backup::read_from(file).map_err(|source| TransferError::Backup { path: path.to_owned(), source })
}

/// A file that stands in its place only when it is whole. It holds Secrets: its owner alone can read it.
struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    out: BufWriter<Arc<std::fs::File>>,
    file: Arc<std::fs::File>,
}

impl NewFile {
    fn create(path: &Path) -> Result<Self, TransferError> {
        let temporary = PathBuf::from(format!("{}.{}.tmp", path.display(), std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&temporary)
            .map_err(|source| TransferError::Write { path: path.to_owned(), source })?;
        let file = Arc::new(file);
        Ok(Self { path: path.to_owned(), temporary, out: BufWriter::new(file.clone()), file })
    }

    fn failed(&self, source: io::Error) -> TransferError {
        TransferError::Write { path: self.path.clone(), source }
    }

    /// Reads the file back, as a restore will, and puts it in its place.
    fn finish(mut self) -> Result<Saved, TransferError> {
        let written = self.out.flush().and_then(|()| self.file.sync_all());
        written.map_err(|source| self.failed(source))?;
        let backup = read(&self.temporary)?;
        std::fs::rename(&self.temporary, &self.path).map_err(|source| self.failed(source))?;
        Ok(Saved { objects: backup.objects.len(), revision: backup.revision })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Gone already when all went well.
        std::fs::remove_file(&self.temporary).ok();
    }
}
