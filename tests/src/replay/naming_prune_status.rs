//! Runs cases of names, pruning, bookkeeping, Works and their status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::work::{
    AggregatedStatusItem, ClusterResourceBinding, ObjectReference, ResourceBinding, ResourceBindingSpec,
    TargetCluster, Work,
};
use karmada_core::interpreter::Interpreter;
use karmada_core::propagation::merge_suspension;
use karmada_core::scheduling::{ClusterWeight, dispense_replicas};
use karmada_core::work::{
    BindingInput, JobTtl, WorkWrite, WorksInput, WorksOptions, assemble, build_works, divide_completions,
    fully_applied_condition, keep_foreign_metadata, prune, record_managed, resource_usage,
};
use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::{Outcome, names};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let expected = &case["expect"];
    let operation = case["op"].as_str().unwrap_or_default();
    let answer = match operation {
        _ if operation.starts_with("names.") => return names::run(case),
        "prune.RemoveIrrelevantFields" => run_prune(input),
        "meta.RetainLabelsAndAnnotations" => Ok(run_keep(input)),
        "meta.RecordManaged" => Ok(run_record(input)),
        "workstatus.Assemble" => run_assemble(input),
        "workstatus.FullyApplied" => {
            return answer::compare_as(expected, run_fully_applied(input), without_time);
        }
        "job.DivideCompletions" => run_completions(input),
        "replicas.SpreadByTargetClusters" => run_spread(input),
        "quota.CalculateResourceUsage" => answer::decode::<ResourceBinding>(&input["binding"])
            .map(|binding| json!({"usage": resource_usage(&binding.spec)})),
        "binding.MergePolicySuspension" => run_suspension(input),
        "binding.EnsureWork" => return compare_works(expected, run_ensure(input)),
        other => return Outcome::Skipped(format!("no runner for {other}")),
    };
    answer::compare(expected, answer)
}

fn run_prune(input: &Value) -> Answer {
    let job_ttl = if input["removeJobTTL"] == true { JobTtl::Removed } else { JobTtl::Kept };
    let mut object = input["object"].clone();
    prune(&mut object, job_ttl).map_err(answer::error)?;
    Ok(json!({"object": object}))
}

fn run_keep(input: &Value) -> Value {
    let mut object = input["desired"].clone();
    keep_foreign_metadata(&mut object, &input["observed"]);
    json!({"object": object})
}

fn run_record(input: &Value) -> Value {
    let mut object = input["object"].clone();
    let id = input["work"]["metadata"]["labels"].get("work.karmada.io/permanent-id");
    record_managed(&mut object, id.and_then(Value::as_str));
    json!({"object": object})
}

fn run_assemble(input: &Value) -> Answer {
    let works: Vec<Work> = answer::decode(&input["works"])?;
    let resource: ObjectReference = answer::decode(&input["resource"])?;
    let items = assemble(&works.iter().collect::<Vec<_>>(), &resource).map_err(answer::error)?;
    Ok(json!({"aggregatedStatus": items}))
}

fn run_fully_applied(input: &Value) -> Answer {
    let spec: ResourceBindingSpec = answer::decode(&input["spec"])?;
    let items: Vec<AggregatedStatusItem> = answer::decode(&input["aggregatedStatus"])?;
    Ok(json!(fully_applied_condition(&spec, &items, Timestamp::UNIX_EPOCH)))
}

fn without_time(condition: &Value) -> Value {
    let mut condition = condition.clone();
    condition.as_object_mut().map(|members| members.remove("lastTransitionTime"));
    condition
}

fn run_completions(input: &Value) -> Answer {
    let targets: Vec<TargetCluster> = answer::decode(&input["clusters"])?;
    let shares = divide_completions(&input["object"], &targets.iter().collect::<Vec<_>>());
    Ok(json!({"clusters": shares.map(target_list)}))
}

