//! The unaggregated documents: one per group and version.

use serde_json::{Value, json};

use super::super::catalog::Registry;
use super::super::resource::Resource;

/// Returns `/api`. The server address is the caller's to fill in.
pub(super) fn api_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [
        {"clientCIDR": "0.0.0.0/0", "serverAddress": ""}
    ]})
}

/// Returns `/apis`.
pub(super) fn groups(registry: &Registry) -> Value {
    let groups = registry.groups();
    let named = groups.iter().filter(|(group, _)| !group.is_empty());
    let groups: Vec<Value> = named.map(|(group, versions)| group_fields(group, versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// Returns `/apis/GROUP`.
pub(super) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let (group, versions) =
        registry.groups().into_iter().find(|(group, _)| !group.is_empty() && *group == name)?;
    let mut document = group_fields(group, &versions);
    document["kind"] = "APIGroup".into();
    document["apiVersion"] = "v1".into();
    Some(document)
}

/// Returns the resources of a version.
pub(super) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let mut found: Vec<_> =
        registry.resources().filter(|r| r.group == group && r.version == version).collect();
    let first = found.first()?;
    let custom = first.is_custom();
    let group_version = first.api_version();
    found.sort_by(|a, b| a.plural.cmp(&b.plural));
    let list: Vec<Value> = found.iter().flat_map(|resource| entries(resource)).collect();
    let mut document = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": list});
    // The core group predates the field.
    if !group.is_empty() || custom {
        document["apiVersion"] = "v1".into();
    }
    Some(document)
}

fn group_fields(group: &str, versions: &[&str]) -> Value {
    let entry = |version: &str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let entries: Vec<Value> = versions.iter().map(|version| entry(version)).collect();
    json!({"name": group, "versions": entries, "preferredVersion": versions.first().map(|v| entry(v))})
}

fn entries(resource: &Resource) -> Vec<Value> {
    let mut main = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    });
    if !resource.short_names.is_empty() {
        main["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        main["categories"] = json!(resource.categories);
    }
    if !resource.storage_version_hash.is_empty() {
        main["storageVersionHash"] = json!(resource.storage_version_hash);
    }
    let mut entries = vec![main];
    for subresource in &resource.subresources {
        let mut entry = json!({
            "name": format!("{}/{}", resource.plural, subresource.name),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": subresource.kind,
            "verbs": subresource.verbs,
        });
        if !subresource.version.is_empty() {
            entry["group"] = json!(subresource.group);
            entry["version"] = json!(subresource.version);
        }
        entries.push(entry);
    }
    entries
}
