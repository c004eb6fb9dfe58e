//! Runs cases of customizations.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use karmada_core::api::config::ResourceInterpreterCustomization;
use karmada_core::api::work::AggregatedStatusItem;
use karmada_core::interpreter::lua::{Customizations, LuaEngine, LuaOptions};
use karmada_core::interpreter::{ObjectKind, Operation, ResourceInterpreter};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Outcome;
use super::answer::{self, Answer};

/// Upstream edits JSON texts by paths and does not escape them: keys with certain characters around empty maps and
/// lists give errors, lists for maps, or new keys.
const RULE_PATHS: &str = "empty maps and lists under keys with special characters are kept as they were";
/// Upstream's states are used again with what scripts have left in them.
const RULE_STATE: &str = "no state is kept from call to call";

/// Characters of keys that upstream's paths give a meaning.
const SPECIAL: &[char] =
    &['*', '?', '#', '|', '@', '\\', '!', '{', '}', '[', ']', '(', ')', '=', '<', '>', '%', '~'];

static ENGINE: LazyLock<Arc<LuaEngine>> =
    LazyLock::new(|| Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now)))));

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let expected = &case["expect"];
    let customizations = match read_customizations(&input["customizations"]) {
        Ok(customizations) => customizations,
        Err(error) => return Outcome::Failed(format!("unreadable customizations: {error}")),
    };
    let Some(operation) = case["op"].as_str().and_then(|op| op.strip_prefix("lua.")) else {
        return Outcome::Skipped("no runner for a case without op".to_owned());
    };
    if operation == "Sequence" {
        return sequence(&customizations, &input["steps"], &expected["results"]);
    }
    let Some(answer) = answer_to(&customizations, operation, input) else {
        return Outcome::Skipped(format!("no runner for lua.{operation}"));
    };
    // Go tells a list that is not there from an empty one.
    let listed = |value: &Value| {
        let mut value = value.clone();
        for field in ["components", "dependencies"] {
            if value[field].as_array().is_some_and(Vec::is_empty) {
                value[field] = Value::Null;
            }
        }
        without_fields_that_are_null(value)
    };
    let outcome = answer::compare_as(expected, answer.clone(), listed);
    match (outcome, answer) {
        (Outcome::Failed(_), Ok(answer)) if is_path_fault(expected, &answer) => {
            Outcome::Differs(RULE_PATHS.to_owned())
        }
        (outcome, _) => outcome,
    }
}

/// Runs steps on one set of customizations; each has to give what it gives alone.
fn sequence(customizations: &Customizations, steps: &Value, expected: &Value) -> Outcome {
    let steps = steps.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut differs = false;
    for (index, step) in steps.iter().enumerate() {
        let operation = step["op"].as_str().unwrap_or_default();
        let operation = operation.strip_prefix("lua.").unwrap_or(operation);
        let Some(answer) = answer_to(customizations, operation, step) else {
            return Outcome::Skipped(format!("no runner for lua.{operation} in a sequence"));
        };
        // A fresh engine knows nothing of the steps before.
        let alone = answer_to(&customizations.with_engine(fresh_engine()), operation, step);
        if alone.as_ref().is_some_and(|alone| {
            alone.is_ok() != answer.is_ok() || alone.as_ref().ok() != answer.as_ref().ok()
        }) {
            return Outcome::Failed(format!("step {index} gives {answer:?}, but alone {alone:?}"));
        }
        if answer::compare(&expected[index], answer) != Outcome::Passed {
            differs = true;
        }
    }
    if differs { Outcome::Differs(RULE_STATE.to_owned()) } else { Outcome::Passed }
}

fn fresh_engine() -> Arc<LuaEngine> {
    Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now))))
}

fn read_customizations(all: &Value) -> Result<Customizations, serde_json::Error> {
    let all = Vec::<ResourceInterpreterCustomization>::deserialize(all)?;
    Ok(Customizations::new(Arc::clone(&ENGINE), &all))
}

