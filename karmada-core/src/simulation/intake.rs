//! From objects in files to a world.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    Problem, Severity, SimulationOptions, World,
    clusters::Fleet,
    identity::stable_id,
    lookup::Policies,
    overrides::Overrides,
    schema::Schemas,
    scope::{Kinds, Knowledge, Scope, group_of, is_definition},
    shape,
    world::{Template, compare},
};
use crate::{
    admission::{AdmissionInput, Operation, Related, TaintPolicyRule, admit},
    api::{
        cluster::Cluster,
        config::ResourceInterpreterCustomization,
        crds,
        policy::{
            ClusterOverridePolicy, ClusterPropagationPolicy, OverridePolicy, PropagationPolicy,
            constants::{CLUSTER_PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_ID_LABEL},
        },
        work::{
            ClusterResourceBinding, ResourceBinding,
            constants::{
                CLUSTER_RESOURCE_BINDING_ID_LABEL, DEPENDED_BY_LABEL_PREFIX, RESOURCE_BINDING_ID_LABEL,
            },
        },
    },
    interpreter::{
        self, Interpreter, ResourceInterpreter,
        lua::{self, Customizations, LuaEngine, LuaOptions},
    },
    object::{self, binding_name},
    propagation::{Binding, TemplateKey},
};

/// Where every namespaced object goes that names no namespace, and what was found so far.
pub(super) struct Intake {
    options: SimulationOptions,
    kinds: Kinds,
    schemas: Schemas,
    problems: Vec<Problem>,
    /// Group, kind, namespace and name of every object, with its position.
    seen: HashMap<(String, String, String, String), usize>,
    /// Kinds that were told about.
    told: BTreeSet<(String, String)>,
    fleet: Fleet,
    policies: Policies,
    policy_objects: BTreeMap<(String, String), usize>,
    cluster_override_policies: Vec<ClusterOverridePolicy>,
    override_policies: BTreeMap<String, Vec<OverridePolicy>>,
    override_objects: BTreeMap<(String, String), usize>,
    templates: Vec<Template>,
    bindings: Vec<(usize, Binding)>,
    scripts: Arc<LuaEngine>,
    customizations: Vec<ResourceInterpreterCustomization>,
    /// The same, as admission compares them.
    customization_objects: Vec<Value>,
}

/// What kind of part an object plays.
enum Role {
    Cluster,
    PropagationPolicy,
    ClusterPropagationPolicy,
    OverridePolicy,
    ClusterOverridePolicy,
    ResourceBinding,
    ClusterResourceBinding,
    Customization,
    /// A kind of Karmada that has no part.
    Bystander,
    Template,
}

