//! Whole simulations.

use std::collections::BTreeMap;

use indoc::indoc;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{
        Feature, FeatureGates,
        cluster::{ApiEnablement, ApiResource, Cluster},
        features::Switch,
    },
    overriding::parse_yaml,
    scheduling::{
        AssumedWorkloads, PlacementCheck, ScheduleContext, ScheduleInput, WorkloadGroups, check_placement,
    },
};

/// Reads YAML documents.
fn objects(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|document| parse_yaml(document).unwrap()).collect()
}

fn world(objects: Vec<Value>) -> World {
    World::from_objects(objects, SimulationOptions::default()).unwrap()
}

fn cluster(name: &str, pods: i64) -> Value {
    json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name},
        "spec": {"syncMode": "Push", "region": "eu", "provider": "p", "zones": ["z"]},
        "status": {"resourceSummary": {"allocatable": {"pods": pods.to_string(), "cpu": "1000"}}}})
}

fn clusters() -> Vec<Value> {
    vec![cluster("m1", 10), cluster("m2", 20)]
}

fn policy(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    if spec["resourceSelectors"].is_null() {
        spec["resourceSelectors"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment"}]);
    }
    json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy", "metadata": {"name": name}, "spec": spec})
}

fn deployment(name: &str, replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}}})
}

fn with(mut objects: Vec<Value>, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
    objects.extend(more);
    objects
}

/// Returns one line per record: name, where it goes, what there is to know.
fn lines(objects: Vec<Value>) -> Vec<String> {
    world(objects).simulate().map(|record| line(&record)).collect()
}

fn line(record: &Record) -> String {
    let mut targets: Vec<String> =
        record.targets().map(|target| format!("{}:{}", target.name, target.replicas)).collect();
    targets.sort();
    let outcome = match &record.outcome {
        Outcome::Placed(mode) => mode.to_string(),
        Outcome::NotScheduled(obstacle) => format!("not scheduled: {obstacle}"),
        Outcome::NotPropagated(reason) => format!("not propagated: {reason}"),
        Outcome::Failed(error) => format!("failed: {error}"),
    };
    let mut line = format!("{} {} [{}] {outcome}", record.key.kind, record.key.name, targets.join(" "));
    for note in &record.notes {
        line = format!("{line}; {note}");
    }
    line
}

fn dynamic() -> Value {
    json!({"replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"}}})
}

#[test]
fn copies_go_to_all_clusters_and_shares_where_there_is_room() {
    let objects = with(clusters(), [policy("p", json!({})), deployment("web", 3)]);
    assert_eq!(lines(objects), ["Deployment web [m1:3 m2:3] Duplicated"]);
    let objects = with(clusters(), [policy("p", json!({"placement": dynamic()})), deployment("web", 6)]);
    assert_eq!(lines(objects), ["Deployment web [m1:2 m2:4] Divided"]);
}

#[test]
fn too_little_room_is_told_with_numbers() {
    let objects = with(clusters(), [policy("p", json!({"placement": dynamic()})), deployment("web", 40)]);
    let world = world(objects);
    let record = world.simulate().next().unwrap();
    assert!(record.is_failure());
    assert_eq!(record.notes, [Note::Room { fitting: 30, wanted: 40 }]);
    assert_eq!(record.attempts[0].decision.verdicts.len(), 2);
    let mut text = String::new();
    world.explain(&record, |_, explanation| text.push_str(&explanation.to_string()));
    assert!(text.contains("30"), "{text}");
}

#[test]
fn clusters_that_report_nothing_serve_and_hold_everything() {
    let bare = |name: &str| json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}});
    let objects =
        vec![bare("m1"), bare("m2"), policy("p", json!({"placement": dynamic()})), deployment("web", 6)];
    let world = world(objects);
    assert_eq!(world.problems(), [], "where none reports, there is nothing to be surprised of");
    let record = world.simulate().next().unwrap();
    assert_eq!(line(&record), "Deployment web [m1:3 m2:3] Divided");
}

