//! The roles and bindings that every server has.

use serde_json::Value;

/// One object per line, as a real server has them.
const DEFAULTS: &str = include_str!("../../data/default-roles.jsonl");

/// Returns the default ClusterRoles, Roles and their bindings.
///
/// Aggregated roles come with their rules, so that they mean something before the first aggregation.
pub(crate) fn bootstrap_objects() -> Vec<Value> {
    DEFAULTS
        .lines()
        .map(|line| serde_json::from_str(line).expect("the embedded objects are well-formed"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key<'a>(kind: &'a str, object: &'a Value) -> (&'a str, &'a str, &'a str) {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        (kind, text("/metadata/namespace"), text("/metadata/name"))
    }

    #[test]
    fn every_binding_has_its_role() {
        let objects = bootstrap_objects();
        let roles: BTreeSet<_> =
            objects.iter().map(|object| key(object["kind"].as_str().unwrap(), object)).collect();
        for binding in objects.iter().filter(|object| object["roleRef"].is_object()) {
            let role = &binding["roleRef"];
            let namespace = if role["kind"] == "Role" { key("", binding).1 } else { "" };
            let wanted = (role["kind"].as_str().unwrap(), namespace, role["name"].as_str().unwrap());
            assert!(roles.contains(&wanted), "{wanted:?}");
        }
    }

    #[test]
    fn every_aggregated_role_has_rules() {
        for role in bootstrap_objects().iter().filter(|object| object["aggregationRule"].is_object()) {
            assert!(role["rules"].as_array().is_some_and(|rules| !rules.is_empty()), "{role}");
        }
    }
}
