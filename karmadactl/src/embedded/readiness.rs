//! Telling others that a server is ready, and learning it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Request;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use crate::wait::{Probe, WaitError, wait_until};

/// Longest time for one question to a server that may be gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file descriptor that could not be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to the file descriptor {descriptor}")]
pub struct AnnounceError {
    descriptor: u32,
    #[source]
    source: std::io::Error,
}

/// Writes a line to a file descriptor that this process was started with.
///
/// It has to be a pipe, a terminal or a file. It stays open: readers get the line, not the end of the file.
pub fn announce(descriptor: u32, line: &str) -> Result<(), AnnounceError> {
    let path = PathBuf::from("/dev/fd").join(descriptor.to_string());
    let written = std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    written.map_err(|source| AnnounceError { descriptor, source })
}

/// Waits until the server of a kubeconfig says that it is ready, and returns its URL.
///
/// The kubeconfig may not be there yet, or still be that of an earlier run.
///
/// # Errors
/// When the time is up; with what was seen last.
pub async fn wait_until_ready(kubeconfig: &Path, timeout: Duration) -> Result<String, WaitError> {
    wait_until("the start of the server", timeout, async || {
        Ok(match tokio::time::timeout(PATIENCE, look(kubeconfig)).await {
            Ok(Ok(url)) => Probe::Ready(url),
            Ok(Err(seen)) => Probe::NotYet(seen),
            Err(_) => Probe::NotYet("no answer".to_owned()),
        })
    })
    .await
}

async fn look(path: &Path) -> Result<String, String> {
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| error.to_string())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| error.to_string())?;
    let url = config.cluster_url.to_string();
    let client = kube::Client::try_from(config).map_err(|error| error.to_string())?;
    let request = Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
    client.request_text(request).await.map_err(|error| error.to_string())?;
    Ok(url.trim_end_matches('/').to_owned())
}