impl Intake {
    pub(super) fn new(options: SimulationOptions) -> Self {
        let definitions = crds();
        let now = options.now;
        // With a clock that stands still, steps alone limit what a script may do: that is the same everywhere.
        let scripts = Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(move || now))));
        Self {
            scripts,
            customizations: Vec::new(),
            customization_objects: Vec::new(),
            options,
            kinds: Kinds::new(&definitions),
            schemas: Schemas::new(&definitions),
            problems: Vec::new(),
            seen: HashMap::new(),
            told: BTreeSet::new(),
            fleet: Fleet::default(),
            policies: Policies::default(),
            policy_objects: BTreeMap::new(),
            cluster_override_policies: Vec::new(),
            override_policies: BTreeMap::new(),
            override_objects: BTreeMap::new(),
            templates: Vec::new(),
            bindings: Vec::new(),
        }
    }

    /// Takes note of the kinds that objects define, before any object is read.
    pub(super) fn add_definitions(&mut self, objects: &[Value]) {
        for object in objects.iter().filter(|object| is_definition(object)) {
            self.kinds.add_definition(object);
        }
    }

    /// Reads one object.
    pub(super) fn add(&mut self, index: usize, mut object: Value) {
        let mistakes = shape::check(index, &object);
        if !mistakes.is_empty() {
            self.problems.extend(mistakes);
            return;
        }
        if !self.settle_scope(index, &mut object) || !self.is_first(index, &object) {
            return;
        }
        match role_of(&object) {
            Role::Template => self.add_template(index, object),
            Role::Cluster => self.add_cluster(index, object),
            role => self.add_karmada(index, object, &role),
        }
    }

    /// Puts the rest together.
    pub(super) fn into_world(mut self) -> Result<World, Vec<Problem>> {
        self.templates.sort_by(|left, right| compare(&left.key, &right.key));
        self.cluster_override_policies.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        for policies in self.override_policies.values_mut() {
            policies.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        }
        self.policies.overrides = self.override_objects.keys().cloned().collect();
        if !self.customizations.is_empty() {
            let customizations = Customizations::new(self.scripts.clone(), &self.customizations);
            let layers: Vec<Arc<dyn ResourceInterpreter>> =
                vec![Arc::new(customizations), Arc::new(self.options.interpreter)];
            self.options.interpreter = Interpreter::new(layers);
        }
        let schedule = self.options.schedule_options();
        let fleet = self.fleet.settle(&mut self.problems);
        let mut world = World {
            options: self.options,
            schedule,
            clusters: fleet.clusters,
            cluster_objects: fleet.objects,
            snapshot: fleet.snapshot,
            policies: self.policies,
            policy_objects: self.policy_objects,
            overrides: Overrides::new(self.cluster_override_policies, self.override_policies),
            customizations: self.customizations,
            override_objects: self.override_objects,
            templates: self.templates,
            bindings: HashMap::new(),
            older_bindings: BTreeSet::new(),
            problems: self.problems,
        };
        warn_of_equal_bindings(&mut world);
        for (index, binding) in self.bindings {
            add_binding(&mut world, index, binding);
        }
        for template in &mut world.templates {
            let TemplateKey { api_version, kind, namespace, name } = &template.key;
            if object::uid(&template.value).is_empty() {
                template.value["metadata"]["uid"] =
                    stable_id(&["uid", api_version, kind, namespace, name]).into();
            }
        }
        world.serve_defined_kinds();
        world.problems.sort_by(|left, right| {
            (left.object, left.severity, &left.field).cmp(&(right.object, right.severity, &right.field))
        });
        if world.problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(world.problems);
        }
        Ok(world)
    }

    /// Gives a namespaced object its namespace; returns whether the object can be used.
    fn settle_scope(&mut self, index: usize, object: &mut Value) -> bool {
        let (api_version, kind) = (object::api_version(object).to_owned(), object::kind(object).to_owned());
        let is_news = || !self.told.contains(&(api_version.clone(), kind.clone()));
        let (scope, problem) = match self.kinds.find(&api_version, &kind) {
            Knowledge::Served { scope, counts_generations } => {
                if counts_generations && object["metadata"].get("generation").is_none() {
                    object["metadata"]["generation"] = 1.into();
                }
                (scope, None)
            }
            Knowledge::KeptAs { scope, version } => {
                let message = format!(
                    "the control plane keeps {kind} as {version}, so policies that select {api_version} do not select it"
                );
                let hint = format!("write it, and select it, as {version}");
                (scope, Some(Problem::warning(index, "apiVersion", message).with_hint(hint)))
            }
            Knowledge::Absent { suggestion } => {
                let message = format!("no matches for kind {kind:?} in version {api_version:?}");
                let problem = Problem::error(index, "kind", message);
                let problem = match suggestion {
                    Some(meant) => problem.with_hint(format!("did you mean {meant}?")),
                    None => problem,
                };
                self.problems.push(problem);
                return false;
            }
            Knowledge::Unknown => {
                let message = format!(
                    "nothing is known of kind {kind} in {api_version}: it is taken for a namespaced kind"
                );
                let hint = match self.kinds.api_version_of(&kind) {
                    Some(known) => {
                        format!("did you mean {known}? otherwise add its CustomResourceDefinition")
                    }
                    None => "add its CustomResourceDefinition to the input".to_owned(),
                };
                if object["metadata"].get("generation").is_none() {
                    object["metadata"]["generation"] = 1.into();
                }
                (Scope::Namespaced, Some(Problem::warning(index, "kind", message).with_hint(hint)))
            }
        };
        if let Some(problem) = problem.filter(|_| is_news()) {
            self.problems.push(problem);
            self.told.insert((api_version, kind));
        }
        match (scope, object::namespace(object).is_empty()) {
            (Scope::Namespaced, true) => {
                object["metadata"]["namespace"] = self.options.default_namespace.as_str().into();
            }
            (Scope::Cluster, false) => {
                let message = "the kind is cluster-scoped: the namespace has no meaning";
                self.problems.push(Problem::warning(index, "metadata.namespace", message));
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("namespace");
                }
            }
            _ => {}
        }
        true
    }

    /// Returns whether no object of that kind and name was there before.
    fn is_first(&mut self, index: usize, object: &Value) -> bool {
        let identity = (
            group_of(object::api_version(object)).to_owned(),
            object::kind(object).to_owned(),
            object::namespace(object).to_owned(),
            object::name(object).to_owned(),
        );
        let first = *self.seen.entry(identity).or_insert(index);
        if first != index {
            let mut problem = Problem::error(index, "metadata.name", "the object is in the input twice");
            problem.related = Some(first);
            self.problems.push(problem);
        }
        first == index
    }

    fn add_template(&mut self, index: usize, object: Value) {
        let key = TemplateKey::of(&object);
        if key.api_version == "scheduling.k8s.io/v1" && key.kind == "PriorityClass" {
            let value = object["value"].as_i64().and_then(|value| i32::try_from(value).ok());
            match value {
                Some(value) => drop(self.policies.priority_classes.insert(key.name.clone(), value)),
                None => self.problems.push(Problem::error(index, "value", "must be a 32-bit integer")),
            }
        }
        self.templates.push(Template { object: index, key, value: object });
    }

    fn add_cluster(&mut self, index: usize, mut object: Value) {
        if !object["spec"].is_object() && (object["spec"].is_null()) {
            object["spec"] = json!({});
        }
        if object["spec"].is_object() && object["spec"]["syncMode"].is_null() {
            // It makes no difference to where things go.
            object["spec"]["syncMode"] = "Push".into();
        }
        if let Some(object) = self.admitted(index, object, "")
            && let Some(cluster) = self.decode::<Cluster>(index, object)
        {
            self.fleet.add(index, cluster);
        }
    }

    fn add_karmada(&mut self, index: usize, object: Value, role: &Role) {
        let kind = object::kind(&object).to_owned();
        let (namespace, name) = (object::namespace(&object).to_owned(), object::name(&object).to_owned());
        let id_label = match role {
            Role::PropagationPolicy => PROPAGATION_POLICY_ID_LABEL,
            Role::ClusterPropagationPolicy => CLUSTER_PROPAGATION_POLICY_ID_LABEL,
            Role::ResourceBinding => RESOURCE_BINDING_ID_LABEL,
            Role::ClusterResourceBinding => CLUSTER_RESOURCE_BINDING_ID_LABEL,
            _ => "",
        };
        let known = object::label(&object, id_label).filter(|id| !id.is_empty());
        let id = known.map_or_else(|| stable_id(&[id_label, &namespace, &name]), str::to_owned);
        // Before admission, which does not name the field.
        if matches!(role, Role::Customization) && !self.has_good_scripts(index, &object) {
            return;
        }
        let Some(object) = self.admitted(index, object, &id) else { return };
        let key = (namespace.clone(), name);
        match role {
            Role::PropagationPolicy => {
                let Some(policy) = self.decode::<PropagationPolicy>(index, object) else { return };
                self.policies.add(policy);
                self.policy_objects.insert(key, index);
            }
            Role::ClusterPropagationPolicy => {
                let Some(policy) = self.decode::<ClusterPropagationPolicy>(index, object) else { return };
                self.policies.add_cluster(policy);
                self.policy_objects.insert(key, index);
            }
            Role::OverridePolicy => {
                let Some(policy) = self.decode::<OverridePolicy>(index, object) else { return };
                self.override_policies.entry(namespace).or_default().push(policy);
                self.override_objects.insert(key, index);
            }
            Role::ClusterOverridePolicy => {
                let Some(policy) = self.decode::<ClusterOverridePolicy>(index, object) else { return };
                self.cluster_override_policies.push(policy);
                self.override_objects.insert(key, index);
            }
            Role::ResourceBinding => {
                let Some(mut binding) = self.decode::<ResourceBinding>(index, object) else { return };
                // Who needs it is found out again.
                binding.spec.required_by.clear();
                let labels = binding.metadata.labels.get_or_insert_default();
                labels.retain(|key, _| !key.starts_with(DEPENDED_BY_LABEL_PREFIX));
                self.bindings.push((index, Binding::Namespaced(binding)));
            }
            Role::ClusterResourceBinding => {
                let Some(binding) = self.decode::<ClusterResourceBinding>(index, object) else { return };
                self.bindings.push((index, Binding::Cluster(binding)));
            }
            Role::Customization => {
                self.customization_objects.push(object.clone());
                let Some(customization) = self.decode::<ResourceInterpreterCustomization>(index, object)
                else {
                    return;
                };
                self.customizations.push(customization);
            }
            Role::Bystander | Role::Cluster | Role::Template => {
                let message = format!("objects of kind {kind} have no part in the simulation");
                if self.told.insert((object::api_version(&object).to_owned(), kind)) {
                    self.problems.push(Problem::note(index, "kind", message));
                }
            }
        }
    }

    /// Returns whether all scripts of a customization can be run; reports those that cannot.
    fn has_good_scripts(&mut self, index: usize, object: &Value) -> bool {
        let mut is_good = true;
        for operation in interpreter::Operation::ALL {
            let rule = lua::rule_name(operation);
            let text = object["spec"]["customizations"][rule]["luaScript"].as_str().unwrap_or_default();
            if text.is_empty() {
                continue;
            }
            if let Err(error) = self.scripts.check(operation, text) {
                let field = format!("spec.customizations.{rule}.luaScript");
                self.problems.push(Problem::error(index, field, error.to_string()));
                is_good = false;
            }
        }
        is_good
    }

    /// Fills in and checks as the API server does; none when the object is refused.
    fn admitted(&mut self, index: usize, mut object: Value, uuid: &str) -> Option<Value> {
        let (api_version, kind) = (object::api_version(&object).to_owned(), object::kind(&object).to_owned());
        self.schemas.fill_defaults(&api_version, &kind, &mut object);
        let errors = self.schemas.check(&api_version, &kind, &object);
        if !errors.is_empty() {
            let problems = errors.iter().map(|error| Problem::error(index, &error.field, error.body()));
            self.problems.extend(problems);
            return None;
        }
        let namespace = object::namespace(&object).to_owned();
        let admitted = admit(&AdmissionInput {
            operation: Operation::Create,
            group: group_of(&api_version),
            kind: &kind,
            subresource: "",
            object: &object,
            old_object: None,
            namespace: &namespace,
            gates: &self.options.gates,
            taint_policies: TaintPolicyRule::default(),
            related: Related { customizations: &self.customization_objects, ..Related::default() },
            uuid,
            now: self.options.now,
        });
        match admitted {
            Ok(object) => Some(object),
            Err(denied) if denied.causes.is_empty() => {
                self.problems.push(Problem::error(index, "", denied.explanation));
                None
            }
            Err(denied) => {
                let causes = denied.causes.iter();
                self.problems.extend(causes.map(|cause| Problem::error(index, &cause.field, cause.body())));
                None
            }
        }
    }

    fn decode<T: DeserializeOwned>(&mut self, index: usize, object: Value) -> Option<T> {
        match serde_json::from_value(object) {
            Ok(typed) => Some(typed),
            Err(error) => {
                self.problems.push(Problem::error(index, "", format!("cannot be read: {error}")));
                None
            }
        }
    }
}

