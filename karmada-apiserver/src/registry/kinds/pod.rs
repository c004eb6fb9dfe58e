//! Pods: admission, status and what may change.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::prepare::{PrepareContext, PrepareError};
use super::super::quantity::Quantity;
use super::fields::{default, flag, has, items, items_mut, remove, text};
use super::pod_checks;
use super::pod_spec::default_pod_spec;

const TOLERATION_SECONDS: i64 = 300;
const UPDATE_FORBIDDEN: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
                                `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
                                additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be \
                                set to 1 if it was previously negative)";

/// Fills a pod in.
pub(super) fn apply_defaults(pod: &mut Value) {
    if let Some(status) = pod.get_mut("status") {
        mirror_address(status);
    }
    let Some(spec) = pod.get_mut("spec") else { return };
    default_pod_spec(spec);
    default(spec, "enableServiceLinks", true);
    for list in ["initContainers", "containers"] {
        for container in items_mut(spec, list) {
            default_requests(container);
        }
    }
}

/// Applies the admission of the real server: tolerations, priority, and the status of a new pod.
pub(super) fn admit(
    pod: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Result<(), PrepareError> {
    default(pod, "spec", json!({}));
    let class = qos_class(&pod["spec"]);
    add_tolerations(&mut pod["spec"]);
    if old.is_none()
        && pod["spec"]["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0)
    {
        pod["spec"]["terminationGracePeriodSeconds"] = json!(1);
    }
    if let Some(old) = old {
        // Whoever leaves these out means what they are.
        for field in ["priority", "preemptionPolicy"] {
            if let Some(value) = old["spec"].get(field) {
                default(&mut pod["spec"], field, value.clone());
            }
        }
    } else {
        set_priority(pod, context)?;
        pod["status"] = json!({"phase": "Pending", "qosClass": class});
    }
    Ok(())
}

/// Applies the part of the admission that comes before webhooks. The rest repeats it, to the same result.
pub(super) fn admit_early(
    pod: &mut Value,
    old: Option<&Value>,
    context: &PrepareContext<'_>,
) -> Result<(), PrepareError> {
    default(pod, "spec", json!({}));
    add_tolerations(&mut pod["spec"]);
    if old.is_none() { set_priority(pod, context) } else { Ok(()) }
}

/// Returns what is wrong with a pod.
pub(super) fn validate(pod: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(&pod["metadata"], "name");
    pod_checks::validate_spec(&pod["spec"], name, "spec", &mut errors);
    errors
}

/// Returns what is wrong with a change.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = validate(new);
    let (new_spec, old_spec) = (&new["spec"], &old["spec"]);
    for list in ["containers", "initContainers"] {
        if items(new_spec, list).len() != items(old_spec, list).len() {
            errors.push(FieldError::forbidden(
                format!("spec.{list}"),
                "pod updates may not add or remove containers",
            ));
            return errors;
        }
    }
    errors.extend(deadline_errors(new_spec, old_spec));
    errors.extend(toleration_errors(new_spec, old_spec));
    if comparable(new_spec, old_spec) != comparable(old_spec, old_spec) {
        errors.push(FieldError::forbidden("spec", UPDATE_FORBIDDEN));
    }
    errors
}

/// The spec with everything that may change taken from the old one.
fn comparable(spec: &Value, old: &Value) -> Value {
    let mut spec = spec.clone();
    for list in ["containers", "initContainers"] {
        for (index, container) in items_mut(&mut spec, list).enumerate() {
            container["image"] = old[list][index]["image"].clone();
        }
    }
    remove(&mut spec, "activeDeadlineSeconds");
    remove(&mut spec, "tolerations");
    let was_negative = old["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0);
    if was_negative && spec["terminationGracePeriodSeconds"] == json!(1) {
        spec["terminationGracePeriodSeconds"] = old["terminationGracePeriodSeconds"].clone();
    }
    let gated = !items(old, "schedulingGates").is_empty();
    if gated {
        remove(&mut spec, "nodeSelector");
        remove(&mut spec, "affinity");
    }
    remove(&mut spec, "schedulingGates");
    spec
}

fn deadline_errors(new: &Value, old: &Value) -> Option<FieldError> {
    let path = "spec.activeDeadlineSeconds";
    match (new["activeDeadlineSeconds"].as_i64(), old["activeDeadlineSeconds"].as_i64()) {
        (Some(new), Some(old)) if new > old => {
            Some(FieldError::invalid(path, &Value::from(new), "must be less than or equal to previous value"))
        }
        (None, Some(_)) => Some(FieldError::invalid(
            path,
            &Value::Null,
            "must not update from a positive integer to nil value",
        )),
        _ => None,
    }
}

fn toleration_errors(new: &Value, old: &Value) -> Option<FieldError> {
    let plain = |toleration: &Value| {
        let mut toleration = toleration.clone();
        remove(&mut toleration, "tolerationSeconds");
        toleration
    };
    let new: Vec<Value> = items(new, "tolerations").iter().map(plain).collect();
    let kept = items(old, "tolerations").iter().all(|toleration| new.contains(&plain(toleration)));
    (!kept).then(|| {
        FieldError::forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        )
    })
}

/// The first of several addresses has a field of its own.
fn mirror_address(status: &mut Value) {
    let first = items(status, "podIPs").first().map(|address| address["ip"].clone());
    match (first, has(status, "podIP")) {
        (Some(first), false) => status["podIP"] = first,
        (None, true) => status["podIPs"] = json!([{"ip": status["podIP"]}]),
        (Some(first), true) if first != status["podIP"] => {
            status["podIPs"] = json!([{"ip": status["podIP"]}]);
        }
        _ => {}
    }
}

/// A limit without a request is a request too.
fn default_requests(container: &mut Value) {
    let Some(limits) = container.pointer("/resources/limits").and_then(Value::as_object).cloned() else {
        return;
    };
    let requests = &mut container["resources"]["requests"];
    if requests.is_null() {
        *requests = json!({});
    }
    for (name, amount) in limits {
        default(requests, &name, amount);
    }
}

fn add_tolerations(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = items(spec, "tolerations").iter().any(|toleration| {
            let (found, effect) = (text(toleration, "key"), text(toleration, "effect"));
            (found == key || found.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        });
        if tolerated {
            continue;
        }
        if !has(spec, "tolerations") {
            spec["tolerations"] = json!([]);
        }
        if let Some(list) = spec["tolerations"].as_array_mut() {
            list.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS
            }));
        }
    }
}

fn set_priority(pod: &mut Value, context: &PrepareContext<'_>) -> Result<(), PrepareError> {
    let name = text(&pod["spec"], "priorityClassName").to_owned();
    let class = match name.as_str() {
        "system-cluster-critical" => Some(json!({"value": 2_000_000_000})),
        "system-node-critical" => Some(json!({"value": 2_000_001_000})),
        "" => default_class(context),
        name => {
            let found = context
                .lookup
                .and_then(|lookup| lookup.object("scheduling.k8s.io/priorityclasses", "", name));
            if found.is_none() && context.lookup.is_some() {
                let pod = text(&pod["metadata"], "name");
                return Err(PrepareError::Forbidden(format!(
                    "pods \"{pod}\" is forbidden: no PriorityClass with name {name} was found"
                )));
            }
            found
        }
    };
    let class = class.unwrap_or_else(|| json!({}));
    let spec = &mut pod["spec"];
    if name.is_empty() && has(&class, "metadata") {
        spec["priorityClassName"] = class["metadata"]["name"].clone();
    }
    let value = class.get("value").cloned().unwrap_or_else(|| json!(0));
    if has(spec, "priority") && spec["priority"] != value {
        let (given, pod) = (spec["priority"].clone(), text(&pod["metadata"], "name"));
        return Err(PrepareError::Forbidden(format!(
            "pods \"{pod}\" is forbidden: the integer value of priority ({given}) must not be provided in pod spec; \
             priority admission controller computed {value} from the given PriorityClass name"
        )));
    }
    spec["priority"] = value;
    let policy = class.get("preemptionPolicy").cloned().unwrap_or_else(|| json!("PreemptLowerPriority"));
    if has(spec, "preemptionPolicy") && spec["preemptionPolicy"] != policy {
        let (given, pod) = (text(spec, "preemptionPolicy").to_owned(), text(&pod["metadata"], "name"));
        return Err(PrepareError::Forbidden(format!(
            "pods \"{pod}\" is forbidden: the string value of PreemptionPolicy ({given}) must not be provided in pod spec; \
             priority admission controller computed {} from the given PriorityClass name",
            policy.as_str().unwrap_or_default()
        )));
    }
    default(spec, "preemptionPolicy", policy);
    Ok(())
}

fn default_class(context: &PrepareContext<'_>) -> Option<Value> {
    let classes = context.lookup?.objects("scheduling.k8s.io/priorityclasses");
    classes
        .into_iter()
        .filter(|class| flag(class, "globalDefault"))
        .min_by_key(|class| class["value"].as_i64())
}

/// Returns the quality of service that requests and limits give.
fn qos_class(spec: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    for container in items(spec, "containers").iter().chain(items(spec, "initContainers")) {
        let amount = |kind: &str, name: &str| {
            let text = container["resources"][kind][name].as_str()?;
            Quantity::parse(text).filter(|amount| !amount.is_zero())
        };
        for name in ["cpu", "memory"] {
            let (request, limit) = (amount("requests", name), amount("limits", name));
            any |= request.is_some() || limit.is_some();
            guaranteed &= match (request, limit) {
                (Some(request), Some(limit)) => request.compare(limit).is_eq(),
                (None, Some(_)) => true,
                _ => false,
            };
        }
    }
    if !any {
        "BestEffort"
    } else if guaranteed {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_quality_of_service() {
        let spec = |resources: Value| json!({"containers": [{"resources": resources}]});
        assert_eq!(qos_class(&spec(json!({}))), "BestEffort");
        assert_eq!(qos_class(&spec(json!({"requests": {"cpu": "1"}}))), "Burstable");
        let both = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(qos_class(&spec(json!({"requests": both, "limits": both}))), "Guaranteed");
    }

    #[test]
    fn lets_a_new_image_in_and_keeps_the_rest() {
        let old =
            json!({"spec": {"containers": [{"name": "c", "image": "a"}], "tolerations": [{"key": "x"}]}});
        let mut new = old.clone();
        new["spec"]["containers"][0]["image"] = json!("b");
        let plain = |errors: Vec<FieldError>| -> Vec<String> {
            let changes = errors.into_iter().filter(|error| error.message.starts_with("Forbidden"));
            changes.map(|error| error.field).collect()
        };
        assert!(plain(validate_update(&new, &old)).is_empty());
        new["spec"]["nodeName"] = json!("n1");
        assert_eq!(plain(validate_update(&new, &old)), ["spec"]);
        new["spec"]["tolerations"] = json!([]);
        assert_eq!(plain(validate_update(&new, &old))[0], "spec.tolerations");
    }

    #[test]
    fn adds_tolerations_once() {
        let mut spec = json!({"tolerations": [{"operator": "Exists"}]});
        add_tolerations(&mut spec);
        assert_eq!(items(&spec, "tolerations").len(), 1);
        let mut spec = json!({});
        add_tolerations(&mut spec);
        add_tolerations(&mut spec);
        assert_eq!(items(&spec, "tolerations").len(), 2);
    }
}
