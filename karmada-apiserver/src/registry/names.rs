//! Rules for names, labels and keys, with the real server's words.

use serde_json::Value;

use super::field_error::FieldError;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                     validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                         and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                         validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD_SUBDOMAIN: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, \
                                  which must consist of lower case alphanumeric characters, '-' or '.' and end with an \
                                  alphanumeric character (e.g. '*.example.com', regex used for validation is \
                                  '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                          alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', \
                          regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                         alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                         validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                           and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or \
                           '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  \
                          or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Whether a name is whole or the start of a generated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamePart {
    Whole,
    Prefix,
}

/// How the name of a kind is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameRule {
    Subdomain,
    Label,
    /// What fits into a path: RBAC names.
    PathSegment,
    /// An IP address.
    Address,
}

/// Returns what is wrong with an object's name.
pub(super) fn check_name(rule: NameRule, name: &str, part: NamePart) -> Vec<String> {
    // What is generated replaces a trailing dash.
    let masked = match part {
        NamePart::Prefix if name.len() > 1 && name.ends_with('-') => format!("{}a", &name[..name.len() - 1]),
        _ => name.to_owned(),
    };
    match rule {
        NameRule::Subdomain => subdomain(&masked),
        NameRule::Label => label(&masked),
        NameRule::PathSegment => path_segment(name, part),
        NameRule::Address if name.parse::<std::net::IpAddr>().is_ok() => Vec::new(),
        NameRule::Address => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()],
    }
}

/// Returns what keeps text from having the format of a name, by the format's name in expressions.
pub(crate) fn problems(format: &str, text: &str) -> Vec<String> {
    let masked = match format.strip_suffix("Prefix") {
        Some(_) if text.len() > 1 && text.ends_with('-') => format!("{}a", &text[..text.len() - 1]),
        _ => text.to_owned(),
    };
    match format.strip_suffix("Prefix").unwrap_or(format) {
        "dns1123Label" => label(&masked),
        "dns1123Subdomain" => subdomain(&masked),
        "dns1035Label" => label_1035(&masked),
        "qualifiedName" => qualified_name(text),
        "labelValue" => label_value(text),
        _ => Vec::new(),
    }
}

/// Returns what keeps text from being an RFC 1123 label.
pub(super) fn label(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 63);
    if !is_label(text) {
        if text.contains('.') && text.split('.').all(is_label) {
            problems.push("must not contain dots".to_owned());
        } else {
            problems.push(LABEL.to_owned());
        }
    }
    problems
}

/// Returns what keeps text from being an RFC 1123 subdomain.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 253);
    if !is_subdomain(text) {
        problems.push(SUBDOMAIN.to_owned());
    }
    problems
}

/// Returns what keeps text from being a subdomain after `*.`.
pub(super) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 253);
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        problems.push(WILDCARD_SUBDOMAIN.to_owned());
    }
    problems
}

/// Returns what keeps text from being an RFC 1035 label.
pub(super) fn label_1035(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 63);
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        problems.push(LABEL_1035.to_owned());
    }
    problems
}

/// Returns what keeps text from being a label key.
pub(super) fn qualified_name(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                problems.push("prefix part must be non-empty".to_owned());
            } else {
                problems
                    .extend(subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}")));
            }
            *name
        }
        _ => {
            return vec![format!(
                "a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_qualified_part(name) {
        problems.push(format!("name part {QUALIFIED}"));
    }
    problems
}

/// Returns what keeps text from being a label value.
pub(super) fn label_value(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push("must be no more than 63 bytes".to_owned());
    }
    if !text.is_empty() && !is_qualified_part(text) {
        problems.push(LABEL_VALUE.to_owned());
    }
    problems
}

/// Returns what keeps text from being a key of a ConfigMap or Secret.
pub(super) fn config_key(text: &str) -> Vec<String> {
    let mut problems = too_long(text, 253);
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        problems.push(CONFIG_KEY.to_owned());
    }
    match text {
        "." => problems.push("must not be '.'".to_owned()),
        ".." => problems.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => problems.push("must not start with '..'".to_owned()),
        _ => {}
    }
    problems
}

/// Returns what keeps text from being the name of a port.
pub(super) fn port_name(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 15 {
        problems.push("must be no more than 15 characters".to_owned());
    }
    if !text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') || text.is_empty() {
        problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.chars().any(|c| c.is_ascii_lowercase()) {
        problems.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        problems.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        problems.push("must not begin or end with a hyphen".to_owned());
    }
    problems
}

/// Reports each invalid key and value of a label map.
pub(super) fn check_labels(labels: Option<&Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
        errors.extend(invalid_each(path, key, qualified_name(key)));
        if let Some(text) = value.as_str() {
            errors.extend(invalid_each(path, text, label_value(text)));
        }
    }
    errors
}

/// Turns problems with one text into errors.
pub(super) fn invalid_each(path: &str, text: &str, problems: Vec<String>) -> Vec<FieldError> {
    let value = Value::from(text);
    problems.into_iter().map(|problem| FieldError::invalid(path, &value, problem)).collect()
}

pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

pub(super) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_qualified_part(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    !text.is_empty()
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}

fn path_segment(text: &str, part: NamePart) -> Vec<String> {
    let mut problems = Vec::new();
    if part == NamePart::Whole {
        match text {
            "." => return vec!["may not be '.'".to_owned()],
            ".." => return vec!["may not be '..'".to_owned()],
            _ => {}
        }
    }
    for forbidden in ["/", "%"] {
        if text.contains(forbidden) {
            problems.push(format!("may not contain '{forbidden}'"));
        }
    }
    problems
}

fn too_long(text: &str, limit: usize) -> Vec<String> {
    if text.len() > limit { vec![format!("must be no more than {limit} characters")] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_good_names_from_bad() {
        assert!(subdomain("a.b-c.d1").is_empty());
        assert_eq!(subdomain("a..b"), [SUBDOMAIN]);
        assert_eq!(label("a.b"), ["must not contain dots"]);
        assert_eq!(label("A"), [LABEL]);
        assert_eq!(path_segment("..", NamePart::Whole), ["may not be '..'"]);
    }

    #[test]
    fn accepts_a_trailing_dash_in_a_prefix() {
        assert!(check_name(NameRule::Subdomain, "cfg-", NamePart::Prefix).is_empty());
        assert!(!check_name(NameRule::Subdomain, "cfg-", NamePart::Whole).is_empty());
    }

    #[test]
    fn names_each_problem_of_an_empty_label_key() {
        assert_eq!(qualified_name("").len(), 2);
        assert!(qualified_name("example.com/a").is_empty());
        assert_eq!(qualified_name("a/b/c").len(), 1);
    }
}
