//! The servers under test.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use karmada_tests::process::{Server, path_text};
use karmada_tests::rig::{Binaries, RealCluster, RealControllers};
use serde_json::Value;

use super::client::Endpoint;

/// How often the embedded server is started: the least time counts.
const STARTS: usize = 5;

/// A server that is ready.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) pids: Vec<u32>,
    pub(crate) start: Duration,
}

/// `karmadactl serve --api-only` with a fresh data directory; ended on drop.
#[derive(Debug)]
pub(crate) struct Embedded {
    pub(crate) target: Target,
    _server: Server,
    _directory: tempfile::TempDir,
}

impl Embedded {
    pub(crate) async fn start(program: &Path, durability: &str) -> anyhow::Result<Self> {
        let mut least = Duration::MAX;
        let mut last = None;
        for _ in 0..STARTS {
            let directory = tempfile::tempdir()?;
            let server = serve(program, directory.path(), durability)?;
            least = least.min(server.start_time);
            last = Some((server, directory));
        }
        let (server, directory) = last.context("no start")?;
        let kubeconfig = std::fs::read_to_string(directory.path().join("kubeconfig"))?;
        let kubeconfig: Value = serde_saphyr::from_str(&kubeconfig)?;
        let endpoint = Endpoint::from_kubeconfig(&kubeconfig)?;
        endpoint.connect().await?.get("/readyz").await?;
        let target = Target { endpoint, pids: vec![server.pid()], start: least };
        Ok(Self { target, _server: server, _directory: directory })
    }
}

fn serve(program: &Path, directory: &Path, durability: &str) -> anyhow::Result<Server> {
    let (data, kubeconfig) = (path_text(directory, "data"), path_text(directory, "kubeconfig"));
    let arguments = [
        "serve",
        "--api-only",
        "--durability",
        durability,
        "--data-dir",
        &data,
        "--listen",
        "127.0.0.1:0",
        "--kubeconfig",
        &kubeconfig,
    ];
    Server::start(program, &arguments, &directory.join("log"))
}

/// kube-apiserver and etcd; ended on drop.
#[derive(Debug)]
pub(crate) struct Real {
    pub(crate) target: Target,
    _cluster: RealCluster,
}

impl Real {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let cluster = RealCluster::start(&Binaries::obtain()?, RealControllers::None).await?;
        let kubeconfig = cluster.kubeconfig("admin", &["system:masters"])?;
        let target = Target {
            endpoint: Endpoint::from_kubeconfig(&kubeconfig)?,
            pids: cluster.server_pids(),
            start: cluster.start_time,
        };
        Ok(Self { target, _cluster: cluster })
    }
}
