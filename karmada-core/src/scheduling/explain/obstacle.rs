//! What stands in a cluster's way.

use serde::Serialize;

use super::{mismatch::mismatches, words::list};
use crate::{
    api::cluster::Taint,
    scheduling::{
        ClusterIndex, Plugin, ScheduleContext, ScheduleInput, Verdict,
        filter::{SpreadProperties, SpreadProperty, TaintToleration},
        snapshot::ClusterEntry,
    },
};

/// What stands in a cluster's way, and what would have to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    /// How it is.
    pub fact: String,
    /// What would change it.
    pub remedy: String,
}

impl Obstacle {
    pub(super) fn new(fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { fact: fact.into(), remedy: remedy.into() }
    }
}

/// Returns everything that makes a plugin refuse a cluster.
pub(super) fn obstacles(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    verdict: &Verdict,
    plugin: Plugin,
) -> Vec<Obstacle> {
    let entry = context.snapshot.entry(verdict.cluster);
    match plugin {
        Plugin::ApiEnablement => vec![missing_api(context, input, entry)],
        Plugin::TaintToleration => {
            TaintToleration::new(input.placement()).all_untolerated(entry).map(untolerated).collect()
        }
        Plugin::ClusterAffinity => outside_affinity(input, entry),
        Plugin::SpreadConstraint => {
            let constraints = input.placement().map(|placement| placement.spread_constraints.as_slice());
            let properties = SpreadProperties::new(constraints.unwrap_or_default());
            properties.all_missing(entry).map(missing_property).collect()
        }
        Plugin::ClusterEviction => being_evicted(input, entry),
        Plugin::WorkloadAffinity => away_from_peers(context, input, verdict.cluster),
        Plugin::WorkloadAntiAffinity => close_to_peers(context, input, verdict.cluster),
        // It gives scores and refuses nothing.
        Plugin::ClusterLocality => Vec::new(),
    }
}

fn missing_api(context: &ScheduleContext<'_>, input: &ScheduleInput<'_>, entry: &ClusterEntry) -> Obstacle {
    let resource = &input.spec.resource;
    let (version, kind) = (&resource.api_version, &resource.kind);
    if !entry.has_apis() {
        return Obstacle::new(
            "it has not reported which APIs it serves",
            "look at the cluster's Ready condition and wait for status.apiEnablements",
        );
    }
    let other = context.snapshot.versions_of(entry, kind);
    if !other.is_empty() {
        let other = list(other);
        return Obstacle::new(
            format!("it does not serve {kind} in {version}, only in {other}"),
            format!("propagate the resource in a version that it serves, or have it serve {version}"),
        );
    }
    Obstacle::new(
        format!("it does not serve {kind} in {version}"),
        "install what serves it there, such as its CustomResourceDefinition",
    )
}

fn untolerated(taint: &Taint) -> Obstacle {
    let Taint { key, value, effect, .. } = taint;
    let (text, rule) = if value.is_empty() {
        (format!("{key}:{effect}"), format!("{{key: {key}, operator: Exists, effect: {effect}}}"))
    } else {
        (
            format!("{key}={value}:{effect}"),
            format!("{{key: {key}, operator: Equal, value: {value}, effect: {effect}}}"),
        )
    };
    Obstacle::new(
        format!("its taint {text} is not tolerated"),
        format!("add {rule} to the placement's clusterTolerations, or remove the taint"),
    )
}

fn outside_affinity(input: &ScheduleInput<'_>, entry: &ClusterEntry) -> Vec<Obstacle> {
    let Some(placement) = input.placement() else { return Vec::new() };
    let facts = entry.facts();
    if let Some(affinity) = &placement.cluster_affinity {
        return mismatches(affinity, &facts);
    }
    let term = placement.cluster_affinities.iter().find(|term| term.affinity_name == input.affinity_name);
    let Some(term) = term else { return Vec::new() };
    let overflow = if input.spec.is_workload() { term.overflow_affinities.as_slice() } else { &[] };
    let mut obstacles = Vec::new();
    // One of several affinities is enough, but to say which is up to the reader.
    let all = std::iter::once((&term.affinity_name, &term.affinity))
        .chain(overflow.iter().map(|term| (&term.affinity_name, &term.affinity)));
    for (name, affinity) in all {
        for obstacle in mismatches(affinity, &facts) {
            obstacles.push(Obstacle::new(format!("affinity {name}: {}", obstacle.fact), obstacle.remedy));
        }
    }
    obstacles
}

fn missing_property(property: SpreadProperty) -> Obstacle {
    let field = match property {
        SpreadProperty::Provider => "provider",
        SpreadProperty::Region => "region",
        SpreadProperty::Zones => "zones",
    };
    Obstacle::new(
        format!("its {field} is not known, and the placement spreads by it"),
        format!("set spec.{field} of the cluster"),
    )
}

fn being_evicted(input: &ScheduleInput<'_>, entry: &ClusterEntry) -> Vec<Obstacle> {
    let tasks = input.spec.graceful_eviction_tasks.iter().filter(|task| task.from_cluster == entry.name);
    let obstacle = |task: &crate::api::work::GracefulEvictionTask| {
        let mut fact = "the workload is being evicted from it".to_owned();
        if !task.reason.is_empty() {
            fact.push_str(" because of ");
            fact.push_str(&task.reason);
        }
        if !task.producer.is_empty() {
            fact.push_str(", asked for by ");
            fact.push_str(&task.producer);
        }
        Obstacle::new(fact, "wait until the eviction is over: its entry in gracefulEvictionTasks goes then")
    };
    tasks.map(obstacle).collect()
}

fn away_from_peers(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    cluster: ClusterIndex,
) -> Vec<Obstacle> {
    let Some(groups) = &input.spec.workload_affinity_groups else { return Vec::new() };
    let (namespace, group) = (&input.spec.resource.namespace, &groups.affinity_group);
    let name = context.snapshot.name_of(cluster);
    let peers = context.groups.affinity_peers(namespace, group, input.name);
    let elsewhere: Vec<&str> = peers
        .filter(|(_, clusters)| !clusters.iter().any(|known| known == name))
        .map(|(peer, _)| peer)
        .collect();
    vec![Obstacle::new(
        format!("workloads of affinity group {group} do not run there: {}", list(elsewhere)),
        "place all workloads of the group there, or leave the group",
    )]
}

fn close_to_peers(
    context: &ScheduleContext<'_>,
    input: &ScheduleInput<'_>,
    cluster: ClusterIndex,
) -> Vec<Obstacle> {
    let Some(groups) = &input.spec.workload_affinity_groups else { return Vec::new() };
    let (namespace, group) = (&input.spec.resource.namespace, &groups.anti_affinity_group);
    let name = context.snapshot.name_of(cluster);
    let peers = context.groups.anti_affinity_peers(namespace, group, input.name);
    let there: Vec<&str> = peers
        .filter(|(_, clusters)| clusters.iter().any(|known| known == name))
        .map(|(peer, _)| peer)
        .collect();
    vec![Obstacle::new(
        format!("workloads of anti-affinity group {group} run there: {}", list(there)),
        "place those elsewhere, or leave the group",
    )]
}
