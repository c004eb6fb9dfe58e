//! Creating what files say.

use clap::{ArgAction, Args};
use serde_json::Value;

use super::super::changes::{ChangePrinter, DryRunArgs, OutputArgs, Session};
use super::super::edit::edit_objects;
use crate::change::{
    FileArgs, Found, LocalObject, Selection, Validation, conclude, parse_flag, place, select, while_doing,
    with_last_applied,
};
use crate::context::Context;
use crate::edit::EditFormat;
use crate::error::CliError;

/// Flags of creation from files.
#[derive(Args, Debug)]
pub struct FromFilesArgs {
    #[command(flatten)]
    pub files: FileArgs,

    /// Create objects of the files with these labels only
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Namespace of objects that name none [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Name of the owner of the fields
    #[arg(long, value_name = "NAME", default_value = "kubectl-create")]
    pub field_manager: String,

    /// Keep each object in an annotation of itself, for apply
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub save_config: bool,

    /// Edit the objects before they are created
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub edit: bool,

    /// What to do about unknown fields: strict, warn or ignore
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "strict",
        default_value = "strict", value_parser = parse_validation)]
    pub validate: Validation,

    /// POST the file to this path
    #[arg(long, value_name = "PATH")]
    pub raw: Option<String>,

    #[command(flatten)]
    pub dry_run: DryRunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum CreateError {
    #[error("must specify one of -f and -k")]
    NoFiles,
    #[error("--raw can only use a single local file or stdin")]
    RawOfMany,
    #[error("--raw and --edit are mutually exclusive")]
    RawAndEdit,
}

/// Reads the word behind `--validate=`.
pub(in crate::commands) fn parse_validation(text: &str) -> Result<Validation, String> {
    match text {
        "strict" | "true" => Ok(Validation::Strict),
        "warn" => Ok(Validation::Warn),
        "ignore" | "false" => Ok(Validation::Ignore),
        _ => {
            Err("invalid - validate option must be one of: strict (or true), warn, ignore (or false)"
                .to_owned())
        }
    }
}

/// Creates the objects.
pub(super) async fn run(args: FromFilesArgs, context: &Context) -> Result<(), CliError> {
    let FromFilesArgs {
        files,
        selector,
        namespace,
        field_manager,
        save_config,
        edit,
        validate,
        raw,
        dry_run: DryRunArgs { dry_run },
        output,
    } = args;
    if files.is_empty() {
        return Err(CliError::failed(CreateError::NoFiles)
            .with_hint("`karmadactl create --help` lists the objects that flags can describe"));
    }
    if raw.is_some() && edit {
        return Err(CliError::failed(CreateError::RawAndEdit));
    }
    let mut session = Session::start(context, &field_manager, dry_run).await?;
    session.writer.validation = validate;
    if let Some(path) = raw {
        let objects = crate::change::read_files(&files)?;
        let [local] = &objects[..] else { return Err(CliError::failed(CreateError::RawOfMany)) };
        let answer = session.writer.raw(http::Method::POST, &path, Some(&local.object)).await?;
        return context.printer.line(&answer.to_string());
    }
    let selection = Selection {
        files,
        labels: selector,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        ..Selection::default()
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    let mut failures = selected.failures;
    let mut printer = ChangePrinter::new(&context.printer, &output, dry_run);
    let found = if edit { edited(context, &session, &selection, selected.found)? } else { selected.found };
    for found in &found {
        let created = create_one(&session, found, save_config).await;
        printer.warn(&session.writer);
        match created {
            Ok(object) => printer.print(&found.kind, &object, "created")?,
            Err(error) => failures.push(error),
        }
    }
    conclude(&context.printer, failures)
}

/// Has the objects edited; what is created is what was saved.
fn edited(
    context: &Context,
    session: &Session,
    selection: &Selection,
    found: Vec<Found>,
) -> Result<Vec<Found>, CliError> {
    let origin = found.first().and_then(|found| found.local.as_ref()).map(|local| local.origin.clone());
    let objects: Vec<Value> =
        found.into_iter().filter_map(|found| found.local).map(|local| local.object).collect();
    let edited = edit_objects(context, &objects, EditFormat::Yaml)?;
    let origin = origin.unwrap_or_default();
    edited
        .into_iter()
        .map(|object| place(&session.discovery, LocalObject { origin: origin.clone(), object }, selection))
        .collect::<Result<_, _>>()
        .map_err(CliError::failed)
}

async fn create_one(session: &Session, found: &Found, save_config: bool) -> Result<Value, CliError> {
    let Some(local) = &found.local else { return Ok(Value::Null) };
    let object = if save_config { with_last_applied(&local.object) } else { local.object.clone() };
    if session.writer.dry_run.is_client() {
        return Ok(object);
    }
    session
        .writer
        .create(&found.kind, found.namespace.as_deref(), &object)
        .await
        .map_err(|error| while_doing(format!("error when creating {:?}", local.origin), error))
}
