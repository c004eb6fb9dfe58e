//! How long each native operation takes, on a Deployment of a usual size and on what members report of it.
//!
//! `cargo bench -p karmada-core --bench interpreter_native`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use karmada_core::api::work::{AggregatedStatusItem, ResourceHealth};
use karmada_core::interpreter::{Interpreter, ResourceInterpreter};
use serde_json::{Value, json};

/// Member clusters that report a status.
const MEMBERS: usize = 100;
/// Containers of a pod, with what they usually name.
const CONTAINERS: usize = 3;

fn pod_template() -> Value {
    let container = |index: usize| {
        json!({
            "name": format!("c{index}"),
            "image": "registry.example.com/team/app:1.2.3",
            "resources": {
                "requests": {"cpu": "250m", "memory": "128Mi"},
                "limits": {"cpu": "1", "memory": "512Mi"},
            },
            "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": format!("settings-{index}"), "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": format!("token-{index}"), "key": "b"}}},
                {"name": "C", "value": "plain"},
            ],
            "envFrom": [{"configMapRef": {"name": "common"}}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        })
    };
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "serviceAccountName": "web",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "containers": (0..CONTAINERS).map(container).collect::<Vec<_>>(),
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
    })
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "generation": 4,
            "labels": {"resourcetemplate.karmada.io/retain-replicas": "true"},
            "annotations": {"resourcetemplate.karmada.io/generation": "4"},
        },
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": pod_template()},
        "status": status(),
    })
}

fn pod() -> Value {
    let mut pod = pod_template();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"] = json!({"name": "web", "namespace": "shop"});
    pod
}

fn status() -> Value {
    json!({
        "replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "observedGeneration": 4,
        "generation": 4, "resourceTemplateGeneration": 4,
        "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
    })
}

fn items() -> Vec<AggregatedStatusItem> {
    let item = |index: usize| AggregatedStatusItem {
        cluster_name: format!("member{index}"),
        status: Some(status()),
        applied: true,
        health: ResourceHealth::Healthy,
        ..Default::default()
    };
    (0..MEMBERS).map(item).collect()
}

fn native_operations(criterion: &mut Criterion) {
    let interpreter = Interpreter::default();
    let (deployment, pod, items) = (deployment(), pod(), items());
    let mut group = criterion.benchmark_group("interpreter-native");
    group.bench_function("InterpretReplica", |bencher| {
        bencher.iter(|| interpreter.replicas(black_box(&deployment)));
    });
    group.bench_function("ReviseReplica", |bencher| {
        let input = || deployment.clone();
        bencher.iter_batched(input, |object| interpreter.revise_replica(object, 5), BatchSize::SmallInput);
    });
    group.bench_function("Retain", |bencher| {
        let input = || deployment.clone();
        bencher.iter_batched(input, |object| interpreter.retain(object, &deployment), BatchSize::SmallInput);
    });
    group.bench_function("Retain of a Pod", |bencher| {
        bencher.iter_batched(
            || pod.clone(),
            |object| interpreter.retain(object, &pod),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("AggregateStatus of 100 members", |bencher| {
        let now = Timestamp::UNIX_EPOCH;
        bencher.iter(|| interpreter.aggregate_status(black_box(&deployment), Some(&items), now));
    });
    group.bench_function("InterpretDependency", |bencher| {
        bencher.iter(|| interpreter.dependencies(black_box(&deployment)));
    });
    group.bench_function("InterpretStatus", |bencher| {
        bencher.iter(|| interpreter.reflect_status(black_box(&deployment)));
    });
    group.bench_function("InterpretHealth", |bencher| {
        bencher.iter(|| interpreter.health(black_box(&deployment)));
    });
    group.finish();
}

criterion_group!(benches, native_operations);
criterion_main!(benches);
