//! What the detector looks up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::api::policy::{ClusterPropagationPolicy, PropagationPolicy};

/// The caches the detector decides from.
pub trait Lookup {
    /// Returns the PropagationPolicies of a namespace.
    fn propagation_policies(&self, namespace: &str) -> Vec<Arc<PropagationPolicy>>;

    /// Returns all ClusterPropagationPolicies.
    fn cluster_propagation_policies(&self) -> Vec<Arc<ClusterPropagationPolicy>>;

    /// Returns a PropagationPolicy.
    fn propagation_policy(&self, namespace: &str, name: &str) -> Option<Arc<PropagationPolicy>>;

    /// Returns a ClusterPropagationPolicy.
    fn cluster_propagation_policy(&self, name: &str) -> Option<Arc<ClusterPropagationPolicy>>;

    /// Returns true when an OverridePolicy exists.
    fn has_override_policy(&self, namespace: &str, name: &str) -> bool;

    /// Returns true when a ClusterOverridePolicy exists.
    fn has_cluster_override_policy(&self, name: &str) -> bool;

    /// Returns the value of a PriorityClass.
    fn priority_class(&self, name: &str) -> Option<i32>;
}

/// A lookup in memory.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// PropagationPolicies.
    pub propagation_policies: Vec<Arc<PropagationPolicy>>,
    /// ClusterPropagationPolicies.
    pub cluster_propagation_policies: Vec<Arc<ClusterPropagationPolicy>>,
    /// Namespaces and names of OverridePolicies.
    pub override_policies: BTreeSet<(String, String)>,
    /// Names of ClusterOverridePolicies.
    pub cluster_override_policies: BTreeSet<String>,
    /// Values of PriorityClasses.
    pub priority_classes: BTreeMap<String, i32>,
}

impl Lookup for Snapshot {
    fn propagation_policies(&self, namespace: &str) -> Vec<Arc<PropagationPolicy>> {
        let in_namespace =
            |policy: &&Arc<PropagationPolicy>| policy.metadata.namespace.as_deref() == Some(namespace);
        self.propagation_policies.iter().filter(in_namespace).cloned().collect()
    }

    fn cluster_propagation_policies(&self) -> Vec<Arc<ClusterPropagationPolicy>> {
        self.cluster_propagation_policies.clone()
    }

    fn propagation_policy(&self, namespace: &str, name: &str) -> Option<Arc<PropagationPolicy>> {
        let mut policies = self.propagation_policies.iter();
        let found = policies.find(|policy| {
            policy.metadata.namespace.as_deref() == Some(namespace)
                && policy.metadata.name.as_deref() == Some(name)
        });
        found.cloned()
    }

    fn cluster_propagation_policy(&self, name: &str) -> Option<Arc<ClusterPropagationPolicy>> {
        let mut policies = self.cluster_propagation_policies.iter();
        policies.find(|policy| policy.metadata.name.as_deref() == Some(name)).cloned()
    }

    fn has_override_policy(&self, namespace: &str, name: &str) -> bool {
        self.override_policies.iter().any(|(in_namespace, named)| in_namespace == namespace && named == name)
    }

    fn has_cluster_override_policy(&self, name: &str) -> bool {
        self.cluster_override_policies.contains(name)
    }

    fn priority_class(&self, name: &str) -> Option<i32> {
        self.priority_classes.get(name).copied()
    }
}
