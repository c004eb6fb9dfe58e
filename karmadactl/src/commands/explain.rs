//! `karmadactl explain`.

use clap::{ArgAction, Args, ValueEnum};

use super::reach::{ScopeArgs, reach};
use crate::change::parse_flag;
use crate::context::Context;
use crate::error::CliError;
use crate::explain::{Depth, ExplainError, explain, header, render};

const EXAMPLES: &str = "\
Examples:
  # What a policy is made of
  karmadactl explain propagationpolicies

  # One field of it
  karmadactl explain propagationpolicies.spec.placement.spreadConstraints

  # All fields of a kind of a member
  karmadactl explain deployments --recursive --operation-scope members --cluster member1";

/// Describe a kind and its fields
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ExplainArgs {
    /// TYPE, or TYPE.FIELD.FIELD...
    #[arg(value_name = "TYPE")]
    pub what: Option<String>,

    #[command(flatten)]
    pub scope: ScopeArgs,

    /// GROUP/VERSION of the kind [default: the one that the server prefers]
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<String>,

    /// List the fields of fields, too, without what they mean
    #[arg(short = 'R', long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub recursive: bool,

    /// Form of the text
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    pub output: Format,

    /// Accepted for compatibility: kinds are the same in all namespaces
    #[arg(short, long, value_name = "NAMESPACE", hide = true)]
    pub namespace: Option<String>,
}

/// Form of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Plain text
    #[default]
    Plaintext,
    /// The same
    #[value(hide = true)]
    PlaintextOpenapiv2,
}

/// A command line without a type.
#[derive(Debug, thiserror::Error)]
#[error(
    "You must specify the type of resource to explain. Use \"karmadactl api-resources\" for a complete list of supported resources.\n"
)]
struct NoType;

/// Prints what there is to know.
pub async fn run(args: ExplainArgs, context: &Context) -> Result<(), CliError> {
    let ExplainArgs { what, scope, api_version, recursive, .. } = args;
    let what = what.ok_or_else(|| CliError::failed(NoType))?;
    let control_plane = context.connection.connect().await?;
    let client = reach(&control_plane, scope.operation_scope, scope.cluster.as_deref()).await?;
    let depth = if recursive { Depth::All } else { Depth::Fields };
    match explain(&client, &what, api_version.as_deref()).await {
        Ok(explained) => context.printer.data(&render(&explained, depth)),
        Err(ExplainError::NoField { field, kind }) => {
            context.printer.data(&header(&kind))?;
            Err(CliError::failed(ExplainError::NoField { field, kind }))
        }
        Err(ExplainError::Api(error)) => Err(control_plane.explain(error)),
        Err(error) => Err(CliError::failed(error)),
    }
}
