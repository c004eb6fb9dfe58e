//! One program of a cluster as a child process that never outlives its cluster.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use super::Binaries;

/// Lines of a log that an error shows.
const SHOWN_LINES: usize = 20;

/// A running program, killed when it is dropped: its data goes with its directory.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    program: &'static str,
    log: PathBuf,
}

impl Service {
    /// Starts a program; what it writes goes to `<program>.log` in the directory.
    pub(super) fn start(
        binaries: &Binaries,
        program: &'static str,
        arguments: &[String],
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let log = directory.join(format!("{program}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(binaries.path(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        Ok(Self { child, program, log })
    }

    /// Returns the process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails when the program has ended; with the end of its log.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{} ended with {status}\n{}", self.program, self.log_end()),
        }
    }

    /// Returns the last lines of the log.
    pub(super) fn log_end(&self) -> String {
        let text = File::open(&self.log).and_then(std::io::read_to_string).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Already dead is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