#[test]
fn a_cluster_that_reports_nothing_among_others_is_told() {
    let mut reporting = cluster("m1", 5);
    reporting["status"]["apiEnablements"] =
        json!([{"groupVersion": "apps/v1", "resources": [{"name": "deployments", "kind": "Deployment"}]}]);
    let mut silent = cluster("m2", 5);
    silent["status"] = json!({});
    let world = world(vec![reporting, silent, policy("p", json!({})), deployment("web", 1)]);
    let notes: Vec<&str> = world.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        notes,
        [
            "m2: no APIs reported, every kind counts as served",
            "m2: no resources reported, there counts as being room for everything",
        ]
    );
}

#[test]
fn clusters_that_are_not_ready_and_apis_that_are_not_served_are_refused() {
    let mut unready = cluster("m1", 5);
    unready["status"]["conditions"] = json!([{"type": "Ready", "status": "False", "reason": "x", "message": "",
        "lastTransitionTime": "2025-01-01T00:00:00Z"}]);
    let mut old = cluster("m2", 5);
    old["status"]["apiEnablements"] =
        json!([{"groupVersion": "v1", "resources": [{"name": "pods", "kind": "Pod"}]}]);
    let objects = vec![unready, old, policy("p", json!({})), deployment("web", 1)];
    assert_eq!(
        lines(objects),
        [
            "Deployment web [] not scheduled: 0/2 clusters are available: 1 cluster(s) did not have the API resource, \
          1 cluster(s) had untolerated taint {cluster.karmada.io/not-ready:NoSchedule}."
        ]
    );
}

