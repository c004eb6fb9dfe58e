//! Properties of whole schedules, checked on random clusters and bindings.
//!
//! The first runs 10,000 cases and the others 600; `PROPTEST_CASES` sets another number for all.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{
    AssumedWorkloads, BindingInput, Decision, EmptyWorkloads, FeatureGates, PlacementCheck, ScheduleContext,
    ScheduleError, ScheduleInput, ScheduleOptions, Selection, Snapshot, SpreadGroup, WorkloadGroups,
    check_placement, reconcile_binding, schedule,
};
use crate::api::{
    cluster::Cluster,
    policy::SpreadField,
    work::{ResourceBinding, ResourceBindingSpec, TargetCluster},
};

const REGIONS: [&str; 4] = ["", "eu", "us", "asia"];

/// Returns the number of cases, unless the environment says another than proptest's default.
fn cases(number: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_default = config.cases == 256;
    ProptestConfig { cases: if is_default { number } else { config.cases }, ..config }
}

fn name_of(number: usize) -> String {
    format!("m{number:02}")
}

/// A cluster with some room, in some region; sometimes with taints, without the API, with nodes by
/// grade, without a report, or being deleted.
fn cluster(number: usize) -> impl Strategy<Value = Cluster> {
    let resources = (0..60_i64, 0..16_i64, 0..8_i64, 0..5_i64);
    let flags = (0..6_u8, 0..8_u8, 0..12_u8, 0..4_u8, 0..16_u8);
    (resources, 0..REGIONS.len(), flags, vec((0..4_u32, 0..6_i32), 0..4)).prop_map(
        move |((pods, cpu, memory, taken), region, (tainted, bare, deleting, modelled, silent), grades)| {
            let mut cluster = json!({
                "metadata": {
                    "name": name_of(number),
                    "labels": {"parity": (number % 2).to_string(), "third": (number % 3).to_string()},
                },
                "spec": {"region": REGIONS[region], "provider": "p", "zones": ["z"]},
                "status": {
                    "apiEnablements": [{"groupVersion": "apps/v1", "resources": [{"name": "d", "kind": "Deployment"}]}],
                    "resourceSummary": {
                        "allocatable": {
                            "pods": pods.to_string(), "cpu": cpu.to_string(), "memory": format!("{memory}Gi"),
                        },
                        "allocated": {"pods": taken.to_string(), "cpu": format!("{}m", taken * 130)},
                        "allocating": {"pods": (taken / 2).to_string()},
                    },
                },
            });
            match tainted {
                0 => cluster["spec"]["taints"] = json!([{"key": "k", "effect": "NoSchedule"}]),
                1 => {
                    cluster["spec"]["taints"] = json!([
                        {"key": "soft", "effect": "PreferNoSchedule"},
                        {"key": "team", "value": "ml", "effect": "NoExecute"},
                    ]);
                }
                _ => {}
            }
            if bare == 0 {
                cluster["status"]["apiEnablements"] = json!([]);
            }
            if deleting == 0 {
                cluster["metadata"]["deletionTimestamp"] = json!("2025-01-01T00:00:00Z");
            }
            if modelled == 0 {
                let model = |grade: i64| {
                    json!({"grade": grade, "ranges": [
                        {"name": "cpu", "min": grade.to_string(), "max": (grade + 1).to_string()},
                        {"name": "memory", "min": format!("{grade}Gi"), "max": format!("{}Gi", grade + 1)},
                    ]})
                };
                cluster["spec"]["resourceModels"] = (0..3).map(model).collect();
                let count = |(grade, count): &(u32, i32)| json!({"grade": grade, "count": count});
                cluster["status"]["resourceSummary"]["allocatableModelings"] = grades.iter().map(count).collect();
            }
            if silent == 0 {
                cluster["status"]["resourceSummary"] = Value::Null;
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
        Just(Value::Null),
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
    (0..5_u8, 1..4_i64, 0..5_i64, 1..4_i64, 0..3_i64).prop_map(
        |(kind, min, more, min_regions, more_regions)| {
            let cluster = json!({"spreadByField": "cluster", "minGroups": min, "maxGroups": min + more});
            let region = json!({
                "spreadByField": "region", "minGroups": min_regions, "maxGroups": min_regions + more_regions,
            });
            match kind {
                0 | 1 => json!([]),
                2 => json!([cluster]),
                3 => json!([region]),
                _ => json!([region, cluster]),
            }
        },
    )
}

fn affinity() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"clusterAffinity": {"exclude": ["m00", "m05"]}})),
        Just(json!({"clusterAffinity": {
            "labelSelector": {"matchExpressions": [{"key": "third", "operator": "NotIn", "values": ["1"]}]},
            "fieldSelector": {"matchExpressions": [{"key": "region", "operator": "Exists"}]},
        }})),
        Just(json!({"clusterAffinities": [
            {
                "affinityName": "a",
                "labelSelector": {"matchLabels": {"parity": "1"}},
                "overflowAffinities": [{"affinityName": "b", "clusterNames": ["m00", "m02"]}, {"affinityName": "c"}],
            },
            {"affinityName": "d", "labelSelector": {"matchLabels": {"third": "0"}}},
        ]})),
    ]
}

