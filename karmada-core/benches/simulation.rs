//! Time and memory of a simulation of 5,000 workloads on 1,000 clusters; docs/performance.md has a report.
//!
//! Every case is one run in this process, printed as one line: reading (from JSON values to a world),
//! simulating, and the highest memory so far. `cargo bench -p karmada-core --bench simulation [CASE]`
//! runs one case, for a peak of its own.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and the process's memory")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::time::Instant;

use karmada_core::simulation::{SimulationOptions, World};
use serde_json::{Value, json};

const CLUSTERS: usize = 1000;
const WORKLOADS: usize = 5000;
const REGIONS: usize = 10;

/// A name, the placement of all workloads, and what else is different.
type Case = (&'static str, Value, fn(&mut Vec<Value>));

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let cases: [Case; 5] = [
        ("divided", divided(), |_| {}),
        ("duplicated", json!({}), |_| {}),
        ("spread", spread(), |_| {}),
        ("policies", json!({}), one_policy_each),
        ("overrides-and-dependencies", json!({}), overrides_and_dependencies),
    ];
    for (name, placement, change) in cases {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            run(name, &placement, change);
        }
    }
}

fn run(name: &str, placement: &Value, change: fn(&mut Vec<Value>)) {
    let mut objects: Vec<Value> = (0..CLUSTERS).map(cluster).collect();
    objects.extend((0..WORKLOADS).map(workload));
    objects.push(policy("all", placement));
    change(&mut objects);
    let given = peak_memory();
    let start = Instant::now();
    let world = World::from_objects(objects, SimulationOptions::default()).unwrap();
    let read = start.elapsed();
    let start = Instant::now();
    let mut targets = 0;
    let mut failures = 0;
    let mut simulation = world.simulate();
    for record in simulation.by_ref() {
        targets += record.targets().count();
        failures += usize::from(record.is_failure());
    }
    let remarks = simulation.remarks().len();
    let simulated = start.elapsed();
    println!(
        "{name}: {} resources, {targets} placements, {failures} failures, {remarks} remarks; read {read:.2?}, \
         simulated {simulated:.2?}; peak {} MiB, {given} MiB of it for the objects",
        world.len(),
        peak_memory(),
    );
}

fn cluster(number: usize) -> Value {
    let region = number % REGIONS;
    json!({
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster",
        "metadata": {"name": format!("member-{number:04}"), "labels": {"tier": (number % 3).to_string()}},
        "spec": {"syncMode": "Push", "provider": "p", "region": format!("region-{region}"), "zones": [format!("zone-{}", number % 30)]},
        "status": {
            "apiEnablements": [
                {"groupVersion": "apps/v1", "resources": [{"name": "deployments", "kind": "Deployment"}]},
                {"groupVersion": "v1", "resources": [{"name": "configmaps", "kind": "ConfigMap"}]},
            ],
            "resourceSummary": {"allocatable": {"cpu": (100 + number % 50).to_string(), "memory": "400Gi", "pods": "500"},
                "allocated": {"cpu": "20", "memory": "10Gi", "pods": "40"}},
        },
    })
}

fn workload(number: usize) -> Value {
    let name = format!("app-{number:04}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": format!("team-{}", number % 20), "labels": {"app": name}},
        "spec": {
            "replicas": 2 + number % 40,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "main", "image": "nginx:1.27",
                    "ports": [{"containerPort": 80}],
                    "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
                    "env": [{"name": "LEVEL", "value": "info"}, {"name": "MODE", "value": "fast"}],
                }]},
            },
        },
    })
}

fn policy(name: &str, placement: &Value) -> Value {
    json!({
        "apiVersion": "policy.karmada.io/v1alpha1", "kind": "ClusterPropagationPolicy", "metadata": {"name": name},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], "placement": placement},
    })
}

fn divided() -> Value {
    json!({"replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"}}})
}

fn spread() -> Value {
    json!({
        "spreadConstraints": [
            {"spreadByField": "region", "minGroups": 2, "maxGroups": 3},
            {"spreadByField": "cluster", "minGroups": 2, "maxGroups": 10},
        ],
        "replicaScheduling": {"replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated"},
    })
}

/// A policy of its own for every workload.
fn one_policy_each(objects: &mut Vec<Value>) {
    let policies: Vec<Value> = (0..WORKLOADS)
        .map(|number| {
            let mut policy = policy(&format!("p-{number:04}"), &divided());
            policy["kind"] = "PropagationPolicy".into();
            policy["metadata"]["namespace"] = format!("team-{}", number % 20).into();
            policy["spec"]["resourceSelectors"][0]["name"] = format!("app-{number:04}").into();
            policy
        })
        .collect();
    objects.extend(policies);
}

/// Every workload takes a ConfigMap along to all clusters, and differs in the regions.
fn overrides_and_dependencies(objects: &mut Vec<Value>) {
    for object in objects.iter_mut() {
        match object["kind"].as_str() {
            Some("ClusterPropagationPolicy") => object["spec"]["propagateDeps"] = true.into(),
            Some("Deployment") => {
                let name = object["metadata"]["name"].clone();
                object["spec"]["template"]["spec"]["volumes"] =
                    json!([{"name": "v", "configMap": {"name": name}}]);
            }
            _ => {}
        }
    }
    objects.extend((0..WORKLOADS).map(|number| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("app-{number:04}"),
            "namespace": format!("team-{}", number % 20)}, "data": {"level": "info"}})
    }));
    objects.extend((0..REGIONS).map(|region| {
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "ClusterOverridePolicy",
            "metadata": {"name": format!("region-{region}")}, "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}],
                "overrideRules": [{
                    "targetCluster": {"fieldSelector": {"matchExpressions": [
                        {"key": "region", "operator": "In", "values": [format!("region-{region}")]}]}},
                    "overriders": {"imageOverrider": [
                        {"component": "Registry", "operator": "replace", "value": format!("r{region}.example.io")}]},
                }],
            }})
    }));
}

/// Returns the highest memory of this process so far, in MiB; zero where that cannot be read.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() / 1024
}
