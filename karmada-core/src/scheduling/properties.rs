//! Properties of whole schedules, checked on random clusters and bindings.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    AssumedWorkloads, Decision, FeatureGates, ScheduleContext, ScheduleInput, ScheduleOptions, Snapshot,
    WorkloadGroups, check_placement, schedule,
};
use crate::api::{cluster::Cluster, work::ResourceBindingSpec};

const REGIONS: [&str; 3] = ["", "eu", "us"];

/// A cluster with some room, in some region, sometimes with a taint or without the API.
fn cluster(number: usize) -> impl Strategy<Value = Cluster> {
    (0..60_i64, 0..16_i64, 0..3_usize, 0..8_u8, 0..8_u8, 0..12_u8).prop_map(
        move |(pods, cpu, region, tainted, bare, deleting)| {
            let mut cluster = json!({
                "metadata": {"name": format!("m{number:02}"), "labels": {"parity": (number % 2).to_string()}},
                "spec": {"region": REGIONS[region], "provider": "p", "zones": ["z"]},
                "status": {
                    "apiEnablements": [{"groupVersion": "apps/v1", "resources": [{"name": "d", "kind": "Deployment"}]}],
                    "resourceSummary": {"allocatable": {"pods": pods.to_string(), "cpu": cpu.to_string()}},
                },
            });
            if tainted == 0 {
                cluster["spec"]["taints"] = json!([{"key": "k", "effect": "NoSchedule"}]);
            }
            if bare == 0 {
                cluster["status"]["apiEnablements"] = json!([]);
            }
            if deleting == 0 {
                cluster["metadata"]["deletionTimestamp"] = json!("2025-01-01T00:00:00Z");
            }
            serde_json::from_value(cluster).unwrap()
        },
    )
}

fn clusters() -> impl Strategy<Value = Vec<Cluster>> {
    (0..24_usize).prop_flat_map(|count| (0..count).map(cluster).collect::<Vec<_>>())
}

fn replica_scheduling() -> impl Strategy<Value = Value> {
    let divided = |preference: &str, weights: Value| {
        json!({
            "replicaSchedulingType": "Divided",
            "replicaDivisionPreference": preference,
            "weightPreference": weights,
        })
    };
    prop_oneof![
        Just(json!({"replicaSchedulingType": "Duplicated"})),
        Just(divided("Aggregated", Value::Null)),
        Just(divided("Weighted", json!({"dynamicWeight": "AvailableReplicas"}))),
        Just(divided("Weighted", Value::Null)),
        Just(divided(
            "Weighted",
            json!({"staticWeightList": [
                {"targetCluster": {"labelSelector": {"matchLabels": {"parity": "0"}}}, "weight": 3},
                {"targetCluster": {"clusterNames": ["m01", "m03"]}, "weight": 1},
            ]})
        )),
    ]
}

fn spread_constraints() -> impl Strategy<Value = Value> {
    (0..4_u8, 0..4_i64, 0..5_i64, 0..3_i64, 1..3_i64).prop_map(
        |(kind, min, more, min_regions, more_regions)| {
            let cluster = json!({"spreadByField": "cluster", "minGroups": min, "maxGroups": min + more});
            let region = json!({
                "spreadByField": "region", "minGroups": min_regions, "maxGroups": min_regions + more_regions,
            });
            match kind {
                0 => json!([]),
                1 => json!([cluster]),
                2 => json!([region]),
                _ => json!([region, cluster]),
            }
        },
    )
}

fn affinity() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"clusterAffinity": {"exclude": ["m00", "m05"]}})),
        Just(json!({"clusterAffinities": [{
            "affinityName": "a",
            "labelSelector": {"matchLabels": {"parity": "1"}},
            "overflowAffinities": [{"affinityName": "b", "clusterNames": ["m00", "m02"]}, {"affinityName": "c"}],
        }]})),
    ]
}

