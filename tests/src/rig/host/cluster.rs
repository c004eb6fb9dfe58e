//! A cluster of one node that runs pods.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Request;
use karmada_apiserver::auth::Authority;
use kube::Client;
use serde_json::Value;
use tokio::time::sleep;

use super::configuration::{self, DNS_IMAGE, NODE, PAUSE_IMAGE, SERVICES};
use super::images::{Image, images_of};
use super::machine::Machine;
use super::programs::HostPrograms;
use crate::rig::cluster::client_of;

/// Longest time until a part is ready.
const READY: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(200);
const PORT: u16 = 6443;
const ADMINS: &str = "system:masters";
/// Groups of the programs of a cluster, by program and user.
const USERS: [(&str, &str, &str); 4] = [
    ("kube-controller-manager", "system:kube-controller-manager", ""),
    ("kube-scheduler", "system:kube-scheduler", ""),
    ("kubelet", "system:node:node-1", "system:nodes"),
    ("kube-proxy", "system:kube-proxy", ""),
];

/// A cluster of one node, ended when it is dropped.
#[derive(Debug)]
pub struct HostCluster {
    machine: Machine,
    programs: HostPrograms,
    authority: Authority,
}

impl HostCluster {
    /// Starts a cluster and waits until its node runs pods that find Services by name.
    ///
    /// # Errors
    /// When a program does not start or is not ready in time; with the end of its log.
    pub async fn start(programs: &HostPrograms) -> anyhow::Result<Self> {
        karmadactl::install_crypto_provider();
        let machine = Machine::start()?;
        let authority = Authority::in_directory(&machine.path("pki"), "host-ca")?;
        let mut cluster = Self { machine, programs: programs.clone(), authority };
        cluster.start_api_server().await?;
        cluster.start_containerd().await?;
        cluster.start_controllers()?;
        cluster.start_node()?;
        let client = cluster.client().await?;
        for (path, object) in configuration::names() {
            let request = Request::post(path)
                .header("Content-Type", "application/json")
                .body(serde_json::to_vec(&object)?)?;
            client.request::<Value>(request).await?;
        }
        let is_ready = |node: &Value| {
            let conditions = node["status"]["conditions"].as_array();
            conditions
                .into_iter()
                .flatten()
                .any(|found| found["type"] == "Ready" && found["status"] == "True")
        };
        cluster.wait(&client, &format!("/api/v1/nodes/{NODE}"), is_ready).await?;
        let answers = |deployment: &Value| deployment["status"]["readyReplicas"] == 1;
        cluster.wait(&client, &configuration::names_deployment(), answers).await?;
        Ok(cluster)
    }

    /// Makes an image and gives it to the node.
    ///
    /// # Errors
    /// When it cannot be made or loaded.
    pub fn load(&self, image: &Image) -> anyhow::Result<()> {
        image.load(&self.machine.path(""), &self.machine.path("containerd.sock"))
    }

    /// Gives the node the images that a plain `init` of our program names.
    ///
    /// # Errors
    /// When the program fails, or an image cannot be made.
    pub fn load_installation(&self, program: &Path) -> anyhow::Result<()> {
        let mut objects = Vec::new();
        for profile in ["--profile=standard", "--profile=single"] {
            let output = crate::process::run(program, &["init", "-o", "json", profile])?;
            if !output.status.success() {
                bail!("init -o json: {}", String::from_utf8_lossy(&output.stderr));
            }
            let list: Value = serde_json::from_slice(&output.stdout)?;
            objects.extend(list["items"].as_array().cloned().unwrap_or_default());
        }
        let objects = serde_json::json!({"items": objects});
        for image in images_of(&objects, program, &self.programs)? {
            self.load(&image)?;
        }
        Ok(())
    }

    /// Returns a client of the administrator.
    ///
    /// # Errors
    /// When certificates cannot be made or read.
    pub async fn client(&self) -> anyhow::Result<Client> {
        client_of(self.admin_kubeconfig()?).await
    }

