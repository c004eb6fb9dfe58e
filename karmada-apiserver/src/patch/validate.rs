//! Whether an applied configuration fits its schema, in the words of the original server.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::registry::schema::{Schema, SchemaType};

use super::field_path::{PathElement, print_path};
use super::go_text::{go_syntax, go_value};
use super::typed::{Shape, Type};

/// Returns what is wrong with a configuration, or `None`.
pub(super) fn misfit(object_type: Type<'_>, value: &Value) -> Option<String> {
    let mut walker = Walker { path: Vec::new(), errors: Vec::new() };
    walker.check(object_type, value);
    match walker.errors.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            let lines: Vec<String> = several.iter().map(|error| format!("  {error}")).collect();
            Some(format!("errors:\n{}", lines.join("\n")))
        }
    }
}

struct Walker {
    path: Vec<PathElement>,
    errors: Vec<String>,
}

impl Walker {
    fn fail(&mut self, text: &str) {
        self.errors.push(format!("{}: {text}", print_path(&self.path)));
    }

    fn check(&mut self, value_type: Type<'_>, value: &Value) {
        if value.is_null() {
            return;
        }
        if let Some(schema) = value_type.schema()
            && let Some(text) = type_error(schema, value)
        {
            self.fail(&text);
            return;
        }
        match value_type.shape(value) {
            Shape::Map(map) => self.check_members(map, value),
            Shape::List(list_type, items) => {
                let mut seen = BTreeSet::new();
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    match items.item_element(list_type, index, item) {
                        Err(text) => self.fail(&format!("element {index}: {text}")),
                        Ok(element) if seen.contains(&element) => {
                            self.fail(&format!("duplicate entries for key {element}"));
                        }
                        Ok(element) => {
                            seen.insert(element.clone());
                            self.path.push(element);
                            self.check(items, item);
                            self.path.pop();
                        }
                    }
                }
            }
            Shape::Leaf => self.check_atomic(value_type, value),
        }
    }

    fn check_members(&mut self, map: Type<'_>, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten() {
            self.path.push(PathElement::Field(name.as_str().into()));
            let member = map.member(name);
            if member.allowed {
                self.check(member.of, value);
            } else {
                self.fail("field not declared in schema");
            }
            self.path.pop();
        }
    }

    /// Checks what is inside a list or map that merges as a whole.
    fn check_atomic(&mut self, value_type: Type<'_>, value: &Value) {
        match value {
            Value::Object(_) => self.check_members(value_type, value),
            Value::Array(items) => {
                let Some(item_type) = value_type.item() else { return };
                for (index, item) in items.iter().enumerate() {
                    self.path.push(PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX)));
                    self.check(item_type, item);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }
}

fn type_error(schema: &Schema, value: &Value) -> Option<String> {
    match schema.schema_type {
        SchemaType::Object if !value.is_object() => {
            Some(format!("expected map, got &{{{}}}", go_value(value)))
        }
        SchemaType::Array if !value.is_array() => {
            Some(format!("expected list, got &{{{}}}", go_value(value)))
        }
        SchemaType::String if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)))
        }
        SchemaType::Boolean if !value.is_boolean() => {
            Some(format!("expected boolean, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)))
        }
        SchemaType::Integer | SchemaType::Number if !value.is_number() => {
            let found = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Array(_) => "list",
                _ => "map",
            };
            Some(format!("expected numeric (int or float), got {found}"))
        }
        _ => None,
    }
}
