//! Counts the memory that cached objects take, and checks that it is little more than their text.
//!
//! It also runs as a test.

#![expect(clippy::print_stdout, reason = "a benchmark prints its report")]

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use karmada_controllers::hub::{Informer, ObjectKey, Packable, Unstructured};
use karmada_core::api::work::{ResourceBinding, Work};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const OBJECTS: usize = 2_000;
/// What a cached object may take beside its text: its key, its place in the map and in the index.
const BESIDE: usize = 800;

fn main() {
    println!(
        "{:<24} {:>8} {:>10} {:>10} {:>10} {:>10}",
        "kind", "text", "as a tree", "cached", "take, us", "look, us"
    );
    check::<Unstructured, Value>("Deployment of a member", deployment, |object| {
        object.labels().values().cloned().collect()
    });
    check::<Unstructured, Value>("Pod of a member", pod, |object| {
        object.labels().values().cloned().collect()
    });
    check::<Work, Work>("Work", work, |work| work.labels().values().cloned().collect());
    check::<ResourceBinding, ResourceBinding>("ResourceBinding", binding, |binding| {
        binding.labels().values().cloned().collect()
    });
}

/// Reports what objects take in a cache of theirs, and as trees.
fn check<K, Tree>(name: &str, document: fn(usize) -> Value, index: fn(&K) -> Vec<String>)
where
    K: Resource + Packable + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    Tree: DeserializeOwned,
{
    let documents: Vec<Value> = (0..OBJECTS).map(document).collect();
    let bare = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        object.to_string()
    };
    let (texts, bare): (Vec<String>, Vec<String>) =
        documents.iter().map(|object| (object.to_string(), bare(object))).unzip();
    drop(documents);

    let region = Region::new(ALLOCATOR);
    let trees: Vec<Tree> = bare.iter().map(|text| read(text)).collect();
    let tree_bytes = live(&region);
    drop(trees);

    let cache = Informer::<K>::new("test", |object| object.meta_mut().managed_fields = None)
        .with_index(index)
        .packed();
    let region = Region::new(ALLOCATOR);
    let started = Instant::now();
    for text in &texts {
        cache.observe(read(text));
    }
    let take = started.elapsed();
    let cached_bytes = live(&region);

    let started = Instant::now();
    for number in 0..OBJECTS {
        let object = cache.find(&ObjectKey::new("ns", format!("web-{number}")));
        assert!(black_box(object).is_some_and(|object| object.meta().uid.is_some()));
    }
    let look = started.elapsed();

    let micros = |time: Duration| time.as_secs_f64() * 1e6 / OBJECTS as f64;
    println!(
        "{name:<24} {:>8} {tree_bytes:>10} {cached_bytes:>10} {:>10.1} {:>10.1}",
        bare[0].len(),
        micros(take),
        micros(look)
    );
    let limit = bare[0].len() + BESIDE;
    assert!(cached_bytes <= limit, "{name}: {cached_bytes} bytes, and no more than {limit} should be");
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the documents of this benchmark are objects")
}

/// Returns the bytes for each object that were allocated and not freed.
fn live(region: &Region<'_, std::alloc::System>) -> usize {
    let stats = region.change();
    (stats.bytes_allocated - stats.bytes_deallocated) / OBJECTS
}

