//! Replays defaults and validation (category `validation-defaulting`).

use jiff::Timestamp;
use karmada_core::{
    admission::{
        self, AdmissionDenied, AdmissionInput, Allowed, FieldError, Operation, Related, TaintPolicyRule,
    },
    api::FeatureGates,
};
use serde_json::{Value, json};

use super::{
    Outcome,
    answer::{compare_as, without_empty},
};

const UUID: &str = "__UUID__";

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let operation = case["op"].as_str().unwrap_or_default();
    let input = &case["input"];
    match operation.split_once('.') {
        Some(("validate", "ResourceBinding")) => validate_binding(case),
        Some(("mutate", kind)) if group_of(kind).is_some() => mutate(case, kind),
        Some(("validate", "ResourceDeletionProtection")) => validate(case, "Namespace"),
        Some(("validate", kind)) if group_of(kind).is_some() => validate(case, kind),
        Some(("cluster", "ValidateName")) => {
            let messages = admission::cluster_name_messages(input["name"].as_str().unwrap_or_default());
            super::compare(&case["expect"], &json!({ "messages": messages }))
        }
        Some(("cluster", operation @ ("Create" | "Update"))) => cluster(case, operation),
        _ => Outcome::Skipped(format!("no runner for {operation}")),
    }
}

fn group_of(kind: &str) -> Option<&'static str> {
    match kind {
        "PropagationPolicy"
        | "ClusterPropagationPolicy"
        | "OverridePolicy"
        | "ClusterOverridePolicy"
        | "FederatedResourceQuota"
        | "ClusterTaintPolicy" => Some("policy.karmada.io"),
        "Work" | "ResourceBinding" | "ClusterResourceBinding" => Some("work.karmada.io"),
        "MultiClusterService" | "MultiClusterIngress" => Some("networking.karmada.io"),
        "FederatedHPA" | "CronFederatedHPA" => Some("autoscaling.karmada.io"),
        "ResourceInterpreterCustomization" | "ResourceInterpreterWebhookConfiguration" => {
            Some("config.karmada.io")
        }
        "Namespace" => Some(""),
        _ => None,
    }
}

