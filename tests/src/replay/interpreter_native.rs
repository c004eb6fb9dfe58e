//! Runs cases of the built-in interpreter.

use karmada_core::interpreter::{NativeInterpreter, NativeOptions, ResourceInterpreter};
use serde_json::{Value, json};

use super::Outcome;
use super::answer::{self, Answer};
use super::interpretation::{aggregate, hook_enabled};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let expected = &case["expect"];
    let gate = |name: &str| input["featureGates"][name].as_bool().unwrap_or_default();
    let interpreter =
        NativeInterpreter::new(NativeOptions { resource_quota_estimate: gate("ResourceQuotaEstimate") });
    let object = &input["object"];
    let answer: Answer = match case["op"].as_str() {
        Some("native.HookEnabled") => Ok(json!({"enabled": hook_enabled(&interpreter, input)})),
        Some("native.GetReplicas") => interpreter
            .replicas(object)
            .map(|(replicas, requirements)| json!({"replicas": replicas, "requirements": requirements}))
            .map_err(answer::error),
        Some("native.GetComponents") => {
            interpreter.components(object).map(|components| json!(components)).map_err(answer::error)
        }
        Some("native.ReviseReplica") => interpreter
            .revise_replica(object.clone(), input["replica"].as_i64().unwrap_or_default())
            .map(|object| json!({"object": object}))
            .map_err(answer::error),
        Some("native.Retain") => {
            let answer = interpreter.retain(input["desired"].clone(), &input["observed"]);
            let answer = answer.map(|object| json!({"object": object})).map_err(answer::error);
            return answer::compare_as(expected, answer, answer::without_empty);
        }
        Some("native.AggregateStatus") => {
            let answer = aggregate(&interpreter, input).map(|object| json!({"object": object}));
            return answer::compare_as(expected, answer, answer::without_empty);
        }
        // The recording is sorted, for upstream's order is random.
        Some("native.GetDependencies") => interpreter
            .dependencies(object)
            .map(|mut all| {
                all.sort_by_cached_key(|found| {
                    (
                        found.api_version.clone(),
                        found.kind.clone(),
                        found.namespace.clone(),
                        found.name.clone(),
                    )
                });
                all
            })
            .map(|all| if all.is_empty() { Value::Null } else { json!(all) })
            .map(|all| json!({"dependencies": all}))
            .map_err(answer::error),
        Some("native.ReflectStatus") => {
            let answer = interpreter.reflect_status(object);
            let answer = answer.map(|status| json!({"present": status.is_some(), "status": status}));
            return answer::compare_as(expected, answer.map_err(answer::error), answer::without_empty);
        }
        Some("native.InterpretHealth") => interpreter
            .health(object)
            .map(|health| json!({"healthy": health.as_str() == "Healthy"}))
            .map_err(answer::error),
        other => return Outcome::Skipped(format!("no runner for {}", other.unwrap_or("a case without op"))),
    };
    answer::compare(expected, answer)
}
