//! Replays the category `scheduling`: one call of the scheduler, one reconcile, or one part.

use std::collections::BTreeMap;

use jiff::Timestamp;
use karmada_core::{
    api::{
        cluster::Cluster,
        policy::ClusterAffinity,
        work::{
            ClusterResourceBinding, Component, ResourceBinding, ResourceBindingSpec, ResourceBindingStatus,
            TargetCluster,
        },
    },
    propagation::cluster_matches,
    scheduling::{
        AssumedWorkload, AssumedWorkloads, BindingDecision, BindingInput, ClusterWeight, Decision,
        EmptyWorkloads, FeatureGates, PlacementCheck, ScheduleContext, ScheduleError, ScheduleErrorKind,
        ScheduleInput, ScheduleOptions, Snapshot, SpreadGroup, WorkloadGroups, check_placement,
        dispense_replicas, reconcile_binding, schedule, select_groups,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Outcome, diff};

/// Sums of room that do not fit 32 bits: upstream's wrap around, ours do not.
const RULE_WIDE_SUMS: &str = "room is summed in 64 bits";
/// When the cases take place.
const NOW: &str = "2030-01-01T00:00:00Z";

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let result = if case.get("dispenser").is_some() {
        run_dispenser(case)
    } else if case.get("selectGroups").is_some() {
        Ok(run_select_groups(case))
    } else if case.get("affinity").is_some() {
        run_affinity(case)
    } else if case.get("binding").is_some() || case.get("clusterBinding").is_some() {
        run_reconcile(case)
    } else {
        run_schedule(case)
    };
    result.unwrap_or_else(|error| Outcome::Failed(format!("unreadable case: {error}")))
}

/// What a case says about the surroundings of its binding.
struct World {
    clusters: Vec<Cluster>,
    /// The other bindings.
    peers: Vec<ResourceBinding>,
    snapshot: Snapshot,
    groups: WorkloadGroups,
    assumed: AssumedWorkloads,
    options: ScheduleOptions,
}

impl World {
    fn read(case: &Value) -> Result<Self, serde_json::Error> {
        let clusters: Vec<Cluster> = read(case, "/clusters")?;
        let mut groups = WorkloadGroups::default();
        let mut peers: Vec<ResourceBinding> = read(case, "/otherBindings")?;
        peers.extend(read::<Vec<ResourceBinding>>(case, "/assigningBindings")?);
        for binding in &peers {
            groups.observe(binding);
        }
        let mut assumed = AssumedWorkloads::default();
        for workload in read::<Vec<Value>>(case, "/assumedWorkloads")? {
            let components: Vec<Component> = read(&workload, "/components")?;
            assumed.assume(
                workload["binding"].as_str().unwrap_or_default(),
                workload["cluster"].as_str().unwrap_or_default(),
                AssumedWorkload::new(&components, Timestamp::UNIX_EPOCH),
            );
        }
        let defaults = FeatureGates::default();
        let gate = |name: &str, default| case["options"]["featureGates"][name].as_bool().unwrap_or(default);
        let gates = FeatureGates {
            customized_cluster_resource_modeling: gate(
                "CustomizedClusterResourceModeling",
                defaults.customized_cluster_resource_modeling,
            ),
            workload_affinity: gate("WorkloadAffinity", defaults.workload_affinity),
            multiple_pod_templates_scheduling: gate(
                "MultiplePodTemplatesScheduling",
                defaults.multiple_pod_templates_scheduling,
            ),
            scheduling_overcommit_protection: gate(
                "SchedulingOvercommitProtection",
                defaults.scheduling_overcommit_protection,
            ),
        };
        let propagate = case["options"]["enableEmptyWorkloadPropagation"] == true;
        let empty_workloads = if propagate { EmptyWorkloads::Propagate } else { EmptyWorkloads::Drop };
        let options = ScheduleOptions { gates, empty_workloads, ..Default::default() };
        let snapshot = Snapshot::new(&clusters);
        Ok(Self { clusters, peers, snapshot, groups, assumed, options })
    }

