//! `karmadactl restore`.

use std::path::PathBuf;

use clap::Args;

use super::backup::explain;
use crate::backup::{Existing, TransferError, restore_directory, upload};
use crate::context::Context;
use crate::error::{CliError, ErrorKind};

const EXAMPLES: &str = "\
Examples:
  # Put a backup into a new data directory, then serve it
  karmadactl restore karmada.backup --data-dir ./karmada
  karmadactl serve --data-dir ./karmada

  # Make a running control plane hold exactly what the backup holds
  karmadactl restore karmada.backup --kubeconfig ./karmada.config --replace";

/// Put a backup in the place of all objects of an embedded control plane
///
/// All of it is restored or nothing. A running control plane goes on, and its controllers act on what is now there:
/// what the backup does not have is removed, from the member clusters too.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct RestoreArgs {
    /// File that `karmadactl backup` wrote
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,

    /// Restore into this data directory, which no server may be using, instead of a running control plane
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Replace the objects that are there; a running control plane always has some
    #[arg(long)]
    pub replace: bool,
}

/// The user did not say that a control plane's objects may go.
#[derive(Debug, thiserror::Error)]
#[error("a restore replaces all objects of the control plane at {server}")]
struct NeedsReplace {
    server: String,
}

/// Restores and says what changed.
pub async fn run(args: RestoreArgs, context: &Context) -> Result<(), CliError> {
    let RestoreArgs { file, data_dir, replace } = args;
    let restored = if let Some(directory) = data_dir {
        let existing = if replace { Existing::Replace } else { Existing::Keep };
        restore_directory(&directory, existing, &file).await.map_err(explain)?
    } else {
        let control_plane = context.connection.connect().await.map_err(CliError::failed)?;
        if !replace {
            let server = control_plane.server;
            return Err(CliError::new(ErrorKind::Usage, NeedsReplace { server })
                .with_hint("--replace says that this is meant"));
        }
        match upload(&control_plane.client, &file).await {
            Ok(restored) => restored,
            Err(TransferError::Api(error)) => return Err(control_plane.explain(error)),
            Err(error) => return Err(explain(error)),
        }
    };
    context.printer.line(&format!(
        "restored {}: {} created, {} changed, {} removed, {} as they were",
        file.display(),
        restored.created,
        restored.changed,
        restored.removed,
        restored.unchanged
    ))
}
