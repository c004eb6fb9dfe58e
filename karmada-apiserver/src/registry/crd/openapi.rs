//! OpenAPI of custom resources.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::catalog::Registry;
use super::super::definitions;
use super::super::resource::Resource;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";
const V2_PREFIX: &str = "#/definitions/";
const V3_PREFIX: &str = "#/components/schemas/";
const MEDIA_TYPES: &[&str] = &["application/json", "application/yaml"];
const PATCH_TYPES: &[&str] =
    &["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];

/// Returns the definitions that custom resources add to the v2 document, by name.
pub(crate) fn v2_definitions(registry: &Registry) -> Vec<(String, Value)> {
    let custom = registry.resources().filter(|resource| resource.is_custom());
    custom.flat_map(|resource| schemas(resource, V2_PREFIX)).collect()
}

/// Returns the keys of the v3 documents of custom resources, such as `apis/example.com/v1`.
pub(crate) fn v3_keys(registry: &Registry) -> Vec<String> {
    let custom = registry.resources().filter(|resource| resource.is_custom());
    let mut keys: Vec<String> =
        custom.map(|resource| format!("apis/{}/{}", resource.group, resource.version)).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Returns the v3 document of a group version that CRDs serve.
pub(crate) fn v3(registry: &Registry, key: &str) -> Option<Value> {
    let (group, version) = key.strip_prefix("apis/")?.split_once('/')?;
    let resources: Vec<_> = registry
        .resources()
        .filter(|resource| resource.is_custom() && resource.group == group && resource.version == version)
        .collect();
    if resources.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut components = Map::new();
    for resource in &resources {
        components.extend(schemas(resource, V3_PREFIX));
        paths.extend(path_items(resource));
    }
    for name in [OBJECT_META, LIST_META, STATUS, DELETE_OPTIONS, SCALE] {
        add_definition(name, &mut components);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
        "paths": paths,
        "components": {"schemas": components},
    }))
}

/// Returns the name of a kind's schema: the group backwards, version, kind.
fn schema_name(resource: &Resource, kind: &str) -> String {
    let mut labels: Vec<&str> = resource.group.split('.').collect();
    labels.reverse();
    format!("{}.{}.{kind}", labels.join("."), resource.version)
}

fn schemas(resource: &Resource, prefix: &str) -> Vec<(String, Value)> {
    let gvk = |kind: &str| json!([{"group": resource.group, "version": resource.version, "kind": kind}]);
    let source = resource.openapi.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let mut schema =
        source.unwrap_or_else(|| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    add_type_meta(&mut schema, prefix);
    complete(&mut schema, prefix);
    schema["x-kubernetes-group-version-kind"] = gvk(&resource.kind);
    let name = schema_name(resource, &resource.kind);
    let list = json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": reference(prefix, LIST_META),
            "items": {"type": "array", "items": {"$ref": format!("{prefix}{name}")}},
        },
        "x-kubernetes-group-version-kind": gvk(&resource.list_kind),
    });
    vec![(name, schema), (schema_name(resource, &resource.list_kind), list)]
}

fn reference(prefix: &str, name: &str) -> Value {
    // The older format has no room for anything beside a reference.
    if prefix == V2_PREFIX {
        json!({"$ref": format!("{prefix}{name}")})
    } else {
        json!({"allOf": [{"$ref": format!("{prefix}{name}")}]})
    }
}

fn add_type_meta(schema: &mut Value, prefix: &str) {
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let properties = &mut schema["properties"];
    for name in ["apiVersion", "kind"] {
        if properties[name].is_null() {
            properties[name] = json!({"type": "string"});
        }
    }
    properties["metadata"] = reference(prefix, OBJECT_META);
}

/// Spells out what extensions mean, and drops what is no part of OpenAPI.
fn complete(schema: &mut Value, prefix: &str) {
    let Some(map) = schema.as_object_mut() else { return };
    if map.get("x-kubernetes-int-or-string") == Some(&json!(true)) && !map.contains_key("anyOf") {
        map.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
    }
    let embedded = map.get("x-kubernetes-embedded-resource") == Some(&json!(true));
    for key in ["properties", "additionalProperties", "items"] {
        match map.get_mut(key) {
            Some(Value::Object(children)) if key == "properties" => {
                children.values_mut().for_each(|child| complete(child, prefix));
            }
            Some(child) => complete(child, prefix),
            None => {}
        }
    }
    if embedded {
        add_type_meta(schema, prefix);
    }
}

