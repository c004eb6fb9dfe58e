//! Programs under test as child processes that never outlive their test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// Longest time a server may take until it says that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Name of the program under test in the directory of this one.
const PROGRAM: &str = "karmadactl-under-test";

/// A `karmadactl serve` (or `local-up`) process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The line that said it was ready.
    pub ready_line: String,
    /// What the process needed to become ready.
    pub start_time: Duration,
}

impl Server {
    /// Starts `program` with `arguments` and waits for its ready line on stdout.
    ///
    /// # Errors
    /// When the process ends or says nothing in time; with what it wrote to stderr.
    pub fn start(program: &Path, arguments: &[&str], log: &Path) -> anyhow::Result<Self> {
        Self::start_in(&[], program, arguments, log)
    }

    /// Does the same with further variables in the environment.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_in(
        environment: &[(&str, &str)],
        program: &Path,
        arguments: &[&str],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let stderr = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = String::new();
            let read = reader.read_line(&mut line);
            // Nobody listens after the timeout.
            drop(sender.send(read.map(|_| line)));
            // A full pipe would block the server.
            drop(std::io::copy(&mut reader, &mut std::io::sink()));
        });
        let line = receiver.recv_timeout(READY_TIMEOUT);
        let ready_line = match line {
            Ok(Ok(line)) if !line.is_empty() => line,
            other => {
                drop(child.kill());
                let status = child.wait()?;
                let log = std::fs::read_to_string(log).unwrap_or_default();
                bail!("{arguments:?} was not ready ({other:?}, {status}): {log}");
            }
        };
        Ok(Self { child, ready_line, start_time: started.elapsed() })
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has not ended.
    pub fn is_running(&mut self) -> std::io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends the process as a crash does (SIGKILL) and waits for its end.
    pub fn kill(mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already dead is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs `program` to its end.
pub fn run(program: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new(program).args(arguments).stdin(Stdio::null()).output()
}

/// Makes a client from a kubeconfig file.
pub async fn client(kubeconfig: &Path) -> anyhow::Result<Client> {
    karmadactl::install_crypto_provider();
    let kubeconfig =
        Kubeconfig::read_from(kubeconfig).with_context(|| format!("reading {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Returns `directory/name` as text for an argument list.
pub fn path_text(directory: &Path, name: &str) -> String {
    PathBuf::from(directory).join(name).display().to_string()
}

/// Returns where `karmadactl` is that was built with this program.
///
/// # Errors
/// When it was not built.
pub fn program_under_test() -> std::io::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let mut directory = this.parent();
    // Tests run one directory below the programs.
    while let Some(place) = directory.take() {
        let program = place.join(PROGRAM);
        if program.is_file() {
            return Ok(program);
        }
        directory = place.parent().filter(|_| place.ends_with("deps"));
    }
    let place = this.parent().unwrap_or(Path::new(".")).display();
    let message = format!("there is no {PROGRAM} in {place}: `cargo build -p karmada-tests --bins` makes it");
    Err(std::io::Error::new(std::io::ErrorKind::NotFound, message))
}
