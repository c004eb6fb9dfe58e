//! The control plane that this program starts itself, and its restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use karmada_tests::writes::write_counts;
use serde_json::{Value, json};

use crate::{connect, peak_mib, program, resident_mib, round_off};

/// How long it is watched after a restart for writes that nobody asked for.
const WATCHED: Duration = Duration::from_secs(20);

/// A control plane with three simulated members in a child process, ended on drop.
pub(crate) struct LocalUp {
    directory: tempfile::TempDir,
    child: Child,
}

impl LocalUp {
    pub(crate) fn start(durability: &str) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let child = Self::spawn(directory.path(), durability)?;
        Ok(Self { directory, child })
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Kills it, starts it again on the same data, and says how long it took to be ready and what it wrote then.
    pub(crate) async fn restart(&mut self, durability: &str) -> anyhow::Result<Value> {
        self.child.kill()?;
        self.child.wait()?;
        let started = Instant::now();
        self.child = Self::spawn(self.directory(), durability)?;
        let ready = started.elapsed();
        tokio::time::sleep(WATCHED).await;
        let mut writes = BTreeMap::new();
        for server in ["karmada-apiserver", "member1", "member2", "member3"] {
            let client = connect(&self.directory().join(format!("{server}.config"))).await?;
            writes.insert(server, write_counts(&client).await);
        }
        Ok(json!({
            "ready_s": round_off(ready.as_secs_f64()),
            "writes": writes,
            "resident_mib": round_off(resident_mib(&self.pid())),
            "peak_rss_mib": round_off(peak_mib(&self.pid())),
        }))
    }

    fn spawn(directory: &Path, durability: &str) -> anyhow::Result<Child> {
        let mut child = Command::new(program()?)
            // The members of the comparison have no workload controllers, so no pods either.
            .args(["local-up", "--durability", durability, "--pods-per-member", "0", "--data-dir"])
            .arg(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = std::io::BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        if std::io::BufRead::read_line(&mut stdout, &mut line)? == 0 {
            bail!("karmadactl local-up ended before it was ready: {}", child.wait()?);
        }
        // Keeping the pipe drained keeps the child from blocking on its closing text.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Ok(child)
    }
}

impl Drop for LocalUp {
    fn drop(&mut self) {
        // The data directory goes with it, so there is nothing to save.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
