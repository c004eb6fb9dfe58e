//! What makes the validation rules of a CRD acceptable: fields, types, cost.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::rules::{environment, path_parts};
use crate::cel::{Declaration, Level, Program, Type, estimate};

const REASONS: &[&str] =
    &["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
/// Work that one rule may be for all values of a request.
const RULE_LIMIT: u64 = 10_000_000;
/// Work that all rules of a schema may be.
const SCHEMA_LIMIT: u64 = 100_000_000;
/// How many rules are named when the sum is too high.
const NAMED_RULES: usize = 4;
const ADVICE: &str = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, \
                      and strings are declared)";
const NO_TYPE: &str = "Internal error: internal error: failed to construct type information for \
                       x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";

/// Whether the schema around the rules is sound enough to give them types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Structure {
    Sound,
    Broken,
}

/// Reports what is wrong with the rules of the schema of a version.
pub(super) fn check(schema: &Value, path: &str, structure: Structure, errors: &mut Vec<FieldError>) {
    let mut checker = Checker { structure, errors, costs: Vec::new() };
    let declaration = Declaration::from_schema(schema, Level::Root);
    checker.node(schema, path, declaration.as_ref(), &Place { uncorrelated: None, count: 1 });
    checker.total(path);
}

/// Where a node stands.
#[derive(Clone)]
struct Place {
    /// The list above whose items have no identity.
    uncorrelated: Option<String>,
    /// How many values of the node a request can have.
    count: u64,
}

struct Checker<'a> {
    structure: Structure,
    errors: &'a mut Vec<FieldError>,
    costs: Vec<(u64, String)>,
}

