use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    api::{
        policy::ConflictResolution,
        work::constants::{DEPENDED_BY_LABEL_PREFIX, RESOURCE_BINDING_ID_LABEL},
    },
    interpreter::NativeInterpreter,
    propagation::wanted_dependencies,
};

const NAMESPACE: &str = "n";

/// Objects and bindings of one namespace, in memory.
#[derive(Clone, Debug, Default)]
struct World {
    objects: BTreeMap<TemplateKey, DependencyObject>,
    bindings: BTreeMap<String, Arc<ResourceBinding>>,
}

impl DependencyLookup for World {
    fn object(&self, key: &TemplateKey) -> Option<DependencyObject> {
        self.objects.get(key).cloned()
    }

    fn objects(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<DependencyObject> {
        let all = self.objects.values().filter(|object| {
            let key = &object.key;
            (key.api_version.as_str(), key.kind.as_str(), key.namespace.as_str())
                == (api_version, kind, namespace)
        });
        all.cloned().collect()
    }

    fn binding(&self, namespace: &str, name: &str) -> Option<Arc<ResourceBinding>> {
        self.bindings.get(name).filter(|_| namespace == NAMESPACE).cloned()
    }
}

impl World {
    fn with_config(mut self, name: &str) -> Self {
        let key = config(name);
        let object = DependencyObject {
            key: key.clone(),
            uid: format!("uid-{name}"),
            resource_version: "1".to_owned(),
            labels: BTreeMap::from([("tier".to_owned(), name.to_owned())]),
        };
        self.objects.insert(key, object);
        self
    }

    fn with_binding(mut self, name: &str, spec: Value) -> Self {
        self.put(serde_json::from_value(binding(name, spec)).unwrap());
        self
    }

    fn put(&mut self, binding: ResourceBinding) {
        self.bindings.insert(binding.metadata.name.clone().unwrap(), Arc::new(binding));
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut ResourceBinding)) {
        let mut binding = self.get(name).clone();
        change(&mut binding);
        self.put(binding);
    }

    fn get(&self, name: &str) -> &ResourceBinding {
        &self.bindings[name]
    }

    fn decide(
        &self,
        name: &str,
        wanted: &WantedDependencies,
        changed: &[TemplateKey],
    ) -> DependenciesDecision {
        let binding = self.get(name);
        let id = format!("id-{name}");
        let attached = self.bindings.values().filter(|other| {
            let mut labels = other.metadata.labels.iter().flatten();
            labels.any(|(key, value)| key.starts_with(DEPENDED_BY_LABEL_PREFIX) && *value == id)
        });
        let attached: Vec<_> = attached.cloned().collect();
        reconcile_dependencies(&DependenciesInput {
            binding,
            wanted,
            attached: &attached,
            changed: &changed.iter().cloned().collect(),
            is_news: false,
            lookup: self,
        })
    }

    /// Decides and writes.
    fn reconcile(&mut self, name: &str, wanted: &WantedDependencies) -> DependenciesDecision {
        let decision = self.decide(name, wanted, &[]);
        for patch in decision.claim.iter().chain(&decision.release) {
            let mut value = serde_json::to_value(self.get(name)).unwrap();
            json_patch::merge(&mut value, patch);
            self.put(serde_json::from_value(value).unwrap());
        }
        for write in &decision.writes {
            let mut binding = write.binding().clone();
            let labels = binding.metadata.labels.get_or_insert_default();
            let name = binding.metadata.name.clone().unwrap();
            labels.entry(RESOURCE_BINDING_ID_LABEL.to_owned()).or_insert_with(|| format!("id-{name}"));
            self.put(binding);
        }
        decision
    }
}

fn config(name: &str) -> TemplateKey {
    TemplateKey::from(&resource("ConfigMap", name))
}

fn resource(kind: &str, name: &str) -> crate::api::work::ObjectReference {
    serde_json::from_value(json!({"apiVersion": "v1", "kind": kind, "namespace": NAMESPACE, "name": name}))
        .unwrap()
}

fn binding(name: &str, spec: Value) -> Value {
    let mut binding = json!({
        "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "resourceVersion": "3",
            "labels": {RESOURCE_BINDING_ID_LABEL: format!("id-{name}")},
            "finalizers": ["karmada.io/binding-controller"],
        },
        "spec": {
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": NAMESPACE, "name": name},
            "propagateDeps": true, "placement": {}, "conflictResolution": "Abort",
            "clusters": [{"name": "m1", "replicas": 2}],
        },
    });
    json_patch::merge(&mut binding["spec"], &spec);
    binding
}

fn configs(names: &[&str]) -> WantedDependencies {
    let references = names.iter().map(|name| DependentReference::named("v1", "ConfigMap", NAMESPACE, name));
    WantedDependencies::References(references.collect())
}

