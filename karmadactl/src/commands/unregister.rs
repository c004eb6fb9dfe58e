//! `karmadactl unregister`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::join::AddressError;
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::join::Mode;
use crate::join::footprint::DEFAULT_CLUSTER_NAMESPACE;
use crate::kubeconfig::{self, Endpoint, LoadError};
use crate::register::{
    UnregisterError, UnregisterOptions, UnregisterOutcome, UnregisterStep, unregister_cluster,
};

const EXAMPLES: &str = "\
Examples:
  # Take a cluster out, with the credentials of its agent
  karmadactl unregister member3 --cluster-kubeconfig ~/.kube/member3.config

  # Take it out as an administrator, and remove the agent's permissions in the control plane too
  karmadactl unregister member3 --cluster-kubeconfig ~/.kube/member3.config --karmada-config ~/.kube/karmada.config";

/// Take a pull mode cluster out of the control plane
///
/// Waits until the agent has removed what was propagated to the cluster and the control plane has let go of it, then
/// removes the agent. Without --karmada-config the agent's own credentials are used.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct UnregisterArgs {
    /// Name of the cluster in the control plane
    #[arg(value_name = "CLUSTER_NAME")]
    pub name: Option<String>,

    /// Path to the kubeconfig of the cluster
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub cluster_kubeconfig: Option<PathBuf>,

    /// Context of that kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub cluster_context: Option<String>,

    /// Namespace of the credentials in the cluster
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_CLUSTER_NAMESPACE)]
    pub cluster_namespace: String,

    /// Path to the kubeconfig of the control plane [default: that of the agent]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub karmada_config: Option<PathBuf>,

    /// Namespace of the agent
    #[arg(short, long, value_name = "NAMESPACE", default_value = "karmada-system")]
    pub namespace: String,

    /// Wait this long for the cluster object to go
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub wait: Duration,

    /// Check everything and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Takes the cluster out.
pub async fn run(args: UnregisterArgs, context: &Context) -> Result<(), CliError> {
    let UnregisterArgs {
        name,
        cluster_kubeconfig,
        cluster_context,
        cluster_namespace,
        karmada_config,
        namespace,
        wait,
        dry_run,
    } = args;
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| CliError::failed(AddressError::NoName))?;
    let member = load(cluster_kubeconfig, cluster_context.as_deref(), "--cluster-context").await?;
    let karmada_context = context.connection.karmada_context.as_deref();
    let control_plane = match karmada_config {
        Some(path) => Some(load(Some(path), karmada_context, "--karmada-context").await?.client()?),
        None => None,
    };
    let options = UnregisterOptions {
        cluster_name: name,
        cluster_namespace,
        namespace,
        wait,
        mode: if dry_run { Mode::DryRun } else { Mode::Apply },
    };
    let cluster = &options.cluster_name;
    let outcome = unregister_cluster(control_plane.as_ref(), &member.client()?, &options, |step| {
        context.printer.progress(&match step {
            UnregisterStep::WaitingForCluster => {
                format!("Waiting for the cluster object {cluster} to be deleted")
            }
            UnregisterStep::RemovingAccess => {
                format!("Removing the permissions of the agent of {cluster} in the control plane")
            }
            UnregisterStep::CleaningMember => format!("Removing the agent in cluster {cluster}"),
        });
    })
    .await
    .map_err(explain)?;
    match outcome {
        UnregisterOutcome::Removed => {
            context.printer.line(&format!("unregister cluster({cluster}) successfully"))
        }
        UnregisterOutcome::Checked => Ok(()),
    }
}

async fn load(path: Option<PathBuf>, context: Option<&str>, flag: &str) -> Result<Endpoint, CliError> {
    kubeconfig::load(path.as_deref(), context).await.map_err(|error: LoadError| {
        let hints = error.hints(flag);
        CliError::failed(error).with_hints(hints)
    })
}

fn explain(error: UnregisterError) -> CliError {
    let hints = match &error {
        UnregisterError::NotFound { .. } => {
            vec!["`karmadactl get clusters` lists the registered clusters".to_owned()]
        }
        UnregisterError::Push { cluster } => {
            vec![format!("`karmadactl unjoin {cluster}` takes a Push mode cluster out")]
        }
        UnregisterError::NoKubeconfig { .. } | UnregisterError::Kubeconfig(_) => {
            vec!["--karmada-config names a kubeconfig of the control plane".to_owned()]
        }
        UnregisterError::StillThere { cluster, .. } => vec![format!(
            "check that the agent of {cluster} runs, and run the command again to wait on; without an agent the \
             control plane lets go of the cluster after its grace period"
        )],
        UnregisterError::Call { source, .. } => source.hints(),
        UnregisterError::Object(error) => error.source.hints(),
    };
    CliError::failed(error).with_hints(hints)
}
