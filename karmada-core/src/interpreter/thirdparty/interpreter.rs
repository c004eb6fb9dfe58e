//! The layer itself.

use jiff::Timestamp;
use serde_json::Value;

use super::super::chain::not_found;
use super::super::dependency::checked;
use super::super::empties::settle;
use super::super::{
    DependentReference, InterpretError, NativeOptions, ObjectKind, Operation, ResourceInterpreter,
};
use super::members::members;
use super::rules::{Rules, rules};
use crate::api::work::{AggregatedStatusItem, Component, ReplicaRequirements, ResourceHealth};

/// Rules for kinds of well-known third-party projects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThirdPartyInterpreter {
    options: NativeOptions,
}

impl ThirdPartyInterpreter {
    /// Makes the layer; what changes the native rules changes these too.
    pub fn new(options: NativeOptions) -> Self {
        Self { options }
    }
}

/// Returns one rule of an object's kind.
fn rule<T>(
    object: &Value,
    operation: Operation,
    pick: impl Fn(&Rules) -> Option<T>,
) -> Result<T, InterpretError> {
    rules(ObjectKind::of(object)).and_then(pick).ok_or_else(|| not_found(object, operation))
}

impl ResourceInterpreter for ThirdPartyInterpreter {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        rules(kind).is_some_and(|rules| match operation {
            Operation::InterpretReplica => rules.replicas.is_some(),
            Operation::InterpretComponent => rules.components.is_some(),
            Operation::ReviseReplica => rules.revise.is_some(),
            Operation::Retain => rules.retain.is_some(),
            Operation::AggregateStatus => rules.aggregate.is_some(),
            Operation::InterpretDependency => rules.dependencies.is_some(),
            Operation::InterpretStatus => rules.reflect.is_some(),
            Operation::InterpretHealth => rules.health.is_some(),
        })
    }

    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        rule(object, Operation::InterpretReplica, |rules| rules.replicas)?(object, self.options)
    }

    fn components(&self, object: &Value) -> Result<Vec<Component>, InterpretError> {
        rule(object, Operation::InterpretComponent, |rules| rules.components)?(object, self.options)
    }

    fn revise_replica(&self, object: Value, replicas: i64) -> Result<Value, InterpretError> {
        let revise = rule(&object, Operation::ReviseReplica, |rules| rules.revise)?;
        let mut revised = object.clone();
        revise(&mut revised, replicas)?;
        Ok(finished(revised, &[&object]))
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        let retain = rule(&desired, Operation::Retain, |rules| rules.retain)?;
        let mut retained = desired.clone();
        retain(&mut retained, observed)?;
        Ok(finished(retained, &[&desired, observed]))
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        let aggregate = rule(object, Operation::AggregateStatus, |rules| rules.aggregate)?;
        let members = items.map(members);
        let mut aggregated = object.clone();
        aggregate(&mut aggregated, members.as_deref(), now)?;
        Ok(finished(aggregated, &[]))
    }

    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        let mut found = rule(object, Operation::InterpretDependency, |rules| rules.dependencies)?(object)?;
        found.sort_by(|a, b| {
            (&a.api_version, &a.kind, &a.namespace, &a.name).cmp(&(
                &b.api_version,
                &b.kind,
                &b.namespace,
                &b.name,
            ))
        });
        found.dedup();
        checked(found)
    }

    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        let reflected = rule(object, Operation::InterpretStatus, |rules| rules.reflect)?(object)?;
        Ok(Some(finished(Value::Object(reflected), &[object])))
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        let healthy = rule(object, Operation::InterpretHealth, |rules| rules.health)?(object)?;
        Ok(if healthy { ResourceHealth::Healthy } else { ResourceHealth::Unhealthy })
    }
}

/// Returns what becomes of an answer on its way out of a script: nothing is null, and empty maps and lists stay
/// only where a reference has them.
fn finished(mut answer: Value, references: &[&Value]) -> Value {
    drop_nulls(&mut answer);
    settle(&mut answer, references);
    answer
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
