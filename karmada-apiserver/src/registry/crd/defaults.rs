//! Defaults and first status of a CRD.

use serde_json::{Value, json};

/// Fills a CRD in.
pub(crate) fn apply_defaults(crd: &mut Value) {
    let Some(spec) = crd.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let empty = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().is_empty();
        if empty(names.get("singular")) && !kind.is_empty() {
            names.insert("singular".to_owned(), kind.to_lowercase().into());
        }
        if empty(names.get("listKind")) && !kind.is_empty() {
            names.insert("listKind".to_owned(), format!("{kind}List").into());
        }
    }
    let conversion = &mut spec["conversion"];
    if conversion.is_null() {
        *conversion = json!({"strategy": "None"});
    }
    if let Some(service) = conversion.pointer_mut("/webhook/clientConfig/service")
        && service.get("port").is_none()
    {
        service["port"] = json!(443);
    }
}

/// Returns the status of a CRD that has just been created.
pub(crate) fn initial_status(crd: &Value) -> Value {
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<&Value> = versions
        .filter(|version| version["storage"] == json!(true))
        .map(|version| &version["name"])
        .collect();
    json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored})
}

/// Adds the storage version to those that objects may be stored in.
pub(crate) fn note_storage_version(crd: &mut Value) {
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<Value> = versions
        .filter(|version| version["storage"] == json!(true))
        .map(|version| version["name"].clone())
        .collect();
    let Some(list) = crd["status"]["storedVersions"].as_array_mut() else { return };
    for name in stored {
        if !list.contains(&name) {
            list.push(name);
        }
    }
}
