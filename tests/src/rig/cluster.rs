//! One real cluster: etcd, kube-apiserver and, where wanted, kube-controller-manager.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use http::Request;
use karmada_apiserver::auth::Authority;
use karmadactl::install::names::Component;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Binaries;
use super::etcd::{Etcd, Sync};
use super::installed::{CommandLine, Ground, Site};
use super::service::Service;
use crate::ports::free_ports;

/// Longest time until the API server answers `/readyz`.
const READY: Duration = Duration::from_secs(90);
/// A server that writes nothing in this time has started.
const CALM: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
/// Name and group of an administrator.
type Admin = (&'static str, &'static str);
const ADMIN: Admin = ("admin", "system:masters");
/// The one that `init` makes.
const INSTALLED_ADMIN: Admin = ("system:admin", "system:masters");
/// Who the API server is to the servers that it passes requests on to.
const FRONT_PROXY: &str = "front-proxy-client";

/// Which controllers of Kubernetes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealControllers {
    /// None: objects stay as they were written.
    None,
    /// Those that the recordings of `controllers` ran with.
    Lifecycle,
    /// Those that upstream's control plane runs.
    ControlPlane,
    /// Those that the members of the end to end recordings ran with: none for workloads.
    Member,
}

impl RealControllers {
    fn names(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Lifecycle => {
                "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
                 serviceaccount-token-controller,root-ca-certificate-publisher-controller,\
                 ttl-after-finished-controller,clusterrole-aggregation-controller"
            }
            Self::ControlPlane => {
                "namespace-controller,garbage-collector-controller,serviceaccount-token-controller,\
                 ttl-after-finished-controller,certificatesigningrequest-approving-controller,\
                 certificatesigningrequest-signing-controller,certificatesigningrequest-cleaner-controller,\
                 bootstrap-signer-controller,token-cleaner-controller"
            }
            Self::Member => {
                "namespace-controller,garbage-collector-controller,serviceaccount-token-controller,\
                 clusterrole-aggregation-controller"
            }
        }
    }
}

/// A real cluster, ended when it is dropped.
#[derive(Debug)]
pub struct RealCluster {
    /// Dropped before what they write to.
    services: Vec<Service>,
    etcd: Arc<Etcd>,
    authority: Authority,
    directory: tempfile::TempDir,
    address: SocketAddr,
    url: String,
    admin: Admin,
    /// The certificate that kube-apiserver makes for itself, with that of its authority, if it makes one.
    own_certificate: Option<PathBuf>,
    server_ca: String,
    /// Of kube-apiserver.
    arguments: Vec<String>,
    /// What passed from the start of kube-apiserver to the first ready answer.
    pub start_time: Duration,
}

