//! Aggregated discovery: all groups in one document.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::catalog::Registry;
use super::super::resource::Resource;
use super::{Document, with_etag};

/// Returns version and media type of the aggregated document that the client prefers to the legacy one.
pub(super) fn wanted(accept: &str) -> Option<(&'static str, &'static str)> {
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let media = match media {
            "application/json" | "*/*" | "application/*" => "application/json",
            "application/vnd.kubernetes.protobuf" => "application/vnd.kubernetes.protobuf",
            _ => continue,
        };
        let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
        let parameter = |key: &str| parameters.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
        match (parameter("g"), parameter("v"), parameter("as")) {
            (Some("apidiscovery.k8s.io"), Some("v2"), Some("APIGroupDiscoveryList")) => {
                return Some(("v2", media));
            }
            (Some(_), ..) => {}
            (None, ..) => return None,
        }
    }
    None
}

/// Returns the document for `api` or `apis`.
pub(super) fn document(registry: &Registry, root: &str, (version, media): (&str, &str)) -> Document {
    let mut items = Vec::new();
    for (group, versions) in registry.groups() {
        if group.is_empty() != (root == "api") {
            continue;
        }
        let versions: Vec<Value> = versions.iter().map(|v| version_entry(registry, group, v)).collect();
        let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
        items.push(json!({"metadata": metadata, "versions": versions}));
    }
    let document = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    });
    let content_type = format!("{media};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    with_etag(&content_type, Bytes::from(document.to_string()))
}

fn version_entry(registry: &Registry, group: &str, version: &str) -> Value {
    let mut found: Vec<_> =
        registry.resources().filter(|r| r.group == group && r.version == version).collect();
    found.sort_by(|a, b| a.plural.cmp(&b.plural));
    let resources: Vec<Value> = found.iter().map(|resource| resource_entry(resource)).collect();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn resource_entry(resource: &Resource) -> Value {
    // Built-in resources leave group and version of their own kind empty, custom ones name them.
    let (group, version) =
        if resource.is_custom() { (&*resource.group, &*resource.version) } else { ("", "") };
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": {"group": group, "version": version, "kind": resource.kind},
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let subresources: Vec<Value> = resource
        .subresources
        .iter()
        .map(|sub| {
            let own = sub.version.is_empty() && resource.is_custom();
            let (group, version) = if own { (group, version) } else { (&*sub.group, &*sub.version) };
            json!({
                "subresource": sub.name,
                "responseKind": {"group": group, "version": version, "kind": sub.kind},
                "verbs": sub.verbs,
            })
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = Value::from(subresources);
    }
    entry
}
