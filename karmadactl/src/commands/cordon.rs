//! `karmadactl cordon`.

use clap::{ArgAction, Args};

use crate::change::{DryRun, Writer, parse_flag};
use crate::context::Context;
use crate::error::CliError;
use crate::taint::{Cordoned, Mark, TaintWriteError, mark_cluster};

const EXAMPLES: &str = "\
Examples:
  # Give no new work to a cluster
  karmadactl cordon member1";

/// Mark a cluster as unschedulable
///
/// What runs there stays. New objects, and objects that are scheduled again, go elsewhere.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct CordonArgs {
    /// Name of the cluster
    #[arg(value_name = "CLUSTER")]
    pub cluster: Vec<String>,

    /// Say what would be done, and do nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub dry_run: bool,
}

/// A command line that names no cluster, or several.
#[derive(Debug, thiserror::Error)]
enum NameError {
    #[error("cluster name is required")]
    None,
    #[error("more than one cluster name is not supported")]
    Several,
}

/// Marks the cluster.
pub async fn run(args: CordonArgs, context: &Context) -> Result<(), CliError> {
    let CordonArgs { cluster, dry_run } = args;
    mark(context, &cluster, Mark::Cordoned, if dry_run { DryRun::Client } else { DryRun::None }).await
}

/// Marks a cluster and says so.
pub(super) async fn mark(
    context: &Context,
    clusters: &[String],
    mark: Mark,
    dry_run: DryRun,
) -> Result<(), CliError> {
    let cluster = match clusters {
        [] => return Err(CliError::failed(NameError::None)),
        [cluster] => cluster,
        _ => return Err(CliError::failed(NameError::Several)),
    };
    let control_plane = context.connection.connect().await?;
    let writer = Writer::new(control_plane.client.clone(), "karmadactl").with_dry_run(dry_run);
    let outcome = mark_cluster(&writer, cluster, mark).await.map_err(|error| match error {
        TaintWriteError::Api(error) => control_plane.explain(error),
        TaintWriteError::Taint(error) => CliError::failed(error),
    })?;
    let already = match outcome {
        Cordoned::Now => "",
        Cordoned::Already => "already ",
    };
    context.printer.line(&format!("{cluster} cluster {already}{}", mark.word()))
}
