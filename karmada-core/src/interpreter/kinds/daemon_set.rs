//! DaemonSet.

use serde_json::Value;

use super::super::InterpretError;
use super::counters::{Counters, Observed, Unchanged};
use super::pod_dependencies::template_dependencies;
use super::rules::Rules;
use super::typed::{generation, number, read};

const COUNTERS: Counters = Counters {
    kind: "DaemonSet",
    status: "DaemonSetStatus",
    fields: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
    ],
    reflected: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "observedGeneration",
    ],
    unchanged: Unchanged::AsTyped,
    observed: Observed::TemplateGeneration,
};

pub(super) const RULES: Rules = Rules {
    aggregate: Some(|object, items, _| COUNTERS.aggregate(object, items)),
    dependencies: Some(|object| template_dependencies("DaemonSet", object)),
    reflect: Some(|object| COUNTERS.reflect(object)),
    health: Some(health),
    ..Rules::NONE
};

fn health(object: &Value) -> Result<bool, InterpretError> {
    let object = read("DaemonSet", object)?;
    let status = &object["status"];
    Ok(number(status, "observedGeneration") == generation(&object)
        && number(status, "updatedNumberScheduled") >= number(status, "desiredNumberScheduled")
        && number(status, "numberAvailable") >= number(status, "updatedNumberScheduled"))
}
