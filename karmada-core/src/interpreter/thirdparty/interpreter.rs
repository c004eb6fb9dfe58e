//! The layer itself.

use jiff::Timestamp;
use serde_json::{Map, Value};

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
        let mut revised = without_nulls(&object);
        revise(&mut revised, replicas)?;
        settle(&mut revised, &[&object]);
        Ok(revised)
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        let retain = rule(&desired, Operation::Retain, |rules| rules.retain)?;
        let mut retained = without_nulls(&desired);
        retain(&mut retained, observed)?;
        settle(&mut retained, &[&desired, observed]);
        Ok(retained)
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        let aggregate = rule(object, Operation::AggregateStatus, |rules| rules.aggregate)?;
        let members = items.map(members);
        let mut aggregated = without_nulls(object);
        aggregate(&mut aggregated, members.as_deref(), now)?;
        settle(&mut aggregated, &[]);
        Ok(aggregated)
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
        let mut reflected = without_nulls(&Value::Object(reflected));
        settle(&mut reflected, &[object]);
        Ok(Some(reflected))
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        let healthy = rule(object, Operation::InterpretHealth, |rules| rules.health)?(object)?;
        Ok(if healthy { ResourceHealth::Healthy } else { ResourceHealth::Unhealthy })
    }
}

/// Returns a copy without members that are null: scripts take them for absent.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (key, member) in members {
                if !member.is_null() {
                    kept.insert(key.clone(), without_nulls(member));
                }
            }
            Value::Object(kept)
        }
        Value::Array(elements) => Value::Array(elements.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
