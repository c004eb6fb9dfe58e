//! `karmadactl edit`.

use clap::{ArgAction, Args};
use serde_json::Value;

use super::changes::{ChangePrinter, OutputArgs, Session};
use super::create::parse_validation;
use crate::change::{
    ChangeFormat, DryRun, FileArgs, Found, Selection, Unnamed, Validation, conclude, hide_managed_fields,
    parse_flag, select,
};
use crate::context::Context;
use crate::edit::{
    Buffer, EditFormat, Edited, Record, SaveError, compose, editor_command, is_same, parse, save,
    with_problems,
};
use crate::error::{CliError, ErrorKind};

const EXAMPLES: &str = "\
Examples:
  # Edit a policy
  karmadactl edit propagationpolicy web

  # Edit in another editor
  KUBE_EDITOR=\"code --wait\" karmadactl edit deployment web

  # Edit several objects in one file, as JSON
  karmadactl edit configmap/a configmap/b -o json";

/// Edit objects in an editor
///
/// Opens the editor of KUBE_EDITOR or EDITOR, else vi. What the server refuses is opened again with its reason.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct EditArgs {
    /// TYPE NAME... or TYPE/NAME...
    #[arg(value_name = "TYPE NAME")]
    pub arguments: Vec<String>,

    #[command(flatten)]
    pub files: FileArgs,

    /// Part of the object to edit, such as status
    #[arg(long, value_name = "PART")]
    pub subresource: Option<String>,

    /// Namespace of the objects [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Language of the file
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: EditFormat,

    /// Print the patch that is sent
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub output_patch: bool,

    /// Keep the object in an annotation of itself, for apply
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub save_config: bool,

    /// Show the owners of fields
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub show_managed_fields: bool,

    /// What to do about unknown fields: strict, warn or ignore
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "strict",
        default_value = "strict", value_parser = parse_validation)]
    pub validate: Validation,

    /// Name of the owner of the fields
    #[arg(long, value_name = "NAME", default_value = "kubectl-edit")]
    pub field_manager: String,
}

/// An edit that ended without a change.
#[derive(Debug, thiserror::Error)]
enum EditError {
    #[error("Edit cancelled, no valid changes were saved.\n{0}")]
    NoValidChange(String),
    #[error("the saved file has {saved} objects, there were {opened}")]
    Count { saved: usize, opened: usize },
}

/// Edits the objects.
pub async fn run(args: EditArgs, context: &Context) -> Result<(), CliError> {
    let EditArgs {
        arguments,
        files,
        subresource,
        namespace,
        output,
        output_patch,
        save_config,
        show_managed_fields,
        validate,
        field_manager,
    } = args;
    let mut session = Session::start(context, &field_manager, DryRun::None).await?;
    session.writer.validation = validate;
    let selection = Selection {
        arguments,
        files,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        unnamed: Unnamed::All,
        ..Selection::default()
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    conclude(&context.printer, selected.failures)?;
    let mut originals = Vec::new();
    for found in &selected.found {
        let mut object = session
            .writer
            .read_part(&found.kind, found.namespace.as_deref(), &found.name, subresource.as_deref())
            .await
            .map_err(|error| session.control_plane.explain(error))?;
        if !show_managed_fields {
            hide_managed_fields(&mut object);
        }
        originals.push(object);
    }
    if originals.is_empty() {
        context.printer.progress("Edit cancelled, no objects found.");
        return Ok(());
    }
    let editing = Editing {
        session: &session,
        found: &selected.found,
        originals,
        subresource: subresource.as_deref(),
        record: if save_config { Record::Kept } else { Record::NotKept },
        prints_patch: output_patch,
    };
    let buffer = Buffer::create(editor_command(), output.extension()).map_err(CliError::failed)?;
    match editing.edit(context, &buffer, output).await {
        Err(error) if error.kind() == ErrorKind::Failed => {
            let path = buffer.path().display().to_string();
            Err(error.with_hint(format!("your changes are kept in {path}")))
        }
        result => {
            buffer.remove();
            result
        }
    }
}

struct Editing<'a> {
    session: &'a Session,
    found: &'a [Found],
    originals: Vec<Value>,
    subresource: Option<&'a str>,
    record: Record,
    prints_patch: bool,
}

