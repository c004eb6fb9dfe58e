//! The data directory of `local-up`: who uses it, what is in it, and its removal.
//!
//! The process that uses it holds a lock on `local-up.pid` for as long as it lives, however it ends.
//! So whether somebody is there never depends on a process id that another process may have by now.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{FileError, create_private_directory};
use super::local_up::CONTROL_PLANE;
use super::member_options::MemberOptions;

/// Name of the file that says what was started.
const RECORD: &str = "local-up.json";
/// Name of the file that the running process holds.
const PID_FILE: &str = "local-up.pid";
/// Name of the file that a detached process logs to.
pub const LOG_FILE: &str = "local-up.log";

/// Version of the record's format.
const FORMAT: u32 = 1;
/// Name of the file in the directory of an API server.
const STATE: &str = "state.redb";
const KUBECONFIG_SUFFIX: &str = ".config";

/// A data directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("karmadactl local-up is running already in {}{}", .directory.display(), .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    InUse { directory: PathBuf, pid: Option<u32> },
    #[error("cannot use {}", .path.display())]
    Access {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} does not say which members there are", .path.display())]
    Record {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{} was written by a newer karmadactl (format {format})", .path.display())]
    NewerFormat { path: PathBuf, format: u32 },
    #[error("{} is not a data directory of karmadactl local-up: it has no {RECORD}", .directory.display())]
    NotOurs { directory: PathBuf },
    #[error("cannot tell process {pid} to stop")]
    Signal {
        pid: u32,
        #[source]
        source: std::io::Error,
    },
}

/// What was started in a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub format: u32,
    /// Whether objects are only in memory, so that the next start begins with nothing.
    pub in_memory: bool,
    pub members: Vec<MemberOptions>,
}

impl Record {
    /// A record of what is started now.
    pub fn new(members: Vec<MemberOptions>, in_memory: bool) -> Self {
        Self { format: FORMAT, in_memory, members }
    }
}

/// A data directory of `local-up`.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    path: PathBuf,
}

/// A data directory that this process uses; others see that as long as this lives.
#[derive(Debug)]
pub struct Hold {
    file: File,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // The lock says who is there; the number left behind would only be confusing.
        let _unimportant = self.file.set_len(0);
    }
}

