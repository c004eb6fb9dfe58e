//! Deployment.

use serde_json::Value;

use super::super::{InterpretError, fields};
use super::counters::{Counters, Observed, Unchanged};
use super::pod_dependencies::template_dependencies;
use super::requirements::workload_replicas;
use super::rules::Rules;
use super::typed::{generation, number, read};
use crate::api::reserved::{LABEL_TRUE, RETAIN_REPLICAS_LABEL};
use crate::object::set_nested;

const COUNTERS: Counters = Counters {
    kind: "Deployment",
    status: "DeploymentStatus",
    fields: &["replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "unavailableReplicas"],
    reflected: &[
        "replicas",
        "readyReplicas",
        "updatedReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "observedGeneration",
    ],
    unchanged: Unchanged::AsWritten,
    observed: Observed::TemplateGeneration,
};

pub(super) const RULES: Rules = Rules {
    replicas: Some(|object, options| workload_replicas("Deployment", object, options)),
    revise: Some(&["spec", "replicas"]),
    retain: Some(retain),
    aggregate: Some(|object, items, _| COUNTERS.aggregate(object, items)),
    dependencies: Some(|object| template_dependencies("Deployment", object)),
    reflect: Some(|object| COUNTERS.reflect(object)),
    health: Some(health),
};

/// Keeps the member's replicas when the template says that someone else manages them.
fn retain(mut desired: Value, observed: &Value) -> Result<Value, InterpretError> {
    let label = desired.pointer("/metadata/labels").and_then(|labels| labels.get(RETAIN_REPLICAS_LABEL));
    if label.and_then(Value::as_str) != Some(LABEL_TRUE) {
        return Ok(desired);
    }
    let text =
        |pointer: &str| desired.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let replicas =
        fields::integer(observed, &["spec", "replicas"])?.ok_or_else(|| InterpretError::MissingField {
            path: "spec.replicas",
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
        })?;
    set_nested(&mut desired, &["spec", "replicas"], replicas.into())?;
    Ok(desired)
}

fn health(object: &Value) -> Result<bool, InterpretError> {
    let object = read("Deployment", object)?;
    let status = &object["status"];
    let enough = object["spec"]
        .get("replicas")
        .is_none_or(|replicas| number(status, "updatedReplicas") >= replicas.as_i64().unwrap_or_default());
    Ok(number(status, "observedGeneration") == generation(&object)
        && enough
        && number(status, "availableReplicas") >= number(status, "updatedReplicas"))
}
