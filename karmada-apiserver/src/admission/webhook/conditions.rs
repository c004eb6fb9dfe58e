//! `matchConditions`: expressions that decide whether a webhook or policy is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::attributes::{Attributes, Kind, resource_value};
use crate::cel::{Budget, Env, Program, Value, Variables, from_json};
use crate::registry::Resource;

/// Work that all conditions of one webhook may do.
const BUDGET: u64 = 2_500_000;

/// Compiled conditions.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    source: String,
    program: Result<Program, String>,
}

/// What conditions say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All hold.
    Met,
    /// One does not hold.
    NotMet,
    /// None is false, but some could not be evaluated.
    Failed(String),
}

impl Conditions {
    /// Compiles `matchConditions`.
    ///
    /// One that does not compile, which a stored configuration does not have, fails whenever it is asked.
    pub(crate) fn compile(conditions: &Json, env: &Env) -> Self {
        let conditions = conditions.as_array().into_iter().flatten();
        let compile = |condition: &Json| {
            let source = condition["expression"].as_str().unwrap_or_default().to_owned();
            let program = Program::compile(&source, env).map_err(|error| error.to_string());
            Condition { source, program }
        };
        Self { conditions: conditions.map(compile).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Evaluates all conditions.
    pub(crate) fn check(&self, variables: &Variables) -> Verdict {
        let mut budget = Budget::new(BUDGET);
        let mut problems = Vec::new();
        for condition in &self.conditions {
            let result = match &condition.program {
                Ok(program) => program.eval(variables, &mut budget).map_err(|error| error.to_string()),
                Err(error) => Err(error.clone()),
            };
            match result {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Verdict::NotMet,
                Err(error) => {
                    problems.push(format!("expression '{}' resulted in error: {error}", condition.source));
                }
            }
        }
        match problems.as_slice() {
            [] => Verdict::Met,
            [problem] => Verdict::Failed(problem.clone()),
            many => Verdict::Failed(format!("[{}]", many.join(", "))),
        }
    }
}

/// Returns the request as expressions see it: a review without uid and objects.
pub(crate) fn request_value(attributes: &Attributes<'_>, matched: &Resource, kind: &Kind) -> Json {
    let mut request = json!({
        "kind": kind.value(),
        "resource": resource_value(matched),
        "requestKind": attributes.kind.value(),
        "requestResource": resource_value(attributes.resource),
        "operation": attributes.operation.word(),
        "userInfo": attributes.user,
        "dryRun": attributes.dry_run,
        "options": attributes.options,
    });
    let texts = [
        ("subResource", attributes.subresource),
        ("requestSubResource", attributes.subresource),
        ("name", attributes.name),
        ("namespace", attributes.namespace),
    ];
    for (key, text) in texts {
        if !text.is_empty() {
            request[key] = text.into();
        }
    }
    request
}

/// Returns the variables of a request for expressions.
pub(crate) fn variables(
    attributes: &Attributes<'_>,
    request: &Json,
    object: Option<&Json>,
    old: Option<&Json>,
) -> Variables {
    let value = |json: Option<&Json>| json.map_or(Value::Null, from_json);
    Variables::from([
        ("object", value(object)),
        ("oldObject", value(old)),
        ("request", from_json(request)),
        ("namespaceObject", Value::map(BTreeMap::new())),
        ("authorizer", Value::Authorization(Arc::new(attributes.authorizer()))),
    ])
}
