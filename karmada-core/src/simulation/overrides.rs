//! Which override policies change a resource, and in which clusters.

use std::{
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

use kube::core::object::HasSpec;
use serde_json::Value;

use super::{ManifestError, OverrideName, OverrideUse, World};
use crate::{
    api::{
        cluster::Cluster,
        policy::{ClusterOverridePolicy, OverridePolicy, OverrideSpec},
    },
    object,
    overriding::{apply_overrides, selects},
    propagation::CompiledAffinity,
    scheduling::ClusterIndex,
    work::WorkError,
};

/// The override policies of a world, found by what they select.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    cluster: Scope<ClusterOverridePolicy>,
    /// By namespace.
    namespaced: BTreeMap<String, Scope<OverridePolicy>>,
}

/// The policies of one scope, sorted by name.
#[derive(Debug)]
struct Scope<P> {
    policies: Vec<(P, Reach)>,
    /// Positions of policies by version, kind and name; the name is empty for the other selectors.
    by_selector: HashMap<(String, String, String), Vec<usize>>,
    /// Positions of policies that select everything.
    everything: Vec<usize>,
}

/// The clusters of each rule of a policy, by position; none means all. Made when it is needed.
type Reach = OnceLock<Vec<Option<Vec<bool>>>>;

impl<P> Default for Scope<P> {
    fn default() -> Self {
        Self { policies: Vec::new(), by_selector: HashMap::new(), everything: Vec::new() }
    }
}

impl<P: HasSpec<Spec = OverrideSpec>> Scope<P> {
    fn new(policies: Vec<P>) -> Self {
        let mut scope = Self::default();
        for (position, policy) in policies.into_iter().enumerate() {
            let selectors = &policy.spec().resource_selectors;
            if selectors.is_empty() {
                scope.everything.push(position);
            }
            for selector in selectors {
                let key = (selector.api_version.clone(), selector.kind.clone(), selector.name.clone());
                let positions = scope.by_selector.entry(key).or_default();
                if positions.last() != Some(&position) {
                    positions.push(position);
                }
            }
            scope.policies.push((policy, OnceLock::new()));
        }
        scope
    }

    /// Returns the policies that may select an object, whatever its labels become.
    fn candidates(&self, value: &Value) -> Vec<&(P, Reach)> {
        if self.policies.is_empty() {
            return Vec::new();
        }
        let mut positions = self.everything.clone();
        let mut key = (object::api_version(value).to_owned(), object::kind(value).to_owned(), String::new());
        positions.extend(self.by_selector.get(&key).into_iter().flatten());
        object::name(value).clone_into(&mut key.2);
        positions.extend(self.by_selector.get(&key).into_iter().flatten());
        positions.sort_unstable();
        positions.dedup();
        positions.into_iter().map(|position| &self.policies[position]).collect()
    }
}

/// The override policies that may change one object.
#[derive(Default)]
pub(super) struct Candidates<'w> {
    cluster: Vec<&'w (ClusterOverridePolicy, Reach)>,
    namespaced: Vec<&'w (OverridePolicy, Reach)>,
}

impl Candidates<'_> {
    /// Returns copies, for those who apply them.
    pub(super) fn policies(&self) -> (Vec<ClusterOverridePolicy>, Vec<OverridePolicy>) {
        let cluster = self.cluster.iter().map(|(policy, _)| policy.clone()).collect();
        (cluster, self.namespaced.iter().map(|(policy, _)| policy.clone()).collect())
    }

    fn select(&self, value: &Value) -> bool {
        self.cluster.iter().any(|(policy, _)| selects(&policy.spec, value))
            || self.namespaced.iter().any(|(policy, _)| selects(&policy.spec, value))
    }

    fn reaches(&self) -> impl Iterator<Item = (&OverrideSpec, &Reach)> {
        let cluster = self.cluster.iter().map(|(policy, reach)| (&policy.spec, reach));
        cluster.chain(self.namespaced.iter().map(|(policy, reach)| (&policy.spec, reach)))
    }
}

