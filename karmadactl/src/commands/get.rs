//! `karmadactl get`.

use std::time::Duration;

use clap::{ArgAction, Args};
use serde_json::{Value, json};

use crate::change::{hide_managed_fields, parse_flag};
use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::get::{
    CONTROL_PLANE, Change, Content, Failure, Fetched, GetError, GetOutput, GetRequest, Missing,
    NamespaceChoice, OperationScope, OutputChoice, Part, Representation, Shown, Source, Watched, fetch,
    merge_objects, merge_tables, names, parse_output, parse_sort_path, parse_targets, row_of, sort_parts,
    sources, watch as follow_changes,
};
use crate::output::{JsonPath, JsonPathError, MissingKeys};
use crate::printer::DocumentFormat;
use crate::table::{Heading, Table, Widths};

/// Status code of a watch that goes back further than the server remembers.
const HISTORY_GONE: u16 = 410;

const EXAMPLES: &str = "\
Examples:
  # List the deployments of the control plane
  karmadactl get deployments

  # List them in all member clusters
  karmadactl get deployments --operation-scope members

  # List them in the control plane and in two members, with more columns
  karmadactl get deployments --operation-scope all --clusters member1,member2 -o wide

  # Read one object of one member as YAML
  karmadactl get deployment/nginx --operation-scope members -C member1 -o yaml

  # Follow the clusters
  karmadactl get clusters -w";

/// Display objects of the control plane and of member clusters
///
/// The column CLUSTER says where an object is. ADOPTION says whether Karmada manages it there (Y or N). A cluster that
/// does not answer is reported on stderr next to what the others answered, and the exit code is 3.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct GetArgs {
    /// What to display: TYPE[.VERSION][.GROUP][,TYPE] [NAME...], or TYPE/NAME...
    #[arg(value_name = "TYPE")]
    pub resources: Vec<String>,

    /// Member clusters to ask, separated by commas (can be repeated) [default: all]
    #[arg(short = 'C', long, value_name = "CLUSTER", value_delimiter = ',')]
    pub clusters: Vec<String>,

    /// Clusters to ask
    #[arg(short = 's', long, value_enum, value_name = "SCOPE", default_value_t)]
    pub operation_scope: OperationScope,

    /// Display objects with these labels only
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub labels: Option<String>,

    /// Namespace to look in [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Look in all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Output format: wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=HEADER:PATH,...,
    /// go-template=TEMPLATE, or one of the last three with -file and a path
    #[arg(short, long, value_name = "FORMAT", value_parser = parse_output)]
    pub output: Option<OutputChoice>,

    /// Go template, or the path of one, for -o go-template and -o go-template-file
    #[arg(long, value_name = "TEMPLATE")]
    pub template: Option<String>,

    /// Leave out what a template asks for and an object does not have
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "true", value_parser = parse_flag, action = ArgAction::Set)]
    pub allow_missing_template_keys: bool,

    /// Order by the value at this path, such as .metadata.creationTimestamp
    #[arg(long, value_name = "PATH")]
    pub sort_by: Option<String>,

    /// Labels to display in columns of their own, separated by commas (can be repeated)
    #[arg(short = 'L', long, value_name = "LABEL", value_delimiter = ',')]
    pub label_columns: Vec<String>,

    /// Follow changes after the list; in one cluster only
    #[arg(short, long)]
    pub watch: bool,

    /// Follow changes without a list first; in one cluster only
    #[arg(long)]
    pub watch_only: bool,

    /// Display what happened to a watched object: ADDED, MODIFIED or DELETED
    #[arg(long)]
    pub output_watch_events: bool,

    /// Display the type in front of every name
    #[arg(long)]
    pub show_kind: bool,

    /// Keep the owners of fields in printed objects
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub show_managed_fields: bool,

    /// Succeed when a named object does not exist
    #[arg(long)]
    pub ignore_not_found: bool,

    /// Leave out the headings
    #[arg(long)]
    pub no_headers: bool,

    /// Display all labels in a last column
    #[arg(long)]
    pub show_labels: bool,

    /// Wait this long for one cluster
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub request_timeout: Duration,
}

