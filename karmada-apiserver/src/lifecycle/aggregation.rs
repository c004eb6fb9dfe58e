//! ClusterRoles that are made of others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::controller::Controller;
use crate::http::Failure;
use crate::http::call::Call;
use crate::http::selects;
use crate::server::Inner;
use crate::store::Event;

const STORAGE: &str = "rbac.authorization.k8s.io/clusterroles";
const MANAGER: &str = "clusterrole-aggregation-controller";

/// Keeps the rules of aggregated ClusterRoles.
pub(super) struct Aggregation;

impl Controller for Aggregation {
    type Key = String;
    const NAME: &'static str = "clusterrole-aggregation";

    fn all(&mut self, server: &Inner) -> Vec<String> {
        let roles = server.store.list(STORAGE, "").objects;
        roles
            .iter()
            .filter(|role| role.value().get("aggregationRule").is_some_and(|rule| !rule.is_null()))
            .map(|role| role.name().to_owned())
            .collect()
    }

    fn keys(&mut self, server: &Inner, resource: &str, _: &Event) -> Vec<String> {
        if resource == STORAGE { self.all(server) } else { Vec::new() }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, name: &String) -> Result<Option<Duration>, Failure> {
        let Some(stored) = server.store.get(STORAGE, name).filter(|role| !role.is_deleting()) else {
            return Ok(None);
        };
        let role = stored.value();
        let selectors = role.pointer("/aggregationRule/clusterRoleSelectors").and_then(Value::as_array);
        let Some(selectors) = selectors else { return Ok(None) };
        let mut rules: Vec<Value> = Vec::new();
        for selector in selectors {
            for other in server.store.list(STORAGE, "").objects {
                let other = other.value();
                let labels = other.pointer("/metadata/labels").cloned().unwrap_or(Value::Null);
                if object_is(&other, name) || !selects(selector, &labels) {
                    continue;
                }
                for rule in other.get("rules").and_then(Value::as_array).into_iter().flatten() {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
        }
        let wanted = if rules.is_empty() { Value::Null } else { Value::from(rules) };
        if role.get("rules").unwrap_or(&Value::Null) == &wanted {
            return Ok(None);
        }
        let registry = server.registry();
        let resource = registry
            .resource("rbac.authorization.k8s.io", "v1", "clusterroles")
            .ok_or_else(|| Failure::internal("clusterroles are not served"))?;
        let mut call = Call::internal(server, resource, "", name, MANAGER);
        let mut applied = serde_json::json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": name}});
        if !wanted.is_null() {
            applied["rules"] = wanted;
        }
        call.apply_as_owner(&applied).await?;
        Ok(None)
    }
}

fn object_is(object: &Value, name: &str) -> bool {
    object.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
}
