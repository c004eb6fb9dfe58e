//! The layers of interpreters and their precedence.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    DependentReference, InterpretError, NativeInterpreter, ObjectKind, Operation, ThirdPartyInterpreter,
};
use crate::api::work::{AggregatedStatusItem, Component, ReplicaRequirements, ResourceHealth};

/// Answers questions about resources.
///
/// A method is only called for kinds for which [`hook_enabled`](Self::hook_enabled) is true; the defaults say
/// that there is no answer.
pub trait ResourceInterpreter: Send + Sync {
    /// Returns whether the operation is known for a kind.
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool;

    /// Returns the wanted replicas and what one needs.
    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        Err(not_found(object, Operation::InterpretReplica))
    }

    /// Returns the components of a workload with several pod templates.
    fn components(&self, object: &Value) -> Result<Vec<Component>, InterpretError> {
        Err(not_found(object, Operation::InterpretComponent))
    }

    /// Returns the object with other replicas.
    fn revise_replica(&self, object: Value, replicas: i64) -> Result<Value, InterpretError> {
        let _ = replicas;
        Err(not_found(&object, Operation::ReviseReplica))
    }

    /// Returns the desired object with what is kept of the member's object.
    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        let _ = observed;
        Err(not_found(&desired, Operation::Retain))
    }

    /// Returns the template with a status made of those of the members.
    ///
    /// `None` items differ from no items: nothing is known of any member.
    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        let _ = (items, now);
        Err(not_found(object, Operation::AggregateStatus))
    }

    /// Returns what the object needs, in an order that depends on the object alone.
    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        Err(not_found(object, Operation::InterpretDependency))
    }

    /// Returns the part of a member's status that is collected, if there is any.
    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        Err(not_found(object, Operation::InterpretStatus))
    }

    /// Returns whether a member's object is healthy.
    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        Err(not_found(object, Operation::InterpretHealth))
    }
}

/// Asks layers in order: customizations, webhooks, built-in scripts, native rules.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Interpreter {
    layers: Arc<[Arc<dyn ResourceInterpreter>]>,
}

impl Interpreter {
    /// Makes an interpreter of layers, the most important one first.
    pub fn new(layers: Vec<Arc<dyn ResourceInterpreter>>) -> Self {
        Self { layers: layers.into() }
    }

    fn layer(
        &self,
        object: &Value,
        operation: Operation,
    ) -> Result<&dyn ResourceInterpreter, InterpretError> {
        let kind = ObjectKind::of(object);
        self.layers
            .iter()
            .find(|layer| layer.hook_enabled(kind, operation))
            .map(AsRef::as_ref)
            .ok_or_else(|| not_found(object, operation))
    }
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new(vec![Arc::new(ThirdPartyInterpreter::default()), Arc::new(NativeInterpreter::default())])
    }
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interpreter").field("layers", &self.layers.len()).finish()
    }
}

impl ResourceInterpreter for Interpreter {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        self.layers.iter().any(|layer| layer.hook_enabled(kind, operation))
    }

    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        self.layer(object, Operation::InterpretReplica)?.replicas(object)
    }

    fn components(&self, object: &Value) -> Result<Vec<Component>, InterpretError> {
        self.layer(object, Operation::InterpretComponent)?.components(object)
    }

    fn revise_replica(&self, object: Value, replicas: i64) -> Result<Value, InterpretError> {
        self.layer(&object, Operation::ReviseReplica)?.revise_replica(object, replicas)
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        self.layer(&desired, Operation::Retain)?.retain(desired, observed)
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        self.layer(object, Operation::AggregateStatus)?.aggregate_status(object, items, now)
    }

    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        self.layer(object, Operation::InterpretDependency)?.dependencies(object)
    }

    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        self.layer(object, Operation::InterpretStatus)?.reflect_status(object)
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        self.layer(object, Operation::InterpretHealth)?.health(object)
    }
}

pub(super) fn not_found(object: &Value, operation: Operation) -> InterpretError {
    InterpretError::NotFound { operation, kind: ObjectKind::of(object).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct AlwaysUnhealthy;

    impl ResourceInterpreter for AlwaysUnhealthy {
        fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
            kind.kind == "PersistentVolumeClaim" && operation == Operation::InterpretHealth
        }

        fn health(&self, _: &Value) -> Result<ResourceHealth, InterpretError> {
            Ok(ResourceHealth::Unhealthy)
        }
    }

    #[test]
    fn asks_the_first_layer_that_has_the_operation() {
        let interpreter =
            Interpreter::new(vec![Arc::new(AlwaysUnhealthy), Arc::new(NativeInterpreter::default())]);
        let claim =
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}});
        assert_eq!(interpreter.health(&claim).unwrap(), ResourceHealth::Unhealthy);
        assert_eq!(Interpreter::default().health(&claim).unwrap(), ResourceHealth::Healthy);
        assert_eq!(interpreter.reflect_status(&claim).unwrap(), Some(json!({"phase": "Bound"})));
    }
}
