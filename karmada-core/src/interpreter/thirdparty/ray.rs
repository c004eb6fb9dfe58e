//! What the kinds of Ray share.

use serde_json::Value;

use super::super::{DependentReference, NativeOptions};
use super::rules::Answer;
use super::templates::{component, component_replicas, template_dependencies};
use super::values::{elements, guarded, text};
use crate::api::work::Component;

/// Returns the head and the groups of workers of a cluster.
pub(super) fn cluster_components(cluster: &Value, options: NativeOptions) -> Answer<Vec<Component>> {
    let mut components = Vec::new();
    let head = guarded(cluster, &["headGroupSpec"]);
    if !head.is_null() {
        components.push(component("ray-head", 1, head, options)?);
    }
    for (index, group) in worker_groups(cluster).iter().enumerate() {
        let name = match text(group, &["groupName"]) {
            "" => format!("worker-{}", index + 1),
            name => name.to_owned(),
        };
        components.push(component(&name, component_replicas(group, &["replicas"], 0)?, group, options)?);
    }
    Ok(components)
}

/// Returns what the pods of a cluster in a field of the spec need.
pub(super) fn cluster_dependencies(object: &Value, name: &'static str) -> Answer<Vec<DependentReference>> {
    let mut found = Vec::new();
    let head = ["spec", name, "headGroupSpec", "template"];
    if !guarded(object, &head).is_null() {
        found.extend(template_dependencies(object, &head)?);
    }
    for group in worker_groups(guarded(object, &["spec", name])) {
        if !guarded(group, &["template"]).is_null() {
            // The namespace is the object's, the template the group's.
            let part = serde_json::json!({
                "metadata": {"namespace": guarded(object, &["metadata", "namespace"])},
                "template": guarded(group, &["template"]),
            });
            found.extend(template_dependencies(&part, &["template"])?);
        }
    }
    Ok(found)
}

/// Returns the groups of workers of a cluster.
pub(super) fn worker_groups(cluster: &Value) -> &[Value] {
    elements(guarded(cluster, &["workerGroupSpecs"]))
}