    fn context(&self) -> ScheduleContext<'_> {
        ScheduleContext {
            snapshot: &self.snapshot,
            groups: &self.groups,
            assumed: &self.assumed,
            options: &self.options,
        }
    }
}

fn run_schedule(case: &Value) -> Result<Outcome, serde_json::Error> {
    let world = World::read(case)?;
    let spec: ResourceBindingSpec = read(case, "/spec")?;
    let status: ResourceBindingStatus = read(case, "/status")?;
    let input = ScheduleInput {
        name: &format!("{}-{}", spec.resource.name, spec.resource.kind).to_lowercase(),
        spec: &spec,
        affinity_name: &status.scheduler_observed_affinity_name,
        last_scheduled: status.last_scheduled_time.as_ref().map(|time| time.0),
        estimates: None,
    };
    let decision = schedule(&world.context(), &input);
    let context = world.context();
    let check =
        PlacementCheck { clusters: &world.clusters, peers: &world.peers, context: &context, input: &input };
    let violations = if is_validated(case) { check_placement(&check, &decision) } else { Vec::new() };
    let expect = &case["expect"];
    let is_workload = spec.replicas > 0 || !spec.components.is_empty();
    let mut wanted = json!({
        "unfit": expect.get("unfit").cloned().unwrap_or_else(|| json!({})),
        "violations": [],
    });
    let mut got = json!({
        "unfit": unfit(&world.snapshot, &decision),
        "violations": violations.iter().map(|violation| format!("{violation:?}")).collect::<Vec<_>>(),
    });
    if let (true, Some(available)) = (is_workload, expect.get("available")) {
        wanted["available"] = available.clone();
        got["available"] = available_of(&world.snapshot, &decision);
    }
    let ordered = expect["ordered"].as_bool().unwrap_or(false);
    wanted["result"] = expected_result(expect, ordered);
    got["result"] = actual_result(&decision, expect, ordered);
    let Some(difference) = diff(&wanted, &got) else { return Ok(Outcome::Passed) };
    if wanted["unfit"] == got["unfit"] && wanted["available"] == got["available"] && sums_are_wide(&decision)
    {
        return Ok(Outcome::Differs(RULE_WIDE_SUMS.to_owned()));
    }
    Ok(Outcome::Failed(difference))
}

/// Returns true when admission would let the case's policy and binding through.
fn is_validated(case: &Value) -> bool {
    let tags = case["tags"].as_array().cloned().unwrap_or_default();
    !tags
        .iter()
        .filter_map(Value::as_str)
        .any(|tag| tag.starts_with("unvalidated") || tag.starts_with("undefaulted"))
}

/// Returns true when the room of all feasible clusters together does not fit 32 bits.
fn sums_are_wide(decision: &Decision) -> bool {
    let room: i64 = decision.verdicts.iter().filter_map(|verdict| verdict.estimate).map(i64::from).sum();
    i32::try_from(room).is_err()
}

fn expected_result(expect: &Value, ordered: bool) -> Value {
    if let Some(error) = expect.get("error") {
        let text = if expect["errorExact"] == false { Value::Null } else { error.clone() };
        return json!({"error": text, "kind": expect["errorKind"]});
    }
    clusters_value(&expect["clusters"], ordered)
}

fn actual_result(decision: &Decision, expect: &Value, ordered: bool) -> Value {
    match &decision.result {
        Ok(clusters) => clusters_value(&json!(clusters), ordered),
        Err(error) => {
            let text = if expect["errorExact"] == false { Value::Null } else { error.to_string().into() };
            json!({"error": text, "kind": error_kind(error)})
        }
    }
}

fn error_kind(error: &ScheduleError) -> &'static str {
    match error.kind() {
        ScheduleErrorKind::NoFit => "FitError",
        ScheduleErrorKind::Unschedulable => "UnschedulableError",
        ScheduleErrorKind::Other => "Error",
    }
}

