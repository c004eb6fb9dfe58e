//! The `karmadactl` program as a library: argument parsing, wiring, output.
//!
//! A command only parses its arguments, calls a library function that returns data, and prints.
//! The functions that do the work ([`join`], [`get`], [`propagate`], [`embedded`]) print
//! nothing and take [`kube::Client`]s, so tests and other programs can call them.
//!
//! Start reading at [`cli`] (what there is to type), then [`commands`].

pub mod agent;
pub mod api_error;
pub mod apply;
pub mod attached;
pub mod backup;
pub mod change;
pub mod cli;
pub mod commands;
pub mod components;
pub mod context;
pub mod demo;
pub mod describe;
pub mod discovery;
pub mod duration;
pub mod edit;
pub mod embedded;
pub mod error;
pub mod explain;
pub mod get;
pub mod install;
pub mod interpret;
pub mod join;
pub mod kubeconfig;
pub mod logging;
pub mod manifest;
pub mod members;
pub mod output;
pub mod pods;
pub mod printer;
pub mod promote;
pub mod propagate;
pub mod raw;
pub mod register;
pub mod remote;
pub mod signals;
pub mod simulate;
pub mod status;
pub mod table;
pub mod taint;
pub mod token;
pub mod wait;

use std::process::ExitCode;

use crate::context::Context;
use crate::printer::Printer;

/// Runs the program with these arguments and says how the process should end.
///
/// Not generic on purpose: a generic function would be compiled, with everything it awaits, once
/// more for every binary that calls it.
pub fn run(args: std::env::ArgsOs) -> ExitCode {
    let printer = Printer::stdio();
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(cli::report_parse_error(&printer, &error)),
    };
    logging::start(&cli.log, cli.command.logging());
    install_crypto_provider();
    let context = Context::new(printer, cli.connection);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            return ExitCode::from(
                context.printer.fail(&error::CliError::failed(error::RuntimeError(source))),
            );
        }
    };
    let result = runtime.block_on(commands::run(cli.command, &context));
    // A command that was told to stop may leave a blocking read of stdin behind.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(context.printer.fail(&error)),
    }
}

/// Makes `ring` the process's TLS implementation; calling it again changes nothing.
pub fn install_crypto_provider() {
    // The error only says that a provider is already installed, which is what is wanted.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}
