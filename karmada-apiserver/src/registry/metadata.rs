//! Rules that hold for the metadata of every object.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::field_error::{FieldError, quote};
use super::names::{self, NamePart, NameRule};
use super::resource::Resource;

const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
const MAX_GENERATED_LENGTH: usize = 63;
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;
const STANDARD_FINALIZERS: &[&str] = &["kubernetes", "orphan", "foregroundDeletion"];

/// Sets what the system decides for a new object: uid, creation time, name from `generateName`.
pub(super) fn fill_system_fields(resource: &Resource, object: &mut Value, now: &str) {
    let metadata = metadata_mut(object);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(field);
    }
    if !resource.namespaced {
        metadata.remove("namespace");
    }
    metadata.insert("uid".to_owned(), uuid::Uuid::new_v4().to_string().into());
    metadata.insert("creationTimestamp".to_owned(), now.into());
    let named = metadata.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let base = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !named && !base.is_empty() {
        metadata.insert("name".to_owned(), generate_name(&base).into());
    }
}

/// Returns the base with a random suffix, cut so that it stays a label.
pub(super) fn generate_name(base: &str) -> String {
    let limit = MAX_GENERATED_LENGTH - SUFFIX_LENGTH;
    let end =
        base.char_indices().map(|(index, _)| index).take_while(|index| *index <= limit).last().unwrap_or(0);
    let base = if base.len() > limit { &base[..end] } else { base };
    let random = uuid::Uuid::new_v4().into_bytes();
    let letter = |byte: &u8| char::from(NAME_LETTERS[usize::from(*byte) % NAME_LETTERS.len()]);
    let suffix: String = random.iter().take(SUFFIX_LENGTH).map(letter).collect();
    format!("{base}{suffix}")
}

/// Returns the metadata of an object, made when absent.
pub(super) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata.as_object_mut().expect("the line above made it an object")
}

/// Removes repeated owner references. Returns the warning of the real server.
pub(super) fn deduplicate_owners(object: &mut Value) -> Option<String> {
    let owners = object.get_mut("metadata")?.get_mut("ownerReferences")?.as_array_mut()?;
    let mut seen: Vec<Value> = Vec::new();
    let mut repeated: BTreeSet<String> = BTreeSet::new();
    owners.retain(|owner| {
        // Whole entries count as equal, their uids are what is reported.
        let fresh = !seen.contains(owner);
        if fresh {
            seen.push(owner.clone());
        } else if let Some(uid) = owner["uid"].as_str() {
            repeated.insert(uid.to_owned());
        }
        fresh
    });
    if repeated.is_empty() {
        return None;
    }
    let uids: Vec<String> = repeated.into_iter().collect();
    Some(format!(
        ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may \
         reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
        uids.join(", ")
    ))
}

/// Returns what is wrong with an object's metadata.
pub(super) fn validate(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let metadata = &object["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default();
    let mut errors = Vec::new();
    let rule = name_rule(resource);
    let generate = text("generateName");
    if !generate.is_empty() {
        let problems = names::check_name(rule, generate, NamePart::Prefix);
        errors.extend(names::invalid_each("metadata.generateName", generate, problems));
    }
    let name = text("name");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(names::invalid_each(
            "metadata.name",
            name,
            names::check_name(rule, name, NamePart::Whole),
        ));
    }
    if metadata["generation"].as_i64().is_some_and(|generation| generation < 0) {
        errors.push(FieldError::invalid(
            "metadata.generation",
            &metadata["generation"],
            "must be greater than or equal to 0",
        ));
    }
    errors.extend(names::check_labels(metadata.get("labels"), "metadata.labels"));
    errors.extend(annotations(metadata));
    errors.extend(owners(metadata));
    errors.extend(finalizers(resource, metadata));
    errors
}

/// Returns what is wrong with a change of metadata.
pub(super) fn validate_update(resource: &Resource, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let immutable =
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];
    for field in immutable {
        let (new, old) = (&new["metadata"][field], &old["metadata"][field]);
        if new != old {
            errors.push(FieldError::invalid(format!("metadata.{field}"), new, "field is immutable"));
        }
    }
    let finalizers = |object: &Value| -> BTreeSet<String> {
        let list = object["metadata"]["finalizers"].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if !old["metadata"]["deletionTimestamp"].is_null() {
        let added: Vec<String> = finalizers(new).difference(&finalizers(old)).cloned().collect();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|name| quote(name)).collect();
            errors.push(FieldError::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    quoted.join(", ")
                ),
            ));
        }
    }
    errors.extend(names::check_labels(new["metadata"].get("labels"), "metadata.labels"));
    errors.extend(annotations(&new["metadata"]));
    errors.extend(owners(&new["metadata"]));
    errors.extend(self::finalizers(resource, &new["metadata"]));
    errors
}

/// Returns warnings about finalizers that may collide with others.
pub(super) fn finalizer_warnings(new: &Value, old: Option<&Value>) -> Vec<String> {
    let list = |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let before = old.map(list).unwrap_or_default();
    let fresh = list(new).into_iter().filter(|name| !before.contains(name));
    fresh
        .filter_map(|name| name.as_str().map(str::to_owned))
        .filter(|name| !name.contains('/') && !STANDARD_FINALIZERS.contains(&name.as_str()))
        .map(|name| {
            format!(
                "metadata.finalizers: {}: prefer a domain-qualified finalizer name to avoid accidental conflicts with \
                 other finalizer writers",
                quote(&name)
            )
        })
        .collect()
}

