//! `karmadactl join`.

use std::path::PathBuf;

use clap::Args;

use crate::context::{ConnectionArgs, Context};
use crate::error::CliError;
use crate::join::footprint::{DEFAULT_CLUSTER_NAMESPACE, check_cluster_name};
use crate::join::{JoinError, JoinOptions, Mode, join_cluster};
use crate::kubeconfig::{self, Endpoint, LoadError};

const EXAMPLES: &str = "\
Examples:
  # Join a cluster by its kubeconfig
  karmadactl join member1 --cluster-kubeconfig ~/.kube/member1.config

  # Join one of several contexts, and say where the cluster is
  karmadactl join member1 --cluster-kubeconfig ~/.kube/config --cluster-context kind-member1 \\
    --cluster-provider aws --cluster-region eu-west-1 --cluster-zones eu-west-1a,eu-west-1b

  # See what would be written where
  karmadactl join member1 --cluster-kubeconfig ~/.kube/member1.config --dry-run";

/// Register a cluster with the control plane in push mode
///
/// Creates a service account with full rights in the cluster, stores its token in the control plane and creates the
/// Cluster object. A join that failed half-way is continued by running it again.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct JoinArgs {
    /// Name of the cluster in the control plane
    #[arg(value_name = "CLUSTER_NAME")]
    pub name: Option<String>,

    /// Path to the kubeconfig of the cluster to join
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub cluster_kubeconfig: Option<PathBuf>,

    /// Context of that kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub cluster_context: Option<String>,

    /// Namespace of the credentials, in the cluster and in the control plane
    #[arg(long, value_name = "NAMESPACE", default_value = DEFAULT_CLUSTER_NAMESPACE)]
    pub cluster_namespace: String,

    /// Provider of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_provider: Option<String>,

    /// Region of the cluster, for policies to choose by
    #[arg(long, value_name = "NAME")]
    pub cluster_region: Option<String>,

    /// Zones of the cluster, separated by commas (can be repeated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub cluster_zones: Vec<String>,

    /// Check everything and write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Neither side could be addressed, in the words of Karmada's own program.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("cluster name is required")]
    NoName,
    #[error("failed to get joining cluster config. error: {0}")]
    Cluster(LoadError),
    #[error(
        "failed to get control plane rest config. context: {}, kube-config: {}, error: {error}",
        .context.as_deref().unwrap_or_default(),
        .kubeconfig.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    )]
    ControlPlane { context: Option<String>, kubeconfig: Option<PathBuf>, error: LoadError },
}

/// Joins the cluster.
pub async fn run(args: JoinArgs, context: &Context) -> Result<(), CliError> {
    let JoinArgs {
        name,
        cluster_kubeconfig,
        cluster_context,
        cluster_namespace,
        cluster_provider,
        cluster_region,
        cluster_zones,
        dry_run,
    } = args;
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| CliError::failed(AddressError::NoName))?;
    check_cluster_name(&name)
        .map_err(|reason| JoinError::InvalidName { name: name.clone(), reason })
        .map_err(CliError::failed)?;
    let control_plane = control_plane(&context.connection).await?;
    let member = joining_cluster(cluster_kubeconfig, cluster_context.as_deref()).await?;
    let options = JoinOptions {
        cluster_namespace,
        proxy_url: member.proxy_url.clone(),
        verification: member.verification,
        provider: cluster_provider,
        region: cluster_region,
        zones: cluster_zones,
        mode: if dry_run { Mode::DryRun } else { Mode::Apply },
        ..JoinOptions::new(name, member.server.clone())
    };
    let outcome = join_cluster(&control_plane, &member.client()?, &options)
        .await
        .map_err(|error| explain(error, &control_plane_name(&context.connection), &member))?;
    if dry_run {
        for object in outcome.ensured {
            context.printer.progress(&format!("would ensure {object} (dry run)"));
        }
        return Ok(());
    }
    context.printer.line(&format!("cluster({}) is joined successfully", options.cluster_name))
}

/// The client of the control plane, with upstream's message when there is none.
pub(super) async fn control_plane(connection: &ConnectionArgs) -> Result<kube::Client, CliError> {
    let connected = connection.connect().await.map_err(|error| {
        let hints = error.hints("--karmada-context");
        CliError::failed(AddressError::ControlPlane {
            context: connection.karmada_context.clone(),
            kubeconfig: connection.kubeconfig.clone(),
            error,
        })
        .with_hints(hints)
    })?;
    Ok(connected.client)
}

fn control_plane_name(connection: &ConnectionArgs) -> String {
    match &connection.kubeconfig {
        Some(path) => format!("the control plane of {}", path.display()),
        None => "the control plane".to_owned(),
    }
}

async fn joining_cluster(kubeconfig: Option<PathBuf>, context: Option<&str>) -> Result<Endpoint, CliError> {
    // As Karmada's own program: a kubeconfig that does not exist is as good as none.
    let loaded = match kubeconfig {
        Some(path) if path.exists() => kubeconfig::load_file(&path, context).await,
        _ => Err(LoadError::Missing),
    };
    loaded.map_err(|error| match error {
        LoadError::Missing => CliError::failed(AddressError::Cluster(error))
            .with_hint("--cluster-kubeconfig names the kubeconfig of the cluster to join"),
        error => {
            let hints = error.hints("--cluster-context");
            CliError::failed(error).with_hints(hints)
        }
    })
}

fn explain(error: JoinError, control_plane: &str, member: &Endpoint) -> CliError {
    let hint = match &error {
        JoinError::Registered { registered_as, name, .. } if registered_as != name => Some(format!(
            "this cluster is registered as {registered_as}; `karmadactl unjoin {registered_as}` takes it out"
        )),
        JoinError::Registered { name, .. } => {
            Some(format!("`karmadactl get cluster {name}` shows it, `karmadactl unjoin {name}` takes it out"))
        }
        JoinError::Identity { source, .. } if source.is_unreachable() => Some(format!(
            "check that {} (context {} of {}) answers",
            member.server, member.context, member.origin
        )),
        JoinError::Clusters(source) if source.is_unreachable() => {
            Some(format!("check that {control_plane} answers"))
        }
        JoinError::Clusters(source) if source.is_not_found() => {
            Some(format!("{control_plane} has no Karmada: is this the right kubeconfig?"))
        }
        JoinError::Ensure { .. } | JoinError::NoToken { .. } => {
            Some("run the same command again to go on: nothing is created twice".to_owned())
        }
        _ => None,
    };
    CliError::failed(error).with_hints(hint)
}