fn referrers(binding: &ResourceBinding) -> Vec<&str> {
    binding.spec.required_by.iter().map(|snapshot| snapshot.name.as_str()).collect()
}

#[test]
fn a_dependency_gets_a_binding_that_goes_where_its_referrer_goes() {
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    let decision = world.reconcile("web", &configs(&["conf"]));

    assert_eq!(
        decision.claim,
        Some(json!({"metadata": {
            "resourceVersion": "3",
            "finalizers": ["karmada.io/binding-controller", "karmada.io/binding-dependencies-distributor"],
            "annotations": {
                "resourcebinding.karmada.io/dependencies":
                    r#"[{"apiVersion":"v1","kind":"ConfigMap","namespace":"n","name":"conf"}]"#,
            },
        }}))
    );
    let label = format!("{DEPENDED_BY_LABEL_PREFIX}{}", crate::object::binding_reference_key("n", "web"));
    assert_eq!(
        serde_json::to_value(world.get("conf-configmap")).unwrap(),
        json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {
                "name": "conf-configmap", "namespace": "n",
                "labels": {label: "id-web", RESOURCE_BINDING_ID_LABEL: "id-conf-configmap"},
                "finalizers": ["karmada.io/binding-controller"],
                "ownerReferences": [{
                    "apiVersion": "v1", "kind": "ConfigMap", "name": "conf", "uid": "uid-conf",
                    "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "resource": {
                    "apiVersion": "v1", "kind": "ConfigMap", "namespace": "n", "name": "conf",
                    "uid": "uid-conf", "resourceVersion": "1",
                },
                "requiredBy": [{"namespace": "n", "name": "web", "clusters": [{"name": "m1", "replicas": 2}]}],
                "conflictResolution": "Abort", "preserveResourcesOnDeletion": false,
            },
        })
    );
    let told: Vec<_> = decision.template_events.iter().chain(&decision.binding_events).collect();
    assert_eq!(
        told.iter().map(|event| event.reason).collect::<Vec<_>>(),
        ["GetDependenciesSucceed", "SyncScheduleResultToDependenciesSucceed"]
    );
}

#[test]
fn no_dependencies_are_recorded_as_null() {
    let mut world = World::default().with_binding("web", json!({}));
    let decision = world.reconcile("web", &configs(&[]));
    let claim = decision.claim.unwrap();
    assert_eq!(claim["metadata"]["annotations"]["resourcebinding.karmada.io/dependencies"], "null");
    assert_eq!(decision.template_events[0].message, "Get dependencies([]) succeed.");
    assert!(!world.decide("web", &configs(&[]), &[]).has_writes());
}

#[test]
fn deciding_again_writes_and_tells_nothing() {
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["conf"]));
    let decision = world.decide("web", &configs(&["conf"]), &[]);
    assert!(!decision.has_writes(), "{decision:?}");
    assert!(decision.template_events.is_empty() && decision.binding_events.is_empty());
}

#[test]
fn a_record_in_another_order_stays() {
    let mut world = World::default().with_config("a").with_config("b").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["a", "b"]));
    assert!(!world.decide("web", &configs(&["b", "a"]), &[]).has_writes());
    assert!(world.decide("web", &configs(&["b"]), &[]).claim.is_some());
}

#[test]
fn an_object_that_is_missing_is_recorded_and_attached_when_it_is_there() {
    let mut world = World::default().with_binding("web", json!({}));
    let decision = world.reconcile("web", &configs(&["conf"]));
    assert!(decision.claim.is_some() && decision.writes.is_empty() && decision.error.is_none());
    let mut world = world.with_config("conf");
    world.reconcile("web", &configs(&["conf"]));
    assert_eq!(referrers(world.get("conf-configmap")), ["web"]);
}

#[test]
fn a_new_version_is_recorded_only_when_the_content_changed() {
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["conf"]));
    world.objects.get_mut(&config("conf")).unwrap().resource_version = "9".to_owned();

    assert!(!world.decide("web", &configs(&["conf"]), &[]).has_writes());
    let decision = world.decide("web", &configs(&["conf"]), &[config("conf")]);
    let [AttachedWrite::Update(updated)] = decision.writes.as_slice() else { unreachable!("{decision:?}") };
    assert_eq!(updated.spec.resource.resource_version, "9");
}

#[test]
fn what_is_no_longer_needed_is_let_go() {
    let mut world = World::default().with_config("a").with_config("b").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["a", "b"]));
    world.reconcile("web", &configs(&["b"]));
    let free = world.get("a-configmap");
    assert_eq!(referrers(free), Vec::<&str>::new());
    assert_eq!(free.metadata.labels.as_ref().unwrap().len(), 1);
    assert_eq!(
        (&free.spec.conflict_resolution, free.spec.preserve_resources_on_deletion),
        (&ConflictResolution::Unset, None)
    );
    assert_eq!(referrers(world.get("b-configmap")), ["web"]);
}

