//! The text about a kind or field.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{Explained, reference};

/// Where texts are broken.
const WIDTH: usize = 76;
/// How deep fields are followed; schemas may go in circles.
const DEEPEST: usize = 24;

/// Which fields are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Those of the place, with what they mean.
    Fields,
    /// All below it, names and types only.
    All,
}

/// Returns the first lines: which kind it is about.
pub fn header(kind: &crate::discovery::ResourceKind) -> String {
    let mut text = String::new();
    for (name, value) in [("GROUP", &kind.group), ("KIND", &kind.kind), ("VERSION", &kind.version)] {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{:<12}{value}", format!("{name}:"));
        }
    }
    text.push('\n');
    text
}

/// Returns what there is to know about a kind or field.
pub fn render(explained: &Explained, depth: Depth) -> String {
    let mut text = header(&explained.kind);
    let schema = explained.schema();
    if let Some(field) = explained.path.last() {
        let _ = writeln!(text, "FIELD: {field} <{}>\n", type_of(explained, schema));
        text.push_str(&enumeration(explained, schema, 0));
        text.push('\n');
    }
    text.push_str("DESCRIPTION:\n");
    let mut descriptions: Vec<&str> = Vec::new();
    for schema in [schema, explained.resolved(schema), explained.object_of(schema)] {
        if let Some(description) = schema["description"].as_str()
            && !descriptions.contains(&description)
            && !description.is_empty()
        {
            descriptions.push(description);
        }
    }
    if descriptions.is_empty() {
        descriptions.push("<empty>");
    }
    for description in descriptions {
        text.push_str(&wrapped(description, 4));
    }
    text.push_str("    \n");
    if !explained.fields().is_empty() {
        text.push_str("FIELDS:\n");
        fields(explained, schema, Listing { depth, level: 1 }, &mut Vec::new(), &mut text);
    }
    text
}

#[derive(Clone, Copy)]
struct Listing {
    depth: Depth,
    level: usize,
}

/// Lists fields; `above` are the names of the schemas that they are parts of.
fn fields<'a>(
    explained: &'a Explained,
    schema: &'a Value,
    listing: Listing,
    above: &mut Vec<&'a str>,
    text: &mut String,
) {
    let Listing { depth, level } = listing;
    let required = explained.object_of(schema)["required"].as_array();
    for (name, field) in explained.fields_of(schema) {
        let is_required = required.is_some_and(|required| required.iter().any(|known| known == name));
        let _ = writeln!(
            text,
            "{}{name}\t<{}>{}",
            "  ".repeat(level),
            type_of(explained, field),
            if is_required { " -required-" } else { "" }
        );
        text.push_str(&enumeration(explained, field, level));
        match depth {
            Depth::Fields => {
                let own = field["description"].as_str();
                let description = own.or_else(|| explained.resolved(field)["description"].as_str());
                text.push_str(&wrapped(description.unwrap_or("<no description>"), 2 * level + 2));
                text.push('\n');
            }
            Depth::All => {
                let inner = reference(if field["items"].is_object() { &field["items"] } else { field });
                let is_circle = inner.is_some_and(|name| above.contains(&name));
                if level < DEEPEST && !is_circle {
                    above.extend(inner);
                    fields(explained, field, Listing { depth, level: level + 1 }, above, text);
                    if inner.is_some() {
                        above.pop();
                    }
                }
            }
        }
    }
}

fn enumeration(explained: &Explained, schema: &Value, level: usize) -> String {
    let values = explained.resolved(schema)["enum"].as_array();
    let Some(values) = values.filter(|values| !values.is_empty()) else { return String::new() };
    let values: Vec<String> = values
        .iter()
        .map(|value| match value.as_str() {
            Some("") => "\"\"".to_owned(),
            Some(text) => text.to_owned(),
            None => value.to_string(),
        })
        .collect();
    format!("{}enum: {}\n", "  ".repeat(level), values.join(", "))
}

/// Returns the name of a type: `integer`, `[]Container`, `map[string]string`, `ObjectMeta`.
fn type_of(explained: &Explained, schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        let target = explained.resolved(schema);
        // A name for a plain value is what it stands for, but for those that people know.
        let short = name.rsplit('.').next().unwrap_or(name);
        return match target["type"].as_str() {
            Some("string") if matches!(short, "Time" | "MicroTime" | "Duration") => "string".to_owned(),
            _ => short.to_owned(),
        };
    }
    if schema["x-kubernetes-int-or-string"] == true || schema["format"] == "int-or-string" {
        return "IntOrString".to_owned();
    }
    match schema["type"].as_str() {
        Some("array") => format!("[]{}", type_of(explained, &schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map[string]{}", type_of(explained, &schema["additionalProperties"]))
        }
        Some("object") | None => "Object".to_owned(),
        Some(plain) => plain.to_owned(),
    }
}

/// Breaks a text into indented lines.
fn wrapped(text: &str, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let mut lines = String::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                let _ = writeln!(lines, "{blanks}{line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(lines, "{blanks}{line}");
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::discovery::ResourceKind;

    fn explained(path: &[&str]) -> Explained {
        let schemas = json!({
            "io.x.Thing": {"description": "A thing.", "type": "object", "required": ["spec"], "properties": {
                "kind": {"type": "string", "description": "What it is."},
                "spec": {"description": "What is wanted.", "allOf": [{"$ref": "#/components/schemas/io.x.Spec"}]},
            }},
            "io.x.Spec": {"type": "object", "properties": {
                "modes": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "mode": {"type": "string", "enum": ["A", ""]},
                "self": {"$ref": "#/components/schemas/io.x.Spec"},
            }},
        });
        let kind = ResourceKind {
            group: "x.io".into(),
            version: "v1".into(),
            kind: "Thing".into(),
            ..ResourceKind::default()
        };
        Explained::for_test(schemas, "io.x.Thing", kind, path)
    }

    #[test]
    fn fields_are_listed_with_types_and_meaning() {
        assert_eq!(
            render(&explained(&[]), Depth::Fields),
            "GROUP:      x.io\nKIND:       Thing\nVERSION:    v1\n\nDESCRIPTION:\n    A thing.\n    \nFIELDS:\n  \
             kind\t<string>\n    What it is.\n\n  spec\t<Spec> -required-\n    What is wanted.\n\n"
        );
    }

    #[test]
    fn circles_end_and_types_are_named() {
        let text = render(&explained(&[]), Depth::All);
        let fields = text.split_once("FIELDS:\n").unwrap().1;
        assert_eq!(
            fields,
            "  kind\t<string>\n  spec\t<Spec> -required-\n    labels\t<map[string]string>\n    mode\t<string>\n    \
             enum: A, \"\"\n    modes\t<[]string>\n    self\t<Spec>\n"
        );
    }

    #[test]
    fn long_texts_are_broken() {
        let text = wrapped(&"word ".repeat(40), 4);
        assert!(text.lines().all(|line| line.len() <= WIDTH + 4 && line.starts_with("    word")), "{text}");
    }
}