/// Returns the answer to a question, or `None` when there is no such question.
fn answer_to(customizations: &Customizations, operation: &str, input: &Value) -> Option<Answer> {
    let object = input.get("object").or_else(|| input.get("desired")).unwrap_or(&Value::Null);
    if operation == "HookEnabled" {
        let text = |field: &str| input[field].as_str().unwrap_or_default();
        let kind = ObjectKind { api_version: text("apiVersion"), kind: text("kind") };
        let enabled = Operation::from_name(text("operation"))
            .is_some_and(|operation| customizations.hook_enabled(kind, operation));
        return Some(Ok(json!({"enabled": enabled})));
    }
    let question = match operation {
        "GetReplicas" => Operation::InterpretReplica,
        "GetComponents" => Operation::InterpretComponent,
        "ReviseReplica" => Operation::ReviseReplica,
        "Retain" => Operation::Retain,
        "AggregateStatus" => Operation::AggregateStatus,
        "GetDependencies" => Operation::InterpretDependency,
        "ReflectStatus" => Operation::InterpretStatus,
        "InterpretHealth" => Operation::InterpretHealth,
        _ => return None,
    };
    let enabled = customizations.hook_enabled(ObjectKind::of(object), question);
    let answer = if enabled { ask(customizations, question, object, input) } else { Ok(nothing(question)) };
    Some(answer.map(|mut answer| {
        answer["enabled"] = Value::Bool(enabled);
        answer
    }))
}

fn ask(customizations: &Customizations, question: Operation, object: &Value, input: &Value) -> Answer {
    let answer = match question {
        Operation::InterpretReplica => customizations
            .replicas(object)
            .map(|(replicas, requirements)| json!({"replicas": replicas, "requirements": requirements})),
        Operation::InterpretComponent => {
            customizations.components(object).map(|components| json!({"components": components}))
        }
        Operation::ReviseReplica => customizations
            .revise_replica(object.clone(), input["replica"].as_i64().unwrap_or_default())
            .map(|object| json!({"object": object})),
        Operation::Retain => {
            customizations.retain(object.clone(), &input["observed"]).map(|object| json!({"object": object}))
        }
        Operation::AggregateStatus => {
            let items: Option<Vec<AggregatedStatusItem>> = answer::decode(&input["items"])?;
            customizations
                .aggregate_status(object, items.as_deref(), Timestamp::UNIX_EPOCH)
                .map(|object| json!({"object": object}))
        }
        Operation::InterpretDependency => {
            customizations.dependencies(object).map(|all| json!({"dependencies": all}))
        }
        Operation::InterpretStatus => {
            customizations.reflect_status(object).map(|status| json!({"status": status}))
        }
        Operation::InterpretHealth => {
            customizations.health(object).map(|health| json!({"healthy": health.as_str() == "Healthy"}))
        }
    };
    answer.map_err(answer::error)
}

/// Returns the answer that is recorded when there is no script.
fn nothing(question: Operation) -> Value {
    match question {
        Operation::InterpretReplica => json!({"replicas": 0, "requirements": null}),
        Operation::InterpretComponent => json!({"components": null}),
        Operation::InterpretDependency => json!({"dependencies": null}),
        Operation::InterpretStatus => json!({"status": null}),
        Operation::InterpretHealth => json!({"healthy": false}),
        Operation::ReviseReplica | Operation::Retain | Operation::AggregateStatus => json!({"object": null}),
    }
}

/// Returns whether the recorded answer is a fault of upstream's paths, and ours is right but for it.
fn is_path_fault(expected: &Value, answer: &Value) -> bool {
    if let Some(error) = expected.get("error").and_then(Value::as_str) {
        return error.contains("sjson");
    }
    without_special_empties(expected) == without_special_empties(answer)
}

/// Returns a map without the fields that are null.
fn without_fields_that_are_null(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
    }
    value
}

fn without_special_empties(value: &Value) -> Value {
    let is_empty = |value: &Value| {
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
    };
    match value {
        Value::Object(members) => {
            // A backslash is lost: the key without it is new.
            let invented = |key: &str| {
                members.keys().any(|other| other.contains('\\') && other.replace('\\', "") == key)
            };
            let kept = members
                .iter()
                .filter(|(key, value)| !(is_empty(value) && (key.contains(SPECIAL) || invented(key))));
            Value::Object(kept.map(|(key, value)| (key.clone(), without_special_empties(value))).collect())
        }
        Value::Array(elements) => elements.iter().map(without_special_empties).collect(),
        other => other.clone(),
    }
}
