//! Resources that follow the workloads that need them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Note, World,
    flow::{Propagated, give_id, shares},
};
use crate::{
    api::{
        Feature,
        policy::ConflictResolution,
        work::{ResourceBinding, TargetCluster},
    },
    interpreter::DependentReference,
    object::{self, binding_name},
    propagation::{
        Binding, DependenciesError, DependenciesInput, DependencyIndex, DependencyLookup, DependencyObject,
        TemplateKey, WantedDependencies, reconcile_dependencies, wanted_dependencies,
    },
    scheduling::WorkloadGroups,
};

/// Which templates need which others, and where they are.
pub(super) struct Followers<'w> {
    world: &'w World,
    /// Positions of templates that take their dependencies along.
    index: DependencyIndex<usize>,
    is_used: bool,
    /// Where those templates are, as positions of clusters: other forms would take much memory.
    places: HashMap<usize, Vec<(u32, i32)>>,
    names: Vec<String>,
}

/// What comes of following.
#[derive(Default)]
pub(super) struct Followed {
    /// The workloads that need the template.
    pub(super) required_by: Vec<TemplateKey>,
    pub(super) notes: Vec<Note>,
}

impl<'w> Followers<'w> {
    /// Finds out who needs what.
    pub(super) fn new(world: &'w World) -> Self {
        let mut followers = Self {
            world,
            index: DependencyIndex::default(),
            is_used: false,
            places: HashMap::new(),
            names: world.clusters.keys().cloned().collect(),
        };
        if world.options.gates.is_enabled(Feature::PropagateDeps) {
            for index in 0..world.templates.len() {
                if world.may_take_along(index)
                    && let Ok(references) = world.wanted_by(index, &world.propagate(index))
                    && !references.is_empty()
                {
                    followers.index.record(&index, &references);
                    followers.is_used = true;
                }
            }
        }
        followers
    }

    /// Attaches a template to the workloads that need it: its binding goes where they go.
    pub(super) fn attach(
        &mut self,
        index: usize,
        binding: &mut Option<Binding>,
        groups: &WorkloadGroups,
    ) -> Followed {
        let mut followed = Followed::default();
        if !self.is_used {
            return followed;
        }
        let dependency = self.world.dependency(index);
        let mut referrers = self.index.dependents(&dependency.key, &dependency.labels);
        referrers.remove(&index);
        if referrers.is_empty() {
            return followed;
        }
        followed.required_by =
            referrers.iter().map(|referrer| self.world.templates[*referrer].key.clone()).collect();
        let own = match binding.take() {
            Some(Binding::Namespaced(own)) => Some(Arc::new(own)),
            None => None,
            // Dependencies of cluster-wide bindings are not a thing.
            other => {
                *binding = other;
                return followed;
            }
        };
        let mut scene = Scene::new(dependency, own);
        let mut covered = self.covered_by(scene.own.as_deref());
        let mut attributes = BTreeSet::new();
        for referrer in referrers {
            let Some(mut other) = self.world.namespaced_binding(referrer) else { continue };
            // Of clusters that several need, the first counts; one that brings neither a cluster nor
            // another wish changes nothing.
            let places = self.places_of(referrer, groups);
            let news = places
                .iter()
                .filter(|(cluster, _)| !std::mem::replace(&mut covered[*cluster as usize], true));
            let clusters: Vec<(u32, i32)> = news.copied().collect();
            let wishes = (
                other.spec.conflict_resolution == ConflictResolution::Overwrite,
                other.spec.preserve_resources_on_deletion == Some(true),
            );
            if !attributes.insert(wishes) && clusters.is_empty() {
                continue;
            }
            let target = |(cluster, replicas): &(u32, i32)| TargetCluster {
                name: self.names[*cluster as usize].clone(),
                replicas: *replicas,
                components: Vec::new(),
            };
            other.spec.clusters = clusters.iter().map(target).collect();
            scene.add(&other, &mut followed.notes);
        }
        let mut own = scene.own.map(|own| Binding::Namespaced(Arc::unwrap_or_clone(own)));
        if let Some(own) = &mut own {
            give_id(own);
        }
        *binding = own;
        followed
    }

    /// Returns which clusters the template's own policy covers.
    fn covered_by(&self, own: Option<&ResourceBinding>) -> Vec<bool> {
        let mut covered = vec![false; self.names.len()];
        for target in own.into_iter().flat_map(|own| &own.spec.clusters) {
            if let Ok(position) = self.names.binary_search(&target.name) {
                covered[position] = true;
            }
        }
        covered
    }

    /// Returns where a template that takes its dependencies along goes itself.
    fn places_of(&mut self, index: usize, groups: &WorkloadGroups) -> &[(u32, i32)] {
        if !self.places.contains_key(&index) {
            let mut places = Vec::new();
            if let Some(binding) = self.world.namespaced_binding(index) {
                let mut binding = Binding::Namespaced(binding);
                let scheduled = self.world.schedule(&mut binding, groups);
                match scheduled.attempts.last() {
                    Some(attempt) if attempt.decision.result.is_ok() => {
                        let shares =
                            shares(attempt).map(|(cluster, share)| (cluster.position() as u32, share));
                        places.extend(shares);
                    }
                    _ => {
                        for target in &binding.spec().clusters {
                            if let Ok(position) = self.names.binary_search(&target.name) {
                                places.push((position as u32, target.replicas));
                            }
                        }
                    }
                }
            }
            self.places.insert(index, places);
        }
        &self.places[&index]
    }
}