#[test]
fn a_definition_that_goes_to_a_cluster_makes_it_serve_the_kind() {
    let mut old = cluster("m1", 5);
    old["status"]["apiEnablements"] = json!([{"groupVersion": "apiextensions.k8s.io/v1",
        "resources": [{"name": "x", "kind": "CustomResourceDefinition"}]}]);
    let objects = with(
        vec![old],
        objects(indoc! {"
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: foos.example.io}
            spec:
              group: example.io
              scope: Namespaced
              names: {kind: Foo, plural: foos}
              versions: [{name: v1, served: true, storage: true}]
            ---
            apiVersion: example.io/v1
            kind: Foo
            metadata: {name: f}
            ---
            apiVersion: policy.karmada.io/v1alpha1
            kind: ClusterPropagationPolicy
            metadata: {name: all}
            spec:
              resourceSelectors:
              - {apiVersion: example.io/v1, kind: Foo}
              - {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}
        "}),
    );
    assert_eq!(
        lines(objects),
        ["CustomResourceDefinition foos.example.io [m1:0] Copied", "Foo f [m1:0] Copied"]
    );
}

#[test]
fn affinity_groups_are_tried_in_order() {
    let placement = json!({"clusterAffinities": [
        {"affinityName": "near", "clusterNames": ["m1"]}, {"affinityName": "far", "clusterNames": ["m2"]},
    ], "replicaScheduling": dynamic()["replicaScheduling"]});
    let objects = with(clusters(), [policy("p", json!({"placement": placement})), deployment("web", 15)]);
    let world = world(objects);
    let record = world.simulate().next().unwrap();
    assert_eq!(line(&record), "Deployment web [m2:15] Divided");
    let groups: Vec<&str> = record.attempts.iter().map(|attempt| attempt.affinity_name.as_str()).collect();
    assert_eq!(groups, ["near", "far"]);
    assert!(record.attempts[0].decision.result.is_err());
}

#[test]
fn dependencies_follow_their_workloads_once() {
    let app = |name: &str, cluster: &str| {
        let mut app = deployment(name, 1);
        app["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "configMap": {"name": "conf"}}]);
        let mut policy = policy(
            name,
            json!({"propagateDeps": true,
            "placement": {"clusterAffinity": {"clusterNames": [cluster]}},
            "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}]}),
        );
        policy["spec"]["conflictResolution"] = if name == "a" { "Overwrite" } else { "Abort" }.into();
        [app, policy]
    };
    let config =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"k": "v"}});
    let objects = with(with(with(clusters(), app("a", "m1")), app("b", "m2")), [config]);
    let world = world(objects);
    let records: Vec<Record> = world.simulate().collect();
    assert_eq!(
        line(&records[0]),
        "ConfigMap conf [m1:1 m2:1] Following; Dependency policy conflict detected: ConflictResolution conflicted (Overwrite vs Abort)."
    );
    let names: Vec<&str> = records[0].required_by.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let manifests = world.manifests().build(&records[0]).manifests;
    assert_eq!(manifests.len(), 2);
    assert_eq!(manifests[0].object["data"], json!({"k": "v"}));
    assert_eq!(
        manifests[0].object["metadata"]["annotations"]["work.karmada.io/conflict-resolution"],
        "overwrite"
    );
}

#[test]
fn what_is_needed_and_missing_is_noted() {
    let mut app = deployment("a", 1);
    app["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "secret": {"secretName": "key"}}]);
    let objects = with(clusters(), [app, policy("p", json!({"propagateDeps": true}))]);
    assert_eq!(
        lines(objects),
        ["Deployment a [m1:1 m2:1] Duplicated; needs Secret default/key, which is not in the input"]
    );
}

#[test]
fn overrides_change_what_members_get() {
    let override_policy = json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "OverridePolicy",
    "metadata": {"name": "o"}, "spec": {"overrideRules": [{
        "targetCluster": {"clusterNames": ["m2"]},
        "overriders": {"imageOverrider": [{"component": "Registry", "operator": "add", "value": "r.io"}]},
    }]}});
    let objects = with(clusters(), [policy("p", json!({})), deployment("web", 2), override_policy]);
    let world = world(objects);
    let mut simulation = world.simulate();
    let record = simulation.next().unwrap();
    assert_eq!(record.overrides.len(), 1);
    assert_eq!(record.overrides[0].policies[0].name, "o");
    assert_eq!(world.snapshot().name_of(record.overrides[0].clusters[0]), "m2");
    assert!(simulation.remarks().is_empty());
    let mut manifests = world.manifests().build(&record).manifests;
    manifests.sort_by(|left, right| left.cluster.cmp(&right.cluster));
    let image = |index: usize| &manifests[index].object["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!((image(0), image(1)), (&json!("nginx"), &json!("r.io/nginx")));
    let labels = &manifests[0].object["metadata"]["labels"];
    assert_eq!(labels["karmada.io/managed"], "true");
    assert_eq!(labels["work.karmada.io/permanent-id"].as_str().map(str::len), Some(36));
}

#[test]
fn an_override_that_does_not_apply_is_a_failure() {
    let override_policy = json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "ClusterOverridePolicy",
    "metadata": {"name": "o"}, "spec": {"overrideRules": [{
        "overriders": {"plaintext": [{"path": "/spec/no/such/path", "operator": "replace", "value": 1}]},
    }]}});
    let objects = with(clusters(), [policy("p", json!({})), deployment("web", 2), override_policy]);
    let world = world(objects);
    let record = world.simulate().next().unwrap();
    assert!(record.is_failure());
    assert_eq!(record.overrides[0].clusters.len(), 2);
    assert_eq!(world.manifests().build(&record).failures.len(), 2);
}

#[test]
fn what_is_left_alone_says_why() {
    let mut other = policy(
        "other",
        json!({"schedulerName": "mine", "resourceSelectors": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs"}]}),
    );
    other["metadata"]["namespace"] = "default".into();
    let mut system = deployment("system", 1);
    system["metadata"]["namespace"] = "kube-system".into();
    let mut going = deployment("going", 1);
    going["metadata"]["deletionTimestamp"] = "2025-01-01T00:00:00Z".into();
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}});
    let objects =
        with(clusters(), [other, deployment("theirs", 1), deployment("nobodys", 1), system, going, event]);
    assert_eq!(
        lines(objects),
        [
            "Deployment going [] not propagated: it is being deleted",
            "Deployment nobodys [] not propagated: no policy selects it",
            "Deployment theirs [] not scheduled: the scheduler mine decides, which is not simulated",
            "Event e [] not propagated: objects of its kind are never propagated",
            "Deployment system [] not propagated: objects of namespace kube-system are never propagated",
        ]
    );
}