fn with_input<T>(
    case: &Value,
    kind: &str,
    decide: impl FnOnce(&AdmissionInput<'_>) -> T,
) -> Result<T, String> {
    let input = &case["input"];
    let states = input["featureGates"].as_object().into_iter().flatten();
    let gates = FeatureGates::from_names(states.map(|(name, state)| (name.as_str(), state == true)))
        .map_err(|error| error.to_string())?;
    let allows = input["allowNoExecute"] == true;
    let list = |field: &str| input[field].as_array().map_or(&[][..], Vec::as_slice);
    Ok(decide(&AdmissionInput {
        operation: match input["operation"].as_str() {
            Some("UPDATE") => Operation::Update,
            Some("DELETE") => Operation::Delete,
            _ => Operation::Create,
        },
        group: group_of(kind).unwrap_or_default(),
        kind,
        subresource: "",
        object: &input["object"],
        old_object: input.get("oldObject"),
        namespace: input["namespace"].as_str().unwrap_or_default(),
        gates: &gates,
        taint_policies: if allows {
            TaintPolicyRule::NoExecuteAllowed
        } else {
            TaintPolicyRule::NoExecuteForbidden
        },
        related: Related { customizations: list("existing"), quotas: list("federatedResourceQuotas") },
        uuid: UUID,
        now: Timestamp::UNIX_EPOCH,
    }))
}

fn mutate(case: &Value, kind: &str) -> Outcome {
    let answer =
        with_input(case, kind, |input| admission::mutate(input).map_err(|denied| denied.to_string()))
            .and_then(|answer| answer)
            .map(|object| json!({"allowed": true, "object": object}));
    // What was recorded went through Go's types, which write some empty objects and lists.
    compare_as(&case["expect"], answer, |answer| without_go_habits(&without_empty(answer)))
}

/// Returns an answer without an empty namespace and empty policies of scaling, which Go leaves out,
/// and without the zero that Go writes into the status of a FederatedHPA.
fn without_go_habits(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(metadata) = answer["object"]["metadata"].as_object_mut()
        && metadata.get("namespace").is_some_and(|namespace| namespace == "")
    {
        metadata.remove("namespace");
    }
    for direction in ["scaleUp", "scaleDown"] {
        let rules = answer.pointer_mut(&format!("/object/spec/behavior/{direction}"));
        if let Some(rules) = rules.and_then(Value::as_object_mut)
            && rules.get("policies") == Some(&json!([]))
        {
            rules.remove("policies");
        }
    }
    if answer["object"]["kind"] == "FederatedHPA"
        && let Some(object) = answer["object"].as_object_mut()
        && let Some(status) = object.get_mut("status").and_then(Value::as_object_mut)
    {
        if status.get("desiredReplicas") == Some(&json!(0)) {
            status.remove("desiredReplicas");
        }
        if status.is_empty() {
            object.remove("status");
        }
    }
    answer
}

fn validate(case: &Value, kind: &str) -> Outcome {
    let answer = with_input(case, kind, admission::validate).map(recorded_answer);
    let expected = &case["expect"];
    if expected.get("error").is_some() {
        // Upstream crashed here: a refusal is the answer.
        let refused = answer.as_ref().is_ok_and(|answer| answer["allowed"] == false);
        return if refused { Outcome::Passed } else { Outcome::Failed("expected a refusal".to_owned()) };
    }
    compare_as(expected, answer, Value::clone)
}

/// Checks a binding, and what its quotas are afterwards.
fn validate_binding(case: &Value) -> Outcome {
    let input = &case["input"];
    let answer = with_input(case, "ResourceBinding", admission::validate).map(|result| {
        let mut used = quota_use_before(input);
        for quota in result.iter().flat_map(|allowed| &allowed.quota_uses) {
            if input["dryRun"] != true {
                let recorded =
                    if quota.overall_used.is_empty() { Value::Null } else { json!(quota.overall_used) };
                used[format!("{}/{}", quota.namespace, quota.name)] = recorded;
            }
        }
        let reason = result.as_ref().err().map(|denied| denied.reason);
        let mut answer = recorded_answer(result);
        if reason == Some("QuotaExceeded") {
            answer["reason"] = "QuotaExceeded".into();
        }
        if let Some(members) = answer.as_object_mut() {
            // Upstream gives these mistakes as one text.
            members.remove("errors");
        }
        answer["overallUsedAfter"] = used;
        answer
    });
    compare_as(&case["expect"], answer, Value::clone)
}

fn quota_use_before(input: &Value) -> Value {
    let quotas = input["federatedResourceQuotas"].as_array().into_iter().flatten();
    let used = quotas.map(|quota| {
        let text = |field: &str| quota["metadata"][field].as_str().unwrap_or_default();
        (format!("{}/{}", text("namespace"), text("name")), quota["status"]["overallUsed"].clone())
    });
    Value::Object(used.collect())
}

fn recorded_answer(result: Result<Allowed, AdmissionDenied>) -> Value {
    let Err(denied) = result else {
        return json!({"allowed": true, "code": 200});
    };
    let mut answer = json!({"allowed": false, "code": denied.code});
    // An object that cannot be read has one mistake, which upstream gives as a text.
    if !denied.causes.is_empty() && denied.code != 400 {
        answer["errors"] = recorded_errors(&denied.causes);
    }
    if denied.causes.len() < 2 {
        answer["message"] = denied.explanation.into();
    }
    answer
}

fn cluster(case: &Value, operation: &str) -> Outcome {
    let input = &case["input"];
    let gates = FeatureGates::default();
    let now = Timestamp::UNIX_EPOCH;
    let result = if operation == "Create" {
        admission::create_cluster(&input["object"], &gates, now)
    } else {
        admission::update_cluster(&input["object"], &input["oldObject"], &gates, now)
    };
    let answer = match result {
        Ok(mut object) => {
            if let Some(fields) = object.as_object_mut() {
                fields.remove("apiVersion");
                fields.remove("kind");
            }
            for taint in object["spec"]["taints"].as_array_mut().into_iter().flatten() {
                if taint["timeAdded"] == "1970-01-01T00:00:00Z" {
                    taint["timeAdded"] = "__NOW__".into();
                }
            }
            json!({"allowed": true, "object": object})
        }
        Err(errors) => json!({"allowed": false, "errors": recorded_errors(&errors)}),
    };
    compare_as(&case["expect"], Ok(answer), without_empty)
}

fn recorded_errors(errors: &[FieldError]) -> Value {
    let recorded = errors.iter().map(|error| {
        json!({
            "type": error.type_.reason(),
            "field": error.field,
            "detail": error.detail,
            "string": error.to_string(),
        })
    });
    recorded.collect()
}