/// Returns a list of clusters, sorted by name where upstream's order is random.
fn clusters_value(clusters: &Value, ordered: bool) -> Value {
    let mut list: Vec<Value> = clusters.as_array().cloned().unwrap_or_default();
    for cluster in &mut list {
        if cluster["replicas"] == 0 {
            cluster.as_object_mut().map(|fields| fields.remove("replicas"));
        }
    }
    if !ordered {
        list.sort_by_key(|cluster| cluster["name"].as_str().unwrap_or_default().to_owned());
    }
    list.into()
}

fn unfit(snapshot: &Snapshot, decision: &Decision) -> Value {
    let mut unfit = Map::new();
    for verdict in decision.verdicts.iter().filter(|verdict| !verdict.refusals.is_empty()) {
        let reasons: Map<String, Value> = verdict
            .reasons(snapshot)
            .into_iter()
            .map(|(plugin, reason)| (plugin.name().to_owned(), reason.into_owned().into()))
            .collect();
        unfit.insert(snapshot.name_of(verdict.cluster).to_owned(), reasons.into());
    }
    unfit.into()
}

fn available_of(snapshot: &Snapshot, decision: &Decision) -> Value {
    let estimates = decision.verdicts.iter().filter_map(|verdict| {
        Some((snapshot.name_of(verdict.cluster).to_owned(), Value::from(verdict.estimate?)))
    });
    Value::Object(estimates.collect())
}

fn run_reconcile(case: &Value) -> Result<Outcome, serde_json::Error> {
    let world = World::read(case)?;
    let now: Timestamp = NOW.parse().expect("a timestamp");
    let (decision, binding) = if case.get("binding").is_some() {
        let binding: ResourceBinding = read(case, "/binding")?;
        (reconcile_binding(&world.context(), &BindingInput::from(&binding), now), &case["binding"])
    } else {
        let binding: ClusterResourceBinding = read(case, "/clusterBinding")?;
        (reconcile_binding(&world.context(), &BindingInput::from(&binding), now), &case["clusterBinding"])
    };
    let expect = &case["expect"];
    let ordered = expect["ordered"].as_bool().unwrap_or(true);
    let got = reconciled(binding, &decision, ordered);
    let mut wanted = json!({
        "attempts": expected_attempts(expect, ordered),
        "specClusters": clusters_value(&expect["specClusters"], ordered),
        "appliedPlacementAnnotation": expect["appliedPlacementAnnotation"],
        "observedAffinityName": expect["observedAffinityName"],
        "condition": expect["condition"],
        "schedulerObservedGeneration": expect["schedulerObservedGeneration"],
        "lastScheduledTimeUpdated": expect["lastScheduledTimeUpdated"],
        "returnedErrorKind": expect["returnedErrorKind"],
        "returnedError": expect["returnedError"],
    });
    if wanted["condition"] == json!({}) {
        wanted["condition"] = Value::Null;
    }
    Ok(Outcome::from_diff(diff(&wanted, &got)))
}

fn expected_attempts(expect: &Value, ordered: bool) -> Value {
    let attempt = |attempt: &Value| match attempt.get("error") {
        Some(error) => json!({"affinityName": attempt["affinityName"], "error": error}),
        None => json!({
            "affinityName": attempt["affinityName"],
            "clusters": clusters_value(&attempt["clusters"], ordered),
        }),
    };
    expect["attempts"].as_array().into_iter().flatten().map(attempt).collect()
}

