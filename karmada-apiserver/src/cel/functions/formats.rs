//! Named formats: `format.dns1123Label().validate(text)`.

use super::super::super::registry::{check_format, name_problems};
use super::super::value::Value;
use super::Answer;

const NAMES: &[&str] = &[
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

pub(super) fn call(name: &str, args: &[Value]) -> Answer {
    let known = |name: &str| NAMES.iter().find(|known| **known == name).map(|known| Value::Format(known));
    Some(Ok(match (name, args) {
        ("format.named", [Value::String(name)]) => known(name).map_or(Value::Optional(None), Value::some),
        ("validate", [Value::Format(format), Value::String(text)]) => {
            let problems = problems(format, text);
            if problems.is_empty() {
                Value::Optional(None)
            } else {
                Value::some(Value::list(problems.into_iter().map(Value::string).collect()))
            }
        }
        (name, []) => known(name.strip_prefix("format.")?)?,
        _ => return None,
    }))
}

fn problems(format: &str, text: &str) -> Vec<String> {
    match format {
        "uri" | "uuid" | "byte" | "date" | "datetime" => {
            if check_format(format, text) {
                return Vec::new();
            }
            vec![match format {
                "uuid" => "does not match the UUID format".to_owned(),
                "uri" => "invalid URI".to_owned(),
                "byte" => "invalid base64".to_owned(),
                "date" => "invalid date".to_owned(),
                _ => "invalid datetime".to_owned(),
            }]
        }
        _ => name_problems(format, text),
    }
}
