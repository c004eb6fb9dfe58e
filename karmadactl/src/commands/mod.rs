//! The commands: each parses, calls a library function and prints.

pub mod completion;
pub mod get;
pub mod join;
pub mod propagate;
pub mod unjoin;
pub mod version;

use crate::cli::Command;
use crate::context::Context;
use crate::error::CliError;

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Get(args) => get::run(args, context).await,
        Command::Propagate(args) => propagate::run(args, context).await,
        Command::Join(args) => join::run(args, context).await,
        Command::Unjoin(args) => unjoin::run(args, context).await,
        Command::Completion(args) => completion::run(&args, context),
        Command::Version(args) => version::run(args, context).await,
    }
}
