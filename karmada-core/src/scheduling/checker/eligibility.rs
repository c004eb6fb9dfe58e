//! Which clusters may have a workload.

use std::collections::BTreeMap;

use super::PlacementCheck;
use crate::{
    api::{
        SelectorRequirement,
        cluster::Cluster,
        policy::{AffinityTerm, ClusterAffinity, SpreadField},
        work::ResourceBinding,
    },
    scheduling::Plugin,
};

/// Returns the plugins that stand against a cluster, in their order.
pub(super) fn refusing_plugins(check: &PlacementCheck<'_>, cluster: &Cluster) -> Vec<Plugin> {
    Plugin::FILTERS
        .into_iter()
        .filter(|plugin| check.context.options.plugins.contains(*plugin) && refuses(check, cluster, *plugin))
        .collect()
}

/// Returns the place of the first affinity that selects a cluster: 0 for the affinity itself.
pub(super) fn tier(check: &PlacementCheck<'_>, cluster: &Cluster) -> Option<usize> {
    let Some(placement) = &check.input.spec.placement else { return Some(0) };
    if let Some(affinity) = &placement.cluster_affinity {
        return selects(affinity, cluster).then_some(0);
    }
    let Some(group) =
        placement.cluster_affinities.iter().find(|one| one.affinity_name == check.input.affinity_name)
    else {
        return Some(0);
    };
    if selects(&group.affinity, cluster) {
        return Some(0);
    }
    let overflow: &[AffinityTerm] =
        if check.input.spec.is_workload() { &group.overflow_affinities } else { &[] };
    (1..).zip(overflow).find(|(_, term)| selects(&term.affinity, cluster)).map(|(tier, _)| tier)
}

fn refuses(check: &PlacementCheck<'_>, cluster: &Cluster, plugin: Plugin) -> bool {
    let spec = check.input.spec;
    let is_there = spec.clusters.iter().any(|target| target.name == cluster.name());
    let constraints = spec.placement.iter().flat_map(|placement| &placement.spread_constraints);
    match plugin {
        Plugin::ApiEnablement => {
            let mut served = cluster.status.iter().flat_map(|status| &status.api_enablements);
            let (version, kind) = (&spec.resource.api_version, &spec.resource.kind);
            let serves = served.any(|one| {
                one.group_version == *version && one.resources.iter().any(|resource| resource.kind == *kind)
            });
            !is_there && !serves
        }
        Plugin::TaintToleration => {
            let tolerations =
                spec.placement.as_ref().map_or(&[][..], |placement| &placement.cluster_tolerations);
            let stands = |taint: &&crate::api::cluster::Taint| {
                let counts = taint.effect == "NoSchedule" || taint.effect == "NoExecute";
                let tolerated = tolerations.iter().any(|toleration| {
                    let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
                    let by_value = toleration.operator.is_empty() || toleration.operator == "Equal";
                    fits(&toleration.key, &taint.key)
                        && fits(&toleration.effect, &taint.effect)
                        && (toleration.operator == "Exists" || (by_value && toleration.value == taint.value))
                });
                counts && !tolerated
            };
            !is_there && cluster.spec.taints.iter().any(|taint| stands(&taint))
        }
        Plugin::ClusterAffinity => tier(check, cluster).is_none(),
        Plugin::SpreadConstraint => {
            constraints.into_iter().any(|constraint| match constraint.spread_by_field {
                SpreadField::Provider => cluster.spec.provider.is_empty(),
                SpreadField::Region => cluster.spec.region.is_empty(),
                SpreadField::Zone => cluster.spec.zones.is_empty(),
                _ => false,
            })
        }
        Plugin::ClusterEviction => {
            spec.graceful_eviction_tasks.iter().any(|task| task.from_cluster == cluster.name())
        }
        Plugin::WorkloadAffinity => {
            let group = |binding: &ResourceBinding| group_of(binding).0;
            !is_there
                && own_group(check, |groups| &groups.affinity_group)
                    .is_some_and(|own| peers(check, &own, group).any(|peer| !uses(peer, cluster)))
        }
        Plugin::WorkloadAntiAffinity => {
            let group = |binding: &ResourceBinding| group_of(binding).1;
            !is_there
                && own_group(check, |groups| &groups.anti_affinity_group)
                    .is_some_and(|own| peers(check, &own, group).any(|peer| uses(peer, cluster)))
        }
        Plugin::ClusterLocality => false,
    }
}

