//! What a fleet holds before scenarios, and the way back to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::client::{Refusal, Server};
use super::fleet::{CONTROL_PLANE, Fleet};
use super::listing::{OF_SERVERS, Resource, listed, resources};

/// How long controllers may take to take back what a scenario caused.
const PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(250);
/// Resources that controllers make of others.
const OF_CONTROLLERS: [&str; 3] = ["clusterresourcebindings", "resourcebindings", "works"];
/// Resources of which scenarios change what was there before them.
const CHANGED: [&str; 2] = ["clusters", "nodes"];

/// The objects of every server at one moment.
#[derive(Debug)]
pub(super) struct Baseline {
    servers: BTreeMap<String, Held>,
}

/// What one server holds.
#[derive(Debug)]
struct Held {
    resources: Vec<Resource>,
    /// By path.
    objects: BTreeMap<String, Value>,
}

impl Baseline {
    /// Reads what the servers hold now.
    pub(super) async fn take(fleet: &mut Fleet) -> Result<Self, Refusal> {
        let mut servers = BTreeMap::new();
        for name in fleet.names() {
            let server = fleet.server(&name)?;
            let resources = resources(server, &[&OF_SERVERS[..], &OF_CONTROLLERS].concat()).await?;
            let objects = objects(server, &resources).await?;
            servers.insert(name, Held { resources, objects });
        }
        Ok(Self { servers })
    }

