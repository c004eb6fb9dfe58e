//! The resources that a CRD serves.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::definitions::strings;
use super::super::field_error::{FieldError, quote};
use super::super::resource::{Column, Conversion, LazySchema, Origin, Resource, ScalePaths, Subresource};
use super::super::schema::Schema;
use super::compile::compile_schema;
use super::rules::compile_rules;
use super::versions::compare_versions;

const VERBS: &[&str] = &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUBRESOURCE_VERBS: &[&str] = &["get", "patch", "update"];

/// Returns the served versions of a CRD in order of priority.
///
/// # Errors
///
/// What makes the CRD unusable: no group, names or versions.
pub fn resources(crd: &Value) -> Result<Vec<Arc<Resource>>, Vec<FieldError>> {
    let mut errors = Vec::new();
    for path in ["/spec/group", "/spec/names/plural", "/spec/names/kind", "/spec/scope"] {
        if crd.pointer(path).and_then(Value::as_str).unwrap_or_default().is_empty() {
            errors.push(FieldError::required(path[1..].replace('/', "."), ""));
        }
    }
    let versions = crd.pointer("/spec/versions").and_then(Value::as_array);
    if versions.is_none_or(Vec::is_empty) {
        errors.push(FieldError::required("spec.versions", "must have at least one version"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let served = versions.into_iter().flatten().filter(|version| version["served"] == json!(true));
    let mut resources: Vec<Arc<Resource>> = served.map(|version| Arc::new(resource(crd, version))).collect();
    resources.sort_by(|a, b| compare_versions(&a.version, &b.version));
    Ok(resources)
}

/// Names of a CRD that another resource of its group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesConflict {
    /// Reason of `NamesAccepted=False`.
    pub reason: String,
    pub message: String,
    /// Members of `spec.names` that are not accepted.
    pub refused: Vec<&'static str>,
}

/// Returns which names of a CRD are taken by another resource of the group.
///
/// Of several taken names the last is the one that is reported.
pub fn names_conflict<'a>(
    crd: &Value,
    others: impl Iterator<Item = &'a Arc<Resource>>,
) -> Option<NamesConflict> {
    let names = &crd["spec"]["names"];
    let own = crd.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let group = crd.pointer("/spec/group").and_then(Value::as_str).unwrap_or_default();
    let others: Vec<&Arc<Resource>> =
        others.filter(|other| other.group == group && other.crd_name() != Some(own)).collect();
    let name_taken = |name: &str| {
        others.iter().any(|o| {
            o.plural == name || o.singular == name || o.short_names.iter().any(|short| short == name)
        })
    };
    let kind_taken = |kind: &str| others.iter().any(|other| other.kind == kind || other.list_kind == kind);
    let mut conflict: Option<NamesConflict> = None;
    let mut refuse = |field: &'static str, reason: &str, name: &str| {
        let mut refused = conflict.take().map(|conflict| conflict.refused).unwrap_or_default();
        refused.push(field);
        let message = format!("{} is already in use", quote(name));
        conflict = Some(NamesConflict { reason: reason.to_owned(), message, refused });
    };
    for (field, reason) in [("plural", "PluralConflict"), ("singular", "SingularConflict")] {
        let name = names[field].as_str().unwrap_or_default();
        if !name.is_empty() && name_taken(name) {
            refuse(field, reason, name);
        }
    }
    if let Some(short) = strings(names.get("shortNames")).iter().find(|short| name_taken(short)) {
        refuse("shortNames", "ShortNamesConflict", short);
    }
    for (field, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
        let name = names[field].as_str().unwrap_or_default();
        if !name.is_empty() && kind_taken(name) {
            refuse(field, reason, name);
        }
    }
    conflict
}

fn resource(crd: &Value, version: &Value) -> Resource {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let names = &crd["spec"]["names"];
    let kind = text(&names["kind"]);
    let or = |value: String, fallback: String| if value.is_empty() { fallback } else { value };
    let subresources = &version["subresources"];
    let status = subresources.get("status").is_some_and(|s| !s.is_null());
    let scale = subresources.get("scale").filter(|s| !s.is_null()).map(|scale| ScalePaths {
        spec_replicas: text(&scale["specReplicasPath"]),
        status_replicas: text(&scale["statusReplicasPath"]),
        label_selector: scale.get("labelSelectorPath").and_then(Value::as_str).map(str::to_owned),
    });
    let source = version.pointer("/schema/openAPIV3Schema");
    let mut schema =
        source.map_or_else(|| Schema { preserve_unknown: true, ..Schema::default() }, compile_schema);
    schema.preserve_unknown |= crd["spec"]["preserveUnknownFields"] == json!(true);
    let name = text(&crd["metadata"]["name"]);
    let mut resource = Resource {
        group: text(&crd["spec"]["group"]),
        version: text(&version["name"]),
        list_kind: or(text(&names["listKind"]), format!("{kind}List")),
        plural: text(&names["plural"]),
        singular: or(text(&names["singular"]), kind.to_lowercase()),
        short_names: strings(names.get("shortNames")),
        categories: strings(names.get("categories")),
        namespaced: crd["spec"]["scope"] == json!("Namespaced"),
        verbs: VERBS.iter().map(|&verb| verb.to_owned()).collect(),
        status_subresource: status,
        subresources: subresource_list(&kind, status, scale.is_some()),
        scale,
        schema: LazySchema::from(Arc::new(schema)),
        columns: columns(version),
        selectable_fields: selectable_fields(version),
        storage_version_hash: String::new(),
        deprecation_warning: None,
        origin: Origin::Crd { name },
        rules: source.and_then(compile_rules),
        storage_schema: storage_schema(crd, version),
        conversion: conversion(crd),
        openapi: source.map(|source| source.to_string().into()),
        defaults_on_read: source.is_some_and(|source| {
            let changed = crd["metadata"]["generation"].as_i64().unwrap_or_default() > 1;
            // A new object is stored without status.
            (changed && has_default(source))
                || (status && !source["properties"]["status"]["default"].is_null())
        }),
        kind,
    };
    resource.storage_version_hash = storage_version_hash(crd, &resource);
    resource.deprecation_warning = deprecation_warning(crd, version, &resource);
    resource
}

