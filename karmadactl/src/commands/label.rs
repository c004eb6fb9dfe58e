//! `karmadactl label`, and what `annotate` shares with it.

use clap::{ArgAction, Args};
use serde_json::Value;

use super::changes::{ChangePrinter, DryRunArgs, OutputArgs, Session};
use crate::change::{
    DryRun, FileArgs, Found, MetadataChange, MetadataField, PatchType, Selection, Unnamed, conclude,
    merge_patch_between, parse_flag, select,
};
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Set a label of a cluster
  karmadactl label cluster member1 env=prod

  # Change one that is there, and remove another
  karmadactl label cluster member1 env=test tier- --overwrite

  # Label all deployments of the namespace
  karmadactl label deployments --all team=web

  # See the labels
  karmadactl label cluster member1 --list";

/// Set or remove labels of objects
///
/// KEY=VALUE sets a label, KEY- removes it.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct LabelArgs {
    #[command(flatten)]
    pub metadata: MetadataArgs,

    /// Name of the owner of the labels
    #[arg(long, value_name = "NAME", default_value = "kubectl-label")]
    pub field_manager: String,
}

/// What `label` and `annotate` understand.
#[derive(Args, Debug)]
pub struct MetadataArgs {
    /// TYPE NAME... or TYPE/NAME..., then KEY=VALUE and KEY- for each change
    #[arg(value_name = "TYPE NAME KEY=VALUE")]
    pub arguments: Vec<String>,

    #[command(flatten)]
    pub files: FileArgs,

    /// Change values that are there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub overwrite: bool,

    /// Print what is there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub list: bool,

    /// Change what the files say and print it, without a server
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub local: bool,

    /// Change all objects of the types
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub all: bool,

    /// Change objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Change objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Change objects with these fields
    #[arg(long, value_name = "SELECTOR")]
    pub field_selector: Option<String>,

    /// Change the object only if this is its version
    #[arg(long, value_name = "VERSION")]
    pub resource_version: Option<String>,

