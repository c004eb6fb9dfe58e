//! `karmadactl taint`.

use clap::{ArgAction, Args};

use crate::change::{DryRun, Writer, conclude, parse_flag};
use crate::context::Context;
use crate::error::CliError;
use crate::taint::{Existing, TaintWriteError, parse_changes, taint_cluster};

const EXAMPLES: &str = "\
Examples:
  # Keep what does not tolerate it away from a cluster
  karmadactl taint clusters member1 dedicated=batch:NoSchedule

  # Change the value of a taint
  karmadactl taint clusters member1 dedicated=web:NoSchedule --overwrite

  # Remove one taint, or all with a key
  karmadactl taint clusters member1 dedicated:NoSchedule-
  karmadactl taint clusters member1 dedicated-";

/// Change the taints of clusters
///
/// KEY=VALUE:EFFECT or KEY:EFFECT adds a taint, KEY:EFFECT- or KEY- removes. Effects are NoSchedule, PreferNoSchedule
/// and NoExecute.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct TaintArgs {
    /// The word clusters, names of clusters, and what changes
    #[arg(value_name = "clusters NAME... TAINT", allow_hyphen_values = false)]
    pub arguments: Vec<String>,

    /// Change the value of taints that are there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub overwrite: bool,

    /// Say what would be done, and do nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub dry_run: bool,
}

/// A command line that names no cluster.
#[derive(Debug, thiserror::Error)]
enum NameError {
    #[error("invalid resource type {0:?}: only clusters have taints")]
    OtherType(String),
    #[error("resource(s) were provided, but no name was specified")]
    NoName,
    #[error("one or more clusters must be specified as clusters NAME")]
    Nothing,
}

/// Changes the taints.
pub async fn run(args: TaintArgs, context: &Context) -> Result<(), CliError> {
    let TaintArgs { arguments, overwrite, dry_run } = args;
    let (resources, specs) = split(&arguments);
    let names = clusters(resources).map_err(CliError::failed)?;
    let change = parse_changes(specs).map_err(CliError::failed)?;
    let existing = if overwrite { Existing::Overwritten } else { Existing::Refused };
    let control_plane = context.connection.connect().await?;
    let dry_run = if dry_run { DryRun::Client } else { DryRun::None };
    let writer = Writer::new(control_plane.client.clone(), "karmadactl").with_dry_run(dry_run);
    let mut failures = Vec::new();
    for name in names {
        match taint_cluster(&writer, name, &change, existing).await {
            Ok(outcome) => context.printer.line(&format!("cluster/{name} {}", outcome.word()))?,
            Err(TaintWriteError::Api(error)) => failures.push(control_plane.explain(error)),
            Err(TaintWriteError::Taint(error)) => failures.push(CliError::failed(error)),
        }
    }
    conclude(&context.printer, failures)
}

/// Splits the arguments before the first taint.
fn split(arguments: &[String]) -> (&[String], &[String]) {
    let is_taint = |argument: &String| argument.contains(['=', ':']) || argument.ends_with('-');
    arguments.split_at(arguments.iter().position(is_taint).unwrap_or(arguments.len()))
}

/// Returns the names of `clusters NAME...` or `cluster/NAME`.
fn clusters(resources: &[String]) -> Result<Vec<&str>, NameError> {
    let is_type = |word: &str| {
        let (plain, group) = word.split_once('.').unwrap_or((word, "cluster.karmada.io"));
        let known = group == "cluster.karmada.io" || group == "v1alpha1.cluster.karmada.io";
        known && matches!(plain.to_lowercase().as_str(), "cluster" | "clusters")
    };
    let (first, names) = resources.split_first().ok_or(NameError::Nothing)?;
    if first.contains('/') {
        let pairs = resources.iter().map(|resource| match resource.split_once('/') {
            Some((type_name, name)) if is_type(type_name) && !name.is_empty() => Ok(name),
            Some((type_name, _)) => Err(NameError::OtherType(type_name.to_owned())),
            None => Err(NameError::NoName),
        });
        return pairs.collect();
    }
    if !is_type(first) {
        return Err(NameError::OtherType(first.clone()));
    }
    if names.is_empty() { Err(NameError::NoName) } else { Ok(names.iter().map(String::as_str).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_named_in_both_forms() {
        let check = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (resources, specs) = split(&arguments);
            clusters(resources)
                .map(|names| (names.join(" "), specs.join(" ")))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            check("clusters m1 m2 a:NoSchedule b-").unwrap(),
            ("m1 m2".into(), "a:NoSchedule b-".into())
        );
        assert_eq!(check("cluster/m1 b-").unwrap(), ("m1".into(), "b-".into()));
        assert_eq!(
            check("nodes m1 b-").unwrap_err(),
            "invalid resource type \"nodes\": only clusters have taints"
        );
        assert_eq!(check("clusters b-").unwrap_err(), "resource(s) were provided, but no name was specified");
    }
}
