//! `x-kubernetes-validations`: compiled once per schema, evaluated for each write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::super::definitions::list_type;
use super::super::field_error::{FieldError, FieldErrorKind};
use super::super::schema::ListType;
use crate::cel::{self, Budget, Declaration, Env, EvalError, Level, Program, Type, Variables};

/// Work that one rule may do for one value.
const RULE_BUDGET: u64 = 1_000_000;
/// Work that all rules may do for one object.
const OBJECT_BUDGET: u64 = 10_000_000;
/// Bytes of the longest message that an expression may make.
const MAX_MESSAGE: usize = 5 * 1024;
const SKIPPED: &str = "some validation rules were not checked because the object was invalid; correct the existing \
                       errors to complete validation";
const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// A node of a schema at or below which there are rules.
#[derive(Debug)]
pub struct RuleNode {
    rules: Vec<Rule>,
    declaration: Option<Arc<Declaration>>,
    /// The `type` of the schema, for messages.
    type_name: String,
    properties: BTreeMap<String, Self>,
    additional: Option<Box<Self>>,
    items: Option<Box<Self>>,
    list_type: ListType,
}

#[derive(Debug)]
struct Rule {
    source: String,
    program: Program,
    message: Option<String>,
    message_program: Option<Program>,
    reason: FieldErrorKind,
    field_path: String,
    optional_old_self: bool,
    is_transition: bool,
}

/// Compiles the rules of a schema; `None` when it has none.
///
/// Rules that do not compile are left out: a CRD that has them was not accepted.
pub(in super::super) fn compile_rules(source: &Value) -> Option<Arc<RuleNode>> {
    if !mentions_rules(source) {
        return None;
    }
    let declaration = Declaration::from_schema(source, Level::Root);
    compile(source, declaration).map(Arc::new)
}

/// Compiles the rules of a node that is no root.
pub(super) fn compile_node_rules(source: &Value) -> Option<RuleNode> {
    mentions_rules(source).then(|| compile(source, Declaration::from_schema(source, Level::Nested))).flatten()
}

fn mentions_rules(node: &Value) -> bool {
    match node {
        Value::Object(map) => {
            map.contains_key("x-kubernetes-validations") || map.values().any(mentions_rules)
        }
        Value::Array(items) => items.iter().any(mentions_rules),
        _ => false,
    }
}

fn compile(source: &Value, declaration: Option<Arc<Declaration>>) -> Option<RuleNode> {
    let rules: Vec<Rule> =
        declaration.iter().flat_map(|declaration| own_rules(source, declaration)).collect();
    let below = |node: &Value, found: Option<&Arc<Declaration>>| {
        let is_root = node["x-kubernetes-embedded-resource"] == Value::Bool(true);
        let fresh = || Declaration::from_schema(node, if is_root { Level::Root } else { Level::Nested });
        compile(node, found.cloned().or_else(fresh))
    };
    let known = declaration.as_ref();
    let properties: BTreeMap<String, RuleNode> = source["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, node)| {
            Some((name.clone(), below(node, known.and_then(|known| known.field(name)))?))
        })
        .collect();
    let element = |key: &str| {
        let node = source.get(key).filter(|node| node.is_object())?;
        below(node, known.and_then(|known| known.element())).map(Box::new)
    };
    let (additional, items) = (element("additionalProperties"), element("items"));
    if rules.is_empty() && properties.is_empty() && additional.is_none() && items.is_none() {
        return None;
    }
    let type_name = source["type"].as_str().unwrap_or_default().to_owned();
    let list_type = list_type(source);
    Some(RuleNode { rules, declaration, type_name, properties, additional, items, list_type })
}

