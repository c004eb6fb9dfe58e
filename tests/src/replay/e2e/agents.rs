//! Members in pull mode: an agent for each, with the permissions that a registration gives it.

use std::collections::BTreeSet;
use std::sync::Arc;

use karmada_controllers::agent::{Agent, AgentSettings};
use karmada_core::membership::AGENTS_GROUP;
use karmadactl::agent::{AgentRegistration, Reported, ReportedSecrets, register_agent};
use karmadactl::embedded::EmbeddedServer;
use karmadactl::join::JoinOptions;
use karmadactl::join::footprint::DEFAULT_CLUSTER_NAMESPACE;
use karmadactl::register::access::{agent_user, namespaces, roles};
use kube::Client;
use serde_json::Value;
use tokio::sync::watch;

use super::client::{Refusal, Server};
use super::fleet::Reachability;
use super::footprint::further_servers;
use super::journal::Journal;
use super::start::{RegisteredBy, StartError, failed, status_settings};
use super::switch::switched;

/// Registers a member in pull mode: the permissions of its agent, then the Cluster as the agent writes it.
pub(super) async fn register(
    control_plane: &EmbeddedServer,
    member: &EmbeddedServer,
    name: &str,
    by: RegisteredBy,
) -> Result<(), StartError> {
    let mut hub = Server::new(control_plane.client());
    let objects = namespaces(name, DEFAULT_CLUSTER_NAMESPACE);
    let mut roles = roles(name, DEFAULT_CLUSTER_NAMESPACE);
    if by == RegisteredBy::Upstream {
        roles.iter_mut().for_each(as_upstream_allows);
    }
    for object in objects.into_iter().chain(roles) {
        match hub.create(&object).await {
            Ok(_) => {}
            // The namespace of credentials is that of all members.
            Err(Refusal { code: 409, .. }) => {}
            Err(refusal) => return Err(format!("{name}: {} {}", refusal.code, refusal.message)),
        }
    }
    let registration = AgentRegistration {
        cluster: JoinOptions::new(name, member.url()),
        secrets: ReportedSecrets { credentials: Reported::Yes, impersonator: Reported::Yes },
    };
    register_agent(&client_of_agent(control_plane, name), &member.client(), &registration)
        .await
        .map_err(failed(name))
}

/// Starts the agent of a member, which reaches the member as its switch says.
pub(super) async fn start_agent(
    control_plane: &EmbeddedServer,
    member: &EmbeddedServer,
    switch: watch::Receiver<Reachability>,
    name: &str,
    journal: &Journal,
) -> Result<Agent, StartError> {
    let client = member.client();
    let (noting, of) = (journal.clone(), name.to_owned());
    let clients = Arc::new(move |_: &str| noting.noting(&of, client.clone()));
    let there = switched(clients, switch)("");
    let settings =
        AgentSettings { status: status_settings(), member_url: member.url(), ..AgentSettings::new(name) };
    let hub = journal.noting(super::fleet::CONTROL_PLANE, client_of_agent(control_plane, name));
    Agent::start(hub, there, settings).await.map_err(failed(name))
}

/// Takes from a role what only our registration allows.
fn as_upstream_allows(role: &mut Value) {
    for rule in role["rules"].as_array_mut().into_iter().flatten() {
        let resource = rule["resources"][0].clone();
        let verbs: &[&str] = match (resource.as_str(), rule["resourceNames"].is_array()) {
            (Some("clusters"), true) => &["get", "delete"],
            (Some("clusters/status"), _) => &["update"],
            (Some("services"), _) => &["list", "watch"],
            (Some("works"), _) => &["get", "create", "list", "watch", "update", "delete"],
            _ => continue,
        };
        rule["verbs"] = verbs.into();
    }
}

fn client_of_agent(control_plane: &EmbeddedServer, name: &str) -> Client {
    control_plane.client_as(&agent_user(name), &[AGENTS_GROUP])
}

/// Returns a scenario as it would have been recorded with agents: its Clusters say so.
pub(super) fn in_pull_mode(case: &Value) -> Value {
    // What a scenario joins itself is in push mode.
    let own: BTreeSet<String> = further_servers(case);
    let mut case = case.clone();
    for step in case["steps"].as_array_mut().into_iter().flatten() {
        for part in ["expect", "response"] {
            if let Some(recorded) = step.get_mut(part) {
                pulled(recorded, &own);
            }
        }
    }
    case
}

/// Whether a scenario itself changes how a cluster gets what is its.
pub(super) fn changes_sync_mode(case: &Value) -> bool {
    let mut steps = case["steps"].as_array().into_iter().flatten();
    steps.any(|step| step["patch"]["spec"]["syncMode"].is_string())
}

fn pulled(value: &mut Value, own: &BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("metadata").and_then(|metadata| metadata["name"].as_str());
            if fields.get("kind").is_some_and(|kind| kind == "Cluster")
                && !name.is_some_and(|name| own.contains(name))
                && let Some(mode) = fields.get_mut("spec").and_then(|spec| spec.get_mut("syncMode"))
            {
                *mode = "Pull".into();
            }
            fields.values_mut().for_each(|field| pulled(field, own));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| pulled(item, own)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn agents_of_upstream_may_not_patch_what_they_own() {
        let mut roles = roles("m1", DEFAULT_CLUSTER_NAMESPACE);
        assert!(roles.iter().any(|role| role.to_string().contains("patch")));
        roles.iter_mut().for_each(as_upstream_allows);
        for rule in roles.iter().filter_map(|role| role["rules"].as_array()).flatten() {
            let may_patch =
                rule["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "patch"));
            let resource = rule["resources"][0].as_str().unwrap_or_default();
            assert_eq!(
                may_patch,
                ["secrets", "events", "works/status"].contains(&resource)
                    && rule["verbs"] != json!(["create"]),
                "{rule}"
            );
        }
    }

    #[test]
    fn recorded_clusters_become_pull_clusters_and_nothing_else_changes() {
        let cluster = |mode: &str| json!({"kind": "Cluster", "spec": {"syncMode": mode, "id": "x"}});
        let case = |mode: &str| {
            json!({"steps": [
                {"do": "create", "objects": [cluster("Push")]},
                {"expect": {"control-plane": {"clusters/-/a": cluster(mode), "x/y": {"spec": {"syncMode": "Push"}}}}},
            ]})
        };
        assert_eq!(in_pull_mode(&case("Push")), case("Pull"));
        assert!(!changes_sync_mode(&case("Push")));
        assert!(changes_sync_mode(&json!({"steps": [{"patch": {"spec": {"syncMode": "Pull"}}}]})));
    }
}