fn has_default(node: &Value) -> bool {
    match node {
        Value::Object(map) => {
            map.iter().any(|(key, value)| (key == "default" && !value.is_null()) || has_default(value))
        }
        Value::Array(items) => items.iter().any(has_default),
        _ => false,
    }
}

fn subresource_list(kind: &str, status: bool, scale: bool) -> Vec<Subresource> {
    let entry = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        verbs: SUBRESOURCE_VERBS.iter().map(|&verb| verb.to_owned()).collect(),
    };
    let mut list = Vec::new();
    if status {
        list.push(entry("status", "", "", kind));
    }
    if scale {
        list.push(entry("scale", "autoscaling", "v1", "Scale"));
    }
    list
}

fn columns(version: &Value) -> Vec<Column> {
    let column = |name: &str, kind: &str, format: &str, path: &str| Column {
        name: name.to_owned(),
        column_type: kind.to_owned(),
        format: format.to_owned(),
        description: String::new(),
        priority: 0,
        json_path: (!path.is_empty()).then(|| path.to_owned()),
    };
    let mut columns = vec![column("Name", "string", "name", ".metadata.name")];
    let declared = version.get("additionalPrinterColumns").and_then(Value::as_array);
    let Some(declared) = declared.filter(|list| !list.is_empty()) else {
        columns.push(column("Age", "date", "", ".metadata.creationTimestamp"));
        return columns;
    };
    for entry in declared {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut found = column(text("name"), text("type"), text("format"), text("jsonPath"));
        found.description = match text("description") {
            "" => format!("Custom resource definition column (in JSONPath format): {}", text("jsonPath")),
            description => description.to_owned(),
        };
        found.priority = entry.get("priority").and_then(Value::as_i64).unwrap_or_default();
        columns.push(found);
    }
    columns
}

fn selectable_fields(version: &Value) -> Vec<String> {
    let declared = version.get("selectableFields").and_then(Value::as_array).into_iter().flatten();
    let paths = declared
        .filter_map(|field| field["jsonPath"].as_str())
        .map(|path| path.trim_start_matches('.').to_owned());
    ["metadata.name", "metadata.namespace"].into_iter().map(str::to_owned).chain(paths).collect()
}

fn storage_version_hash(crd: &Value, resource: &Resource) -> String {
    use base64::Engine as _;

    let versions = crd["spec"]["versions"].as_array();
    let stored = versions.into_iter().flatten().find(|version| version["storage"] == json!(true));
    let version = stored.and_then(|version| version["name"].as_str()).unwrap_or_default();
    let text = format!("{}/{version}/{}", resource.group, resource.kind);
    let digest = ring::digest::digest(&ring::digest::SHA512, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&digest.as_ref()[..8])
}

/// Returns the conversion webhook of a CRD, if it has one.
fn conversion(crd: &Value) -> Option<Arc<Conversion>> {
    let conversion = &crd["spec"]["conversion"];
    if conversion["strategy"] != "Webhook" {
        return None;
    }
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    let stored = versions.into_iter().find(|version| version["storage"] == json!(true))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(Arc::new(Conversion {
        client_config: conversion["webhook"]["clientConfig"].clone(),
        review_versions: strings(conversion["webhook"].get("conversionReviewVersions")),
        storage_version: format!("{}/{}", text(&crd["spec"]["group"]), text(&stored["name"])),
    }))
}

fn storage_schema(crd: &Value, version: &Value) -> Option<Arc<Schema>> {
    if version["storage"] == json!(true) || crd["spec"]["preserveUnknownFields"] == json!(true) {
        return None;
    }
    let mut versions = crd["spec"]["versions"].as_array()?.iter();
    let stored = versions.find(|version| version["storage"] == json!(true))?;
    stored.pointer("/schema/openAPIV3Schema").map(|source| Arc::new(compile_schema(source)))
}

fn deprecation_warning(crd: &Value, version: &Value, resource: &Resource) -> Option<String> {
    if version["deprecated"] != json!(true) {
        return None;
    }
    let custom = version.get("deprecationWarning").and_then(Value::as_str).map(str::to_owned);
    Some(custom.unwrap_or_else(|| {
        let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
        let better = versions
            .filter(|other| other["served"] == json!(true) && other["deprecated"] != json!(true))
            .filter_map(|other| other["name"].as_str())
            .filter(|other| compare_versions(other, &resource.version).is_lt())
            .min_by(|a, b| compare_versions(a, b));
        let advice = better
            .map(|better| format!("; use {}/{better} {}", resource.group, resource.kind))
            .unwrap_or_default();
        format!("{} {} is deprecated{advice}", resource.api_version(), resource.kind)
    }))
}
