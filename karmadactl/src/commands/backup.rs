//! `karmadactl backup`.

use std::path::PathBuf;

use clap::Args;
use karmada_apiserver::store::OpenError;

use crate::backup::{Reading, TransferError, download, save_directory};
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Save everything that a running control plane holds
  karmadactl backup --kubeconfig ./karmada.config -o karmada.backup

  # Save a data directory that no server uses
  karmadactl backup --data-dir ./karmada -o karmada.backup

  # Save what can still be read of a damaged one
  karmadactl backup --data-dir ./karmada --salvage -o karmada.backup";

/// Save all objects of an embedded control plane to one file
///
/// The control plane goes on while it is saved; the file is of one moment and was read back before this command ends
/// well. It holds every Secret: keep it as safe as the control plane. Keys and certificates (the directory `pki` beside
/// the data) are not in it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct BackupArgs {
    /// File to write
    #[arg(short, long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub output: PathBuf,

    /// Save this data directory, which no server may be using, instead of a running control plane
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,

    /// Save whatever can be read of a damaged data directory, also objects removed a short time ago
    #[arg(long, requires = "data_dir")]
    pub salvage: bool,
}

/// Saves and says how much.
pub async fn run(args: BackupArgs, context: &Context) -> Result<(), CliError> {
    let BackupArgs { output, data_dir, salvage } = args;
    let saved = if let Some(directory) = data_dir {
        let reading = if salvage { Reading::Salvage } else { Reading::Whole };
        save_directory(&directory, reading, &output).map_err(explain)?
    } else {
        let control_plane = context.connection.connect().await.map_err(CliError::failed)?;
        match download(&control_plane.client, &output).await {
            Ok(saved) => saved,
            Err(TransferError::Api(error)) => return Err(control_plane.explain(error)),
            Err(error) => return Err(explain(error)),
        }
    };
    context.printer.line(&format!(
        "saved {} objects at revision {} to {}",
        saved.objects,
        saved.revision,
        output.display()
    ))
}

/// Adds the way out.
pub(super) fn explain(error: TransferError) -> CliError {
    let hint = match &error {
        TransferError::Open(OpenError::Locked { .. }) => {
            Some("leave --data-dir out and say --kubeconfig: the running server does it itself")
        }
        TransferError::Open(OpenError::Damaged { .. }) => {
            Some("`karmadactl backup --salvage` saves what can be read of it")
        }
        TransferError::NotEmpty { .. } => Some("--replace puts the backup in their place"),
        _ => None,
    };
    CliError::failed(error).with_hints(hint.map(str::to_owned))
}
