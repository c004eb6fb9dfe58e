//! `karmadactl status`.

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::changes::Session;
use crate::change::DryRun;
use crate::context::Context;
use crate::discovery::Scope;
use crate::error::{CliError, ErrorKind};
use crate::printer::DocumentFormat;
use crate::status::{Facts, Report, Subject, Verdict, find_subjects, render};

const EXAMPLES: &str = "\
Examples:
  # See where a Deployment is and what is stuck
  karmadactl status deployment/web -n shop

  # The same for whatever is called web
  karmadactl status web -n shop

  # For scripts: 0 when healthy in all clusters, 3 in some, 1 in none
  karmadactl status deployment/web -o json";

/// Show the way of an object from template to every member, and what is stuck
///
/// The exit code is 0 when the object is healthy in every cluster it was scheduled to, 3 when in some, 1 when in none.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct StatusArgs {
    /// NAME, TYPE NAME or TYPE/NAME
    #[arg(value_name = "TYPE NAME", required = true, num_args = 1..=2)]
    pub arguments: Vec<String>,

    /// Namespace of the object [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Print as a document
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<StatusFormat>,
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatusFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// An object that is not there.
#[derive(Debug, thiserror::Error)]
enum StatusError {
    #[error("nothing called {name:?} is propagated in namespace {namespace}")]
    Nothing { name: String, namespace: String },
    #[error("{label} {name:?} not found")]
    NotFound { label: String, name: String },
    #[error("{0} names no type")]
    NoType(String),
    #[error("the object is not healthy in all clusters")]
    NotHealthy,
}

/// Prints the report.
pub async fn run(args: StatusArgs, context: &Context) -> Result<(), CliError> {
    let StatusArgs { arguments, namespace, output } = args;
    let session = Session::start(context, "karmadactl", DryRun::None).await?;
    let namespace = namespace.unwrap_or_else(|| session.control_plane.namespace.clone());
    let subjects = subjects(&session, &arguments, &namespace).await?;
    let mut reports = Vec::new();
    for subject in subjects {
        let facts = Facts::read(&session.writer, &session.discovery, subject)
            .await
            .map_err(|error| session.control_plane.explain(error))?;
        if facts.template.is_none() && facts.binding.is_none() {
            let subject = facts.subject;
            return Err(CliError::failed(StatusError::NotFound {
                label: subject.kind.qualified_plural(),
                name: subject.name,
            }));
        }
        reports.push(Report::of(&facts, Timestamp::now()));
    }
    print(context, &reports, output)?;
    judge(&reports)
}

/// Returns what the arguments mean.
async fn subjects(
    session: &Session,
    arguments: &[String],
    namespace: &str,
) -> Result<Vec<Subject>, CliError> {
    let (type_name, name) = match arguments {
        [one] => match one.split_once('/') {
            Some((type_name, name)) => (Some(type_name), name),
            None => (None, one.as_str()),
        },
        [type_name, name, ..] => (Some(type_name.as_str()), name.as_str()),
        [] => (None, ""),
    };
    if let Some(type_name) = type_name {
        let kinds = session.discovery.find(type_name).map_err(CliError::failed)?;
        let Some(kind) = kinds.first() else {
            return Err(CliError::failed(StatusError::NoType(type_name.to_owned())));
        };
        let namespace = (kind.scope == Scope::Namespaced).then(|| namespace.to_owned());
        return Ok(vec![Subject { kind: (*kind).clone(), namespace, name: name.to_owned() }]);
    }
    let found = find_subjects(&session.writer, &session.discovery, namespace, name)
        .await
        .map_err(|error| session.control_plane.explain(error))?;
    if found.is_empty() {
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        return Err(CliError::failed(StatusError::Nothing { name, namespace })
            .with_hint("TYPE/NAME shows an object that no policy selects"));
    }
    Ok(found)
}

fn print(context: &Context, reports: &[Report], output: Option<StatusFormat>) -> Result<(), CliError> {
    let format = match output {
        None => {
            for (index, report) in reports.iter().enumerate() {
                if index > 0 {
                    context.printer.line("")?;
                }
                context.printer.data(&render(report))?;
            }
            return Ok(());
        }
        Some(StatusFormat::Json) => DocumentFormat::Json,
        Some(StatusFormat::Yaml) => DocumentFormat::Yaml,
    };
    let document = match reports {
        [report] => serde_json::to_value(report),
        several => serde_json::to_value(several),
    };
    context.printer.document(&document.map_err(CliError::failed)?, format)
}

/// Turns reports into an exit code; what is wrong is printed already.
fn judge(reports: &[Report]) -> Result<(), CliError> {
    let all = reports.iter().all(|report| report.verdict == Verdict::Healthy);
    let none = reports.iter().all(|report| report.verdict == Verdict::NotHealthy);
    match (all, none) {
        (true, _) => Ok(()),
        (false, true) => Err(CliError::new(ErrorKind::Reported, StatusError::NotHealthy)),
        (false, false) => Err(CliError::new(ErrorKind::ReportedPartial, StatusError::NotHealthy)),
    }
}
