//! The rules of a customization: which script answers which question.

use crate::api::config::CustomizationRules;
use crate::interpreter::Operation;

/// Returns the function that the script of an operation defines.
pub fn function_name(operation: Operation) -> &'static str {
    match operation {
        Operation::InterpretReplica => "GetReplicas",
        Operation::InterpretComponent => "GetComponents",
        Operation::ReviseReplica => "ReviseReplica",
        Operation::Retain => "Retain",
        Operation::AggregateStatus => "AggregateStatus",
        Operation::InterpretDependency => "GetDependencies",
        Operation::InterpretStatus => "ReflectStatus",
        Operation::InterpretHealth => "InterpretHealth",
    }
}

/// Returns the field of a customization that has the script of an operation.
pub fn rule_name(operation: Operation) -> &'static str {
    match operation {
        Operation::InterpretReplica => "replicaResource",
        Operation::InterpretComponent => "componentResource",
        Operation::ReviseReplica => "replicaRevision",
        Operation::Retain => "retention",
        Operation::AggregateStatus => "statusAggregation",
        Operation::InterpretDependency => "dependencyInterpretation",
        Operation::InterpretStatus => "statusReflection",
        Operation::InterpretHealth => "healthInterpretation",
    }
}

/// Returns the script of an operation; an empty one is none.
pub fn script(rules: &CustomizationRules, operation: Operation) -> Option<&str> {
    let rule = match operation {
        Operation::InterpretReplica => &rules.replica_resource,
        Operation::InterpretComponent => &rules.component_resource,
        Operation::ReviseReplica => &rules.replica_revision,
        Operation::Retain => &rules.retention,
        Operation::AggregateStatus => &rules.status_aggregation,
        Operation::InterpretDependency => &rules.dependency_interpretation,
        Operation::InterpretStatus => &rules.status_reflection,
        Operation::InterpretHealth => &rules.health_interpretation,
    };
    rule.as_ref().map(|rule| rule.lua_script.as_str()).filter(|script| !script.is_empty())
}
