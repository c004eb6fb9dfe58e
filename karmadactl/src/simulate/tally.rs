//! How a simulation went as a whole.

use std::collections::HashSet;

use karmada_core::simulation::{ManifestFailure, Outcome, Reason, Record};
use serde::Serialize;

use super::names::resource_name;
use crate::error::chain_line;

/// Most resources that are named one by one at the end.
const MOST_NAMED: usize = 100;

/// How a simulation went as a whole.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// All resources.
    pub resources: usize,
    /// Those with clusters.
    pub placed: usize,
    /// Those for which no clusters were found.
    pub not_scheduled: usize,
    /// Those that nobody propagates, though somebody could.
    pub not_selected: usize,
    /// Those that are never propagated.
    pub left_out: usize,
    /// Those that cannot be propagated or overridden.
    pub failed: usize,
    /// Pairs of resource and cluster for which no object can be made; counted only where objects are made.
    #[serde(skip_serializing_if = "is_zero")]
    pub unmade: usize,
    /// How many clusters get something.
    pub clusters: usize,
    #[serde(skip)]
    used: HashSet<String>,
    /// The first of those that have not found their place.
    #[serde(skip)]
    pub failures: Vec<Failure>,
}

/// A resource that has not found its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its index in the input.
    pub object: usize,
    /// `deployment.apps/web in shop`.
    pub name: String,
    /// Every reason.
    pub reason: String,
}

impl Tally {
    /// Counts a resource.
    pub fn add(&mut self, record: &Record) {
        self.resources += 1;
        match &record.outcome {
            Outcome::Placed(_) if record.overrides.iter().any(|change| change.error.is_some()) => {
                self.failed += 1;
            }
            Outcome::Placed(_) => self.placed += 1,
            Outcome::NotScheduled(_) => self.not_scheduled += 1,
            Outcome::NotPropagated(_) if is_unplaced(record) => self.not_selected += 1,
            Outcome::NotPropagated(_) => self.left_out += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
        for target in record.targets() {
            if !self.used.contains(&target.name) {
                self.used.insert(target.name.clone());
                self.clusters = self.used.len();
            }
        }
        if is_unplaced(record) {
            self.name(record, || problem(record).unwrap_or_default());
        }
    }

    /// Counts a cluster that cannot be given an object.
    pub fn add_unmade(&mut self, record: &Record, failure: &ManifestFailure) {
        // Overrides that do not apply are counted with the resource.
        if !is_unplaced(record) {
            self.unmade += 1;
            self.name(record, || format!("{} gets none: {}", failure.cluster, chain_line(&failure.error)));
        }
    }

    fn name(&mut self, record: &Record, reason: impl FnOnce() -> String) {
        if self.failures.len() < MOST_NAMED {
            let name = resource_name(&record.key);
            let name = match record.key.namespace.as_str() {
                "" => name,
                namespace => format!("{name} in {namespace}"),
            };
            self.failures.push(Failure { object: record.object, name, reason: reason() });
        }
    }

    /// How many resources have not found their place.
    pub fn unplaced(&self) -> usize {
        self.not_scheduled + self.not_selected + self.failed + self.unmade
    }

    /// One line: `7 resources: 5 placed in 3 clusters, 2 not scheduled`.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        if self.placed > 0 {
            parts.push(format!("{} placed in {}", self.placed, count(self.clusters, "cluster")));
        }
        let others = [
            (self.not_scheduled, "not scheduled"),
            (self.failed, "failed"),
            (self.not_selected, "selected by no policy"),
            (self.left_out, "never propagated"),
            (self.unmade, "cannot be made for a cluster"),
        ];
        parts.extend(
            others.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")),
        );
        format!("{}: {}", count(self.resources, "resource"), parts.join(", "))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Whether a resource should have clusters and has not, or gets there and is not what it should be.
pub fn is_unplaced(record: &Record) -> bool {
    // A definition is here to say what its kind is like, too.
    let is_definition = record.key.kind == "CustomResourceDefinition";
    match &record.outcome {
        Outcome::NotPropagated(Reason::NoPolicy) => !is_definition,
        Outcome::NotPropagated(Reason::NothingToFollow) => true,
        _ => record.is_failure(),
    }
}

/// Why a resource has not the clusters that it should have.
pub(super) fn problem(record: &Record) -> Option<String> {
    let own = match &record.outcome {
        Outcome::Placed(_) => None,
        Outcome::NotScheduled(obstacle) => Some(obstacle.to_string()),
        Outcome::NotPropagated(reason) => Some(reason.to_string()),
        Outcome::Failed(error) => Some(chain_line(error)),
    };
    let overrides = record.overrides.iter().filter_map(|change| {
        let error = change.error.as_ref()?;
        let names: Vec<&str> = change.policies.iter().map(|policy| policy.name.as_str()).collect();
        Some(format!("cannot be overridden by {}: {}", names.join(", "), chain_line(error)))
    });
    let reasons: Vec<String> = own.into_iter().chain(overrides).collect();
    if reasons.is_empty() { None } else { Some(reasons.join("; ")) }
}

/// `1 cluster`, `2 clusters`.
pub fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}
