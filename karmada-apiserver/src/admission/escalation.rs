//! Nobody grants rights that they do not have.

use serde_json::Value;

use crate::auth::{Access, Rules, UserInfo, rbac};
use crate::http::failure::Failure;
use crate::registry::Resource;

/// Checks a role or binding that a user writes against the user's own rights.
pub(crate) fn check_escalation(
    rules: &Rules,
    resource: &Resource,
    user: &UserInfo,
    namespace: &str,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Failure> {
    if resource.group != rbac::GROUP {
        return Ok(());
    }
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let allowed = |verb: &str, plural: &str, name: &str| {
        let access = Access {
            verb: verb.to_owned(),
            group: rbac::GROUP.to_owned(),
            resource: plural.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Access::default()
        };
        rules.decide(user, &access).allowed
    };
    let wanted = match resource.plural.as_str() {
        "roles" | "clusterroles" => {
            let unchanged = old.is_some_and(|old| {
                old.get("rules") == object.get("rules")
                    && old.get("aggregationRule") == object.get("aggregationRule")
            });
            if unchanged || allowed("escalate", &resource.plural, name) {
                return Ok(());
            }
            // What is aggregated later may be anything.
            let aggregates = object.get("aggregationRule").is_some_and(|rule| !rule.is_null());
            if aggregates && !rbac::escalation(&rules.rules(user, namespace), &rbac::everything()).is_empty()
            {
                let why = "must have cluster-admin privileges to use the aggregationRule";
                return Err(Failure::forbidden(&resource.group, &resource.plural, name, why));
            }
            rbac::rules_of(object)
        }
        "rolebindings" | "clusterrolebindings" => {
            let unchanged = old.is_some_and(|old| {
                old.get("roleRef") == object.get("roleRef") && old.get("subjects") == object.get("subjects")
            });
            let reference: rbac::RoleRef = object
                .get("roleRef")
                .and_then(|reference| serde_json::from_value(reference.clone()).ok())
                .unwrap_or_default();
            let plural = if reference.kind == "ClusterRole" { "clusterroles" } else { "roles" };
            if unchanged || allowed("bind", plural, &reference.name) {
                return Ok(());
            }
            match rules.role(&reference, namespace) {
                Some(rules) => rules,
                None => return Err(Failure::not_found(rbac::GROUP, &resource.plural, &reference.name)),
            }
        }
        _ => return Ok(()),
    };
    let missing = rbac::escalation(&rules.rules(user, namespace), &wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(Failure::forbidden(&resource.group, &resource.plural, name, &why))
}