#[test]
fn namespaces_go_to_every_member() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}});
    let world = world(with(clusters(), [namespace]));
    let record = world.simulate().next().unwrap();
    assert_eq!(line(&record), "Namespace team [m1:0 m2:0] Everywhere");
    assert_eq!(world.manifests().build(&record).manifests.len(), 2);
}

#[test]
fn suspension_and_conflicts_are_said_in_the_manifest() {
    let suspended = policy("p", json!({"suspension": {"dispatchingOnClusters": {"clusterNames": ["m2"]}}}));
    let world = world(with(clusters(), [suspended, deployment("web", 1)]));
    let record = world.simulate().next().unwrap();
    assert_eq!(
        line(&record),
        "Deployment web [m1:1 m2:1] Duplicated; dispatching is suspended: no changes for m2"
    );
    let manifests = world.manifests().build(&record).manifests;
    let suspended = manifests.iter().filter(|manifest| manifest.suspended).map(|manifest| &manifest.cluster);
    assert_eq!(suspended.collect::<Vec<_>>(), ["m2"]);
}

/// A world after its own decision: the binding of a record becomes part of the input.
fn with_binding(objects: &[Value], change: impl Fn(&mut Value)) -> Vec<Value> {
    let before = world(objects.to_vec());
    let record = before.simulate().next().unwrap();
    let mut binding = serde_json::to_value(record.binding().unwrap()).unwrap();
    change(&mut binding);
    with(objects.to_vec(), [binding])
}

#[test]
fn an_earlier_result_is_where_scheduling_starts() {
    let objects = with(clusters(), [policy("p", json!({"placement": dynamic()})), deployment("web", 6)]);
    let again = with_binding(&objects, |binding| {
        binding["spec"]["clusters"] = json!([{"name": "m1", "replicas": 5}]);
    });
    // One replica more, and the five stay.
    assert_eq!(lines(again), ["Deployment web [m1:5 m2:1] Divided"]);
    let older = with_binding(&objects, |binding| {
        binding["metadata"]["ownerReferences"][0]["uid"] = "another".into();
        binding["spec"]["clusters"] = json!([{"name": "gone", "replicas": 6}]);
    });
    // Without a uid of its own the resource is the one that the binding knows.
    assert_eq!(lines(older), ["Deployment web [m1:2 m2:4] Divided"]);
}

#[test]
fn a_resource_stays_where_its_binding_has_it_when_its_policy_goes() {
    let objects = with(clusters(), [policy("p", json!({})), deployment("web", 1)]);
    let mut again = with_binding(&objects, |_| {});
    again.retain(|object| object["kind"] != "PropagationPolicy");
    assert_eq!(
        lines(again),
        [
            "Deployment web [m1:1 m2:1] not propagated: no policy selects it; no policy selects it any more; it stays where it is"
        ]
    );
}

