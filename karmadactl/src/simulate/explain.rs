//! `--explain`: why each cluster was taken or refused.

use std::io::{self, Write};

use karmada_core::scheduling::{ClusterExplanation, Outcome as ClusterOutcome};
use karmada_core::simulation::{Mode, Outcome, Record, World};
use serde::Serialize;

use super::names::resource_name;
use super::policies::Policies;
use super::tally::problem;
use crate::manifest::Batch;

/// Most clusters that are named where the same is said of many.
const MOST_NAMED: usize = 8;

/// Why a resource goes where it goes, for documents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceExplanation {
    /// Why the policy won.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy: Vec<String>,
    /// What the scheduler tried, one after the other.
    attempts: Vec<AttemptExplanation>,
}

/// What one affinity group said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptExplanation {
    /// The affinity group.
    #[serde(skip_serializing_if = "String::is_empty")]
    affinity_name: String,
    summary: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    help: Vec<String>,
    clusters: Vec<ClusterExplanation>,
}

impl ResourceExplanation {
    /// Explains a record of this world.
    pub fn new(world: &World, policies: &Policies, record: &Record) -> Self {
        let policy = record
            .policy
            .as_ref()
            .map(|winner| policies.choice(world.template(record), winner))
            .unwrap_or_default();
        let mut attempts = Vec::new();
        world.explain(record, |attempt, explanation| {
            attempts.push(AttemptExplanation {
                affinity_name: attempt.affinity_name.clone(),
                summary: explanation.summary(),
                help: explanation.help(),
                clusters: explanation.clusters().collect(),
            });
        });
        Self { policy, attempts }
    }
}

/// Writes explanations.
pub struct Explainer<'a> {
    world: &'a World,
    batch: &'a Batch,
    policies: &'a Policies,
    first: bool,
}

impl<'a> Explainer<'a> {
    /// Explains the records of a world whose objects are those of the batch.
    pub fn new(world: &'a World, batch: &'a Batch, policies: &'a Policies) -> Self {
        Self { world, batch, policies, first: true }
    }

    /// Writes why a resource goes where it goes.
    pub fn write(&mut self, out: &mut impl Write, record: &Record) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            writeln!(out)?;
        }
        let namespace = match record.key.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" in namespace {namespace}"),
        };
        writeln!(out, "{}{namespace} ({})", resource_name(&record.key), self.batch.origin(record.object))?;
        let explanation = ResourceExplanation::new(self.world, self.policies, record);
        for line in &explanation.policy {
            writeln!(out, "  {line}")?;
        }
        for line in self.facts(record) {
            writeln!(out, "  {line}")?;
        }
        let several = explanation.attempts.len() > 1;
        for (index, attempt) in explanation.attempts.iter().enumerate() {
            if !attempt.affinity_name.is_empty() {
                let again = if several && index > 0 { "then " } else { "" };
                writeln!(out, "  {again}cluster group {}:", attempt.affinity_name)?;
            }
            write_attempt(out, attempt, if attempt.affinity_name.is_empty() { "  " } else { "    " })?;
        }
        Ok(())
    }

    /// What there is to say besides clusters.
    fn facts(&self, record: &Record) -> Vec<String> {
        let mut lines = Vec::new();
        // The scheduler's own words are those of the attempt below.
        if record.attempts.is_empty() {
            lines.extend(problem(record).map(|problem| format!("goes nowhere: {problem}")));
        }
        let names: Vec<&str> = record.targets().map(|target| target.name.as_str()).collect();
        match &record.outcome {
            Outcome::Placed(Mode::Everywhere) => {
                lines.push("every cluster gets it, without a policy".to_owned());
            }
            Outcome::Placed(Mode::Following) => lines.push(format!("goes to {}", listed(&names))),
            Outcome::Placed(_) if record.trigger.is_none() => {
                lines.push(format!("stays in {}: nothing that matters has changed", listed(&names)));
            }
            _ => {}
        }
        if !record.required_by.is_empty() {
            let leaders: Vec<String> = record.required_by.iter().map(resource_name).collect();
            lines.push(format!("follows what needs it: {}", leaders.join(", ")));
        }
        let snapshot = self.world.snapshot();
        for change in record.overrides.iter().filter(|change| change.error.is_none()) {
            let policies: Vec<String> =
                change.policies.iter().map(|policy| format!("{} {}", policy.kind(), policy.name)).collect();
            let clusters: Vec<&str> = change.clusters.iter().map(|index| snapshot.name_of(*index)).collect();
            lines.push(format!("changed by {} in {}", policies.join(", then "), listed(&clusters)));
        }
        lines.extend(record.notes.iter().map(|note| format!("note: {note}")));
        lines
    }
}

fn write_attempt(out: &mut impl Write, attempt: &AttemptExplanation, indent: &str) -> io::Result<()> {
    for line in &attempt.summary {
        writeln!(out, "{indent}{line}")?;
    }
    for line in &attempt.help {
        writeln!(out, "{indent}to change that: {line}")?;
    }
    for (heading, wanted) in [
        ("taken", ClusterOutcome::Placed),
        ("chosen, but without a replica", ClusterOutcome::NoShare),
        ("would do, but not chosen", ClusterOutcome::NotSelected),
        ("would do", ClusterOutcome::Unplaced),
        ("refused", ClusterOutcome::Refused),
        ("being deleted", ClusterOutcome::Deleting),
    ] {
        let groups = grouped(attempt.clusters.iter().filter(|cluster| cluster.outcome == wanted));
        if groups.is_empty() {
            continue;
        }
        writeln!(out, "{indent}{heading}:")?;
        for group in groups {
            writeln!(out, "{indent}  {}{}", listed(&group.names), group.headline)?;
            for line in group.details {
                writeln!(out, "{indent}    {line}")?;
            }
        }
    }
    Ok(())
}

/// Clusters of which the same is said.
struct Group<'a> {
    names: Vec<&'a str>,
    /// What became of them, after a colon; empty where the heading says it.
    headline: String,
    details: Vec<String>,
}

/// Puts clusters together of which the same is said, in the order of their first.
fn grouped<'a>(clusters: impl Iterator<Item = &'a ClusterExplanation>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for cluster in clusters {
        let headline = match cluster.outcome {
            ClusterOutcome::Placed if cluster.share.is_some() => {
                let line = cluster.headline();
                line.strip_prefix(cluster.cluster.as_str()).unwrap_or(&line).to_owned()
            }
            _ => String::new(),
        };
        let details = cluster.details();
        let position = *known.entry((headline.clone(), details.clone())).or_insert(groups.len());
        match groups.get_mut(position) {
            Some(group) => group.names.push(&cluster.cluster),
            None => groups.push(Group { names: vec![&cluster.cluster], headline, details }),
        }
    }
    groups
}

/// `a, b and 7 more`.
fn listed(names: &[&str]) -> String {
    if names.len() <= MOST_NAMED {
        return names.join(", ");
    }
    let shown = MOST_NAMED - 1;
    format!("{} and {} more", names[..shown].join(", "), names.len() - shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        assert_eq!(listed(&names[..3]), "a, b, c");
        assert_eq!(listed(&names), "a, b, c, d, e, f, g and 2 more");
    }
}
