//! A real control plane with real members, which our control loops drive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use karmadactl::attached::prepare::{apply, objects, wait_until_served};
use karmadactl::change::DryRun;
use karmadactl::join::{JoinOptions, join_cluster};
use kube::Client;

use super::Binaries;
use super::cluster::{RealCluster, RealControllers};
use super::etcd::{Etcd, Sync};
use super::gate::Gate;
use super::installed::{Flags, Installation};
use crate::process::Server;

/// How long the control plane may take to serve Karmada's kinds.
const SERVED: Duration = Duration::from_mins(1);
const CONTROL_PLANE: &str = "control-plane";

/// A control plane and members, ended when it is dropped.
#[derive(Debug)]
pub struct RealFleet {
    pub control_plane: RealCluster,
    pub members: BTreeMap<String, RealMember>,
    directory: tempfile::TempDir,
}

/// A member and the gate through which everybody else reaches it.
#[derive(Debug)]
pub struct RealMember {
    pub cluster: RealCluster,
    pub gate: Gate,
}

impl RealMember {
    /// Returns the URL of the member as the control plane knows it.
    pub fn url(&self) -> String {
        format!("https://{}", self.gate.address())
    }
}

impl RealFleet {
    /// Starts all API servers at once, over one etcd; those of the members from programs of their own.
    ///
    /// # Errors
    /// When one is not ready in time.
    pub async fn start(
        binaries: &Binaries,
        of_members: &Binaries,
        members: &[&str],
        sync: Sync,
    ) -> anyhow::Result<Self> {
        let etcd = Arc::new(Etcd::start(binaries, sync)?);
        let control_plane = async {
            let cluster =
                RealCluster::start_in(binaries, RealControllers::ControlPlane, etcd.clone(), CONTROL_PLANE);
            cluster.await.with_context(|| CONTROL_PLANE.to_owned())
        };
        let (control_plane, members) =
            tokio::try_join!(control_plane, start_members(of_members, members, &etcd))?;
        Self::assemble(control_plane, members)
    }

    /// Starts members as [`RealFleet::start`] does, and a control plane as `init` installs it, with the components that
    /// are a program of ours; they get further flags.
    ///
    /// # Errors
    /// When a server is not ready in time, or does not take what `init` writes.
    pub async fn start_installed(
        binaries: &Binaries,
        of_members: &Binaries,
        members: &[&str],
        sync: Sync,
        program: &Path,
        flags: &Flags,
    ) -> anyhow::Result<(Self, Installation)> {
        let etcd = Arc::new(Etcd::start(binaries, sync)?);
        let control_plane = async {
            let (cluster, site) = RealCluster::start_installed(binaries, etcd.clone(), CONTROL_PLANE)
                .await
                .with_context(|| CONTROL_PLANE.to_owned())?;
            let client = cluster.client().await?;
            let installation = site.install(&client, binaries, program, flags).await.context("installing")?;
            anyhow::Ok((cluster, installation))
        };
        let ((control_plane, installation), members) =
            tokio::try_join!(control_plane, start_members(of_members, members, &etcd))?;
        Ok((Self::assemble(control_plane, members)?, installation))
    }

    fn assemble(control_plane: RealCluster, members: BTreeMap<String, RealMember>) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let fleet = Self { control_plane, members, directory };
        std::fs::write(
            fleet.kubeconfig_path(),
            fleet.control_plane.admin_kubeconfig_at(fleet.control_plane.url())?.to_string(),
        )?;
        Ok(fleet)
    }

    /// Starts further members that hold nothing.
    ///
    /// # Errors
    /// When one is not ready in time.
    pub async fn add_members(&mut self, binaries: &Binaries, names: &[&str]) -> anyhow::Result<()> {
        // What one before it held stays in the etcd of the others.
        let etcd = Arc::new(Etcd::start(binaries, Sync::Never)?);
        self.members.extend(start_members(binaries, names, &etcd).await?);
        Ok(())
    }

    /// Ends members.
    pub fn remove_members(&mut self, names: &[&str]) {
        self.members.retain(|name, _| !names.contains(&name.as_str()));
    }

    /// Gives the control plane Karmada's kinds.
    ///
    /// # Errors
    /// When it refuses them.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        let client = self.control_plane.client().await?;
        for object in &objects() {
            apply(&client, object, DryRun::None).await?;
        }
        Ok(wait_until_served(&client, SERVED).await?)
    }

    /// Joins a member, by way of its gate.
    ///
    /// # Errors
    /// When there is none of this name, or the join fails.
    pub async fn join(&self, name: &str) -> anyhow::Result<()> {
        let member = self.members.get(name).with_context(|| format!("there is no {name}"))?;
        let options = JoinOptions::new(name, member.url());
        let client = self.control_plane.client().await?;
        join_cluster(&client, &member.cluster.client().await?, &options).await?;
        Ok(())
    }

    /// Returns the kubeconfig of the control plane's administrator.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.directory.path().join("control-plane.config")
    }

    /// Runs a program of ours against the control plane until it says that it is ready.
    ///
    /// # Errors
    /// When it does not.
    pub fn run(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Server> {
        let kubeconfig = self.kubeconfig_path().display().to_string();
        let log =
            self.directory.path().join(format!("{}.log", arguments.first().copied().unwrap_or("program")));
        Server::start(program, &[arguments, &["--kubeconfig", &kubeconfig]].concat(), &log)
    }

    /// Returns clients of the control plane's administrator and of those of the members.
    pub async fn clients(&self) -> anyhow::Result<(Client, BTreeMap<String, Client>)> {
        let mut members = BTreeMap::new();
        for (name, member) in &self.members {
            members.insert(name.clone(), member.cluster.client().await?);
        }
        Ok((self.control_plane.client().await?, members))
    }
}

async fn start_members(
    binaries: &Binaries,
    names: &[&str],
    etcd: &Arc<Etcd>,
) -> anyhow::Result<BTreeMap<String, RealMember>> {
    let member = async |name: &&str| {
        let cluster = RealCluster::start_in(binaries, RealControllers::Member, etcd.clone(), name)
            .await
            .with_context(|| (*name).to_owned())?;
        let gate = Gate::open(cluster.address()).await?;
        anyhow::Ok(((*name).to_owned(), RealMember { cluster, gate }))
    };
    Ok(try_join_all(names.iter().map(member)).await?.into_iter().collect())
}
