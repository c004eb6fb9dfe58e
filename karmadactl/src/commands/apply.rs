//! `karmadactl apply`.

use clap::{ArgAction, Args};
use serde_json::{Value, json};

use super::changes::{ChangePrinter, DryRunArgs, OutputArgs, Session};
use super::create::parse_validation;
use crate::apply::{Applied, ApplyMode, Outcome, apply_object, policy_for};
use crate::change::{
    ChangeFormat, FileArgs, Found, PatchType, Selection, Validation, conclude, hide_managed_fields,
    parse_flag, select,
};
use crate::context::Context;
use crate::error::CliError;
use crate::members;
use crate::printer::DocumentFormat;

const EXAMPLES: &str = "\
Examples:
  # Apply a file
  karmadactl apply -f app.yaml

  # Apply it and propagate each object to two members
  karmadactl apply -f app.yaml --cluster member1,member2

  # Apply a directory and propagate it to all members
  karmadactl apply -f manifests/ --all-clusters

  # Let the server compare, and take over fields of others
  karmadactl apply -f app.yaml --server-side --force-conflicts";

/// Apply files, and propagate what is in them if asked to
///
/// Creates objects, or changes those that are there as far as the file says something else than before. With
/// --all-clusters or --cluster each object gets a policy that carries it to the members.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub files: FileArgs,

    /// Propagate the objects to all members
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub all_clusters: bool,

    /// Propagate the objects to these members, separated by commas (can be repeated)
    #[arg(short = 'C', long, value_name = "CLUSTER", value_delimiter = ',')]
    pub cluster: Vec<String>,

    /// Apply objects of the files with these labels only
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Namespace of objects that name none [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Let the server compare, by the owners of fields
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub server_side: bool,

    /// With --server-side: take over fields that others own
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub force_conflicts: bool,

    /// Name of the owner of the fields [default: kubectl-client-side-apply, with --server-side: kubectl]
    #[arg(long, value_name = "NAME")]
    pub field_manager: Option<String>,

    /// Delete and create again what cannot be changed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub force: bool,

    /// Part of the object to apply, with --server-side
    #[arg(long, value_name = "PART")]
    pub subresource: Option<String>,

    /// What to do about unknown fields: strict, warn or ignore
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "strict",
        default_value = "strict", value_parser = parse_validation)]
    pub validate: Validation,

    #[command(flatten)]
    pub dry_run: DryRunArgs,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
enum ApplyArgsError {
    #[error("must specify one of -f and -k")]
    NoFiles,
    #[error("--all-clusters and --cluster cannot be used together")]
    AllAndSome,
    #[error("cluster {name} does not exist")]
    UnknownCluster { name: String },
    #[error("--force-conflicts only works with --server-side")]
    ForceOnClient,
    #[error("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")]
    DryRunOnClient,
    #[error("--force cannot be used with --server-side")]
    ForceOnServer,
    #[error("--subresource only works with --server-side")]
    PartOnClient,
}