/// How the answer is printed.
struct Style {
    output: GetOutput,
    heading: Heading,
    shown: Shown,
    missing_keys: MissingKeys,
    shows_managed_fields: bool,
    shows_events: bool,
    sort_by: Option<JsonPath>,
}

/// What is printed first when changes are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    List,
    Nothing,
}

/// Reads and prints.
pub async fn run(args: GetArgs, context: &Context) -> Result<(), CliError> {
    let GetArgs {
        resources,
        clusters,
        operation_scope,
        labels,
        namespace,
        all_namespaces,
        output,
        template,
        allow_missing_template_keys,
        sort_by,
        label_columns,
        watch,
        watch_only,
        output_watch_events,
        show_kind,
        show_managed_fields,
        ignore_not_found,
        no_headers,
        show_labels,
        request_timeout,
    } = args;
    let targets = parse_targets(&resources).map_err(explain)?;
    if labels.is_some() && targets.iter().any(|target| !target.names.is_empty()) {
        return Err(CliError::usage(GetError::NameAndSelector));
    }
    let output = output.unwrap_or_default().load(template).map_err(CliError::failed)?;
    let sort_by = sort_by.filter(|path| !path.is_empty());
    let sort_by = sort_by.map(|path| parse_sort_path(&path)).transpose().map_err(CliError::failed)?;
    let watch = watch || watch_only;
    let one_kind = matches!(&targets[..], [target] if target.names.len() <= 1 && target.type_name != "all");
    if watch && !one_kind {
        return Err(CliError::usage(WatchError::SeveralKinds));
    }
    if output_watch_events && !watch {
        return Err(CliError::usage(WatchError::EventsOfNothing));
    }
    let by_name = matches!(&targets[..], [target] if target.names.len() == 1);
    let control_plane = context.connection.connect().await?;
    let namespace = if all_namespaces {
        NamespaceChoice::All
    } else {
        NamespaceChoice::One(namespace.unwrap_or_else(|| control_plane.namespace.clone()))
    };
    let request = GetRequest {
        targets,
        namespace,
        label_selector: labels,
        representation: match output {
            GetOutput::Table | GetOutput::Wide | GetOutput::Name if sort_by.is_some() => {
                Representation::TableWithObjects
            }
            GetOutput::Table | GetOutput::Wide | GetOutput::Name => Representation::Table,
            _ => Representation::Objects,
        },
        missing: if ignore_not_found { Missing::Ignored } else { Missing::Fails },
        timeout: request_timeout,
    };
    let sources =
        sources(&control_plane.client, operation_scope, &clusters).await.map_err(|error| match error {
            GetError::Clusters(error) if error.is_unreachable() => control_plane.explain(error),
            error => explain(error),
        })?;
    if watch && sources.len() != 1 {
        return Err(CliError::usage(WatchError::SeveralClusters).with_hint("choose one with --clusters NAME"));
    }
    let mut style = Style {
        heading: if no_headers { Heading::Hidden } else { Heading::Shown },
        shown: Shown { labels: show_labels, label_columns, types: show_kind, ..Shown::default() },
        missing_keys: if allow_missing_template_keys { MissingKeys::Ignored } else { MissingKeys::Refused },
        shows_managed_fields: show_managed_fields,
        shows_events: output_watch_events,
        sort_by,
        output,
    };
    let Fetched { mut parts, failures } = fetch(&sources, &request).await;
    style.complete(&mut parts, &request.namespace);
    if watch && failures.is_empty() {
        let beginning = if watch_only { Beginning::Nothing } else { Beginning::List };
        return follow(context, &sources[0], &parts, &request, &style, beginning).await;
    }
    let answered = parts.len();
    print(context, parts, &request.namespace, by_name, &style)?;
    if answered == 0 && failures.is_empty() && sources.is_empty() {
        context.printer.progress("No clusters are registered.");
        context.printer.hint("`karmadactl join NAME --cluster-kubeconfig PATH` registers one");
    }
    report(failures, answered, &control_plane.server)
}

impl Style {
    /// Takes from what was read which columns there are, and puts it in the order that is wanted.
    fn complete(&mut self, parts: &mut [Part], namespace: &NamespaceChoice) {
        let found = Shown::for_parts(parts, namespace);
        self.shown.types |= found.types;
        self.shown.namespaces = found.namespaces;
        self.shown.wide = self.output == GetOutput::Wide;
        if let Some(path) = &self.sort_by {
            sort_parts(parts, path);
        }
        if !self.shows_managed_fields {
            for part in parts {
                if let Content::Objects(objects) = &mut part.content {
                    objects.iter_mut().for_each(hide_managed_fields);
                }
            }
        }
    }
}