fn metadata(number: usize, labels: Value, annotations: Value) -> Value {
    json!({
        "name": format!("web-{number}"), "namespace": "ns", "uid": format!("7f3f0a52-1111-4c1c-9d5e-{number:012}"),
        "resourceVersion": (number + 1).to_string(), "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": labels, "annotations": annotations,
        "managedFields": [{"apiVersion": "apps/v1", "fieldsType": "FieldsV1", "manager": "karmada", "operation": "Update",
            "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {}}}}}}],
    })
}

fn pod_spec() -> Value {
    json!({
        "containers": [{
            "name": "nginx", "image": "nginx:1.27", "imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "ports": [{"containerPort": 80, "protocol": "TCP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
        }],
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    })
}

fn deployment(number: usize) -> Value {
    let id = format!("3f0a52aa-2222-4c1c-9d5e-{number:012}");
    let labels = json!({"app": "web", "karmada.io/managed": "true", "propagationpolicy.karmada.io/permanent-id": "p",
        "work.karmada.io/permanent-id": id});
    let annotations = json!({"deployment.kubernetes.io/revision": "1", "work.karmada.io/name": format!("web-{number}-58d4b9cf7c"),
        "work.karmada.io/namespace": "karmada-es-member1", "resourcetemplate.karmada.io/uid": id,
        "resourcetemplate.karmada.io/generation": "1", "propagationpolicy.karmada.io/name": "p", "propagationpolicy.karmada.io/namespace": "ns",
        "resourcebinding.karmada.io/name": format!("web-{number}-deployment"), "resourcebinding.karmada.io/namespace": "ns"});
    let condition = |kind: &str, reason: &str| {
        json!({"type": kind, "status": "True", "reason": reason, "message": "Deployment has minimum availability.",
               "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(number, labels, annotations),
        "spec": {
            "replicas": 2, "progressDeadlineSeconds": 600, "revisionHistoryLimit": 10, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod_spec()},
        },
        "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "conditions": [condition("Available", "MinimumReplicasAvailable"), condition("Progressing", "NewReplicaSetAvailable")]},
    })
}

fn pod(number: usize) -> Value {
    let mut metadata = metadata(number, json!({"app": "web", "pod-template-hash": "58d4b9cf7c"}), json!({}));
    metadata["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-58d4b9cf7c", "uid": "u",
        "controller": true, "blockOwnerDeletion": true}]);
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let conditions: Vec<Value> =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .map(condition)
            .to_vec();
    let mut spec = pod_spec();
    spec["nodeName"] = json!("member1-node-1");
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
        "status": {"phase": "Running", "conditions": conditions, "hostIP": "172.18.0.2", "podIP": "10.0.0.7", "qosClass": "Burstable"}})
}

fn work(number: usize) -> Value {
    let mut manifest = deployment(number);
    let status = manifest["status"].take();
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.remove("status");
    }
    let id = format!("3f0a52aa-3333-4c1c-9d5e-{number:012}");
    let labels = json!({"resourcebinding.karmada.io/permanent-id": id, "propagationpolicy.karmada.io/permanent-id": "p",
        "work.karmada.io/permanent-id": id});
    let annotations = json!({"resourcebinding.karmada.io/name": format!("web-{number}-deployment"), "resourcebinding.karmada.io/namespace": "ns"});
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "R", "message": "Manifest has been successfully applied",
               "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "apiVersion": "work.karmada.io/v1alpha1", "kind": "Work", "metadata": metadata(number, labels, annotations),
        "spec": {"workload": {"manifests": [manifest]}},
        "status": {"conditions": [condition("Applied"), condition("Dispatching")],
            "manifestStatuses": [{"health": "Healthy", "status": status,
                "identifier": {"ordinal": 0, "group": "apps", "version": "v1", "kind": "Deployment", "resource": "deployments",
                    "namespace": "ns", "name": format!("web-{number}")}}]},
    })
}

fn binding(number: usize) -> Value {
    let clusters = ["member1", "member2", "member3"];
    let id = format!("3f0a52aa-4444-4c1c-9d5e-{number:012}");
    let items: Vec<Value> = clusters
        .map(|cluster| json!({"clusterName": cluster, "applied": true, "health": "Healthy", "status": deployment(number)["status"]}))
        .to_vec();
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "Success", "message": "Binding has been scheduled successfully.",
               "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    json!({
        "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
        "metadata": metadata(number, json!({"propagationpolicy.karmada.io/permanent-id": "p", "resourcebinding.karmada.io/permanent-id": id}),
            json!({"propagationpolicy.karmada.io/name": "p", "propagationpolicy.karmada.io/namespace": "ns"})),
        "spec": {
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "ns", "name": format!("web-{number}"), "uid": id,
                "resourceVersion": "12"},
            "replicas": 2, "replicaRequirements": {"resourceRequest": {"cpu": "100m", "memory": "64Mi"}},
            "clusters": clusters.map(|name| json!({"name": name, "replicas": 2})),
            "placement": {"clusterAffinity": {"clusterNames": clusters}}, "schedulerName": "default-scheduler", "conflictResolution": "Abort",
        },
        "status": {"schedulerObservedGeneration": 2, "lastScheduledTime": "2026-01-01T00:00:00Z", "aggregatedStatus": items,
            "conditions": [condition("Scheduled"), condition("FullyApplied")]},
    })
}
