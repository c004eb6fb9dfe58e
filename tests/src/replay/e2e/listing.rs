//! All objects of a server, whatever their kinds.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Refusal, Server};

/// How long the storage of a new kind may take.
const PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(250);
/// Resources that servers keep for themselves, or make of others.
pub(super) const OF_SERVERS: [&str; 11] = [
    "apiservices",
    "componentstatuses",
    "controllerrevisions",
    "endpoints",
    "endpointslices",
    "events",
    "flowschemas",
    "ipaddresses",
    "leases",
    "prioritylevelconfigurations",
    // Clusters by another name.
    "storedclusters",
];

/// A resource that can be listed.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// Such as `/apis/apps/v1`.
    root: String,
    plural: String,
    pub is_namespaced: bool,
}

impl Resource {
    /// Returns the path of an object of this resource.
    pub(super) fn path(&self, object: &Value) -> String {
        let Self { root, plural, is_namespaced } = self;
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let namespace =
            if *is_namespaced { format!("namespaces/{}/", text("namespace")) } else { String::new() };
        format!("{root}/{namespace}{plural}/{}", text("name"))
    }

    /// Returns an object of this resource as scenarios name it.
    pub(super) fn reference(&self, object: &Value) -> String {
        let version = self.root.trim_start_matches("/apis/").trim_start_matches("/api/");
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or("-");
        format!("{version}/{}/{namespace}/{}", self.plural, metadata["name"].as_str().unwrap_or_default())
    }
}

/// Returns what users can list and delete, each in the version that the server prefers of those that have it, without
/// some resources.
pub(super) async fn resources(server: &Server, left_out: &[&str]) -> Result<Vec<Resource>, Refusal> {
    let groups = server.get("/apis").await?;
    // Of each group the roots of its versions, the preferred one first.
    let mut roots = vec![vec!["/api/v1".to_owned()]];
    for group in groups["groups"].as_array().into_iter().flatten() {
        let others = group["versions"].as_array().into_iter().flatten();
        let versions = std::iter::once(&group["preferredVersion"]).chain(others);
        let versions = versions.filter_map(|version| version["groupVersion"].as_str());
        roots.push(versions.map(|version| format!("/apis/{version}")).collect());
    }
    let mut resources = Vec::new();
    for group in roots {
        let mut seen: BTreeSet<String> = left_out.iter().map(|name| (*name).to_owned()).collect();
        for root in group {
            let found = server.get(&root).await?;
            for resource in found["resources"].as_array().into_iter().flatten() {
                let name = resource["name"].as_str().unwrap_or_default();
                let verbs = resource["verbs"].as_array().map(Vec::as_slice).unwrap_or_default();
                let can = |verb: &str| verbs.iter().any(|known| known == verb);
                if !name.contains('/') && can("list") && can("delete") && seen.insert(name.to_owned()) {
                    resources.push(Resource {
                        root: root.clone(),
                        plural: name.to_owned(),
                        is_namespaced: resource["namespaced"] == true,
                    });
                }
            }
        }
    }
    Ok(resources)
}

/// Returns all objects of a resource.
pub(super) async fn listed(server: &Server, resource: &Resource) -> Result<Vec<Value>, Refusal> {
    let late = Instant::now() + PATIENCE;
    let list = loop {
        match server.get(&format!("{}/{}", resource.root, resource.plural)).await {
            Ok(list) => break list,
            // The kind was of a scenario.
            Err(refusal) if refusal.code == 404 => return Ok(Vec::new()),
            // The storage of a kind that is new is still being opened.
            Err(refusal) if refusal.code == 429 && Instant::now() < late => sleep(PAUSE).await,
            Err(refusal) => return Err(refusal),
        }
    };
    let items = list["items"].as_array().into_iter().flatten().map(|object| {
        let mut whole = object.clone();
        whole["apiVersion"] = list["apiVersion"].clone();
        whole["kind"] = list["kind"].as_str().map(|kind| kind.strip_suffix("List").unwrap_or(kind)).into();
        whole
    });
    Ok(items.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_have_a_path_and_a_name_in_scenarios() {
        let check = |root: &str, plural: &str, object: Value, path: &str, reference: &str| {
            let is_namespaced = object["metadata"]["namespace"].is_string();
            let resource = Resource { root: root.to_owned(), plural: plural.to_owned(), is_namespaced };
            assert_eq!(resource.path(&object), path);
            assert_eq!(resource.reference(&object), reference);
        };
        check(
            "/apis/apps/v1",
            "deployments",
            json!({"metadata": {"name": "a", "namespace": "n"}}),
            "/apis/apps/v1/namespaces/n/deployments/a",
            "apps/v1/deployments/n/a",
        );
        check("/api/v1", "nodes", json!({"metadata": {"name": "a"}}), "/api/v1/nodes/a", "v1/nodes/-/a");
    }
}
