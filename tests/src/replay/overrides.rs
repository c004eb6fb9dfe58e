//! Runs cases of override policies.

use karmada_core::api::cluster::Cluster;
use karmada_core::api::policy::constants::{
    APPLIED_CLUSTER_OVERRIDES_ANNOTATION, APPLIED_OVERRIDES_ANNOTATION,
};
use karmada_core::overriding::apply_overrides;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::answer::{self, Answer};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    match case["op"].as_str() {
        Some("override.Apply") => {
            answer::compare_as(&case["expect"], apply(&case["input"]), parse_annotations)
        }
        other => Outcome::Skipped(format!("no runner for {}", other.unwrap_or("a case without op"))),
    }
}

fn apply(input: &Value) -> Answer {
    let cluster: Cluster = answer::decode(&input["cluster"])?;
    let wanted = input["targetCluster"].as_str();
    if wanted.is_some() && wanted != cluster.metadata.name.as_deref() {
        return Err("the cluster is not found".to_owned());
    }
    let cluster_policies: Vec<_> = answer::decode(&input["clusterOverridePolicies"])?;
    let policies: Vec<_> = answer::decode(&input["overridePolicies"])?;
    let mut object = input["object"].clone();
    let applied =
        apply_overrides(&mut object, &cluster, &cluster_policies, &policies).map_err(answer::error)?;
    let annotations = [
        (APPLIED_CLUSTER_OVERRIDES_ANNOTATION, applied.cluster_annotation()),
        (APPLIED_OVERRIDES_ANNOTATION, applied.annotation()),
    ];
    let annotations: Map<String, Value> =
        annotations.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))).collect();
    Ok(json!({"object": object, "workAnnotations": annotations}))
}

/// Replaces the text of annotations by the JSON it holds, so that the text's member order is free.
fn parse_annotations(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for text in answer["workAnnotations"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(parsed) = text.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *text = parsed;
        }
    }
    answer
}
