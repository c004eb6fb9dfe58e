//! Reading the objects of a scenario from a fleet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client::{Reference, Refusal, collection_path};
use super::fleet::{CONTROL_PLANE, Fleet};
use super::normalise::Identifiers;

/// Kinds of the control plane that others refer to by id.
const REFERRED: [&str; 7] = [
    "policy.karmada.io/v1alpha1/propagationpolicies",
    "policy.karmada.io/v1alpha1/clusterpropagationpolicies",
    "work.karmada.io/v1alpha2/resourcebindings",
    "work.karmada.io/v1alpha2/clusterresourcebindings",
    "work.karmada.io/v1alpha1/works",
    "v1/namespaces",
    "apps/v1/deployments",
];
const WORKS: &str = "work.karmada.io/v1alpha1/works";
/// The ConfigMap with the server's certificate, and the beginning of the names of its binding and Works.
pub(super) const ROOT_CA: &str = "kube-root-ca.crt";
const CLUSTERS: &str = "cluster.karmada.io/v1alpha1/clusters";

/// Which objects of a server belong to a scenario.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The scenario's id: its namespace, and the prefix of what is not in a namespace.
    pub id: String,
    /// Per server the resources that any expectation of the scenario lists.
    pub resources: BTreeMap<String, BTreeSet<String>>,
    /// Whether the scenario is about namespaces: then their Works count.
    pub namespaces: Namespaces,
}

/// Whether Works of auto-propagated namespaces count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    Expected,
    NotExpected,
}

impl Scope {
    /// Derives the scope from all expectations of a scenario.
    pub fn of(case: &Value) -> Self {
        let name = case["name"].as_str().unwrap_or_default();
        let id = name.split('-').next().unwrap_or_default().to_owned();
        let mut resources: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut namespaces = Namespaces::NotExpected;
        for step in case["steps"].as_array().into_iter().flatten() {
            for (server, objects) in step["expect"].as_object().into_iter().flatten() {
                let of_server = resources.entry(server.clone()).or_default();
                for (reference, object) in objects.as_object().into_iter().flatten() {
                    of_server.extend(Reference::parse(reference).map(|reference| reference.resource));
                    if is_work_of_namespace(object) {
                        namespaces = Namespaces::Expected;
                    }
                }
            }
        }
        Self { id, resources, namespaces }
    }

    /// Returns whether an object of a listed resource belongs to the scenario. `expected`: an expectation names it.
    fn holds(&self, resource: &str, object: &Value, expected: Expected) -> bool {
        if expected == Expected::Yes {
            return true;
        }
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        // Nobody published it in the recording; here it is, and policies for all ConfigMaps take it along.
        if name.starts_with(ROOT_CA) {
            return false;
        }
        let ours = |text: &str| text == self.id || text.starts_with(&format!("{}-", self.id));
        if resource == WORKS {
            let is_ours =
                self.mentions(&metadata["annotations"]) || self.mentions(&object["spec"]["workload"]);
            return is_ours && (self.namespaces == Namespaces::Expected || !is_work_of_namespace(object));
        }
        if resource == CLUSTERS {
            return false;
        }
        match metadata["namespace"].as_str() {
            Some(namespace) => ours(namespace) && !(resource == "v1/serviceaccounts" && name == "default"),
            None => ours(name),
        }
    }

    /// Returns whether a value holds the scenario's id as a word of its own.
    fn mentions(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == self.id)
            }
            Value::Array(items) => items.iter().any(|item| self.mentions(item)),
            Value::Object(fields) => fields.values().any(|value| self.mentions(value)),
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Yes,
    No,
}

fn is_work_of_namespace(object: &Value) -> bool {
    object["kind"] == "Work"
        && object["spec"]["workload"]["manifests"]
            .as_array()
            .is_some_and(|manifests| manifests.iter().all(|manifest| manifest["kind"] == "Namespace"))
}

/// The objects of a scenario: per server, by reference.
pub type Objects = BTreeMap<String, BTreeMap<String, Value>>;

/// Reads the objects of a scenario. `identifiers` learns what their ids stand for.
pub async fn read(
    fleet: &mut Fleet,
    scope: &Scope,
    expected: &Value,
    identifiers: &mut Identifiers,
) -> Result<Objects, Refusal> {
    let mut objects = Objects::new();
    for server in fleet.names() {
        let listed = scope.resources.get(&server).cloned().unwrap_or_default();
        let referred =
            REFERRED.iter().filter(|_| server == CONTROL_PLANE).map(|resource| (*resource).to_owned());
        let all: BTreeSet<String> =
            listed.iter().cloned().chain(referred).chain(["v1/namespaces".to_owned()]).collect();
        for resource in all {
            let list = match fleet.server(&server)?.get(&collection_path(&resource)).await {
                Ok(list) => list,
                // The kind is not served (any more), or the member is switched off.
                Err(refusal) if refusal.code == 404 || refusal.code == 0 => continue,
                Err(refusal) => return Err(refusal),
            };
            let list_kind = list["kind"].as_str().unwrap_or_default();
            let kind = list_kind.strip_suffix("List").unwrap_or(list_kind).to_owned();
            for item in list["items"].as_array().into_iter().flatten() {
                let mut object = item.clone();
                object["kind"] = Value::from(kind.as_str());
                object["apiVersion"] = list["apiVersion"].clone();
                identifiers.note(&server, &object);
                let metadata = &object["metadata"];
                let namespace = metadata["namespace"].as_str().unwrap_or("-");
                let reference =
                    format!("{resource}/{namespace}/{}", metadata["name"].as_str().unwrap_or_default());
                let is_expected = expected[&server].get(&reference).is_some();
                let named = if is_expected { Expected::Yes } else { Expected::No };
                if listed.contains(&resource) && scope.holds(&resource, &object, named) {
                    objects.entry(server.clone()).or_default().insert(reference, object);
                }
            }
        }
    }
    Ok(objects)
}

/// An event of the control plane, in the recording's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub kind: String,
    pub object: String,
    pub event_type: String,
    pub reason: String,
    pub message: String,
}

impl Event {
    /// Reads an event of the recording.
    pub fn recorded(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            kind: text("kind"),
            object: text("object"),
            event_type: text("type"),
            reason: text("reason"),
            message: text("message"),
        }
    }
}

/// Reads the events of the control plane.
pub async fn read_events(fleet: &mut Fleet, identifiers: &Identifiers) -> Result<BTreeSet<Event>, Refusal> {
    let list = fleet.server(CONTROL_PLANE)?.get("/api/v1/events").await?;
    let events = list["items"].as_array().into_iter().flatten().map(|event| {
        let event = identifiers.normalise(event);
        let about = &event["involvedObject"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&about["name"]);
        let object = match about["namespace"].as_str() {
            Some(namespace) if !namespace.is_empty() => format!("{namespace}/{name}"),
            _ => name,
        };
        Event {
            kind: text(&about["kind"]),
            object,
            event_type: text(&event["type"]),
            reason: text(&event["reason"]),
            message: text(&event["message"]),
        }
    });
    Ok(events.collect())
}
