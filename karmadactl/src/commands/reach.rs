//! Which cluster a command reads from: the control plane, or one member.

use crate::context::ControlPlane;
use crate::error::CliError;
use crate::members;

/// Where a command looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OneScope {
    /// The control plane
    #[default]
    Karmada,
    /// A member cluster
    Members,
}

/// Flags of the commands that look into one cluster.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ScopeArgs {
    /// Where to look
    #[arg(short = 's', long, value_enum, value_name = "SCOPE", default_value_t)]
    pub operation_scope: OneScope,

    /// Member cluster to look into, with --operation-scope members
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
}

/// A command line that names no cluster, or one in vain.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReachError {
    #[error("must specify a cluster")]
    NoCluster,
    #[error("cannot reach cluster {cluster}")]
    Member {
        cluster: String,
        #[source]
        source: members::ConnectError,
    },
}

/// Returns a client for where a command looks.
pub(super) async fn reach(
    control_plane: &ControlPlane,
    scope: OneScope,
    cluster: Option<&str>,
) -> Result<kube::Client, CliError> {
    match scope {
        OneScope::Karmada => Ok(control_plane.client.clone()),
        OneScope::Members => member(control_plane, cluster).await,
    }
}

/// Returns a client for a member.
pub(super) async fn member(
    control_plane: &ControlPlane,
    cluster: Option<&str>,
) -> Result<kube::Client, CliError> {
    let Some(name) = cluster.filter(|name| !name.is_empty()) else {
        return Err(CliError::failed(ReachError::NoCluster).with_hint("--cluster NAME says which"));
    };
    let cluster = members::cluster(&control_plane.client, name).await;
    let cluster = cluster.map_err(|error| control_plane.explain(error))?;
    members::member_client(&control_plane.client, &cluster)
        .await
        .map_err(|source| CliError::failed(ReachError::Member { cluster: name.to_owned(), source }))
}
