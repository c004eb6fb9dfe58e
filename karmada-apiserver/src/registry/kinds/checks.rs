//! Rules for values that many kinds have.

use std::net::IpAddr;

use serde_json::Value;

use super::super::field_error::FieldError;
use super::super::names;
use super::fields::{items, text};

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', \
                       regex used for validation is '[0-9]+%')";
const SEARCH_DOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or \
                             '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                             validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";

/// Reports a name that breaks the rules of subdomains.
pub(super) fn check_subdomain(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(object, key);
    errors.extend(names::invalid_each(&format!("{path}.{key}"), name, names::subdomain(name)));
}

/// Reports a name that is absent, or else breaks the rules of subdomains.
pub(super) fn require_subdomain(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    if text(object, key).is_empty() {
        errors.push(FieldError::required(format!("{path}.{key}"), ""));
    } else {
        check_subdomain(object, key, path, errors);
    }
}

/// Reports a name that is set and breaks the rules of labels.
pub(super) fn check_label_name(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(object, key);
    if !name.is_empty() {
        errors.extend(names::invalid_each(&format!("{path}.{key}"), name, names::label(name)));
    }
}

/// Reports a key that is no qualified name.
pub(super) fn check_qualified(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let name = text(object, key);
    errors.extend(names::invalid_each(&format!("{path}.{key}"), name, names::qualified_name(name)));
}

/// Reports text that is no IP address.
pub(super) fn check_ip(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let address = value.as_str().unwrap_or_default();
    if address.parse::<IpAddr>().is_err() {
        errors.push(FieldError::invalid(
            path,
            &Value::from(address),
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ));
    }
}

/// Reports text that is no network in CIDR notation.
pub(super) fn check_cidr(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let text = value.as_str().unwrap_or_default();
    if parse_cidr(text).is_none() {
        errors.push(FieldError::invalid(
            path,
            &Value::from(text),
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ));
    }
}

/// Returns the address as a number, its width in bits and the prefix length.
pub(super) fn parse_cidr(text: &str) -> Option<(u128, u32, u32)> {
    let (address, prefix) = text.split_once('/')?;
    let prefix: u32 = prefix.parse().ok()?;
    let (number, width) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    (prefix <= width).then_some((number, width, prefix))
}

/// Reports a count below zero, or text that is no percentage.
pub(super) fn check_count_or_percent(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match value {
        Value::Number(number) if number.as_i64().is_some_and(|number| number < 0) => {
            errors.push(FieldError::invalid(path, value, "must be greater than or equal to 0"));
        }
        Value::String(text) if percent(text).is_none() => {
            errors.push(FieldError::invalid(path, value, PERCENT));
        }
        _ => {}
    }
}

/// Reports more than a hundred percent.
pub(super) fn check_at_most_all(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if value.as_str().and_then(percent).is_some_and(|percent| percent > 100) {
        errors.push(FieldError::invalid(path, value, "must not be greater than 100%"));
    }
}

/// Whether a count or percentage is nothing; so is what is neither.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => percent(text).unwrap_or_default() == 0,
        _ => true,
    }
}

fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Reports a number that is no id of a user or group.
pub(super) fn check_id(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(value) = object.get(key) {
        check_id_value(value, &format!("{path}.{key}"), errors);
    }
}

/// Reports a number that is no id of a user or group.
pub(super) fn check_id_value(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if value.as_i64().is_some_and(|id| !(0..=i64::from(i32::MAX)).contains(&id)) {
        errors.push(FieldError::invalid(path, value, "must be between 0 and 2147483647, inclusive"));
    }
}

/// Reports text that is not one of the supported; absent text counts as empty.
pub(super) fn require_choice(
    object: &Value,
    key: &str,
    path: &str,
    supported: &[&str],
    errors: &mut Vec<FieldError>,
) {
    let found = text(object, key);
    if !supported.contains(&found) {
        errors.push(FieldError::not_supported(format!("{path}.{key}"), &Value::from(found), supported));
    }
}

/// Reports annotations with keys that are no qualified names.
pub(super) fn check_annotations(annotations: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
    for key in annotations.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
        // Keys may be in capitals here, values are not looked at.
        errors.extend(names::invalid_each(path, key, names::qualified_name(&key.to_lowercase())));
    }
}

/// Reports what is no domain to search names in.
pub(super) fn check_search_domain(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let text = value.as_str().unwrap_or_default();
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        let part = part.strip_prefix('_').unwrap_or(part);
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(inner)
    };
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    if trimmed.len() > 253 {
        errors.push(FieldError::invalid(path, &Value::from(text), "must be no more than 253 characters"));
    }
    if text != "." && !trimmed.split('.').all(is_part) {
        errors.push(FieldError::invalid(path, &Value::from(text), SEARCH_DOMAIN));
    }
}

/// Reports a list where a value stands twice.
pub(super) fn check_unique(object: &Value, key: &str, path: &str, errors: &mut Vec<FieldError>) {
    let values = items(object, key);
    for (index, value) in values.iter().enumerate() {
        if values[..index].contains(value) {
            let field =
                if path.is_empty() { format!("{key}[{index}]") } else { format!("{path}.{key}[{index}]") };
            errors.push(FieldError::duplicate(field, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_percentages() {
        let found = |value: Value| {
            let mut errors = Vec::new();
            check_count_or_percent(&value, "f", &mut errors);
            check_at_most_all(&value, "f", &mut errors);
            errors.len()
        };
        assert_eq!([json!(3), json!("100%"), json!("0%")].map(found), [0, 0, 0]);
        assert_eq!([json!(-1), json!("101%"), json!("x%"), json!("5")].map(found), [1, 1, 1, 1]);
        assert!(is_nothing(&json!("0%")) && is_nothing(&json!(0)) && !is_nothing(&json!("1%")));
    }

    #[test]
    fn search_domains_may_have_underscores() {
        let found = |text: &str| {
            let mut errors = Vec::new();
            check_search_domain(&Value::from(text), "f", &mut errors);
            errors.len()
        };
        assert_eq!(["a.b", "_a._b.", ".", "a_b"].map(found), [0, 0, 0, 0]);
        assert_eq!(["", "-a", "A", "a..b"].map(found), [1, 1, 1, 1]);
    }
}
