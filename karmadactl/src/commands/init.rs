//! `karmadactl init`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::attached::prepare::{apply, objects, title, wait_until_served};
use crate::change::{DryRun, parse_dry_run};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;
use crate::kubeconfig;
use crate::printer::DocumentFormat;
use crate::register::bootstrap::bootstrap_objects;

const EXAMPLES: &str = "\
Examples:
  # Make any Kubernetes API server a control plane, and run the loops from here
  karmadactl init --crds-only --kubeconfig ./control-plane.config
  karmadactl controllers --kubeconfig ./control-plane.config

  # See what would be applied
  karmadactl init --crds-only --dry-run=client -o yaml";

/// Prepare an API server to be a control plane
///
/// Applies Karmada's kinds, namespaces and roles. Doing it again changes nothing.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct InitArgs {
    /// Only kinds, namespaces and roles: the loops run elsewhere (karmadactl controllers)
    #[arg(long, required = true)]
    pub crds_only: bool,

    /// Say what would be done, as checked here or by the server, and do nothing
    #[arg(long, value_name = "none|server|client", num_args = 0..=1, require_equals = true,
        default_missing_value = "unchanged", default_value = "none", value_parser = parse_dry_run)]
    pub dry_run: DryRun,

    /// Print the objects instead of what happened to them
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<InitOutput>,

    /// How long to wait until the server serves the kinds
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// How objects are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitOutput {
    Yaml,
    Json,
    Name,
}

/// Prepares the server.
pub async fn run(args: InitArgs, context: &Context) -> Result<(), CliError> {
    let InitArgs { crds_only: _, dry_run, output, timeout } = args;
    let mut objects = objects();
    let printer = &context.printer;
    if let Some(warning) = dry_run.warning() {
        printer.warning(warning);
    }
    // What is only printed needs no server.
    if let (true, Some(output)) = (dry_run.is_client(), output) {
        return print(&objects, output, context);
    }
    let server = context.connection.connect().await?;
    objects.extend(registration(context).await?);
    for object in &objects {
        let prepared = match apply(&server.client, object, dry_run).await {
            Ok(prepared) => prepared,
            Err(crate::attached::prepare::PrepareError::Apply { source, .. }) if source.is_unreachable() => {
                return Err(server.explain(source));
            }
            Err(error) => return Err(CliError::failed(error)),
        };
        if output.is_none() {
            printer.line(&format!("{} {}{}", title(object), prepared.word(), dry_run.suffix()))?;
        }
    }
    if dry_run == DryRun::None {
        wait_until_served(&server.client, timeout).await.map_err(CliError::failed)?;
    }
    if let Some(output) = output {
        return print(&objects, output, context);
    }
    printer.hint("karmadactl controllers runs the control loops against this server");
    Ok(())
}

/// What registrations of clusters in pull mode need; they go by the certificate authority of the kubeconfig.
async fn registration(context: &Context) -> Result<Vec<serde_json::Value>, CliError> {
    let connection = &context.connection;
    let endpoint =
        kubeconfig::load(connection.kubeconfig.as_deref(), connection.karmada_context.as_deref()).await?;
    let Some(authority) = endpoint.certificate_authority() else {
        context.printer.warning(
            "the kubeconfig names no certificate authority: clusters cannot be registered in pull mode",
        );
        return Ok(Vec::new());
    };
    Ok(bootstrap_objects(&endpoint.server, authority.as_bytes()))
}

fn print(objects: &[serde_json::Value], output: InitOutput, context: &Context) -> Result<(), CliError> {
    let printer = &context.printer;
    match output {
        InitOutput::Name => objects.iter().try_for_each(|object| printer.line(&title(object))),
        InitOutput::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
            printer.document(&list, DocumentFormat::Json)
        }
        InitOutput::Yaml => {
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    printer.line("---")?;
                }
                printer.document(object, DocumentFormat::Yaml)?;
            }
            Ok(())
        }
    }
}
