//! Kinds with few rules: config maps, secrets, namespaces, nodes, leases, limits.

use base64::Engine as _;
use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::super::metadata::metadata_mut;
use super::super::names;
use super::super::quantity::Quantity;
use super::fields::{check_immutable, child, default, flag, items, items_mut, remove, text};

const STANDARD_LIMIT_TYPES: &[&str] = &["Container", "PersistentVolumeClaim", "Pod"];

pub(super) fn default_secret(object: &mut Value) {
    if let Some(plain) = object.get("stringData").and_then(Value::as_object).cloned() {
        if let Some(data) = child(object, "data").and_then(Value::as_object_mut) {
            for (key, value) in plain {
                let text = value.as_str().unwrap_or_default();
                data.insert(key, base64::engine::general_purpose::STANDARD.encode(text).into());
            }
        }
        remove(object, "stringData");
    }
    default(object, "type", "Opaque");
}

pub(super) fn default_namespace(object: &mut Value) {
    let name = text(&object["metadata"], "name").to_owned();
    if name.is_empty() {
        return;
    }
    let labels = metadata_mut(object).entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
}

pub(super) fn default_limit_range(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    for item in items_mut(spec, "limits") {
        if text(item, "type") != "Container" {
            continue;
        }
        for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")]
        {
            let Some(amounts) = item.get(source).and_then(Value::as_object).cloned() else { continue };
            if let Some(target) = child(item, target) {
                for (name, amount) in amounts {
                    default(target, &name, amount);
                }
            }
        }
    }
}

/// Gives a new namespace its finalizer.
pub(super) fn admit_namespace(object: &mut Value, old: Option<&Value>) {
    default_namespace(object);
    if let Some(old) = old {
        object["spec"]["finalizers"] = old["spec"]["finalizers"].clone();
        if object["spec"]["finalizers"].is_null() {
            remove(&mut object["spec"], "finalizers");
        }
        return;
    }
    let Some(spec) = child(object, "spec") else { return };
    let mut finalizers = items(spec, "finalizers").to_vec();
    if !finalizers.iter().any(|name| name == "kubernetes") {
        finalizers.push(json!("kubernetes"));
    }
    spec["finalizers"] = Value::from(finalizers);
}

/// Drops what only coordinated leader election uses, which is not offered.
pub(super) fn admit_lease(object: &mut Value) {
    for field in ["preferredHolder", "strategy"] {
        remove(&mut object["spec"], field);
    }
}

/// A new node is not ready until its kubelet says otherwise.
pub(super) fn admit_node(object: &mut Value) {
    const TAINT: &str = "node.kubernetes.io/not-ready";
    let Some(spec) = child(object, "spec") else { return };
    let mut taints = items(spec, "taints").to_vec();
    if !taints.iter().any(|taint| taint["key"] == TAINT && taint["effect"] == "NoSchedule") {
        taints.push(json!({"key": TAINT, "effect": "NoSchedule"}));
        spec["taints"] = Value::from(taints);
    }
}

/// Returns what is wrong with a config map or secret.
pub(super) fn validate_data(kind: &str, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let keys = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    let mut bytes = 0;
    for (field, other) in [("data", "binaryData"), ("binaryData", "data")] {
        for (key, value) in keys(field) {
            let path = format!("{field}[{key}]");
            errors.extend(names::invalid_each(&path, key, names::config_key(key)));
            if field == "data" && object[other].get(key).is_some() {
                errors.push(FieldError::invalid(
                    &path,
                    &Value::from(key.as_str()),
                    "duplicate of key present in binaryData",
                ));
            }
            bytes += value.as_str().map_or(0, str::len);
        }
    }
    if bytes > 1024 * 1024 {
        errors.push(FieldError::too_long(if kind == "Secret" { "data" } else { "[]" }, 1024 * 1024));
    }
    if kind == "Secret" {
        secret_type(object, &mut errors);
    }
    if let Some(old) = old {
        if kind == "Secret" {
            check_immutable(object, old, "type", "", &mut errors);
        }
        if flag(old, "immutable") {
            const DETAIL: &str = "field is immutable when `immutable` is set";
            if !flag(object, "immutable") {
                errors.push(FieldError::forbidden("immutable", DETAIL));
            }
            for field in ["data", "binaryData"] {
                if object.get(field) != old.get(field) {
                    errors.push(FieldError::forbidden(field, DETAIL));
                }
            }
        }
    }
    errors
}

