//! The kinds that are known: those of Kubernetes, of Karmada and of the input's CustomResourceDefinitions.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use karmada_apiserver::registry::{Registry, Resource};
use serde_json::Value;

use super::problem::{Problem, Severity};
use crate::manifest::closest;

/// The kinds that are known, with their schemas.
#[derive(Debug)]
pub struct Kinds {
    /// By `apiVersion` and `kind`.
    resources: HashMap<(String, String), Arc<Resource>>,
    /// Group to its versions.
    groups: HashMap<String, BTreeSet<String>>,
}

impl Kinds {
    /// Returns the kinds of Kubernetes and Karmada and of the definitions among `objects`.
    ///
    /// A definition that no server would take is reported, and its kind stays unknown.
    pub fn of(objects: &[Value]) -> (Self, Vec<Problem>) {
        let mut registry = Registry::built_in();
        let mut problems = Vec::new();
        for definition in karmada_core::api::crds() {
            // Those of Karmada are tested with the server.
            if let Ok(next) = registry.with_crd(&definition) {
                registry = next;
            }
        }
        for (index, object) in objects.iter().enumerate() {
            if object["kind"] != "CustomResourceDefinition"
                || object["apiVersion"] != "apiextensions.k8s.io/v1"
            {
                continue;
            }
            match registry.with_crd(object) {
                Ok(next) => registry = next,
                Err(errors) => problems.extend(errors.into_iter().map(|error| {
                    let message = format!("{}: {}: {}", label(object), error.field, error.message);
                    Problem::new(Severity::Warning, index, &error.field, message)
                })),
            }
        }
        let mut kinds = Self { resources: HashMap::new(), groups: HashMap::new() };
        for resource in registry.resources() {
            kinds.groups.entry(resource.group.clone()).or_default().insert(resource.version.clone());
            kinds
                .resources
                .entry((resource.api_version(), resource.kind.clone()))
                .or_insert_with(|| Arc::clone(resource));
        }
        (kinds, problems)
    }

    /// Returns the resource of an object's kind.
    pub fn resource(&self, object: &Value) -> Option<&Arc<Resource>> {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        self.resources.get(&(text("apiVersion"), text("kind")))
    }

    /// Returns what is wrong with an object whose kind is not known.
    pub fn unknown_kind(&self, index: usize, object: &Value) -> Problem {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let Some(versions) = self.groups.get(group) else {
            let message = format!("kind {kind} of {api_version} is not known: its fields are not checked");
            return Problem::new(Severity::Note, index, "kind", message)
                .with_hint("add its CustomResourceDefinition to the input to have them checked");
        };
        let of_group =
            |(known, _): &&(String, String)| known.split_once('/').map_or("", |(group, _)| group) == group;
        // The same kind in another version, before another kind that is spelt alike.
        let other_version = self
            .resources
            .keys()
            .filter(of_group)
            .filter(|(_, known)| known == kind)
            .map(|(known, _)| known.as_str())
            .max();
        if let Some(other) = other_version {
            let message = format!("there is no {kind} in {api_version}");
            return Problem::new(Severity::Error, index, "apiVersion", message)
                .with_hint(format!("use apiVersion: {other}"));
        }
        if !versions.contains(version) {
            let known: Vec<&str> = versions.iter().map(String::as_str).collect();
            let message = format!("there is no {api_version}; versions of the group: {}", known.join(", "));
            return Problem::new(Severity::Error, index, "apiVersion", message);
        }
        let mut names: Vec<&str> = self
            .resources
            .keys()
            .filter(|(known, _)| known == api_version)
            .map(|(_, kind)| kind.as_str())
            .collect();
        names.sort_unstable();
        let problem =
            Problem::new(Severity::Error, index, "kind", format!("there is no kind {kind} in {api_version}"));
        if let Some(name) = closest(kind, names.iter().copied()) {
            return problem.with_hint(format!("did you mean {name:?}?"));
        }
        // Perhaps the kind is right and the group is not.
        let elsewhere =
            self.resources.keys().filter(|(_, known)| known == kind).map(|(known, _)| known.as_str()).max();
        match elsewhere {
            Some(api_version) => problem.with_hint(format!("{kind} is of apiVersion {api_version}")),
            None => problem,
        }
    }
}

/// `Kind namespace/name`, for messages.
pub fn label(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) if !namespace.is_empty() => format!("{kind} {namespace}/{name}"),
        _ => format!("{kind} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unknown(api_version: &str, kind: &str) -> (Severity, String, String) {
        let (kinds, problems) = Kinds::of(&[]);
        assert_eq!(problems, []);
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
        assert!(kinds.resource(&object).is_none());
        let problem = kinds.unknown_kind(0, &object);
        (problem.severity, problem.message, problem.hint.unwrap_or_default())
    }

    #[test]
    fn unknown_kinds_are_told_from_misspelt_ones() {
        assert_eq!(
            unknown("apps/v1", "Deploymnet"),
            (
                Severity::Error,
                "there is no kind Deploymnet in apps/v1".into(),
                "did you mean \"Deployment\"?".into()
            )
        );
        assert_eq!(
            unknown("apps/v1beta1", "Deployment"),
            (
                Severity::Error,
                "there is no Deployment in apps/v1beta1".into(),
                "use apiVersion: apps/v1".into()
            )
        );
        assert_eq!(unknown("v1", "Deployment").2, "Deployment is of apiVersion apps/v1");
        assert_eq!(
            unknown("policy.karmada.io/v1", "Propagation").1,
            "there is no policy.karmada.io/v1; versions of the group: v1alpha1"
        );
        assert_eq!(
            unknown("example.com/v1", "Widget"),
            (
                Severity::Note,
                "kind Widget of example.com/v1 is not known: its fields are not checked".into(),
                "add its CustomResourceDefinition to the input to have them checked".into()
            )
        );
    }
}
