//! `karmadactl deinit`.

use std::io::BufRead as _;
use std::time::Duration;

use clap::Args;

use super::init::{explain_host, load_host};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::install::removal::{RemovalError, find, purge, remove};

const EXAMPLES: &str = "\
Examples:
  # See what would be removed
  karmadactl deinit --dry-run

  # Remove the control plane and its data, without being asked
  karmadactl deinit -f

  # Remove the namespace too
  karmadactl deinit --purge-namespace";

/// Remove a control plane from its host cluster
///
/// Removes everything that `karmadactl init` made there, volumes with the data included. Clusters that are joined keep
/// what was propagated to them. A removal that failed half-way is continued by running it again.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct DeinitArgs {
    /// Namespace of the control plane in the host cluster
    #[arg(short, long, value_name = "NAME", default_value = "karmada-system")]
    pub namespace: String,

    /// Context of the host cluster's kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Do not ask
    #[arg(short, long)]
    pub force: bool,

    /// Remove the namespace with everything that is in it
    #[arg(long)]
    pub purge_namespace: bool,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How long the namespace may take to go
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// The question was not answered with yes.
#[derive(Debug, thiserror::Error)]
#[error("nothing was removed")]
struct Declined;

/// Removes the control plane.
pub async fn run(args: DeinitArgs, context: &Context) -> Result<(), CliError> {
    let DeinitArgs { namespace, context: host_context, force, purge_namespace, dry_run, timeout } = args;
    let printer = &context.printer;
    let mut connection = context.connection.clone();
    if host_context.is_some() {
        connection.karmada_context = host_context;
    }
    let endpoint = load_host(&connection).await?;
    let client = endpoint.client()?;
    let explain = |error: RemovalError| match error {
        RemovalError::List(source) => explain_host(&endpoint.server, source),
        other => CliError::failed(other).with_hint("running the command again goes on from here"),
    };
    let found = find(&client, &namespace).await.map_err(explain)?;
    let suffix = if dry_run { " (dry run)" } else { "" };
    if found.is_empty() && !purge_namespace {
        printer.progress(&format!("nothing of karmadactl init is in the namespace {namespace}"));
        return Ok(());
    }
    if !dry_run && !force {
        let what = if purge_namespace { "and the namespace itself " } else { "" };
        printer.progress(&format!(
            "This removes {} objects of the namespace {namespace} {what}at {}, and with them the data of the control plane.\n\
             Please type (y)es or (n)o:",
            found.len(),
            endpoint.server
        ));
        if !is_confirmed()? {
            return Err(CliError::failed(Declined).with_hint("-f removes without asking"));
        }
    }
    for object in &found {
        if !dry_run {
            remove(&client, object).await.map_err(explain)?;
        }
        printer.line(&format!("{} deleted{suffix}", object.title))?;
    }
    if purge_namespace {
        let was_there =
            if dry_run { true } else { purge(&client, &namespace, timeout).await.map_err(explain)? };
        if was_there {
            printer.line(&format!("namespace/{namespace} deleted{suffix}"))?;
        }
    }
    Ok(())
}

/// Reads an answer; the end of the input is a no.
fn is_confirmed() -> Result<bool, CliError> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(CliError::failed)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
