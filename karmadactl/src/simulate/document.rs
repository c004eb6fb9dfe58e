//! The placements as one document, made as it is written.

use std::cell::RefCell;

use karmada_core::api::work::TargetCluster;
use karmada_core::propagation::TemplateKey;
use karmada_core::simulation::{Outcome, OverrideName, PolicyName, Record, World};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::explain::ResourceExplanation;
use super::policies::Policies;
use super::tally::{Tally, problem};
use crate::error::chain_line;
use crate::manifest::Batch;

/// The document's `apiVersion`.
pub(super) const API_VERSION: &str = "karmadactl.karmada.io/v1alpha1";
/// The document's `kind`.
pub(super) const KIND: &str = "PlacementList";

/// All placements; serialising it runs the simulation, once.
pub struct PlacementList<'a, I> {
    records: RefCell<I>,
    tally: &'a RefCell<Tally>,
    world: &'a World,
    batch: &'a Batch,
    /// Given when the reasons of every cluster are part of the document.
    reasons: Option<&'a Policies>,
}

impl<'a, I: Iterator<Item = Record>> PlacementList<'a, I> {
    /// The placements of these records, which are counted in `tally` as they are written.
    ///
    /// With the input's policies it says why, too.
    pub fn new(
        records: I,
        tally: &'a RefCell<Tally>,
        world: &'a World,
        batch: &'a Batch,
        reasons: Option<&'a Policies>,
    ) -> Self {
        Self { records: RefCell::new(records), tally, world, batch, reasons }
    }
}

impl<I: Iterator<Item = Record>> Serialize for PlacementList<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", API_VERSION)?;
        map.serialize_entry("kind", KIND)?;
        map.serialize_entry("items", &Items(self))?;
        map.serialize_entry("summary", &*self.tally.borrow())?;
        map.end()
    }
}

struct Items<'a, 'b, I>(&'a PlacementList<'b, I>);

impl<I: Iterator<Item = Record>> Serialize for Items<'_, '_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = self.0;
        let mut items = serializer.serialize_seq(None)?;
        for record in &mut *list.records.borrow_mut() {
            list.tally.borrow_mut().add(&record);
            items.serialize_element(&Item {
                record: &record,
                world: list.world,
                batch: list.batch,
                reasons: list.reasons,
            })?;
        }
        items.end()
    }
}

/// One resource.
struct Item<'a> {
    record: &'a Record,
    world: &'a World,
    batch: &'a Batch,
    reasons: Option<&'a Policies>,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("resource", &Resource::from(&record.key))?;
        map.serialize_entry("source", self.batch.origin(record.object))?;
        if let Some(policy) = &record.policy {
            map.serialize_entry("policy", &Named::from(policy))?;
        }
        let outcome = match &record.outcome {
            Outcome::Placed(_) => "Placed",
            Outcome::NotScheduled(_) => "NotScheduled",
            Outcome::NotPropagated(_) => "NotPropagated",
            Outcome::Failed(_) => "Failed",
        };
        map.serialize_entry("outcome", outcome)?;
        if let Outcome::Placed(mode) = &record.outcome {
            map.serialize_entry("mode", &mode.to_string())?;
        }
        if let Some(reason) = problem(record) {
            map.serialize_entry("reason", &reason)?;
        }
        if let Some(replicas) = record.replicas() {
            map.serialize_entry("replicas", &replicas)?;
        }
        map.serialize_entry("clusters", &Clusters(record))?;
        if !record.overrides.is_empty() {
            map.serialize_entry("overrides", &Overrides(record, self.world))?;
        }
        if !record.required_by.is_empty() {
            let leaders: Vec<Named<'_>> = record
                .required_by
                .iter()
                .map(|key| Named { kind: &key.kind, namespace: &key.namespace, name: &key.name })
                .collect();
            map.serialize_entry("requiredBy", &leaders)?;
        }
        if !record.notes.is_empty() {
            let notes: Vec<String> = record.notes.iter().map(ToString::to_string).collect();
            map.serialize_entry("notes", &notes)?;
        }
        if let Some(policies) = self.reasons {
            map.serialize_entry("explanation", &ResourceExplanation::new(self.world, policies, record))?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Named<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

impl<'a> From<&'a PolicyName> for Named<'a> {
    fn from(policy: &'a PolicyName) -> Self {
        Self { kind: policy.kind(), namespace: &policy.namespace, name: &policy.name }
    }
}

impl<'a> From<&'a OverrideName> for Named<'a> {
    fn from(policy: &'a OverrideName) -> Self {
        Self { kind: policy.kind(), namespace: &policy.namespace, name: &policy.name }
    }
}

struct Clusters<'a>(&'a Record);

impl Serialize for Clusters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Cluster<'a> {
            name: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            replicas: Option<i32>,
        }
        let has_replicas = self.0.replicas().is_some();
        let cluster = |target: &TargetCluster| has_replicas.then_some(target.replicas);
        let mut clusters = serializer.serialize_seq(None)?;
        for target in self.0.targets() {
            clusters.serialize_element(&Cluster { name: &target.name, replicas: cluster(target) })?;
        }
        clusters.end()
    }
}

struct Overrides<'a>(&'a Record, &'a World);

impl Serialize for Overrides<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Change<'a> {
            policies: Vec<Named<'a>>,
            clusters: Vec<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<String>,
        }
        let snapshot = self.1.snapshot();
        let mut changes = serializer.serialize_seq(None)?;
        for change in &self.0.overrides {
            changes.serialize_element(&Change {
                policies: change.policies.iter().map(Named::from).collect(),
                clusters: change.clusters.iter().map(|index| snapshot.name_of(*index)).collect(),
                error: change.error.as_ref().map(|error| chain_line(error)),
            })?;
        }
        changes.end()
    }
}

/// Names a resource.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource<'a> {
    api_version: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

impl<'a> From<&'a TemplateKey> for Resource<'a> {
    fn from(key: &'a TemplateKey) -> Self {
        Self { api_version: &key.api_version, kind: &key.kind, namespace: &key.namespace, name: &key.name }
    }
}
