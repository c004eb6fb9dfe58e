//! One of several processes of a component.

use std::path::PathBuf;
use std::process::Command;

use anyhow::ensure;
use kube::Client;
use serde_json::Value;

use super::Site;
use crate::process::Server;

/// A component of which one replica works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component {
    /// The command that runs it, and the beginning of its replicas' users.
    pub command: &'static str,
    pub lease: &'static str,
}

pub const CONTROLLER_MANAGER: Component =
    Component { command: "controller-manager", lease: "karmada-controller-manager" };
pub const SCHEDULER: Component = Component { command: "scheduler", lease: "karmada-scheduler" };

impl Component {
    /// Whether a user is a replica of this component.
    pub fn is_replica(self, user: &str) -> bool {
        user.strip_prefix(self.command).is_some_and(|rest| rest.starts_with('-'))
    }
}

/// A running replica, killed when it is dropped.
#[derive(Debug)]
pub struct Replica {
    pub component: Component,
    /// Who it is to the API server; no two replicas are the same.
    pub user: String,
    server: Server,
    log: PathBuf,
}

impl Replica {
    /// Starts a replica and waits until it works or stands by. One of the same name may have been there before.
    ///
    /// # Errors
    /// When it does neither.
    pub fn start(site: &Site, component: Component, name: &str) -> anyhow::Result<Self> {
        Self::start_in(&[], site, component, name)
    }

    /// Does the same with further variables in the environment.
    ///
    /// # Errors
    /// As [`Replica::start`].
    pub fn start_in(
        environment: &[(&str, &str)],
        site: &Site,
        component: Component,
        name: &str,
    ) -> anyhow::Result<Self> {
        let user = format!("{}-{name}", component.command);
        let kubeconfig = site.kubeconfig_of(&user)?.display().to_string();
        let log = site.path(&format!("{user}.log"));
        let arguments = [
            component.command,
            "--kubeconfig",
            &kubeconfig,
            "--metrics-bind-address=0",
            "--health-probe-bind-address=0",
            "--leader-elect-lease-duration=1s",
            "--leader-elect-renew-deadline=800ms",
            "--leader-elect-retry-period=200ms",
        ];
        let server = Server::start_in(environment, site.program(), &arguments, &log)?;
        Ok(Self { component, user, server, log })
    }

    /// Whether it has ever led under an identity.
    pub fn has_led_as(&self, identity: &str) -> bool {
        self.log_lines().iter().any(|line| line.contains("leading") && line.contains(identity))
    }

    /// Returns what it has written to its log.
    pub fn log_lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Whether it has not ended.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.server.is_running()?)
    }

    /// Ends it as a crash does.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn kill(self) -> anyhow::Result<()> {
        Ok(self.server.kill()?)
    }

    /// Stops it where it is, as a machine that hangs does.
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause(&self) -> anyhow::Result<()> {
        signal("STOP", self.server.pid())
    }

    /// Lets it go on as if nothing had happened.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&self) -> anyhow::Result<()> {
        signal("CONT", self.server.pid())
    }
}

pub(super) fn signal(name: &str, pid: u32) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status()?;
    ensure!(status.success(), "kill -s {name} {pid}: {status}");
    Ok(())
}

/// Returns the lease of a component; null when there is none.
///
/// # Errors
/// When the API server does not answer.
pub async fn lease(client: &Client, component: Component) -> anyhow::Result<Value> {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/karmada-system/leases/{}", component.lease);
    Ok(karmadactl::raw::read(client, &path).await?.unwrap_or_default())
}

/// Returns the identity that holds the lease of a component; empty when there is none.
///
/// # Errors
/// When the API server does not answer.
pub async fn holder(client: &Client, component: Component) -> anyhow::Result<String> {
    Ok(lease(client, component).await?["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned())
}