impl DataDirectory {
    /// Names a directory; nothing is done with it yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the directory for this process, creating it if it does not exist.
    ///
    /// # Errors
    /// [`DataDirectoryError::InUse`] when another process has it.
    pub fn hold(&self) -> Result<Hold, DataDirectoryError> {
        create_private_directory(&self.path)?;
        let path = self.path.join(PID_FILE);
        let failed = |source| DataDirectoryError::Access { path: path.clone(), source };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file);
                return Err(DataDirectoryError::InUse { directory: self.path.clone(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(Hold { file })
    }

    /// Returns the process that uses the directory, if one does.
    ///
    /// # Errors
    /// [`DataDirectoryError::InUse`] without a number when it has not yet said who it is.
    pub fn user(&self) -> Result<Option<u32>, DataDirectoryError> {
        let path = self.path.join(PID_FILE);
        let failed = |source| DataDirectoryError::Access { path: path.clone(), source };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => match read_pid(&mut file) {
                Some(pid) => Ok(Some(pid)),
                None => Err(DataDirectoryError::InUse { directory: self.path.clone(), pid: None }),
            },
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Asks the process that uses the directory to stop. Returns its number, or none if there is none.
    pub fn stop_user(&self) -> Result<Option<u32>, DataDirectoryError> {
        let Some(pid) = self.user()? else { return Ok(None) };
        terminate(pid).map_err(|source| DataDirectoryError::Signal { pid, source })?;
        Ok(Some(pid))
    }

    /// Returns what was started here last, if anything was.
    pub fn record(&self) -> Result<Option<Record>, DataDirectoryError> {
        let path = self.path.join(RECORD);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DataDirectoryError::Access { path, source }),
        };
        let record: Record = serde_json::from_str(&text)
            .map_err(|source| DataDirectoryError::Record { path: path.clone(), source })?;
        if record.format > FORMAT {
            return Err(DataDirectoryError::NewerFormat { path, format: record.format });
        }
        Ok(Some(record))
    }

    /// Writes down what is started, whole or not at all.
    pub fn write_record(&self, record: &Record) -> Result<(), DataDirectoryError> {
        let path = self.path.join(RECORD);
        let temporary = self.path.join(format!("{RECORD}.tmp"));
        let written = serde_json::to_string_pretty(record).map_err(std::io::Error::other).and_then(|text| {
            let mut file = File::create(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        });
        written.map_err(|source| DataDirectoryError::Access { path, source })
    }

    /// Deletes what `local-up` made here, and nothing else; the directory goes when it is empty then.
    ///
    /// # Errors
    /// When a process uses it, or when it is no data directory of `local-up`.
    pub fn purge(&self) -> Result<(), DataDirectoryError> {
        if !self.path.join(RECORD).exists() {
            return Err(DataDirectoryError::NotOurs { directory: self.path.clone() });
        }
        let hold = self.hold()?;
        // A record that cannot be read does not keep anybody from deleting it.
        let members = self.record().ok().flatten().map(|record| record.members).unwrap_or_default();
        let mut names: Vec<String> = members.into_iter().map(|member| member.name).collect();
        names.extend([CONTROL_PLANE.to_owned(), "control-plane".to_owned()]);
        names.extend(self.stores()?);
        for name in &names {
            self.remove(&format!("{name}{KUBECONFIG_SUFFIX}"))?;
            if self.path.join(name).join(STATE).exists() {
                self.remove(name)?;
            }
        }
        for name in [LOG_FILE, PID_FILE, RECORD] {
            self.remove(name)?;
        }
        drop(hold);
        // Something else is in it: it stays.
        let _not_empty = std::fs::remove_dir(&self.path);
        Ok(())
    }

    /// Names of the directories in which API servers keep their objects.
    fn stores(&self) -> Result<Vec<String>, DataDirectoryError> {
        let failed = |source| DataDirectoryError::Access { path: self.path.clone(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.path().join(STATE).is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), DataDirectoryError> {
        let path = self.path.join(name);
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        match removed {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(DataDirectoryError::Access { path, source })
            }
            _ => Ok(()),
        }
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(unix)]
fn terminate(pid: u32) -> std::io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(std::io::ErrorKind::InvalidData)?;
    Ok(kill_process(pid, Signal::TERM)?)
}

#[cfg(not(unix))]
fn terminate(_pid: u32) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::new(directory.path().join("new"));
        assert_eq!(data.user().unwrap(), None);
        let hold = data.hold().unwrap();
        assert_eq!(data.user().unwrap(), Some(std::process::id()));
        assert!(
            matches!(data.hold(), Err(DataDirectoryError::InUse { pid: Some(pid), .. }) if pid == std::process::id())
        );
        drop(hold);
        assert_eq!(data.user().unwrap(), None);
    }

    #[test]
    fn a_number_that_a_crash_left_behind_is_nobody() {
        let directory = tempfile::tempdir().unwrap();
        // Process 1 lives, but it does not hold the lock.
        std::fs::write(directory.path().join(PID_FILE), "1\n").unwrap();
        let data = DataDirectory::new(directory.path());
        assert_eq!(data.user().unwrap(), None);
        assert_eq!(data.stop_user().unwrap(), None);
        assert!(data.hold().is_ok());
    }

    #[test]
    fn what_was_started_is_written_down() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::new(directory.path());
        assert_eq!(data.record().unwrap(), None);
        let record = Record::new(MemberOptions::numbered(2), false);
        data.write_record(&record).unwrap();
        assert_eq!(data.record().unwrap(), Some(record));
        std::fs::write(directory.path().join(RECORD), "{\"format\": 1, \"mem").unwrap();
        assert!(matches!(data.record(), Err(DataDirectoryError::Record { .. })));
    }

    #[test]
    fn purging_deletes_what_was_made_here_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let data = DataDirectory::new(&path);
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(data.purge(), Err(DataDirectoryError::NotOurs { .. })));
        data.write_record(&Record::new(MemberOptions::numbered(1), false)).unwrap();
        for store in ["control-plane", "member1", "member7"] {
            std::fs::create_dir(path.join(store)).unwrap();
            std::fs::write(path.join(store).join(STATE), "").unwrap();
            std::fs::write(path.join(format!("{store}.config")), "").unwrap();
        }
        std::fs::write(path.join("mine.txt"), "").unwrap();
        std::fs::write(path.join("mine.config"), "").unwrap();
        data.purge().unwrap();
        let mut left: Vec<_> =
            std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["mine.config", "mine.txt"]);
        for name in ["mine.config", "mine.txt"] {
            std::fs::remove_file(path.join(name)).unwrap();
        }
        data.write_record(&Record::new(Vec::new(), true)).unwrap();
        data.purge().unwrap();
        assert!(!path.exists());
    }
}