    /// Deletes what a scenario with an id left; what controllers make of that is not waited for.
    pub(super) async fn clear(&self, fleet: &mut Fleet, id: &str) -> Result<(), Refusal> {
        for (name, held) in self.in_order() {
            let server = fleet.server(name)?;
            for resource in held.resources.iter().filter(|resource| !resource.is_namespaced) {
                for object in listed(server, resource).await? {
                    let path = resource.path(&object);
                    let of_scenario =
                        object["metadata"]["name"].as_str().is_some_and(|name| is_of_scenario(name, id));
                    if of_scenario && !is_going(&object) && !held.objects.contains_key(&path) {
                        delete(server, &path).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until no namespace of a scenario is left, also none that is going: the scenario can run again.
    ///
    /// # Errors
    /// When one stays.
    pub(super) async fn wait_until_gone(&self, fleet: &mut Fleet, id: &str) -> Result<(), String> {
        let late = Instant::now() + PATIENCE;
        for name in self.servers.keys() {
            let server = fleet.server(name).map_err(|refusal| refusal.message)?;
            loop {
                let list = server.get("/api/v1/namespaces").await.map_err(|refusal| refusal.message)?;
                let mut names = list["items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|object| object["metadata"]["name"].as_str());
                let Some(left) = names.find(|name| is_of_scenario(name, id)) else { break };
                if Instant::now() >= late {
                    return Err(format!("{name}: namespace {left} does not go"));
                }
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Brings the fleet back to what it held.
    ///
    /// # Errors
    /// With what is still different, when controllers do not take back what a scenario caused or something is gone.
    pub(super) async fn restore(&self, fleet: &mut Fleet) -> Result<(), String> {
        let late = Instant::now() + PATIENCE;
        loop {
            let left =
                self.step(fleet).await.map_err(|refusal| format!("{} {}", refusal.code, refusal.message))?;
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= late {
                return Err(format!("not restored: {}", left.join(", ")));
            }
            sleep(PAUSE).await;
        }
    }

    /// Puts back what can be put back now; returns what is still different.
    async fn step(&self, fleet: &mut Fleet) -> Result<Vec<String>, Refusal> {
        let mut left = Vec::new();
        for (name, held) in self.in_order() {
            let server = fleet.server(name)?;
            let now = objects(server, &held.resources).await?;
            for (path, object) in &now {
                match held.objects.get(path) {
                    None if is_in_new_namespace(path, held) => {}
                    None if is_going(object) => {
                        // Namespaces take their time and do no harm.
                        if !path.starts_with("/api/v1/namespaces/") || path.matches('/').count() > 4 {
                            left.push(format!("{name} {path}: going"));
                        }
                    }
                    None => {
                        delete(server, path).await?;
                        left.push(format!("{name} {path}: new"));
                    }
                    Some(before) => {
                        if let Some(change) = put_back(server, path, before, object).await? {
                            left.push(format!("{name} {path}: {change}"));
                        }
                    }
                }
            }
            for path in held.objects.keys().filter(|path| !now.contains_key(*path)) {
                left.push(format!("{name} {path}: gone"));
            }
            // What is in members goes by itself when the control plane no longer has it.
            if !left.is_empty() {
                break;
            }
        }
        Ok(left)
    }

    /// The control plane first.
    fn in_order(&self) -> impl Iterator<Item = (&str, &Held)> {
        let mut servers: Vec<(&str, &Held)> =
            self.servers.iter().map(|(name, held)| (name.as_str(), held)).collect();
        servers.sort_by_key(|(name, _)| *name != CONTROL_PLANE);
        servers.into_iter()
    }
}

/// Whether a name begins with the id of a scenario.
fn is_of_scenario(name: &str, id: &str) -> bool {
    name.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Makes a Cluster or Node what it was; returns what was different.
async fn put_back(
    server: &Server,
    path: &str,
    before: &Value,
    now: &Value,
) -> Result<Option<&'static str>, Refusal> {
    let is_changed = |plural: &&str| path.rsplit('/').nth(1) == Some(plural);
    if !CHANGED.iter().any(is_changed) {
        return Ok(None);
    }
    let mut wanted = now.clone();
    wanted["spec"] = before["spec"].clone();
    for part in ["labels", "annotations"] {
        wanted["metadata"][part] = before["metadata"][part].clone();
    }
    let same = |a: &Value, b: &Value| a == b || (is_empty(a) && is_empty(b));
    let parts = ["labels", "annotations"];
    let same_metadata = parts.iter().all(|part| same(&wanted["metadata"][part], &now["metadata"][part]));
    if !same_metadata || wanted["spec"] != now["spec"] {
        tolerate_race(server.replace(path, &wanted).await)?;
        return Ok(Some("changed"));
    }
    let types = |object: &Value| -> BTreeSet<String> {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        conditions.map(|condition| format!("{} {}", condition["type"], condition["status"])).collect()
    };
    if types(before) != types(now) {
        let known: BTreeSet<&str> = names_of_conditions(before).collect();
        if names_of_conditions(now).any(|name| !known.contains(name)) {
            let mut wanted = now.clone();
            if let Some(conditions) = wanted["status"]["conditions"].as_array_mut() {
                conditions.retain(|one| one["type"].as_str().is_some_and(|name| known.contains(name)));
            }
            tolerate_race(server.replace(&format!("{path}/status"), &wanted).await)?;
        }
        return Ok(Some("other conditions"));
    }
    if !same(&before["status"]["remedyActions"], &now["status"]["remedyActions"]) {
        return Ok(Some("remedies"));
    }
    if before["status"]["resourceSummary"]["allocatable"] != now["status"]["resourceSummary"]["allocatable"] {
        return Ok(Some("another summary"));
    }
    Ok(None)
}

fn names_of_conditions(object: &Value) -> impl Iterator<Item = &str> {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.filter_map(|condition| condition["type"].as_str())
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || *value == json!({}) || *value == json!([])
}

/// Controllers write the same objects: the next look decides.
fn tolerate_race(result: Result<Value, Refusal>) -> Result<(), Refusal> {
    match result {
        Err(refusal) if refusal.code != 409 && refusal.code != 404 => Err(refusal),
        _ => Ok(()),
    }
}

async fn delete(server: &Server, path: &str) -> Result<(), Refusal> {
    tolerate_race(server.delete(path, "Background").await)
}

fn is_going(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Whether an object is in a namespace that was not there before, and goes with it.
fn is_in_new_namespace(path: &str, held: &Held) -> bool {
    let Some((_, rest)) = path.split_once("/namespaces/") else { return false };
    match rest.split_once('/') {
        Some((namespace, _)) => !held.objects.contains_key(&format!("/api/v1/namespaces/{namespace}")),
        None => false,
    }
}

/// Returns all objects of some resources, by path.
async fn objects(server: &Server, resources: &[Resource]) -> Result<BTreeMap<String, Value>, Refusal> {
    let mut objects = BTreeMap::new();
    for resource in resources {
        let found = listed(server, resource).await?;
        objects.extend(found.into_iter().map(|object| (resource.path(&object), object)));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_new_namespaces_go_with_them() {
        let known = BTreeMap::from([("/api/v1/namespaces/default".to_owned(), json!({}))]);
        let held = Held { resources: Vec::new(), objects: known };
        assert!(!is_in_new_namespace("/api/v1/namespaces/default/pods/a", &held));
        assert!(is_in_new_namespace("/apis/apps/v1/namespaces/p01/deployments/a", &held));
        assert!(!is_in_new_namespace("/api/v1/namespaces/p01", &held));
        assert!(!is_in_new_namespace("/api/v1/nodes/a", &held));
    }
}
