//! Questions that the cases of every layer of interpreters put alike.

use jiff::Timestamp;
use karmada_core::interpreter::{ObjectKind, Operation, ResourceInterpreter};
use serde_json::Value;

use super::answer::{self, Answer};

/// Returns whether a layer knows the operation of a case for its kind.
pub fn hook_enabled(interpreter: &dyn ResourceInterpreter, input: &Value) -> bool {
    let text = |field: &str| input[field].as_str().unwrap_or_default();
    let kind = ObjectKind { api_version: text("apiVersion"), kind: text("kind") };
    Operation::from_name(text("operation")).is_some_and(|operation| interpreter.hook_enabled(kind, operation))
}

/// Returns the object of a case with the status of its members.
pub fn aggregate(interpreter: &dyn ResourceInterpreter, input: &Value) -> Answer {
    let items: Option<Vec<_>> = answer::decode(&input["items"])?;
    let now = Timestamp::UNIX_EPOCH;
    let object = interpreter.aggregate_status(&input["object"], items.as_deref(), now);
    let object = object.map_err(answer::error)?;
    // The recording has a mark where upstream wrote the time of its clock.
    let text = object.to_string().replace("\"1970-01-01T00:00:00Z\"", "\"__NOW__\"");
    serde_json::from_str(&text).map_err(answer::error)
}
