//! The commands: each parses, calls a library function and prints.

pub mod annotate;
pub mod apply;
pub mod audit_args;
pub mod backup;
mod changes;
pub mod completion;
pub mod controller_args;
pub mod controllers;
pub mod cordon;
pub mod create;
pub mod delete;
pub mod demo;
pub mod edit;
pub mod get;
pub mod init;
pub mod interpret;
pub mod join;
pub mod label;
pub mod local_up;
pub mod options;
pub mod patch;
pub mod promote;
pub mod propagate;
pub mod restore;
pub mod serve;
pub mod simulate;
pub mod status;
pub mod taint;
pub mod uncordon;
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
        Command::Serve(args) => serve::run(*args, context).await,
        Command::Controllers(args) => controllers::run(*args, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Backup(args) => backup::run(args, context).await,
        Command::Restore(args) => restore::run(args, context).await,
        Command::Get(args) => get::run(args, context).await,
        Command::Propagate(args) => propagate::run(args, context).await,
        Command::Simulate(args) => simulate::run(args, context),
        Command::Join(args) => join::run(args, context).await,
        Command::Unjoin(args) => unjoin::run(args, context).await,
        Command::Interpret(args) => interpret::run(args, context),
        Command::Cordon(args) => cordon::run(args, context).await,
        Command::Uncordon(args) => uncordon::run(args, context).await,
        Command::Taint(args) => taint::run(args, context).await,
        Command::Apply(args) => apply::run(args, context).await,
        Command::Create(args) => create::run(*args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::Patch(args) => patch::run(args, context).await,
        Command::Label(args) => label::run(args, context).await,
        Command::Annotate(args) => annotate::run(args, context).await,
        Command::Promote(args) => promote::run(args, context).await,
        Command::Edit(args) => edit::run(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Options(args) => options::run(args, context),
        Command::Completion(args) => completion::run(&args, context),
        Command::Version(args) => version::run(args, context).await,
    }
}