impl Overrides {
    /// Takes policies that are sorted by name.
    pub(super) fn new(
        cluster: Vec<ClusterOverridePolicy>,
        namespaced: BTreeMap<String, Vec<OverridePolicy>>,
    ) -> Self {
        let namespaced =
            namespaced.into_iter().map(|(namespace, policies)| (namespace, Scope::new(policies)));
        Self { cluster: Scope::new(cluster), namespaced: namespaced.collect() }
    }

    /// Returns the policies that may change an object.
    pub(super) fn candidates(&self, value: &Value) -> Candidates<'_> {
        let namespaced = self.namespaced.get(object::namespace(value));
        Candidates {
            cluster: self.cluster.candidates(value),
            namespaced: namespaced.map(|scope| scope.candidates(value)).unwrap_or_default(),
        }
    }
}

impl World {
    /// Returns which override policies change an object in which of its clusters.
    ///
    /// Clusters to which the same rules apply are looked at together: the rules make the difference.
    pub(super) fn overrides_of(
        &self,
        value: &Value,
        clusters: impl Iterator<Item = ClusterIndex>,
    ) -> Vec<OverrideUse> {
        let candidates = self.overrides.candidates(value);
        if !candidates.select(value) {
            return Vec::new();
        }
        let clusters: Vec<ClusterIndex> = clusters.collect();
        let (cluster_policies, policies) = candidates.policies();
        let mut uses: Vec<OverrideUse> = Vec::new();
        for clusters in self.classes(&candidates, clusters) {
            let Some(first) = clusters.first() else { continue };
            let Some(cluster) = self.clusters.get(self.snapshot.name_of(*first)) else { continue };
            let mut copy = value.clone();
            let (policies, error) = match apply_overrides(&mut copy, cluster, &cluster_policies, &policies) {
                Ok(applied) => {
                    let namespace = object::namespace(value);
                    let cluster = applied.cluster_policies.iter().map(|rule| ("", &rule.policy_name));
                    let namespaced = applied.policies.iter().map(|rule| (namespace, &rule.policy_name));
                    let names = cluster.chain(namespaced).filter_map(|(namespace, name)| {
                        let key = (namespace.to_owned(), name.clone());
                        let object = *self.override_objects.get(&key)?;
                        Some(OverrideName { object, namespace: key.0, name: key.1 })
                    });
                    let mut names: Vec<OverrideName> = names.collect();
                    names.dedup();
                    (names, None)
                }
                Err(source) => {
                    let cluster = cluster.name().to_owned();
                    (Vec::new(), Some(ManifestError::from(WorkError::Override { cluster, source })))
                }
            };
            if !policies.is_empty() || error.is_some() {
                uses.push(OverrideUse { clusters, policies, error });
            }
        }
        uses
    }

    /// Parts clusters by the rules that apply to them, in the order of the first of each class.
    fn classes(&self, candidates: &Candidates<'_>, clusters: Vec<ClusterIndex>) -> Vec<Vec<ClusterIndex>> {
        let mut classes = vec![clusters];
        for (spec, reach) in candidates.reaches() {
            for mask in reach.get_or_init(|| self.reach_of(spec)).iter().flatten() {
                let parts = classes.into_iter().flat_map(|class| {
                    let (inside, outside): (Vec<_>, Vec<_>) =
                        class.into_iter().partition(|cluster| mask.get(cluster.position()) == Some(&true));
                    [inside, outside]
                });
                classes = parts.filter(|class| !class.is_empty()).collect();
            }
        }
        classes.sort_by_key(|class| class.first().copied());
        classes
    }

    fn reach_of(&self, spec: &OverrideSpec) -> Vec<Option<Vec<bool>>> {
        let rules = spec.override_rules.iter().map(|rule| rule.target_cluster.as_ref());
        let legacy = spec.override_rules.is_empty().then_some(spec.target_cluster.as_ref());
        let mask = |affinity| {
            let affinity = CompiledAffinity::new(affinity);
            self.clusters.values().map(|cluster: &Cluster| affinity.matches(cluster)).collect()
        };
        rules.chain(legacy).map(|target| target.map(mask)).collect()
    }
}