/// Adds a built-in definition and all that it refers to.
fn add_definition(name: &str, components: &mut Map<String, Value>) {
    if components.contains_key(name) {
        return;
    }
    let Some(source) = definitions::source(name) else { return };
    let text = source.replace(V2_PREFIX, V3_PREFIX);
    let Ok(schema) = serde_json::from_str::<Value>(&text) else { return };
    let mut names = Vec::new();
    references(&schema, &mut names);
    components.insert(name.to_owned(), schema);
    for name in names {
        add_definition(&name, components);
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) =
                map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix(V3_PREFIX))
            {
                names.push(name.to_owned());
            }
            map.values().for_each(|child| references(child, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}

fn path_items(resource: &Resource) -> Vec<(String, Value)> {
    let base = format!("/apis/{}/{}", resource.group, resource.version);
    let scoped = if resource.namespaced { format!("{base}/namespaces/{{namespace}}") } else { base.clone() };
    let list = format!("{scoped}/{}", resource.plural);
    let one = format!("{list}/{{name}}");
    let subject =
        if resource.namespaced { format!("Namespaced{}", resource.kind) } else { resource.kind.clone() };
    let operations = Operations { resource, subject: &subject };
    let kind = schema_name(resource, &resource.kind);
    let list_kind = schema_name(resource, &resource.list_kind);
    let mut items = vec![
        (
            list.clone(),
            json!({
                "get": operations.read("list", "list", &list_kind),
                "post": operations.write("create", "post", &kind, MEDIA_TYPES),
                "delete": operations.delete_collection(),
                "parameters": path_parameters(resource, Depth::List),
            }),
        ),
        (
            one.clone(),
            json!({
                "get": operations.read("read", "get", &kind),
                "put": operations.write("replace", "put", &kind, MEDIA_TYPES),
                "delete": operations.delete(),
                "patch": operations.write("patch", "patch", &kind, PATCH_TYPES),
                "parameters": path_parameters(resource, Depth::One),
            }),
        ),
    ];
    for subresource in &resource.subresources {
        let subject = format!("{subject}{}", capitalised(&subresource.name));
        let operations = Operations { resource, subject: &subject };
        let schema = if subresource.name == "scale" { SCALE } else { &kind };
        items.push((
            format!("{one}/{}", subresource.name),
            json!({
                "get": operations.read("read", "get", schema),
                "put": operations.write("replace", "put", schema, MEDIA_TYPES),
                "patch": operations.write("patch", "patch", schema, PATCH_TYPES),
                "parameters": path_parameters(resource, Depth::One),
            }),
        ));
    }
    if resource.namespaced {
        let subject = format!("{}ForAllNamespaces", resource.kind);
        let operations = Operations { resource, subject: &subject };
        items.push((
            format!("{base}/{}", resource.plural),
            json!({"get": operations.read("list", "list", &list_kind)}),
        ));
    }
    items
}

/// How much of a path is variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    List,
    One,
}

fn path_parameters(resource: &Resource, depth: Depth) -> Vec<Value> {
    let parameter = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "uniqueItems": true}});
    let mut parameters = Vec::new();
    if depth == Depth::One {
        parameters.push(parameter("name"));
    }
    if resource.namespaced {
        parameters.push(parameter("namespace"));
    }
    parameters
}

/// Builds the operations on one path.
struct Operations<'a> {
    resource: &'a Resource,
    /// What the operations are about, for their ids.
    subject: &'a str,
}

