//! A control plane with members, whose components are started one by one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use karmada_apiserver::auth::Authority;
use kube::Client;
use serde_json::Value;

use super::Audit;
use super::replica::signal;
use crate::process::{self, Server, path_text};
use crate::rig::{Binaries, Etcd, Gate, Reachability, RealCluster, RealControllers, Room, Sync};

pub const MEMBERS: [&str; 3] = ["member1", "member2", "member3"];
const GROUP: &str = "system:masters";
const CONTROL_PLANE: &str = "control-plane";

/// Which API server the control plane has.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// That of `karmadactl serve`.
    Own,
    /// A real kube-apiserver with etcd and kube-controller-manager.
    Real(&'a Binaries),
}

#[derive(Debug)]
enum ApiServer {
    Own { authority: Box<Authority>, url: String, _server: Box<Server> },
    Real(Box<RealCluster>),
}

/// A control plane with members, all of which end when this is dropped.
#[derive(Debug)]
pub struct Site {
    server: ApiServer,
    members: Vec<Server>,
    gates: BTreeMap<&'static str, Gate>,
    program: PathBuf,
    directory: tempfile::TempDir,
}

impl Site {
    /// Starts a control plane with Karmada's kinds and joins its members.
    ///
    /// # Errors
    /// When something does not start or does not join.
    pub async fn start(program: &Path, kind: Kind<'_>) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (policy, log) = (directory.path().join("audit-policy.json"), directory.path().join("audit.log"));
        fs::write(&policy, Audit::policy().to_string())?;
        let server = match kind {
            Kind::Own => start_own(program, directory.path(), &policy, &log)?,
            Kind::Real(binaries) => {
                let etcd = Arc::new(Etcd::start(binaries, Sync::Never)?);
                let (policy, log) = (policy.display(), log.display());
                let audit = [format!("--audit-policy-file={policy}"), format!("--audit-log-path={log}")];
                let controllers = RealControllers::ControlPlane;
                let cluster =
                    RealCluster::start_with(binaries, controllers, etcd, "registry", &audit).await?;
                ApiServer::Real(Box::new(cluster))
            }
        };
        let mut site = Self {
            server,
            members: Vec::new(),
            gates: BTreeMap::new(),
            program: program.to_owned(),
            directory,
        };
        let admin = site.kubeconfig_of("admin")?.display().to_string();
        site.run(&["init", "--crds-only", "--kubeconfig", &admin])?;
        for name in MEMBERS {
            let kubeconfig = path_text(site.directory.path(), &format!("{name}.config"));
            let arguments = ["serve", "--api-only", "--in-memory", "--kubeconfig", &kubeconfig];
            site.members.push(Server::start(program, &arguments, &site.path(&format!("{name}.log")))?);
            // The control plane reaches it by way of a gate, and everybody else does not.
            let mut joining: Value = serde_saphyr::from_str(&fs::read_to_string(&kubeconfig)?)?;
            let gate = Gate::open(server_of(&joining)?.trim_start_matches("https://").parse()?).await?;
            joining["clusters"][0]["cluster"]["server"] = format!("https://{}", gate.address()).into();
            let path = path_text(site.directory.path(), &format!("{name}-gate.config"));
            fs::write(&path, joining.to_string())?;
            site.run(&["join", name, "--cluster-kubeconfig", &path, "--kubeconfig", &admin])?;
            site.gates.insert(name, gate);
        }
        Ok(site)
    }

    /// Cuts a member off from the control plane, or lets the control plane reach it again.
    pub fn reach(&self, member: &str, reachability: Reachability) {
        if let Some(gate) = self.gates.get(member) {
            gate.switch().send_replace(reachability);
        }
    }

    /// Returns the program of the components.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the path of a file of this site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the URL of the control plane.
    pub fn url(&self) -> &str {
        match &self.server {
            ApiServer::Own { url, .. } => url,
            ApiServer::Real(cluster) => cluster.url(),
        }
    }

