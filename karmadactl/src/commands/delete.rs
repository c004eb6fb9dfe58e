//! `karmadactl delete`.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::{Duration, Instant};

use clap::{ArgAction, Args, ValueEnum};
use serde_json::Value;

use super::changes::{DryRunArgs, Session, lower_kind};
use crate::change::{
    ChangeFormat, Deletion, FileArgs, Found, Propagation, Selection, conclude, parse_flag, select,
};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::CliError;

/// Pause between two looks at an object that is going.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an object may take to go when nobody says: a week, as kubectl waits.
const FOREVER: Duration = Duration::from_hours(7 * 24);

const EXAMPLES: &str = "\
Examples:
  # Delete what a file names
  karmadactl delete -f app.yaml

  # Delete by type and name
  karmadactl delete deployment web

  # Delete all ConfigMaps with a label
  karmadactl delete configmaps -l app=web

  # See what would be deleted
  karmadactl delete deployments --all --dry-run=client

  # Leave what it owns, and do not wait
  karmadactl delete deployment web --cascade=orphan --wait=false";

/// Delete objects by file, name or labels
///
/// Deleting a template deletes it in every member, unless the policy preserves it there.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct DeleteArgs {
    /// TYPE NAME... or TYPE/NAME...
    #[arg(value_name = "TYPE NAME")]
    pub arguments: Vec<String>,

    #[command(flatten)]
    pub files: FileArgs,

    /// Delete objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Delete objects with these fields
    #[arg(long, value_name = "SELECTOR")]
    pub field_selector: Option<String>,

    /// Delete all objects of the types
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub all: bool,

    /// Delete objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// What happens to the objects they own
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true,
        default_missing_value = "background", default_value_t, hide_default_value = true)]
    pub cascade: Cascade,

    /// Seconds to end in; -1 leaves it to the kind
    #[arg(long, value_name = "SECONDS", default_value = "-1", allow_negative_numbers = true)]
    pub grace_period: i64,

    /// With --grace-period=0: do not wait for confirmation that it ended
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub force: bool,

    /// End at once, as --grace-period=1
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub now: bool,

    /// Succeed when an object does not exist [default: true with --all]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        value_parser = parse_flag, action = ArgAction::Set)]
    pub ignore_not_found: Option<bool>,

    /// Ask before deleting
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub interactive: bool,

    /// Wait until the objects are gone
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub wait: bool,

    /// Wait this long; 0 waits as long as it takes
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Namespace of the objects [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Print names only (name)
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<ChangeFormat>,

    /// Send DELETE to this path
    #[arg(long, value_name = "PATH", conflicts_with_all = ["arguments", "filename", "selector", "all"])]
    pub raw: Option<String>,

    #[command(flatten)]
    pub dry_run: DryRunArgs,
}

/// What happens to the objects that an object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cascade {
    /// They go after it
    #[default]
    #[value(alias = "true")]
    Background,
    /// They go before it
    Foreground,
    /// They stay
    #[value(alias = "false")]
    Orphan,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum DeleteError {
    #[error("--now and --grace-period cannot be specified together")]
    NowAndGrace,
    #[error("--force and --grace-period greater than 0 cannot be specified together")]
    ForceAndGrace,
    #[error("unexpected -o output mode: {0:?}. We only support '-o name'")]
    Output(ChangeFormat),
    #[error("timed out waiting for the condition on {0}")]
    Timeout(String),
    #[error("--interactive needs a terminal")]
    NoTerminal,
}

