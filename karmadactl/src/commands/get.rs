//! `karmadactl get`.

use std::time::Duration;

use clap::Args;

use crate::context::Context;
use crate::duration::parse_duration;
use crate::error::{CliError, ErrorKind};
use crate::get::{
    CONTROL_PLANE, Content, Failure, Fetched, GetError, GetRequest, Missing, NamespaceChoice, OperationScope,
    Part, Representation, Shown, Source, Watched, fetch, merge_objects, merge_tables, names, parse_targets,
    row_of, sources, watch as follow_changes,
};
use crate::printer::{DocumentFormat, OutputFormat};
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

    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    pub output: OutputFormat,

    /// Follow changes after the list; in one cluster only
    #[arg(short, long)]
    pub watch: bool,

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
#[derive(Clone, Copy)]
struct Style {
    output: OutputFormat,
    heading: Heading,
    labels: bool,
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
        watch,
        ignore_not_found,
        no_headers,
        show_labels,
        request_timeout,
    } = args;
    let targets = parse_targets(&resources).map_err(explain)?;
    if labels.is_some() && targets.iter().any(|target| !target.names.is_empty()) {
        return Err(CliError::usage(GetError::NameAndSelector));
    }
    let one_kind = matches!(&targets[..], [target] if target.names.len() <= 1 && target.type_name != "all");
    if watch && !one_kind {
        return Err(CliError::usage(WatchError::SeveralKinds));
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
            OutputFormat::Json | OutputFormat::Yaml => Representation::Objects,
            OutputFormat::Table | OutputFormat::Wide | OutputFormat::Name => Representation::Table,
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
    let heading = if no_headers { Heading::Hidden } else { Heading::Shown };
    let style = Style { output, heading, labels: show_labels };
    let Fetched { parts, failures } = fetch(&sources, &request).await;
    if watch && failures.is_empty() {
        return follow(context, &sources[0], &parts, &request, style).await;
    }
    let answered = parts.len();
    print(context, parts, &request.namespace, by_name, style)?;
    if answered == 0 && failures.is_empty() && sources.is_empty() {
        context.printer.progress("No clusters are registered.");
        context.printer.hint("`karmadactl join NAME --cluster-kubeconfig PATH` registers one");
    }
    report(failures, answered, &control_plane.server)
}

fn print(
    context: &Context,
    parts: Vec<Part>,
    namespace: &NamespaceChoice,
    by_name: bool,
    style: Style,
) -> Result<(), CliError> {
    let printer = &context.printer;
    match style.output {
        OutputFormat::Json | OutputFormat::Yaml if by_name && parts.is_empty() => Ok(()),
        OutputFormat::Json => printer.document(&merge_objects(parts, by_name), DocumentFormat::Json),
        OutputFormat::Yaml => printer.document(&merge_objects(parts, by_name), DocumentFormat::Yaml),
        OutputFormat::Name => names(&parts).iter().try_for_each(|name| printer.line(name)),
        OutputFormat::Table | OutputFormat::Wide => {
            let tables = merge_tables(&parts, shown(&parts, namespace, style));
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
    }
}

fn shown(parts: &[Part], namespace: &NamespaceChoice, style: Style) -> Shown {
    Shown {
        wide: style.output == OutputFormat::Wide,
        labels: style.labels,
        ..Shown::for_parts(parts, namespace)
    }
}

/// Prints the list and then every change until the program is stopped or the reader goes away.
async fn follow(
    context: &Context,
    source: &Source,
    parts: &[Part],
    request: &GetRequest,
    style: Style,
) -> Result<(), CliError> {
    let ([part], Ok(client)) = (parts, &source.client) else {
        return Err(CliError::usage(WatchError::SeveralKinds));
    };
    let printer = &context.printer;
    let shown = shown(parts, &request.namespace, style);
    let mut widths = Widths::default();
    let columns = match &part.content {
        Content::Table(table) => {
            if style.output == OutputFormat::Name {
                names(parts).iter().try_for_each(|name| printer.line(name))?;
            } else if let Some(table) = merge_tables(parts, shown).first() {
                printer.data(&table.render_with(&mut widths, style.heading))?;
            }
            table.columns.clone()
        }
        Content::Objects(objects) => {
            objects.iter().try_for_each(|object| print_object(context, object.clone(), style.output))?;
            Vec::new()
        }
    };
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
                rows_of(part)
            }
            Err(error) => return Err(error.into()),
        };
        for watched in changes {
            match watched {
                Watched::Row(row) if style.output == OutputFormat::Name => {
                    let name = row["object"]["metadata"]["name"].as_str().unwrap_or_default();
                    printer.line(&format!("{}/{name}", part.kind.qualified_singular()))?;
                }
                Watched::Row(row) => {
                    let cells = row_of(&part.cluster, &part.kind, &columns, &row, shown);
                    let table = Table { columns: Vec::new(), rows: vec![cells] };
                    printer.data(&table.render_with(&mut widths, Heading::Hidden))?;
                }
                Watched::Object(object) => print_object(context, object, style.output)?,
            }
        }
    }
}

/// What a list says, as if everything had just changed.
fn rows_of(part: &Part) -> Vec<Watched> {
    match &part.content {
        Content::Table(table) => table.rows.iter().cloned().map(Watched::Row).collect(),
        Content::Objects(objects) => objects.iter().cloned().map(Watched::Object).collect(),
    }
}

fn print_object(context: &Context, object: serde_json::Value, output: OutputFormat) -> Result<(), CliError> {
    match output {
        OutputFormat::Yaml => {
            context.printer.line("---")?;
            context.printer.document(&object, DocumentFormat::Yaml)
        }
        _ => context.printer.document(&object, DocumentFormat::Json),
    }
}

/// A watch that cannot be.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("only one kind can be watched, all of it or one name")]
    SeveralKinds,
    #[error("only one cluster can be watched")]
    SeveralClusters,
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
