//! The file that events are written to, by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many bytes of events wait for the disk.
const WAITING: usize = 32 * 1024 * 1024;
/// How long a request waits for the disk; its event is lost then.
const PATIENCE: Duration = Duration::from_secs(1);
const STANDARD_OUTPUT: &str = "-";

/// When a new file is begun, and how many old ones stay; 0 is never and all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rotation {
    pub(super) max_bytes: u64,
    pub(super) max_backups: usize,
}

/// A file of lines.
#[derive(Debug)]
pub(super) struct Log {
    queue: Mutex<Option<mpsc::UnboundedSender<Line>>>,
    room: Arc<Semaphore>,
    lost: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

struct Line {
    bytes: Vec<u8>,
    /// Given back when the line is written.
    _room: OwnedSemaphorePermit,
}

impl Log {
    pub(super) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        let mut target = Target::open(path, rotation)?;
        let (queue, mut lines) = mpsc::unbounded_channel::<Line>();
        let lost = Arc::new(AtomicU64::new(0));
        let count = lost.clone();
        let writer = std::thread::Builder::new().name("audit".to_owned()).spawn(move || {
            while let Some(line) = lines.blocking_recv() {
                // Whatever is there is written, then it is passed on at once.
                let idle = lines.is_empty();
                let result =
                    target.write(&line.bytes).and_then(|()| if idle { target.flush() } else { Ok(()) });
                if let Err(error) = result {
                    lose(&count, Some(&error));
                }
            }
            if let Err(error) = target.flush() {
                lose(&count, Some(&error));
            }
        })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(WAITING)),
            lost,
            writer: Mutex::new(Some(writer)),
        })
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Hands a line to the writer; waits a moment when the disk is slow.
    pub(super) async fn write(&self, bytes: Vec<u8>) {
        let wanted = room_of(&bytes);
        match tokio::time::timeout(PATIENCE, self.room.clone().acquire_many_owned(wanted)).await {
            Ok(Ok(room)) => self.send(Line { bytes, _room: room }),
            _ => lose(&self.lost, None),
        }
    }

    /// Hands a line to the writer if there is room for it now.
    pub(super) fn try_write(&self, bytes: Vec<u8>) {
        match self.room.clone().try_acquire_many_owned(room_of(&bytes)) {
            Ok(room) => self.send(Line { bytes, _room: room }),
            Err(_) => lose(&self.lost, None),
        }
    }

    fn send(&self, line: Line) {
        let sent = self.queue.lock().as_ref().is_some_and(|queue| queue.send(line).is_ok());
        if !sent {
            lose(&self.lost, None);
        }
    }

    /// Writes what waits and ends the writer.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().take());
        let writer = self.writer.lock().take();
        let Some(writer) = writer else { return };
        if tokio::task::spawn_blocking(move || writer.join()).await.is_ok_and(|joined| joined.is_err()) {
            tracing::error!("the writer of the audit log ended by a panic");
        }
    }
}

fn room_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len().clamp(1, WAITING)).expect("the room is below four gigabytes")
}

/// Counts a lost event; says so at the first, the second, the fourth ...
fn lose(lost: &AtomicU64, error: Option<&io::Error>) {
    let count = lost.fetch_add(1, Ordering::Relaxed) + 1;
    if !count.is_power_of_two() {
        return;
    }
    if let Some(error) = error {
        tracing::error!(error = error as &dyn std::error::Error, lost = count, "cannot write the audit log");
    } else {
        tracing::error!(lost = count, "the audit log is too slow, events are lost");
    }
}

/// Where lines end up.
enum Target {
    Output(io::Stdout),
    File { path: PathBuf, rotation: Rotation, file: BufWriter<File>, size: u64 },
}

impl Target {
    fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        if path.as_os_str() == STANDARD_OUTPUT {
            return Ok(Self::Output(io::stdout()));
        }
        let (file, size) = open(path)?;
        Ok(Self::File { path: path.to_owned(), rotation, file: BufWriter::new(file), size })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Output(output) => output.write_all(line),
            Self::File { path, rotation, file, size } => {
                let length = line.len() as u64;
                if rotation.max_bytes > 0 && *size > 0 && *size + length > rotation.max_bytes {
                    file.flush()?;
                    match std::fs::rename(&*path, backup_path(path, Timestamp::now())) {
                        // Somebody else put it aside.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        result => result?,
                    }
                    let (new, new_size) = open(path)?;
                    *file = BufWriter::new(new);
                    *size = new_size;
                    if let Err(error) = remove_backups(path, rotation.max_backups) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "an old audit log cannot be removed"
                        );
                    }
                }
                file.write_all(line)?;
                *size += length;
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Output(output) => output.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

/// Opens a file that only its owner reads, to append to it.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

/// Returns `NAME-TIME.EXTENSION`.
fn backup_path(path: &Path, now: Timestamp) -> PathBuf {
    let time = now.strftime("%Y-%m-%dT%H-%M-%S.%6f");
    let (stem, extension) = parts(path);
    path.with_file_name(format!("{stem}-{time}{extension}"))
}

fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let extension = text(path.extension());
    let extension = if extension.is_empty() { extension } else { format!(".{extension}") };
    (text(path.file_stem()), extension)
}

/// Removes the oldest of the old files.
fn remove_backups(path: &Path, keep: usize) -> io::Result<()> {
    if keep == 0 {
        return Ok(());
    }
    let (stem, extension) = parts(path);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut backups = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let time = name.strip_prefix(&format!("{stem}-")).and_then(|rest| rest.strip_suffix(&extension));
        // Only what this program named.
        if time.is_some_and(|time| jiff::civil::DateTime::strptime("%Y-%m-%dT%H-%M-%S.%f", time).is_ok()) {
            backups.push(entry.path());
        }
    }
    backups.sort();
    let surplus = backups.len().saturating_sub(keep);
    for path in &backups[..surplus] {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_file_is_put_aside_and_the_oldest_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        std::fs::write(directory.path().join("audit-mine.log"), "kept").unwrap();
        let log = Log::open(&path, Rotation { max_bytes: 25, max_backups: 2 }).unwrap();
        for number in 0..10 {
            log.write(format!("{{\"line\": {number}}}\n").into_bytes()).await;
        }
        log.close().await;
        let mut files: Vec<(String, String)> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
            .collect();
        files.sort();
        let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
        let pair = |a: u8| format!("{{\"line\": {a}}}\n{{\"line\": {}}}\n", a + 1);
        assert_eq!(texts, [pair(4), pair(6), "kept".to_owned(), pair(8)]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(log.lost(), 0);
        log.write(b"late\n".to_vec()).await;
        assert_eq!(log.lost(), 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_events_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Both ends are open, so opening does not wait; nobody reads.
        let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let log = Log::open(&pipe, Rotation::default()).unwrap();
        log.write(vec![b'x'; WAITING]).await;
        log.try_write(b"no room\n".to_vec());
        assert_eq!(log.lost(), 1);
        let start = std::time::Instant::now();
        log.write(b"no room either\n".to_vec()).await;
        assert_eq!(log.lost(), 2);
        assert!(start.elapsed() < PATIENCE * 5);
        // The writer ends when its pipe is read.
        let drain = std::thread::spawn(move || {
            use std::io::Read as _;
            let mut reader = reader;
            let mut left = WAITING;
            let mut buffer = vec![0; 1 << 16];
            while left > 0 {
                left -= reader.read(&mut buffer).unwrap().min(left);
            }
        });
        log.close().await;
        drain.join().unwrap();
    }
}
