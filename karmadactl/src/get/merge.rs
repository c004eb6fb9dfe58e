//! One table, or one document, out of what several clusters answered.

use karmada_core::api::reserved::MANAGED_LABEL;
use serde_json::{Value, json};

use super::fetch::Column;
use super::{CONTROL_PLANE, Content, NamespaceChoice, Part};
use crate::discovery::{ResourceKind, Scope};
use crate::table::Table;

/// Which columns are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Columns the server holds back by default.
    pub wide: bool,
    /// Labels with a column of their own.
    pub label_columns: Vec<String>,
    /// All labels, as a last column.
    pub labels: bool,
    /// `type/` in front of the name, where rows of several types follow each other.
    pub types: bool,
    /// A NAMESPACE column for kinds that have namespaces.
    pub namespaces: bool,
}

impl Shown {
    /// The columns for these parts and this choice of namespaces.
    pub fn for_parts(parts: &[Part], namespace: &NamespaceChoice) -> Self {
        let mut kinds: Vec<&ResourceKind> = parts.iter().map(|part| &part.kind).collect();
        kinds.dedup_by(|left, right| left.plural == right.plural && left.group == right.group);
        let types =
            kinds.windows(2).any(|pair| pair[0].plural != pair[1].plural || pair[0].group != pair[1].group);
        Self { types, namespaces: *namespace == NamespaceChoice::All, ..Self::default() }
    }
}

/// Returns one table per kind and set of columns, the rows of all clusters in it.
///
/// CLUSTER follows the name, ADOPTION comes last: whether Karmada manages the member's object.
pub fn merge_tables(parts: &[Part], shown: &Shown) -> Vec<Table> {
    let mut tables: Vec<(String, Table)> = Vec::new();
    for part in parts {
        let Content::Table(server) = &part.content else { continue };
        if server.rows.is_empty() {
            continue;
        }
        let columns = columns_of(&part.kind, &server.columns, shown);
        let key = part.kind.qualified_plural();
        let index = tables
            .iter()
            .position(|(known, table)| *known == key && table.columns == columns)
            .unwrap_or_else(|| {
                tables.push((key, Table::new(columns)));
                tables.len() - 1
            });
        let rows =
            server.rows.iter().map(|row| row_of(&part.cluster, &part.kind, &server.columns, row, shown));
        tables[index].1.rows.extend(rows);
    }
    tables.into_iter().map(|(_, table)| table).collect()
}

/// Returns the columns of a part whose content is a table.
pub fn columns(part: &Part, shown: &Shown) -> Vec<String> {
    match &part.content {
        Content::Table(table) => columns_of(&part.kind, &table.columns, shown),
        Content::Objects(_) => Vec::new(),
    }
}

fn columns_of(kind: &ResourceKind, columns: &[Column], shown: &Shown) -> Vec<String> {
    let mut names = Vec::new();
    if shown.namespaces && kind.scope == Scope::Namespaced {
        names.push("NAMESPACE".to_owned());
    }
    for (index, column) in columns.iter().enumerate() {
        if column.priority == 0 || shown.wide {
            names.push(column.name.to_uppercase());
        }
        if index == 0 {
            names.push("CLUSTER".to_owned());
        }
    }
    names.push("ADOPTION".to_owned());
    let last = |key: &String| key.rsplit('/').next().unwrap_or_default().to_uppercase();
    names.extend(shown.label_columns.iter().map(last));
    if shown.labels {
        names.push("LABELS".to_owned());
    }
    names
}

/// Returns the cells of one row of a server's table.
pub fn row_of(
    cluster: &str,
    kind: &ResourceKind,
    columns: &[Column],
    row: &Value,
    shown: &Shown,
) -> Vec<String> {
    let metadata = &row["object"]["metadata"];
    let mut cells = Vec::new();
    if shown.namespaces && kind.scope == Scope::Namespaced {
        cells.push(metadata["namespace"].as_str().unwrap_or_default().to_owned());
    }
    for (index, column) in columns.iter().enumerate() {
        if column.priority == 0 || shown.wide {
            let text = cell(&row["cells"][index]);
            let prefix = if index == 0 && shown.types {
                format!("{}/", kind.qualified_singular())
            } else {
                String::new()
            };
            cells.push(prefix + &text);
        }
        if index == 0 {
            cells.push(cluster.to_owned());
        }
    }
    let managed = metadata["labels"][MANAGED_LABEL] == "true";
    let adoption = match (cluster == CONTROL_PLANE, managed) {
        (true, _) => "-",
        (false, true) => "Y",
        (false, false) => "N",
    };
    cells.push(adoption.to_owned());
    let label = |key: &String| metadata["labels"][key.as_str()].as_str().unwrap_or_default().to_owned();
    cells.extend(shown.label_columns.iter().map(label));
    if shown.labels {
        cells.push(labels(&metadata["labels"]));
    }
    cells
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace(['\n', '\r'], " "),
        other => other.to_string(),
    }
}

