//! Runs cases of the interpreter of third-party kinds.

use karmada_core::api::work::ResourceHealth;
use karmada_core::interpreter::{NativeOptions, ResourceInterpreter, ThirdPartyInterpreter};
use serde_json::{Value, json};

use super::Outcome;
use super::answer::{self, Answer};
use super::interpretation::{aggregate, hook_enabled};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let gate = |name: &str| input["featureGates"][name].as_bool().unwrap_or_default();
    let options = NativeOptions { resource_quota_estimate: gate("ResourceQuotaEstimate") };
    let interpreter = ThirdPartyInterpreter::new(options);
    let object = &input["object"];
    let answer: Answer = match case["op"].as_str() {
        Some("thirdparty.HookEnabled") => Ok(json!({"enabled": hook_enabled(&interpreter, input)})),
        Some("thirdparty.GetReplicas") => interpreter
            .replicas(object)
            .map(|(replicas, needed)| json!({"enabled": true, "replicas": replicas, "requirements": needed}))
            .map_err(answer::error),
        // The recording is sorted, for upstream's order can be random.
        Some("thirdparty.GetComponents") => interpreter
            .components(object)
            .map(|mut components| {
                components.sort_by(|a, b| a.name.cmp(&b.name));
                json!({"enabled": true, "components": components})
            })
            .map_err(answer::error),
        Some("thirdparty.ReviseReplica") => interpreter
            .revise_replica(object.clone(), input["replica"].as_i64().unwrap_or_default())
            .map(|object| json!({"enabled": true, "object": object}))
            .map_err(answer::error),
        Some("thirdparty.Retain") => interpreter
            .retain(input["desired"].clone(), &input["observed"])
            .map(|object| json!({"enabled": true, "object": object}))
            .map_err(answer::error),
        Some("thirdparty.AggregateStatus") => {
            aggregate(&interpreter, input).map(|object| json!({"enabled": true, "object": object}))
        }
        Some("thirdparty.GetDependencies") => interpreter
            .dependencies(object)
            .map(|dependencies| json!({"enabled": true, "dependencies": dependencies}))
            .map_err(answer::error),
        Some("thirdparty.ReflectStatus") => interpreter
            .reflect_status(object)
            .map(|status| json!({"enabled": true, "status": status}))
            .map_err(answer::error),
        Some("thirdparty.InterpretHealth") => interpreter
            .health(object)
            .map(|health| json!({"enabled": true, "healthy": health == ResourceHealth::Healthy}))
            .map_err(answer::error),
        other => return Outcome::Skipped(format!("no runner for {}", other.unwrap_or("a case without op"))),
    };
    answer::compare(&case["expect"], answer)
}
