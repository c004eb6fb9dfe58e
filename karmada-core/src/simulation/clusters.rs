//! The clusters, and what is assumed of those that have not reported.

use std::collections::BTreeMap;

use super::{
    Problem, Severity, World,
    scope::{defined_kinds, is_definition},
};
use crate::{
    api::cluster::{ApiEnablement, ApiResource, Cluster, constants::CONDITION_READY},
    membership::taints_for_readiness,
    scheduling::Snapshot,
};

/// How many names a message lists.
const NAMES_SHOWN: usize = 5;

/// Clusters as they are read.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    clusters: BTreeMap<String, Cluster>,
    objects: BTreeMap<String, usize>,
}

/// Clusters as they take part.
pub(super) struct SettledFleet {
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) objects: BTreeMap<String, usize>,
    pub(super) snapshot: Snapshot,
}

impl Fleet {
    pub(super) fn add(&mut self, index: usize, mut cluster: Cluster) {
        // The control plane taints clusters that are not ready; without a report there is no reason to.
        if cluster.condition_status(CONDITION_READY).is_some()
            && let Some(taints) = taints_for_readiness(&cluster, jiff::Timestamp::UNIX_EPOCH)
        {
            cluster.spec.taints = taints;
        }
        self.objects.insert(cluster.name().to_owned(), index);
        self.clusters.insert(cluster.name().to_owned(), cluster);
    }

    /// Prepares the clusters and says what is assumed.
    ///
    /// A cluster without `apiEnablements` counts as serving every kind, one without the condition
    /// `Ready` as ready, one without a `resourceSummary` as having room for everything.
    pub(super) fn settle(self, problems: &mut Vec<Problem>) -> SettledFleet {
        let Self { clusters, objects } = self;
        if clusters.is_empty() {
            let problem = Problem::general(Severity::Warning, "there is no cluster in the input");
            problems.push(problem.with_hint("add Cluster objects, or describe clusters with --cluster"));
        }
        let mut snapshot = Snapshot::new(clusters.values());
        let mut without_apis = Vec::new();
        let mut without_room = Vec::new();
        for (name, cluster) in &clusters {
            if !reports_apis(cluster) {
                snapshot.assume_all_apis(name);
                without_apis.push(name.as_str());
            }
            let summary = cluster.status.as_ref().and_then(|status| status.resource_summary.as_ref());
            if summary.is_none() {
                snapshot.assume_room(name);
                without_room.push(name.as_str());
            }
        }
        let all = clusters.len();
        let mut assume = |names: &[&str], what: &str| {
            // Of clusters that are written by hand none reports anything; one among others is a surprise.
            if let Some(first) = names.first().filter(|_| names.len() < all) {
                let message = format!("{}: {what}", listed(names));
                problems.push(Problem::note(objects[*first], "status", message));
            }
        };
        assume(&without_apis, "no APIs reported, every kind counts as served");
        assume(&without_room, "no resources reported, there counts as being room for everything");
        SettledFleet { clusters, objects, snapshot }
    }
}

impl World {
    /// Lets clusters serve the kinds whose definitions go to them.
    ///
    /// A member reports a new kind soon after its definition arrives.
    pub(super) fn serve_defined_kinds(&mut self) {
        let mut news: BTreeMap<String, Vec<ApiEnablement>> = BTreeMap::new();
        let definitions = 0..self.templates.len();
        for index in definitions.filter(|index| is_definition(&self.templates[*index].value)) {
            let (api_versions, kind) = defined_kinds(&self.templates[index].value);
            for cluster in self.clusters_of(index) {
                let enablements = api_versions.iter().map(|api_version| ApiEnablement {
                    group_version: api_version.clone(),
                    resources: vec![ApiResource { name: kind.to_lowercase(), kind: kind.clone() }],
                });
                news.entry(cluster).or_default().extend(enablements);
            }
        }
        for (name, enablements) in news {
            let Some(cluster) = self.clusters.get_mut(&name).filter(|cluster| reports_apis(cluster)) else {
                continue;
            };
            cluster.status.get_or_insert_default().api_enablements.extend(enablements);
            let has_summary = cluster.status.as_ref().is_some_and(|status| status.resource_summary.is_some());
            self.snapshot.upsert(cluster);
            if !has_summary {
                self.snapshot.assume_room(&name);
            }
        }
        // From here on only names, labels and places of clusters are looked at.
        for cluster in self.clusters.values_mut() {
            cluster.status = None;
            cluster.spec.resource_models = Vec::new();
        }
    }
}

fn reports_apis(cluster: &Cluster) -> bool {
    cluster.status.as_ref().is_some_and(|status| !status.api_enablements.is_empty())
}

/// Returns a few names and how many more there are.
pub(super) fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