/// What a workload asks for: nothing, resources, or components.
fn demand() -> impl Strategy<Value = Value> {
    let component = |name: &str, replicas: i32, cpu: &str| {
        json!({
            "name": name, "replicas": replicas,
            "replicaRequirements": {"resourceRequest": {"cpu": cpu, "memory": "512Mi"}},
        })
    };
    prop_oneof![
        Just(json!({})),
        Just(json!({"replicaRequirements": {"resourceRequest": {"cpu": "250m"}}})),
        Just(json!({"replicaRequirements": {"resourceRequest": {"cpu": "1", "memory": "700Mi"}}})),
        Just(json!({"replicaRequirements": {"resourceRequest": {"example.com/gpu": "1"}}})),
        Just(json!({"components": [component("a", 1, "500m"), component("b", 2, "250m")]})),
    ]
}

fn spec() -> impl Strategy<Value = ResourceBindingSpec> {
    let previous = proptest::collection::btree_map(0..26_usize, 1..20_i32, 0..6);
    let placement = (replica_scheduling(), spread_constraints(), affinity(), any::<bool>());
    let state = (previous, 0..120_i32, any::<bool>(), vec(0..24_usize, 0..2), 0..4_u8);
    (placement, state, demand(), 0..6_u8).prop_map(
        |((strategy, constraints, mut placement, tolerates), (previous, replicas, fresh, evicted, groups), demand, uid)| {
            placement["replicaScheduling"] = strategy;
            placement["spreadConstraints"] = constraints;
            if tolerates {
                placement["clusterTolerations"] =
                    json!([{"key": "team", "operator": "Equal", "value": "ml", "effect": "NoExecute"}]);
            }
            let clusters: Vec<Value> = previous
                .iter()
                .map(|(number, replicas)| json!({"name": name_of(*number), "replicas": replicas}))
                .collect();
            let tasks: Vec<Value> = evicted
                .iter()
                .map(|number| json!({"fromCluster": name_of(*number), "reason": "TaintUntolerated", "producer": "p"}))
                .collect();
            let mut spec = json!({
                "resource": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "namespace": "n", "name": "w", "uid": format!("u{uid}"),
                },
                "replicas": replicas, "placement": placement, "clusters": clusters,
                "gracefulEvictionTasks": tasks,
            });
            if fresh {
                spec["rescheduleTriggeredAt"] = json!("2025-01-01T00:00:01Z");
            }
            match groups {
                0 => spec["workloadAffinityGroups"] = json!({"affinityGroup": "g"}),
                1 => spec["workloadAffinityGroups"] = json!({"antiAffinityGroup": "g"}),
                _ => {}
            }
            if demand.get("components").is_some() {
                spec["replicas"] = json!(0);
            }
            for (key, value) in demand.as_object().unwrap() {
                spec[key] = value.clone();
            }
            serde_json::from_value(spec).unwrap()
        },
    )
}