impl Editing<'_> {
    /// Opens the editor until everything is saved, or the user gives up.
    async fn edit(&self, context: &Context, buffer: &Buffer, format: EditFormat) -> Result<(), CliError> {
        let mut text = compose(&self.originals, format, &[])?;
        let mut problems: Vec<String> = Vec::new();
        let mut done = vec![false; self.found.len()];
        loop {
            let saved = buffer.edit(&text).map_err(CliError::failed)?;
            if is_same(&saved, &text) {
                if problems.is_empty() {
                    context.printer.progress("Edit cancelled, no changes made.");
                    return Ok(());
                }
                return Err(CliError::failed(EditError::NoValidChange(problems.join("\n"))));
            }
            problems = match parse(&saved) {
                Ok(objects) if objects.is_empty() => {
                    context.printer.progress("Edit cancelled, saved file was empty.");
                    return Ok(());
                }
                Ok(objects) if objects.len() != self.originals.len() => {
                    let (saved, opened) = (objects.len(), self.originals.len());
                    vec![EditError::Count { saved, opened }.to_string()]
                }
                Ok(objects) => self.save_all(context, &objects, &mut done).await?,
                Err(error) => vec![error.to_string()],
            };
            if problems.is_empty() {
                return Ok(());
            }
            text = with_problems(&saved, &problems);
        }
    }

    /// Saves every object that is not saved yet, and returns what the server refuses.
    async fn save_all(
        &self,
        context: &Context,
        edited: &[Value],
        done: &mut [bool],
    ) -> Result<Vec<String>, CliError> {
        let quiet = OutputArgs { output: None::<ChangeFormat>, show_managed_fields: false };
        let mut printer = ChangePrinter::new(&context.printer, &quiet, DryRun::None);
        let mut problems = Vec::new();
        for (index, (found, original)) in self.found.iter().zip(&self.originals).enumerate() {
            let Some(edited) = edited.get(index).filter(|_| !done[index]) else { continue };
            let writer = &self.session.writer;
            let saved = save(writer, found, self.subresource, original, edited, self.record).await;
            printer.warn(writer);
            match saved {
                Ok(Edited::Unchanged) => printer.print(&found.kind, original, "skipped")?,
                Ok(Edited::Changed { patch, object }) => {
                    if self.prints_patch {
                        context.printer.line(&format!("Patch: {patch}"))?;
                    }
                    printer.print(&found.kind, &object, "edited")?;
                }
                // What is refused may be put right; where nobody answers, editing again is no help.
                Err(SaveError::Api(error)) if error.reason().is_none() => {
                    return Err(self.session.control_plane.explain(error));
                }
                Err(error) => {
                    problems.push(format!("{} was not saved: {error}", found.label()));
                    continue;
                }
            }
            done[index] = true;
        }
        Ok(problems)
    }
}

/// Has objects edited before they are created; none when the user gave up.
pub(super) fn edit_objects(
    context: &Context,
    objects: &[Value],
    format: EditFormat,
) -> Result<Vec<Value>, CliError> {
    let buffer = Buffer::create(editor_command(), format.extension()).map_err(CliError::failed)?;
    let mut text = compose(objects, format, &[])?;
    let mut problem: Option<String> = None;
    let edited = loop {
        let saved = buffer.edit(&text).map_err(CliError::failed)?;
        match (parse(&saved), problem.take()) {
            (Ok(objects), _) => break objects,
            (Err(error), Some(before)) if error.to_string() == before && is_same(&saved, &text) => {
                return Err(CliError::failed(EditError::NoValidChange(before)));
            }
            (Err(error), _) => {
                text = with_problems(&saved, &[error.to_string()]);
                problem = Some(error.to_string());
            }
        }
    };
    buffer.remove();
    if edited.is_empty() {
        context.printer.progress("Edit cancelled, saved file was empty.");
    }
    Ok(edited)
}