#[test]
fn preemption_takes_a_claimed_resource() {
    let mut claimed = deployment("web", 1);
    claimed["metadata"]["labels"] = json!({"propagationpolicy.karmada.io/permanent-id": "low-id"});
    claimed["metadata"]["annotations"] = json!({"propagationpolicy.karmada.io/name": "low", "propagationpolicy.karmada.io/namespace": "default"});
    let mut low = policy("low", json!({}));
    low["metadata"]["labels"] = json!({"propagationpolicy.karmada.io/permanent-id": "low-id"});
    let high = policy(
        "high",
        json!({"priority": 3, "preemption": "Always",
        "placement": {"clusterAffinity": {"clusterNames": ["m2"]}},
        "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}]}),
    );
    let objects = with(clusters(), [claimed, low, high]);
    assert_eq!(lines(objects.clone()), ["Deployment web [m1:1 m2:1] Duplicated"]);
    let options = SimulationOptions {
        gates: FeatureGates::default().with(Feature::PropagationPolicyPreemption, Switch::On),
        ..SimulationOptions::default()
    };
    let world = World::from_objects(objects, options).unwrap();
    let record = world.simulate().next().unwrap();
    assert_eq!(record.policy.as_ref().unwrap().name, "high");
    assert_eq!(record.targets().count(), 1);
}

#[test]
fn with_workload_affinity_high_priority_goes_first() {
    let options = SimulationOptions {
        gates: FeatureGates::default().with(Feature::WorkloadAffinity, Switch::On),
        ..SimulationOptions::default()
    };
    let placement = json!({"workloadAffinity": {"antiAffinity": {"groupByLabelKey": "g"}},
        "spreadConstraints": [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 1}]});
    let app = |name: &str| {
        let mut app = deployment(name, 1);
        app["metadata"]["labels"] = json!({"g": "x"});
        app
    };
    let objects =
        with(clusters(), [policy("p", json!({"placement": placement})), app("a"), app("b"), app("c")]);
    let world = World::from_objects(objects, options).unwrap();
    let clusters: Vec<usize> = world.simulate().map(|record| record.targets().count()).collect();
    assert_eq!(clusters, [1, 1, 0], "two clusters for three that avoid each other");
}

#[test]
fn problems_name_field_and_what_was_meant() {
    let wrong = vec![
        policy("p", json!({"preemption": "Maybe", "placement": {"clusterAffinities": "x"}})),
        policy(
            "q",
            json!({"placement": {"spreadConstraints": [{"spreadByField": "region", "maxGroups": -1}]}}),
        ),
        json!({"apiVersion": "apps/v1", "kind": "Deploymnet", "metadata": {"name": "x"}}),
        deployment("web", 1),
        deployment("web", 2),
    ];
    let problems = World::from_objects(wrong, SimulationOptions::default()).unwrap_err();
    let errors: Vec<(Option<usize>, &str)> = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| (problem.object, problem.field.as_str()))
        .collect();
    assert_eq!(
        errors,
        [
            (Some(0), "spec.placement.clusterAffinities"),
            (Some(0), "spec.preemption"),
            (Some(1), "spec.placement.spreadConstraints"),
            (Some(1), "spec.placement.spreadConstraints[0]"),
            (Some(2), "kind"),
            (Some(4), "metadata.name"),
        ]
    );
    let of = |object: usize| problems.iter().find(|problem| problem.object == Some(object)).unwrap();
    assert_eq!(of(2).hint.as_deref(), Some("did you mean Deployment?"));
    assert_eq!(of(4).related, Some(3));
}

#[test]
fn remarks_tell_what_has_no_part() {
    let idle =
        policy("idle", json!({"resourceSelectors": [{"apiVersion": "apps/v1beta1", "kind": "Deployment"}]}));
    let beaten = policy("z", json!({}));
    let only =
        policy("p", json!({"priority": 1, "placement": {"clusterAffinity": {"clusterNames": ["m1"]}}}));
    let world = world(with(clusters(), [idle, beaten, only, deployment("web", 1)]));
    let mut simulation = world.simulate();
    assert_eq!(simulation.by_ref().count(), 1);
    let remarks: Vec<(String, Option<String>)> =
        simulation.remarks().into_iter().map(|remark| (remark.message, remark.hint)).collect();
    assert_eq!(
        remarks,
        [
            ("nothing runs on m2".to_owned(), None),
            ("the policy selects nothing".to_owned(), Some("Deployment web is of apps/v1".to_owned())),
            (
                "the policy propagates nothing: PropagationPolicy p comes first for Deployment web"
                    .to_owned(),
                None
            ),
        ]
    );
}

fn customization(script: &str) -> Value {
    json!({"apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterCustomization",
        "metadata": {"name": "foos"}, "spec": {"target": {"apiVersion": "example.io/v1", "kind": "Foo"},
            "customizations": {"replicaResource": {"luaScript": script},
                "replicaRevision": {"luaScript": "function ReviseReplica(obj, n) obj.spec.size = n return obj end"}}}})
}

