//! ReplicaSet.

use serde_json::Value;

use super::super::InterpretError;
use super::counters::{Counters, Observed, Unchanged};
use super::pod_dependencies::template_dependencies;
use super::requirements::workload_replicas;
use super::rules::Rules;
use super::typed::{generation, number, read};

const COUNTERS: Counters = Counters {
    kind: "ReplicaSet",
    status: "ReplicaSetStatus",
    fields: &["replicas", "readyReplicas", "availableReplicas"],
    reflected: &["replicas", "readyReplicas", "availableReplicas", "observedGeneration"],
    unchanged: Unchanged::AsWritten,
    observed: Observed::TemplateGeneration,
};

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| workload_replicas("ReplicaSet", object, options)),
    revise: Some(&["spec", "replicas"]),
    aggregate: Some(|object, items, _| COUNTERS.aggregate(object, items)),
    dependencies: Some(|object| template_dependencies("ReplicaSet", object)),
    reflect: Some(|object| COUNTERS.reflect(object)),
    health: Some(health),
    ..Rules::NONE
};

fn health(object: &Value) -> Result<bool, InterpretError> {
    let object = read("ReplicaSet", object)?;
    let status = &object["status"];
    let enough = object["spec"]
        .get("replicas")
        .is_none_or(|replicas| number(status, "availableReplicas") >= replicas.as_i64().unwrap_or_default());
    Ok(number(status, "observedGeneration") == generation(&object) && enough)
}
