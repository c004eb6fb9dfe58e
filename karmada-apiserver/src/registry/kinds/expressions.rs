//! Expressions of webhook configurations and admission policies, compiled when they are written.

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::fields::{items, text};
use crate::cel::{Env, Program, Type};

/// Conditions that a webhook or policy has at most.
const MAX_CONDITIONS: usize = 64;

/// Compiles an expression and reports what is wrong with it. Returns the type of its result.
pub(super) fn check(
    source: &str,
    path: &str,
    env: &Env,
    wanted: &[Type],
    errors: &mut Vec<FieldError>,
) -> Option<Type> {
    match Program::compile(source, env) {
        Err(error) => {
            let detail = format!("compilation failed: {error}");
            errors.push(FieldError::invalid(path, &Value::from(source), detail));
            None
        }
        Ok(program) => {
            let found = program.output();
            if !wanted.is_empty() && !wanted.contains(found) {
                let names: Vec<String> = wanted.iter().map(name).collect();
                let detail = match names.as_slice() {
                    [one] => format!("must evaluate to {one} but got {}", name(found)),
                    many => format!("must evaluate to one of [{}] but got {}", many.join(" "), name(found)),
                };
                errors.push(FieldError::invalid(path, &Value::from(source), detail));
            }
            Some(found.clone())
        }
    }
}

fn name(found: &Type) -> String {
    if *found == Type::Null { "null_type".to_owned() } else { found.to_string() }
}

/// Reports what is wrong with `matchConditions`.
pub(super) fn match_conditions(owner: &Value, path: &str, env: &Env, errors: &mut Vec<FieldError>) {
    let conditions = items(owner, "matchConditions");
    if conditions.len() > MAX_CONDITIONS {
        errors.push(FieldError::too_many(
            format!("{path}.matchConditions"),
            conditions.len(),
            MAX_CONDITIONS as u64,
        ));
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}.matchConditions[{index}]");
        let expression = text(condition, "expression").trim();
        if expression.is_empty() {
            errors.push(FieldError::required(format!("{path}.expression"), ""));
        } else {
            check(expression, &format!("{path}.expression"), env, &[Type::Bool], errors);
        }
        let name = text(condition, "name");
        let field = format!("{path}.name");
        if name.is_empty() {
            errors.push(FieldError::required(field, ""));
        } else {
            errors.extend(names::invalid_each(&field, name, names::qualified_name(name)));
            if !seen.insert(name) {
                errors.push(FieldError::duplicate(field, &condition["name"]));
            }
        }
    }
}
