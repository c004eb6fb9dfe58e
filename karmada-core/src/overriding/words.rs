//! Overrider of the command and the arguments of a container.

use serde_json::Value;

use super::OverrideError;
use super::containers::{containers_mut, containers_path};
use crate::api::policy::{CommandArgsOverrider, OverriderOperator};

/// The list of words that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// `command`.
    Command,
    /// `args`.
    Arguments,
}

impl Words {
    fn field(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Arguments => "args",
        }
    }
}

/// Applies an overrider to every container of its name.
pub(super) fn apply(
    object: &mut Value,
    words: Words,
    overrider: &CommandArgsOverrider,
) -> Result<(), OverrideError> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some(path) = containers_path(kind) else { return Ok(()) };
    for container in containers_mut(object, path)? {
        let Value::Object(members) = container else {
            return Err(OverrideError::Containers { path: path.join("/") });
        };
        if members.get("name").and_then(Value::as_str) != Some(&overrider.container_name) {
            continue;
        }
        let current =
            members.get(words.field()).and_then(Value::as_array).map(|list| list.iter().map(word).collect());
        let changed = change(current.unwrap_or_default(), overrider);
        members.insert(words.field().to_owned(), Value::from(changed));
    }
    Ok(())
}

fn change(mut words: Vec<String>, overrider: &CommandArgsOverrider) -> Vec<String> {
    match overrider.operator {
        OverriderOperator::Add => words.extend(overrider.value.iter().cloned()),
        OverriderOperator::Remove => words.retain(|word| !overrider.value.contains(word)),
        _ => {}
    }
    words
}

/// Returns a word as text; what is no text is shown as Go's formatter shows it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "%!s(<nil>)".to_owned(),
        Value::Bool(value) => format!("%!s(bool={value})"),
        Value::Number(number) if number.is_f64() => format!("%!s(float64={number})"),
        Value::Number(number) => format!("%!s(int64={number})"),
        Value::Array(elements) => format!("[{}]", elements.iter().map(word).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{key}:{}", word(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn overrider(operator: OverriderOperator, value: &[&str]) -> CommandArgsOverrider {
        CommandArgsOverrider {
            container_name: "c".to_owned(),
            operator,
            value: value.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    #[test]
    fn appends_and_removes_words_of_the_named_container() {
        let mut pod = json!({"kind": "Pod", "spec": {"containers": [
            {"name": "c", "args": ["-a", "-b", "-a"]}, {"name": "d", "args": ["-a"]},
        ]}});
        apply(&mut pod, Words::Arguments, &overrider(OverriderOperator::Remove, &["-a"])).unwrap();
        apply(&mut pod, Words::Arguments, &overrider(OverriderOperator::Add, &["-z"])).unwrap();
        apply(&mut pod, Words::Command, &overrider(OverriderOperator::Remove, &["x"])).unwrap();
        assert_eq!(pod["spec"]["containers"][0], json!({"name": "c", "args": ["-b", "-z"], "command": []}));
        assert_eq!(pod["spec"]["containers"][1], json!({"name": "d", "args": ["-a"]}));
    }
}
