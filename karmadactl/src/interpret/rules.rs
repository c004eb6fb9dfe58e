//! The rules of customizations: their functions, what these receive and what they return.

use std::fmt::Write as _;

use karmada_core::interpreter::Operation;
use karmada_core::interpreter::lua::{function_name, rule_name};

/// A rule of customizations.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The question it answers.
    pub operation: Operation,
    /// What its function receives: the arguments and what they are.
    pub receives: &'static [(&'static str, &'static str)],
    /// What the function returns.
    pub returns: &'static [&'static str],
    /// Names of the answers.
    pub answers: &'static [&'static str],
    /// A script that does something useful.
    pub example: &'static str,
}

const DESIRED: (&str, &str) = ("desiredObj", "the template in the control plane (--desired-file)");
const OBSERVED: (&str, &str) = ("observedObj", "the object as a member cluster has it (--observed-file)");

/// All rules, in the order in which they are shown.
pub const RULES: [Rule; 8] = [
    Rule {
        operation: Operation::Retain,
        receives: &[DESIRED, OBSERVED],
        returns: &["the object to write to the member cluster"],
        answers: &["retained"],
        example: "\
function Retain(desiredObj, observedObj)
  desiredObj.spec.paused = observedObj.spec.paused
  return desiredObj
end",
    },
    Rule {
        operation: Operation::InterpretReplica,
        receives: &[DESIRED],
        returns: &["the number of replicas", "what one replica needs, or nil"],
        answers: &["replica", "requires"],
        example: "\
local kube = require(\"kube\")
function GetReplicas(desiredObj)
  return desiredObj.spec.replicas, kube.accuratePodRequirements(desiredObj.spec.template)
end",
    },
    Rule {
        operation: Operation::InterpretComponent,
        receives: &[DESIRED],
        returns: &["a list of components: name, replicas, replicaRequirements; or nil"],
        answers: &["components"],
        example: "\
local kube = require(\"kube\")
function GetComponents(desiredObj)
  local worker = desiredObj.spec.worker
  return {{
    name = \"worker\",
    replicas = worker.replicas,
    replicaRequirements = kube.accuratePodRequirements(worker.template),
  }}
end",
    },
    Rule {
        operation: Operation::ReviseReplica,
        receives: &[DESIRED, ("desiredReplica", "the replicas of one member cluster (--desired-replica)")],
        returns: &["the object with these replicas"],
        answers: &["revised"],
        example: "\
function ReviseReplica(desiredObj, desiredReplica)
  desiredObj.spec.replicas = desiredReplica
  return desiredObj
end",
    },
    Rule {
        operation: Operation::InterpretStatus,
        receives: &[OBSERVED],
        returns: &["the part of the status that the control plane collects, a table"],
        answers: &["status"],
        example: "\
function ReflectStatus(observedObj)
  return {readyReplicas = observedObj.status.readyReplicas}
end",
    },
    Rule {
        operation: Operation::AggregateStatus,
        receives: &[
            DESIRED,
            (
                "statusItems",
                "a list of clusterName, status, applied, health, one per cluster (--status-file)",
            ),
        ],
        returns: &["the object with a status made of those of the member clusters"],
        answers: &["aggregatedStatus"],
        example: "\
function AggregateStatus(desiredObj, statusItems)
  local ready = 0
  for _, item in ipairs(statusItems) do
    if item.status ~= nil then
      ready = ready + (item.status.readyReplicas or 0)
    end
  end
  desiredObj.status = {readyReplicas = ready}
  return desiredObj
end",
    },
    Rule {
        operation: Operation::InterpretHealth,
        receives: &[OBSERVED],
        returns: &["true when the object is healthy, else false"],
        answers: &["healthy"],
        example: "\
function InterpretHealth(observedObj)
  return observedObj.status ~= nil and observedObj.status.readyReplicas == observedObj.spec.replicas
end",
    },
    Rule {
        operation: Operation::InterpretDependency,
        receives: &[DESIRED],
        returns: &["a list of apiVersion, kind, namespace, and name or labelSelector"],
        answers: &["dependencies"],
        example: "\
local kube = require(\"kube\")
function GetDependencies(desiredObj)
  return kube.getPodDependencies(desiredObj.spec.template, desiredObj.metadata.namespace)
end",
    },
];

impl Rule {
    /// Returns the function that the script defines, with its arguments.
    pub fn signature(&self) -> String {
        let names: Vec<&str> = self.receives.iter().map(|(name, _)| *name).collect();
        format!("{}({})", function_name(self.operation), names.join(", "))
    }
}

/// Returns the rule that answers an operation.
///
/// # Panics
///
/// Never: a test asks for every operation.
pub fn rule(operation: Operation) -> &'static Rule {
    RULES.iter().find(|rule| rule.operation == operation).expect("there is a rule for every operation")
}

/// Returns the operation of a name, in any case: `retain`, `InterpretHealth`.
pub fn operation_named(name: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| operation.name().eq_ignore_ascii_case(name))
}

/// Returns the documentation of rules.
pub fn show_rules(rules: &[&Rule]) -> String {
    let texts: Vec<String> = rules.iter().map(|rule| show_rule(rule)).collect();
    texts.join("\n")
}

fn show_rule(rule: &Rule) -> String {
    let mut text = format!("{}\n", rule.operation);
    let mut line = |label: &str, content: &str| {
        // Writing to a text cannot fail.
        let _written = writeln!(text, "  {label:<10}{content}");
    };
    line("field", &format!("spec.customizations.{}.luaScript", rule_name(rule.operation)));
    line("function", &rule.signature());
    for (index, (name, meaning)) in rule.receives.iter().enumerate() {
        line(if index == 0 { "receives" } else { "" }, &format!("{name}: {meaning}"));
    }
    for (index, (meaning, name)) in rule.returns.iter().zip(rule.answers).enumerate() {
        line(if index == 0 { "returns" } else { "" }, &format!("{name}: {meaning}"));
    }
    for (index, code) in rule.example.lines().enumerate() {
        line(if index == 0 { "example" } else { "" }, code);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_rule_that_names_all_its_answers() {
        for operation in Operation::ALL {
            let rule = rule(operation);
            assert_eq!(rule.answers.len(), rule.returns.len(), "{operation}");
            let header = format!("function {}", rule.signature());
            assert!(rule.example.lines().any(|line| line == header), "{operation} has no {header}");
        }
    }

    #[test]
    fn operations_are_known_in_any_case() {
        assert_eq!(operation_named("interpretHealth"), Some(Operation::InterpretHealth));
        assert_eq!(operation_named("RETAIN"), Some(Operation::Retain));
        assert_eq!(operation_named("nope"), None);
    }

    #[test]
    fn the_examples_load() {
        let engine = crate::interpret::script_engine();
        for rule in &RULES {
            engine.check(rule.operation, rule.example).unwrap();
        }
    }
}
