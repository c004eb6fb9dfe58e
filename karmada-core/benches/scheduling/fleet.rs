//! A generated fleet: the same clusters on every run and machine.

use karmada_core::api::{cluster::Cluster, work::ResourceBindingSpec};
use serde_json::{Value, json};

const REGIONS: [(&str, &str); 12] = [
    ("aws", "us-east-1"),
    ("aws", "us-west-2"),
    ("aws", "eu-west-1"),
    ("aws", "ap-south-1"),
    ("gcp", "europe-west4"),
    ("gcp", "us-central1"),
    ("gcp", "asia-east1"),
    ("azure", "westeurope"),
    ("azure", "eastus2"),
    ("azure", "japaneast"),
    ("onprem", "frankfurt"),
    ("onprem", "singapore"),
];
const APIS: [(&str, &[&str]); 12] = [
    (
        "v1",
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("admissionregistration.k8s.io/v1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apps/v1", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("coordination.k8s.io/v1", &["Lease"]),
    ("discovery.k8s.io/v1", &["EndpointSlice"]),
    ("networking.k8s.io/v1", &["Ingress", "IngressClass", "NetworkPolicy"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    ("storage.k8s.io/v1", &["CSIDriver", "StorageClass", "VolumeAttachment"]),
];

/// What a fleet looks like.
#[derive(Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) clusters: usize,
    /// The number of regions; the first twelve have well-known names.
    pub(crate) regions: usize,
    /// Every so many clusters has the label `canary`.
    pub(crate) canary_every: usize,
}

/// Numbers that look random and are always the same (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len() as u64) as usize]
    }
}

impl Fleet {
    pub(crate) fn of(clusters: usize) -> Self {
        Self { clusters, regions: REGIONS.len(), canary_every: 20 }
    }

    /// Generates the clusters.
    pub(crate) fn generate(self) -> Vec<Cluster> {
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        (0..self.clusters).map(|number| self.cluster(number, &mut numbers)).collect()
    }

    fn cluster(self, number: usize, numbers: &mut Numbers) -> Cluster {
        let place = numbers.below(self.regions as u64) as usize;
        let (provider, region) = REGIONS[place % REGIONS.len()];
        let region = if place < REGIONS.len() {
            region.to_owned()
        } else {
            format!("{region}-{}", place / REGIONS.len())
        };
        let zones: Vec<String> = ["a", "b", "c"][..=numbers.below(3) as usize]
            .iter()
            .map(|zone| format!("{region}{zone}"))
            .collect();
        let mut labels = json!({
            "env": numbers.one_of(&["dev", "staging", "prod"]),
            "tier": numbers.one_of(&["gold", "silver", "bronze"]),
            "team": numbers.one_of(&["web", "ml", "data", "shop"]),
            "kubernetes.io/version": numbers.one_of(&["v1.32", "v1.33", "v1.34"]),
            "cluster.example.com/arch": numbers.one_of(&["amd64", "arm64"]),
            "topology.kubernetes.io/region": region,
        });
        if number.is_multiple_of(self.canary_every) {
            labels["canary"] = "true".into();
        }
        let nodes = 3 + numbers.below(60);
        let taken = 20 + numbers.below(70);
        let part = |amount: u64| amount * taken / 100;
        let (cpu, memory, disk, pods) = (nodes * 16, nodes * 64, nodes * 200, nodes * 110);
        let mut cluster = json!({
            "metadata": {"name": format!("cluster-{number:05}"), "labels": labels},
            "spec": {
                "syncMode": "Push", "apiEndpoint": format!("https://cluster-{number:05}.example.com:6443"),
                "provider": provider, "region": region, "zones": zones,
            },
            "status": {
                "kubernetesVersion": "v1.34.1",
                "apiEnablements": apis(),
                "conditions": [{"type": "Ready", "status": "True", "reason": "ClusterReady"}],
                "nodeSummary": {"totalNum": nodes, "readyNum": nodes},
                "resourceSummary": {
                    "allocatable": {
                        "cpu": cpu.to_string(), "memory": format!("{memory}Gi"),
                        "ephemeral-storage": format!("{disk}Gi"), "pods": pods.to_string(),
                    },
                    "allocated": {
                        "cpu": format!("{}m", part(cpu * 1000)), "memory": format!("{}Mi", part(memory * 1024)),
                        "pods": part(pods).to_string(),
                    },
                    "allocating": {"cpu": "250m", "memory": "512Mi"},
                },
            },
        });
        if numbers.below(20) == 0 {
            cluster["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoSchedule"}]);
        }
        serde_json::from_value(cluster).expect("a cluster")
    }
}

fn apis() -> Value {
    let group = |(version, kinds): &(&str, &[&str])| {
        let resources: Vec<Value> = kinds
            .iter()
            .map(|kind| json!({"name": format!("{}s", kind.to_lowercase()), "kind": kind}))
            .collect();
        json!({"groupVersion": version, "resources": resources})
    };
    APIS.iter().map(group).collect()
}

/// Returns a Deployment with this placement.
pub(crate) fn deployment(replicas: i32, placement: Value) -> ResourceBindingSpec {
    let spec = json!({
        "resource": {
            "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "checkout",
            "uid": "7d3f1c62-2f0e-4a57-9a66-0e2b6a1f8a11",
        },
        "replicas": replicas,
        "replicaRequirements": {"resourceRequest": {"cpu": "500m", "memory": "1Gi"}},
        "placement": placement,
    });
    serde_json::from_value(spec).expect("a binding")
}

/// Returns how to divide: `Aggregated`, or `Weighted` by room.
pub(crate) fn divided(preference: &str) -> Value {
    let mut strategy = json!({"replicaSchedulingType": "Divided", "replicaDivisionPreference": preference});
    if preference == "Weighted" {
        strategy["weightPreference"] = json!({"dynamicWeight": "AvailableReplicas"});
    }
    strategy
}

/// Returns constraints: so many regions, so many clusters.
pub(crate) fn spread(regions: (i64, i64), clusters: (i64, i64)) -> Value {
    json!([
        {"spreadByField": "region", "minGroups": regions.0, "maxGroups": regions.1},
        {"spreadByField": "cluster", "minGroups": clusters.0, "maxGroups": clusters.1},
    ])
}
