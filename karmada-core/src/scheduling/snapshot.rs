//! The clusters, prepared for scheduling.

use std::{collections::BTreeMap, sync::Arc};

use super::{ClusterIndex, estimate::Capacity, numbers::Numbers};
use crate::{
    api::cluster::{
        ApiEnablement, Cluster, Taint,
        constants::{EFFECT_NO_EXECUTE, EFFECT_NO_SCHEDULE},
    },
    propagation::ClusterFacts,
};

/// The clusters, prepared for scheduling: quantities parsed, enabled APIs in a set.
///
/// It is built once and shared between calls. A clone is cheap (clusters are shared), so a
/// snapshot that is in use can be copied before one cluster is replaced.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Sorted by name: the order of indexes is the order of names.
    entries: Vec<Arc<ClusterEntry>>,
    names: Arc<Names>,
}

/// The names that clusters share.
///
/// They are kept when the last cluster with a name goes: there are few.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Versions and kinds.
    apis: Numbers,
    regions: Numbers,
    resources: Numbers,
}

/// Lists of APIs that were numbered before; those of one fleet are much alike.
#[derive(Default)]
struct KnownApis<'a>(Vec<(&'a [ApiEnablement], Arc<[u32]>)>);

/// How many lists are remembered.
const KNOWN_APIS: usize = 4;

/// One cluster.
#[derive(Clone, Debug)]
pub(super) struct ClusterEntry {
    pub(super) name: String,
    pub(super) deleting: bool,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) provider: String,
    pub(super) region: String,
    /// The number of the region; it compares faster than the name.
    pub(super) region_number: u32,
    pub(super) zones: Vec<String>,
    /// Only taints that keep new workloads away.
    pub(super) taints: Vec<Taint>,
    /// None when the cluster has not reported its resources.
    pub(super) capacity: Option<Capacity>,
    /// Sorted; shared with clusters that have the same.
    apis: Arc<[u32]>,
    /// Every kind counts as served, whatever `apis` says.
    serves_all: bool,
}

impl Snapshot {
    /// Prepares clusters; their order has no meaning, the last of a name wins.
    pub fn new<'a>(clusters: impl IntoIterator<Item = &'a Cluster>) -> Self {
        let mut snapshot = Self::default();
        let mut by_name = BTreeMap::new();
        for cluster in clusters {
            by_name.insert(cluster.name(), cluster);
        }
        let mut known = KnownApis::default();
        let entries =
            by_name.into_values().map(|cluster| Arc::new(snapshot.prepare(cluster, &mut known))).collect();
        snapshot.entries = entries;
        snapshot
    }

    /// Adds a cluster or replaces the one of its name.
    pub fn upsert(&mut self, cluster: &Cluster) {
        let mut entry = self.prepare(cluster, &mut KnownApis::default());
        let position = self.position(&entry.name);
        let (Ok(neighbour) | Err(neighbour)) = position;
        if let Some(other) = self.entries.get(neighbour).or(self.entries.last())
            && other.apis == entry.apis
        {
            entry.apis = Arc::clone(&other.apis);
        }
        match position {
            Ok(position) => self.entries[position] = Arc::new(entry),
            Err(position) => self.entries.insert(position, Arc::new(entry)),
        }
    }

    /// Removes a cluster.
    pub fn remove(&mut self, name: &str) {
        if let Ok(position) = self.position(name) {
            self.entries.remove(position);
        }
    }

    /// Takes a cluster for one that serves every kind, as nothing is known of its APIs.
    pub fn assume_all_apis(&mut self, name: &str) {
        if let Ok(position) = self.position(name) {
            Arc::make_mut(&mut self.entries[position]).serves_all = true;
        }
    }

    /// Takes a cluster for one with room for everything, as nothing is known of its resources.
    pub fn assume_room(&mut self, name: &str) {
        if let Ok(position) = self.position(name) {
            Arc::make_mut(&mut self.entries[position]).capacity = Some(Capacity::unlimited());
        }
    }

    /// Returns the number of clusters, with those that are being deleted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true when there is no cluster.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns where a cluster is.
    pub fn index_of(&self, name: &str) -> Option<ClusterIndex> {
        self.position(name).ok().map(|position| ClusterIndex(position as u32))
    }

    /// Returns a cluster's name.
    ///
    /// # Panics
    ///
    /// When the index is of another snapshot.
    pub fn name_of(&self, index: ClusterIndex) -> &str {
        &self.entry(index).name
    }

    /// Returns true when the cluster exists and is being deleted.
    pub fn is_deleting(&self, name: &str) -> bool {
        self.position(name).is_ok_and(|position| self.entries[position].deleting)
    }

    pub(super) fn entry(&self, index: ClusterIndex) -> &ClusterEntry {
        &self.entries[index.0 as usize]
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (ClusterIndex, &ClusterEntry)> {
        self.entries.iter().enumerate().map(|(index, entry)| (ClusterIndex(index as u32), &**entry))
    }

    /// Returns the number of a kind; none when no cluster has it.
    pub(super) fn api_number(&self, group_version: &str, kind: &str) -> Option<u32> {
        let mut key = String::new();
        write_api_key(&mut key, group_version, kind);
        self.names.apis.find(&key)
    }

    /// Returns the number of a resource; none when no cluster has it.
    pub(super) fn resource_number(&self, name: &str) -> Option<u32> {
        self.names.resources.find(name)
    }

    /// Returns how many numbers regions have.
    pub(super) fn region_count(&self) -> usize {
        self.names.regions.len()
    }

    /// Returns the versions in which a cluster serves kinds of this name, sorted.
    pub(super) fn versions_of<'a>(&'a self, entry: &ClusterEntry, kind: &str) -> Vec<&'a str> {
        let version = |(number, key): (u32, &'a str)| {
            let (version, known) = key.split_once('\n')?;
            (known == kind && entry.has_api(Some(number))).then_some(version)
        };
        let mut versions: Vec<&str> = self.names.apis.iter().filter_map(version).collect();
        versions.sort_unstable();
        versions
    }

    /// Returns the number of a name in one of the tables; a new one when it is new.
    fn number(
        names: &mut Arc<Names>,
        table: impl Fn(&Names) -> &Numbers,
        table_mut: impl Fn(&mut Names) -> &mut Numbers,
        name: &str,
    ) -> u32 {
        // Tables are shared with other snapshots, and seldom grow.
        match table(names).find(name) {
            Some(number) => number,
            None => table_mut(Arc::make_mut(names)).number(name),
        }
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name))
    }

    fn prepare<'a>(&mut self, cluster: &'a Cluster, known: &mut KnownApis<'a>) -> ClusterEntry {
        let mut entry = ClusterEntry::without_resources(cluster);
        let names = &mut self.names;
        entry.region_number =
            Self::number(names, |names| &names.regions, |names| &mut names.regions, &entry.region);
        let Some(status) = &cluster.status else { return entry };
        let number =
            |name: &str| Self::number(names, |names| &names.resources, |names| &mut names.resources, name);
        entry.capacity = status
            .resource_summary
            .as_ref()
            .map(|summary| Capacity::new(summary, &cluster.spec.resource_models, number));
        entry.apis = known.find(&status.api_enablements).unwrap_or_else(|| {
            let apis = self.number_apis(&status.api_enablements);
            known.add(&status.api_enablements, &apis);
            apis
        });
        entry
    }

    fn number_apis(&mut self, enablements: &[ApiEnablement]) -> Arc<[u32]> {
        let (mut apis, mut key) = (Vec::new(), String::new());
        for enablement in enablements {
            for resource in &enablement.resources {
                write_api_key(&mut key, &enablement.group_version, &resource.kind);
                apis.push(Self::number(&mut self.names, |names| &names.apis, |names| &mut names.apis, &key));
            }
        }
        apis.sort_unstable();
        apis.dedup();
        apis.into()
    }
}

