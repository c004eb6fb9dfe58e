//! `karmadactl attach`.

use clap::Args;

use super::exec::{Opened, SessionArgs, SessionError, run_session};
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # See what a pod of a member prints from now on
  karmadactl attach nginx --operation-scope members --cluster member1

  # Use the terminal of a container
  karmadactl attach -it nginx -c sh --operation-scope members --cluster member1";

/// Attach to a container that runs
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct AttachArgs {
    /// The pod: NAME or TYPE/NAME
    #[arg(value_name = "POD")]
    pub target: Option<String>,

    #[command(flatten)]
    pub session: SessionArgs,
}

/// Attaches.
pub async fn run(args: AttachArgs, context: &Context) -> Result<(), CliError> {
    let AttachArgs { target, session } = args;
    let target = target.ok_or_else(|| CliError::failed(SessionError::NoPod))?;
    run_session(&session, context, &target, Opened::Attached).await
}
