//! Running scripts against a server.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::mask::mask;
use super::script::{Block, Script};

/// Seconds that one command may take; a server that does not answer must not stop the other scripts.
const PATIENCE: &str = "90";
const PAUSE: Duration = Duration::from_millis(50);
const PREPARED: Duration = Duration::from_secs(30);

/// What every command of a script can use.
const PRELUDE: &str = r#"
exec 2>&1
trap 'jobs=$(jobs -p); [ -z "$jobs" ] || kill $jobs 2>/dev/null' EXIT
nap() { sleep 0.05; }
# Waits until a file has a line with a pattern.
await() { until grep -q -e "$1" "$2" 2>/dev/null; do nap; done; }
# Ends a command in the background.
stop() { kill "$1"; wait "$1" 2>/dev/null; }
"#;

/// A server that scripts can be run against.
#[derive(Clone, Debug)]
pub struct Server {
    kubeconfig: Value,
    /// Directory of programs that are not on the PATH.
    programs: Option<PathBuf>,
}

/// What a server answered to a script.
#[derive(Clone, Debug)]
pub struct Transcript {
    pub answers: Vec<Answer>,
}

/// What a server answered to one command.
#[derive(Clone, Debug)]
pub struct Answer {
    pub block: Block,
    /// What the command printed, masked.
    pub output: String,
    pub exit_code: i32,
}

impl Server {
    /// Takes the kubeconfig of an administrator.
    pub fn new(kubeconfig: Value) -> Self {
        Self { kubeconfig, programs: None }
    }

    /// Lets scripts use the programs of a directory too.
    pub fn with_programs(mut self, directory: PathBuf) -> Self {
        self.programs = Some(directory);
        self
    }

    /// Runs a script in a new namespace, whatever its commands answer.
    ///
    /// # Errors
    /// When the namespace cannot be made or a program cannot be run.
    pub fn run(&self, script: &Script) -> anyhow::Result<Transcript> {
        let home = tempfile::tempdir()?;
        let home = home.path();
        let namespace = format!("{}-script", script.name);
        self.prepare(home, &namespace)?;
        let answer = |block: &Block| self.answer(block, home, &namespace);
        Ok(Transcript { answers: script.blocks.iter().map(answer).collect::<anyhow::Result<_>>()? })
    }

    fn answer(&self, block: &Block, home: &Path, namespace: &str) -> anyhow::Result<Answer> {
        // A file, not a pipe: a forgotten child would keep a pipe open.
        let path = home.join("output");
        let output = File::create(&path)?;
        let mut directories: Vec<PathBuf> = self.programs.iter().cloned().collect();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        directories.extend(std::env::split_paths(&inherited));
        let status = command("timeout", home)
            .args([PATIENCE, "bash", "-c"])
            .arg(format!("{PRELUDE}\n{}", block.command))
            .env("NAMESPACE", namespace)
            .env("PATH", std::env::join_paths(directories)?)
            .stdout(output)
            .stderr(Stdio::inherit())
            .status()
            .context("running bash")?;
        let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        Ok(Answer { block: block.clone(), output: mask(&output), exit_code: status.code().unwrap_or(-1) })
    }

    /// Makes the namespace and waits until the controllers have put into it what they put into every one.
    fn prepare(&self, home: &Path, namespace: &str) -> anyhow::Result<()> {
        let mut kubeconfig = self.kubeconfig.clone();
        kubeconfig["contexts"][0]["context"]["namespace"] = json!(namespace);
        let path = home.join("kubeconfig");
        fs::write(&path, kubeconfig.to_string())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let deadline = Instant::now() + PREPARED;
        kubectl(home, &["create", "namespace", namespace])?;
        for object in ["serviceaccount/default", "configmap/kube-root-ca.crt"] {
            while let Err(error) = kubectl(home, &["get", object]) {
                ensure!(Instant::now() < deadline, "{error}");
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}

impl Transcript {
    /// Returns commands and answers as one text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for answer in &self.answers {
            for line in &answer.block.comment {
                writeln!(text, "# {line}").expect("a String takes everything");
            }
            writeln!(text, "$ {}\n{}", answer.block.command, answer.text())
                .expect("a String takes everything");
        }
        text
    }
}

impl Answer {
    /// Returns what was printed, and the exit code if it is not 0.
    pub fn text(&self) -> String {
        let mut text = self.output.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if self.exit_code != 0 {
            writeln!(text, "(exit code {})", self.exit_code).expect("a String takes everything");
        }
        text
    }
}

/// Runs scripts side by side, a few at once, and returns their transcripts in the order of the scripts.
///
/// # Errors
/// When a script cannot be run.
pub fn run_all(server: &Server, scripts: &[Script], jobs: usize) -> anyhow::Result<Vec<Transcript>> {
    let next = AtomicUsize::new(0);
    let transcripts: Mutex<Vec<Option<anyhow::Result<Transcript>>>> =
        Mutex::new(scripts.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((index, script)) = take(&next, scripts) {
                    let transcript = server.run(script).with_context(|| format!("script {}", script.name));
                    let mut transcripts = transcripts.lock().unwrap_or_else(PoisonError::into_inner);
                    transcripts[index] = Some(transcript);
                }
            });
        }
    });
    let transcripts = transcripts.into_inner().unwrap_or_else(PoisonError::into_inner);
    transcripts.into_iter().map(|transcript| transcript.context("a script was left out")?).collect()
}

fn take<'a>(next: &AtomicUsize, scripts: &'a [Script]) -> Option<(usize, &'a Script)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, scripts.get(index)?))
}

/// Returns the minor version of the kubectl on the PATH.
///
/// # Errors
/// When there is none, or it says nothing that is known.
pub fn version() -> anyhow::Result<String> {
    let output = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output();
    let output = output.context("kubectl is not on the PATH")?;
    let answer: Value = serde_json::from_slice(&output.stdout).context("kubectl did not say its version")?;
    let minor = answer["clientVersion"]["minor"].as_str().context("kubectl did not say its version")?;
    Ok(minor.chars().take_while(char::is_ascii_digit).collect())
}

fn kubectl(home: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = command("kubectl", home).args(arguments).output().context("running kubectl")?;
    ensure!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn command(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(home)
        .env("HOME", home)
        .env("KUBECONFIG", home.join("kubeconfig"))
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .env_remove("KUBE_EDITOR")
        .env_remove("EDITOR")
        .stdin(Stdio::null());
    command
}
