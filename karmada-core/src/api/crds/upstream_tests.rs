//! The generated definitions say what upstream's say, descriptions aside.

use serde_json::{Map, Value, json};

use super::generate_crds;

/// Upstream's definitions by file name; see `data/ORIGIN.md`.
pub(super) fn upstream() -> Map<String, Value> {
    let compressed = include_bytes!("../../../data/upstream-crds.json.zst");
    let text = zstd::decode_all(compressed.as_slice()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The file that holds Cluster, which is not a CustomResourceDefinition upstream.
pub(super) const CLUSTER_FILE: &str = "clusters.cluster.karmada.io.openapi.json";

/// Upstream's schema of Cluster, in the form of a CustomResourceDefinition.
pub(super) fn upstream_cluster_schema() -> Value {
    let file = &upstream()[CLUSTER_FILE];
    resolve(&file["schemas"]["com.github.karmada-io.karmada.pkg.apis.cluster.v1alpha1.Cluster"], file)
}

#[test]
fn every_definition_equals_upstreams() {
    let upstream = upstream();
    let generated = generate_crds();
    assert_eq!(generated.len(), upstream.len());
    let mut differences = Vec::new();
    for (file, expected) in upstream.iter().filter(|(file, _)| *file != CLUSTER_FILE) {
        let name = file.strip_suffix(".json").unwrap();
        match generated.iter().find(|crd| crd["metadata"]["name"] == name) {
            Some(crd) => compare(name, &without_descriptions(crd), expected, &mut differences),
            None => differences.push(format!("{name}: missing")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn cluster_equals_the_schema_of_upstreams_aggregated_api() {
    let file = &upstream()[CLUSTER_FILE];
    let generated = generate_crds();
    let crd = generated.iter().find(|crd| crd["metadata"]["name"] == "clusters.cluster.karmada.io").unwrap();
    assert_eq!(crd["spec"]["group"], file["group"]);
    assert_eq!(crd["spec"]["scope"], file["scope"]);
    assert_eq!(crd["spec"]["names"]["plural"], file["resource"]);
    let version = &crd["spec"]["versions"][0];
    assert_eq!(version["name"], file["version"]);
    // The second subresource, `proxy`, cannot be said in a CustomResourceDefinition.
    assert_eq!(file["subresources"], json!(["status", "proxy"]));
    assert_eq!(version["subresources"], json!({"status": {}}));

    let schema = without_descriptions(&version["schema"]["openAPIV3Schema"]);
    let mut differences = Vec::new();
    compare("clusters", &schema, &upstream_cluster_schema(), &mut differences);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_field_is_described() {
    fn walk(path: &str, schema: &Value, missing: &mut Vec<String>) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // An API server allows no description there.
            if name == "metadata" && property == &json!({"type": "object"}) {
                continue;
            }
            let path = format!("{path}.{name}");
            if property["description"].as_str().is_none_or(str::is_empty) {
                missing.push(path.clone());
            }
            walk(&path, property, missing);
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                walk(&format!("{path}[]"), &schema[key], missing);
            }
        }
    }
    let mut missing = Vec::new();
    for crd in generate_crds() {
        for version in crd["spec"]["versions"].as_array().unwrap() {
            let schema = &version["schema"]["openAPIV3Schema"];
            assert!(schema["description"].is_string());
            walk(crd["metadata"]["name"].as_str().unwrap(), schema, &mut missing);
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn differences_are_named_by_their_path() {
    let mut differences = Vec::new();
    let actual = json!({"a": {"required": ["x", "y"], "enum": ["1"], "more": 1}, "l": [{"type": "string"}]});
    let expected =
        json!({"a": {"required": ["y", "x"], "enum": ["2"], "less": 2}, "l": [{"type": "integer"}]});
    compare("", &actual, &expected, &mut differences);
    assert_eq!(
        differences,
        [
            r#".a.enum[0]: "1" instead of "2""#,
            ".a.less: missing, should be 2",
            ".a.more: 1 should not be there",
            r#".l[0].type: "string" instead of "integer""#,
        ]
    );
}

/// Adds a line for everything that differs.
fn compare(path: &str, actual: &Value, expected: &Value, differences: &mut Vec<String>) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (key, value) in expected {
                match actual.get(key) {
                    // The order of required names carries no meaning.
                    Some(actual) if key == "required" => {
                        if sorted(actual) != sorted(value) {
                            differences.push(format!("{path}.{key}: {actual} instead of {value}"));
                        }
                    }
                    Some(actual) => compare(&format!("{path}.{key}"), actual, value, differences),
                    None => differences.push(format!("{path}.{key}: missing, should be {value}")),
                }
            }
            for (key, value) in actual.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                differences.push(format!("{path}.{key}: {value} should not be there"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                compare(&format!("{path}[{index}]"), actual, expected, differences);
            }
        }
        (actual, expected) if actual == expected => {}
        (actual, expected) => differences.push(format!("{path}: {actual} instead of {expected}")),
    }
}

fn sorted(names: &Value) -> Vec<&str> {
    let mut names: Vec<_> = names.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    names.sort_unstable();
    names
}

/// Returns a definition or schema without the descriptions of its parts.
fn without_descriptions(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            // A description is text; a property of that name has a schema.
            .filter(|(key, value)| !(key.as_str() == "description" && value.is_string()))
            .map(|(key, value)| (key.clone(), without_descriptions(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_descriptions).collect(),
        other => other.clone(),
    }
}

/// Turns a schema of the OpenAPI file into a structural one: references are followed, and
/// defaults are dropped, since an aggregated API server does not apply them.
fn resolve(schema: &Value, file: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return external(name).unwrap_or_else(|| resolve(&file["schemas"][name], file));
    }
    let properties = &schema["SchemaProps"];
    if let Some(only) = properties["allOf"].as_array() {
        assert_eq!(only.len(), 1);
        return resolve(&only[0], file);
    }
    let mut resolved = Map::new();
    for (key, value) in properties.as_object().unwrap() {
        let value = match key.as_str() {
            "default" => continue,
            "items" | "additionalProperties" => resolve(value, file),
            "properties" => value
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, property)| {
                    let mut property = resolve(property, file);
                    // Grades are unsigned in Go, which an OpenAPI document cannot say.
                    if name == "grade" {
                        property["minimum"] = json!(0);
                    }
                    (name.clone(), property)
                })
                .collect::<Map<_, _>>()
                .into(),
            _ => value.clone(),
        };
        resolved.insert(key.clone(), value);
    }
    resolved.into()
}

/// The schemas of Kubernetes' own types, which the file refers to and does not hold.
fn external(name: &str) -> Option<Value> {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    match name.strip_prefix("io.k8s.")? {
        "apimachinery.pkg.apis.meta.v1.ObjectMeta" => Some(json!({"type": "object"})),
        "apimachinery.pkg.apis.meta.v1.Condition" => Some(json!({
            "type": "object",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": text, "status": text, "reason": text, "message": text, "lastTransitionTime": time,
                "observedGeneration": {"type": "integer", "format": "int64"},
            },
        })),
        "api.core.v1.Taint" => Some(json!({
            "type": "object",
            "required": ["key", "effect"],
            "properties": {"key": text, "value": text, "effect": text, "timeAdded": time},
        })),
        // As in the CustomResourceDefinitions: what the type of the OpenAPI document, a string, accepts.
        "apimachinery.pkg.api.resource.Quantity" => {
            let quotas = &upstream()["federatedresourcequotas.policy.karmada.io.json"];
            let schema = &quotas["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let overall = &schema["properties"]["spec"]["properties"]["overall"];
            Some(overall["additionalProperties"].clone())
        }
        _ => None,
    }
}
