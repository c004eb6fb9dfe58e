//! What moves between two worlds.

use std::{cmp::Ordering, collections::BTreeMap, iter::Peekable};

use serde_json::Value;

use super::{ManifestBuilder, PolicyName, Record, Simulation, World, world::compare};
use crate::propagation::TemplateKey;

/// How closely two worlds are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiffDetail {
    /// Clusters, replicas and policies.
    #[default]
    Placements,
    /// Also the objects that members receive, which takes longer.
    Manifests,
}

/// What changes for one resource.
#[derive(Debug)]
pub struct ResourceChange {
    /// Its kind and name.
    pub key: TemplateKey,
    /// What became of it before; none when it is new.
    pub before: Option<Record>,
    /// What becomes of it after; none when it is gone.
    pub after: Option<Record>,
    /// The clusters in which something changes, by name.
    pub clusters: Vec<ClusterChange>,
}

/// What changes for one resource in one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterChange {
    /// The cluster.
    pub cluster: String,
    /// The replicas before; none when it was not there.
    pub before: Option<i32>,
    /// The replicas after; none when it goes away.
    pub after: Option<i32>,
    /// True when it stays with the same replicas but its object differs.
    pub is_object_changed: bool,
}

impl ResourceChange {
    /// Returns the policies before and after, when they are not the same.
    pub fn policy_change(&self) -> Option<(Option<&PolicyName>, Option<&PolicyName>)> {
        let policy = |record: &'_ Option<Record>| -> Option<(String, String)> {
            let policy = record.as_ref()?.policy.as_ref()?;
            Some((policy.namespace.clone(), policy.name.clone()))
        };
        (policy(&self.before) != policy(&self.after)).then(|| {
            (
                self.before.as_ref().and_then(|record| record.policy.as_ref()),
                self.after.as_ref().and_then(|record| record.policy.as_ref()),
            )
        })
    }

    /// Returns true when it begins or ceases to be a failure.
    pub fn is_failure_change(&self) -> bool {
        let is_failure = |record: &Option<Record>| record.as_ref().is_some_and(Record::is_failure);
        is_failure(&self.before) != is_failure(&self.after)
    }
}

/// Compares two worlds: returns one change per resource for which anything changes, in the order of
/// records.
pub fn diff<'w>(
    before: &'w World,
    after: &'w World,
    detail: DiffDetail,
) -> impl Iterator<Item = ResourceChange> {
    let same_around = before.clusters == after.clusters && before.customizations == after.customizations;
    Comparison {
        worlds: same_around.then_some((before, after)),
        before: before.simulate().peekable(),
        after: after.simulate().peekable(),
        builders: match detail {
            DiffDetail::Placements => None,
            DiffDetail::Manifests => Some((before.manifests(), after.manifests())),
        },
    }
}

struct Comparison<'w> {
    /// Both worlds, when the same objects make the same of the same resource in both.
    worlds: Option<(&'w World, &'w World)>,
    before: Peekable<Simulation<'w>>,
    after: Peekable<Simulation<'w>>,
    builders: Option<(ManifestBuilder<'w>, ManifestBuilder<'w>)>,
}

impl Comparison<'_> {
    /// Returns the records of the next resource.
    fn next_pair(&mut self) -> Option<(Option<Record>, Option<Record>)> {
        let order = match (self.before.peek(), self.after.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => compare(&before.key, &after.key),
        };
        let before = if order == Ordering::Greater { None } else { self.before.next() };
        let after = if order == Ordering::Less { None } else { self.after.next() };
        Some((before, after))
    }

    fn change(&self, before: Option<Record>, after: Option<Record>) -> Option<ResourceChange> {
        let key = before.as_ref().or(after.as_ref())?.key.clone();
        let clusters = self.cluster_changes(before.as_ref(), after.as_ref());
        let is_new_or_gone = before.is_none() || after.is_none();
        let change = ResourceChange { key, before, after, clusters };
        let differs = is_new_or_gone
            || !change.clusters.is_empty()
            || change.policy_change().is_some()
            || change.is_failure_change();
        differs.then_some(change)
    }

    fn cluster_changes(&self, before: Option<&Record>, after: Option<&Record>) -> Vec<ClusterChange> {
        let (old, new) = (replicas_by_cluster(before), replicas_by_cluster(after));
        // Most resources of two worlds are the same; making their objects takes longer than all the rest.
        if let (Some(before), Some(after)) = (before, after)
            && old == new
            && self.makes_same_objects(before, after)
        {
            return Vec::new();
        }
        let objects = self.builders.as_ref().map(|(old_builder, new_builder)| {
            (objects_by_cluster(old_builder, before), objects_by_cluster(new_builder, after))
        });
        let mut clusters: Vec<&str> = old.keys().chain(new.keys()).copied().collect();
        clusters.sort_unstable();
        clusters.dedup();
        let changes = clusters.into_iter().filter_map(|cluster| {
            let (before, after) = (old.get(cluster).copied(), new.get(cluster).copied());
            let is_object_changed = before == after
                && objects.as_ref().is_some_and(|(old, new)| old.get(cluster) != new.get(cluster));
            (before != after || is_object_changed).then(|| ClusterChange {
                cluster: cluster.to_owned(),
                before,
                after,
                is_object_changed,
            })
        });
        changes.collect()
    }
}

impl Comparison<'_> {
    /// Returns true when everything that objects are made from is the same.
    fn makes_same_objects(&self, before: &Record, after: &Record) -> bool {
        let Some((old_world, new_world)) = self.worlds else { return false };
        let (old, new) = (template(old_world, before), template(new_world, after));
        let spec = |record: &Record| record.binding().map(|binding| binding.spec().clone());
        old == new
            && spec(before) == spec(after)
            && old_world.overrides.candidates(old).policies()
                == new_world.overrides.candidates(new).policies()
    }
}

impl Iterator for Comparison<'_> {
    type Item = ResourceChange;

    fn next(&mut self) -> Option<ResourceChange> {
        loop {
            let (before, after) = self.next_pair()?;
            if let Some(change) = self.change(before, after) {
                return Some(change);
            }
        }
    }
}

/// Returns what Works are made from.
fn template<'a>(world: &'a World, record: &'a Record) -> &'a Value {
    record.claimed.as_ref().unwrap_or(&world.templates[record.template].value)
}

fn replicas_by_cluster(record: Option<&Record>) -> BTreeMap<&str, i32> {
    let targets = record.into_iter().flat_map(Record::targets);
    targets.map(|target| (target.name.as_str(), target.replicas)).collect()
}

fn objects_by_cluster(builder: &ManifestBuilder<'_>, record: Option<&Record>) -> BTreeMap<String, Value> {
    let manifests = record.map(|record| builder.build(record).manifests).unwrap_or_default();
    manifests.into_iter().map(|manifest| (manifest.cluster, manifest.object)).collect()
}
