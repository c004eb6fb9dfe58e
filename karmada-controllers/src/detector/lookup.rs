//! The caches that propagation decides from.

use std::sync::Arc;

use karmada_core::api::policy::{ClusterPropagationPolicy, PropagationPolicy};
use karmada_core::propagation::Lookup;
use serde_json::Value;

use crate::hub::{Hub, ObjectKey};

/// The hub's caches as propagation reads them.
pub(super) struct HubLookup<'a>(pub(super) &'a Hub);

impl Lookup for HubLookup<'_> {
    fn propagation_policies(&self, namespace: &str) -> Vec<Arc<PropagationPolicy>> {
        self.0.propagation_policies.list_namespace(namespace)
    }

    fn cluster_propagation_policies(&self) -> Vec<Arc<ClusterPropagationPolicy>> {
        self.0.cluster_propagation_policies.list()
    }

    fn propagation_policy(&self, namespace: &str, name: &str) -> Option<Arc<PropagationPolicy>> {
        self.0.propagation_policies.find(&ObjectKey::new(namespace, name))
    }

    fn cluster_propagation_policy(&self, name: &str) -> Option<Arc<ClusterPropagationPolicy>> {
        self.0.cluster_propagation_policies.find(&ObjectKey::new("", name))
    }

    fn has_override_policy(&self, namespace: &str, name: &str) -> bool {
        self.0.override_policies.find(&ObjectKey::new(namespace, name)).is_some()
    }

    fn has_cluster_override_policy(&self, name: &str) -> bool {
        self.0.cluster_override_policies.find(&ObjectKey::new("", name)).is_some()
    }

    fn priority_class(&self, name: &str) -> Option<i32> {
        let classes = self.0.templates.informer("scheduling.k8s.io/v1", "PriorityClass")?;
        let class = classes.find(&ObjectKey::new("", name))?;
        class.value().get("value").and_then(Value::as_i64).and_then(|value| i32::try_from(value).ok())
    }
}
