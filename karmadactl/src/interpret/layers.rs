//! The chain of interpreters, with the names of its layers.

use std::sync::Arc;

use karmada_core::interpreter::{NativeInterpreter, ObjectKind, Operation, ResourceInterpreter};

/// A layer of the chain.
#[derive(Clone)]
pub struct Layer {
    /// What it is, for messages.
    pub name: &'static str,
    /// Who answers.
    pub interpreter: Arc<dyn ResourceInterpreter>,
}

/// The chain of interpreters that a control plane has, the most important one first.
///
/// Webhooks are not part of it: they answer elsewhere.
#[derive(Clone)]
pub struct Layers(Vec<Layer>);

impl Layers {
    /// Makes a chain of layers, the most important one first.
    pub fn new(layers: Vec<Layer>) -> Self {
        Self(layers)
    }

    /// The rules that every control plane has.
    pub fn built_in() -> Self {
        Self::new(vec![Layer { name: "built-in rule", interpreter: Arc::new(NativeInterpreter::default()) }])
    }

    /// Returns the layer that answers an operation for a kind: the first that has it.
    pub fn answering(&self, kind: ObjectKind<'_>, operation: Operation) -> Option<&Layer> {
        self.0.iter().find(|layer| layer.interpreter.hook_enabled(kind, operation))
    }
}