fn run_spread(input: &Value) -> Answer {
    let targets: Vec<TargetCluster> = answer::decode(&input["clusters"])?;
    let initial: Vec<TargetCluster> = answer::decode(&input["init"])?;
    let weights: Vec<_> = targets
        .into_iter()
        .map(|target| ClusterWeight { cluster: target.name, weight: i64::from(target.replicas) })
        .collect();
    let given = json!(initial);
    let initial = initial.into_iter().map(|target| (target.name, i64::from(target.replicas))).collect();
    let replicas = input["replicas"].as_i64().unwrap_or_default();
    let uid = input["uid"].as_str().unwrap_or_default();
    let shares = dispense_replicas(replicas, &weights, &initial, uid);
    // A result that adds nothing was recorded in the order of the input, any other one by name.
    let unchanged = shares == initial && !initial.is_empty();
    Ok(json!({"clusters": if unchanged { given } else { target_list(shares) }}))
}

fn target_list(shares: BTreeMap<String, i64>) -> Value {
    let targets = shares.into_iter().map(|(name, replicas)| {
        if replicas == 0 { json!({"name": name}) } else { json!({"name": name, "replicas": replicas}) }
    });
    targets.collect()
}

fn run_suspension(input: &Value) -> Answer {
    let option = |value: &Value| (!value.is_null()).then(|| value.clone());
    let binding = option(&input["binding"]).map(|value| answer::decode(&value)).transpose()?;
    let policy = option(&input["policy"]).map(|value| answer::decode(&value)).transpose()?;
    Ok(json!({"suspension": merge_suspension(binding.as_ref(), policy.as_ref())}))
}

/// Returns all Works afterwards and whether there was an error.
fn run_ensure(input: &Value) -> Answer {
    let namespaced: ResourceBinding = answer::decode(&answer::without_nulls(&input["resourceBinding"]))?;
    let cluster_scoped: ClusterResourceBinding =
        answer::decode(&answer::without_nulls(&input["clusterResourceBinding"]))?;
    let binding = if input["resourceBinding"].is_null() {
        BindingInput::from(&cluster_scoped)
    } else {
        BindingInput::from(&namespaced)
    };
    let clusters: Vec<Cluster> = answer::decode(&input["clusters"])?;
    let clusters: BTreeMap<String, &Cluster> =
        clusters.iter().map(|cluster| (cluster.metadata.name.clone().unwrap_or_default(), cluster)).collect();
    let cluster_override_policies: Vec<_> = answer::decode(&input["clusterOverridePolicies"])?;
    let override_policies: Vec<_> = answer::decode(&input["overridePolicies"])?;
    let existing: Vec<Work> = answer::decode(&input["existingWorks"])?;
    let decision = build_works(&WorksInput {
        binding,
        template: Some(&input["object"]),
        clusters: &clusters,
        cluster_override_policies: &cluster_override_policies,
        override_policies: &override_policies,
        existing: &existing.iter().collect::<Vec<_>>(),
        interpreter: &Interpreter::default(),
        options: WorksOptions {
            stateful_failover_injection: input["featureGates"]["StatefulFailoverInjection"] == true,
        },
    });
    let key = |work: &Work| (work.metadata.namespace.clone(), work.metadata.name.clone());
    let mut works: BTreeMap<_, Work> = existing.iter().map(|work| (key(work), work.clone())).collect();
    works.extend(decision.writes.iter().map(WorkWrite::work).map(|work| (key(work), work.clone())));
    let works: Vec<Value> = works.into_values().map(|work| json!(work)).collect();
    Ok(json!({"works": works, "failed": !decision.failures.is_empty()}))
}

fn compare_works(expected: &Value, answer: Answer) -> Outcome {
    let mut expected = expected.clone();
    if let Some(members) = expected.as_object_mut().filter(|members| !members.contains_key("error")) {
        let failed = members.remove("ensureError").is_some();
        members.insert("failed".to_owned(), failed.into());
    }
    answer::compare_as(&expected, answer, plain_works)
}

/// Leaves out the kind of Works and what is empty in one notation and absent in the other.
fn plain_works(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for work in answer["works"].as_array_mut().into_iter().flatten() {
        let Some(members) = work.as_object_mut() else { continue };
        members.remove("apiVersion");
        members.remove("kind");
        members.retain(|_, member| *member != Value::Object(Map::new()));
        for text in ["policy.karmada.io/applied-overrides", "policy.karmada.io/applied-cluster-overrides"] {
            let text = members.get_mut("metadata").and_then(|metadata| metadata["annotations"].get_mut(text));
            if let Some(text) = text
                && let Some(parsed) = text.as_str().and_then(|text| serde_json::from_str(text).ok())
            {
                *text = parsed;
            }
        }
    }
    answer
}