/// Other workloads of the group, in two versions.
fn peers() -> impl Strategy<Value = Vec<ResourceBinding>> {
    let peer = (0..3_u8, 1..4_u64, vec(0..24_usize, 0..5)).prop_map(|(number, version, clusters)| {
        let clusters: Vec<Value> = clusters.iter().map(|number| json!({"name": name_of(*number)})).collect();
        serde_json::from_value(json!({
            "metadata": {"namespace": "n", "name": format!("peer{number}"), "resourceVersion": version.to_string()},
            "spec": {
                "clusters": clusters,
                "workloadAffinityGroups": {"affinityGroup": "g", "antiAffinityGroup": "g"},
            },
        }))
        .unwrap()
    });
    vec(peer, 0..4)
}

/// Options, and estimates of accurate estimators.
fn surroundings() -> impl Strategy<Value = (ScheduleOptions, Option<Vec<(usize, i32)>>)> {
    let gates =
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(models, groups, components)| FeatureGates {
            customized_cluster_resource_modeling: models,
            workload_affinity: groups,
            multiple_pod_templates_scheduling: components,
            scheduling_overcommit_protection: false,
        });
    let empty = prop_oneof![3 => Just(EmptyWorkloads::Drop), 1 => Just(EmptyWorkloads::Propagate)];
    let estimates = proptest::option::weighted(0.2, vec((0..24_usize, 0..40_i32), 0..10));
    (gates, empty, estimates).prop_map(|(gates, empty_workloads, estimates)| {
        (ScheduleOptions { gates, empty_workloads, ..Default::default() }, estimates)
    })
}

/// Everything that one call of the scheduler depends on.
#[derive(Clone, Debug)]
struct World {
    clusters: Vec<Cluster>,
    peers: Vec<ResourceBinding>,
    spec: ResourceBindingSpec,
    options: ScheduleOptions,
    estimates: Option<Vec<(usize, i32)>>,
}

fn world() -> impl Strategy<Value = World> {
    (clusters(), peers(), spec(), surroundings()).prop_map(|(clusters, peers, spec, (options, estimates))| {
        World { clusters, peers, spec, options, estimates }
    })
}

impl World {
    fn run<T>(&self, check: impl FnOnce(&ScheduleContext<'_>, &ScheduleInput<'_>, Decision) -> T) -> T {
        self.run_on(&Snapshot::new(&self.clusters), check)
    }

    fn run_on<T>(
        &self,
        snapshot: &Snapshot,
        check: impl FnOnce(&ScheduleContext<'_>, &ScheduleInput<'_>, Decision) -> T,
    ) -> T {
        let mut groups = WorkloadGroups::default();
        self.peers.iter().for_each(|peer| groups.observe(peer));
        let assumed = AssumedWorkloads::default();
        let context =
            ScheduleContext { snapshot, groups: &groups, assumed: &assumed, options: &self.options };
        let estimates = self.estimates.as_ref().map(|estimates| {
            estimates.iter().map(|(number, estimate)| (name_of(*number), *estimate)).collect()
        });
        let input = ScheduleInput {
            name: "w-deployment",
            spec: &self.spec,
            affinity_name: "a",
            last_scheduled: Some("2025-01-01T00:00:00Z".parse().unwrap()),
            estimates: estimates.as_ref(),
        };
        check(&context, &input, schedule(&context, &input))
    }
}

/// What must not depend on anything but the input.
fn answer(decision: Decision) -> impl PartialEq + std::fmt::Debug {
    (decision.result, decision.verdicts, decision.selection, decision.divisions)
}