impl RealCluster {
    /// Starts a cluster with an empty etcd of its own and the flags that the recordings were made with.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start(binaries: &Binaries, controllers: RealControllers) -> anyhow::Result<Self> {
        let etcd = Arc::new(Etcd::start(binaries, Sync::Always)?);
        Self::start_in(binaries, controllers, etcd, "registry").await
    }

    /// Kills kube-apiserver and starts it again; everything else goes on.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub async fn restart(&mut self, binaries: &Binaries) -> anyhow::Result<()> {
        drop(self.services.remove(0));
        let again = Service::start(binaries, "kube-apiserver", &self.arguments, self.directory.path())?;
        self.services.insert(0, again);
        self.wait_until_ready().await
    }

    /// Starts a cluster whose objects are below a prefix of an etcd that others may use as well.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start_in(
        binaries: &Binaries,
        controllers: RealControllers,
        etcd: Arc<Etcd>,
        prefix: &str,
    ) -> anyhow::Result<Self> {
        Self::start_with(binaries, controllers, etcd, prefix, &[]).await
    }

    /// Starts a cluster as [`RealCluster::start_in`] does, whose API server listens on an address of this machine, for
    /// others than this process.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start_at(
        binaries: &Binaries,
        controllers: RealControllers,
        etcd: Arc<Etcd>,
        prefix: &str,
        listen: Ipv4Addr,
    ) -> anyhow::Result<Self> {
        Self::new(etcd, listen)?.started(binaries, controllers, prefix, &[]).await
    }

    /// Starts a cluster as [`RealCluster::start_in`] does, with more flags for its kube-apiserver.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start_with(
        binaries: &Binaries,
        controllers: RealControllers,
        etcd: Arc<Etcd>,
        prefix: &str,
        flags: &[String],
    ) -> anyhow::Result<Self> {
        Self::new(etcd, Ipv4Addr::LOCALHOST)?.started(binaries, controllers, prefix, flags).await
    }

    async fn started(
        mut self,
        binaries: &Binaries,
        controllers: RealControllers,
        prefix: &str,
        flags: &[String],
    ) -> anyhow::Result<Self> {
        let (certificate, key) = self.authority.client_certificate(FRONT_PROXY, &[])?;
        fs::write(self.directory.path().join("front-proxy.crt"), certificate)?;
        fs::write(self.directory.path().join("front-proxy.key"), key)?;
        let apiserver = [&self.apiserver_arguments(prefix), flags].concat();
        self.own_certificate = Some(self.directory.path().join("serving/apiserver.crt"));
        self.start_server(binaries, &apiserver).await?;
        if controllers != RealControllers::None {
            let arguments = self.controller_arguments(controllers)?;
            self.spawn(binaries, "kube-controller-manager", &arguments)?;
        }
        Ok(self)
    }

    /// Starts the API server of an installation by `init`, and returns what is still to be installed.
    ///
    /// # Errors
    /// When it does not start or is not ready in time; with the end of its log.
    pub(super) async fn start_installed(
        binaries: &Binaries,
        etcd: Arc<Etcd>,
        prefix: &str,
    ) -> anyhow::Result<(Self, Site)> {
        let mut cluster = Self::new(etcd, Ipv4Addr::LOCALHOST)?;
        let site = Site::prepare(Ground {
            authority: cluster.directory.path(),
            etcd: cluster.etcd.url(),
            prefix,
            address: cluster.address,
        })?;
        cluster.admin = INSTALLED_ADMIN;
        cluster.server_ca = cluster.authority.pem().to_owned();
        let CommandLine { program, arguments } = site.command_line(Component::ApiServer)?;
        anyhow::ensure!(program == "kube-apiserver", "unexpected program {program}");
        cluster.start_server(binaries, &arguments).await?;
        Ok((cluster, site))
    }

    fn new(etcd: Arc<Etcd>, listen: Ipv4Addr) -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let directory = tempfile::tempdir()?;
        let authority = Authority::in_directory(directory.path(), "rig-ca")?;
        let [port] = free_ports()?;
        let address = SocketAddr::from((listen, port));
        Ok(Self {
            services: Vec::new(),
            etcd,
            authority,
            directory,
            address,
            url: format!("https://{address}"),
            admin: ADMIN,
            own_certificate: None,
            server_ca: String::new(),
            arguments: Vec::new(),
            start_time: Duration::ZERO,
        })
    }

    async fn start_server(&mut self, binaries: &Binaries, arguments: &[String]) -> anyhow::Result<()> {
        let started = Instant::now();
        self.arguments = arguments.to_vec();
        self.spawn(binaries, "kube-apiserver", arguments)?;
        self.wait_until_ready().await?;
        self.start_time = started.elapsed();
        Ok(())
    }

    /// Returns the URL of the API server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns where the API server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its etcd.
    pub fn etcd(&self) -> &Etcd {
        &self.etcd
    }

    /// Returns the process ids of etcd and kube-apiserver.
    pub fn server_pids(&self) -> Vec<u32> {
        std::iter::once(self.etcd.pid()).chain(self.services.iter().take(1).map(Service::pid)).collect()
    }

    /// Returns where keys, certificates and logs of the cluster are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns a kubeconfig with a fresh client certificate for a user of at most two groups.
    pub fn kubeconfig(&self, user: &str, groups: &[&str]) -> anyhow::Result<Value> {
        self.kubeconfig_at(&self.url, user, groups)
    }

    /// Returns a kubeconfig of an administrator who reaches the API server at another URL.
    pub fn admin_kubeconfig_at(&self, url: &str) -> anyhow::Result<Value> {
        self.kubeconfig_at(url, self.admin.0, &[self.admin.1])
    }

    fn kubeconfig_at(&self, url: &str, user: &str, groups: &[&str]) -> anyhow::Result<Value> {
        let mut kubeconfig = self.authority.kubeconfig("rig", url, user, groups)?;
        self.trust_server(&mut kubeconfig);
        Ok(kubeconfig)
    }

    /// Returns a client of an administrator.
    pub async fn client(&self) -> anyhow::Result<Client> {
        self.client_of(self.admin.0, &[self.admin.1]).await
    }

    /// Returns a client with a fresh certificate for a user of at most two groups.
    pub async fn client_of(&self, user: &str, groups: &[&str]) -> anyhow::Result<Client> {
        client_of(self.kubeconfig(user, groups)?).await
    }

    /// Returns a client without a certificate.
    pub async fn anonymous_client(&self) -> anyhow::Result<Client> {
        let mut kubeconfig = self.kubeconfig(self.admin.0, &[self.admin.1])?;
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

    fn apiserver_arguments(&self, prefix: &str) -> Vec<String> {
        let (ca, key) = (self.path("ca.crt"), self.path("ca.key"));
        let mut arguments: Vec<String> = [
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
            format!("--etcd-servers={}", self.etcd.url()),
            format!("--etcd-prefix=/{prefix}"),
            format!("--bind-address={}", self.address.ip()),
            format!("--advertise-address={}", self.address.ip()),
            format!("--secure-port={}", self.address.port()),
            format!("--cert-dir={}", self.path("serving")),
            format!("--client-ca-file={ca}"),
            format!("--requestheader-client-ca-file={ca}"),
            format!("--proxy-client-cert-file={}", self.path("front-proxy.crt")),
            format!("--proxy-client-key-file={}", self.path("front-proxy.key")),
            // The public half: the certificate of the same key.
            format!("--service-account-key-file={ca}"),
            format!("--service-account-signing-key-file={key}"),
        ]);
        arguments
    }

    fn controller_arguments(&self, controllers: RealControllers) -> anyhow::Result<Vec<String>> {
        let kubeconfig = self.path("controllers.kubeconfig");
        let text = self.kubeconfig("system:kube-controller-manager", &["system:masters"])?.to_string();
        fs::write(&kubeconfig, text)?;
        let (ca, key) = (self.path("ca.crt"), self.path("ca.key"));
        // Whoever is given a token checks the server against the certificate beside it.
        let root = match controllers {
            RealControllers::ControlPlane | RealControllers::Member => self.own_certificate.as_ref(),
            RealControllers::None | RealControllers::Lifecycle => None,
        };
        let root = root.map_or_else(|| ca.clone(), |path| path.display().to_string());
        Ok(vec![
            format!("--kubeconfig={kubeconfig}"),
            format!("--controllers={}", controllers.names()),
            "--use-service-account-credentials=false".to_owned(),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            format!("--service-account-private-key-file={key}"),
            format!("--root-ca-file={root}"),
            format!("--cluster-signing-cert-file={ca}"),
            format!("--cluster-signing-key-file={key}"),
        ])
    }

    fn spawn(
        &mut self,
        binaries: &Binaries,
        program: &'static str,
        arguments: &[String],
    ) -> anyhow::Result<()> {
        self.services.push(Service::start(binaries, program, arguments, self.directory.path())?);
        Ok(())
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let late = Instant::now() + READY;
        let mut last = String::new();
        loop {
            for service in &mut self.services {
                service.check()?;
            }
            if Instant::now() >= late {
                let logs: Vec<String> = self.services.iter().map(Service::log_end).collect();
                bail!(
                    "kube-apiserver is not ready: {last}\n{}\netcd:\n{}",
                    logs.join("\n"),
                    self.etcd.log_end()
                );
            }
            if let Some(path) = self.own_certificate.as_ref().filter(|path| path.exists()) {
                self.server_ca = fs::read_to_string(path)?;
            }
            if !self.server_ca.is_empty() {
                match self.ready_answer().await {
                    Ok(text) if text == "ok" => return Ok(()),
                    Ok(text) => last = text,
                    Err(error) => last = format!("{error:#}"),
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until a cluster without controllers has written all that it writes when it starts.
    ///
    /// # Errors
    /// When it goes on writing.
    pub async fn wait_until_calm(&self) -> anyhow::Result<()> {
        let client = self.client().await?;
        let late = Instant::now() + READY;
        let mut last = String::new();
        while Instant::now() < late {
            let list = Request::get("/api/v1/namespaces?limit=1").body(Vec::new())?;
            let list: Value = client.request(list).await?;
            let revision = list["metadata"]["resourceVersion"].to_string();
            if revision == last {
                return Ok(());
            }
            last = revision;
            sleep(CALM).await;
        }
        bail!("kube-apiserver is ready and does not stop writing: revision {last}")
    }

    async fn ready_answer(&self) -> anyhow::Result<String> {
        let client = self.client().await?;
        Ok(client.request_text(Request::get("/readyz").body(Vec::new())?).await?)
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        // Clients of the API server end before it does.
        while let Some(service) = self.services.pop() {
            drop(service);
        }
    }
}

pub(super) async fn client_of(kubeconfig: Value) -> anyhow::Result<Client> {
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