fn role_of(object: &Value) -> Role {
    let group = group_of(object::api_version(object));
    match (group, object::kind(object)) {
        ("cluster.karmada.io", "Cluster") => Role::Cluster,
        ("policy.karmada.io", "PropagationPolicy") => Role::PropagationPolicy,
        ("policy.karmada.io", "ClusterPropagationPolicy") => Role::ClusterPropagationPolicy,
        ("policy.karmada.io", "OverridePolicy") => Role::OverridePolicy,
        ("policy.karmada.io", "ClusterOverridePolicy") => Role::ClusterOverridePolicy,
        ("work.karmada.io", "ResourceBinding") if object::api_version(object).ends_with("/v1alpha2") => {
            Role::ResourceBinding
        }
        ("work.karmada.io", "ClusterResourceBinding")
            if object::api_version(object).ends_with("/v1alpha2") =>
        {
            Role::ClusterResourceBinding
        }
        ("config.karmada.io", "ResourceInterpreterCustomization") => Role::Customization,
        (group, _) if group.ends_with(".karmada.io") => Role::Bystander,
        _ => Role::Template,
    }
}

/// Warns of resources whose bindings have the same name, such as those of one kind in two groups.
fn warn_of_equal_bindings(world: &mut World) {
    let mut names = HashMap::new();
    for template in &world.templates {
        let TemplateKey { kind, namespace, name, .. } = &template.key;
        let binding = binding_name(kind, name);
        let first = *names.entry((namespace, binding.clone())).or_insert(template.object);
        if first != template.object {
            let message = format!(
                "its binding {binding} would be that of another resource: the control plane places only one of them"
            );
            let mut problem = Problem::warning(template.object, "metadata.name", message);
            problem.related = Some(first);
            world.problems.push(problem);
        }
    }
}

