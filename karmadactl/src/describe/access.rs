//! ServiceAccounts, roles and their bindings.

use serde_json::Value;

use super::page::{Page, items, text};

/// Describes a ServiceAccount.
pub(super) fn service_account(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels(object);
    let names = |list: &Value| items(list).map(|item| text(&item["name"])).collect::<Vec<_>>();
    page.list(0, "Image pull secrets", &names(&object["imagePullSecrets"]));
    page.list(0, "Mountable secrets", &names(&object["secrets"]));
    page.list(0, "Tokens", &[]);
}

/// Describes a Role or ClusterRole.
pub(super) fn role(page: &mut Page, object: &Value) {
    page.field(0, "Name", &text(&object["metadata"]["name"]));
    page.labels(object);
    let list = |value: &Value| items(value).map(text).collect::<Vec<_>>();
    let brackets = |value: &Value| format!("[{}]", list(value).join(" "));
    let mut rows = Vec::new();
    for rule in items(&object["rules"]) {
        let groups = list(&rule["apiGroups"]);
        let mut resources: Vec<String> = Vec::new();
        for resource in list(&rule["resources"]) {
            resources.extend(groups.iter().map(|group| match group.as_str() {
                "" => resource.clone(),
                group => format!("{resource}.{group}"),
            }));
        }
        if resources.is_empty() {
            resources.push(String::new());
        }
        rows.extend(resources.into_iter().map(|resource| {
            vec![
                resource,
                brackets(&rule["nonResourceURLs"]),
                brackets(&rule["resourceNames"]),
                brackets(&rule["verbs"]),
            ]
        }));
    }
    rows.sort();
    page.line(0, "PolicyRule:");
    page.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    page.line(1, "---------\t-----------------\t--------------\t-----");
    for row in rows {
        page.line(1, &row.join("\t"));
    }
}

/// Describes a RoleBinding or ClusterRoleBinding.
pub(super) fn binding(page: &mut Page, object: &Value) {
    page.field(0, "Name", &text(&object["metadata"]["name"]));
    page.labels(object);
    page.line(0, "Role:");
    page.field(1, "Kind", &text(&object["roleRef"]["kind"]));
    page.field(1, "Name", &text(&object["roleRef"]["name"]));
    page.line(0, "Subjects:");
    page.line(1, "Kind\tName\tNamespace");
    page.line(1, "----\t----\t---------");
    for subject in items(&object["subjects"]) {
        let cells = ["kind", "name", "namespace"].map(|field| text(&subject[field]));
        page.line(1, &cells.join("\t"));
    }
}