impl Operations<'_> {
    fn read(&self, verb: &str, action: &str, schema: &str) -> Value {
        let query: &[&str] = if action == "list" {
            &[
                "allowWatchBookmarks",
                "continue",
                "fieldSelector",
                "labelSelector",
                "limit",
                "resourceVersion",
                "resourceVersionMatch",
                "sendInitialEvents",
                "timeoutSeconds",
                "watch",
            ]
        } else {
            &["resourceVersion"]
        };
        self.operation(verb, action, schema, query)
    }

    fn write(&self, verb: &str, action: &str, schema: &str, media: &[&str]) -> Value {
        let query: &[&str] = if action == "patch" {
            &["dryRun", "fieldManager", "fieldValidation", "force"]
        } else {
            &["dryRun", "fieldManager", "fieldValidation"]
        };
        let mut operation = self.operation(verb, action, schema, query);
        let body = if action == "patch" {
            json!({"type": "object"})
        } else {
            json!({"$ref": format!("{V3_PREFIX}{schema}")})
        };
        let content: BTreeMap<&str, Value> =
            media.iter().map(|media| (*media, json!({"schema": body}))).collect();
        operation["requestBody"] = json!({"content": content, "required": true});
        operation
    }

    fn delete(&self) -> Value {
        let query = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
        let mut operation = self.operation("delete", "delete", STATUS, &query);
        operation["requestBody"] =
            json!({"content": {"*/*": {"schema": {"$ref": format!("{V3_PREFIX}{DELETE_OPTIONS}")}}}});
        operation
    }

    fn delete_collection(&self) -> Value {
        let subject = format!("Collection{}", self.subject);
        let operations = Operations { resource: self.resource, subject: &subject };
        operations.operation(
            "delete",
            "deletecollection",
            STATUS,
            &["fieldSelector", "labelSelector", "limit"],
        )
    }

    fn operation(&self, verb: &str, action: &str, schema: &str, query: &[&str]) -> Value {
        let resource = self.resource;
        let group: String = resource.group.split(['.', '-']).map(capitalised).collect();
        let version = capitalised(&resource.version);
        let content: BTreeMap<&str, Value> = MEDIA_TYPES
            .iter()
            .map(|media| (*media, json!({"schema": {"$ref": format!("{V3_PREFIX}{schema}")}})))
            .collect();
        let parameters: Vec<Value> = query
            .iter()
            .chain(&["pretty"])
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": query_type(name), "uniqueItems": true}}))
            .collect();
        json!({
            "operationId": format!("{verb}{group}{version}{}", self.subject),
            "tags": [format!("{}_{}", snake(&group), resource.version)],
            "parameters": parameters,
            "responses": {
                "200": {"description": "OK", "content": content},
                "401": {"description": "Unauthorized"},
            },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind":
                {"group": resource.group, "version": resource.version, "kind": resource.kind},
        })
    }
}

fn query_type(name: &str) -> &'static str {
    match name {
        "allowWatchBookmarks" | "force" | "orphanDependents" | "sendInitialEvents" | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" | "timeoutSeconds" => "integer",
        _ => "string",
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn snake(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        let crd = json!({"metadata": {"name": "foos.stable.example.com"}, "spec": {"group": "stable.example.com",
            "scope": "Namespaced", "names": {"plural": "foos", "kind": "Foo"}, "versions": [{"name": "v1",
            "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {
                    "port": {"x-kubernetes-int-or-string": true}}}}}}}]}});
        Registry::built_in().with_crd(&crd).unwrap()
    }

    #[test]
    fn describes_a_custom_resource() {
        let document = v3(&registry(), "apis/stable.example.com/v1").unwrap();
        let schema = &document["components"]["schemas"]["com.example.stable.v1.Foo"];
        assert_eq!(schema["properties"]["spec"]["properties"]["port"]["anyOf"][0]["type"], "integer");
        let path = &document["paths"]["/apis/stable.example.com/v1/namespaces/{namespace}/foos/{name}"];
        assert_eq!(path["patch"]["operationId"], "patchStableExampleComV1NamespacedFoo");
        assert!(document["components"]["schemas"][OBJECT_META].is_object());
    }

    #[test]
    fn every_reference_of_a_document_is_in_it() {
        let document = v3(&registry(), "apis/stable.example.com/v1").unwrap();
        let mut names = Vec::new();
        references(&document, &mut names);
        for name in names {
            assert!(document["components"]["schemas"][&name].is_object(), "{name}");
        }
    }
}
