//! Which clusters the workloads of a group use.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::work::ResourceBinding;

type Key = (String, String);

/// The workloads that are in an affinity or anti-affinity group, and the clusters they use.
///
/// It is fed with bindings as they are watched and as they are written: of one binding the
/// newest version counts, so a placement is seen before the watch brings it back.
#[derive(Clone, Debug, Default)]
pub struct WorkloadGroups {
    /// By namespace and name of the binding.
    members: BTreeMap<Key, Member>,
    /// Names of bindings by namespace and group.
    affinity: BTreeMap<Key, BTreeSet<String>>,
    anti_affinity: BTreeMap<Key, BTreeSet<String>>,
}

#[derive(Clone, Debug)]
struct Member {
    version: u64,
    affinity_group: String,
    anti_affinity_group: String,
    clusters: Vec<String>,
}

impl WorkloadGroups {
    /// Takes note of a binding, unless a newer version (or this one) is known.
    pub fn observe(&mut self, binding: &ResourceBinding) {
        let version = binding.metadata.resource_version.as_deref().unwrap_or_default().parse().unwrap_or(0);
        let (namespace, name) = key_of(binding);
        if self.members.get(&(namespace.clone(), name.clone())).is_some_and(|known| known.version >= version)
        {
            return;
        }
        self.remove(&namespace, &name);
        let groups = binding.spec.workload_affinity_groups.clone().unwrap_or_default();
        for (index, group) in [
            (&mut self.affinity, &groups.affinity_group),
            (&mut self.anti_affinity, &groups.anti_affinity_group),
        ] {
            if !group.is_empty() {
                index.entry((namespace.clone(), group.clone())).or_default().insert(name.clone());
            }
        }
        let mut clusters: Vec<String> =
            binding.spec.clusters.iter().map(|target| target.name.clone()).collect();
        // Users of a cluster are counted, so each counts once.
        clusters.sort_unstable();
        clusters.dedup();
        let member = Member {
            version,
            affinity_group: groups.affinity_group,
            anti_affinity_group: groups.anti_affinity_group,
            clusters,
        };
        self.members.insert((namespace, name), member);
    }

    /// Forgets a binding that was deleted.
    pub fn remove(&mut self, namespace: &str, name: &str) {
        let Some(member) = self.members.remove(&(namespace.to_owned(), name.to_owned())) else { return };
        for (index, group) in [
            (&mut self.affinity, member.affinity_group),
            (&mut self.anti_affinity, member.anti_affinity_group),
        ] {
            let key = (namespace.to_owned(), group);
            if let Some(names) = index.get_mut(&key) {
                names.remove(name);
                if names.is_empty() {
                    index.remove(&key);
                }
            }
        }
    }

    /// Returns name and clusters of every other scheduled workload of an affinity group.
    pub(in crate::scheduling) fn affinity_peers<'a>(
        &'a self,
        namespace: &'a str,
        group: &str,
        own_name: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [String])> {
        self.peers(&self.affinity, namespace, group, own_name)
    }

    /// Returns name and clusters of every other scheduled workload of an anti-affinity group.
    pub(in crate::scheduling) fn anti_affinity_peers<'a>(
        &'a self,
        namespace: &'a str,
        group: &str,
        own_name: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [String])> {
        self.peers(&self.anti_affinity, namespace, group, own_name)
    }

    fn peers<'a>(
        &'a self,
        index: &'a BTreeMap<Key, BTreeSet<String>>,
        namespace: &'a str,
        group: &str,
        own_name: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a [String])> {
        let names = index.get(&(namespace.to_owned(), group.to_owned()));
        names
            .into_iter()
            .flatten()
            .filter(move |name| name.as_str() != own_name)
            .filter_map(move |name| {
                let member = self.members.get(&(namespace.to_owned(), name.clone()))?;
                Some((name.as_str(), member.clusters.as_slice()))
            })
            .filter(|(_, clusters)| !clusters.is_empty())
    }
}

fn key_of(binding: &ResourceBinding) -> Key {
    let metadata = &binding.metadata;
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn binding(name: &str, version: &str, group: &str, clusters: &[&str]) -> ResourceBinding {
        let clusters: Vec<_> = clusters.iter().map(|name| json!({"name": name})).collect();
        serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": name, "resourceVersion": version},
            "spec": {"clusters": clusters, "workloadAffinityGroups": {"affinityGroup": group}},
        }))
        .unwrap()
    }

    fn peers(groups: &WorkloadGroups, group: &str) -> Vec<Vec<String>> {
        groups.affinity_peers("shop", group, "me").map(|(_, clusters)| clusters.to_vec()).collect()
    }

    #[test]
    fn lists_the_other_scheduled_workloads_of_the_group() {
        let mut groups = WorkloadGroups::default();
        groups.observe(&binding("me", "1", "g", &["m1"]));
        groups.observe(&binding("peer", "1", "g", &["m2"]));
        groups.observe(&binding("pending", "1", "g", &[]));
        groups.observe(&binding("other", "1", "h", &["m3"]));
        assert_eq!(peers(&groups, "g"), [["m2"]]);
    }

    #[test]
    fn counts_a_cluster_once_however_often_it_is_listed() {
        let mut groups = WorkloadGroups::default();
        groups.observe(&binding("peer", "1", "g", &["m2", "m1", "m2"]));
        assert_eq!(peers(&groups, "g"), [["m1", "m2"]]);
    }

    #[test]
    fn prefers_the_newest_version_of_a_binding() {
        let mut groups = WorkloadGroups::default();
        groups.observe(&binding("peer", "10", "g", &["m2"]));
        groups.observe(&binding("peer", "9", "g", &["m1"]));
        assert_eq!(peers(&groups, "g"), [["m2"]]);
    }

    #[test]
    fn follows_a_workload_into_another_group_and_out() {
        let mut groups = WorkloadGroups::default();
        groups.observe(&binding("peer", "1", "g", &["m1"]));
        groups.observe(&binding("peer", "2", "h", &["m1"]));
        assert!(peers(&groups, "g").is_empty());
        groups.remove("shop", "peer");
        assert!(peers(&groups, "h").is_empty());
    }
}