fn labels(labels: &Value) -> String {
    let pairs: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// Returns the objects of all clusters as one document: a List, or the object when exactly one was asked for by name.
pub fn merge_objects(parts: Vec<Part>, by_name: bool) -> Value {
    let mut objects: Vec<Value> = parts
        .into_iter()
        .flat_map(|part| match part.content {
            Content::Objects(objects) => objects,
            Content::Table(_) => Vec::new(),
        })
        .collect();
    if by_name && objects.len() == 1 {
        return objects.swap_remove(0);
    }
    json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": objects })
}

/// Returns `type/name` of every object.
pub fn names(parts: &[Part]) -> Vec<String> {
    parts
        .iter()
        .flat_map(|part| {
            let prefix = part.kind.qualified_singular();
            let metadata: Vec<&Value> = match &part.content {
                Content::Objects(objects) => objects.iter().map(|object| &object["metadata"]).collect(),
                Content::Table(table) => table.rows.iter().map(|row| &row["object"]["metadata"]).collect(),
            };
            metadata
                .into_iter()
                .map(move |metadata| format!("{prefix}/{}", metadata["name"].as_str().unwrap_or_default()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::get::ServerTable;

    fn part(cluster: &str, managed: bool) -> Part {
        let labels = if managed { json!({ MANAGED_LABEL: "true" }) } else { json!({}) };
        let kind = ResourceKind {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            plural: "deployments".into(),
            singular: "deployment".into(),
            ..ResourceKind::default()
        };
        let column = |name: &str, priority| Column { name: name.into(), priority };
        let row = json!({ "cells": ["web", "1/1", 1, "nginx"], "object": { "metadata": { "name": "web", "namespace": "shop", "labels": labels } } });
        Part {
            cluster: cluster.into(),
            kind,
            content: Content::Table(ServerTable {
                columns: vec![
                    column("Name", 0),
                    column("Ready", 0),
                    column("Up-to-date", 0),
                    column("Images", 1),
                ],
                rows: vec![row],
            }),
            resource_version: String::new(),
        }
    }

    fn plain() -> Shown {
        Shown::default()
    }

    #[test]
    fn cluster_follows_the_name_and_adoption_comes_last() {
        let parts = [part(CONTROL_PLANE, false), part("m1", true), part("m2", false)];
        let tables = merge_tables(&parts, &plain());
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].columns, ["NAME", "CLUSTER", "READY", "UP-TO-DATE", "ADOPTION"]);
        let adoption: Vec<&str> = tables[0].rows.iter().map(|row| row[4].as_str()).collect();
        assert_eq!(adoption, ["-", "Y", "N"]);
        assert_eq!(tables[0].rows[1], ["web", "m1", "1/1", "1", "Y"]);
    }

    #[test]
    fn more_columns_are_shown_when_asked_for() {
        let label_columns = vec!["karmada.io/managed".to_owned(), "x".to_owned()];
        let shown = Shown { wide: true, labels: true, types: true, namespaces: true, label_columns };
        let table = &merge_tables(&[part("m1", true)], &shown)[0];
        assert_eq!(
            table.columns,
            [
                "NAMESPACE",
                "NAME",
                "CLUSTER",
                "READY",
                "UP-TO-DATE",
                "IMAGES",
                "ADOPTION",
                "MANAGED",
                "X",
                "LABELS"
            ]
        );
        assert_eq!(
            table.rows[0],
            [
                "shop",
                "deployment.apps/web",
                "m1",
                "1/1",
                "1",
                "nginx",
                "Y",
                "true",
                "",
                "karmada.io/managed=true"
            ]
        );
    }

    #[test]
    fn clusters_that_print_other_columns_get_a_table_of_their_own() {
        let mut other = part("m2", false);
        if let Content::Table(table) = &mut other.content {
            table.columns.truncate(2);
        }
        assert_eq!(merge_tables(&[part("m1", true), other], &plain()).len(), 2);
    }
}
