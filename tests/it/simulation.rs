//! The simulation says what a running control plane does.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use karmada_apiserver::server::Limits;
use karmada_controllers::members::Connector;
use karmada_controllers::{ControlPlane, ControlPlaneSettings};
use karmada_core::simulation::{SimulationOptions, World};
use karmadactl::embedded::{ApiOptions, EmbeddedOptions, EmbeddedServer, Storage};
use karmadactl::join::{JoinOptions, join_cluster};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};

const NAMESPACE: &str = "sim";
const TIMEOUT: Duration = Duration::from_mins(1);
/// Identifiers that are given at random.
const IDS: [&str; 3] = [
    "resourcebinding.karmada.io/permanent-id",
    "clusterresourcebinding.karmada.io/permanent-id",
    "work.karmada.io/permanent-id",
];

/// Kinds that take part: version, kind, plural.
const KINDS: [(&str, &str, &str); 9] = [
    ("v1", "Namespace", "namespaces"),
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Service", "services"),
    ("apps/v1", "Deployment", "deployments"),
    ("batch/v1", "Job", "jobs"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
    ("policy.karmada.io/v1alpha1", "PropagationPolicy", "propagationpolicies"),
    ("policy.karmada.io/v1alpha1", "ClusterPropagationPolicy", "clusterpropagationpolicies"),
    ("policy.karmada.io/v1alpha1", "OverridePolicy", "overridepolicies"),
];

#[tokio::test(flavor = "multi_thread")]
async fn members_receive_what_the_simulation_says() -> anyhow::Result<()> {
    let connector = Connector::new();
    let server = EmbeddedServer::karmada_reaching(&options("control-plane"), connector.clone()).await?;
    let client = server.client();
    let mut members = Vec::new();
    for name in ["m1", "m2"] {
        let member = EmbeddedServer::plain(&options(name)).await?;
        connector.add_in_process(&member.url(), member.token_clients());
        join_cluster(&client, &member.client(), &JoinOptions::new(name.to_owned(), member.url())).await?;
        members.push(member);
    }
    let settings = ControlPlaneSettings { connector, ..ControlPlaneSettings::default() };
    let control_plane = ControlPlane::start(client.clone(), settings).await?;
    // Divided replicas stay where they are: both members must be there when they are placed.
    wait_until_ready(&client, members.len()).await?;
    for object in application() {
        create(&client, &object).await?;
    }

    let deadline = Instant::now() + TIMEOUT;
    loop {
        // Works first: what they are made from is never older.
        let real = real_manifests(&client).await?;
        let simulated = simulated_manifests(inputs(&client).await?);
        let settled = real == simulated;
        if settled || Instant::now() > deadline {
            assert_eq!(real.keys().collect::<Vec<_>>(), simulated.keys().collect::<Vec<_>>());
            assert_eq!(real, simulated);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    control_plane.shutdown().await;
    server.shutdown().await;
    for member in members {
        member.shutdown().await;
    }
    Ok(())
}

/// Waits until so many clusters are ready and have reported what they serve.
async fn wait_until_ready(client: &Client, count: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let clusters = list(client, &resource("cluster.karmada.io/v1alpha1", "Cluster", "clusters")).await?;
        let is_ready = |cluster: &&Value| {
            let conditions = cluster["status"]["conditions"].as_array().into_iter().flatten();
            let mut conditions =
                conditions.filter(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            conditions.next().is_some()
                && cluster["status"]["apiEnablements"].is_array()
                && cluster["spec"]["taints"].as_array().is_none_or(Vec::is_empty)
        };
        if clusters.iter().filter(is_ready).count() == count {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "the clusters are not ready: {clusters:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        name: name.to_owned(),
        storage: Storage::Memory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        preferred: None,
        api: ApiOptions::default(),
        limits: Limits::default(),
    }
}

/// Something of everything: shares by weight, dependencies, overrides, a Job, a cluster-wide object.
fn application() -> Vec<Value> {
    let pod = |labels: Value, volumes: Value| {
        json!({"metadata": {"labels": labels}, "spec": {
            "containers": [{"name": "main", "image": "nginx:1.27", "args": ["-x"]}], "volumes": volumes,
            "restartPolicy": if labels.is_null() { "Never" } else { "Always" }}})
    };
    let weights = json!({"replicaScheduling": {
        "replicaSchedulingType": "Divided", "replicaDivisionPreference": "Weighted",
        "weightPreference": {"staticWeightList": [
            {"targetCluster": {"clusterNames": ["m1"]}, "weight": 2},
            {"targetCluster": {"clusterNames": ["m2"]}, "weight": 1}]}}});
    let policy = |name: &str, selectors: Value, placement: &Value| {
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"resourceSelectors": selectors, "placement": placement, "propagateDeps": true,
                "conflictResolution": "Overwrite", "preserveResourcesOnDeletion": true}})
    };
    let labels = json!({"app": "web"});
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": NAMESPACE},
            "data": {"k": "v"}}),
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "OverridePolicy",
            "metadata": {"name": "m2", "namespace": NAMESPACE},
            "spec": {"overrideRules": [{"targetCluster": {"clusterNames": ["m2"]}, "overriders": {
                "imageOverrider": [{"component": "Registry", "operator": "add", "value": "r.example.io"}],
                "labelsOverrider": [{"operator": "add", "value": {"site": "two"}}]}}]}}),
        policy(
            "web",
            json!([{"apiVersion": "apps/v1", "kind": "Deployment"}, {"apiVersion": "batch/v1", "kind": "Job"}]),
            &weights,
        ),
        policy(
            "services",
            json!([{"apiVersion": "v1", "kind": "Service"}]),
            &json!({"clusterAffinity": {"clusterNames": ["m1"]}}),
        ),
        json!({"apiVersion": "policy.karmada.io/v1alpha1", "kind": "ClusterPropagationPolicy", "metadata": {"name": "roles"},
            "spec": {"resourceSelectors": [{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "sim-reader"}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": NAMESPACE, "labels": labels},
            "spec": {"replicas": 6, "selector": {"matchLabels": labels},
                "template": pod(labels.clone(), json!([{"name": "c", "configMap": {"name": "web"}}]))}}),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once", "namespace": NAMESPACE},
            "spec": {"parallelism": 3, "completions": 6, "template": pod(Value::Null, json!([]))}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "sim-reader"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}),
    ]
}