/// Adds what was decided about a template before; gives the template the uid that it had then.
fn add_binding(world: &mut World, index: usize, binding: Binding) {
    let resource = &binding.spec().resource;
    let key = TemplateKey::from(resource);
    let metadata = binding.metadata();
    let name = metadata.name.clone().unwrap_or_default();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let Some(template) = world.find(&key) else {
        let message =
            format!("its resource ({} {}) is not in the input, so it is left out", key.kind, key.name);
        world.problems.push(Problem::note(index, "spec.resource", message));
        return;
    };
    if name != binding_name(&key.kind, &key.name) || namespace != key.namespace {
        let message = format!(
            "it is not the binding of {} {}, whose name would be {}",
            key.kind,
            key.name,
            binding_name(&key.kind, &key.name)
        );
        world.problems.push(Problem::warning(index, "metadata.name", message));
        return;
    }
    let owners = metadata.owner_references.iter().flatten();
    let owner = owners.filter(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str());
    let uid = owner.chain([resource.uid.as_str()]).find(|uid| !uid.is_empty()).unwrap_or_default().to_owned();
    let value = &mut world.templates[template].value;
    match object::uid(value) {
        "" if !uid.is_empty() => value["metadata"]["uid"] = uid.into(),
        known if !uid.is_empty() && known != uid => {
            world.older_bindings.insert(template);
            return;
        }
        _ => {}
    }
    world.bindings.insert((namespace, name), binding);
}
