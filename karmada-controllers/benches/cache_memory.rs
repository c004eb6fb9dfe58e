//! Counts the memory that cached objects take, and checks that it is little more than their text.
//!
//! It also runs as a test.

#![expect(clippy::print_stdout, reason = "a benchmark prints its report")]

use std::fmt::Debug;
use std::hint::black_box;
use std::time::Instant;

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
const BESIDE: usize = 500;

fn main() {
    println!(
        "{:<28} {:>8} {:>12} {:>12} {:>10} {:>10}",
        "kind", "text", "as objects", "as text", "take, us", "look, us"
    );
    check("Deployment of a member", deployment, |object: &Unstructured| {
        object.labels().values().cloned().collect()
    });
    check("Pod of a member", pod, |object: &Unstructured| object.labels().values().cloned().collect());
    check("Work", work, |work: &Work| work.labels().values().cloned().collect());
    check("ResourceBinding", binding, |binding: &ResourceBinding| {
        binding.labels().values().cloned().collect()
    });
}

fn check<K>(name: &str, document: fn(usize) -> Value, index: fn(&K) -> Vec<String>)
where
    K: Resource + Packable + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let texts: Vec<String> = (0..OBJECTS).map(|number| document(number).to_string()).collect();
    let whole =
        Informer::<K>::new("whole", |object| object.meta_mut().managed_fields = None).with_index(index);
    let packed = Informer::<K>::new("packed", |object| object.meta_mut().managed_fields = None)
        .with_index(index)
        .packed();
    let (whole_bytes, _) = fill(&whole, &texts);
    let (packed_bytes, take) = fill(&packed, &texts);

    let keys: Vec<ObjectKey> =
        (0..OBJECTS).map(|number| ObjectKey::new("ns", format!("web-{number}"))).collect();
    let started = Instant::now();
    for key in &keys {
        let object = packed.find(key);
        assert!(black_box(object).is_some());
    }
    let look = started.elapsed();

    let mut kept: Value = document(0);
    if let Some(metadata) = kept["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    let text = kept.to_string().len();
    let micros = |time: std::time::Duration| time.as_secs_f64() * 1e6 / OBJECTS as f64;
    println!(
        "{name:<28} {text:>8} {whole_bytes:>12} {packed_bytes:>12} {:>10.1} {:>10.1}",
        micros(take),
        micros(look)
    );
    assert!(packed_bytes <= text + BESIDE, "{name}: {packed_bytes} bytes for a text of {text}");
}

/// Fills a cache and returns the bytes that it takes for each object, and how long that took.
fn fill<K>(cache: &Informer<K>, texts: &[String]) -> (usize, std::time::Duration)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let region = Region::new(ALLOCATOR);
    let started = Instant::now();
    for text in texts {
        cache.observe(serde_json::from_str(text).expect("the documents of this benchmark are objects"));
    }
    let time = started.elapsed();
    let stats = region.change();
    let live = stats.bytes_allocated.saturating_add_signed(stats.bytes_reallocated) - stats.bytes_deallocated;
    (live / texts.len(), time)
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
