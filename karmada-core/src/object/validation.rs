//! Kubernetes' rules for names, keys and values.
//!
//! Every check returns the messages that an API server prints, none when the text is valid.

const QUALIFIED_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const DNS_1123_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS_1123_SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD_DNS_1123_SUBDOMAIN: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Checks a label key, annotation key, taint key: a name with an optional domain before it.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                messages.push("prefix part must be non-empty".to_owned());
            } else {
                if prefix.len() > 253 {
                    messages.push(format!("prefix part {}", max_length(253)));
                }
                if !is_dns_subdomain(prefix) {
                    messages.push(format!("prefix part {DNS_1123_SUBDOMAIN}"));
                }
            }
            *name
        }
        _ => {
            return vec![format!(
                "a qualified name {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                QUALIFIED_NAME
            )];
        }
    };
    if name.is_empty() {
        messages.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        messages.push(format!("name part {}", max_length(63)));
    }
    if !is_name(name) {
        messages.push(format!("name part {QUALIFIED_NAME}"));
    }
    messages
}

/// Checks the value of a label.
pub fn label_value(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if text.len() > 63 {
        messages.push(max_length(63));
    }
    if !text.is_empty() && !is_name(text) {
        messages.push(LABEL_VALUE.to_owned());
    }
    messages
}

/// Checks a DNS-1123 label.
pub fn dns_1123_label(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if text.len() > 63 {
        messages.push(max_characters(63));
    }
    if !is_dns_label(text) {
        messages.push(if is_dns_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            DNS_1123_LABEL.to_owned()
        });
    }
    messages
}

/// Checks a DNS-1123 subdomain.
pub fn dns_1123_subdomain(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if text.len() > 253 {
        messages.push(max_characters(253));
    }
    if !is_dns_subdomain(text) {
        messages.push(DNS_1123_SUBDOMAIN.to_owned());
    }
    messages
}

/// Checks a DNS-1035 label.
pub fn dns_1035_label(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if text.len() > 63 {
        messages.push(max_characters(63));
    }
    if !is_dns_label(text) || text.starts_with(|first: char| first.is_ascii_digit()) {
        messages.push(DNS_1035_LABEL.to_owned());
    }
    messages
}

/// Checks a DNS-1123 subdomain whose first part is `*`.
pub fn wildcard_dns_1123_subdomain(text: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if text.len() > 253 {
        messages.push(max_characters(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_dns_subdomain) {
        messages.push(WILDCARD_DNS_1123_SUBDOMAIN.to_owned());
    }
    messages
}

/// Checks the name of a port.
pub fn port_name(text: &str) -> Vec<String> {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let checks = [
        (text.len() <= 15, "must be no more than 15 characters"),
        (text.bytes().all(is_part), "must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)"),
        (text.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (!text.contains("--"), "must not contain consecutive hyphens"),
        (!text.starts_with('-') && !text.ends_with('-'), "must not begin or end with a hyphen"),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, message)| message.to_owned()).collect()
}

/// Returns true when a text is a qualified name.
pub fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        None => text.len() <= 63 && is_name(text),
        Some((prefix, name)) => {
            prefix.len() <= 253 && is_dns_subdomain(prefix) && name.len() <= 63 && is_name(name)
        }
    }
}

/// Returns true when a text is a valid label value.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || (text.len() <= 63 && is_name(text))
}

/// Returns the message for a text that is too long.
pub fn max_length(length: usize) -> String {
    format!("must be no more than {length} bytes")
}

/// Returns the message for a DNS name that is too long: there it counts characters.
fn max_characters(length: usize) -> String {
    format!("must be no more than {length} characters")
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_dns_label(text: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    is_edge(first) && is_edge(last) && bytes.iter().all(|byte| is_edge(byte) || *byte == b'-')
}

fn is_dns_subdomain(text: &str) -> bool {
    text.split('.').all(is_dns_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn qualified_names_have_at_most_one_slash() {
        for valid in ["a", "a.b/C_d", "9", "karmada.io/managed"] {
            assert_eq!(qualified_name(valid), Vec::<String>::new(), "{valid}");
        }
        for invalid in ["", "/a", "a/", "a/b/c", "A.b/c", "-a", "a b"] {
            assert!(!qualified_name(invalid).is_empty(), "{invalid}");
        }
    }

    #[test]
    fn labels_are_told_from_subdomains() {
        assert_eq!(dns_1123_label("a.b"), vec!["must not contain dots".to_owned()]);
        assert!(dns_1123_subdomain("a.b").is_empty());
        assert!(!dns_1035_label("1a").is_empty());
    }

    #[test]
    fn wildcards_stand_for_the_first_part() {
        assert!(wildcard_dns_1123_subdomain("*.a.io").is_empty());
        for invalid in ["*", "a.*.io", "**.a", "*.A"] {
            assert_eq!(wildcard_dns_1123_subdomain(invalid).len(), 1, "{invalid}");
        }
    }

    #[test]
    fn ports_have_short_names_with_a_letter() {
        assert!(port_name("http-2").is_empty());
        assert_eq!(port_name("-8--0").len(), 3);
        assert_eq!(port_name("A_very_long_port_name").len(), 2);
    }

    proptest! {
        #[test]
        fn the_short_checks_agree_with_the_messages(text in "[a-zA-Z0-9./_ -]{0,70}") {
            prop_assert_eq!(is_qualified_name(&text), qualified_name(&text).is_empty());
            prop_assert_eq!(is_label_value(&text), label_value(&text).is_empty());
        }
    }
}