#[test]
fn scripts_of_the_input_say_what_its_kinds_mean() {
    let foo =
        json!({"apiVersion": "example.io/v1", "kind": "Foo", "metadata": {"name": "f"}, "spec": {"size": 6}});
    let policy = policy(
        "p",
        json!({"placement": dynamic(),
        "resourceSelectors": [{"apiVersion": "example.io/v1", "kind": "Foo"}]}),
    );
    let script = "function GetReplicas(obj) return obj.spec.size, nil end";
    let objects = with(clusters(), [foo, policy, customization(script)]);
    let world = world(objects);
    let record = world.simulate().next().unwrap();
    assert_eq!(line(&record), "Foo f [m1:2 m2:4] Divided");
    let manifests = world.manifests().build(&record).manifests;
    let sizes =
        manifests.iter().map(|manifest| (manifest.cluster.as_str(), &manifest.object["spec"]["size"]));
    assert_eq!(sizes.collect::<BTreeMap<_, _>>(), BTreeMap::from([("m1", &json!(2)), ("m2", &json!(4))]));
}

#[test]
fn a_script_that_cannot_be_read_is_refused_with_its_line() {
    let problems = World::from_objects(
        vec![customization("function GetReplicas(obj)\nreturn (")],
        SimulationOptions::default(),
    )
    .unwrap_err();
    let error = problems.iter().find(|problem| problem.severity == Severity::Error).unwrap();
    assert_eq!(error.field, "spec.customizations.replicaResource.luaScript");
    assert!(error.message.starts_with("line 2"), "{error:?}");
}

#[test]
fn a_diff_tells_what_moves() {
    let before =
        world(with(clusters(), [policy("p", json!({})), deployment("web", 2), deployment("gone", 1)]));
    let to_m2 = policy("p2", json!({"placement": {"clusterAffinity": {"clusterNames": ["m2"]}}}));
    let mut changed = deployment("web", 2);
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2".into();
    let after = world(with(clusters(), [to_m2, changed]));
    let changes: Vec<ResourceChange> = diff(&before, &after, DiffDetail::Manifests).collect();
    assert_eq!(changes.len(), 2);
    assert_eq!((changes[0].key.name.as_str(), changes[0].after.is_none()), ("gone", true));
    let web = &changes[1];
    assert_eq!(web.policy_change().unwrap().1.unwrap().name, "p2");
    let expected = |cluster: &str, after, is_object_changed| ClusterChange {
        cluster: cluster.to_owned(),
        before: Some(2),
        after,
        is_object_changed,
    };
    assert_eq!(web.clusters, [expected("m1", None, false), expected("m2", Some(2), true)]);
    assert_eq!(diff(&before, &before, DiffDetail::Manifests).count(), 0);
}

/// Objects that fit together in some way, with some that do not.
fn odd_world() -> impl Strategy<Value = Vec<Value>> {
    let cluster = (0..6_usize, 0..40_i64, any::<bool>()).prop_map(|(number, pods, bare)| {
        let mut cluster = cluster(&format!("m{number}"), pods);
        if bare {
            cluster.as_object_mut().unwrap().remove("status");
        }
        cluster
    });
    let placement = prop_oneof![
        Just(json!({})),
        Just(dynamic()),
        Just(json!({"clusterAffinity": {"clusterNames": ["m0", "m1", "m2"]}})),
        Just(json!({"spreadConstraints": [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 2}]})),
        Just(json!({"replicaScheduling": {"replicaDivisionPreference": "Aggregated"}})),
    ];
    let policy =
        (0..5_usize, placement, any::<bool>(), 0..3_i32).prop_map(|(number, placement, deps, priority)| {
            let kind = ["Deployment", "Job", "ConfigMap"][number % 3];
            let api_version = ["apps/v1", "batch/v1", "v1"][number % 3];
            policy(
                &format!("p{number}"),
                json!({"placement": placement, "propagateDeps": deps, "priority": priority,
            "resourceSelectors": [{"apiVersion": api_version, "kind": kind}]}),
            )
        });
    let odd = prop_oneof![
        Just(Value::Null),
        Just(json!("x")),
        Just(json!(-1)),
        Just(json!([1, {"a": null}])),
        Just(json!({"replicas": "3", "template": {"spec": {"containers": "no"}}})),
        Just(json!({"replicas": 7, "template": {"spec": {"containers": [
            {"name": "c", "envFrom": [{"configMapRef": {"name": "t0"}}, {"secretRef": {"name": 1}}],
             "resources": {"requests": {"cpu": "1"}}}]}}})),
    ];
    let template = (0..4_usize, 0..3_usize, odd).prop_map(|(number, kind, spec)| {
        let (api_version, kind) = [("apps/v1", "Deployment"), ("batch/v1", "Job"), ("v1", "ConfigMap")][kind];
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": format!("t{number}")}, "spec": spec})
    });
    let override_policy = (0..3_usize).prop_map(|number| {
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "OverridePolicy", "metadata": {"name": format!("o{number}")},
            "spec": {"overrideRules": [{"targetCluster": {"clusterNames": ["m0", format!("m{number}")]},
                "overriders": {"labelsOverrider": [{"operator": "add", "value": {"l": number.to_string()}}],
                    "plaintext": [{"path": "/spec/replicas", "operator": "replace", "value": number}]}}]}})
    });
    let part = prop_oneof![2 => cluster, 2 => policy, 4 => template, 1 => override_policy];
    proptest::collection::vec(part, 0..24).prop_map(|objects| {
        // The first of a name counts.
        let mut seen = BTreeMap::new();
        for object in objects {
            seen.entry(format!("{}/{}", object["kind"], object["metadata"]["name"])).or_insert(object);
        }
        seen.into_values().collect()
    })
}

