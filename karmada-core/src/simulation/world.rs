//! Everything that takes part in a simulation.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use serde_json::Value;

use super::{
    ManifestBuilder, Problem, Record, Simulation, SimulationOptions, intake::Intake, lookup::Policies,
    overrides::Overrides,
};
use crate::{
    api::{cluster::Cluster, config::ResourceInterpreterCustomization},
    object::binding_name,
    propagation::{Binding, TemplateKey},
    scheduling::{ScheduleOptions, Snapshot},
};

/// Clusters, policies, resources and what was decided about them before.
///
/// It is made of objects as they are in files, in any order: the order has no meaning. What an API
/// server would fill in for Karmada's kinds is filled in; identifiers that objects do not have yet
/// are derived from their kinds and names.
#[derive(Debug)]
pub struct World {
    pub(super) options: SimulationOptions,
    pub(super) schedule: ScheduleOptions,
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// Positions of the clusters in the input.
    pub(super) cluster_objects: BTreeMap<String, usize>,
    pub(super) snapshot: Snapshot,
    pub(super) policies: Policies,
    /// Positions of propagation policies in the input, by namespace and name.
    pub(super) policy_objects: BTreeMap<(String, String), usize>,
    pub(super) overrides: Overrides,
    /// In the order of the input; `options.interpreter` honours them.
    pub(super) customizations: Vec<ResourceInterpreterCustomization>,
    /// Positions of override policies in the input, by namespace and name.
    pub(super) override_objects: BTreeMap<(String, String), usize>,
    /// In the order of records.
    pub(super) templates: Vec<Template>,
    /// What was decided before, by namespace and name.
    pub(super) bindings: HashMap<(String, String), Binding>,
    /// Templates whose binding is that of an older object.
    pub(super) older_bindings: BTreeSet<usize>,
    pub(super) problems: Vec<Problem>,
}

/// A resource that may be propagated.
#[derive(Debug)]
pub(super) struct Template {
    /// Its position in the input.
    pub(super) object: usize,
    pub(super) key: TemplateKey,
    pub(super) value: Value,
}

impl World {
    /// Reads objects.
    ///
    /// Lists are taken apart by whoever reads the files.
    ///
    /// # Errors
    /// All problems, when there is an error among them.
    pub fn from_objects(objects: Vec<Value>, options: SimulationOptions) -> Result<Self, Vec<Problem>> {
        let mut intake = Intake::new(options);
        intake.add_definitions(&objects);
        for (index, object) in objects.into_iter().enumerate() {
            intake.add(index, object);
        }
        intake.into_world()
    }

    /// Returns what is remarkable about the input, in its order.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns the clusters as the scheduler sees them.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the clusters by name.
    pub fn clusters(&self) -> &BTreeMap<String, Cluster> {
        &self.clusters
    }

    /// Returns the number of resources, which is the number of records.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Returns true when there are no resources.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// Returns the resource of a record.
    pub fn template(&self, record: &Record) -> &Value {
        &self.templates[record.template].value
    }

    /// Simulates: one record per resource, sorted by namespace, kind and name.
    ///
    /// Records are made one at a time; nothing of earlier ones is kept.
    pub fn simulate(&self) -> Simulation<'_> {
        Simulation::new(self)
    }

    /// Returns what makes the objects that members receive.
    pub fn manifests(&self) -> ManifestBuilder<'_> {
        ManifestBuilder::new(self)
    }

    /// Finds a template.
    pub(super) fn find(&self, key: &TemplateKey) -> Option<usize> {
        self.templates.binary_search_by(|template| compare(&template.key, key)).ok()
    }

    /// Returns what was decided about a template before.
    pub(super) fn binding_of(&self, key: &TemplateKey) -> Option<&Binding> {
        if self.bindings.is_empty() {
            return None;
        }
        self.bindings.get(&(key.namespace.clone(), binding_name(&key.kind, &key.name)))
    }
}

/// The order of records: by namespace, kind, version and name.
pub(super) fn compare(left: &TemplateKey, right: &TemplateKey) -> Ordering {
    (&left.namespace, &left.kind, &left.api_version, &left.name).cmp(&(
        &right.namespace,
        &right.kind,
        &right.api_version,
        &right.name,
    ))
}