fn resource(api_version: &str, kind: &str, plural: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

async fn create(client: &Client, object: &Value) -> anyhow::Result<()> {
    let (_, kind, plural) = *KINDS.iter().find(|(_, kind, _)| object["kind"] == *kind).expect("a known kind");
    let resource = resource(object["apiVersion"].as_str().unwrap_or_default(), kind, plural);
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.create(&PostParams::default(), &serde_json::from_value(object.clone())?).await?;
    Ok(())
}

/// Returns all objects of a kind.
async fn list(client: &Client, resource: &ApiResource) -> anyhow::Result<Vec<Value>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let objects = api.list(&ListParams::default()).await?;
    let with_kind = objects.items.into_iter().map(|object| {
        let mut object = serde_json::to_value(&object)?;
        object["apiVersion"] = resource.api_version.as_str().into();
        object["kind"] = resource.kind.as_str().into();
        Ok(object)
    });
    with_kind.collect()
}

/// Returns what a user could export: clusters, policies and resources, but neither bindings nor Works.
async fn inputs(client: &Client) -> anyhow::Result<Vec<Value>> {
    let mut objects = list(client, &resource("cluster.karmada.io/v1alpha1", "Cluster", "clusters")).await?;
    for (api_version, kind, plural) in KINDS {
        let found = list(client, &resource(api_version, kind, plural)).await?;
        objects.extend(found.into_iter().filter(is_ours));
    }
    Ok(objects)
}

fn is_ours(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let is_cluster_wide = metadata["namespace"].is_null() && (name.starts_with(NAMESPACE) || name == "roles");
    (metadata["namespace"] == NAMESPACE && name != "kube-root-ca.crt") || is_cluster_wide
}

type Manifests = BTreeMap<String, Value>;

/// Returns the manifests of the Works, by cluster, kind and name.
async fn real_manifests(client: &Client) -> anyhow::Result<Manifests> {
    let works = list(client, &resource("work.karmada.io/v1alpha1", "Work", "works")).await?;
    let mut manifests = Manifests::new();
    for work in works {
        let namespace = work["metadata"]["namespace"].as_str().unwrap_or_default();
        let cluster = namespace.trim_start_matches("karmada-es-").to_owned();
        for manifest in work["spec"]["workload"]["manifests"].as_array().into_iter().flatten() {
            if is_ours(manifest) {
                insert(&mut manifests, &cluster, manifest.clone());
            }
        }
    }
    Ok(manifests)
}

fn simulated_manifests(objects: Vec<Value>) -> Manifests {
    let world = World::from_objects(objects, SimulationOptions::default()).expect("the server accepted it");
    let builder = world.manifests();
    let mut manifests = Manifests::new();
    for record in world.simulate() {
        for manifest in builder.build(&record).manifests {
            insert(&mut manifests, &manifest.cluster, manifest.object);
        }
    }
    manifests
}

fn insert(manifests: &mut Manifests, cluster: &str, mut manifest: Value) {
    for id in IDS {
        if let Some(value) = manifest["metadata"]["labels"].get_mut(id) {
            *value = "<id>".into();
        }
    }
    let key = format!("{cluster} {} {}", manifest["kind"], manifest["metadata"]["name"]);
    manifests.insert(key, manifest);
}
