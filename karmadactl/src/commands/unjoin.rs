//! `karmadactl unjoin`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::join::{AddressError, control_plane};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::join::footprint::DEFAULT_CLUSTER_NAMESPACE;
use crate::join::{Mode, Removal, UnjoinError, UnjoinOptions, UnjoinStep, unjoin_cluster};
use crate::kubeconfig;

const EXAMPLES: &str = "\
Examples:
  # Take a cluster out, and remove what join left in it
  karmadactl unjoin member1 --cluster-kubeconfig ~/.kube/member1.config

  # Take out a cluster that is gone for good
  karmadactl unjoin member1 --force";

/// Take a push mode cluster out of the control plane
///
/// Waits until the control plane has let go of the cluster. With --cluster-kubeconfig the credentials in the cluster
/// are removed too.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct UnjoinArgs {
    /// Name of the cluster in the control plane
    #[arg(value_name = "CLUSTER_NAME")]
    pub name: Option<String>,

    /// Path to the kubeconfig of the cluster, to remove the credentials in it
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub cluster_kubeconfig: Option<PathBuf>,

    /// Context of that kubeconfig [default: the one called like the cluster]
    #[arg(long, value_name = "NAME")]
    pub cluster_context: Option<String>,

    /// Namespace of the credentials in the cluster
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_CLUSTER_NAMESPACE)]
    pub cluster_namespace: String,

    /// Remove finalizers when the control plane does not let go; objects may stay behind in the cluster
    #[arg(long)]
    pub force: bool,

    /// Wait this long for the cluster object to go
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub wait: Duration,

    /// Check everything and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Takes the cluster out.
pub async fn run(args: UnjoinArgs, context: &Context) -> Result<(), CliError> {
    let UnjoinArgs { name, cluster_kubeconfig, cluster_context, cluster_namespace, force, wait, dry_run } =
        args;
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| CliError::failed(AddressError::NoName))?;
    let control_plane = control_plane(&context.connection).await?;
    let member = match cluster_kubeconfig {
        Some(path) => {
            let member_context = cluster_context.as_deref().unwrap_or(&name);
            let endpoint = kubeconfig::load_file(&path, Some(member_context)).await.map_err(|error| {
                let hints = error.hints("--cluster-context");
                CliError::failed(error).with_hints(hints)
            })?;
            Some(endpoint.client()?)
        }
        None => None,
    };
    let options = UnjoinOptions {
        cluster_name: name,
        cluster_namespace,
        wait,
        removal: if force { Removal::Forced } else { Removal::Graceful },
        mode: if dry_run { Mode::DryRun } else { Mode::Apply },
    };
    let cluster = &options.cluster_name;
    unjoin_cluster(&control_plane, member.as_ref(), &options, |step| {
        context.printer.progress(&match step {
            UnjoinStep::WaitingForCluster => {
                format!("Waiting for the cluster object {cluster} to be deleted")
            }
            UnjoinStep::RemovingFinalizers => format!("Removing the finalizers that hold cluster {cluster}"),
            UnjoinStep::CleaningMember => format!("Removing the credentials of Karmada in cluster {cluster}"),
        });
    })
    .await
    .map_err(explain)?;
    Ok(())
}

fn explain(error: UnjoinError) -> CliError {
    let hint = match &error {
        UnjoinError::NotFound { .. } => {
            Some("`karmadactl get clusters` lists the registered clusters".to_owned())
        }
        UnjoinError::Pull { cluster } => Some(format!(
            "a Pull mode cluster is taken out with `unregister {cluster}`, run against the member"
        )),
        UnjoinError::StillThere { cluster, .. } => Some(format!(
            "run the command again to wait on, or with --force to give up what is still in cluster {cluster}"
        )),
        UnjoinError::Call { source, .. } => source.hints().into_iter().next(),
    };
    CliError::failed(error).with_hints(hint)
}