fn spec() -> impl Strategy<Value = ResourceBindingSpec> {
    let previous = proptest::collection::btree_map(0..26_usize, 0..20_i32, 0..6);
    (replica_scheduling(), spread_constraints(), affinity(), previous, 1..120_i32, any::<bool>(), any::<bool>())
        .prop_map(|(replica_scheduling, spread_constraints, mut placement, previous, replicas, fresh, wants_cpu)| {
            placement["replicaScheduling"] = replica_scheduling;
            placement["spreadConstraints"] = spread_constraints;
            let clusters: Vec<Value> = previous
                .iter()
                .map(|(number, replicas)| json!({"name": format!("m{number:02}"), "replicas": replicas}))
                .collect();
            let mut spec = json!({
                "resource": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "n", "name": "w", "uid": "u1",
                },
                "replicas": replicas, "placement": placement, "clusters": clusters,
            });
            if fresh {
                spec["rescheduleTriggeredAt"] = json!("2025-01-01T00:00:01Z");
            }
            if wants_cpu {
                spec["replicaRequirements"] = json!({"resourceRequest": {"cpu": "250m"}});
            }
            serde_json::from_value(spec).unwrap()
        })
}

fn run<T>(clusters: &[Cluster], spec: &ResourceBindingSpec, check: impl FnOnce(Ran<'_>) -> T) -> T {
    let snapshot = Snapshot::new(clusters);
    let (groups, assumed) = (WorkloadGroups::default(), AssumedWorkloads::default());
    let options = ScheduleOptions { gates: FeatureGates::default(), ..Default::default() };
    let context =
        ScheduleContext { snapshot: &snapshot, groups: &groups, assumed: &assumed, options: &options };
    let input = ScheduleInput {
        name: "w-deployment",
        spec,
        affinity_name: "a",
        last_scheduled: Some("2025-01-01T00:00:00Z".parse().unwrap()),
        estimates: None,
    };
    check((&context, &input, schedule(&context, &input)))
}

type Ran<'a> = (&'a ScheduleContext<'a>, &'a ScheduleInput<'a>, Decision);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_result_keeps_the_promises_of_the_placement(clusters in clusters(), spec in spec()) {
        let violations = run(&clusters, &spec, |(context, input, decision)| {
            check_placement(context, input, &decision)
        });
        prop_assert_eq!(violations, vec![]);
    }

    #[test]
    fn the_order_of_clusters_has_no_meaning(
        (shuffled, clusters) in clusters().prop_flat_map(|clusters| (Just(clusters.clone()).prop_shuffle(), Just(clusters))),
        spec in spec(),
    ) {
        let first = run(&clusters, &spec, |(_, _, decision)| (decision.result, decision.verdicts));
        let second = run(&shuffled, &spec, |(_, _, decision)| (decision.result, decision.verdicts));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn an_updated_snapshot_is_like_a_new_one(clusters in clusters(), changed in clusters(), spec in spec()) {
        let mut updated = Snapshot::new(&clusters);
        for cluster in clusters.iter().skip(changed.len()) {
            updated.remove(cluster.name());
        }
        for cluster in &changed {
            updated.upsert(cluster);
        }
        let (groups, assumed, options) =
            (WorkloadGroups::default(), AssumedWorkloads::default(), ScheduleOptions::default());
        let context = ScheduleContext { snapshot: &updated, groups: &groups, assumed: &assumed, options: &options };
        let (expected, got) = run(&changed, &spec, |(_, input, decision)| {
            let again = schedule(&context, input);
            ((decision.result, decision.verdicts), (again.result, again.verdicts))
        });
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn a_steady_result_stays_as_it_is(clusters in clusters(), spec in spec()) {
        let mut spec = spec;
        spec.reschedule_triggered_at = None;
        // Clusters that are used score higher, so constraints and tiers may be filled another way.
        spec.placement.as_mut().unwrap().spread_constraints.clear();
        spec.placement.as_mut().unwrap().cluster_affinities.clear();
        let Ok(result) = run(&clusters, &spec, |(_, _, decision)| decision.result) else { return Ok(()) };
        spec.clusters.clone_from(&result);
        let again = run(&clusters, &spec, |(_, _, decision)| decision.result).unwrap();
        let sorted = |mut targets: Vec<_>| {
            targets.sort_by(|a: &crate::api::work::TargetCluster, b| a.name.cmp(&b.name));
            targets
        };
        prop_assert_eq!(sorted(again), sorted(result));
    }
}
