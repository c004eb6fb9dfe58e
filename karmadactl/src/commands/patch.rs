//! `karmadactl patch`.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use karmada_apiserver::patch::{json_patch, merge_patch, strategic_merge_patch};
use serde_json::Value;

use super::changes::{ChangePrinter, DryRunArgs, OutputArgs, Session};
use super::label::local_kind;
use crate::change::{
    DryRun, FileArgs, Found, PatchType, Selection, conclude, parse_flag, patch_schema, read_files, select,
};
use crate::context::Context;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  # Change some fields
  karmadactl patch deployment web -p '{\"spec\":{\"replicas\":3}}'

  # The same in YAML, from a file
  karmadactl patch deployment web --patch-file change.yaml

  # Replace one value by its path
  karmadactl patch deployment web --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]'

  # Change the replicas through the scale subresource
  karmadactl patch deployment web --subresource=scale --type=merge -p '{\"spec\":{\"replicas\":3}}'";

/// Change fields of objects by a patch
///
/// Patches are JSON or YAML. A strategic patch merges lists by their keys; kinds of CustomResourceDefinitions know
/// merge and json patches only.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct PatchArgs {
    /// TYPE NAME... or TYPE/NAME...
    #[arg(value_name = "TYPE NAME")]
    pub arguments: Vec<String>,

    #[command(flatten)]
    pub files: FileArgs,

    /// The patch
    #[arg(short, long, value_name = "PATCH")]
    pub patch: Option<String>,

    /// File with the patch
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub patch_file: Option<PathBuf>,

    /// How the patch is to be understood
    #[arg(long = "type", value_enum, value_name = "TYPE", default_value_t)]
    pub patch_type: PatchTypeArg,

    /// Part of the object to change, such as status or scale
    #[arg(long, value_name = "PART")]
    pub subresource: Option<String>,

    /// Change what the files say and print it, without a server
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub local: bool,

    /// Namespace of the objects [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Name of the owner of the fields
    #[arg(long, value_name = "NAME", default_value = "kubectl-patch")]
    pub field_manager: String,

    #[command(flatten)]
    pub dry_run: DryRunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PatchTypeArg {
    /// A list of operations with paths
    Json,
    /// Fields to set, null to remove
    Merge,
    /// As merge, with lists merged by their keys
    #[default]
    Strategic,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum PatchArgsError {
    #[error("must specify --patch or --patch-file containing the contents of the patch")]
    NoPatch,
    #[error("cannot specify --patch and --patch-file together")]
    TwoPatches,
    #[error("unable to read patch file: {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("unable to parse {text:?}: {message}")]
    Syntax { text: String, message: String },
    #[error("cannot specify --local and --dry-run=server - did you mean --dry-run=client?")]
    LocalOnServer,
    #[error("one or more files must be specified as -f when --local is set")]
    LocalWithoutFiles,
    #[error("strategic merge patch is not supported for {kind} in {api_version} locally, try --type merge")]
    NoSchema { api_version: String, kind: String },
}

/// Changes the objects.
pub async fn run(args: PatchArgs, context: &Context) -> Result<(), CliError> {
    let PatchArgs {
        arguments,
        files,
        patch,
        patch_file,
        patch_type,
        subresource,
        local,
        namespace,
        field_manager,
        dry_run: DryRunArgs { dry_run },
        output,
    } = args;
    let patch = read_patch(patch, patch_file).map_err(CliError::failed)?;
    let mut printer = ChangePrinter::new(&context.printer, &output, dry_run);
    if local {
        if dry_run == DryRun::Server {
            return Err(CliError::failed(PatchArgsError::LocalOnServer));
        }
        if files.is_empty() {
            return Err(CliError::failed(PatchArgsError::LocalWithoutFiles));
        }
        for local in read_files(&files)? {
            let patched = patch_here(&local.object, patch_type, &patch)?;
            printer.print(&local_kind(&local.object), &patched, verb(&local.object, &patched))?;
        }
        return Ok(());
    }
    let session = Session::start(context, &field_manager, dry_run).await?;
    let selection = Selection {
        arguments,
        files,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        ..Selection::default()
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    let mut failures = selected.failures;
    for found in &selected.found {
        match patch_one(&session, found, subresource.as_deref(), patch_type, &patch).await {
            Ok((before, after)) => {
                printer.warn(&session.writer);
                printer.print(&found.kind, &after, verb(&before, &after))?;
            }
            Err(error) => failures.push(error),
        }
    }
    conclude(&context.printer, failures)
}

/// Returns the object before and after.
async fn patch_one(
    session: &Session,
    found: &Found,
    subresource: Option<&str>,
    patch_type: PatchTypeArg,
    patch: &Value,
) -> Result<(Value, Value), CliError> {
    let writer = &session.writer;
    let namespace = found.namespace.as_deref();
    let before = writer.read_part(&found.kind, namespace, &found.name, subresource).await?;
    if writer.dry_run.is_client() {
        let after = patch_here(&before, patch_type, patch)?;
        return Ok((before, after));
    }
    let kind_of_patch = match patch_type {
        PatchTypeArg::Json => PatchType::Json,
        PatchTypeArg::Merge => PatchType::Merge,
        PatchTypeArg::Strategic => PatchType::Strategic,
    };
    let after = writer.patch(&found.kind, namespace, &found.name, subresource, kind_of_patch, patch).await;
    match after {
        Ok(after) => Ok((before, after)),
        Err(error) if error.code() == Some(415) && patch_type == PatchTypeArg::Strategic => {
            Err(CliError::from(error).with_hint("kinds of CustomResourceDefinitions take --type=merge"))
        }
        Err(error) => Err(error.into()),
    }
}

fn verb(before: &Value, after: &Value) -> &'static str {
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    let is_same = if version(after).is_null() {
        before == after
    } else {
        version(before) == version(after) && before == after
    };
    if is_same { "patched (no change)" } else { "patched" }
}

/// Patches an object in this program.
fn patch_here(object: &Value, patch_type: PatchTypeArg, patch: &Value) -> Result<Value, CliError> {
    match patch_type {
        PatchTypeArg::Json => json_patch(object, patch),
        PatchTypeArg::Merge => merge_patch(object, patch),
        PatchTypeArg::Strategic => {
            let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
            let (api_version, kind) = (text("apiVersion"), text("kind"));
            let Some(schema) = patch_schema(&api_version, &kind) else {
                return Err(CliError::failed(PatchArgsError::NoSchema { api_version, kind }));
            };
            strategic_merge_patch(object, patch, &schema)
        }
    }
    .map_err(CliError::failed)
}

fn read_patch(patch: Option<String>, file: Option<PathBuf>) -> Result<Value, PatchArgsError> {
    let text = match (patch, file) {
        (Some(_), Some(_)) => return Err(PatchArgsError::TwoPatches),
        (None, None) => return Err(PatchArgsError::NoPatch),
        (Some(text), None) => text,
        (None, Some(path)) => {
            std::fs::read_to_string(&path).map_err(|source| PatchArgsError::File { path, source })?
        }
    };
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(&text, options)
        .map_err(|error| PatchArgsError::Syntax { message: error.without_snippet().to_string(), text })
}