    /// Writes a kubeconfig of a user who may do everything.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn kubeconfig_of(&self, user: &str) -> anyhow::Result<PathBuf> {
        let kubeconfig = match &self.server {
            ApiServer::Own { authority, url, .. } => authority.kubeconfig("site", url, user, &[GROUP])?,
            ApiServer::Real(cluster) => cluster.kubeconfig(user, &[GROUP])?,
        };
        let path = self.path(&format!("{user}.config"));
        fs::write(&path, kubeconfig.to_string())?;
        Ok(path)
    }

    /// Returns clients of the control plane and of the members.
    ///
    /// # Errors
    /// When a kubeconfig is not usable.
    pub async fn clients(&self) -> anyhow::Result<(Client, Vec<(&'static str, Client)>)> {
        let mut members = Vec::new();
        for name in MEMBERS {
            members.push((name, process::client(&self.path(&format!("{name}.config"))).await?));
        }
        Ok((process::client(&self.path("admin.config")).await?, members))
    }

    /// Reads what the control plane was asked to write so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn audit(&self) -> anyhow::Result<Audit> {
        Audit::read(&self.path("audit.log"))
    }

    /// Kills the API server of a real control plane and starts it again.
    ///
    /// # Errors
    /// When it is none, or does not start.
    pub async fn restart_api_server(&mut self, binaries: &Binaries) -> anyhow::Result<()> {
        match &mut self.server {
            ApiServer::Real(cluster) => cluster.restart(binaries).await,
            ApiServer::Own { .. } => anyhow::bail!("this control plane has no kube-apiserver"),
        }
    }

    /// Stops the etcd of a real control plane where it is, or lets it go on.
    ///
    /// # Errors
    /// When there is none.
    pub fn signal_etcd(&self, name: &str) -> anyhow::Result<()> {
        match &self.server {
            ApiServer::Real(cluster) => {
                cluster.server_pids().first().map_or(Ok(()), |pid| signal(name, *pid))
            }
            ApiServer::Own { .. } => anyhow::bail!("this control plane has no etcd"),
        }
    }

    /// Tells the etcd of a real control plane that it has no more room, or that it has.
    ///
    /// # Errors
    /// When there is none, or it does not listen.
    pub async fn fill_etcd(&self, room: Room) -> anyhow::Result<()> {
        match &self.server {
            ApiServer::Real(cluster) => cluster.etcd().set_room(room).await,
            ApiServer::Own { .. } => anyhow::bail!("this control plane has no etcd"),
        }
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = process::run(&self.program, arguments)?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

fn start_own(program: &Path, directory: &Path, policy: &Path, log: &Path) -> anyhow::Result<ApiServer> {
    let data = path_text(directory, CONTROL_PLANE);
    let (policy, log) = (policy.display().to_string(), log.display().to_string());
    let kubeconfig = path_text(directory, "serve.config");
    let arguments = [
        &["serve", "--api-only", "--durability=async", "--data-dir", &data, "--kubeconfig", &kubeconfig][..],
        &["--audit-policy-file", &policy, "--audit-log-path", &log, "--audit-log-maxsize=0"],
    ]
    .concat();
    let server = Server::start(program, &arguments, &directory.join("serve.log"))?;
    let url = server_of(&serde_saphyr::from_str(&fs::read_to_string(&kubeconfig)?)?)?;
    // Whoever has the keys of a server makes certificates of its users.
    let authority = Authority::in_directory(&Path::new(&data).join("pki"), CONTROL_PLANE)?;
    Ok(ApiServer::Own { authority: Box::new(authority), url, _server: Box::new(server) })
}

fn server_of(kubeconfig: &Value) -> anyhow::Result<String> {
    let server =
        kubeconfig["clusters"][0]["cluster"]["server"].as_str().context("a kubeconfig without a server")?;
    Ok(server.to_owned())
}
