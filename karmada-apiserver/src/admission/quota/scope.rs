//! Which objects a quota is about.

use serde_json::Value;

use super::super::pod_resources::{Side, container_amounts};

/// Whether a quota's scopes take an object in. Scopes are about pods; a quota with any counts nothing else.
pub(crate) fn matches(quota: &Value, is_pod: bool, object: &Value) -> bool {
    let plain = quota["spec"]["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let selected = quota["spec"]["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten();
    plain
        .map(|scope| (scope, "Exists", &Value::Null))
        .chain(selected.map(|e| {
            (
                e["scopeName"].as_str().unwrap_or_default(),
                e["operator"].as_str().unwrap_or_default(),
                &e["values"],
            )
        }))
        .all(|(scope, operator, values)| is_pod && matches_pod(object, scope, operator, values))
}

fn matches_pod(pod: &Value, scope: &str, operator: &str, values: &Value) -> bool {
    let spec = &pod["spec"];
    match scope {
        "Terminating" => spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0),
        "NotTerminating" => spec["activeDeadlineSeconds"].as_i64().is_none_or(|seconds| seconds < 0),
        "BestEffort" => is_best_effort(spec),
        "NotBestEffort" => !is_best_effort(spec),
        "PriorityClass" => {
            let class = spec["priorityClassName"].as_str().unwrap_or_default();
            let listed = values.as_array().is_some_and(|values| values.iter().any(|value| value == class));
            match operator {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => !class.is_empty(),
                "DoesNotExist" => class.is_empty(),
                _ => false,
            }
        }
        "CrossNamespacePodAffinity" => crosses_namespaces(spec),
        _ => false,
    }
}

fn is_best_effort(spec: &Value) -> bool {
    let is_silent = |container: &Value| {
        [Side::Requests, Side::Limits].iter().all(|side| {
            let amounts = container_amounts(container, *side);
            amounts
                .iter()
                .all(|(name, amount)| !matches!(name.as_str(), "cpu" | "memory") || amount.is_zero())
        })
    };
    let mut containers =
        ["containers", "initContainers"].iter().flat_map(|list| spec[list].as_array().into_iter().flatten());
    is_silent(spec) && containers.all(is_silent)
}

fn crosses_namespaces(spec: &Value) -> bool {
    let crosses = |term: &Value| {
        term["namespaces"].as_array().is_some_and(|namespaces| !namespaces.is_empty())
            || term["namespaceSelector"].is_object()
    };
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let affinity = &spec["affinity"][kind];
        let list = |name: &str| affinity[name].as_array().into_iter().flatten();
        list("requiredDuringSchedulingIgnoredDuringExecution").any(crosses)
            || list("preferredDuringSchedulingIgnoredDuringExecution")
                .any(|term| crosses(&term["podAffinityTerm"]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_choose_pods() {
        let quota = |scope: &str| json!({"spec": {"scopes": [scope]}});
        let idle = json!({"spec": {"containers": [{"name": "c"}]}});
        let busy = json!({"spec": {"activeDeadlineSeconds": 5,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}});
        let chosen = |scope: &str| [matches(&quota(scope), true, &idle), matches(&quota(scope), true, &busy)];
        assert_eq!(chosen("BestEffort"), [true, false]);
        assert_eq!(chosen("NotBestEffort"), [false, true]);
        assert_eq!(chosen("Terminating"), [false, true]);
        assert_eq!(chosen("NotTerminating"), [true, false]);
        assert_eq!(chosen("CrossNamespacePodAffinity"), [false, false]);
        assert!(!matches(&quota("BestEffort"), false, &idle), "scopes are about pods");
        assert!(matches(&json!({"spec": {}}), false, &idle));
    }
}