    /// Returns a kubeconfig of the administrator.
    ///
    /// # Errors
    /// When certificates cannot be made or read.
    pub fn admin_kubeconfig(&self) -> anyhow::Result<Value> {
        self.kubeconfig("admin", &[ADMINS])
    }

    /// Returns a kubeconfig of a user who may do what everybody may.
    ///
    /// # Errors
    /// When certificates cannot be made or read.
    pub fn kubeconfig_of(&self, user: &str) -> anyhow::Result<Value> {
        self.kubeconfig(user, &[])
    }

    /// The machine of the node.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Address of the node, for node ports.
    pub fn address(&self) -> Ipv4Addr {
        self.machine.address
    }

    fn kubeconfig(&self, user: &str, groups: &[&str]) -> anyhow::Result<Value> {
        use base64::Engine as _;
        let url = format!("https://{}:{PORT}", self.machine.address);
        let mut kubeconfig = self.authority.kubeconfig("host", &url, user, groups)?;
        let server = fs::read(self.serving_certificate())?;
        let server = base64::engine::general_purpose::STANDARD.encode(server);
        kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] = server.into();
        Ok(kubeconfig)
    }

    fn path(&self, name: &str) -> String {
        self.machine.path(name).display().to_string()
    }

    /// The certificate that kube-apiserver makes for itself, with that of its authority.
    fn serving_certificate(&self) -> PathBuf {
        self.machine.path("serving/apiserver.crt")
    }

    fn run(&mut self, program: &str, arguments: &[String]) -> anyhow::Result<()> {
        let path = self.programs.path(program);
        self.machine.run(program, &path, arguments)
    }

    async fn start_api_server(&mut self) -> anyhow::Result<()> {
        let etcd = "http://127.0.0.1:2379";
        self.run(
            "etcd",
            &[
                format!("--data-dir={}", self.path("etcd")),
                format!("--listen-client-urls={etcd}"),
                format!("--advertise-client-urls={etcd}"),
                "--unsafe-no-fsync".to_owned(),
            ],
        )?;
        let (certificate, key) = self.authority.client_certificate("kube-apiserver", &[ADMINS])?;
        fs::write(self.path("kubelet-client.crt"), certificate)?;
        fs::write(self.path("kubelet-client.key"), key)?;
        let (authority, key) = (self.path("pki/ca.crt"), self.path("pki/ca.key"));
        self.run(
            "kube-apiserver",
            &[
                format!("--etcd-servers={etcd}"),
                format!("--advertise-address={}", self.machine.address),
                format!("--secure-port={PORT}"),
                format!("--service-cluster-ip-range={SERVICES}"),
                format!("--cert-dir={}", self.path("serving")),
                format!("--client-ca-file={authority}"),
                // The public half: the certificate of the same key.
                format!("--service-account-key-file={authority}"),
                format!("--service-account-signing-key-file={key}"),
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
                format!("--kubelet-client-certificate={}", self.path("kubelet-client.crt")),
                format!("--kubelet-client-key={}", self.path("kubelet-client.key")),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--enable-admission-plugins=NodeRestriction".to_owned(),
                "--allow-privileged".to_owned(),
            ],
        )?;
        let late = Instant::now() + READY;
        loop {
            self.machine.check()?;
            let answer = if self.serving_certificate().exists() {
                self.ready_answer().await
            } else {
                Err(anyhow::anyhow!("there is no certificate yet"))
            };
            match answer {
                Ok(text) if text == "ok" => return Ok(()),
                other if Instant::now() >= late => {
                    bail!(
                        "kube-apiserver is not ready: {other:?}\n{}",
                        self.machine.log_end("kube-apiserver")
                    );
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    async fn ready_answer(&self) -> anyhow::Result<String> {
        let client = self.client().await?;
        Ok(client.request_text(Request::get("/readyz").body(Vec::new())?).await?)
    }

    async fn start_containerd(&mut self) -> anyhow::Result<()> {
        let file = self.path("containerd.toml");
        fs::write(&file, configuration::containerd(&self.machine))?;
        fs::create_dir(self.path("network"))?;
        fs::write(self.path("network/10-pods.conflist"), configuration::network().to_string())?;
        self.machine.run("containerd", "containerd".as_ref(), &["--config".to_owned(), file])?;
        let socket = self.machine.path("containerd.sock");
        let late = Instant::now() + READY;
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            self.machine.check()?;
            if Instant::now() >= late {
                bail!("containerd is not ready\n{}", self.machine.log_end("containerd"));
            }
            sleep(PAUSE).await;
        }
        for (name, program) in [(PAUSE_IMAGE, "pause"), (DNS_IMAGE, "coredns")] {
            let path = if program == "pause" { "/usr/local/bin/pause" } else { "/usr/local/bin/coredns" };
            self.load(&Image::new(name, self.programs.path(program), path))?;
        }
        Ok(())
    }

    fn start_controllers(&mut self) -> anyhow::Result<()> {
        for (program, user, group) in USERS {
            let groups: Vec<&str> = std::iter::once(group).filter(|group| !group.is_empty()).collect();
            let kubeconfig = self.kubeconfig(user, &groups)?.to_string();
            fs::write(self.path(&format!("{program}.kubeconfig")), kubeconfig)?;
        }
        let (authority, key) = (self.path("pki/ca.crt"), self.path("pki/ca.key"));
        self.run(
            "kube-controller-manager",
            &[
                format!("--kubeconfig={}", self.path("kube-controller-manager.kubeconfig")),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
                "--use-service-account-credentials=true".to_owned(),
                format!("--service-account-private-key-file={key}"),
                format!("--root-ca-file={}", self.serving_certificate().display()),
                format!("--cluster-signing-cert-file={authority}"),
                format!("--cluster-signing-key-file={key}"),
            ],
        )?;
        self.run(
            "kube-scheduler",
            &[
                format!("--kubeconfig={}", self.path("kube-scheduler.kubeconfig")),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ],
        )
    }

    fn start_node(&mut self) -> anyhow::Result<()> {
        // Pods that take the node's names find none: nothing here needs those of the outside.
        fs::write(self.path("resolv.conf"), "nameserver 127.0.0.1\n")?;
        let kubelet = configuration::kubelet(&self.machine, &self.path("pki/ca.crt"));
        fs::write(self.path("kubelet.json"), kubelet.to_string())?;
        self.run(
            "kubelet",
            &[
                format!("--config={}", self.path("kubelet.json")),
                format!("--kubeconfig={}", self.path("kubelet.kubeconfig")),
                format!("--hostname-override={NODE}"),
                format!("--node-ip={}", self.machine.address),
            ],
        )?;
        let proxy = configuration::proxy(&self.path("kube-proxy.kubeconfig"));
        fs::write(self.path("kube-proxy.json"), proxy.to_string())?;
        self.run("kube-proxy", &[format!("--config={}", self.path("kube-proxy.json"))])
    }

    /// Waits until an object is as wanted.
    async fn wait(
        &self,
        client: &Client,
        path: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<()> {
        let late = Instant::now() + READY;
        loop {
            self.machine.check()?;
            let found = karmadactl::raw::read(client, path).await.with_context(|| path.to_owned())?;
            let found = found.unwrap_or_default();
            if is_wanted(&found) {
                return Ok(());
            }
            if Instant::now() >= late {
                let pods = karmadactl::raw::read(client, "/api/v1/pods").await?.unwrap_or_default();
                let states: Vec<&Value> =
                    pods["items"].as_array().into_iter().flatten().map(|pod| &pod["status"]).collect();
                bail!(
                    "{path} is not ready: {}\npods: {states:?}\nkubelet:\n{}\ncontainerd:\n{}",
                    found["status"],
                    self.machine.log_end("kubelet"),
                    self.machine.log_end("containerd"),
                );
            }
            sleep(PAUSE).await;
        }
    }
}
