//! Starting this program again in the background.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::data_directory::{DataDirectory, LOG_FILE};
use super::files::{FileError, create_private_directory};

/// A process in the background that did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    #[error(transparent)]
    Directory(#[from] FileError),
    #[error("cannot use {}", .path.display())]
    Log {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot start this program in the background")]
    Start(#[source] std::io::Error),
    /// With what it wrote.
    #[error("it ended before it was ready")]
    Ended { output: String },
    #[error("it was not ready within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("interrupted before it was ready")]
    Interrupted,
}

/// A process in the background that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detached {
    /// The line that says it is ready.
    pub ready_line: String,
    /// What it warned of until then, with its hints.
    pub warnings: Vec<String>,
}

/// Runs this program with the same arguments but `flag`, and waits until it is ready.
///
/// The process is in a group of its own, so that Ctrl-C in this terminal does not reach it. It writes
/// to the log in the data directory. If it is not ready in time, or if this future is dropped, it is ended.
pub async fn start_detached(
    data: &DataDirectory,
    flag: &str,
    timeout: Duration,
) -> Result<Detached, DetachError> {
    create_private_directory(data.path())?;
    let path = data.path().join(LOG_FILE);
    let (log, start) = open_log(&path).map_err(|source| DetachError::Log { path: path.clone(), source })?;
    let mut command = Command::new(std::env::current_exe().map_err(DetachError::Start)?);
    command
        .args(std::env::args_os().skip(1).filter(|argument| argument != flag))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(DetachError::Start)?;
    let line = tokio::time::timeout(timeout, first_line(&mut child))
        .await
        .map_err(|_| DetachError::TimedOut(timeout))?
        .map_err(DetachError::Start)?;
    if line.is_empty() {
        // It said nothing and closed its stdout: it ends, or has ended.
        let _status = tokio::time::timeout(timeout, child.wait()).await;
        let output = read_from(&path, start).map_err(|source| DetachError::Log { path, source })?;
        return Err(DetachError::Ended { output });
    }
    leave_running(child);
    let output = read_from(&path, start).map_err(|source| DetachError::Log { path, source })?;
    let is_warning = |line: &&str| line.starts_with("warning:") || line.starts_with("hint:");
    Ok(Detached {
        ready_line: line,
        warnings: output.lines().filter(is_warning).map(str::to_owned).collect(),
    })
}

/// Gives the process up to itself: dropping the handle would end it.
fn leave_running(child: Child) {
    std::mem::forget(child);
}

async fn first_line(child: &mut Child) -> std::io::Result<String> {
    let Some(stdout) = child.stdout.take() else { return Ok(String::new()) };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

/// Opens the log for appending, and says where this run's part begins.
fn open_log(path: &Path) -> std::io::Result<(File, u64)> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let start = file.metadata()?.len();
    Ok((file, start))
}

fn read_from(path: &Path, start: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