/// Everything that a simulation says, without positions in the input.
fn everything(objects: Vec<Value>) -> Vec<String> {
    let world = world(objects);
    let manifests = world.manifests();
    let told = world.simulate().map(|record| {
        let objects = manifests.build(&record);
        let policy = record.policy.as_ref().map(|policy| policy.name.clone());
        let overrides: Vec<_> = record
            .overrides
            .iter()
            .map(|change| {
                let names: Vec<&str> = change.policies.iter().map(|policy| policy.name.as_str()).collect();
                (change.clusters.clone(), names.join(","), change.error.is_some())
            })
            .collect();
        let verdicts: Vec<_> =
            record.attempts.iter().map(|attempt| format!("{:?}", attempt.decision.verdicts)).collect();
        format!("{} {policy:?} {overrides:?} {verdicts:?} {objects:?}", line(&record))
    });
    told.collect()
}

/// Returns the clusters of a world as if they had reported the kinds that they are assumed to serve.
fn reported_clusters(objects: &[Value]) -> Vec<Cluster> {
    let clusters = objects.iter().filter(|object| object["kind"] == "Cluster");
    let reported = clusters.map(|object| {
        let mut cluster: Cluster = serde_json::from_value(object.clone()).unwrap();
        let kinds = [("apps/v1", "Deployment"), ("batch/v1", "Job"), ("v1", "ConfigMap")];
        let enablements = kinds.map(|(api_version, kind)| ApiEnablement {
            group_version: api_version.to_owned(),
            resources: vec![ApiResource { name: kind.to_lowercase(), kind: kind.to_owned() }],
        });
        cluster.status.get_or_insert_default().api_enablements = enablements.into();
        cluster
    });
    reported.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_of_the_input_has_no_meaning(
        (objects, shuffled) in odd_world().prop_flat_map(|objects| (Just(objects.clone()), Just(objects).prop_shuffle())),
    ) {
        prop_assert_eq!(everything(objects), everything(shuffled));
    }

    #[test]
    fn every_placement_keeps_the_promises_of_its_policy(objects in odd_world()) {
        let clusters = reported_clusters(&objects);
        let world = world(objects);
        let options = world.options.schedule_options();
        let context = ScheduleContext {
            snapshot: world.snapshot(),
            groups: &WorkloadGroups::default(),
            assumed: &AssumedWorkloads::default(),
            options: &options,
        };
        for record in world.simulate() {
            let Some(binding) = record.binding() else { continue };
            let mut spec = binding.spec().clone();
            spec.clusters.clear();
            let name = binding.metadata().name.as_deref().unwrap_or_default();
            for attempt in &record.attempts {
                let input = ScheduleInput {
                    name, spec: &spec, affinity_name: &attempt.affinity_name, last_scheduled: None, estimates: None,
                };
                let check = PlacementCheck { clusters: &clusters, peers: &[], context: &context, input: &input };
                prop_assert_eq!(check_placement(&check, &attempt.decision), vec![]);
            }
        }
    }
}
