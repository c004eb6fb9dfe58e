//! The chain of interpreters, with the names of its layers.

use std::sync::Arc;

use jiff::Timestamp;
use karmada_core::interpreter::lua::{Customizations, LuaEngine, LuaOptions, Print};
use karmada_core::interpreter::{
    NativeInterpreter, ObjectKind, Operation, ResourceInterpreter, ThirdPartyInterpreter,
};

use super::inputs::CustomizationFile;

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

    /// The scripts of customizations. What they print goes to `print`.
    pub fn customized(files: &[CustomizationFile], print: Print) -> Self {
        let customizations = files.iter().map(|file| &file.customization);
        let options = LuaOptions { print: Some(print), ..LuaOptions::new(Arc::new(Timestamp::now)) };
        let interpreter = Arc::new(Customizations::new(Arc::new(LuaEngine::new(options)), customizations));
        Self::new(vec![Layer { name: "customization", interpreter }])
    }

    /// The rules that every control plane has.
    pub fn built_in() -> Self {
        let layer = |interpreter| Layer { name: "built-in rule", interpreter };
        Self::new(vec![
            layer(Arc::new(ThirdPartyInterpreter::default())),
            layer(Arc::new(NativeInterpreter::default())),
        ])
    }

    /// Returns this chain with another one behind it.
    pub fn followed_by(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Returns the layer that answers an operation for a kind: the first that has it.
    pub fn answering(&self, kind: ObjectKind<'_>, operation: Operation) -> Option<&Layer> {
        self.0.iter().find(|layer| layer.interpreter.hook_enabled(kind, operation))
    }
}

/// Returns what runs scripts, with the limits that a control plane has.
pub fn script_engine() -> LuaEngine {
    LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now)))
}