/// Returns what is stored and returned after a decision was carried out.
fn reconciled(binding: &Value, decision: &BindingDecision, ordered: bool) -> Value {
    let mut stored = binding.clone();
    if let Some(change) = &decision.change {
        merge(&mut stored, &change.merge_patch());
    }
    if let Some(status) = &decision.status {
        merge(&mut stored, &status.merge_patch());
    }
    let status = &stored["status"];
    let conditions = status["conditions"].as_array();
    let scheduled = conditions.into_iter().flatten().find(|condition| condition["type"] == "Scheduled");
    let error = decision.attempts.iter().find_map(|attempt| attempt.decision.result.as_ref().err());
    let failed = decision.attempts.iter().all(|attempt| attempt.decision.result.is_err());
    let returned = error.filter(|error| failed && error.kind() != ScheduleErrorKind::NoFit);
    let attempts: Vec<Value> = decision
        .attempts
        .iter()
        .map(|attempt| match &attempt.decision.result {
            Ok(clusters) => json!({
                "affinityName": attempt.affinity_name,
                "clusters": clusters_value(&json!(clusters), ordered),
            }),
            Err(error) => json!({"affinityName": attempt.affinity_name, "error": error.to_string()}),
        })
        .collect();
    json!({
        "attempts": attempts,
        "specClusters": clusters_value(&stored["spec"]["clusters"], ordered),
        "appliedPlacementAnnotation": stored["metadata"]["annotations"]["policy.karmada.io/applied-placement"],
        "observedAffinityName": status["schedulerObservingAffinityName"].as_str().unwrap_or_default(),
        "condition": scheduled.map(|condition| json!({
            "status": condition["status"], "reason": condition["reason"], "message": condition["message"],
        })),
        "schedulerObservedGeneration": status["schedulerObservedGeneration"].as_i64().unwrap_or(0),
        "lastScheduledTimeUpdated": status["lastScheduledTime"] == NOW,
        "returnedErrorKind": returned.map_or("", error_kind),
        "returnedError": returned.map(ToString::to_string),
    })
}

fn run_dispenser(case: &Value) -> Result<Outcome, serde_json::Error> {
    let dispenser = &case["dispenser"];
    let weights: Vec<ClusterWeight> = dispenser["weights"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|weight| ClusterWeight {
            cluster: weight["name"].as_str().unwrap_or_default().to_owned(),
            weight: weight["weight"].as_i64().unwrap_or(0),
        })
        .collect();
    let initial: Vec<TargetCluster> = read(dispenser, "/initial")?;
    let initial: BTreeMap<String, i64> =
        initial.into_iter().map(|target| (target.name, i64::from(target.replicas))).collect();
    let replicas = dispenser["replicas"].as_i64().unwrap_or(0);
    let uid = dispenser["uid"].as_str().unwrap_or_default();
    let got = dispense_replicas(replicas, &weights, &initial, uid);
    let wanted: Vec<TargetCluster> = read(case, "/expect/clusters")?;
    let wanted: BTreeMap<String, i64> =
        wanted.into_iter().map(|target| (target.name, i64::from(target.replicas))).collect();
    Ok(Outcome::from_diff(diff(&json!(wanted), &json!(got))))
}

fn run_select_groups(case: &Value) -> Outcome {
    let input = &case["selectGroups"];
    let number = |value: &Value, key: &str| value[key].as_i64().unwrap_or(0);
    let groups: Vec<SpreadGroup> = input["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|group| SpreadGroup {
            name: group["name"].as_str().unwrap_or_default().to_owned(),
            value: number(group, "value"),
            weight: number(group, "weight"),
        })
        .collect();
    let selected = select_groups(
        &groups,
        number(input, "minGroups"),
        number(input, "maxGroups"),
        number(input, "target"),
    );
    let got = match selected {
        Some(groups) => json!({"groups": groups.iter().map(|group| &group.name).collect::<Vec<_>>()}),
        None => json!({"error": "none"}),
    };
    Outcome::from_diff(diff(&case["expect"], &got))
}

fn run_affinity(case: &Value) -> Result<Outcome, serde_json::Error> {
    let clusters: Vec<Cluster> = read(case, "/clusters")?;
    let affinity: ClusterAffinity = read(case, "/affinity")?;
    let got = clusters.iter().all(|cluster| cluster_matches(cluster, &affinity));
    Ok(Outcome::from_diff(diff(&case["expect"]["matches"], &json!(got))))
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        let Some(fields) = target.as_object_mut() else { return };
        if value.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Reads a part of a case; an absent part is empty.
fn read<T: DeserializeOwned + Default>(value: &Value, path: &str) -> Result<T, serde_json::Error> {
    value.pointer(path).map_or_else(|| Ok(T::default()), |part| serde_json::from_value(part.clone()))
}
