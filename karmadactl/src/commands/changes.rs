//! What the commands that write have in common.

use clap::ArgAction;
use clap::Args;
use serde_json::Value;

use crate::change::{ChangeFormat, DryRun, Writer, hide_managed_fields, parse_dry_run, parse_flag};
use crate::context::{Context, ControlPlane};
use crate::discovery::{Discovery, ResourceKind};
use crate::error::CliError;
use crate::printer::Printer;

/// How far the change goes.
#[derive(Args, Clone, Debug)]
pub struct DryRunArgs {
    /// Send nothing (client), or have it checked and not kept (server); none makes the change
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "unchanged",
        default_value = "none", hide_default_value = true, value_parser = parse_dry_run)]
    pub dry_run: DryRun,
}

/// What is printed.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// Print the object (yaml, json) or its name instead of a line about it
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<ChangeFormat>,

    /// Keep the owners of fields in printed objects
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub show_managed_fields: bool,
}

/// A control plane with what it can do.
pub(super) struct Session {
    pub control_plane: ControlPlane,
    pub discovery: Discovery,
    pub writer: Writer,
}

impl Session {
    /// Connects, and asks what the server has.
    pub(super) async fn start(
        context: &Context,
        field_manager: &str,
        dry_run: DryRun,
    ) -> Result<Self, CliError> {
        if let Some(warning) = dry_run.warning() {
            context.printer.warning(warning);
        }
        let control_plane = context.connection.connect().await?;
        let client = control_plane.client.clone();
        let discovery = Discovery::of(&client).await.map_err(|error| control_plane.explain(error))?;
        let writer = Writer::new(client, field_manager).with_dry_run(dry_run);
        Ok(Self { control_plane, discovery, writer })
    }
}

/// Prints what became of objects.
pub(super) struct ChangePrinter<'a> {
    printer: &'a Printer,
    format: Option<ChangeFormat>,
    shows_managed_fields: bool,
    suffix: &'static str,
    printed: usize,
}

impl<'a> ChangePrinter<'a> {
    pub(super) fn new(printer: &'a Printer, output: &OutputArgs, dry_run: DryRun) -> Self {
        Self {
            printer,
            format: output.output,
            shows_managed_fields: output.show_managed_fields,
            suffix: dry_run.suffix(),
            printed: 0,
        }
    }

    /// Passes on what the server warned of.
    pub(super) fn warn(&self, writer: &Writer) {
        for warning in writer.take_warnings() {
            self.printer.progress(&format!("Warning: {warning}"));
        }
    }

    /// Prints one object: a line with what was done, its name, or all of it.
    pub(super) fn print(&mut self, kind: &ResourceKind, object: &Value, verb: &str) -> Result<(), CliError> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let label = format!("{}/{name}", lower_kind(kind));
        let format = match self.format {
            None => return self.printer.line(&format!("{label} {verb}{}", self.suffix)),
            Some(ChangeFormat::Name) => return self.printer.line(&label),
            Some(ChangeFormat::Json) => crate::printer::DocumentFormat::Json,
            Some(ChangeFormat::Yaml) => crate::printer::DocumentFormat::Yaml,
        };
        let mut object = object.clone();
        if !self.shows_managed_fields {
            hide_managed_fields(&mut object);
        }
        if self.printed > 0 && format == crate::printer::DocumentFormat::Yaml {
            self.printer.line("---")?;
        }
        self.printed += 1;
        self.printer.document(&object, format)
    }
}

/// `deployment.apps`, as lines about changes name a kind.
pub(super) fn lower_kind(kind: &ResourceKind) -> String {
    let name = kind.kind.to_lowercase();
    if kind.group.is_empty() { name } else { format!("{name}.{}", kind.group) }
}