impl<'a> KnownApis<'a> {
    fn find(&self, enablements: &[ApiEnablement]) -> Option<Arc<[u32]>> {
        let known = self.0.iter().rev().find(|(known, _)| *known == enablements);
        known.map(|(_, apis)| Arc::clone(apis))
    }

    fn add(&mut self, enablements: &'a [ApiEnablement], apis: &Arc<[u32]>) {
        if self.0.len() == KNOWN_APIS {
            self.0.remove(0);
        }
        self.0.push((enablements, Arc::clone(apis)));
    }
}

impl ClusterEntry {
    /// Prepares all but APIs and resources.
    pub(super) fn without_resources(cluster: &Cluster) -> Self {
        let spec = &cluster.spec;
        let keeps_away =
            |taint: &&Taint| matches!(taint.effect.as_str(), EFFECT_NO_SCHEDULE | EFFECT_NO_EXECUTE);
        Self {
            name: cluster.name().to_owned(),
            deleting: cluster.metadata.deletion_timestamp.is_some(),
            labels: cluster.metadata.labels.clone().unwrap_or_default(),
            provider: spec.provider.clone(),
            region: spec.region.clone(),
            region_number: 0,
            zones: spec.zones.clone(),
            taints: spec.taints.iter().filter(keeps_away).cloned().collect(),
            capacity: None,
            apis: Arc::default(),
            serves_all: false,
        }
    }

    /// Returns what an affinity looks at.
    pub(super) fn facts(&self) -> ClusterFacts<'_> {
        ClusterFacts {
            name: &self.name,
            labels: &self.labels,
            provider: &self.provider,
            region: &self.region,
            zones: &self.zones,
        }
    }

    /// Returns true when the cluster reported any kind.
    pub(super) fn has_apis(&self) -> bool {
        self.serves_all || !self.apis.is_empty()
    }

    /// Returns true when the cluster serves the kind of this number; a kind without one is new.
    pub(super) fn has_api(&self, number: Option<u32>) -> bool {
        self.serves_all || number.is_some_and(|number| self.apis.binary_search(&number).is_ok())
    }
}

fn write_api_key(key: &mut String, group_version: &str, kind: &str) {
    key.clear();
    key.extend([group_version, "\n", kind]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::cluster::ClusterSpec;

    fn cluster(name: &str) -> Cluster {
        Cluster::new(name, ClusterSpec::default())
    }

    #[test]
    fn keeps_clusters_by_name_in_any_order_of_arrival() {
        let snapshot = Snapshot::new([&cluster("b"), &cluster("a")]);
        assert_eq!(snapshot.index_of("a"), Some(ClusterIndex(0)));
        assert_eq!(snapshot.name_of(ClusterIndex(1)), "b");
    }

    #[test]
    fn replaces_and_removes_one_cluster() {
        let mut snapshot = Snapshot::new([&cluster("a"), &cluster("c")]);
        let before = snapshot.clone();
        let mut changed = cluster("a");
        changed.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
        snapshot.upsert(&changed);
        snapshot.upsert(&cluster("b"));
        snapshot.remove("c");
        assert_eq!(snapshot.len(), 2);
        assert!(snapshot.is_deleting("a") && !before.is_deleting("a"));
        assert_eq!(before.len(), 2);
    }
}