/// Chooses regions by looking at all sets of them, as the rule says it.
///
/// A set counts when it is long enough and has enough clusters, and no longer than it must be:
/// without its last region, by (clusters, weight descending, name), it does not count. The heaviest
/// set wins, then the one with most clusters, then the first in the order of a walk over regions.
/// If the heaviest few regions of it count by themselves, these are taken.
fn best_regions(groups: &[SpreadGroup], (min, max): (usize, usize), clusters: i64) -> Vec<String> {
    let mut ordered: Vec<&SpreadGroup> = groups.iter().collect();
    ordered.sort_by_key(|group| (group.value, -group.weight, group.name.clone()));
    let total = |set: &[usize]| set.iter().map(|place| ordered[*place].value).sum::<i64>();
    let is_enough = |set: &[usize]| set.len() >= min && total(set) >= clusters;
    let counts = |set: &[usize]| {
        !set.is_empty() && set.len() <= max && is_enough(set) && !is_enough(&set[..set.len() - 1])
    };
    let sets = (1..1_u32 << ordered.len())
        .map(|bits| -> Vec<usize> { (0..ordered.len()).filter(|place| bits & (1 << place) != 0).collect() });
    // With as many regions as must be, all of them are walked in order.
    let sets: Vec<Vec<usize>> = if groups.len() == min {
        (1..=ordered.len())
            .map(|length| (0..length).collect())
            .filter(|set: &Vec<usize>| counts(set))
            .collect()
    } else {
        sets.filter(|set| counts(set)).collect()
    };
    let weight = |set: &[usize]| set.iter().map(|place| ordered[*place].weight).sum::<i64>();
    let best = sets.iter().min_by_key(|set| (-weight(set), -total(set), (*set).clone()));
    let Some(best) = best else { return Vec::new() };
    let mut by_weight = best.clone();
    by_weight.sort_by_key(|place| (-ordered[*place].weight, &ordered[*place].name));
    let is_set = |places: &[usize]| {
        let mut places = places.to_vec();
        places.sort_unstable();
        groups.len() != min && sets.contains(&places)
    };
    let length = (1..by_weight.len()).find(|length| is_set(&by_weight[..*length])).unwrap_or(by_weight.len());
    let mut names: Vec<String> =
        by_weight[..length].iter().map(|place| ordered[*place].name.clone()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn every_decision_keeps_the_promises_of_the_placement(world in world()) {
        let violations = world.run(|context, input, decision| {
            let check = PlacementCheck { clusters: &world.clusters, peers: &world.peers, context, input };
            check_placement(&check, &decision)
        });
        prop_assert_eq!(violations, vec![]);
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_order_of_clusters_has_no_meaning(
        (world, shuffled) in world().prop_flat_map(|world| {
            let clusters = Just(world.clusters.clone()).prop_shuffle();
            (Just(world), clusters)
        }),
    ) {
        let other = World { clusters: shuffled, ..world.clone() };
        prop_assert_eq!(
            world.run(|_, _, decision| answer(decision)),
            other.run(|_, _, decision| answer(decision))
        );
    }

    #[test]
    fn an_updated_snapshot_is_like_a_new_one(world in world(), before in clusters()) {
        let mut updated = Snapshot::new(&before);
        for cluster in before.iter().skip(world.clusters.len()) {
            updated.remove(cluster.name());
        }
        for cluster in &world.clusters {
            updated.upsert(cluster);
        }
        prop_assert_eq!(
            world.run_on(&updated, |_, _, decision| answer(decision)),
            world.run(|_, _, decision| answer(decision))
        );
    }

    #[test]
    fn a_steady_result_stays_as_it_is(world in world()) {
        let mut world = world;
        world.spec.reschedule_triggered_at = None;
        // Clusters that are used score higher, so constraints and tiers may be filled another way;
        // and accurate estimates do not count what was placed since.
        let placement = world.spec.placement.as_mut().unwrap();
        placement.spread_constraints.clear();
        placement.cluster_affinities.clear();
        let Ok(result) = world.run(|_, _, decision| decision.result) else { return Ok(()) };
        if result.is_empty() {
            // Nothing is kept, also not what let the clusters pass the filters.
            return Ok(());
        }
        world.spec.clusters.clone_from(&result);
        let again = world.run(|_, _, decision| decision.result).unwrap();
        let sorted = |mut targets: Vec<TargetCluster>| {
            targets.sort_by(|a, b| a.name.cmp(&b.name));
            targets
        };
        prop_assert_eq!(sorted(again), sorted(result));
    }

    #[test]
    fn regions_are_the_best_of_all_sets_of_them(world in world()) {
        let placement = world.spec.placement.as_ref().unwrap();
        let limits = |field: SpreadField| {
            let constraint = placement.spread_constraints.iter().find(|one| one.spread_by_field == field);
            constraint.map_or((0, 0), |one| (one.min_groups, one.max_groups))
        };
        let (region, cluster) = (limits(SpreadField::Region), limits(SpreadField::Cluster));
        let decision = world.run(|_, _, decision| decision);
        let Selection::Regions(ratings) = &decision.selection else { return Ok(()) };
        let groups: Vec<SpreadGroup> = ratings.iter().map(|rating| rating.group.clone()).collect();
        let chosen: Vec<String> =
            ratings.iter().filter(|rating| rating.chosen).map(|rating| rating.group.name.clone()).collect();
        if (groups.len() as i64) < region.0 {
            prop_assert_eq!(decision.result, Err(ScheduleError::TooFewRegions));
            return Ok(());
        }
        prop_assert_eq!(chosen, best_regions(&groups, (region.0 as usize, region.1 as usize), cluster.0));
    }

    #[test]
    fn affinity_groups_are_tried_in_order_until_one_has_room(world in world()) {
        let mut world = world;
        let placement = world.spec.placement.as_mut().unwrap();
        placement.cluster_affinity = None;
        placement.cluster_affinities = serde_json::from_value(json!([
            {"affinityName": "a", "clusterNames": ["m00", "m01", "m02"]},
            {"affinityName": "b", "labelSelector": {"matchLabels": {"parity": "1"}},
             "overflowAffinities": [{"affinityName": "c", "clusterNames": ["m00", "m02", "m04"]}]},
            {"affinityName": "d"},
        ])).unwrap();
        let binding: ResourceBinding = serde_json::from_value(json!({
            "metadata": {"namespace": "n", "name": "w-deployment", "generation": 2},
            "spec": &world.spec,
        })).unwrap();
        let decision = world.run(|context, _, _| {
            let now = "2025-01-01T00:00:02Z".parse().unwrap();
            reconcile_binding(context, &BindingInput::from(&binding), now)
        });
        let names: Vec<&str> = decision.attempts.iter().map(|attempt| attempt.affinity_name.as_str()).collect();
        prop_assert_eq!(&names[..], &["a", "b", "d"][..names.len()]);
        let (last, failed) = decision.attempts.split_last().unwrap();
        prop_assert!(failed.iter().all(|attempt| attempt.decision.result.is_err()));
        prop_assert!(last.decision.result.is_ok() || names.len() == 3);
        for attempt in &decision.attempts {
            let violations = world.run(|context, input, _| {
                let input = ScheduleInput {
                    affinity_name: &attempt.affinity_name, last_scheduled: None, estimates: None, ..*input
                };
                let check = PlacementCheck { clusters: &world.clusters, peers: &world.peers, context, input: &input };
                check_placement(&check, &attempt.decision)
            });
            prop_assert_eq!(violations, vec![]);
        }
    }

    #[test]
    fn every_cluster_of_every_decision_can_be_explained(world in world()) {
        world.run(|context, input, decision| {
            let explanation = decision.explain(context, input);
            let clusters: Vec<_> = explanation.clusters().collect();
            assert_eq!(clusters.len(), world.clusters.len());
            for cluster in &clusters {
                let text = cluster.to_string();
                assert!(text.starts_with(&cluster.cluster), "{text}");
                for refusal in &cluster.refusals {
                    assert!(!refusal.obstacles.is_empty(), "{text}");
                }
            }
            assert_eq!(decision.result.is_err(), !explanation.help().is_empty(), "{explanation}");
        });
    }
}