/// Applies the files.
pub async fn run(args: ApplyArgs, context: &Context) -> Result<(), CliError> {
    let ApplyArgs {
        files,
        all_clusters,
        cluster,
        selector,
        namespace,
        server_side,
        force_conflicts,
        field_manager,
        force,
        subresource,
        validate,
        dry_run: DryRunArgs { dry_run },
        output,
    } = args;
    let refuse = |error| Err(CliError::failed(error));
    if files.is_empty() {
        return refuse(ApplyArgsError::NoFiles);
    }
    if all_clusters && !cluster.is_empty() {
        return refuse(ApplyArgsError::AllAndSome);
    }
    if force_conflicts && !server_side {
        return refuse(ApplyArgsError::ForceOnClient);
    }
    if server_side && dry_run.is_client() {
        return refuse(ApplyArgsError::DryRunOnClient);
    }
    if server_side && force {
        return refuse(ApplyArgsError::ForceOnServer);
    }
    if !server_side && subresource.is_some() {
        return refuse(ApplyArgsError::PartOnClient);
    }
    let mode = match (server_side, force_conflicts, force) {
        (false, _, false) => ApplyMode::Client,
        (false, _, true) => ApplyMode::ClientOrAnew,
        (true, false, _) => ApplyMode::Server(PatchType::Apply),
        (true, true, _) => ApplyMode::Server(PatchType::ForceApply),
    };
    let default_manager = if server_side { "kubectl" } else { "kubectl-client-side-apply" };
    let manager = field_manager.unwrap_or_else(|| default_manager.to_owned());
    let session = Session::start(context, &manager, dry_run).await?;
    let session = Session { writer: session.writer.with_validation(validate), ..session };
    check_clusters(&session, &cluster).await?;
    let selection = Selection {
        files,
        labels: selector,
        namespace,
        default_namespace: session.control_plane.namespace.clone(),
        ..Selection::default()
    };
    let selected = select(&session.writer, &session.discovery, &selection).await?;
    let mut failures = selected.failures;
    let mut objects = Vec::new();
    let targets = (all_clusters || !cluster.is_empty()).then_some(cluster.as_slice());
    for found in selected.found {
        let policy = targets.map(|targets| policy_for(&found, targets));
        objects.push(found);
        if let Some(policy) = policy {
            objects.push(policy.place(&session.discovery).map_err(CliError::failed)?);
        }
    }
    let mut report = Report::new(context, &output, dry_run, objects.len());
    for found in &objects {
        let applied = apply_object(&session.writer, found, mode, subresource.as_deref()).await;
        report.changes.warn(&session.writer);
        match applied {
            Ok(applied) => report.add(context, found, applied)?,
            Err(error) => failures.push(error),
        }
    }
    report.finish(context)?;
    conclude(&context.printer, failures)
}

async fn check_clusters(session: &Session, clusters: &[String]) -> Result<(), CliError> {
    if clusters.is_empty() {
        return Ok(());
    }
    let registered = members::clusters(session.writer.client()).await?;
    let known: Vec<&str> = registered.iter().filter_map(|cluster| cluster.metadata.name.as_deref()).collect();
    match clusters.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let hint = if known.is_empty() {
                "no clusters are registered; `karmadactl join` registers one".to_owned()
            } else {
                format!("registered clusters: {}", known.join(", "))
            };
            Err(CliError::failed(ApplyArgsError::UnknownCluster { name: name.clone() }).with_hint(hint))
        }
    }
}

/// Prints a line per object at once, or documents at the end: several as one List.
struct Report<'a> {
    changes: ChangePrinter<'a>,
    document: Option<DocumentFormat>,
    shows_managed_fields: bool,
    several: bool,
    objects: Vec<Value>,
}

impl<'a> Report<'a> {
    fn new(context: &'a Context, output: &OutputArgs, dry_run: crate::change::DryRun, count: usize) -> Self {
        Self {
            changes: ChangePrinter::new(&context.printer, output, dry_run),
            document: output.output.and_then(ChangeFormat::document),
            shows_managed_fields: output.show_managed_fields,
            several: count > 1,
            objects: Vec::new(),
        }
    }

    fn add(&mut self, context: &Context, found: &Found, applied: Applied) -> Result<(), CliError> {
        if applied.outcome == Outcome::ConfiguredWithoutRecord {
            context.printer.progress(&format!(
                "Warning: {}/{} was not made by apply: what the file no longer says cannot be told from what others \
                 have set. It is remembered from now on.",
                found.kind.plural, found.name
            ));
        }
        if self.document.is_none() {
            return self.changes.print(&found.kind, &applied.object, applied.outcome.word());
        }
        let mut object = applied.object;
        if !self.shows_managed_fields {
            hide_managed_fields(&mut object);
        }
        self.objects.push(object);
        Ok(())
    }

    fn finish(self, context: &Context) -> Result<(), CliError> {
        let Some(format) = self.document else { return Ok(()) };
        let mut objects = self.objects;
        match (objects.pop(), self.several) {
            (None, _) => Ok(()),
            (Some(object), false) => context.printer.document(&object, format),
            (Some(last), true) => {
                objects.push(last);
                let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects });
                context.printer.document(&list, format)
            }
        }
    }
}