impl World {
    /// Returns notes on what a template needs and does not find.
    pub(super) fn missing_dependencies(&self, index: usize, propagated: &Propagated) -> Vec<Note> {
        if !self.options.gates.is_enabled(Feature::PropagateDeps) {
            return Vec::new();
        }
        match self.wanted_by(index, propagated) {
            Ok(references) => {
                let missing = references.into_iter().filter(|reference| {
                    !reference.name.is_empty()
                        && self
                            .find(&TemplateKey {
                                api_version: reference.api_version.clone(),
                                kind: reference.kind.clone(),
                                namespace: reference.namespace.clone(),
                                name: reference.name.clone(),
                            })
                            .is_none()
                });
                missing.map(Note::MissingDependency).collect()
            }
            Err(message) => vec![Note::UnreadableDependencies { message }],
        }
    }

    /// Returns what a template takes along, nothing when its policy does not want that; or why that cannot be read.
    fn wanted_by(&self, index: usize, propagated: &Propagated) -> Result<Vec<DependentReference>, String> {
        let Some(Binding::Namespaced(binding)) = &propagated.binding else { return Ok(Vec::new()) };
        if !binding.spec.propagate_deps {
            return Ok(Vec::new());
        }
        let template = propagated.claimed.as_ref().unwrap_or(&self.templates[index].value);
        match wanted_dependencies(binding, Some(template), &self.options.interpreter) {
            Ok(WantedDependencies::References(references)) => Ok(references),
            Ok(WantedDependencies::Released | WantedDependencies::Unknown) => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns false when neither a policy nor an earlier binding makes a template take anything along.
    fn may_take_along(&self, index: usize) -> bool {
        let key = &self.templates[index].key;
        !key.namespace.is_empty()
            && (self.policies.for_template(&self.templates[index].value).may_take_along(&key.namespace)
                || self.binding_of(key).is_some_and(|binding| binding.spec().propagate_deps))
    }

    fn namespaced_binding(&self, index: usize) -> Option<ResourceBinding> {
        match self.propagate(index).binding {
            Some(Binding::Namespaced(binding)) => Some(binding),
            _ => None,
        }
    }

    fn dependency(&self, index: usize) -> DependencyObject {
        let template = &self.templates[index];
        let labels = object::labels(&template.value).into_iter().flatten();
        let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        DependencyObject {
            key: template.key.clone(),
            uid: object::uid(&template.value).to_owned(),
            resource_version: String::new(),
            labels: labels.collect(),
        }
    }
}

/// One dependency with its binding, and those that refer to it.
struct Scene {
    dependency: DependencyObject,
    name: String,
    own: Option<Arc<ResourceBinding>>,
    referrers: BTreeMap<(String, String), Arc<ResourceBinding>>,
    wanted: WantedDependencies,
}

impl Scene {
    fn new(dependency: DependencyObject, own: Option<Arc<ResourceBinding>>) -> Self {
        let TemplateKey { api_version, kind, namespace, name } = &dependency.key;
        let reference = DependentReference::named(api_version, kind, namespace, name);
        Self {
            name: binding_name(kind, name),
            own,
            referrers: BTreeMap::new(),
            wanted: WantedDependencies::References(vec![reference]),
            dependency,
        }
    }

    /// Lets one more binding refer to the dependency.
    fn add(&mut self, binding: &ResourceBinding, notes: &mut Vec<Note>) {
        let decision = reconcile_dependencies(&DependenciesInput {
            binding,
            wanted: &self.wanted,
            attached: &[],
            changed: &BTreeSet::new(),
            is_news: true,
            lookup: self,
        });
        for write in decision.writes {
            self.own = Some(Arc::new(write.binding().clone()));
        }
        if let Some(DependenciesError::NameTaken { holder, .. }) = decision.error {
            notes.push(Note::NameTaken { holder: *holder });
        }
        for told in decision.attached_events {
            let note = Note::PoliciesDisagree { message: told.event.message };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let mut known = binding.clone();
        known.spec.clusters.clear();
        let key = |text: &Option<String>| text.clone().unwrap_or_default();
        self.referrers.insert((key(&known.metadata.namespace), key(&known.metadata.name)), Arc::new(known));
    }
}

impl DependencyLookup for Scene {
    fn object(&self, key: &TemplateKey) -> Option<DependencyObject> {
        (*key == self.dependency.key).then(|| self.dependency.clone())
    }

    fn objects(&self, _: &str, _: &str, _: &str) -> Vec<DependencyObject> {
        Vec::new()
    }

    fn binding(&self, namespace: &str, name: &str) -> Option<Arc<ResourceBinding>> {
        if name == self.name {
            return self.own.clone();
        }
        self.referrers.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }
}
