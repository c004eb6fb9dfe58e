//! URLs, read as strictly as Go reads them.

use super::field_error::quote;

/// The parts of a URL that are checked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Url<'a> {
    /// In lower case, empty when there is none.
    pub(super) scheme: String,
    /// User and password, as written.
    pub(super) user: Option<&'a str>,
    /// Host and port.
    pub(super) host: &'a str,
    /// What follows `?`.
    pub(super) query: &'a str,
    /// What follows `#`.
    pub(super) fragment: &'a str,
}

/// Reads a URL; the error is Go's text.
pub(super) fn parse(text: &str) -> Result<Url<'_>, String> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let fail = |reason: String| format!("parse {}: {reason}", quote(rest));
    if rest.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(fail("net/url: invalid control character in URL".to_owned()));
    }
    let (scheme, rest_of) = split_scheme(rest).map_err(fail)?;
    let (hierarchy, query) = rest_of.split_once('?').unwrap_or((rest_of, ""));
    let mut url = Url { scheme: scheme.to_ascii_lowercase(), query, fragment, ..Url::default() };
    if !hierarchy.starts_with('/') {
        if !url.scheme.is_empty() {
            return Ok(url);
        }
        if hierarchy.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err(fail("first path segment in URL cannot contain colon".to_owned()));
        }
    }
    let mut path = hierarchy;
    let triple = url.scheme.is_empty() && hierarchy.starts_with("///");
    if let Some(authority) = hierarchy.strip_prefix("//").filter(|_| !triple) {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, rest) = authority.split_at(end);
        path = rest;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        check_host(host).map_err(fail)?;
        if user.is_some_and(|user| !user.chars().all(is_user_character)) {
            return Err(fail("net/url: invalid userinfo".to_owned()));
        }
        (url.user, url.host) = (user, host);
    }
    check_escapes(path).map_err(fail)?;
    Ok(url)
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (index, character) in text.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if index > 0 => {}
            ':' if index == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_host(host: &str) -> Result<(), String> {
    if host.starts_with('[') {
        let Some(end) = host.rfind(']') else {
            return Err("missing ']' in host".to_owned());
        };
        check_port(&host[end + 1..])?;
    } else if let Some(colon) = host.rfind(':') {
        check_port(&host[colon..])?;
    }
    check_escapes(host)?;
    let bad = host
        .chars()
        .find(|character| matches!(character, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'));
    match bad {
        Some('<' | '>' | '"') | None => Ok(()),
        Some(character) => Err(format!("invalid character {} in host name", quote(&character.to_string()))),
    }
}

fn check_port(port: &str) -> Result<(), String> {
    let digits = port.strip_prefix(':');
    if port.is_empty() || digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Ok(());
    }
    Err(format!("invalid port {} after host", quote(port)))
}

fn check_escapes(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let escape = &rest[at..rest.len().min(at + 3)];
        if escape.len() < 3 || !escape[1..].bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let shown: String = rest[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {}", quote(&shown)));
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}

fn is_user_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_what_is_checked() {
        let url = parse("HTTPS://u:p@h:1/x?a=b#c").unwrap();
        assert_eq!(
            url,
            Url { scheme: "https".to_owned(), user: Some("u:p"), host: "h:1", query: "a=b", fragment: "c" }
        );
        assert_eq!(parse("host").unwrap().host, "");
        assert_eq!(parse("p:8080").unwrap().scheme, "p");
    }

    #[test]
    fn mistakes_read_as_in_go() {
        for (text, error) in [
            ("10.0.0.1:6443", "parse \"10.0.0.1:6443\": first path segment in URL cannot contain colon"),
            ("https://[::1", "parse \"https://[::1\": missing ']' in host"),
            ("https://h:x", "parse \"https://h:x\": invalid port \":x\" after host"),
            (":x", "parse \":x\": missing protocol scheme"),
            ("http://h/%zz", "parse \"http://h/%zz\": invalid URL escape \"%zz\""),
        ] {
            assert_eq!(parse(text).unwrap_err(), error);
        }
    }
}