#[test]
fn labels_choose_objects_as_they_come_and_go() {
    let wanted = WantedDependencies::References(vec![
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "namespace": NAMESPACE,
            "labelSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]},
        }))
        .unwrap(),
    ]);
    let mut world = World::default().with_config("a").with_config("c").with_binding("web", json!({}));
    world.reconcile("web", &wanted);
    assert!(world.bindings.contains_key("a-configmap") && !world.bindings.contains_key("c-configmap"));

    world.objects.get_mut(&config("a")).unwrap().labels.clear();
    let mut world = world.with_config("b");
    world.reconcile("web", &wanted);
    assert!(world.get("a-configmap").spec.required_by.is_empty());
    assert_eq!(referrers(world.get("b-configmap")), ["web"]);

    // The binding of an object that is gone is collected with it.
    world.objects.remove(&config("b"));
    assert!(!world.decide("web", &wanted, &[]).has_writes());
}

#[test]
fn a_bad_selector_is_told_and_the_rest_is_attached() {
    let WantedDependencies::References(mut references) = configs(&["conf"]) else { unreachable!() };
    references.push(
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Secret", "namespace": NAMESPACE,
            "labelSelector": {"matchExpressions": [{"key": "k", "operator": "Near"}]},
        }))
        .unwrap(),
    );
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    let decision = world.reconcile("web", &WantedDependencies::References(references));
    assert!(matches!(decision.error, Some(DependenciesError::Selector { .. })));
    assert_eq!(decision.binding_events[0].reason, "SyncScheduleResultToDependenciesFailed");
    assert_eq!(referrers(world.get("conf-configmap")), ["web"]);
}

#[test]
fn the_binding_of_a_policy_keeps_its_own_ways() {
    let spec = json!({
        "resource": {"apiVersion": "v1", "kind": "ConfigMap", "name": "conf", "uid": "uid-conf", "resourceVersion": "0"},
        "propagateDeps": false, "clusters": [{"name": "m2"}],
    });
    let mut world = World::default()
        .with_config("conf")
        .with_binding("web", json!({"conflictResolution": "Overwrite"}))
        .with_binding("conf-configmap", spec);
    world.reconcile("web", &configs(&["conf"]));
    let shared = world.get("conf-configmap").clone();
    assert_eq!(referrers(&shared), ["web"]);
    assert_eq!(shared.spec.conflict_resolution, ConflictResolution::Abort);
    assert_eq!(shared.spec.resource.resource_version, "0");

    world.reconcile("web", &WantedDependencies::Released);
    let shared = world.get("conf-configmap");
    assert_eq!((referrers(shared).len(), &shared.spec.conflict_resolution), (0, &ConflictResolution::Abort));
}

#[test]
fn referrers_that_disagree_overwrite_and_preserve_and_are_told() {
    let mut world = World::default()
        .with_config("conf")
        .with_binding("a", json!({"conflictResolution": "Overwrite"}))
        .with_binding("b", json!({"preserveResourcesOnDeletion": true}));
    assert!(world.reconcile("a", &configs(&["conf"])).attached_events.is_empty());
    let decision = world.reconcile("b", &configs(&["conf"]));
    let [told] = decision.attached_events.as_slice() else { unreachable!("{decision:?}") };
    assert_eq!(
        (told.name.as_str(), told.event.message.as_str()),
        (
            "conf-configmap",
            "Dependency policy conflict detected: ConflictResolution conflicted (Overwrite vs Abort); PreserveResourcesOnDeletion conflicted (true vs false)."
        )
    );
    let shared = world.get("conf-configmap");
    assert_eq!(
        (&shared.spec.conflict_resolution, shared.spec.preserve_resources_on_deletion),
        (&ConflictResolution::Overwrite, Some(true))
    );

    world.reconcile("a", &WantedDependencies::Released);
    let shared = world.get("conf-configmap");
    assert_eq!(
        (&shared.spec.conflict_resolution, shared.spec.preserve_resources_on_deletion),
        (&ConflictResolution::Abort, Some(true))
    );
}

#[test]
fn a_binding_that_is_going_lets_everything_go_and_then_its_finalizer() {
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["conf"]));
    world.change("web", |binding| {
        binding.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2024-01-01T00:00:00Z")).unwrap());
    });
    let wanted = wanted_dependencies(world.get("web"), None, &NativeInterpreter::default()).unwrap();
    assert_eq!(wanted, WantedDependencies::Released);
    let decision = world.reconcile("web", &wanted);
    assert_eq!(decision.release.unwrap()["metadata"]["finalizers"], json!(["karmada.io/binding-controller"]));
    assert!(referrers(world.get("conf-configmap")).is_empty());
    assert!(!world.decide("web", &wanted, &[]).has_writes());
}