    /// Namespace of the objects [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    #[command(flatten)]
    pub dry_run: DryRunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum MetadataArgsError {
    #[error("--resource-version may only be used with a single resource")]
    VersionOfMany,
    #[error("one or more files must be specified as -f when --local is set")]
    LocalWithoutFiles,
    #[error("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")]
    LocalOnServer,
}

/// Changes labels.
pub async fn run(args: LabelArgs, context: &Context) -> Result<(), CliError> {
    let LabelArgs { metadata, field_manager } = args;
    change(metadata, &field_manager, MetadataField::Labels, context).await
}

/// Changes labels or annotations.
pub(super) async fn change(
    args: MetadataArgs,
    field_manager: &str,
    field: MetadataField,
    context: &Context,
) -> Result<(), CliError> {
    let MetadataArgs {
        arguments,
        files,
        overwrite,
        list,
        local,
        all,
        all_namespaces,
        selector,
        field_selector,
        resource_version,
        namespace,
        dry_run: DryRunArgs { dry_run },
        output,
    } = args;
    let (resources, changes) = MetadataChange::split(&arguments);
    let change = match MetadataChange::parse(field, &changes) {
        Ok(change) => change,
        Err(_) if list && changes.is_empty() => MetadataChange::default(),
        Err(error) => return Err(CliError::failed(error)),
    };
    let mut printer = ChangePrinter::new(&context.printer, &output, dry_run);
    if local {
        if files.is_empty() {
            return Err(CliError::failed(MetadataArgsError::LocalWithoutFiles));
        }
        if dry_run == DryRun::Server {
            return Err(CliError::failed(MetadataArgsError::LocalOnServer));
        }
        return change_files(&files, &change, field, overwrite, &mut printer);
    }
    let session = Session::start(context, field_manager, dry_run).await?;
    let selection = Selection {
        arguments: resources,
        files,
        labels: selector,
        fields: field_selector,
        all,
        all_namespaces,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        unnamed: if list { Unnamed::All } else { Unnamed::Refused },
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    let mut failures = selected.failures;
    if resource_version.is_some() && selected.found.len() > 1 {
        return Err(CliError::failed(MetadataArgsError::VersionOfMany));
    }
    for found in &selected.found {
        let result =
            change_one(&session, found, &change, field, overwrite, resource_version.as_deref()).await;
        match result {
            Ok((object, verb)) => {
                printer.warn(&session.writer);
                if list {
                    print_list(context, found, &object, field, selected.found.len() > 1)?;
                }
                if !list || !changes.is_empty() {
                    printer.print(&found.kind, &object, verb)?;
                }
            }
            Err(error) => failures.push(error),
        }
    }
    conclude(&context.printer, failures)
}

async fn change_one(
    session: &Session,
    found: &Found,
    change: &MetadataChange,
    field: MetadataField,
    overwrite: bool,
    resource_version: Option<&str>,
) -> Result<(Value, &'static str), CliError> {
    let writer = &session.writer;
    let current = found.read(writer).await?;
    if !overwrite {
        change.check_overwrite(field, &current).map_err(CliError::failed)?;
    }
    let patch = change.to_patch(field, resource_version);
    let wanted = patched(&current, change, field);
    let verb = verb(field, change, &current, &wanted);
    if writer.dry_run.is_client() || verb.is_unchanged() {
        return Ok((wanted, verb.0));
    }
    let object = writer
        .patch(&found.kind, found.namespace.as_deref(), &found.name, None, PatchType::Merge, &patch)
        .await?;
    Ok((object, verb.0))
}

/// What was done, in a word.
struct Verb(&'static str);

impl Verb {
    fn is_unchanged(&self) -> bool {
        self.0 == "not labeled"
    }
}

fn verb(field: MetadataField, change: &MetadataChange, before: &Value, after: &Value) -> Verb {
    let is_changed = merge_patch_between(before, after).is_some();
    match field {
        // Annotations are always said to be set, whatever was there.
        MetadataField::Annotations => Verb("annotated"),
        MetadataField::Labels if !is_changed => Verb("not labeled"),
        MetadataField::Labels if change.set.is_empty() => Verb("unlabeled"),
        MetadataField::Labels => Verb("labeled"),
    }
}

/// Returns an object with the change in it.
fn patched(object: &Value, change: &MetadataChange, field: MetadataField) -> Value {
    let mut object = object.clone();
    let fields = &mut object["metadata"][field.field()];
    for (key, value) in &change.set {
        fields[key] = Value::String(value.clone());
    }
    if let Some(fields) = fields.as_object_mut() {
        for key in &change.removed {
            fields.remove(key);
        }
    }
    if object["metadata"][field.field()].is_null()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove(field.field());
    }
    object
}

fn change_files(
    files: &FileArgs,
    change: &MetadataChange,
    field: MetadataField,
    overwrite: bool,
    printer: &mut ChangePrinter<'_>,
) -> Result<(), CliError> {
    for local in crate::change::read_files(files)? {
        if !overwrite {
            change.check_overwrite(field, &local.object).map_err(CliError::failed)?;
        }
        let wanted = patched(&local.object, change, field);
        let kind = local_kind(&local.object);
        printer.print(&kind, &wanted, verb(field, change, &local.object, &wanted).0)?;
    }
    Ok(())
}

/// The kind of an object, as far as the object says it.
pub(super) fn local_kind(object: &Value) -> crate::discovery::ResourceKind {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    crate::discovery::ResourceKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: object["kind"].as_str().unwrap_or_default().to_owned(),
        ..crate::discovery::ResourceKind::default()
    }
}

fn print_list(
    context: &Context,
    found: &Found,
    object: &Value,
    field: MetadataField,
    several: bool,
) -> Result<(), CliError> {
    let mut indent = "";
    if several {
        let what = if field == MetadataField::Labels { "labels" } else { "annotations" };
        context
            .printer
            .line(&format!("Listing {what} for {}.{}/{}:", found.kind.kind, found.kind.group, found.name))?;
        indent = " ";
    }
    for (key, value) in object["metadata"][field.field()].as_object().into_iter().flatten() {
        context.printer.line(&format!("{indent}{key}={}", value.as_str().unwrap_or_default()))?;
    }
    Ok(())
}
