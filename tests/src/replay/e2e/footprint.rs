//! What appeared on the servers, and what went, since a scenario began.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::Refusal;
use super::expectation::object_differences;
use super::fleet::{CONTROL_PLANE, Fleet};
use super::listing::{OF_SERVERS, listed, resources};
use super::normalise::Identifiers;
use super::start::{clusters, name_of, steps};
use super::state::{Objects, ROOT_CA};

/// Label with the day on which kube-apiserver last saw a token that stands in a Secret.
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
/// ClusterRole of the impersonator and the Work that carries it: whom they name, depends on the roles of the control
/// plane.
const IMPERSONATOR: &str = "karmada-impersonator";

/// What the servers held when a scenario began.
pub(super) struct Footprint {
    /// References, by server.
    before: BTreeMap<String, BTreeSet<String>>,
}

/// Returns the servers beside its clusters that a scenario looks at.
pub(super) fn further_servers(case: &Value) -> BTreeSet<String> {
    let known: BTreeSet<String> =
        clusters(case).map(name_of).chain(std::iter::once(CONTROL_PLANE.to_owned())).collect();
    let named = steps(case).filter_map(|step| step["changes"].as_object()).flat_map(|changes| changes.keys());
    named.filter(|name| !known.contains(*name)).cloned().collect()
}

impl Footprint {
    /// Reads what the servers hold, if a scenario asks later what came and went.
    pub(super) async fn of(
        fleet: &mut Fleet,
        case: &Value,
        identifiers: &mut Identifiers,
    ) -> Result<Self, Refusal> {
        let mut before = BTreeMap::new();
        if steps(case).any(|step| step["do"] == "footprint") {
            for (server, objects) in read(fleet, identifiers).await? {
                before.insert(server, objects.into_keys().collect());
            }
        }
        Ok(Self { before })
    }

    /// Returns how what came and went differs from what a step says.
    pub(super) async fn differences(
        &self,
        fleet: &mut Fleet,
        step: &Value,
        identifiers: &mut Identifiers,
    ) -> Result<Vec<String>, Refusal> {
        let mut now = read(fleet, identifiers).await?;
        let mut lines = Vec::new();
        let mut expected = json!({});
        for (server, changes) in step["changes"].as_object().into_iter().flatten() {
            let objects = now.entry(server.clone()).or_default();
            let before = self.before.get(server).into_iter().flatten();
            let gone: BTreeSet<&str> =
                before.map(String::as_str).filter(|reference| !objects.contains_key(*reference)).collect();
            let recorded: BTreeSet<&str> =
                changes["removed"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if gone != recorded {
                lines.push(format!("{server}: expected {recorded:?} to be gone, {gone:?} are"));
            }
            expected[server] = changes["added"].clone();
            let added = expected[server].as_object_mut();
            added.into_iter().flatten().for_each(|(_, object)| leave_out_what_varies(object));
        }
        now.retain(|server, _| step["changes"].get(server).is_some());
        for (server, objects) in &mut now {
            let before = self.before.get(server);
            objects.retain(|reference, _| !before.is_some_and(|before| before.contains(reference)));
        }
        lines.extend(object_differences(&json!({"expect": expected}), &now, identifiers));
        Ok(lines)
    }
}

/// Reads everything that users can see. `identifiers` learn what its ids stand for.
async fn read(fleet: &mut Fleet, identifiers: &mut Identifiers) -> Result<Objects, Refusal> {
    let mut found = Objects::new();
    for name in fleet.names() {
        let server = fleet.server(&name)?;
        let mut objects = BTreeMap::new();
        for resource in resources(server, &OF_SERVERS).await? {
            for mut object in listed(server, &resource).await? {
                identifiers.note(&name, &object);
                leave_out_what_varies(&mut object);
                let metadata = &object["metadata"];
                let is_of_namespace = metadata["name"] == ROOT_CA
                    || (object["kind"] == "ServiceAccount" && metadata["name"] == "default");
                if !is_of_namespace {
                    objects.insert(resource.reference(&object), object);
                }
            }
        }
        found.insert(name, objects);
    }
    Ok(found)
}

fn leave_out_what_varies(object: &mut Value) {
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(LAST_USED);
        if labels.is_empty()
            && let Some(metadata) = object["metadata"].as_object_mut()
        {
            metadata.remove("labels");
        }
    }
    let manifests = object.pointer_mut("/spec/workload/manifests").and_then(Value::as_array_mut);
    for manifest in manifests.into_iter().flatten() {
        leave_out_impersonated(manifest);
    }
    leave_out_impersonated(object);
}

fn leave_out_impersonated(object: &mut Value) {
    if object["kind"] != "ClusterRole" || object["metadata"]["name"] != IMPERSONATOR {
        return;
    }
    let Some(rules) = object["rules"].as_array_mut() else { return };
    rules.retain(|rule| rule["resources"] != json!(["serviceaccounts"]));
    for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
        rule.remove("resourceNames");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_only_a_footprint_names_are_further_ones() {
        let case = json!({
            "clusters": [{"name": "member1"}],
            "steps": [{"changes": {"control-plane": {}, "member1": {}, "member5": {}}}, {"do": "wait"}],
        });
        assert_eq!(further_servers(&case), BTreeSet::from(["member5".to_owned()]));
    }

    #[test]
    fn days_of_use_and_whom_a_role_names_are_not_compared() {
        let mut secret =
            json!({"kind": "Secret", "metadata": {"name": "a", "labels": {LAST_USED: "2026-11-21"}}});
        leave_out_what_varies(&mut secret);
        assert_eq!(secret, json!({"kind": "Secret", "metadata": {"name": "a"}}));
        let rule =
            |of: &str| json!({"verbs": ["impersonate"], "resources": [of], "resourceNames": ["admin"]});
        let role = json!({"kind": "ClusterRole", "metadata": {"name": IMPERSONATOR},
            "rules": [rule("users"), rule("serviceaccounts")]});
        let mut work = json!({"kind": "Work", "spec": {"workload": {"manifests": [role]}}});
        leave_out_what_varies(&mut work);
        assert_eq!(
            work.pointer("/spec/workload/manifests/0/rules"),
            Some(&json!([{"verbs": ["impersonate"], "resources": ["users"]}]))
        );
    }
}
