//! `karmadactl local-down`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::local_up::explain_directory;
use crate::context::Context;
use crate::duration::parse_duration;
use crate::embedded::{DataDirectory, default_data_dir};
use crate::error::CliError;
use crate::wait::{Probe, wait_until};

const EXAMPLES: &str = "\
Examples:
  # Stop what local-up started; the next start goes on where it stopped
  karmadactl local-down --data-dir ./karmada

  # Stop it and delete its data
  karmadactl local-down --data-dir ./karmada --purge";

/// Stop what local-up started
///
/// Waits until it has ended. Stopping what does not run is no error.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct LocalDownArgs {
    /// Data directory that local-up was given [default: karmada/local-up in the user's data directory]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Delete the data and the kubeconfigs, too; other files in the directory stay
    #[arg(long)]
    pub purge: bool,

    /// How long to wait for its end
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// Stops the process that uses the data directory.
pub async fn run(args: LocalDownArgs, context: &Context) -> Result<(), CliError> {
    let LocalDownArgs { data_dir, purge, timeout } = args;
    let data = DataDirectory::new(data_dir.unwrap_or_else(|| default_data_dir("local-up")));
    let directory = data.path().display();
    match data.stop_user().map_err(|error| explain_directory(error, &data))? {
        Some(pid) => {
            wait_until(&format!("the end of process {pid}"), timeout, async || {
                // A number that cannot be read is that of a process just starting or ending.
                Ok(match data.user() {
                    Ok(None) => Probe::Ready(()),
                    _ => Probe::NotYet("it still runs".to_owned()),
                })
            })
            .await
            .map_err(|error| CliError::failed(error).with_hint(format!("`kill -9 {pid}` ends it at once")))?;
            context.printer.line(&format!("stopped (process {pid}, data in {directory})"))?;
        }
        None => context.printer.progress(&format!("nothing runs in {directory}")),
    }
    if purge {
        if data.path().exists() {
            data.purge().map_err(|error| explain_directory(error, &data))?;
            context.printer.line(&format!("deleted the data in {directory}"))?;
        } else {
            context.printer.progress(&format!("there is no data in {directory}"));
        }
    }
    Ok(())
}
