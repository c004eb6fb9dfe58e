//! A report on one screen.

use std::fmt::Write as _;

use super::report::{Report, Verdict};
use crate::table::Table;

/// Returns a report for people.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("writing to a text cannot fail");
    let label = match &report.namespace {
        Some(namespace) => format!("{} {namespace}/{}", report.kind, report.name),
        None => format!("{} {}", report.kind, report.name),
    };
    line(format!("{label} is {}", verdict(report)));
    line(String::new());
    let template = report.template.as_deref().unwrap_or("not in the control plane");
    line(format!("Template   {template}"));
    line(format!("Policy     {}", policy(report)));
    line(format!("Binding    {}", binding(report)));
    if !report.clusters.is_empty() {
        line(String::new());
        let mut table = Table::new(["CLUSTER", "READY", "REPLICAS", "APPLIED", "HEALTH", "STATUS"]);
        for cluster in &report.clusters {
            let word = |is: bool| if is { "yes" } else { "no" };
            let detail = if cluster.detail.is_empty() { "-" } else { &cluster.detail };
            table.push([
                cluster.name.as_str(),
                word(cluster.ready),
                &cluster.replicas.map_or_else(|| "-".to_owned(), |replicas| replicas.to_string()),
                word(cluster.applied),
                &cluster.health,
                detail,
            ]);
        }
        line(table.render().trim_end().to_owned());
    }
    if !report.problems.is_empty() {
        line(String::new());
        line("Stuck:".to_owned());
        for problem in &report.problems {
            line(format!("  {}: {}", problem.place, indented(&problem.message)));
            if let Some(hint) = &problem.hint {
                line(format!("    hint: {hint}"));
            }
        }
    }
    if !report.warnings.is_empty() {
        line(String::new());
        line("Warnings:".to_owned());
        for warning in &report.warnings {
            let times = if warning.count > 1 { format!(", {} times", warning.count) } else { String::new() };
            line(format!(
                "  {} ago{times}: {} on {}: {}",
                age(warning.age_seconds),
                warning.reason,
                warning.object,
                indented(&warning.message)
            ));
        }
    }
    text
}

/// Keeps further lines of a message below its first.
fn indented(message: &str) -> String {
    message.trim_end().replace('\n', "\n    ")
}

fn verdict(report: &Report) -> String {
    let all = report.clusters.len();
    let done = report.clusters.iter().filter(|cluster| cluster.done).count();
    let clusters =
        |count: usize| if count == 1 { "1 cluster".to_owned() } else { format!("{count} clusters") };
    match report.verdict {
        Verdict::Healthy if all == 1 => "healthy in its 1 cluster".to_owned(),
        Verdict::Healthy => format!("healthy in all {}", clusters(all)),
        Verdict::PartlyHealthy => format!("healthy in {done} of {}", clusters(all)),
        Verdict::NotHealthy if all == 0 => "not propagated to any cluster".to_owned(),
        Verdict::NotHealthy => format!("healthy in none of {}", clusters(all)),
    }
}

fn policy(report: &Report) -> String {
    let Some(policy) = &report.policy else { return "none".to_owned() };
    let name = match &policy.namespace {
        Some(namespace) => format!("{namespace}/{}", policy.name),
        None => policy.name.clone(),
    };
    let gone = if policy.exists { "" } else { " (gone)" };
    format!("{} {name}{gone}", policy.kind)
}

fn binding(report: &Report) -> String {
    let Some(binding) = &report.binding else { return "none".to_owned() };
    match (binding.scheduled, report.clusters.len()) {
        (true, 1) => format!("{}, scheduled to 1 cluster", binding.name),
        (true, count) => format!("{}, scheduled to {count} clusters", binding.name),
        (false, _) => format!("{}, not scheduled", binding.name),
    }
}

/// Ages as tables print them.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