fn own_rules(source: &Value, declaration: &Declaration) -> Vec<Rule> {
    let rules = source["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| compile_rule(rule, declaration)).collect()
}

fn compile_rule(rule: &Value, declaration: &Declaration) -> Option<Rule> {
    let optional_old_self = rule["optionalOldSelf"] == Value::Bool(true);
    let env = environment(declaration, optional_old_self);
    let source = rule["rule"].as_str()?.to_owned();
    let program = Program::compile(&source, &env).ok()?;
    let text = |key: &str| rule[key].as_str().filter(|text| !text.is_empty());
    let message_program = text("messageExpression").and_then(|source| Program::compile(source, &env).ok());
    Some(Rule {
        is_transition: program.mentions("oldSelf"),
        source: source.trim().to_owned(),
        program,
        message: text("message").map(|message| message.trim().to_owned()),
        message_program,
        reason: match text("reason") {
            Some("FieldValueRequired") => FieldErrorKind::Required,
            Some("FieldValueForbidden") => FieldErrorKind::Forbidden,
            Some("FieldValueDuplicate") => FieldErrorKind::Duplicate,
            _ => FieldErrorKind::Invalid,
        },
        field_path: normalize(text("fieldPath").unwrap_or_default(), declaration),
        optional_old_self,
    })
}

/// Returns a `fieldPath` as errors show it: `a.b[key]`.
fn normalize(path: &str, declaration: &Declaration) -> String {
    let mut shown = String::new();
    let mut known = Some(declaration);
    for part in path_parts(path).unwrap_or_default() {
        let field = known.and_then(|known| known.field(part));
        if field.is_none() && known.is_some() {
            shown.extend(["[", part, "]"]);
        } else {
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(part);
        }
        known = field.or_else(|| known.and_then(Declaration::element)).map(|found| &**found);
    }
    shown
}

/// Cuts a path such as `.a['b']` into names; `None` when it is no path.
pub(super) fn path_parts(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let name;
        if let Some(quoted) = rest.strip_prefix("['") {
            (name, rest) = quoted.split_once("']")?;
        } else {
            let plain = rest.strip_prefix('.')?;
            (name, rest) = plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()));
        }
        if name.is_empty() {
            return None;
        }
        parts.push(name);
    }
    Some(parts)
}

/// Returns the variables that the rules of a node may read.
pub(super) fn environment(declaration: &Declaration, optional_old_self: bool) -> Env {
    let own = declaration.value_type.clone();
    let old = if optional_old_self { Type::optional(own.clone()) } else { own.clone() };
    Env::default().with("self", own).with("oldSelf", old)
}

/// Returns what the rules say about an object. `errors` are what was found before.
pub(in super::super) fn check_rules(
    rules: &RuleNode,
    object: &Value,
    old: Option<&Value>,
    errors: &[FieldError],
) -> Vec<FieldError> {
    // Rules rely on types, sizes and required fields.
    let blocks = |error: &FieldError| {
        matches!(
            error.kind,
            FieldErrorKind::NotSupported
                | FieldErrorKind::Required
                | FieldErrorKind::TooLong
                | FieldErrorKind::TooMany
                | FieldErrorKind::TypeInvalid
        )
    };
    if errors.iter().any(blocks) {
        return vec![FieldError::invalid("<nil>", &Value::Null, SKIPPED)];
    }
    let mut checker = Checker { errors: Vec::new(), budget: Budget::new(OBJECT_BUDGET), spent: false };
    checker.node(rules, object, old, "");
    checker.errors
}

struct Checker {
    errors: Vec<FieldError>,
    budget: Budget,
    /// The budget ran out; nothing more is checked.
    spent: bool,
}

impl Checker {
    fn node(&mut self, node: &RuleNode, value: &Value, old: Option<&Value>, path: &str) {
        if let Some(declaration) = node.declaration.as_ref().filter(|_| !node.rules.is_empty()) {
            self.rules(node, declaration, value, old, path);
        }
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    let declared = node.properties.get(key);
                    let Some(below) = declared.or(node.additional.as_deref()) else { continue };
                    let path = match declared {
                        Some(_) if path.is_empty() => key.clone(),
                        Some(_) => format!("{path}.{key}"),
                        None => format!("{path}[{key}]"),
                    };
                    self.node(below, child, old.and_then(|old| old.get(key)), &path);
                }
            }
            Value::Array(items) => {
                let Some(below) = &node.items else { return };
                let old = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let index = OldItems::new(&node.list_type, old);
                for (position, item) in items.iter().enumerate() {
                    self.node(below, item, index.find(item), &format!("{path}[{position}]"));
                }
            }
            _ => {}
        }
    }

    fn rules(
        &mut self,
        node: &RuleNode,
        declaration: &Declaration,
        value: &Value,
        old: Option<&Value>,
        path: &str,
    ) {
        let mut variables = Variables::from([("self", declaration.value(value))]);
        let old_self = old.map(|old| declaration.value(old));
        for rule in &node.rules {
            if self.spent {
                return;
            }
            variables.remove("oldSelf");
            if rule.is_transition {
                match (rule.optional_old_self, &old_self) {
                    (true, old) => {
                        let old = old.clone().map_or(cel::Value::Optional(None), cel::Value::some);
                        variables.insert("oldSelf", old);
                    }
                    (false, Some(old)) => {
                        variables.insert("oldSelf", old.clone());
                    }
                    (false, None) => continue,
                }
            } else if old == Some(value) {
                // What has not changed is forgiven, so that a schema can become stricter.
                continue;
            }
            self.rule(node, rule, &variables, value, path);
        }
    }

    fn rule(&mut self, node: &RuleNode, rule: &Rule, variables: &Variables, value: &Value, path: &str) {
        match self.eval(&rule.program, variables) {
            Ok(cel::Value::Bool(true)) => {}
            Ok(_) => {
                let message = self.message(rule, variables);
                let field = match (path, rule.field_path.as_str()) {
                    (path, "") => path.to_owned(),
                    ("", below) => below.to_owned(),
                    (path, below) => format!("{path}.{below}"),
                };
                self.errors.push(failure(rule, field, value, &message));
            }
            Err(error) => {
                let name = rule.message.as_deref().unwrap_or(&rule.source);
                let detail = match error {
                    EvalError::NoSuchOverload => format!(
                        "'{error}': call arguments did not match a supported operator, function or macro signature for \
                         rule: {name}"
                    ),
                    EvalError::CostExceeded => {
                        self.spent = true;
                        format!(
                            "'{error}': no further validation rules will be run due to call cost exceeds limit for \
                             rule: {name}"
                        )
                    }
                    error => format!("{error} evaluating rule: {name}"),
                };
                let type_name = Value::from(node.type_name.as_str());
                self.errors.push(FieldError::invalid(shown_path(path), &type_name, detail));
            }
        }
        if self.budget.remaining() == 0 && !self.spent {
            self.spent = true;
            let type_name = Value::from(node.type_name.as_str());
            self.errors.push(FieldError::invalid(shown_path(path), &type_name, OUT_OF_BUDGET));
        }
    }

    fn eval(&mut self, program: &Program, variables: &Variables) -> Result<cel::Value, EvalError> {
        let mut budget = Budget::new(RULE_BUDGET);
        let result = program.eval(variables, &mut budget);
        let used = RULE_BUDGET - budget.remaining();
        if self.budget.charge(used).is_err() && result.is_ok() {
            return Err(EvalError::CostExceeded);
        }
        result
    }

    fn message(&mut self, rule: &Rule, variables: &Variables) -> String {
        if let Some(program) = &rule.message_program
            && let Ok(cel::Value::String(text)) = self.eval(program, variables)
        {
            let text = text.trim();
            if !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n') {
                return text.to_owned();
            }
        }
        rule.message.clone().unwrap_or_else(|| format!("failed rule: {}", rule.source))
    }
}

