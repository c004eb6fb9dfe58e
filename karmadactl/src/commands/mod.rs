//! The commands: each parses, calls a library function and prints.

pub mod audit_args;
pub mod completion;
pub mod demo;
pub mod get;
pub mod interpret;
pub mod join;
pub mod local_up;
pub mod propagate;
pub mod serve;
pub mod simulate;
pub mod unjoin;
pub mod version;

use crate::cli::Command;
use crate::context::Context;
use crate::error::CliError;

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::LocalUp(args) => local_up::run(args, context).await,
        Command::Serve(args) => serve::run(args, context).await,
        Command::Get(args) => get::run(args, context).await,
        Command::Propagate(args) => propagate::run(args, context).await,
        Command::Simulate(args) => simulate::run(args, context),
        Command::Join(args) => join::run(args, context).await,
        Command::Unjoin(args) => unjoin::run(args, context).await,
        Command::Interpret(args) => interpret::run(args, context),
        Command::Completion(args) => completion::run(&args, context),
        Command::Version(args) => version::run(args, context).await,
    }
}
