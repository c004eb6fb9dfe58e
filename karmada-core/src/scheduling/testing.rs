//! Clusters and bindings for tests.

use serde_json::{Value, json};

use super::{
    AssumedWorkloads, Decision, Explanation, PlacementCheck, ScheduleContext, ScheduleInput, ScheduleOptions,
    Snapshot, WorkloadGroups, check_placement, schedule,
};
use crate::api::{
    cluster::Cluster,
    work::{ResourceBinding, ResourceBindingSpec},
};

/// A cluster that serves Deployments.
pub(super) struct TestCluster(Value);

/// Returns a cluster with room for `pods` pods.
pub(super) fn cluster(name: &str, pods: i64) -> TestCluster {
    TestCluster(json!({
        "metadata": {"name": name},
        "status": {
            "apiEnablements": [{"groupVersion": "apps/v1", "resources": [{"name": "d", "kind": "Deployment"}]}],
            "resourceSummary": {"allocatable": {"pods": pods.to_string()}},
        },
    }))
}

impl TestCluster {
    pub(super) fn in_region(mut self, region: &str) -> Self {
        self.0["spec"]["region"] = region.into();
        self
    }

    /// Replaces a part of the object; what leads to it is made.
    pub(super) fn set(&mut self, path: &str, value: Value) {
        let target = path.split('/').skip(1).fold(&mut self.0, |object, key| &mut object[key]);
        *target = value;
    }
}

/// Everything around one call of the scheduler; change the fields before it.
pub(super) struct TestCase {
    pub(super) clusters: Vec<Cluster>,
    pub(super) spec: Value,
    pub(super) affinity_name: &'static str,
    /// Other bindings.
    pub(super) peers: Vec<ResourceBinding>,
    pub(super) options: ScheduleOptions,
}

/// Returns a case: a Deployment with these replicas and placement.
pub(super) fn case(
    clusters: impl IntoIterator<Item = TestCluster>,
    replicas: i32,
    placement: Value,
) -> TestCase {
    let clusters = clusters.into_iter().map(|cluster| serde_json::from_value(cluster.0).unwrap());
    TestCase {
        clusters: clusters.collect(),
        spec: json!({
            "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
            "replicas": replicas,
            "placement": placement,
        }),
        affinity_name: "",
        peers: Vec::new(),
        options: ScheduleOptions::default(),
    }
}

impl TestCase {
    /// Says where the replicas are now.
    pub(super) fn held(mut self, clusters: &[(&str, i32)]) -> Self {
        self.spec["clusters"] =
            clusters.iter().map(|(name, replicas)| json!({"name": name, "replicas": replicas})).collect();
        self
    }

    /// Asks for a schedule from scratch.
    pub(super) fn fresh(mut self) -> Self {
        self.spec["rescheduleTriggeredAt"] = json!("2025-01-01T00:00:01Z");
        self
    }

    /// Schedules; checks the promises of the placement; returns `name:replicas` or the error.
    pub(super) fn run(&self) -> String {
        match self.decide().result {
            Ok(targets) => {
                let targets: Vec<String> =
                    targets.iter().map(|target| format!("{}:{}", target.name, target.replicas)).collect();
                targets.join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn decide(&self) -> Decision {
        self.decide_and(|_, _, decision| decision)
    }

    /// Schedules and reads the explanation.
    pub(super) fn explain<T>(&self, read: impl FnOnce(Explanation<'_>) -> T) -> T {
        self.decide_and(|context, input, decision| read(decision.explain(context, input)))
    }

    fn decide_and<T>(&self, read: impl FnOnce(&ScheduleContext<'_>, &ScheduleInput<'_>, Decision) -> T) -> T {
        let snapshot = Snapshot::new(&self.clusters);
        let spec: ResourceBindingSpec = serde_json::from_value(self.spec.clone()).unwrap();
        let mut groups = WorkloadGroups::default();
        self.peers.iter().for_each(|peer| groups.observe(peer));
        let assumed = AssumedWorkloads::default();
        let context = ScheduleContext {
            snapshot: &snapshot,
            groups: &groups,
            assumed: &assumed,
            options: &self.options,
        };
        let input = ScheduleInput {
            name: "web-deployment",
            spec: &spec,
            affinity_name: self.affinity_name,
            last_scheduled: Some("2025-01-01T00:00:00Z".parse().unwrap()),
            estimates: None,
        };
        let decision = schedule(&context, &input);
        let check =
            PlacementCheck { clusters: &self.clusters, peers: &self.peers, context: &context, input: &input };
        assert_eq!(check_placement(&check, &decision), []);
        read(&context, &input, decision)
    }
}

/// Returns a placement that divides by room into as few clusters as possible.
pub(super) fn aggregated() -> Value {
    json!({"replicaScheduling": {
        "replicaSchedulingType": "Divided", "replicaDivisionPreference": "Aggregated",
    }})
}

/// Returns a placement that divides by room over all clusters.
pub(super) fn dynamic() -> Value {
    weighted(json!({"dynamicWeight": "AvailableReplicas"}))
}

/// Returns a placement that divides by weights.
pub(super) fn weighted(preference: Value) -> Value {
    json!({"replicaScheduling": {
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": "Weighted",
        "weightPreference": preference,
    }})
}