fn print(
    context: &Context,
    parts: Vec<Part>,
    namespace: &NamespaceChoice,
    by_name: bool,
    style: &Style,
) -> Result<(), CliError> {
    let printer = &context.printer;
    match &style.output {
        GetOutput::Name => names(&parts).iter().try_for_each(|name| printer.line(name)),
        GetOutput::Table | GetOutput::Wide => {
            let tables = merge_tables(&parts, &style.shown);
            for (index, table) in tables.iter().enumerate() {
                if index > 0 {
                    printer.line("")?;
                }
                printer.data(&table.render_with(&mut Widths::default(), style.heading))?;
            }
            if tables.is_empty() && !parts.is_empty() {
                let namespaced =
                    parts.iter().any(|part| part.kind.scope == crate::discovery::Scope::Namespaced);
                printer.progress(&match namespace {
                    NamespaceChoice::One(namespace) if namespaced => {
                        format!("No resources found in {namespace} namespace.")
                    }
                    _ => "No resources found".to_owned(),
                });
            }
            Ok(())
        }
        _ if by_name && parts.is_empty() => Ok(()),
        GetOutput::CustomColumns(columns) => {
            let document = merge_objects(parts, false);
            let objects = document["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            printer.data(&columns.table(objects).render_with(&mut Widths::default(), style.heading))
        }
        _ => print_object(context, &merge_objects(parts, by_name), style),
    }
}

/// Prints one document.
fn print_object(context: &Context, object: &Value, style: &Style) -> Result<(), CliError> {
    let printer = &context.printer;
    match &style.output {
        GetOutput::Yaml => printer.document(object, DocumentFormat::Yaml),
        GetOutput::JsonPath(path) => {
            let text = path.render(object, style.missing_keys);
            printer.data(&text.map_err(|source| CliError::failed(TemplateError::JsonPath(source)))?)
        }
        GetOutput::GoTemplate(template) => {
            let text = template.render(object);
            printer.data(&text.map_err(|source| CliError::failed(TemplateError::GoTemplate(source)))?)
        }
        _ => printer.document(object, DocumentFormat::Json),
    }
}

/// A template that an object does not fit.
#[derive(Debug, thiserror::Error)]
enum TemplateError {
    #[error("error executing jsonpath")]
    JsonPath(#[source] JsonPathError),
    #[error("error executing template")]
    GoTemplate(#[source] crate::output::GoTemplateError),
}

/// Prints the list and then every change until the program is stopped or the reader goes away.
async fn follow(
    context: &Context,
    source: &Source,
    parts: &[Part],
    request: &GetRequest,
    style: &Style,
    beginning: Beginning,
) -> Result<(), CliError> {
    let ([part], Ok(client)) = (parts, &source.client) else {
        return Err(CliError::usage(WatchError::SeveralKinds));
    };
    let mut following = Following { context, part, style, widths: Widths::default(), heading: style.heading };
    if beginning == Beginning::List {
        following.print(changes_of(part, "ADDED"))?;
    }
    let name = request.targets.first().and_then(|target| target.names.first());
    let mut watch = follow_changes(client, part, name.map(String::as_str), request);
    loop {
        let changes = match watch.next().await {
            Ok(changes) => changes,
            Err(error) if error.code() == Some(HISTORY_GONE) => {
                // The server forgot the changes since the last one seen: what it has now is what counts.
                let fetched = fetch(std::slice::from_ref(source), request).await;
                let [part] = &fetched.parts[..] else { return report(fetched.failures, 0, &source.name) };
                watch = follow_changes(client, part, name.map(String::as_str), request);
                changes_of(part, "MODIFIED")
            }
            Err(error) => return Err(error.into()),
        };
        following.print(changes)?;
    }
}

/// What is printed of changes, and how wide it was so far.
struct Following<'a> {
    context: &'a Context,
    part: &'a Part,
    style: &'a Style,
    widths: Widths,
    /// Hidden once it was printed.
    heading: Heading,
}

impl Following<'_> {
    fn print(&mut self, changes: Vec<Change>) -> Result<(), CliError> {
        let printer = &self.context.printer;
        let mut rows = Vec::new();
        for Change { event, watched } in changes {
            match watched {
                Watched::Row(row) if self.style.output == GetOutput::Name => {
                    let name = row["object"]["metadata"]["name"].as_str().unwrap_or_default();
                    printer.line(&format!("{}/{name}", self.part.kind.qualified_singular()))?;
                }
                Watched::Row(row) => rows.push((event, row)),
                Watched::Object(object) => self.print_object(event, object)?,
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let Content::Table(server) = &self.part.content else { return Ok(()) };
        let mut table = self.columns();
        for (event, row) in rows {
            let cells = row_of(&self.part.cluster, &self.part.kind, &server.columns, &row, &self.style.shown);
            let first = self.style.shows_events.then(|| event.to_owned());
            table.push(first.into_iter().chain(cells));
        }
        let heading = std::mem::replace(&mut self.heading, Heading::Hidden);
        printer.data(&table.render_with(&mut self.widths, heading))
    }

    fn columns(&self) -> Table {
        let columns = crate::get::columns(self.part, &self.style.shown);
        Table::new(self.style.shows_events.then(|| "EVENT".to_owned()).into_iter().chain(columns))
    }

    fn print_object(&mut self, event: &str, mut object: Value) -> Result<(), CliError> {
        if !self.style.shows_managed_fields {
            hide_managed_fields(&mut object);
        }
        if let GetOutput::CustomColumns(columns) = &self.style.output {
            let heading = std::mem::replace(&mut self.heading, Heading::Hidden);
            let table = columns.table(std::slice::from_ref(&object));
            return self.context.printer.data(&table.render_with(&mut self.widths, heading));
        }
        if self.style.shows_events {
            object = json!({"type": event, "object": object});
        }
        if self.style.output == GetOutput::Yaml {
            self.context.printer.line("---")?;
        }
        print_object(self.context, &object, self.style)
    }
}

/// What a list says, as if all of it had just happened.
fn changes_of(part: &Part, event: &'static str) -> Vec<Change> {
    let change = |watched| Change { event, watched };
    match &part.content {
        Content::Table(table) => table.rows.iter().cloned().map(Watched::Row).map(change).collect(),
        Content::Objects(objects) => objects.iter().cloned().map(Watched::Object).map(change).collect(),
    }
}

/// A watch that cannot be.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("only one kind can be watched, all of it or one name")]
    SeveralKinds,
    #[error("only one cluster can be watched")]
    SeveralClusters,
    #[error("--output-watch-events option can only be used with --watch or --watch-only")]
    EventsOfNothing,
}

/// What did not work in the clusters, one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nerror: "))]
struct Failures(Vec<Failure>);

fn report(failures: Vec<Failure>, answered: usize, server: &str) -> Result<(), CliError> {
    if failures.is_empty() {
        return Ok(());
    }
    let unreachable =
        failures.iter().any(|failure| failure.cluster == CONTROL_PLANE && failure.is_unreachable());
    let hint = unreachable.then(|| {
        format!("is {server} the control plane's address, and does it run? (`karmadactl local-up` starts one here)")
    });
    let kind = if answered > 0 { ErrorKind::Partial } else { ErrorKind::Failed };
    Err(CliError::new(kind, Failures(failures)).with_hints(hint))
}

fn explain(error: GetError) -> CliError {
    match error {
        GetError::UnknownClusters { ref known, .. } => {
            let hint = if known.is_empty() {
                "no clusters are registered; `karmadactl join NAME --cluster-kubeconfig PATH` registers one"
                    .to_owned()
            } else {
                format!("registered clusters: {}", known.join(", "))
            };
            CliError::failed(error).with_hint(hint)
        }
        GetError::Clusters(source) if source.is_not_found() => CliError::from(source)
            .with_hint("this server has no Karmada: is this the right kubeconfig and --karmada-context?"),
        GetError::Clusters(source) => CliError::from(source),
        GetError::NothingAskedFor => CliError::failed(error),
        GetError::MixedForms | GetError::NotAPair { .. } | GetError::NameAndSelector => {
            CliError::usage(error)
        }
    }
}
