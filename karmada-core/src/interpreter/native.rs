//! The last layer: rules for Kubernetes' built-in kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::chain::not_found;
use super::dependency::checked;
use super::{DependentReference, InterpretError, ObjectKind, Operation, ResourceInterpreter, fields, kinds};
use crate::api::work::{AggregatedStatusItem, ReplicaRequirements, ResourceHealth};
use crate::object::set_nested;

/// What changes the native rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NativeOptions {
    /// Whether requirements name the priority class, for quota estimates.
    pub resource_quota_estimate: bool,
}

/// Rules for Kubernetes' built-in kinds.
///
/// The status of any other kind is collected as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeInterpreter {
    options: NativeOptions,
}

impl NativeInterpreter {
    /// Makes the layer.
    pub fn new(options: NativeOptions) -> Self {
        Self { options }
    }
}

impl ResourceInterpreter for NativeInterpreter {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        let rules = kinds::rules(kind);
        match operation {
            Operation::InterpretReplica => rules.is_some_and(|rules| rules.replicas.is_some()),
            Operation::InterpretComponent => false,
            Operation::ReviseReplica => rules.is_some_and(|rules| rules.revise.is_some()),
            Operation::Retain => rules.is_some_and(|rules| rules.retain.is_some()),
            Operation::AggregateStatus => rules.is_some_and(|rules| rules.aggregate.is_some()),
            Operation::InterpretDependency => rules.is_some_and(|rules| rules.dependencies.is_some()),
            Operation::InterpretStatus => true,
            Operation::InterpretHealth => rules.is_some_and(|rules| rules.health.is_some()),
        }
    }

    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        let rule = kinds::rules(ObjectKind::of(object)).and_then(|rules| rules.replicas);
        let rule = rule.ok_or_else(|| not_found(object, Operation::InterpretReplica))?;
        rule(object, self.options)
    }

    fn revise_replica(&self, mut object: Value, replicas: i64) -> Result<Value, InterpretError> {
        let path = kinds::rules(ObjectKind::of(&object)).and_then(|rules| rules.revise);
        let path = path.ok_or_else(|| not_found(&object, Operation::ReviseReplica))?;
        if fields::integer(&object, path)?.is_some() {
            set_nested(&mut object, path, Value::from(replicas))?;
        }
        Ok(object)
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        let rule = kinds::rules(ObjectKind::of(&desired)).and_then(|rules| rules.retain);
        let rule = rule.ok_or_else(|| not_found(&desired, Operation::Retain))?;
        rule(desired, observed)
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        let rule = kinds::rules(ObjectKind::of(object)).and_then(|rules| rules.aggregate);
        let rule = rule.ok_or_else(|| not_found(object, Operation::AggregateStatus))?;
        rule(object, items, now)
    }

    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        let rule = kinds::rules(ObjectKind::of(object)).and_then(|rules| rules.dependencies);
        let rule = rule.ok_or_else(|| not_found(object, Operation::InterpretDependency))?;
        checked(rule(object)?)
    }

    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        match kinds::rules(ObjectKind::of(object)).and_then(|rules| rules.reflect) {
            Some(rule) => rule(object),
            None => Ok(fields::map(object, &["status"])?.cloned().map(Value::Object)),
        }
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        let rule = kinds::rules(ObjectKind::of(object)).and_then(|rules| rules.health);
        let rule = rule.ok_or_else(|| not_found(object, Operation::InterpretHealth))?;
        let healthy = rule(object)?;
        Ok(if healthy { ResourceHealth::Healthy } else { ResourceHealth::Unhealthy })
    }
}
