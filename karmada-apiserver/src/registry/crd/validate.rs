//! Validation of a CRD itself: names, versions, subresources, columns, changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::definitions::strings;
use super::super::field_error::FieldError;
use super::super::names;
use super::structural_rules;

const APPROVAL: &str = "api-approved.kubernetes.io";
const APPROVAL_LINK: &str = "see https://github.com/kubernetes/enhancements/pull/1111";
const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];

/// Returns what is wrong with a CRD, or with a change of it.
pub(crate) fn validate(crd: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &crd["spec"];
    let mut errors = Vec::new();
    check_name(crd, &mut errors);
    check_group(crd, old, &mut errors);
    check_scope(spec, &mut errors);
    check_versions(spec, &mut errors);
    check_names(&spec["names"], &mut errors);
    check_conversion(spec, &mut errors);
    check_stored_versions(crd, &mut errors);
    if let Some(old) = old {
        check_update(crd, old, &mut errors);
    }
    errors
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn check_name(crd: &Value, errors: &mut Vec<FieldError>) {
    let required = format!("{}.{}", text(&crd["spec"]["names"], "plural"), text(&crd["spec"], "group"));
    if text(&crd["metadata"], "name") != required {
        errors.push(FieldError::invalid(
            "metadata.name",
            &crd["metadata"]["name"],
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
}

fn check_group(crd: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let group = text(&crd["spec"], "group");
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
        return;
    }
    let problems = names::subdomain(group);
    if problems.is_empty() && !group.contains('.') {
        errors.push(FieldError::invalid(
            "spec.group",
            &crd["spec"]["group"],
            "should be a domain with at least one dot",
        ));
    }
    errors.extend(names::invalid_each("spec.group", group, problems));
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|owner| group == *owner || group.ends_with(&format!(".{owner}")));
    // What was let in once stays in.
    if !protected || old.is_some() {
        return;
    }
    let field = format!("metadata.annotations[{APPROVAL}]");
    let approval = text(&crd["metadata"]["annotations"], APPROVAL);
    let is_link =
        approval.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
    if approval.is_empty() {
        let detail =
            format!("protected groups must have approval annotation \"{APPROVAL}\", {APPROVAL_LINK}");
        errors.push(FieldError::required(field, detail));
    } else if !is_link && !approval.starts_with("unapproved") {
        let detail = format!(
            "protected groups must have approval annotation \"{APPROVAL}\" with either a URL or a reason starting with \
             \"unapproved\", {APPROVAL_LINK}"
        );
        errors.push(FieldError::invalid(field, &Value::from(approval), detail));
    }
}

fn check_scope(spec: &Value, errors: &mut Vec<FieldError>) {
    let scope = text(spec, "scope");
    if scope.is_empty() {
        errors.push(FieldError::required("spec.scope", ""));
    } else if !matches!(scope, "Cluster" | "Namespaced") {
        errors.push(FieldError::not_supported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"]));
    }
}

fn check_versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let name = text(version, "name");
        let path = format!("spec.versions[{index}]");
        errors.extend(names::invalid_each(&format!("{path}.name"), name, names::label_1035(name)));
        if !seen.insert(name) {
            errors.push(FieldError::invalid(
                "spec.versions",
                &spec["versions"],
                "must contain unique version names",
            ));
        }
        // With one version the real server speaks of the older, unversioned fields.
        let single = versions.len() == 1;
        let base = if single { "spec".to_owned() } else { path };
        let schema_path = if single {
            "spec.validation.openAPIV3Schema".to_owned()
        } else {
            format!("{base}.schema.openAPIV3Schema")
        };
        check_version(version, &base, &schema_path, errors);
    }
    if let Some(first) = versions.first() {
        let name = text(first, "name");
        errors.extend(names::invalid_each("spec.version", name, names::label_1035(name)));
    }
    if versions.iter().filter(|version| version["storage"] == json!(true)).count() != 1 {
        let shown = if versions.is_empty() { json!([]) } else { spec["versions"].clone() };
        errors.push(FieldError::invalid(
            "spec.versions",
            &shown,
            "must have exactly one version marked as storage version",
        ));
    }
}

fn check_version(version: &Value, base: &str, schema_path: &str, errors: &mut Vec<FieldError>) {
    match version.pointer("/schema/openAPIV3Schema") {
        Some(schema) => structural_rules::check(schema, schema_path, errors),
        None => errors.push(FieldError::required(schema_path, "schemas are required")),
    }
    if let Some(scale) = version.pointer("/subresources/scale").filter(|scale| !scale.is_null()) {
        check_scale(scale, &format!("{base}.subresources.scale"), errors);
    }
    let columns = version["additionalPrinterColumns"].as_array().into_iter().flatten();
    for (index, column) in columns.enumerate() {
        check_column(column, &format!("{base}.additionalPrinterColumns[{index}]"), errors);
    }
    let fields = version["selectableFields"].as_array().into_iter().flatten();
    for (index, field) in fields.enumerate() {
        let path = format!("{base}.selectableFields[{index}].jsonPath");
        let json_path = text(field, "jsonPath");
        if json_path.is_empty() {
            errors.push(FieldError::required(path, ""));
        } else if !is_simple_path(json_path) {
            errors.push(FieldError::invalid(
                path,
                &field["jsonPath"],
                "must be a simple json path starting with .",
            ));
        }
    }
}

fn check_scale(scale: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let rows = [
        ("specReplicasPath", ".spec", true),
        ("statusReplicasPath", ".status", true),
        ("labelSelectorPath", "", false),
    ];
    for (field, root, required) in rows {
        let found = text(scale, field);
        let field_path = format!("{path}.{field}");
        if found.is_empty() {
            if required {
                errors.push(FieldError::required(field_path, ""));
            }
            continue;
        }
        let value = &scale[field];
        if !is_simple_path(found) {
            errors.push(FieldError::invalid(field_path, value, "must be a simple json path starting with ."));
        } else if !root.is_empty() && !found.starts_with(&format!("{root}.")) {
            errors.push(FieldError::invalid(
                field_path,
                value,
                format!("should be a json path under {root}"),
            ));
        } else if root.is_empty() && !found.starts_with(".spec.") && !found.starts_with(".status.") {
            errors.push(FieldError::invalid(
                field_path,
                value,
                "should be a json path under either .spec or .status",
            ));
        }
    }
}

fn check_column(column: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if text(column, "name").is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    }
    let kind = text(column, "type");
    if kind.is_empty() {
        errors.push(FieldError::required(
            format!("{path}.type"),
            format!("must be one of {}", COLUMN_TYPES.join(",")),
        ));
    } else if !COLUMN_TYPES.contains(&kind) {
        errors.push(FieldError::invalid(
            format!("{path}.type"),
            &column["type"],
            format!("must be one of {}", COLUMN_TYPES.join(",")),
        ));
    }
    let json_path = text(column, "jsonPath");
    if json_path.is_empty() {
        errors.push(FieldError::required(format!("{path}.JSONPath"), ""));
    } else if super::super::table::JsonPath::parse(json_path).is_none() {
        errors.push(FieldError::invalid(
            format!("{path}.JSONPath"),
            &column["jsonPath"],
            "unrecognized json path",
        ));
    }
}

