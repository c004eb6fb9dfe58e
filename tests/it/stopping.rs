//! Ctrl-C: what was begun can be done again, and a second Ctrl-C waits for nobody.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Request;
use karmada_tests::process;
use kube::Config;
use kube::client::ConfigExt as _;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rstest::rstest;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_mins(1);

/// A program with everything it says, line by line. It ends with this.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(home: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_karmadactl-under-test"))
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env_remove("XDG_DATA_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().context("no stdout")?;
        let stderr = child.stderr.take().context("no stderr")?;
        let second = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(second.send(line)));
        });
        Ok(Self { child, lines })
    }

    /// Waits until it says something.
    fn says(&self, wanted: &str) -> anyhow::Result<()> {
        loop {
            let line =
                self.lines.recv_timeout(PATIENCE).with_context(|| format!("it never says {wanted:?}"))?;
            if line.contains(wanted) {
                return Ok(());
            }
        }
    }

    fn interrupt(&self) -> anyhow::Result<()> {
        let told = Command::new("kill").args(["-s", "INT", &self.child.id().to_string()]).output()?;
        // It may have ended by itself.
        drop(told);
        Ok(())
    }

    fn wait(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already dead is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Finds the kubeconfig of the control plane below a directory.
fn kubeconfig(directory: &Path) -> Option<PathBuf> {
    for entry in std::fs::read_dir(directory).ok()?.filter_map(Result::ok) {
        let path = entry.path();
        if entry.file_name() == "karmada-apiserver.config" {
            return Some(path);
        }
        if let Some(found) = path.is_dir().then(|| kubeconfig(&path)).flatten() {
            return Some(found);
        }
    }
    None
}

/// Begins to create something and never comes to an end. Returns when the server is at it.
async fn never_ending(kubeconfig: &Path) -> anyhow::Result<impl Sized> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let mut tls = config.rustls_client_config()?;
    tls.alpn_protocols.clear();
    let host = config.cluster_url.host().context("no host")?.to_owned();
    let stream = TcpStream::connect((host.as_str(), config.cluster_url.port_u16().unwrap_or(443))).await?;
    let mut stream = TlsConnector::from(Arc::new(tls)).connect(host.try_into()?, stream).await?;
    let head = "POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
        Content-Length: 99\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    // It says so when it wants the rest.
    let mut said = Vec::new();
    while !said.ends_with(b"\r\n\r\n") {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut said)).await?;
        if read? == 0 {
            break;
        }
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    if !said.starts_with("HTTP/1.1 100 ") {
        bail!("the server does not want the rest: {said}");
    }
    Ok(stream)
}

#[rstest]
#[case::serve(&["serve", "--in-memory", "--kubeconfig", "karmada-apiserver.config", "--shutdown-timeout", "1h"], "ready: ")]
#[case::local_up(&["local-up", "--in-memory", "--members", "1"], "Ctrl-C stops everything")]
#[case::demo(&["demo", "--keep"], "Ctrl-C stops it and forgets it.")]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_waits_for_nobody(
    #[case] arguments: &[&str],
    #[case] ready: &str,
) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut program = Program::start(home.path(), arguments)?;
    program.says(ready)?;
    let path = kubeconfig(home.path()).context("no kubeconfig")?;
    let _request = never_ending(&path).await?;
    program.interrupt()?;
    program.says("stopping")?;
    // One that comes before the program listens for it is lost.
    let deadline = Instant::now() + PATIENCE;
    loop {
        program.interrupt()?;
        if program.lines.recv_timeout(Duration::from_millis(50)).is_ok_and(|line| line == "stopping at once")
        {
            break;
        }
        assert!(Instant::now() < deadline, "it does not listen");
        if let Some(status) = program.child.try_wait()? {
            bail!("it did not wait for the request: {status}");
        }
    }
    assert_eq!(program.wait()?.code(), Some(0));
    Ok(())
}

#[rstest]
#[case::the_record("local-up.json")]
#[case::the_control_plane("karmada-apiserver.config")]
#[case::the_first_member("member1.config")]
#[case::the_last_member("member3.config")]
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_was_interrupted_is_finished_by_the_next(#[case] file: &str) -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let arguments = ["local-up", "--data-dir", "data"];
    let mut first = Program::start(home.path(), &arguments)?;
    let deadline = Instant::now() + PATIENCE;
    while !home.path().join("data").join(file).exists() {
        assert!(Instant::now() < deadline && first.child.try_wait()?.is_none(), "{file} is never written");
        std::thread::sleep(Duration::from_millis(1));
    }
    first.interrupt()?;
    first.wait()?;
    let second = Program::start(home.path(), &arguments)?;
    second.says("ready: ")?;
    let client = process::client(&home.path().join("data/karmada-apiserver.config")).await?;
    let path = "/apis/cluster.karmada.io/v1alpha1/clusters";
    let list: Value = client.request(Request::get(path).body(Vec::new())?).await?;
    let clusters = list["items"].as_array().cloned().unwrap_or_default();
    let is_ready = |cluster: &&Value| {
        let conditions = cluster["status"]["conditions"].as_array().into_iter().flatten();
        conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    let ready: Vec<&str> =
        clusters.iter().filter(is_ready).filter_map(|cluster| cluster["metadata"]["name"].as_str()).collect();
    assert_eq!(ready, ["member1", "member2", "member3"], "{clusters:#?}");
    Ok(())
}
