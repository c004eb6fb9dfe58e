//! `karmadactl uncordon`.

use clap::{ArgAction, Args};

use super::cordon::mark;
use crate::change::{DryRun, parse_flag};
use crate::context::Context;
use crate::error::CliError;
use crate::taint::Mark;

const EXAMPLES: &str = "\
Examples:
  # Give new work to a cluster again
  karmadactl uncordon member1";

/// Mark a cluster as schedulable
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct UncordonArgs {
    /// Name of the cluster
    #[arg(value_name = "CLUSTER")]
    pub cluster: Vec<String>,

    /// Say what would be done, and do nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub dry_run: bool,
}

/// Marks the cluster.
pub async fn run(args: UncordonArgs, context: &Context) -> Result<(), CliError> {
    let UncordonArgs { cluster, dry_run } = args;
    mark(context, &cluster, Mark::Uncordoned, if dry_run { DryRun::Client } else { DryRun::None }).await
}
