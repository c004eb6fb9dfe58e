//! Fields a kind does not have, found before anything is sent.

use serde_json::Value;

use super::node::{Location, Node, NodeValue};

/// A field the kind does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// `spec.placement.clusterAfinity`.
    pub path: String,
    pub location: Location,
    /// The field that was probably meant.
    pub suggestion: Option<String>,
}

/// Returns the fields of an object that its CustomResourceDefinition's schema does not have.
///
/// Nothing is unknown to a kind or version that the definitions do not cover.
pub fn unknown_fields(node: &Node, definitions: &[Value]) -> Vec<UnknownField> {
    let object = node.to_json();
    let (api_version, kind) =
        (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let schema = definitions
        .iter()
        .map(|definition| &definition["spec"])
        .find(|spec| spec["group"] == group && spec["names"]["kind"] == kind)
        .and_then(|spec| spec["versions"].as_array())
        .and_then(|versions| versions.iter().find(|candidate| candidate["name"] == version))
        .map(|version| &version["schema"]["openAPIV3Schema"]);
    let mut unknown = Vec::new();
    if let (Some(schema), NodeValue::Object(fields)) = (schema, &node.value) {
        for (name, location, field) in fields {
            // What every object has is not in the schema.
            if ["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
                continue;
            }
            check_field(schema, name, *location, field, name.clone(), &mut unknown);
        }
    }
    unknown
}

fn check_field(
    schema: &Value,
    name: &str,
    location: Location,
    field: &Node,
    path: String,
    unknown: &mut Vec<UnknownField>,
) {
    if let Some(known) = schema["properties"].get(name) {
        return check(known, field, &path, unknown);
    }
    if schema["additionalProperties"].is_object() {
        return check(&schema["additionalProperties"], field, &path, unknown);
    }
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true
        || schema["x-kubernetes-embedded-resource"] == true
        || schema["additionalProperties"] == true
        || !schema["properties"].is_object();
    if !open {
        let names = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        unknown.push(UnknownField { path, location, suggestion: closest(name, names) });
    }
}

fn check(schema: &Value, node: &Node, path: &str, unknown: &mut Vec<UnknownField>) {
    match &node.value {
        NodeValue::Scalar(_) => {}
        NodeValue::List(items) => {
            for (index, item) in items.iter().enumerate() {
                check(&schema["items"], item, &format!("{path}[{index}]"), unknown);
            }
        }
        NodeValue::Object(fields) => {
            for (name, location, field) in fields {
                check_field(schema, name, *location, field, format!("{path}.{name}"), unknown);
            }
        }
    }
}

/// Returns the name that differs least, if it differs little enough to be a slip.
pub fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let limit = (name.len() / 3).max(1);
    names
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// The number of letters to add, drop, change or swap with their neighbour (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.iter().enumerate() {
        let mut next = vec![line + 1; right.len() + 1];
        for (column, other) in right.iter().enumerate() {
            let changed = row[column] + usize::from(letter != other);
            let mut least = changed.min(next[column] + 1).min(row[column + 1] + 1);
            let swapped = line > 0 && column > 0 && *letter == right[column - 1] && left[line - 1] == *other;
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            next[column + 1] = least;
        }
        before = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::read_text;
    use serde_json::json;

    fn definition() -> Value {
        json!({ "spec": { "group": "policy.karmada.io", "names": { "kind": "PropagationPolicy" }, "versions": [{
            "name": "v1alpha1",
            "schema": { "openAPIV3Schema": { "properties": { "spec": { "properties": {
                "placement": { "properties": { "clusterAffinity": { "properties": { "clusterNames": { "items": {} } } } } },
                "resourceSelectors": { "items": { "properties": { "kind": {}, "labels": { "additionalProperties": {} } } } },
                "open": { "x-kubernetes-preserve-unknown-fields": true },
            } } } } },
        }] } })
    }

    fn check_text(text: &str) -> Vec<(String, String, Option<String>)> {
        let head = "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: a, anything: 1}\n";
        let manifests = read_text("f", &format!("{head}{text}")).unwrap();
        unknown_fields(manifests[0].node(), &[definition()])
            .into_iter()
            .map(|field| (field.path, field.location.to_string(), field.suggestion))
            .collect()
    }

    #[test]
    fn a_mistyped_field_is_found_with_its_place_and_what_was_meant() {
        let found = check_text(
            "spec:\n  placement:\n    clusterAfinity: {}\n  resourceSelectors:\n  - kind: A\n    labels: {any: thing}\n    nope: 1\n  open: {free: 1}\n",
        );
        assert_eq!(
            found,
            [
                ("spec.placement.clusterAfinity".into(), "6:5".into(), Some("clusterAffinity".into())),
                ("spec.resourceSelectors[0].nope".into(), "10:5".into(), None),
            ]
        );
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!([distance("", "abc"), distance("kitten", "sitting"), distance("same", "same")], [3, 3, 0]);
        assert_eq!([distance("lable", "label"), distance("ab", "ba"), distance("abc", "")], [1, 1, 3]);
    }
}
