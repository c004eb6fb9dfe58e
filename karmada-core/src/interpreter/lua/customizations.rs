//! The first layer: scripts of ResourceInterpreterCustomizations.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use mlua::Value;
use serde_json::Value as Json;

use super::engine::{LuaEngine, Script};
use super::error::RuleError;
use super::vm::Input;
use super::{ScriptError, results, rule_name, script};
use crate::api::config::ResourceInterpreterCustomization;
use crate::api::work::{AggregatedStatusItem, Component, ReplicaRequirements, ResourceHealth};
use crate::interpreter::chain::not_found;
use crate::interpreter::{DependentReference, InterpretError, ObjectKind, Operation, ResourceInterpreter};
use crate::object;

/// The scripts of a set of customizations, by kind.
///
/// Several customizations for one kind are merged in the order of their names: the first script for a rule is the
/// one that runs, but all scripts for dependencies run.
#[derive(Debug)]
pub struct Customizations {
    engine: Arc<LuaEngine>,
    /// By group and version, then by kind.
    kinds: BTreeMap<String, BTreeMap<String, KindScripts>>,
}

/// A script and where it comes from.
#[derive(Debug)]
struct Source {
    customization: String,
    script: Arc<Script>,
}

#[derive(Debug, Default)]
struct KindScripts(BTreeMap<Operation, Vec<Source>>);

impl Customizations {
    /// Makes the layer; scripts that the engine knows already are not compiled again.
    pub fn new<'a>(
        engine: Arc<LuaEngine>,
        customizations: impl IntoIterator<Item = &'a ResourceInterpreterCustomization>,
    ) -> Self {
        let mut customizations: Vec<_> = customizations.into_iter().collect();
        customizations.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let mut kinds: BTreeMap<String, BTreeMap<String, KindScripts>> = BTreeMap::new();
        for customization in customizations {
            let target = &customization.spec.target;
            let by_kind = kinds.entry(target.api_version.clone()).or_default();
            let scripts = by_kind.entry(target.kind.clone()).or_default();
            for operation in Operation::ALL {
                let Some(text) = script(&customization.spec.customizations, operation) else { continue };
                let sources = scripts.0.entry(operation).or_default();
                if sources.is_empty() || operation == Operation::InterpretDependency {
                    sources.push(Source {
                        customization: customization.metadata.name.clone().unwrap_or_default(),
                        script: engine.intern(text),
                    });
                }
            }
        }
        Self { engine, kinds }
    }

    /// Returns the same scripts with another engine.
    #[must_use]
    pub fn with_engine(&self, engine: Arc<LuaEngine>) -> Self {
        let again = |source: &Source| Source {
            customization: source.customization.clone(),
            script: engine.intern(source.script.text()),
        };
        let scripts = |scripts: &KindScripts| {
            KindScripts(
                scripts
                    .0
                    .iter()
                    .map(|(operation, all)| (*operation, all.iter().map(again).collect()))
                    .collect(),
            )
        };
        let kinds = self.kinds.iter().map(|(version, kinds)| {
            (version.clone(), kinds.iter().map(|(kind, all)| (kind.clone(), scripts(all))).collect())
        });
        Self { kinds: kinds.collect(), engine: Arc::clone(&engine) }
    }

    /// Returns the scripts of an operation for a kind.
    fn sources(&self, kind: ObjectKind<'_>, operation: Operation) -> &[Source] {
        let scripts = self.kinds.get(kind.api_version).and_then(|kinds| kinds.get(kind.kind));
        scripts.and_then(|scripts| scripts.0.get(&operation)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Runs the script of an operation for an object, and reads its results.
    fn answer<T>(
        &self,
        operation: Operation,
        object: &Json,
        inputs: &[Input<'_>],
        read: impl FnOnce(&mut results::Encoder<'_, '_>, &[Value]) -> Result<T, ScriptError>,
    ) -> Result<T, InterpretError> {
        let source = self.sources(ObjectKind::of(object), operation).first();
        let source = source.ok_or_else(|| not_found(object, operation))?;
        let answer = self.engine.call(&source.script, operation, inputs, read);
        answer.map_err(|error| failure(source, operation, object, error))
    }
}

impl ResourceInterpreter for Customizations {
    fn hook_enabled(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        !self.sources(kind, operation).is_empty()
    }

    fn replicas(&self, object: &Json) -> Result<(i64, Option<ReplicaRequirements>), InterpretError> {
        self.answer(Operation::InterpretReplica, object, &[Input::Json(object)], results::replicas)
    }

    fn components(&self, object: &Json) -> Result<Vec<Component>, InterpretError> {
        self.answer(Operation::InterpretComponent, object, &[Input::Json(object)], results::components)
    }

    fn revise_replica(&self, object: Json, replicas: i64) -> Result<Json, InterpretError> {
        let inputs = [Input::Json(&object), Input::Number(replicas as f64)];
        self.answer(Operation::ReviseReplica, &object, &inputs, |encoder, values| {
            results::object(encoder, values, "ReviseReplica", &[&object])
        })
    }

    fn retain(&self, desired: Json, observed: &Json) -> Result<Json, InterpretError> {
        let inputs = [Input::Json(&desired), Input::Json(observed)];
        self.answer(Operation::Retain, &desired, &inputs, |encoder, values| {
            results::object(encoder, values, "Retain", &[&desired, observed])
        })
    }

    fn aggregate_status(
        &self,
        object: &Json,
        items: Option<&[AggregatedStatusItem]>,
        _now: Timestamp,
    ) -> Result<Json, InterpretError> {
        let items = serde_json::to_value(items.unwrap_or_default()).map_err(|source| {
            InterpretError::Customization { operation: Operation::AggregateStatus, source: Box::new(source) }
        })?;
        let inputs = [Input::Json(object), Input::Json(&items)];
        self.answer(Operation::AggregateStatus, object, &inputs, |encoder, values| {
            results::object(encoder, values, "AggregateStatus", &[])
        })
    }

    fn dependencies(&self, object: &Json) -> Result<Vec<DependentReference>, InterpretError> {
        let operation = Operation::InterpretDependency;
        let sources = self.sources(ObjectKind::of(object), operation);
        if sources.is_empty() {
            return Err(not_found(object, operation));
        }
        let mut all = Vec::new();
        for source in sources {
            let found =
                self.engine.call(&source.script, operation, &[Input::Json(object)], results::dependencies);
            all.extend(found.map_err(|error| failure(source, operation, object, error))?);
        }
        Ok(results::merged(all))
    }

    fn reflect_status(&self, object: &Json) -> Result<Option<Json>, InterpretError> {
        self.answer(Operation::InterpretStatus, object, &[Input::Json(object)], results::status).map(Some)
    }

    fn health(&self, object: &Json) -> Result<ResourceHealth, InterpretError> {
        self.answer(Operation::InterpretHealth, object, &[Input::Json(object)], results::health)
    }
}

fn failure(source: &Source, operation: Operation, object: &Json, error: ScriptError) -> InterpretError {
    let namespace = object::namespace(object);
    let separator = if namespace.is_empty() { "" } else { "/" };
    let object = format!("{} {namespace}{separator}{}", object::kind(object), object::name(object));
    InterpretError::Customization {
        operation,
        source: Box::new(RuleError {
            customization: source.customization.clone(),
            rule: rule_name(operation),
            object,
            source: error,
        }),
    }
}
