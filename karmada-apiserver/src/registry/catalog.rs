//! The set of resources that a server knows at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::built_in;
use super::crd;
use super::field_error::FieldError;
use super::resource::{Origin, Resource};
use super::schema::Schema;
use crate::http::connect::{self, ConnectTarget};

/// The resources a server knows: a value that is replaced when a CRD changes.
#[derive(Clone, Debug)]
pub struct Registry {
    built_in: Arc<BuiltIns>,
    /// CRD name to its served versions, in order of priority.
    custom: BTreeMap<String, Arc<Vec<Arc<Resource>>>>,
    /// Group, version and plural to the resource.
    by_plural: Arc<BTreeMap<(String, String, String), Arc<Resource>>>,
    /// Subresources of custom resources that are listed besides their own.
    connected: Arc<[ConnectTarget]>,
}

#[derive(Debug)]
struct BuiltIns {
    resources: Vec<Arc<Resource>>,
}

impl Registry {
    /// Returns the registry of a server without CRDs.
    pub fn built_in() -> Self {
        let resources = built_in::resources();
        let registry = Self {
            built_in: Arc::new(BuiltIns { resources }),
            custom: BTreeMap::new(),
            by_plural: Arc::default(),
            connected: Arc::default(),
        };
        registry.indexed()
    }

    /// Returns a registry in which the CRDs to come have these subresources too.
    pub(crate) fn with_connected(mut self, connected: Vec<ConnectTarget>) -> Self {
        self.connected = connected.into();
        self
    }

    /// Returns the resource that a path names.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.by_plural.get(&key).cloned()
    }

    /// Returns the resource whose objects are of this kind.
    pub fn resource_for_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        let matches = |r: &&Arc<Resource>| r.group == group && r.version == version && r.kind == kind;
        self.resources().find(matches).cloned()
    }

    /// Returns the key under which the objects of all versions of a resource are stored: `group/plural`.
    ///
    /// `events.k8s.io/events` are the core group's events.
    pub fn storage_key(&self, resource: &Resource) -> String {
        let group = if resource.group == "events.k8s.io" { "" } else { &resource.group };
        format!("{group}/{}", resource.plural)
    }

    /// Returns all resources: the built-in ones in the order of discovery, then those of CRDs.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.built_in.resources.iter().chain(self.custom.values().flat_map(|versions| versions.iter()))
    }

    /// Returns a registry that serves this CRD, instead of an older state of it.
    ///
    /// # Errors
    ///
    /// The problems of a CRD that cannot be served. The names are taken from `spec.names`: whether they conflict
    /// with another CRD is the business of [`crd::names_conflict`].
    pub fn with_crd(&self, crd: &Value) -> Result<Self, Vec<FieldError>> {
        let mut resources = crd::resources(crd)?;
        for resource in &mut resources {
            let own = |target: &&ConnectTarget| {
                target.group == resource.group && target.resource == resource.plural
            };
            let listed: Vec<_> = self.connected.iter().filter(own).map(connect::listed).collect();
            if !listed.is_empty() {
                Arc::make_mut(resource).subresources.extend(listed);
            }
        }
        let name = crd.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut registry = self.clone();
        registry.custom.insert(name, Arc::new(resources));
        Ok(registry.indexed())
    }

    /// Returns a registry without the CRD of this name.
    pub fn without_crd(&self, name: &str) -> Self {
        let mut registry = self.clone();
        registry.custom.remove(name);
        registry.indexed()
    }

    /// Returns the status of a CRD that no other one conflicts with: accepted names, conditions, stored versions.
    pub fn crd_status(crd: &Value, now: Timestamp) -> Value {
        crd::status(crd, None, now)
    }

    /// Returns the schema of a built-in definition such as `io.k8s.api.autoscaling.v1.Scale`.
    pub fn definition(name: &str) -> Arc<Schema> {
        super::definitions::schema(name)
    }

    /// Removes what a typed server does not print from an object that states every field, also empty ones.
    pub(crate) fn drop_empty(definition: &str, object: &mut serde_json::Value) {
        super::typed::drop_empty(&super::definitions::schema(definition), object);
    }

    /// Returns the names of the CRDs that are served.
    pub fn crd_names(&self) -> impl Iterator<Item = &str> {
        self.custom.keys().map(String::as_str)
    }

    fn indexed(mut self) -> Self {
        let key = |r: &Resource| (r.group.clone(), r.version.clone(), r.plural.clone());
        // Built-in resources come last: a CRD never hides one.
        let custom = self.custom.values().flat_map(|versions| versions.iter());
        let all = custom.chain(self.built_in.resources.iter());
        self.by_plural = Arc::new(all.map(|r| (key(r), Arc::clone(r))).collect());
        self
    }
}

impl Resource {
    /// Returns the name of the CRD that defines the resource.
    pub fn crd_name(&self) -> Option<&str> {
        match &self.origin {
            Origin::BuiltIn => None,
            Origin::Crd { name } => Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_resource_by_plural_and_by_kind() {
        let registry = Registry::built_in();
        let deployments = registry.resource("apps", "v1", "deployments").unwrap();
        assert_eq!(registry.storage_key(&deployments), "apps/deployments");
        assert!(Arc::ptr_eq(&deployments, &registry.resource_for_kind("apps", "v1", "Deployment").unwrap()));
        assert!(registry.resource("apps", "v1beta1", "deployments").is_none());
    }

    #[test]
    fn stores_events_of_both_groups_together() {
        let registry = Registry::built_in();
        let key = |group: &str| registry.storage_key(&registry.resource(group, "v1", "events").unwrap());
        assert_eq!(key(""), key("events.k8s.io"));
    }
}
