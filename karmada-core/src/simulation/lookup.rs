//! The policies, found by what they select.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    api::policy::{ClusterPropagationPolicy, PropagationPolicy, PropagationSpec, ResourceSelector},
    object,
    propagation::Lookup,
};

/// The propagation policies of a world, and what they refer to.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// By namespace.
    namespaced: HashMap<String, Index<PropagationPolicy>>,
    cluster: Index<ClusterPropagationPolicy>,
    /// Namespaces and names of override policies; the namespace of a cluster-wide one is empty.
    pub(super) overrides: BTreeSet<(String, String)>,
    /// Values of PriorityClasses.
    pub(super) priority_classes: BTreeMap<String, i32>,
}

/// Policies by what they select, so that few are looked at for one template.
#[derive(Debug)]
struct Index<P> {
    by_name: BTreeMap<String, Arc<P>>,
    by_selector: HashMap<Selected, Vec<Arc<P>>>,
}

/// What a selector names; the name is empty when it selects by labels or everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Selected {
    api_version: String,
    kind: String,
    name: String,
}

impl<P> Default for Index<P> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), by_selector: HashMap::new() }
    }
}

impl<P> Index<P> {
    fn insert(&mut self, name: &str, spec: &PropagationSpec, policy: &Arc<P>) {
        self.by_name.insert(name.to_owned(), policy.clone());
        let selected: BTreeSet<(&str, &str, &str)> = spec
            .resource_selectors
            .iter()
            .map(|selector| (selector.api_version.as_str(), selector.kind.as_str(), selector.name.as_str()))
            .collect();
        for (api_version, kind, name) in selected {
            let key = Selected {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
            };
            self.by_selector.entry(key).or_default().push(policy.clone());
        }
    }

    /// Returns the policies that may select a template; those that do not at all are left out.
    fn candidates(&self, template: &Value) -> Vec<Arc<P>> {
        let mut key = Selected {
            api_version: object::api_version(template).to_owned(),
            kind: object::kind(template).to_owned(),
            name: String::new(),
        };
        let mut candidates = self.by_selector.get(&key).cloned().unwrap_or_default();
        object::name(template).clone_into(&mut key.name);
        for policy in self.by_selector.get(&key).into_iter().flatten() {
            // A policy may select it by name and with the rest.
            if !candidates.iter().any(|known| Arc::ptr_eq(known, policy)) {
                candidates.push(policy.clone());
            }
        }
        candidates
    }
}

impl Policies {
    pub(super) fn add(&mut self, policy: PropagationPolicy) {
        let policy = Arc::new(policy);
        let namespace = policy.metadata.namespace.clone().unwrap_or_default();
        let name = policy.metadata.name.as_deref().unwrap_or_default();
        self.namespaced.entry(namespace).or_default().insert(name, &policy.spec, &policy);
    }

    pub(super) fn add_cluster(&mut self, policy: ClusterPropagationPolicy) {
        let policy = Arc::new(policy);
        let name = policy.metadata.name.as_deref().unwrap_or_default();
        self.cluster.insert(name, &policy.spec, &policy);
    }

    /// Returns what every policy selects, by namespace and name.
    pub(super) fn selectors(&self) -> BTreeMap<(&str, &str), &[ResourceSelector]> {
        let namespaced = self.namespaced.iter().flat_map(|(namespace, index)| {
            index.by_name.iter().map(move |(name, policy)| {
                ((namespace.as_str(), name.as_str()), policy.spec.resource_selectors.as_slice())
            })
        });
        let cluster = self
            .cluster
            .by_name
            .iter()
            .map(|(name, policy)| (("", name.as_str()), policy.spec.resource_selectors.as_slice()));
        namespaced.chain(cluster).collect()
    }

    /// Returns the cache that decisions about a template look into.
    pub(super) fn for_template<'a>(&'a self, template: &'a Value) -> TemplateLookup<'a> {
        TemplateLookup { policies: self, template }
    }
}

/// The policies as decisions about one template see them.
///
/// Policies without a selector for the template's kind and name are left out of lists: they cannot
/// select it.
pub(super) struct TemplateLookup<'a> {
    policies: &'a Policies,
    template: &'a Value,
}

impl TemplateLookup<'_> {
    /// Returns true when a policy that may select the template takes dependencies along.
    pub(super) fn may_take_along(&self, namespace: &str) -> bool {
        self.propagation_policies(namespace).iter().any(|policy| policy.spec.propagate_deps)
            || self.cluster_propagation_policies().iter().any(|policy| policy.spec.propagate_deps)
    }
}

impl Lookup for TemplateLookup<'_> {
    fn propagation_policies(&self, namespace: &str) -> Vec<Arc<PropagationPolicy>> {
        let index = self.policies.namespaced.get(namespace);
        index.map(|index| index.candidates(self.template)).unwrap_or_default()
    }

    fn cluster_propagation_policies(&self) -> Vec<Arc<ClusterPropagationPolicy>> {
        self.policies.cluster.candidates(self.template)
    }

    fn propagation_policy(&self, namespace: &str, name: &str) -> Option<Arc<PropagationPolicy>> {
        self.policies.namespaced.get(namespace)?.by_name.get(name).cloned()
    }

    fn cluster_propagation_policy(&self, name: &str) -> Option<Arc<ClusterPropagationPolicy>> {
        self.policies.cluster.by_name.get(name).cloned()
    }

    fn has_override_policy(&self, namespace: &str, name: &str) -> bool {
        self.policies.overrides.contains(&(namespace.to_owned(), name.to_owned()))
    }

    fn has_cluster_override_policy(&self, name: &str) -> bool {
        self.policies.overrides.contains(&(String::new(), name.to_owned()))
    }

    fn priority_class(&self, name: &str) -> Option<i32> {
        self.policies.priority_classes.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_may_select_a_template_once() {
        let mut policies = Policies::default();
        let policy = |name: &str, selectors: Value| {
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "a"}, "spec": {"resourceSelectors": selectors}
            }))
            .unwrap()
        };
        let deployment = |name: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
        policies.add(policy("both", json!([deployment("web"), deployment("")])));
        policies.add(policy("other", json!([deployment("api")])));
        policies.add(policy("jobs", json!([{"apiVersion": "batch/v1", "kind": "Job"}])));
        let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "a"}});
        let found = policies.for_template(&template).propagation_policies("a");
        let names: Vec<_> = found.iter().map(|policy| policy.metadata.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["both"]);
        assert!(policies.for_template(&template).propagation_policies("b").is_empty());
    }
}
