//! Messages without what depends on the language that the real server is written in.

use serde_json::Value;

/// What stands before a value that a message shows.
const SHOWN_VALUE: &str = "Invalid value: ";
/// The beginning of a difference between two structures, as the real server prints them.
const DIFFERENCE: &str = "@@ -";
/// A member that only the templates of pods have, in the API and in the real server's memory.
const TEMPLATE_MEMBERS: [&str; 2] = ["containers", "Containers"];

/// Returns a message without printed structures, and with the documents that it shows in one form.
pub(super) fn neutral(message: &str) -> String {
    let mut rest = message;
    let mut result = String::with_capacity(message.len());
    while let Some(start) = rest.find(SHOWN_VALUE) {
        let (before, from) = rest.split_at(start + SHOWN_VALUE.len());
        result.push_str(before);
        let mut values = serde_json::Deserializer::from_str(from).into_iter::<Value>();
        rest = from;
        if let Some(Ok(value)) = values.next()
            && let Some(shown) = neutral_value(&value)
        {
            result.push_str(&shown);
            rest = &from[values.byte_offset()..];
        }
    }
    result.push_str(rest);
    without_differences(&result)
}

/// Returns the one form of a value, if it has several.
fn neutral_value(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) if has_template(value) => Some("(template)".to_owned()),
        // The keys of the shown document are in the order of structures.
        Value::String(text) => {
            let document: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
            Some(Value::from(document.to_string()).to_string())
        }
        _ => None,
    }
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(key, field)| TEMPLATE_MEMBERS.contains(&key.as_str()) || has_template(field))
        }
        _ => false,
    }
}

/// Drops the lines that print how two structures differ.
fn without_differences(message: &str) -> String {
    if !message.contains(&format!("\n{DIFFERENCE}")) {
        return message.to_owned();
    }
    let is_printed = |line: &str| line.is_empty() || line.starts_with([' ', '+', '-', '@']);
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let kept = lines.filter(|line| !is_printed(line));
    std::iter::once(first).chain(kept).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_in_messages_have_no_order_of_keys() {
        let a = r#"patch: Invalid value: "{\"b\":1,\"a\":\"$UID1\"}": no"#;
        let b = r#"patch: Invalid value: "{\"a\":\"$UID1\",\"b\":1}": no"#;
        assert_eq!(neutral(a), b);
        assert_eq!(neutral(b), b);
    }

    #[test]
    fn printed_structures_do_not_count() {
        let ours = r#"t: Invalid value: {"spec":{"containers":[]}}: field is immutable, x"#;
        let theirs = r#"t: Invalid value: {"Spec":{"Containers":[]}}: field is immutable, x"#;
        assert_eq!(neutral(ours), neutral(theirs));
        let difference = "spec: Forbidden: no\n@@ -1,2 +1,2 @@\n {\n- \"A\": 1\n+ \"A\": 2\n";
        assert_eq!(neutral(difference), "spec: Forbidden: no");
        assert_eq!(neutral("Invalid value: \"x\": a\nb"), "Invalid value: \"x\": a\nb");
    }
}
