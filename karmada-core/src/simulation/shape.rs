//! What every object must have.

use serde_json::Value;

use super::Problem;
use crate::object::validation::dns_1123_label;

/// Returns what keeps a value from being an object of an API.
pub(super) fn check(index: usize, object: &Value) -> Vec<Problem> {
    if !object.is_object() {
        return vec![Problem::error(index, "", "an object with apiVersion and kind is expected")];
    }
    let mut problems = Vec::new();
    for field in ["apiVersion", "kind"] {
        check_text(index, field, &object[field], &mut problems);
    }
    let metadata = &object["metadata"];
    if !metadata.is_object() {
        problems.push(Problem::error(index, "metadata", "must be an object with a name"));
        return problems;
    }
    let is_generated = metadata["name"].is_null() && metadata["generateName"].is_string();
    if is_generated {
        let problem = Problem::error(index, "metadata.name", "Required value");
        let hint = "a generated name is not known before the object is made: give it a name";
        problems.push(problem.with_hint(hint));
    } else {
        check_text(index, "metadata.name", &metadata["name"], &mut problems);
    }
    let name = metadata["name"].as_str().unwrap_or_default();
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        let message =
            format!("Invalid value: {name:?}: may not be '.' or '..' and may not contain '/' or '%'");
        problems.push(Problem::error(index, "metadata.name", message));
    }
    match &metadata["namespace"] {
        Value::Null => {}
        Value::String(namespace) if namespace.is_empty() => {}
        Value::String(namespace) => {
            let mistakes = dns_1123_label(namespace).into_iter();
            problems.extend(mistakes.map(|mistake| {
                let message = format!("Invalid value: {namespace:?}: {mistake}");
                Problem::error(index, "metadata.namespace", message)
            }));
        }
        _ => problems.push(Problem::error(index, "metadata.namespace", "must be a text")),
    }
    for field in ["labels", "annotations"] {
        check_texts(index, field, &metadata[field], &mut problems);
    }
    problems
}

fn check_text(index: usize, field: &str, value: &Value, problems: &mut Vec<Problem>) {
    match value {
        Value::String(text) if !text.is_empty() => {}
        Value::Null | Value::String(_) => problems.push(Problem::error(index, field, "Required value")),
        _ => problems.push(Problem::error(index, field, "must be a text")),
    }
}

/// Reports labels or annotations that are no map of texts.
fn check_texts(index: usize, field: &str, value: &Value, problems: &mut Vec<Problem>) {
    let field = format!("metadata.{field}");
    match value {
        Value::Null => {}
        Value::Object(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| !value.is_string()) {
                let problem = Problem::error(index, format!("{field}.{key}"), "must be a text");
                problems.push(match value {
                    Value::Number(_) | Value::Bool(_) => {
                        problem.with_hint(format!("write it in quotes: \"{value}\""))
                    }
                    _ => problem,
                });
            }
        }
        _ => problems.push(Problem::error(index, field, "must be a map of texts")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_everything_that_is_missing_or_no_text() {
        let fields = |object: Value| -> Vec<String> {
            check(0, &object).into_iter().map(|problem| problem.field).collect()
        };
        assert_eq!(fields(json!([])), [""]);
        assert_eq!(fields(json!({})), ["apiVersion", "kind", "metadata"]);
        assert_eq!(
            fields(json!({"apiVersion": "v1", "kind": 1, "metadata": {
                "name": "..", "namespace": "A", "labels": {"a": 1, "b": "x"}, "annotations": [],
            }})),
            ["kind", "metadata.name", "metadata.namespace", "metadata.labels.a", "metadata.annotations"]
        );
        assert_eq!(
            fields(json!({"apiVersion": "v1", "kind": "X", "metadata": {"generateName": "a-"}})),
            ["metadata.name"]
        );
        assert_eq!(fields(json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}})), [""; 0]);
    }
}