/// Returns what is wrong with a namespace.
pub(super) fn validate_namespace(object: &Value) -> Vec<FieldError> {
    let standard = |name: &str| matches!(name, "kubernetes" | "orphan" | "foregroundDeletion");
    let mut errors = Vec::new();
    for finalizer in items(&object["spec"], "finalizers") {
        let name = finalizer.as_str().unwrap_or_default();
        errors.extend(names::invalid_each("spec.finalizers", name, names::qualified_name(name)));
        if !name.contains('/') && !standard(name) {
            errors.push(FieldError::invalid(
                "spec.finalizers",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    errors
}

/// Returns what is wrong with a lease.
pub(super) fn validate_lease(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds < 1) {
        errors.push(FieldError::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    super::fields::check_not_negative(spec, "leaseTransitions", "spec", &mut errors);
    errors
}

/// Returns what is wrong with a limit range.
pub(super) fn validate_limit_range(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = Vec::new();
    for (index, item) in items(&object["spec"], "limits").iter().enumerate() {
        let path = format!("spec.limits[{index}]");
        let kind = text(item, "type");
        let problems = names::qualified_name(kind);
        let named = problems.is_empty();
        errors.extend(names::invalid_each(&format!("{path}.type"), kind, problems));
        if named && !kind.contains('/') && !STANDARD_LIMIT_TYPES.contains(&kind) {
            errors.push(FieldError::invalid(
                format!("{path}.type"),
                &Value::from(kind),
                "must be a standard limit type or fully qualified",
            ));
        }
        if seen.contains(&kind) {
            errors.push(FieldError::duplicate(format!("{path}.type"), &item["type"]));
            continue;
        }
        seen.push(kind);
        let amounts = |list: &str| item[list].as_object().is_some_and(|list| list.contains_key("storage"));
        if kind == "PersistentVolumeClaim" && !amounts("min") && !amounts("max") {
            let detail = "either minimum or maximum storage value is required, but neither was provided";
            errors.push(FieldError::required(format!("{path}.limits"), detail));
        }
        limit_item(item, &path, &mut errors);
    }
    errors
}

fn limit_item(item: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut names: Vec<&String> = Vec::new();
    for list in ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"] {
        for name in item.get(list).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.sort();
    for name in names {
        let amount = |list: &str| {
            let value = item.get(list)?.get(name.as_str())?;
            Some((value, Quantity::parse(value.as_str()?)?))
        };
        let (min, max) = (amount("min"), amount("max"));
        let (limit, request) = (amount("default"), amount("defaultRequest"));
        let mut compare = |low: Option<(&Value, Quantity)>,
                           high: Option<(&Value, Quantity)>,
                           field: &str,
                           shown: Shown,
                           words: [&str; 2]| {
            let (Some((low, low_amount)), Some((high, high_amount))) = (low, high) else { return };
            if low_amount.compare(high_amount).is_gt() {
                let detail = format!(
                    "{} {} is greater than {} {}",
                    words[0],
                    low.as_str().unwrap_or_default(),
                    words[1],
                    high.as_str().unwrap_or_default()
                );
                let value = if shown == Shown::Low { low } else { high };
                errors.push(FieldError::invalid(format!("{path}.{field}[{name}]"), value, detail));
            }
        };
        compare(min, max, "min", Shown::Low, ["min value", "max value"]);
        compare(min, request, "defaultRequest", Shown::High, ["min value", "default request value"]);
        compare(request, max, "defaultRequest", Shown::Low, ["default request value", "max value"]);
        compare(
            request,
            limit,
            "defaultRequest",
            Shown::Low,
            ["default request value", "default limit value"],
        );
        compare(min, limit, "default", Shown::Low, ["min value", "default value"]);
        compare(limit, max, "default", Shown::High, ["default value", "max value"]);
    }
}

/// Which of two compared amounts a message shows as the bad one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Low,
    High,
}

fn secret_type(object: &Value, errors: &mut Vec<FieldError>) {
    let mut need = |key: &str| {
        if object["data"].get(key).is_none() {
            errors.push(FieldError::required(format!("data[{key}]"), ""));
        }
    };
    match text(object, "type") {
        "kubernetes.io/dockercfg" => docker(object, ".dockercfg", errors),
        "kubernetes.io/dockerconfigjson" => docker(object, ".dockerconfigjson", errors),
        // An empty key is none.
        "kubernetes.io/ssh-auth" if text(&object["data"], "ssh-privatekey").is_empty() => {
            errors.push(FieldError::required("data[ssh-privatekey]", ""));
        }
        "kubernetes.io/tls" => {
            need("tls.crt");
            need("tls.key");
        }
        "kubernetes.io/basic-auth" => {
            let given = |key: &str| object["data"].get(key).is_some();
            if !given("username") && !given("password") {
                for key in ["username", "password"] {
                    errors.push(FieldError::required(format!("data[{key}]"), ""));
                }
            }
        }
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            if text(&object["metadata"]["annotations"], annotation).is_empty() {
                errors.push(FieldError::required(format!("metadata.annotations[{annotation}]"), ""));
            }
        }
        _ => {}
    }
}

/// Reports what is no JSON that names registries.
fn docker(object: &Value, key: &str, errors: &mut Vec<FieldError>) {
    let field = format!("data[{key}]");
    let Some(text) = object["data"][key].as_str() else {
        errors.push(FieldError::required(field, ""));
        return;
    };
    let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(text) else { return };
    if serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes).is_err() {
        let problem = crate::go_json::syntax_error(&bytes).unwrap_or_else(|| {
            "json: cannot unmarshal into Go value of type map[string]interface {}".to_owned()
        });
        errors.push(FieldError::invalid(field, &Value::from("<secret contents redacted>"), problem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_plain_strings_into_data() {
        let mut secret = json!({"stringData": {"user": "admin"}, "data": {"user": "b2xk", "x": "eA=="}});
        default_secret(&mut secret);
        assert_eq!(secret, json!({"data": {"user": "YWRtaW4=", "x": "eA=="}, "type": "Opaque"}));
    }

    #[test]
    fn compares_every_pair_of_limits() {
        let mut range =
            json!({"spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}});
        default_limit_range(&mut range);
        let fields: Vec<String> = validate_limit_range(&range).into_iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            ["spec.limits[0].min[cpu]", "spec.limits[0].defaultRequest[cpu]", "spec.limits[0].default[cpu]"]
        );
    }
}