/// Whether a path is made of field names only.
fn is_simple_path(path: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    path.strip_prefix('.').is_some_and(|rest| rest.split('.').all(word))
}

fn check_names(names: &Value, errors: &mut Vec<FieldError>) {
    let mut label = |field: &str, lowered: bool| {
        let found = text(names, field);
        let path = format!("spec.names.{field}");
        if found.is_empty() {
            errors.push(FieldError::required(path, ""));
            return;
        }
        let checked = if lowered { found.to_lowercase() } else { found.to_owned() };
        errors.extend(names::invalid_each(&path, found, names::label_1035(&checked)));
    };
    label("plural", false);
    label("singular", false);
    label("kind", true);
    label("listKind", true);
    if !text(names, "kind").is_empty() && names["kind"] == names["listKind"] {
        errors.push(FieldError::invalid(
            "spec.names.listKind",
            &names["listKind"],
            "kind and listKind may not be the same",
        ));
    }
    for field in ["shortNames", "categories"] {
        for (index, name) in strings(names.get(field)).iter().enumerate() {
            let path = format!("spec.names.{field}[{index}]");
            errors.extend(names::invalid_each(&path, name, names::label_1035(name)));
        }
    }
}

fn check_conversion(spec: &Value, errors: &mut Vec<FieldError>) {
    let conversion = &spec["conversion"];
    match text(conversion, "strategy") {
        "None" => {
            if !conversion["webhook"].is_null() {
                errors.push(FieldError::forbidden(
                    "spec.conversion.webhookClientConfig",
                    "should not be set when strategy is not set to Webhook",
                ));
            }
        }
        "Webhook" => {
            let config = &conversion["webhook"]["clientConfig"];
            if config.is_null() {
                errors.push(FieldError::required(
                    "spec.conversion.webhookClientConfig",
                    "required when strategy is set to Webhook",
                ));
            }
        }
        "" => errors.push(FieldError::required("spec.conversion.strategy", "")),
        _ => errors.push(FieldError::not_supported(
            "spec.conversion.strategy",
            &conversion["strategy"],
            &["None", "Webhook"],
        )),
    }
}

