//! ResourceInterpreterCustomization.

use super::{AdmissionDenied, AdmissionInput, entry::decode, lua_syntax, read::read};
use crate::{
    api::config::{CustomizationRules, LuaRule, ResourceInterpreterCustomization},
    interpreter::lua::check_syntax,
    object,
};

const DEPENDENCY: &str = "InterpretDependency";

/// Refuses scripts that do not compile, and a second script for the same question.
///
/// Only the first mistake is told, as upstream does.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let customization: ResourceInterpreterCustomization = decode(input.object)?;
    let denied = |explanation: String| AdmissionDenied::by_webhook(input.kind, explanation, Vec::new());
    let spec = &customization.spec;
    for existing in input.related.customizations {
        let name = object::name(existing);
        // An object that cannot be read answers no question.
        let Ok(existing) = read::<ResourceInterpreterCustomization>(existing) else {
            continue;
        };
        if name == object::name(input.object) || existing.spec.target != spec.target {
            continue;
        }
        if let Some(operation) = conflict(&spec.customizations, &existing.spec.customizations) {
            return Err(denied(format!(
                "conflicting with InterpreterOperation({operation}) of existing ResourceInterpreterCustomization({name})"
            )));
        }
    }
    for (operation, script) in scripts(&spec.customizations) {
        compile(script).map_err(|error| {
            denied(format!("InterpreterOperation({operation}) Lua script error: {error}"))
        })?;
    }
    Ok(())
}

/// Compiles a script; mistakes of grammar are told in upstream's words, and only what follows the
/// grammar is given to the machine, which has limits of its own.
fn compile(script: &str) -> Result<(), String> {
    lua_syntax::check(script).map_err(|error| error.to_string())?;
    check_syntax(script).map_err(|error| error.to_string())
}

/// Returns the first question that both answer; dependencies may come from several.
fn conflict(new: &CustomizationRules, existing: &CustomizationRules) -> Option<&'static str> {
    let answered: Vec<&str> = scripts(existing).map(|(operation, _)| operation).collect();
    scripts(new)
        .map(|(operation, _)| operation)
        .find(|operation| *operation != DEPENDENCY && answered.contains(operation))
}

/// Returns the scripts that are not empty, with the questions they answer.
fn scripts(rules: &CustomizationRules) -> impl Iterator<Item = (&'static str, &str)> {
    let rules: [(&'static str, Option<&LuaRule>); 8] = [
        ("Retain", rules.retention.as_ref()),
        ("InterpretReplica", rules.replica_resource.as_ref()),
        ("InterpretComponent", rules.component_resource.as_ref()),
        ("ReviseReplica", rules.replica_revision.as_ref()),
        ("InterpretStatus", rules.status_reflection.as_ref()),
        ("AggregateStatus", rules.status_aggregation.as_ref()),
        ("InterpretHealth", rules.health_interpretation.as_ref()),
        (DEPENDENCY, rules.dependency_interpretation.as_ref()),
    ];
    let scripts = rules.into_iter().filter_map(|(operation, rule)| Some((operation, &*rule?.lua_script)));
    scripts.filter(|(_, script)| !script.is_empty())
}