#[test]
fn a_binding_of_an_older_object_is_waited_for_and_one_of_another_kind_is_told() {
    let mut world = World::default().with_config("conf").with_binding("web", json!({}));
    world.reconcile("web", &configs(&["conf"]));
    world.objects.get_mut(&config("conf")).unwrap().uid = "newer".to_owned();
    let decision = world.decide("web", &configs(&["conf"]), &[]);
    assert!(!decision.has_writes() && decision.error.is_none(), "{decision:?}");

    world.change("conf-configmap", |binding| binding.spec.resource.api_version = "example.io/v1".to_owned());
    let decision = world.decide("web", &configs(&["conf"]), &[]);
    assert!(matches!(decision.error, Some(DependenciesError::NameTaken { .. })), "{decision:?}");
}

#[test]
fn nothing_is_said_about_kinds_that_nobody_knows() {
    let world = World::default().with_binding("web", json!({}));
    let template = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}});
    for template in [None, Some(&template)] {
        let wanted = wanted_dependencies(world.get("web"), template, &NativeInterpreter::default()).unwrap();
        assert_eq!(wanted, WantedDependencies::Unknown);
        assert!(!world.decide("web", &wanted, &[]).has_writes());
    }
}

/// What a dependency's binding should say, from all referrers at once.
fn check_attached(world: &World, wants: &BTreeMap<&str, Vec<&str>>) -> Vec<String> {
    let mut violations = Vec::new();
    for object in world.objects.keys() {
        let Some(attached) = world.bindings.get(&format!("{}-configmap", object.name)) else {
            if wants.values().any(|wanted| wanted.contains(&object.name.as_str())) {
                violations.push(format!("{} is not attached", object.name));
            }
            continue;
        };
        let expected: BTreeSet<&str> = wants
            .iter()
            .filter(|(_, wanted)| wanted.contains(&object.name.as_str()))
            .map(|(name, _)| *name)
            .collect();
        let spec = &attached.spec;
        let found: BTreeSet<&str> = referrers(attached).into_iter().collect();
        if found != expected || found.len() != spec.required_by.len() {
            violations.push(format!("{}: {found:?} instead of {expected:?}", object.name));
        }
        let any = |test: &dyn Fn(&ResourceBinding) -> bool| expected.iter().any(|name| test(world.get(name)));
        let overwrite = any(&|referrer| referrer.spec.conflict_resolution == ConflictResolution::Overwrite);
        let preserve = any(&|referrer| referrer.spec.preserve_resources_on_deletion == Some(true));
        if (spec.conflict_resolution == ConflictResolution::Overwrite) != overwrite
            || spec.preserve_resources_on_deletion != (!expected.is_empty()).then_some(preserve)
        {
            violations.push(format!("{}: attributes {spec:?}", object.name));
        }
        let labels = attached.metadata.labels.iter().flatten();
        let ids: BTreeSet<&str> = labels
            .filter(|(key, _)| key.starts_with(DEPENDED_BY_LABEL_PREFIX))
            .map(|(_, id)| id.trim_start_matches("id-"))
            .collect();
        if ids != expected {
            violations.push(format!("{}: labels {ids:?}", object.name));
        }
    }
    violations
}

proptest! {
    #[test]
    fn attached_bindings_say_what_all_referrers_together_want(
        attributes in prop::collection::vec((any::<bool>(), any::<bool>()), 3),
        steps in prop::collection::vec((0_usize..3, prop::collection::btree_set(0_usize..3, 0..=3)), 1..12),
    ) {
        const REFERRERS: [&str; 3] = ["x", "y", "z"];
        const CONFIGS: [&str; 3] = ["a", "b", "c"];
        let mut world = CONFIGS.iter().fold(World::default(), |world, name| world.with_config(name));
        for (name, (overwrite, preserve)) in REFERRERS.iter().zip(&attributes) {
            let resolution = if *overwrite { "Overwrite" } else { "Abort" };
            let spec = json!({"conflictResolution": resolution, "preserveResourcesOnDeletion": preserve});
            world = world.with_binding(name, spec);
        }
        let mut wants: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (referrer, wanted) in steps {
            let name = REFERRERS[referrer];
            let wanted: Vec<&str> = wanted.into_iter().map(|index| CONFIGS[index]).collect();
            world.reconcile(name, &configs(&wanted));
            prop_assert!(!world.decide(name, &configs(&wanted), &[]).has_writes());
            wants.insert(name, wanted);
            prop_assert_eq!(check_attached(&world, &wants), Vec::<String>::new());
        }
    }
}
