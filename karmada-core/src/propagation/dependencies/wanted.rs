//! Which dependencies a binding wants to take along.

use serde_json::Value;

use crate::causes::text_with_causes;
use crate::{
    api::{policy::constants::GET_DEPENDENCIES_FAILED, work::ResourceBinding},
    interpreter::{DependentReference, InterpretError, ObjectKind, Operation, ResourceInterpreter},
    propagation::Event,
};

/// Which dependencies a binding wants to take along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedDependencies {
    /// Those of these references, which may be none.
    References(Vec<DependentReference>),
    /// No dependencies any more: the policy says so, or the binding is going.
    Released,
    /// Nothing can be said: the template is gone, or nobody knows what its kind needs.
    Unknown,
}

impl WantedDependencies {
    /// Returns the references.
    pub fn references(&self) -> &[DependentReference] {
        match self {
            Self::References(references) => references,
            Self::Released | Self::Unknown => &[],
        }
    }
}

/// Returns which dependencies a binding wants to take along.
///
/// # Errors
/// When the template cannot be interpreted.
pub fn wanted_dependencies(
    binding: &ResourceBinding,
    template: Option<&Value>,
    interpreter: &dyn ResourceInterpreter,
) -> Result<WantedDependencies, InterpretError> {
    if !binding.spec.propagate_deps || binding.metadata.deletion_timestamp.is_some() {
        return Ok(WantedDependencies::Released);
    }
    let Some(template) = template else { return Ok(WantedDependencies::Unknown) };
    if !interpreter.hook_enabled(ObjectKind::of(template), Operation::InterpretDependency) {
        return Ok(WantedDependencies::Unknown);
    }
    interpreter.dependencies(template).map(WantedDependencies::References)
}

/// Returns the event on a template whose dependencies cannot be read.
pub fn interpret_failed_event(error: &InterpretError) -> Event {
    Event::warning(GET_DEPENDENCIES_FAILED, text_with_causes(error))
}
