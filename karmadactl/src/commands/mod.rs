//! The commands: each parses, calls a library function and prints.

pub mod agent;
pub mod aggregated_apiserver;
pub mod annotate;
pub mod api_resources;
pub mod api_versions;
pub mod apply;
pub mod attach;
pub mod audit_args;
pub mod backup;
pub mod certs;
mod changes;
pub mod completion;
pub mod component_args;
pub mod controller_args;
pub mod controller_manager;
pub mod controllers;
pub mod cordon;
pub mod create;
pub mod deinit;
pub mod delete;
pub mod demo;
pub mod describe;
pub mod edit;
pub mod exec;
pub mod explain;
pub mod get;
pub mod init;
pub mod interpret;
pub mod join;
pub mod label;
pub mod local_down;
pub mod local_up;
pub mod logs;
pub mod options;
pub mod patch;
pub mod promote;
pub mod propagate;
pub mod reach;
pub mod register;
pub mod restore;
pub mod scheduler;
pub mod serve;
pub mod simulate;
pub mod status;
pub mod taint;
pub mod token;
pub mod top;
pub mod uncordon;
pub mod unjoin;
pub mod unregister;
pub mod version;
pub mod webhook;

use crate::cli::Command;
use crate::context::Context;
use crate::error::CliError;

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::LocalUp(args) => local_up::run(args, context).await,
        Command::LocalDown(args) => local_down::run(args, context).await,
        Command::Serve(args) => serve::run(*args, context).await,
        Command::Controllers(args) => controllers::run(*args, context).await,
        Command::Init(args) => Box::pin(init::run(*args, context)).await,
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
        Command::Describe(args) => describe::run(args, context).await,
        Command::Logs(args) => Box::pin(logs::run(*args, context)).await,
        Command::Exec(args) => Box::pin(exec::run(args, context)).await,
        Command::Attach(args) => Box::pin(attach::run(args, context)).await,
        Command::Top(args) => top::run(args, context).await,
        Command::ApiResources(args) => api_resources::run(args, context).await,
        Command::ApiVersions(args) => api_versions::run(args, context).await,
        Command::Explain(args) => explain::run(args, context).await,
        Command::Deinit(args) => deinit::run(args, context).await,
        Command::Certs(args) => certs::run(args, context).await,
        Command::ControllerManager(args) => controller_manager::run(*args, context).await,
        Command::Scheduler(args) => scheduler::run(*args, context).await,
        Command::Webhook(args) => webhook::run(*args, context).await,
        Command::AggregatedApiserver(args) => aggregated_apiserver::run(*args, context).await,
        Command::Token(args) => Box::pin(token::run(args, context)).await,
        Command::Register(args) => Box::pin(register::run(*args, context)).await,
        Command::Unregister(args) => Box::pin(unregister::run(args, context)).await,
        Command::Agent(args) => Box::pin(agent::run(*args, context)).await,
    }
}
