//! Values as text.

use super::super::types::Type;
use super::super::value::Value;
use super::times;

/// Returns the text of a scalar, as `string(x)` has it; lists and maps as `format` prints them.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double(*value),
        Value::String(text) => text.to_string(),
        Value::Bytes(data) => String::from_utf8_lossy(data).into_owned(),
        Value::Timestamp(time) => times::print_timestamp(*time),
        Value::Duration(span) => times::print_duration(*span),
        Value::List(list) => {
            let items: Vec<String> = list.items.iter().map(plain).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let mut parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", plain(&key.to_value()), plain(value)))
                .collect();
            parts.sort();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(inner)) => format!("optional({})", plain(inner)),
        Value::Type(found) => type_name(found),
        Value::Quantity(quantity) => quantity.canonical(),
        Value::Ip(address) => address.to_string(),
        Value::Cidr(address, bits) => format!("{address}/{bits}"),
        Value::Url(url) => url.text.clone(),
        Value::Semver(version) => {
            let [major, minor, patch] = version.numbers;
            let suffix = if version.prerelease.is_empty() {
                String::new()
            } else {
                format!("-{}", version.prerelease.join("."))
            };
            format!("{major}.{minor}.{patch}{suffix}")
        }
        Value::Format(name) => (*name).to_owned(),
        Value::Failed(why) => why.to_string(),
        Value::Authorization(question) => question.type_name().to_owned(),
    }
}

fn type_name(found: &Type) -> String {
    match found {
        Type::List(_) => "list".to_owned(),
        Type::Map(..) => "map".to_owned(),
        Type::Null => "null_type".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        Type::Kind(_) => "type".to_owned(),
        other => other.to_string(),
    }
}

/// Prints a number as Go's `%g` with the fewest digits does.
pub(super) fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..21).contains(&exponent) || value == 0.0 {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
