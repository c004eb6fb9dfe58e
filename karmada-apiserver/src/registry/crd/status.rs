//! The status of a CRD.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::resources::NamesConflict;

/// Returns the status of a CRD: accepted names, conditions, stored versions.
///
/// What the status says already stays, with its transition times: a refused name keeps the one accepted before.
pub fn status(crd: &Value, conflict: Option<NamesConflict>, now: Timestamp) -> Value {
    let old = &crd["status"];
    let refused = conflict.as_ref().map(|conflict| conflict.refused.clone()).unwrap_or_default();
    let accepted = conflict.is_none();
    let (reason, message) = match conflict {
        Some(conflict) => (conflict.reason, conflict.message),
        None => ("NoConflicts".to_owned(), "no conflicts found".to_owned()),
    };
    let mut conditions: Vec<Value> = old["conditions"].as_array().cloned().unwrap_or_default();
    set_condition(&mut conditions, "NamesAccepted", accepted, &reason, &message, now);
    let was_established = conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True");
    // A CRD that was established stays so: its objects exist.
    if accepted && !was_established {
        set_condition(
            &mut conditions,
            "Established",
            true,
            "InitialNamesAccepted",
            "the initial names have been accepted",
            now,
        );
    } else if !was_established {
        set_condition(
            &mut conditions,
            "Established",
            false,
            "NotAccepted",
            "not all names are accepted",
            now,
        );
    }
    let mut status = old.as_object().cloned().unwrap_or_else(Map::new);
    status.insert("conditions".to_owned(), Value::from(conditions));
    status.insert("acceptedNames".to_owned(), accepted_names(crd, &refused));
    status.insert("storedVersions".to_owned(), stored_versions(crd));
    Value::from(status)
}

fn accepted_names(crd: &Value, refused: &[&str]) -> Value {
    let mut names = crd["spec"]["names"].clone();
    let before = &crd["status"]["acceptedNames"];
    let kind = names["kind"].as_str().unwrap_or_default().to_owned();
    if let Some(names) = names.as_object_mut() {
        names.entry("listKind").or_insert_with(|| format!("{kind}List").into());
        names.entry("singular").or_insert_with(|| kind.to_lowercase().into());
        for field in refused {
            names.remove(*field);
            if let Some(value) = before.get(*field).filter(|value| **value != "") {
                names.insert((*field).to_owned(), value.clone());
            }
        }
        for field in ["kind", "plural"] {
            names.entry(field).or_insert_with(|| "".into());
        }
    }
    names
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

#[cfg(test)]
mod tests {
    use super::*;

    fn crd() -> Value {
        json!({"spec": {"names": {"plural": "betas", "singular": "alpha", "kind": "Alpha", "listKind": "AlphaList"},
            "versions": [{"name": "v1", "storage": true}]}})
    }

    #[test]
    fn accepts_the_names_that_are_free() {
        let conflict = NamesConflict {
            reason: "ListKindConflict".to_owned(),
            message: "\"AlphaList\" is already in use".to_owned(),
            refused: vec!["singular", "kind", "listKind"],
        };
        let status = status(&crd(), Some(conflict), Timestamp::UNIX_EPOCH);
        assert_eq!(status["acceptedNames"], json!({"plural": "betas", "kind": ""}));
        assert_eq!(status["conditions"][1]["status"], "False");
    }

    #[test]
    fn keeps_transition_times_of_what_did_not_change() {
        let mut crd = crd();
        crd["status"] = status(&crd, None, Timestamp::UNIX_EPOCH);
        let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(1);
        assert_eq!(status(&crd, None, later), crd["status"]);
    }
}
