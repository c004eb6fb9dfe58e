//! `karmadactl top node`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::Value;

use super::pod::SortBy;
use super::read::{Usage, ask, items, members, report};
use crate::context::Context;
use crate::error::CliError;
use crate::get::escape;
use crate::table::{Heading, Table, Widths};

/// Display what nodes use
#[derive(Args, Debug)]
pub struct TopNodeArgs {
    /// A node
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Member clusters to ask, separated by commas (can be repeated) [default: all]
    #[arg(short = 'C', long, value_name = "CLUSTER", value_delimiter = ',')]
    pub clusters: Vec<String>,

    /// Nodes with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,

    /// Order, the most first
    #[arg(long, value_enum, value_name = "COLUMN")]
    pub sort_by: Option<SortBy>,

    /// Compare with what nodes have instead of with what pods may use
    #[arg(long)]
    pub show_capacity: bool,

    /// Leave out the headings
    #[arg(long)]
    pub no_headers: bool,

    /// Accepted for compatibility: answers are JSON
    #[arg(long, num_args = 0..=1, default_missing_value = "true", hide = true)]
    pub use_protocol_buffers: Option<bool>,
}

struct Row {
    cluster: String,
    node: String,
    usage: Usage,
    available: Usage,
}

/// Displays what nodes use.
pub(super) async fn run(args: TopNodeArgs, context: &Context) -> Result<(), CliError> {
    let control_plane = context.connection.connect().await?;
    let members = members(&control_plane, &args.clusters).await?;
    let place = match (&args.name, &args.selector) {
        (Some(name), _) => format!("/nodes/{}", escape(name)),
        (None, Some(selector)) => format!("/nodes?labelSelector={}", escape(selector)),
        (None, None) => "/nodes".to_owned(),
    };
    let (found, failures) = ask(&members, &place, Some(&format!("/api/v1{place}"))).await;
    let mut rows = rows(&found, args.show_capacity);
    match args.sort_by {
        None => rows.sort_by(|left, right| (&left.cluster, &left.node).cmp(&(&right.cluster, &right.node))),
        Some(SortBy::Cpu) => rows.sort_by_key(|row| std::cmp::Reverse(row.usage.cpu)),
        Some(SortBy::Memory) => rows.sort_by_key(|row| std::cmp::Reverse(row.usage.memory)),
    }
    if !rows.is_empty() {
        let heading = if args.no_headers { Heading::Hidden } else { Heading::Shown };
        context.printer.data(&table(&rows).render_with(&mut Widths::default(), heading))?;
    }
    report(context, failures, found.len())
}

fn rows(found: &[(String, Value, Value)], capacity: bool) -> Vec<Row> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let field = if capacity { "capacity" } else { "allocatable" };
    let mut rows = Vec::new();
    for (cluster, metrics, nodes) in found {
        let available: BTreeMap<String, Usage> = items(nodes)
            .into_iter()
            .map(|node| (text(&node["metadata"]["name"]), Usage::of(&node["status"][field])))
            .collect();
        rows.extend(items(metrics).into_iter().map(|metrics| {
            let node = text(&metrics["metadata"]["name"]);
            Row {
                cluster: cluster.clone(),
                usage: Usage::of(&metrics["usage"]),
                available: available.get(&node).copied().unwrap_or_default(),
                node,
            }
        }));
    }
    rows
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(["NAME", "CLUSTER", "CPU(cores)", "CPU%", "MEMORY(bytes)", "MEMORY%"]);
    let share = |used: i64, available: i64| match available {
        0 => "<unknown>".to_owned(),
        _ => format!("{}%", used.saturating_mul(100) / available),
    };
    for row in rows {
        table.push([
            row.node.clone(),
            row.cluster.clone(),
            row.usage.cpu_text(),
            share(row.usage.cpu, row.available.cpu),
            row.usage.memory_text(),
            share(row.usage.memory, row.available.memory),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_is_compared_with_what_pods_may_use() {
        let metrics = json!({"items": [{"metadata": {"name": "n1"}, "usage": {"cpu": "500m", "memory": "1Gi"}},
            {"metadata": {"name": "new"}, "usage": {"cpu": "1m", "memory": "1Mi"}}]});
        let nodes = json!({"items": [{"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}]});
        let text = table(&rows(&[("m1".to_owned(), metrics, nodes)], false)).render();
        assert_eq!(
            text,
            "NAME   CLUSTER   CPU(cores)   CPU%        MEMORY(bytes)   MEMORY%\nn1     m1        500m         25%         1024Mi          25%\nnew    m1        1m           <unknown>   1Mi             <unknown>\n"
        );
    }
}
