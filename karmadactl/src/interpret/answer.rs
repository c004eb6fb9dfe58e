//! One question and its answers.

use jiff::Timestamp;
use karmada_core::api::work::{AggregatedStatusItem, ResourceHealth};
use karmada_core::interpreter::{InterpretError, ObjectKind, Operation, ResourceInterpreter};
use serde::Serialize;
use serde_json::Value;

use super::rules::rule;
use crate::error::chain_line;

/// What a question is about.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// The template in the control plane.
    pub desired: Option<Value>,
    /// The object as a member cluster has it.
    pub observed: Option<Value>,
    /// What member clusters report.
    pub items: Option<Vec<AggregatedStatusItem>>,
    /// The replicas of one member cluster.
    pub replicas: i64,
}

/// A named part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its name, as [`super::Rule::answers`] lists it.
    pub name: &'static str,
    /// Its value; nothing when there is none.
    pub value: Option<Value>,
}

/// A question without an answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no template.
    #[error("desired, desired-file options are not set")]
    NoDesired,
    /// There is no object of a member.
    #[error("observed, observed-file options are not set")]
    NoObserved,
    /// There is no object at all.
    #[error("desired-file, observed-file options are not set")]
    NoObject,
    /// There is nothing that member clusters report.
    #[error("status, status-file options are not set")]
    NoItems,
    /// Nobody has the operation for the kind.
    #[error("rule is not enabled")]
    NotEnabled,
    /// Whoever has the operation fails.
    #[error(transparent)]
    Failed(#[from] InterpretError),
    /// The answer has no JSON form.
    #[error("the answer cannot be written")]
    Unwritable(#[source] serde_json::Error),
}

impl AskError {
    /// Returns the error and its causes on one line.
    pub fn explain(&self) -> String {
        match self {
            // Which operation it is about is said by whoever asks.
            Self::Failed(InterpretError::Customization { source, .. }) => chain_line(source.as_ref()),
            other => chain_line(other),
        }
    }
}

impl Arguments {
    /// Returns the object that a question is about.
    ///
    /// Questions with one object take whichever is there; of two, status and health are about the member's.
    pub fn object(&self, operation: Operation) -> Result<&Value, AskError> {
        let (desired, observed) = (self.desired.as_ref(), self.observed.as_ref());
        match operation {
            Operation::Retain => desired.ok_or(AskError::NoDesired),
            Operation::InterpretStatus | Operation::InterpretHealth => {
                observed.or(desired).ok_or(AskError::NoObject)
            }
            _ => desired.or(observed).ok_or(AskError::NoObject),
        }
    }
}

/// Asks an interpreter; `now` is the time of conditions it writes.
pub fn ask(
    interpreter: &dyn ResourceInterpreter,
    operation: Operation,
    arguments: &Arguments,
    now: Timestamp,
) -> Result<Vec<Answer>, AskError> {
    let object = arguments.object(operation)?;
    let observed = match operation {
        Operation::Retain => arguments.observed.as_ref().ok_or(AskError::NoObserved)?,
        _ => object,
    };
    if operation == Operation::AggregateStatus && arguments.items.is_none() {
        return Err(AskError::NoItems);
    }
    if !interpreter.hook_enabled(ObjectKind::of(object), operation) {
        return Err(AskError::NotEnabled);
    }
    let values = match operation {
        Operation::InterpretReplica => {
            let (replicas, requirements) = interpreter.replicas(object)?;
            vec![Some(replicas.into()), requirements.map(written).transpose()?]
        }
        Operation::InterpretComponent => vec![Some(written(interpreter.components(object)?)?)],
        Operation::ReviseReplica => {
            vec![Some(interpreter.revise_replica(object.clone(), arguments.replicas)?)]
        }
        Operation::Retain => vec![Some(interpreter.retain(object.clone(), observed)?)],
        Operation::AggregateStatus => {
            vec![Some(interpreter.aggregate_status(object, arguments.items.as_deref(), now)?)]
        }
        Operation::InterpretDependency => vec![Some(written(interpreter.dependencies(object)?)?)],
        Operation::InterpretStatus => vec![interpreter.reflect_status(object)?],
        Operation::InterpretHealth => {
            vec![Some((interpreter.health(object)? == ResourceHealth::Healthy).into())]
        }
    };
    let names = rule(operation).answers;
    Ok(names.iter().zip(values).map(|(name, value)| Answer { name, value }).collect())
}

fn written(value: impl Serialize) -> Result<Value, AskError> {
    serde_json::to_value(value).map_err(AskError::Unwritable)
}

#[cfg(test)]
mod tests {
    use karmada_core::interpreter::Interpreter;
    use serde_json::json;

    use super::*;

    fn deployment(replicas: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": replicas}})
    }

    fn answers(operation: Operation, arguments: &Arguments) -> Result<Vec<(&'static str, Value)>, String> {
        ask(&Interpreter::default(), operation, arguments, Timestamp::UNIX_EPOCH)
            .map(|answers| {
                answers.into_iter().map(|answer| (answer.name, answer.value.unwrap_or_default())).collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn answers_have_the_names_of_the_rule() {
        let arguments = Arguments { observed: Some(deployment(3)), replicas: 5, ..Default::default() };
        assert_eq!(
            answers(Operation::InterpretReplica, &arguments),
            Ok(vec![("replica", json!(3)), ("requires", json!(null))])
        );
        assert_eq!(answers(Operation::ReviseReplica, &arguments), Ok(vec![("revised", deployment(5))]));
        assert_eq!(answers(Operation::InterpretHealth, &arguments), Ok(vec![("healthy", json!(false))]));
        assert_eq!(
            answers(Operation::InterpretDependency, &arguments),
            Ok(vec![("dependencies", json!([]))])
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let observed = Arguments { observed: Some(deployment(1)), ..Default::default() };
        let desired = Arguments { desired: Some(deployment(1)), ..Default::default() };
        let missing = |operation, arguments: &Arguments| answers(operation, arguments).unwrap_err();
        assert_eq!(missing(Operation::Retain, &observed), "desired, desired-file options are not set");
        assert_eq!(missing(Operation::Retain, &desired), "observed, observed-file options are not set");
        assert_eq!(
            missing(Operation::InterpretHealth, &Arguments::default()),
            "desired-file, observed-file options are not set"
        );
        assert_eq!(missing(Operation::AggregateStatus, &desired), "status, status-file options are not set");
        assert_eq!(missing(Operation::InterpretComponent, &desired), "rule is not enabled");
    }

    #[test]
    fn of_two_objects_health_is_about_the_members_and_replicas_about_the_template() {
        let mut healthy = deployment(0);
        healthy["status"] = json!({"observedGeneration": 0});
        let both = Arguments { desired: Some(deployment(7)), observed: Some(healthy), ..Default::default() };
        assert_eq!(answers(Operation::InterpretReplica, &both).unwrap()[0], ("replica", json!(7)));
        assert_eq!(answers(Operation::InterpretHealth, &both).unwrap()[0], ("healthy", json!(true)));
    }
}
