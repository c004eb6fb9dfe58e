//! One real cluster: etcd, kube-apiserver and, where wanted, kube-controller-manager.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Request;
use karmada_apiserver::auth::Authority;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Binaries;

/// Longest time until the API server answers `/readyz`.
const READY: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);
const ADMIN: (&str, &str) = ("admin", "system:masters");

/// Which controllers of Kubernetes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealControllers {
    /// None: objects stay as they were written.
    None,
    /// Those that the recordings of `controllers` ran with.
    Lifecycle,
}

/// A real cluster, ended when it is dropped.
#[derive(Debug)]
pub struct RealCluster {
    processes: Vec<Child>,
    authority: Authority,
    directory: tempfile::TempDir,
    url: String,
    server_ca: String,
    /// What passed from the start of etcd to the first ready answer.
    pub start_time: Duration,
}

impl RealCluster {
    /// Starts a cluster with an empty etcd and the flags that the recordings were made with.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start(binaries: &Binaries, controllers: RealControllers) -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let directory = tempfile::tempdir()?;
        let root = directory.path();
        let authority = Authority::in_directory(root, "rig-ca")?;
        let ports = free_ports::<3>()?;
        let started = Instant::now();
        let mut cluster = Self {
            processes: Vec::new(),
            url: format!("https://127.0.0.1:{}", ports[2]),
            authority,
            directory,
            server_ca: String::new(),
            start_time: Duration::ZERO,
        };
        let etcd = cluster.etcd_arguments(ports[0], ports[1]);
        cluster.spawn(binaries, "etcd", &etcd)?;
        let apiserver = cluster.apiserver_arguments(ports[0], ports[2]);
        cluster.spawn(binaries, "kube-apiserver", &apiserver)?;
        cluster.wait_until_ready().await?;
        cluster.start_time = started.elapsed();
        if controllers == RealControllers::Lifecycle {
            let arguments = cluster.controller_arguments()?;
            cluster.spawn(binaries, "kube-controller-manager", &arguments)?;
        }
        Ok(cluster)
    }

    /// Returns the URL of the API server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the process ids of etcd and kube-apiserver.
    pub fn server_pids(&self) -> Vec<u32> {
        self.processes.iter().take(2).map(Child::id).collect()
    }

    /// Returns a kubeconfig with a fresh client certificate for a user of at most two groups.
    pub fn kubeconfig(&self, user: &str, groups: &[&str]) -> anyhow::Result<Value> {
        let mut kubeconfig = self.authority.kubeconfig("rig", &self.url, user, groups)?;
        self.trust_server(&mut kubeconfig);
        Ok(kubeconfig)
    }

    /// Returns a client of an administrator.
    pub async fn client(&self) -> anyhow::Result<Client> {
        self.client_of(ADMIN.0, &[ADMIN.1]).await
    }

    /// Returns a client with a fresh certificate for a user of at most two groups.
    pub async fn client_of(&self, user: &str, groups: &[&str]) -> anyhow::Result<Client> {
        client_of(self.kubeconfig(user, groups)?).await
    }

    /// Returns a client without a certificate.
    pub async fn anonymous_client(&self) -> anyhow::Result<Client> {
        let mut kubeconfig = self.kubeconfig(ADMIN.0, &[ADMIN.1])?;
        kubeconfig["users"][0]["user"] = json!({});
        client_of(kubeconfig).await
    }

    fn trust_server(&self, kubeconfig: &mut Value) {
        use base64::Engine as _;
        let ca = base64::engine::general_purpose::STANDARD.encode(&self.server_ca);
        kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = ca.into();
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn etcd_arguments(&self, client: u16, peer: u16) -> Vec<String> {
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        vec![
            format!("--data-dir={}", self.path("etcd")),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ]
    }

    fn apiserver_arguments(&self, etcd: u16, port: u16) -> Vec<String> {
        let (ca, key) = (self.path("ca.crt"), self.path("ca.key"));
        let mut arguments: Vec<String> = [
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--disable-admission-plugins=StorageObjectInUseProtection,ServiceAccount",
        ]
        .map(str::to_owned)
        .into();
        arguments.extend([
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", self.path("serving")),
            format!("--client-ca-file={ca}"),
            format!("--requestheader-client-ca-file={ca}"),
            // The public half: the certificate of the same key.
            format!("--service-account-key-file={ca}"),
            format!("--service-account-signing-key-file={key}"),
        ]);
        arguments
    }

    fn controller_arguments(&self) -> anyhow::Result<Vec<String>> {
        let kubeconfig = self.path("controllers.kubeconfig");
        let text = self.kubeconfig("system:kube-controller-manager", &["system:masters"])?.to_string();
        fs::write(&kubeconfig, text)?;
        Ok(vec![
            format!("--kubeconfig={kubeconfig}"),
            "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,\
             serviceaccount-token-controller,root-ca-certificate-publisher-controller,\
             ttl-after-finished-controller,clusterrole-aggregation-controller"
                .to_owned(),
            "--use-service-account-credentials=false".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            format!("--service-account-private-key-file={}", self.path("ca.key")),
            format!("--root-ca-file={}", self.path("ca.crt")),
        ])
    }

    fn spawn(&mut self, binaries: &Binaries, program: &str, arguments: &[String]) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.path(&format!("{program}.log")))?;
        let child = Command::new(binaries.path(program))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        self.processes.push(child);
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let serving = self.directory.path().join("serving/apiserver.crt");
        let late = Instant::now() + READY;
        let mut last = String::new();
        loop {
            if let Some(status) = self.first_exit()? {
                bail!("{status}");
            }
            if Instant::now() >= late {
                bail!("kube-apiserver is not ready: {last}\n{}", self.log_end("kube-apiserver"));
            }
            if serving.exists() {
                self.server_ca = fs::read_to_string(&serving)?;
                match self.ready_answer().await {
                    Ok(text) if text == "ok" => return Ok(()),
                    Ok(text) => last = text,
                    Err(error) => last = format!("{error:#}"),
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn ready_answer(&self) -> anyhow::Result<String> {
        let client = self.client().await?;
        Ok(client.request_text(Request::get("/readyz").body(Vec::new())?).await?)
    }

    fn first_exit(&mut self) -> anyhow::Result<Option<String>> {
        for (child, program) in self.processes.iter_mut().zip(["etcd", "kube-apiserver"]) {
            if let Some(status) = child.try_wait()? {
                let log = log_end(self.directory.path(), program);
                return Ok(Some(format!("{program} ended with {status}\n{log}")));
            }
        }
        Ok(None)
    }

    fn log_end(&self, program: &str) -> String {
        log_end(self.directory.path(), program)
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().rev() {
            // Already dead is fine; its data goes with the directory.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

async fn client_of(kubeconfig: Value) -> anyhow::Result<Client> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // Watches stay silent as long as nothing happens.
    config.read_timeout = None;
    // Every answer counts, also one that asks to come back later.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// Sends a request and returns the answer, whatever its status.
pub(super) async fn forward(
    client: &Client,
    request: Request<Body>,
) -> Result<http::Response<Body>, kube::Error> {
    client.send(request).await
}

fn log_end(directory: &Path, program: &str) -> String {
    let text = File::open(directory.join(format!("{program}.log"))).and_then(std::io::read_to_string);
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Returns ports that were free a moment ago.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let listeners: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