type Groups = crate::api::work::WorkloadAffinityGroups;

/// Returns the binding's own group, where groups count.
fn own_group(check: &PlacementCheck<'_>, name: impl Fn(&Groups) -> &String) -> Option<String> {
    let groups = check.input.spec.workload_affinity_groups.as_ref()?;
    let name = name(groups);
    (check.context.options.gates.workload_affinity && !name.is_empty()).then(|| name.clone())
}

fn group_of(binding: &ResourceBinding) -> (String, String) {
    let groups = binding.spec.workload_affinity_groups.clone().unwrap_or_default();
    (groups.affinity_group, groups.anti_affinity_group)
}

/// Returns the scheduled bindings of a group in the namespace, the newest version of each.
fn peers<'a>(
    check: &PlacementCheck<'a>,
    group: &str,
    group_of: impl Fn(&ResourceBinding) -> String,
) -> impl Iterator<Item = &'a ResourceBinding> {
    let mut newest: BTreeMap<&str, (u64, &ResourceBinding)> = BTreeMap::new();
    let namespace = check.input.spec.resource.namespace.as_str();
    for binding in check.peers {
        let name = binding.metadata.name.as_deref().unwrap_or_default();
        let version = binding.metadata.resource_version.as_deref().unwrap_or_default().parse().unwrap_or(0);
        let is_newer = newest.get(name).is_none_or(|(known, _)| version > *known);
        if binding.metadata.namespace.as_deref().unwrap_or_default() == namespace && is_newer {
            newest.insert(name, (version, binding));
        }
    }
    let of_group: Vec<&ResourceBinding> = newest
        .into_iter()
        .filter(|(name, (_, binding))| {
            *name != check.input.name && group_of(binding) == group && !binding.spec.clusters.is_empty()
        })
        .map(|(_, (_, binding))| binding)
        .collect();
    of_group.into_iter()
}

fn uses(binding: &ResourceBinding, cluster: &Cluster) -> bool {
    binding.spec.clusters.iter().any(|target| target.name == cluster.name())
}

fn selects(affinity: &ClusterAffinity, cluster: &Cluster) -> bool {
    let is_cluster = |name: &String| name == cluster.name();
    if affinity.exclude_clusters.iter().any(is_cluster) {
        return false;
    }
    if !affinity.cluster_names.is_empty() && !affinity.cluster_names.iter().any(is_cluster) {
        return false;
    }
    let label = |key: &str| -> Vec<String> {
        cluster.metadata.labels.iter().filter_map(|labels| labels.get(key).cloned()).collect()
    };
    let labels = affinity.label_selector.iter().all(|selector| {
        selector.match_labels.iter().all(|(key, value)| label(key) == [value.clone()])
            && selector.match_expressions.iter().all(|one| holds(one, &label(&one.key)))
    });
    let present = |value: &String| if value.is_empty() { Vec::new() } else { vec![value.clone()] };
    let fields =
        affinity.field_selector.iter().flat_map(|selector| &selector.match_expressions).all(|one| match one
            .key
            .as_str()
        {
            "provider" => holds(one, &present(&cluster.spec.provider)),
            "region" => holds(one, &present(&cluster.spec.region)),
            "zone" => holds(one, &cluster.spec.zones),
            _ => holds(one, &[]),
        });
    labels && fields
}

/// Returns true when a requirement holds for what was found, usually one value or none.
fn holds(requirement: &SelectorRequirement, found: &[String]) -> bool {
    let listed = found.iter().any(|value| requirement.values.contains(value));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => !found.is_empty(),
        "DoesNotExist" => found.is_empty(),
        _ => false,
    }
}