fn check_stored_versions(crd: &Value, errors: &mut Vec<FieldError>) {
    let stored = &crd["status"]["storedVersions"];
    let list = strings(Some(stored));
    if list.is_empty() {
        errors.push(FieldError::invalid(
            "status.storedVersions",
            &Value::Null,
            "must have at least one stored version",
        ));
        return;
    }
    let known: Vec<&str> =
        crd["spec"]["versions"].as_array().into_iter().flatten().map(|v| text(v, "name")).collect();
    for (index, name) in list.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.push(FieldError::invalid(
                format!("status.storedVersions[{index}]"),
                &Value::from(name.as_str()),
                detail,
            ));
        }
    }
}

/// An established CRD keeps its identity: objects of it exist.
fn check_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let mut fixed = vec!["/spec/group", "/spec/names/plural"];
    let conditions = old["status"]["conditions"].as_array().into_iter().flatten();
    if conditions.into_iter().any(|c| c["type"] == "Established" && c["status"] == "True") {
        fixed.extend(["/spec/scope", "/spec/names/kind"]);
        let is_own = |error: &FieldError| error.field == "metadata.name";
        // A new group or plural makes the name wrong as well; the change is what is reported.
        let identity = |crd: &Value| (crd["spec"]["group"].clone(), crd["spec"]["names"]["plural"].clone());
        if identity(new) != identity(old) {
            errors.retain(|error| !is_own(error));
        }
    }
    for path in fixed {
        let (new, old) = (new.pointer(path), old.pointer(path));
        if new != old {
            let field = path[1..].replace('/', ".");
            errors.push(FieldError::invalid(field, new.unwrap_or(&Value::Null), "field is immutable"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{apply_defaults, initial_status};
    use super::*;

    fn crd(schema: Value) -> Value {
        let mut crd = json!({"metadata": {"name": "foos.example.com"}, "spec": {"group": "example.com",
            "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"}, "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
        apply_defaults(&mut crd);
        crd["status"] = initial_status(&crd);
        crd
    }

    fn check(schema: Value, expected: &[&str]) {
        let errors: Vec<String> = validate(&crd(schema), None).iter().map(ToString::to_string).collect();
        assert_eq!(errors, expected);
    }

    #[test]
    fn accepts_a_structural_schema() {
        check(
            json!({"type": "object", "properties": {
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}}}),
            &[],
        );
    }

    #[test]
    fn refuses_a_schema_that_is_not_structural() {
        check(
            json!({}),
            &["spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root"],
        );
        check(
            json!({"type": "object", "properties": {"a": {"type": "array"}}}),
            &["spec.validation.openAPIV3Schema.properties[a].items: Required value: must be specified"],
        );
    }

    #[test]
    fn refuses_a_default_that_does_not_fit() {
        check(
            json!({"type": "object", "properties": {"a": {"type": "string", "default": 5}}}),
            &[
                "spec.validation.openAPIV3Schema.properties[a].default: Invalid value: \"integer\":  in body must be of \
               type string: \"integer\"",
            ],
        );
    }

    #[test]
    fn keeps_the_identity_of_an_established_crd() {
        let mut old = crd(json!({"type": "object"}));
        old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
        let mut new = old.clone();
        new["spec"]["scope"] = json!("Cluster");
        let errors = validate(&new, Some(&old));
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].field, "spec.scope");
    }
}