/// The old state of the items of a list, by what identifies them.
struct OldItems<'a> {
    keys: &'a [String],
    by_key: BTreeMap<String, &'a Value>,
}

impl<'a> OldItems<'a> {
    fn new(list_type: &'a ListType, old: &'a [Value]) -> Self {
        match list_type {
            ListType::Map(keys) => {
                let by_key = old.iter().map(|item| (identity(keys, item), item)).collect();
                Self { keys, by_key }
            }
            ListType::Set | ListType::Atomic => Self { keys: &[], by_key: BTreeMap::new() },
        }
    }

    fn find(&self, item: &Value) -> Option<&'a Value> {
        if self.by_key.is_empty() {
            return None;
        }
        self.by_key.get(&identity(self.keys, item)).copied()
    }
}

fn identity(keys: &[String], item: &Value) -> String {
    let parts: Vec<String> = keys.iter().map(|key| item[key.as_str()].to_string()).collect();
    parts.join(",")
}

fn shown_path(path: &str) -> &str {
    if path.is_empty() { "<nil>" } else { path }
}

fn failure(rule: &Rule, field: String, value: &Value, message: &str) -> FieldError {
    let field = shown_path(&field).to_owned();
    let scalar = !value.is_object() && !value.is_array();
    match rule.reason {
        FieldErrorKind::Required => FieldError::required(field, message),
        FieldErrorKind::Forbidden => FieldError::forbidden(field, message),
        FieldErrorKind::Duplicate if scalar => FieldError::duplicate(field, value),
        FieldErrorKind::Duplicate => {
            FieldError { kind: FieldErrorKind::Duplicate, field, message: "Duplicate value".to_owned() }
        }
        _ if scalar => FieldError::invalid(field, value, message),
        _ => {
            FieldError { kind: FieldErrorKind::Invalid, field, message: format!("Invalid value: {message}") }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::structural_rules;
    use super::*;

    fn check(spec: Value, object: Value, old: Option<Value>, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"spec": spec}});
        let rules = compile_rules(&schema).unwrap();
        let wrap = |value: Value| json!({"spec": value});
        let old = old.map(wrap);
        let errors = check_rules(&rules, &wrap(object), old.as_ref(), &[]);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors, expected);
    }

    #[test]
    fn shows_scalars_and_not_objects() {
        let rule = json!([{"rule": "self != 'x'", "message": "no x"}]);
        check(
            json!({"type": "string", "x-kubernetes-validations": rule}),
            json!("x"),
            None,
            &["spec: Invalid value: \"x\": no x"],
        );
        let rule = json!([{"rule": "self.size() != 1", "messageExpression": "'got ' + string(self.size())"}]);
        let list = json!({"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": rule});
        check(list, json!([1]), None, &["spec: Invalid value: got 1"]);
    }

    #[test]
    fn forgives_what_has_not_changed_unless_the_rule_compares() {
        let fixed = json!({"type": "string", "x-kubernetes-validations": [{"rule": "self == 'a'"}]});
        check(fixed, json!("b"), Some(json!("b")), &[]);
        let compared = json!({"type": "string", "x-kubernetes-validations": [{"rule": "self != oldSelf"}]});
        check(
            compared.clone(),
            json!("b"),
            Some(json!("b")),
            &["spec: Invalid value: \"b\": failed rule: self != oldSelf"],
        );
        check(compared, json!("b"), None, &[]);
    }

    #[test]
    fn points_where_the_rule_says() {
        let rules = json!([{"rule": "self.a == 'x'", "fieldPath": ".a", "reason": "FieldValueForbidden", "message": "m"},
            {"rule": "!('k' in self.m)", "fieldPath": ".m['k']", "message": "k"}]);
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"},
            "m": {"type": "object", "additionalProperties": {"type": "string"}}}, "x-kubernetes-validations": rules});
        check(
            schema,
            json!({"a": "b", "m": {"k": "v"}}),
            None,
            &["spec.a: Forbidden: m", "spec.m[k]: Invalid value: k"],
        );
    }

    #[test]
    fn stops_when_the_work_is_too_much() {
        let rules =
            json!([{"rule": "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))"}, {"rule": "false"}]);
        let schema =
            json!({"type": "array", "items": {"type": "integer"}, "x-kubernetes-validations": rules});
        let items: Vec<u32> = (0..300).collect();
        check(
            schema,
            json!(items),
            None,
            &[
                "spec: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further validation rules \
             will be run due to call cost exceeds limit for rule: self.all(x, self.all(y, self.all(z, x + y + z >= 0)))",
            ],
        );
    }

    fn schema() -> impl Strategy<Value = Value> {
        let rule = prop::sample::select(vec![
            "true",
            "self",
            "self == oldSelf",
            "self.a == 1",
            "self.size() > 1",
            "self.all(x, x == self)",
            "self +",
            "has(self.b)",
            "self.map(x, x).size() > 0",
            "oldSelf.hasValue()",
            "self > 1 && self < 5",
            "self.startsWith('a')",
        ]);
        let rules = prop::collection::vec((rule, any::<Option<bool>>()), 0..3).prop_map(|rules| {
            let rules = rules.into_iter().map(|(rule, optional)| match optional {
                Some(optional) => {
                    json!({"rule": rule, "optionalOldSelf": optional, "messageExpression": rule})
                }
                None => json!({"rule": rule, "message": "m", "fieldPath": ".a"}),
            });
            rules.collect::<Value>()
        });
        let kind = prop::sample::select(vec![
            "string", "integer", "number", "boolean", "object", "array", "", "bad",
        ]);
        let leaf = (kind, rules.clone(), any::<bool>()).prop_map(|(kind, rules, open)| {
            json!({"type": kind, "x-kubernetes-validations": rules,
                "x-kubernetes-preserve-unknown-fields": open, "maxLength": 5, "default": kind})
        });
        leaf.prop_recursive(4, 24, 3, move |inner| {
            let list_type = prop::sample::select(vec!["atomic", "set", "map"]);
            prop_oneof![
                (prop::collection::btree_map(prop::sample::select(vec!["a", "b", "a-b", "in"]), inner.clone(), 0..3), rules.clone())
                    .prop_map(|(fields, rules)| json!({"type": "object", "properties": fields, "x-kubernetes-validations": rules})),
                (inner.clone(), rules.clone(), list_type).prop_map(|(items, rules, list_type)| json!({"type": "array",
                    "items": items, "x-kubernetes-list-type": list_type, "x-kubernetes-list-map-keys": ["a"],
                    "x-kubernetes-validations": rules})),
                (inner, rules.clone()).prop_map(|(values, rules)| json!({"type": "object",
                    "additionalProperties": values, "maxProperties": 4, "x-kubernetes-validations": rules})),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_schema_makes_it_panic(spec in schema()) {
            let schema = json!({"type": "object", "properties": {"spec": spec}});
            let mut errors = Vec::new();
            structural_rules::check(&schema, "s", &mut errors);
            if let Some(rules) = compile_rules(&schema) {
                for object in [json!({"spec": {"a": 1, "b": "x"}}), json!({"spec": [{"a": "1"}, {"a": "1"}, 5]}), json!({"spec": "abc"})] {
                    let old = json!({"spec": {"a": 2}});
                    check_rules(&rules, &object, Some(&old), &[]);
                    check_rules(&rules, &object, None, &[]);
                }
            }
        }
    }
}
