//! The status of a CRD.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Returns the status of a CRD: accepted names, conditions, stored versions.
///
/// `conflict` is the reason and message of names that are in use. What the status says already stays, with its
/// transition times.
pub fn status(crd: &Value, conflict: Option<(String, String)>, now: Timestamp) -> Value {
    let mut names = crd["spec"]["names"].clone();
    if let Some(names) = names.as_object_mut() {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        names.entry("listKind").or_insert_with(|| format!("{kind}List").into());
        names.entry("singular").or_insert_with(|| kind.to_lowercase().into());
    }
    let old = &crd["status"];
    let accepted = conflict.is_none();
    let (reason, message) =
        conflict.unwrap_or_else(|| ("NoConflicts".to_owned(), "no conflicts found".to_owned()));
    let mut conditions: Vec<Value> = old["conditions"].as_array().cloned().unwrap_or_default();
    set_condition(&mut conditions, "NamesAccepted", accepted, &reason, &message, now);
    let was_established = conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True");
    // A CRD that was established stays so: its objects exist.
    if accepted || was_established {
        set_condition(
            &mut conditions,
            "Established",
            true,
            "InitialNamesAccepted",
            "the initial names have been accepted",
            now,
        );
    } else {
        set_condition(
            &mut conditions,
            "Established",
            false,
            "NotAccepted",
            "not all names are accepted",
            now,
        );
    }
    let accepted_names = if accepted {
        names
    } else {
        old.get("acceptedNames").cloned().unwrap_or_else(|| json!({"plural": "", "kind": ""}))
    };
    let mut status = old.as_object().cloned().unwrap_or_else(Map::new);
    status.insert("conditions".to_owned(), Value::from(conditions));
    status.insert("acceptedNames".to_owned(), accepted_names);
    status.insert("storedVersions".to_owned(), stored_versions(crd));
    Value::from(status)
}

fn stored_versions(crd: &Value) -> Value {
    let mut stored = crd["status"]["storedVersions"].as_array().cloned().unwrap_or_default();
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    for version in versions.filter(|version| version["storage"] == json!(true)) {
        if !stored.contains(&version["name"]) {
            stored.push(version["name"].clone());
        }
    }
    Value::from(stored)
}

fn set_condition(
    conditions: &mut Vec<Value>,
    kind: &str,
    value: bool,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let status = if value { "True" } else { "False" };
    let mut condition = json!({
        "type": kind, "status": status, "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "reason": reason, "message": message,
    });
    match conditions.iter_mut().find(|condition| condition["type"] == kind) {
        Some(old) => {
            if old["status"] == condition["status"] {
                condition["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = condition;
        }
        None => conditions.push(condition),
    }
}