impl Checker<'_> {
    fn node(&mut self, schema: &Value, path: &str, declaration: Option<&Arc<Declaration>>, place: &Place) {
        let rules = schema["x-kubernetes-validations"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !rules.is_empty() && declaration.is_none() && self.structure == Structure::Sound {
            self.errors.push(FieldError {
                kind: FieldErrorKind::Internal,
                field: format!("{path}.x-kubernetes-validations"),
                message: NO_TYPE.to_owned(),
            });
        }
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("{path}.x-kubernetes-validations[{index}]");
            self.fields(rule, &path);
            let Some(declaration) = declaration.filter(|_| self.structure == Structure::Sound) else {
                continue;
            };
            self.field_path(rule, &path, declaration);
            self.compile(rule, &path, declaration, place);
        }
        self.children(schema, path, declaration, place);
    }

    fn children(
        &mut self,
        schema: &Value,
        path: &str,
        declaration: Option<&Arc<Declaration>>,
        place: &Place,
    ) {
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            let field = declaration.and_then(|known| known.field(name)).cloned().or_else(|| fresh(child));
            self.node(child, &format!("{path}.properties[{name}]"), field.as_ref(), place);
        }
        let limit = declaration.map_or(u64::MAX, |known| known.max_size);
        for key in ["additionalProperties", "items"] {
            let child = &schema[key];
            if !child.is_object() {
                continue;
            }
            let element = declaration.and_then(|known| known.element()).cloned().or_else(|| fresh(child));
            let mut below = place.clone();
            below.count = below.count.saturating_mul(limit);
            if key == "items" && schema["x-kubernetes-list-type"] != "map" {
                below.uncorrelated.get_or_insert_with(|| path.to_owned());
            }
            self.node(child, &format!("{path}.{key}"), element.as_ref(), &below);
        }
    }

    fn invalid(&mut self, field: String, value: &Value, detail: &str) {
        self.errors.push(FieldError::invalid(field, value, detail));
    }

    /// Checks what needs no types.
    fn fields(&mut self, rule: &Value, path: &str) {
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        let source = text("rule");
        if source.trim().is_empty() {
            self.errors.push(FieldError::required(format!("{path}.rule"), "rule is not specified"));
        }
        let message = text("message");
        let field = format!("{path}.message");
        if !message.is_empty() && message.trim().is_empty() {
            self.invalid(field, &rule["message"], "must be non-empty if specified");
        } else if message.trim().contains(['\n', '\r']) {
            self.invalid(field, &rule["message"], "must not contain line breaks");
        } else if message.is_empty() && source.trim().contains(['\n', '\r']) {
            self.errors
                .push(FieldError::required(field, "message must be specified if rule contains line breaks"));
        }
        let expression = text("messageExpression");
        if !expression.is_empty() && expression.trim().is_empty() {
            let field = format!("{path}.messageExpression");
            self.errors.push(FieldError::required(field, "messageExpression must be non-empty if specified"));
        }
        let field = format!("{path}.fieldPath");
        if !text("fieldPath").is_empty() && text("fieldPath").trim().is_empty() {
            self.invalid(field, &rule["fieldPath"], "must be non-empty if specified");
        } else if text("fieldPath").contains(['\n', '\r']) {
            self.invalid(field, &rule["fieldPath"], "must not contain line breaks");
        }
        if let Some(reason) = rule["reason"].as_str()
            && !REASONS.contains(&reason)
        {
            self.errors.push(FieldError::not_supported(format!("{path}.reason"), &rule["reason"], REASONS));
        }
    }

    fn field_path(&mut self, rule: &Value, path: &str, declaration: &Arc<Declaration>) {
        let Some(found) = rule["fieldPath"].as_str().filter(|found| !found.is_empty()) else { return };
        if !leads_somewhere(found, declaration) {
            self.invalid(format!("{path}.fieldPath"), &rule["fieldPath"], "must be a valid path");
        }
    }

    fn compile(&mut self, rule: &Value, path: &str, declaration: &Arc<Declaration>, place: &Place) {
        let source = rule["rule"].as_str().unwrap_or_default();
        if source.trim().is_empty() {
            return;
        }
        let env = environment(declaration, rule["optionalOldSelf"] == json!(true));
        let field = format!("{path}.rule");
        match Program::compile(source, &env) {
            Err(error) => self.refuse(field, rule, &format!("compilation failed: {error}")),
            Ok(program) if *program.output() != Type::Bool => {
                self.refuse(field, rule, "cel expression must evaluate to a bool");
            }
            Ok(program) => {
                self.cost(&program, declaration, place, field.clone(), "rule");
                let is_transition = program.mentions("oldSelf");
                if let Some(list) = place.uncorrelated.as_ref().filter(|_| is_transition) {
                    let detail = format!(
                        "oldSelf cannot be used on the uncorrelatable portion of the schema within {list}"
                    );
                    self.invalid(field, &rule["rule"], &detail);
                }
                if !is_transition && rule["optionalOldSelf"].is_boolean() {
                    let field = format!("{path}.optionalOldSelf");
                    self.invalid(
                        field,
                        &rule["optionalOldSelf"],
                        "may not be set if oldSelf is not used in rule",
                    );
                }
            }
        }
        let message = rule["messageExpression"].as_str().unwrap_or_default();
        if message.trim().is_empty() {
            return;
        }
        let field = format!("{path}.messageExpression");
        match Program::compile(message, &env) {
            Err(error) => self.refuse(field, rule, &format!("messageExpression compilation failed: {error}")),
            Ok(program) if *program.output() != Type::String => {
                self.refuse(field, rule, "messageExpression must evaluate to a string");
            }
            Ok(program) => self.cost(&program, declaration, place, field, "messageExpression"),
        }
    }

    fn refuse(&mut self, field: String, rule: &Value, detail: &str) {
        let message = format!("Invalid value: {}: {detail}", print_rule(rule));
        self.errors.push(FieldError { kind: FieldErrorKind::Invalid, field, message });
    }

    fn cost(
        &mut self,
        program: &Program,
        declaration: &Arc<Declaration>,
        place: &Place,
        field: String,
        what: &str,
    ) {
        let cost = estimate(program, declaration).saturating_mul(place.count);
        if cost > RULE_LIMIT {
            let excess = excess(cost, RULE_LIMIT);
            let detail = format!("estimated {what} cost exceeds budget by factor of {excess} {ADVICE}");
            self.errors.push(FieldError::forbidden(&field, detail));
        }
        self.costs.push((cost, field));
    }

    /// Reports rules that are too much together.
    fn total(&mut self, path: &str) {
        let total = self.costs.iter().fold(0_u64, |sum, (cost, _)| sum.saturating_add(*cost));
        if total <= SCHEMA_LIMIT {
            return;
        }
        self.costs.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        for (_, field) in self.costs.iter().take(NAMED_RULES) {
            let detail =
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            self.errors.push(FieldError::forbidden(field, detail));
        }
        let excess = excess(total, SCHEMA_LIMIT);
        let detail = format!(
            "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of \
             {excess} {ADVICE}"
        );
        self.errors.push(FieldError::forbidden(path, detail));
    }
}