fn name_rule(resource: &Resource) -> NameRule {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => NameRule::PathSegment,
        ("", "Namespace" | "Service") => NameRule::Label,
        ("certificates.k8s.io" | "apiregistration.k8s.io", _) => NameRule::PathSegment,
        ("apps", "StatefulSet") => NameRule::Label,
        ("networking.k8s.io", "IPAddress") => NameRule::Address,
        // The real server does not look at these.
        ("", "Event") | ("policy", "PodDisruptionBudget") => NameRule::PathSegment,
        _ => NameRule::Subdomain,
    }
}

fn annotations(metadata: &Value) -> Vec<FieldError> {
    let Some(annotations) = metadata.get("annotations").and_then(Value::as_object) else { return Vec::new() };
    let mut errors = Vec::new();
    let mut bytes = 0;
    for (key, value) in annotations {
        // Annotations accept upper case in the prefix.
        errors.extend(names::invalid_each(
            "metadata.annotations",
            key,
            names::qualified_name(&key.to_lowercase()),
        ));
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_ANNOTATION_BYTES {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATION_BYTES));
    }
    errors
}

fn owners(metadata: &Value) -> Vec<FieldError> {
    let path = "metadata.ownerReferences";
    let Some(owners) = metadata.get("ownerReferences").and_then(Value::as_array) else { return Vec::new() };
    let mut errors = Vec::new();
    let mut controller: Option<&Value> = None;
    for owner in owners {
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        let empty = Value::from("");
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if api_version.is_empty() {
            errors.push(FieldError::invalid(
                format!("{path}.apiVersion"),
                &empty,
                "version must not be empty",
            ));
        }
        for field in ["kind", "name", "uid"] {
            if text(field).is_empty() {
                errors.push(FieldError::invalid(format!("{path}.{field}"), &empty, "must not be empty"));
            }
        }
        if kind == "Event" && matches!(api_version, "v1" | "events.k8s.io/v1") {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let detail = format!("{group}/{version}, Kind={kind} is disallowed from being an owner");
            errors.push(with_text(path, &print_owner(owner), &detail));
        }
        if owner["controller"] == json!(true) {
            match controller {
                None => controller = Some(owner),
                Some(first) => {
                    let all: Vec<String> = owners.iter().map(print_owner).collect();
                    let name = |owner: &Value| {
                        format!(
                            "{}/{}",
                            owner["kind"].as_str().unwrap_or_default(),
                            owner["name"].as_str().unwrap_or_default()
                        )
                    };
                    let detail = format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                        name(first),
                        name(owner)
                    );
                    errors.push(with_text(path, &format!("[{}]", all.join(",")), &detail));
                }
            }
        }
    }
    errors
}

fn with_text(path: &str, value: &str, detail: &str) -> FieldError {
    FieldError {
        kind: super::field_error::FieldErrorKind::Invalid,
        field: path.to_owned(),
        message: format!("Invalid value: {value}: {detail}"),
    }
}

/// Prints an owner reference with its fields in the order of the API.
fn print_owner(owner: &Value) -> String {
    let members: Vec<String> = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"]
        .iter()
        .filter(|field| !owner[**field].is_null())
        .map(|field| format!("\"{field}\":{}", owner[*field]))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn finalizers(resource: &Resource, metadata: &Value) -> Vec<FieldError> {
    let Some(list) = metadata.get("finalizers").and_then(Value::as_array) else { return Vec::new() };
    let mut errors = Vec::new();
    for (index, name) in list.iter().enumerate() {
        let text = name.as_str().unwrap_or_default();
        errors.extend(names::invalid_each("metadata.finalizers", text, names::qualified_name(text)));
        // Custom objects may name finalizers freely.
        if !resource.is_custom() && !text.contains('/') && !STANDARD_FINALIZERS.contains(&text) {
            errors.push(FieldError::invalid(
                format!("metadata.finalizers[{index}]"),
                name,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    let has = |wanted: &str| list.iter().any(|name| name == wanted);
    if has("orphan") && has("foregroundDeletion") {
        errors.push(FieldError::invalid(
            "metadata.finalizers",
            &Value::Array(list.clone()),
            "finalizer orphan and foregroundDeletion cannot be both set",
        ));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::Registry;
    use super::*;

    fn config_maps() -> std::sync::Arc<Resource> {
        Registry::built_in().resource("", "v1", "configmaps").unwrap()
    }

    #[test]
    fn generates_a_name_that_is_never_longer_than_a_label() {
        let name = generate_name(&"x".repeat(80));
        assert_eq!(name.len(), 63);
        assert!(generate_name("cfg-").starts_with("cfg-"));
    }

    #[test]
    fn replaces_what_a_client_may_not_set() {
        let mut object =
            json!({"metadata": {"name": "x", "uid": "mine", "deletionTimestamp": "2001-01-01T00:00:00Z"}});
        fill_system_fields(&config_maps(), &mut object, "2024-01-01T00:00:00Z");
        assert_ne!(object["metadata"]["uid"], "mine");
        assert!(object["metadata"].get("deletionTimestamp").is_none());
    }

    #[test]
    fn warns_of_repeated_owners_and_keeps_one() {
        let owner = json!({"apiVersion": "v1", "kind": "A", "name": "o", "uid": "u1"});
        let mut object = json!({"metadata": {"ownerReferences": [owner, owner]}});
        assert!(deduplicate_owners(&mut object).unwrap().ends_with("observed: u1"));
        assert_eq!(object["metadata"]["ownerReferences"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn forbids_new_finalizers_while_deleting() {
        let old = json!({"metadata": {"name": "x", "deletionTimestamp": "t", "finalizers": ["a.b/c"]}});
        let new =
            json!({"metadata": {"name": "x", "deletionTimestamp": "t", "finalizers": ["a.b/c", "a.b/d"]}});
        let errors = validate_update(&config_maps(), &new, &old);
        assert!(errors[0].message.contains("no new finalizers can be added"), "{errors:?}");
    }
}
