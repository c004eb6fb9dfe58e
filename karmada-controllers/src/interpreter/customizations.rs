//! Customizations as they are stored now.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use karmada_core::api::config::ResourceInterpreterCustomization;
use karmada_core::api::work::{AggregatedStatusItem, Component, ReplicaRequirements, ResourceHealth};
use karmada_core::interpreter::lua::{Customizations, LuaEngine};
use karmada_core::interpreter::{
    DependentReference, InterpretError, ObjectKind, Operation, ResourceInterpreter,
};
use kube::ResourceExt as _;
use parking_lot::RwLock;
use serde_json::Value;

use crate::hub::Change;

/// A layer of the interpreter that follows the stored customizations.
#[derive(Debug)]
pub(super) struct StoredCustomizations {
    engine: Arc<LuaEngine>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    by_name: BTreeMap<String, Arc<ResourceInterpreterCustomization>>,
    /// What questions are put to; questions that run keep the one they began with.
    current: Arc<Customizations>,
}

impl StoredCustomizations {
    pub(super) fn new(engine: Arc<LuaEngine>) -> Self {
        let current = Arc::new(Customizations::new(engine.clone(), []));
        Self { engine, state: RwLock::new(State { by_name: BTreeMap::new(), current }) }
    }

    /// Takes over a change. The engine keeps compiled scripts, so only new ones are compiled.
    pub(super) fn follow(&self, change: &Change<ResourceInterpreterCustomization>) {
        let object = change.object();
        let mut state = self.state.write();
        match change {
            Change::Added(_) | Change::Updated { .. } => {
                state.by_name.insert(object.name_any(), object.clone());
            }
            Change::Deleted(_) => {
                state.by_name.remove(&object.name_any());
            }
        }
        let all = state.by_name.values().map(AsRef::as_ref);
        state.current = Arc::new(Customizations::new(self.engine.clone(), all));
    }

    fn current(&self) -> Arc<Customizations> {
        self.state.read().current.clone()
    }
}

impl ResourceInterpreter for StoredCustomizations {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        self.current().hook_enabled(kind, operation)
    }

    fn replicas(&self, object: &Value) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        self.current().replicas(object)
    }

    fn components(&self, object: &Value) -> Result<Vec<Component>, InterpretError> {
        self.current().components(object)
    }

    fn revise_replica(&self, object: Value, replicas: i64) -> Result<Value, InterpretError> {
        self.current().revise_replica(object, replicas)
    }

    fn retain(&self, desired: Value, observed: &Value) -> Result<Value, InterpretError> {
        self.current().retain(desired, observed)
    }

    fn aggregate_status(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
        now: Timestamp,
    ) -> Result<Value, InterpretError> {
        self.current().aggregate_status(object, items, now)
    }

    fn dependencies(&self, object: &Value) -> Result<Vec<DependentReference>, InterpretError> {
        self.current().dependencies(object)
    }

    fn reflect_status(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        self.current().reflect_status(object)
    }

    fn health(&self, object: &Value) -> Result<ResourceHealth, InterpretError> {
        self.current().health(object)
    }
}

#[cfg(test)]
mod tests {
    use karmada_core::interpreter::lua::LuaOptions;
    use serde_json::json;

    use super::*;

    fn customization(replicas: u32) -> Arc<ResourceInterpreterCustomization> {
        let script = format!("function GetReplicas(object) return {replicas}, nil end");
        let customization = json!({
            "apiVersion": "config.karmada.io/v1alpha1", "kind": "ResourceInterpreterCustomization",
            "metadata": {"name": "foo"},
            "spec": {
                "target": {"apiVersion": "example.io/v1", "kind": "Foo"},
                "customizations": {"replicaResource": {"luaScript": script}},
            },
        });
        Arc::new(serde_json::from_value(customization).unwrap())
    }

    #[test]
    fn answers_with_the_customizations_that_are_stored_now() {
        let engine = Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(|| Timestamp::UNIX_EPOCH))));
        let stored = StoredCustomizations::new(engine);
        let object = json!({"apiVersion": "example.io/v1", "kind": "Foo", "metadata": {"name": "a"}});
        let enabled = || stored.hook_enabled(ObjectKind::of(&object), Operation::InterpretReplica);
        assert!(!enabled());

        stored.follow(&Change::Added(customization(3)));
        assert!(enabled());
        assert_eq!(stored.replicas(&object).unwrap().0, 3);

        stored.follow(&Change::Updated { old: customization(3), new: customization(5) });
        assert_eq!(stored.replicas(&object).unwrap().0, 5);

        stored.follow(&Change::Deleted(customization(5)));
        assert!(!enabled());
    }
}