fn fresh(schema: &Value) -> Option<Arc<Declaration>> {
    Declaration::from_schema(schema, Level::Nested)
}

fn excess(cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    }
}

/// Prints a rule as Go prints the structure in JSON.
fn print_rule(rule: &Value) -> String {
    let text = |key: &str| escape_html(&Value::from(rule[key].as_str().unwrap_or_default()));
    let (reason, optional) = (escape_html(&rule["reason"]), &rule["optionalOldSelf"]);
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{reason},\"FieldPath\":{},\
         \"OptionalOldSelf\":{optional}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        text("fieldPath"),
    )
}

fn escape_html(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Whether a path such as `.a.b` or `.m['key']` names a field of the schema.
fn leads_somewhere(path: &str, declaration: &Arc<Declaration>) -> bool {
    let Some(parts) = path_parts(path) else { return false };
    let mut known = Arc::clone(declaration);
    for name in parts {
        let is_map = matches!(known.value_type, Type::Map(..));
        let next = known.field(name).or_else(|| known.element().filter(|_| is_map)).cloned();
        let Some(next) = next else { return false };
        known = next;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(spec: &Value) -> Vec<String> {
        let schema = json!({"type": "object", "properties": {"spec": spec}});
        let mut errors = Vec::new();
        check(&schema, "s", Structure::Sound, &mut errors);
        errors
            .iter()
            .map(|error| error.to_string().replace("s.properties[spec].x-kubernetes-validations[0].", ""))
            .collect()
    }

    /// The factors are those that a kube-apiserver 1.36 reports.
    #[test]
    fn estimates_what_the_real_server_estimates() {
        let numbers = json!({"l": {"type": "array", "items": {"type": "integer"}}});
        let texts = json!({"l": {"type": "array", "items": {"type": "string"}}, "s": {"type": "string"},
            "p": {"type": "array", "maxItems": 1000, "items": {"type": "string", "maxLength": 100}}});
        let rows = [
            (&numbers, "self.l.all(x, x > 0)", None),
            (&numbers, "self.l.all(x, x > 0 && x > 1 && x > 2 && x > 3)", Some("1.7x")),
            (&numbers, "self.l.exists(x, x > 0 || x > 1 || x > 2 || x > 3)", Some("1.9x")),
            (&numbers, "self.l.exists_one(x, x > 0 && x > 1 && x > 2 && x > 3)", Some("1.6x")),
            (&numbers, "self.l.filter(x, x > 0).size() > 0", Some("2.4x")),
            (&numbers, "self.l.map(x, x > 0, x).size() > 0", Some("2.4x")),
            (&numbers, "self.l.map(x, x + 1).size() > 0", Some("2.2x")),
            (&numbers, "self.l.all(x, has(self.l) && has(self.l) && has(self.l))", None),
            (&numbers, "self.l.all(x, x in [1, 2, 3, 4])", Some("2.8x")),
            (&numbers, "self.l.all(x, x > 0 ? x > 1 : x > 2 && x > 4 && x > 9)", Some("1.7x")),
            (&numbers, "self.l.all(x, self.l.all(y, x != y))", Some("more than 100x")),
            (
                &texts,
                "self.l.all(x, x == 'abc' && x != 'def' && x != 'g' && x != 'i' && x != 'h' && x != '')",
                Some("1.468005x"),
            ),
            (&texts, "self.p.all(x, self.p.all(y, x == y))", Some("4.5x")),
            (&texts, "self.p.all(x, self.p.exists_one(y, x == y))", Some("4.4x")),
            (&texts, "self.p.all(x, self.p.filter(y, x == y).size() == 1)", Some("5.5x")),
            (&texts, "self.p.all(x, self.p.map(y, x + y).size() > 1)", Some("9.4x")),
            (&texts, "self.p.all(x, self.p.all(y, x + y == y + x))", Some("24.7x")),
            (&texts, "self.p.all(x, self.p.all(y, x.lowerAscii() < y.lowerAscii()))", Some("12.5x")),
            (&texts, "self.p.all(x, self.p.all(y, x.replace('a', 'bb') == y))", Some("12.5x")),
            (
                &texts,
                "self.p.all(x, self.p.all(y, int(x) == 1 || timestamp(x) > timestamp(y) || quantity(x) == quantity(y)))",
                Some("9.4x"),
            ),
            (&texts, "self.s.contains(self.s)", Some("more than 100x")),
            (&texts, "self.s.matches('^[a-z]+$') && self.s.split('').size() > 1", None),
        ];
        for (properties, rule, expected) in rows {
            let spec = json!({"type": "object", "properties": properties, "x-kubernetes-validations": [{"rule": rule}]});
            let found = problems(&spec);
            match expected {
                None => assert_eq!(found, Vec::<String>::new(), "{rule}"),
                Some(factor) => assert!(
                    found[0].contains(&format!("budget by factor of {factor} (")),
                    "{rule}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn checks_the_fields_of_a_rule() {
        let rows = [
            (
                json!({"rule": "true", "messageExpression": " "}),
                "messageExpression: Required value: messageExpression must be non-empty if specified",
            ),
            (
                json!({"rule": "true", "fieldPath": ".nope"}),
                "fieldPath: Invalid value: \".nope\": must be a valid path",
            ),
            (
                json!({"rule": "true", "fieldPath": ".l[0].a"}),
                "fieldPath: Invalid value: \".l[0].a\": must be a valid path",
            ),
            (
                json!({"rule": " true\n&& true"}),
                "message: Required value: message must be specified if rule contains line breaks",
            ),
            (
                json!({"rule": "true", "optionalOldSelf": true}),
                "optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule",
            ),
        ];
        for (rule, expected) in rows {
            let spec = json!({"type": "object", "properties": {"l": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
                "m": {"type": "object", "additionalProperties": {"type": "integer"}}}, "x-kubernetes-validations": [rule]});
            assert_eq!(problems(&spec), [expected]);
        }
        for path in [".l", ".m['x']", ".m.x"] {
            let spec = json!({"type": "object", "properties": {"l": {"type": "string"},
                "m": {"type": "object", "additionalProperties": {"type": "integer"}}},
                "x-kubernetes-validations": [{"rule": "true", "fieldPath": path}]});
            assert_eq!(problems(&spec), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn items_without_identity_have_no_old_self() {
        let list = |list_type: &str| {
            json!({"type": "object", "properties": {"l": {"type": "array", "maxItems": 3,
            "x-kubernetes-list-type": list_type, "x-kubernetes-list-map-keys": ["a"], "items": {"type": "object",
                "properties": {"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}}}}}})
        };
        assert_eq!(problems(&list("map")), Vec::<String>::new());
        for list_type in ["set", "atomic"] {
            assert_eq!(
                problems(&list(list_type)),
                [
                    "s.properties[spec].properties[l].items.properties[a].x-kubernetes-validations[0].rule: Invalid value: \
                 \"self == oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema within \
                 s.properties[spec].properties[l]",
                ]
            );
        }
    }
}
