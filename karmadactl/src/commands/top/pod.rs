//! `karmadactl top pod`.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::read::{Usage, ask, items, members, report};
use crate::context::Context;
use crate::error::CliError;
use crate::get::escape;
use crate::table::{Heading, Table, Widths};

/// Display what pods use
#[derive(Args, Debug)]
pub struct TopPodArgs {
    /// A pod
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Member clusters to ask, separated by commas (can be repeated) [default: all]
    #[arg(short = 'C', long, value_name = "CLUSTER", value_delimiter = ',')]
    pub clusters: Vec<String>,

    /// Pods with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Pods with these fields
    #[arg(long, value_name = "SELECTOR")]
    pub field_selector: Option<String>,

    /// Pods of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,

    /// Namespace of the pods [default: that of the kubeconfig's context]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// Display every container
    #[arg(long)]
    pub containers: bool,

    /// Order, the most first
    #[arg(long, value_enum, value_name = "COLUMN")]
    pub sort_by: Option<SortBy>,

    /// Display the sum
    #[arg(long)]
    pub sum: bool,

    /// Leave out the headings
    #[arg(long)]
    pub no_headers: bool,

    /// Accepted for compatibility: answers are JSON
    #[arg(long, num_args = 0..=1, default_missing_value = "true", hide = true)]
    pub use_protocol_buffers: Option<bool>,
}

/// What rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// CPU
    Cpu,
    /// Memory
    Memory,
}

/// A command line that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("only one of NAME or --selector can be provided")]
struct NameAndSelector;

/// One row: a pod, or a container of it.
struct Row {
    cluster: String,
    namespace: String,
    pod: String,
    container: Option<String>,
    usage: Usage,
}

/// Displays what pods use.
pub(super) async fn run(args: TopPodArgs, context: &Context) -> Result<(), CliError> {
    if args.name.is_some() && args.selector.is_some() {
        return Err(CliError::usage(NameAndSelector));
    }
    let control_plane = context.connection.connect().await?;
    let members = members(&control_plane, &args.clusters).await?;
    let namespace = args.namespace.clone().unwrap_or_else(|| control_plane.namespace.clone());
    let (found, failures) = ask(&members, &path(&args, &namespace), None).await;
    let mut rows = rows(&args, &found);
    if rows.is_empty() && failures.is_empty() {
        let place = if args.all_namespaces { String::new() } else { format!(" in {namespace} namespace") };
        context.printer.progress(&format!("No resources found{place}."));
        return Ok(());
    }
    match args.sort_by {
        None => rows.sort_by(|left, right| {
            (&left.namespace, &left.pod, &left.cluster).cmp(&(&right.namespace, &right.pod, &right.cluster))
        }),
        Some(SortBy::Cpu) => rows.sort_by_key(|row| std::cmp::Reverse(row.usage.cpu)),
        Some(SortBy::Memory) => rows.sort_by_key(|row| std::cmp::Reverse(row.usage.memory)),
    }
    if !rows.is_empty() {
        let heading = if args.no_headers { Heading::Hidden } else { Heading::Shown };
        context.printer.data(&table(&args, &rows).render_with(&mut Widths::default(), heading))?;
    }
    report(context, failures, found.len())
}

fn path(args: &TopPodArgs, namespace: &str) -> String {
    let root = if args.all_namespaces { String::new() } else { format!("/namespaces/{namespace}") };
    let mut path = format!("{root}/pods");
    if let Some(name) = &args.name {
        return format!("{path}/{}", escape(name));
    }
    let selectors = [("labelSelector", &args.selector), ("fieldSelector", &args.field_selector)];
    for (mark, (name, value)) in ['?', '&']
        .into_iter()
        .zip(selectors.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value))))
    {
        path.push(mark);
        path.push_str(name);
        path.push('=');
        path.push_str(&escape(value));
    }
    path
}

fn rows(args: &TopPodArgs, found: &[(String, Value, Value)]) -> Vec<Row> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    for (cluster, metrics, _) in found {
        for pod in items(metrics) {
            let row = |container: Option<String>, usage| Row {
                cluster: cluster.clone(),
                namespace: text(&pod["metadata"]["namespace"]),
                pod: text(&pod["metadata"]["name"]),
                container,
                usage,
            };
            let containers = pod["containers"].as_array().into_iter().flatten();
            let mut all = Usage::default();
            for container in containers {
                let usage = Usage::of(&container["usage"]);
                all.add(usage);
                if args.containers {
                    rows.push(row(Some(text(&container["name"])), usage));
                }
            }
            if !args.containers {
                rows.push(row(None, all));
            }
        }
    }
    rows
}

fn table(args: &TopPodArgs, rows: &[Row]) -> Table {
    let mut columns = Vec::new();
    if args.all_namespaces {
        columns.push("NAMESPACE");
    }
    if args.containers {
        columns.push("POD");
    }
    columns.extend(["NAME", "CLUSTER", "CPU(cores)", "MEMORY(bytes)"]);
    let width = columns.len();
    let mut table = Table::new(columns);
    let mut sum = Usage::default();
    for row in rows {
        let mut cells = Vec::new();
        if args.all_namespaces {
            cells.push(row.namespace.clone());
        }
        cells.push(row.pod.clone());
        cells.extend(row.container.clone());
        cells.extend([row.cluster.clone(), row.usage.cpu_text(), row.usage.memory_text()]);
        table.push(cells);
        sum.add(row.usage);
    }
    if args.sum {
        let blank = vec![String::new(); width - 2];
        table.push(blank.iter().cloned().chain(["________".to_owned(), "________".to_owned()]));
        table.push(blank.into_iter().chain([sum.cpu_text(), sum.memory_text()]));
    }
    table
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: TopPodArgs,
    }

    #[test]
    fn containers_are_summed_or_listed() {
        let metrics = json!({"items": [{"metadata": {"name": "p", "namespace": "n"}, "containers": [
            {"name": "a", "usage": {"cpu": "10m", "memory": "1Mi"}}, {"name": "b", "usage": {"cpu": "5m", "memory": "3Mi"}}]}]});
        let found = [("m1".to_owned(), metrics, Value::Null)];
        let print = |line: &[&str]| {
            let args = Line::try_parse_from([&["pod"], line].concat()).unwrap().args;
            table(&args, &rows(&args, &found)).render()
        };
        assert_eq!(
            print(&[]),
            "NAME   CLUSTER   CPU(cores)   MEMORY(bytes)\np      m1        15m          4Mi\n"
        );
        assert_eq!(
            print(&["--containers", "-A"]),
            "NAMESPACE   POD   NAME   CLUSTER   CPU(cores)   MEMORY(bytes)\nn           p     a      m1        10m          1Mi\nn           p     b      m1        5m           3Mi\n"
        );
        assert!(print(&["--sum"]).ends_with("15m          4Mi\n"));
    }
}
