//! StatefulSet.

use serde_json::Value;

use super::super::{DependentReference, InterpretError};
use super::counters::{Counters, Observed, Unchanged};
use super::pod_dependencies::template_dependencies;
use super::requirements::workload_replicas;
use super::rules::Rules;
use super::typed::{generation, number, read};

const COUNTERS: Counters = Counters {
    kind: "StatefulSet",
    status: "StatefulSetStatus",
    fields: &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
    // The generation a member has observed is not collected, so that the template's rarely advances.
    reflected: &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
    unchanged: Unchanged::AsWritten,
    observed: Observed::MemberGeneration,
};

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| workload_replicas("StatefulSet", object, options)),
    revise: Some(&["spec", "replicas"]),
    aggregate: Some(|object, items, _| COUNTERS.aggregate(object, items)),
    dependencies: Some(dependencies),
    reflect: Some(|object| COUNTERS.reflect(object)),
    health: Some(health),
    ..Rules::NONE
};

/// Leaves out claims that are made from the set's own claim templates.
fn dependencies(object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
    let mut references = template_dependencies("StatefulSet", object)?;
    let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let names: Vec<_> = templates
        .into_iter()
        .flatten()
        .filter_map(|template| template.pointer("/metadata/name")?.as_str())
        .collect();
    references.retain(|reference| {
        reference.kind != "PersistentVolumeClaim" || !names.contains(&reference.name.as_str())
    });
    Ok(references)
}

fn health(object: &Value) -> Result<bool, InterpretError> {
    let object = read("StatefulSet", object)?;
    let status = &object["status"];
    let enough = object["spec"]
        .get("replicas")
        .is_none_or(|replicas| number(status, "updatedReplicas") >= replicas.as_i64().unwrap_or_default());
    Ok(number(status, "observedGeneration") == generation(&object)
        && enough
        && number(status, "availableReplicas") >= number(status, "updatedReplicas"))
}