/// Deletes the objects, and waits until they are gone.
pub async fn run(args: DeleteArgs, context: &Context) -> Result<(), CliError> {
    let DeleteArgs {
        arguments,
        files,
        selector,
        field_selector,
        all,
        all_namespaces,
        cascade,
        grace_period,
        force,
        now,
        ignore_not_found,
        interactive,
        wait,
        timeout,
        namespace,
        output,
        raw,
        dry_run: DryRunArgs { dry_run },
    } = args;
    let grace_period = grace(grace_period, force, now).map_err(CliError::failed)?;
    if let Some(format) = output.filter(|format| *format != ChangeFormat::Name) {
        return Err(CliError::failed(DeleteError::Output(format)));
    }
    let session = Session::start(context, "kubectl-delete", dry_run).await?;
    if let Some(path) = raw {
        let answer = session.writer.raw(http::Method::DELETE, &path, None).await?;
        return context.printer.line(&answer.to_string());
    }
    let from_files = !files.is_empty();
    let selection = Selection {
        arguments,
        files,
        labels: selector,
        fields: field_selector,
        all,
        all_namespaces,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        ..Selection::default()
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    let mut failures = selected.failures;
    // As kubectl does: what a file or a name says must be there, what was listed may go by itself.
    let ignores_missing = ignore_not_found.unwrap_or(all || selection.labels.is_some() && !from_files);
    if grace_period == Some(0) && force && !dry_run.is_client() {
        context.printer.progress(
            "Warning: nobody waits for what runs there to end; it may go on running in its cluster.",
        );
    }
    let mut found = selected.found;
    if interactive {
        found = ask(context, found)?;
    }
    let deletion = Deletion {
        propagation: match cascade {
            Cascade::Background => Propagation::Background,
            Cascade::Foreground => Propagation::Foreground,
            Cascade::Orphan => Propagation::Orphan,
        },
        grace_period,
    };
    let mut gone = Vec::new();
    for found in found {
        match delete_one(&session, &found, &deletion).await {
            Ok(uid) => {
                let line = line(&found, output, force && grace_period == Some(0), dry_run.suffix());
                context.printer.line(&line)?;
                gone.push((found, uid));
            }
            Err(error) if ignores_missing && error.is_not_found() => {}
            Err(error) => failures.push(error.into()),
        }
    }
    let is_list = selection.all || selection.labels.is_some() || selection.fields.is_some();
    if is_list && gone.is_empty() && failures.is_empty() {
        context.printer.progress("No resources found");
    }
    if wait && dry_run == crate::change::DryRun::None {
        let timeout = if timeout.is_zero() { FOREVER } else { timeout };
        let deadline = Instant::now() + timeout;
        for (found, uid) in &gone {
            if let Err(error) = wait_until_gone(&session, found, uid.as_deref(), deadline).await {
                failures.push(error);
            }
        }
    }
    conclude(&context.printer, failures)
}

/// Returns the seconds to end in.
fn grace(seconds: i64, force: bool, now: bool) -> Result<Option<u32>, DeleteError> {
    let given = u32::try_from(seconds).ok();
    match (given, now, force) {
        (Some(_), true, _) => Err(DeleteError::NowAndGrace),
        (Some(seconds), false, true) if seconds > 0 => Err(DeleteError::ForceAndGrace),
        // Zero is for force only: the least that asks for an orderly end is one second.
        (Some(0), false, false) | (None, true, false) => Ok(Some(1)),
        (_, _, true) => Ok(Some(0)),
        (given, _, false) => Ok(given),
    }
}

fn line(found: &Found, output: Option<ChangeFormat>, forced: bool, suffix: &str) -> String {
    let kind = lower_kind(&found.kind);
    if output.is_some() {
        return format!("{kind}/{}", found.name);
    }
    let verb = if forced { "force deleted" } else { "deleted" };
    match &found.namespace {
        Some(namespace) => format!("{kind} \"{}\" {verb}{suffix} from {namespace} namespace", found.name),
        None => format!("{kind} \"{}\" {verb}{suffix}", found.name),
    }
}

/// Deletes an object and returns its uid.
async fn delete_one(
    session: &Session,
    found: &Found,
    deletion: &Deletion,
) -> Result<Option<String>, crate::api_error::ApiError> {
    let (writer, namespace) = (&session.writer, found.namespace.as_deref());
    let uid = |object: &Value| object["metadata"]["uid"].as_str().map(str::to_owned);
    if writer.dry_run.is_client() {
        return match &found.object {
            Some(object) => Ok(uid(object)),
            None => Ok(uid(&writer.read(&found.kind, namespace, &found.name).await?)),
        };
    }
    let answer = writer.delete(&found.kind, namespace, &found.name, deletion).await?;
    // The answer is the object while it is going, or a status that names it once it is gone.
    Ok(uid(&answer).or_else(|| answer["details"]["uid"].as_str().map(str::to_owned)))
}

async fn wait_until_gone(
    session: &Session,
    found: &Found,
    uid: Option<&str>,
    deadline: Instant,
) -> Result<(), CliError> {
    loop {
        let object = session.writer.find(&found.kind, found.namespace.as_deref(), &found.name).await;
        let is_gone = match &object {
            Ok(None) => true,
            // Another object of the same name is none of ours.
            Ok(Some(object)) => uid.is_some_and(|uid| object["metadata"]["uid"] != uid),
            // Who may delete may not be allowed to read: then there is nothing to wait for.
            Err(error) => error.code() == Some(403),
        };
        if is_gone {
            return Ok(());
        }
        object?;
        if Instant::now() >= deadline {
            let label = format!("{}/{}", found.kind.plural, found.name);
            return Err(CliError::failed(DeleteError::Timeout(label)));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Shows what would be deleted, and returns it when the user agrees.
fn ask(context: &Context, found: Vec<Found>) -> Result<Vec<Found>, CliError> {
    if found.is_empty() {
        return Ok(found);
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::failed(DeleteError::NoTerminal));
    }
    context.printer.progress("You are about to delete the following resource(s):");
    for found in &found {
        context.printer.progress(&found.label());
    }
    context.printer.progress("Do you want to continue? [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(CliError::failed)?;
    if matches!(answer.trim(), "y" | "Y") {
        return Ok(found);
    }
    context.printer.progress("deletion is cancelled");
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_end_follows_from_three_flags() {
        let check = |seconds, force, now| grace(seconds, force, now).map_err(|error| error.to_string());
        assert_eq!(check(-1, false, false), Ok(None));
        assert_eq!(check(-1, false, true), Ok(Some(1)));
        assert_eq!(check(-1, true, false), Ok(Some(0)));
        assert_eq!(check(0, false, false), Ok(Some(1)));
        assert_eq!(check(0, true, false), Ok(Some(0)));
        assert_eq!(check(30, false, false), Ok(Some(30)));
        assert!(check(30, true, false).unwrap_err().starts_with("--force and --grace-period"));
        assert!(check(30, false, true).unwrap_err().starts_with("--now and --grace-period"));
    }
}
