//! The table of built-in resources.

use std::sync::Arc;

use serde::Deserialize;

use super::resource::{Column, LazySchema, Origin, Resource, ScalePaths, Subresource};

/// A line of `data/resources.jsonl.zst`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    group: String,
    version: String,
    kind: String,
    plural: String,
    singular: String,
    namespaced: bool,
    verbs: Vec<String>,
    short_names: Vec<String>,
    categories: Vec<String>,
    subresources: Vec<SubresourceRow>,
    storage_version_hash: String,
    columns: Vec<ColumnRow>,
    selectable_fields: Vec<String>,
    definition: String,
}

#[derive(Deserialize)]
struct SubresourceRow {
    name: String,
    group: String,
    version: String,
    kind: String,
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ColumnRow {
    name: String,
    #[serde(rename = "type")]
    column_type: String,
    format: String,
    priority: i64,
}

/// Returns the built-in resources in the order of discovery.
pub(super) fn resources() -> Vec<Arc<Resource>> {
    let text = unpack(include_bytes!("../../data/resources.jsonl.zst"));
    text.lines()
        .map(|line| serde_json::from_str::<Row>(line).expect("the embedded table is well-formed"))
        .map(|row| Arc::new(row.into_resource()))
        .collect()
}

/// Decompresses an embedded table.
pub(super) fn unpack(compressed: &[u8]) -> String {
    let bytes = zstd::decode_all(compressed).expect("the embedded table is a whole zstd stream");
    String::from_utf8(bytes).expect("the embedded table is UTF-8")
}

impl Row {
    fn into_resource(self) -> Resource {
        let list_kind = format!("{}List", self.kind);
        let scale = self.subresources.iter().any(|s| s.name == "scale").then(|| ScalePaths {
            spec_replicas: ".spec.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            label_selector: Some(".spec.selector".to_owned()),
        });
        let columns = self.columns.into_iter().map(|column| Column {
            name: column.name,
            column_type: column.column_type,
            format: column.format,
            description: String::new(),
            priority: column.priority,
            json_path: None,
        });
        let subresources = self.subresources.into_iter().map(|row| Subresource {
            name: row.name,
            group: row.group,
            version: row.version,
            kind: row.kind,
            verbs: row.verbs,
        });
        let subresources: Vec<Subresource> = subresources.collect();
        Resource {
            list_kind,
            status_subresource: subresources.iter().any(|subresource| subresource.name == "status"),
            scale,
            subresources,
            schema: LazySchema::of_definition(&self.definition),
            columns: columns.collect(),
            selectable_fields: self.selectable_fields,
            storage_version_hash: self.storage_version_hash,
            deprecation_warning: deprecation_warning(&self.group, &self.version, &self.plural),
            origin: Origin::BuiltIn,
            openapi: None,
            rules: None,
            storage_schema: None,
            conversion: None,
            // A new claim is stored without its phase.
            defaults_on_read: self.kind == "PersistentVolumeClaim",
            group: self.group,
            version: self.version,
            kind: self.kind,
            plural: self.plural,
            singular: self.singular,
            short_names: self.short_names,
            categories: self.categories,
            namespaced: self.namespaced,
            verbs: self.verbs,
        }
    }
}

fn deprecation_warning(group: &str, version: &str, plural: &str) -> Option<String> {
    let text = match (group, version, plural) {
        ("", "v1", "componentstatuses") => "v1 ComponentStatus is deprecated in v1.19+",
        ("", "v1", "endpoints") => {
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_scale_subresource_of_deployments() {
        let resources = resources();
        let deployments = resources.iter().find(|r| r.plural == "deployments").unwrap();
        assert_eq!(deployments.api_version(), "apps/v1");
        assert!(deployments.scale.is_some() && deployments.status_subresource);
        assert_eq!(deployments.subresource("scale").unwrap().kind, "Scale");
    }
}
