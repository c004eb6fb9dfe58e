//! Concatenation of numbers.
//!
//! Lua's own `..` writes numbers with fourteen digits. A script's `a .. b` becomes `a .. NAME .. b`, where the value
//! of `NAME` has an operator of its own that writes numbers as Karmada's users know them. Lines stay as they are.

use std::borrow::Cow;

/// Returns a script in which every `..` is followed by a name and another `..`.
///
/// The script has to be well-formed; what is not is left as it is.
pub(super) fn rewrite<'a>(script: &'a str, name: &str) -> Cow<'a, str> {
    let bytes = script.as_bytes();
    let mut rewritten = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'-' if bytes.get(at + 1) == Some(&b'-') => after_comment(bytes, at + 2),
            b'"' | b'\'' => after_quoted(bytes, at),
            b'[' => long_bracket(bytes, at).map_or(at + 1, |level| after_long(bytes, at, level)),
            b'0'..=b'9' => after_number(bytes, at),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => after_word(bytes, at),
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => after_number(bytes, at),
            b'.' if bytes[at..].starts_with(b"..") => {
                rewritten.push_str(&script[copied..at + 2]);
                rewritten.push_str(name);
                rewritten.push_str("..");
                copied = at + 2;
                // What follows the operator must not run into it.
                rewritten.push(' ');
                at + 2
            }
            _ => at + 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(script);
    }
    rewritten.push_str(&script[copied..]);
    Cow::Owned(rewritten)
}

fn after_comment(bytes: &[u8], at: usize) -> usize {
    if let Some(level) = long_bracket(bytes, at) {
        return after_long(bytes, at, level);
    }
    find(bytes, at, b"\n").unwrap_or(bytes.len())
}

fn after_quoted(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if *byte == bytes[start] => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the number of equals signs of the opening bracket here.
fn long_bracket(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|byte| **byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

fn after_long(bytes: &[u8], at: usize, level: usize) -> usize {
    let closing = [&b"]"[..], &b"=".repeat(level), b"]"].concat();
    find(bytes, at + level + 2, &closing).map_or(bytes.len(), |found| found + closing.len())
}

/// Returns the end of a number; Lua takes every letter, digit and point for a part of it.
fn after_number(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let sign = matches!(byte, b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E' | b'p' | b'P');
        if !(sign && at > start || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')) {
            break;
        }
        at += 1;
    }
    at
}

fn after_word(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    at + word.count()
}

fn find(bytes: &[u8], at: usize, wanted: &[u8]) -> Option<usize> {
    let rest = bytes.get(at..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::operators("a..b .. c", "a..X.. b ..X..  c")]
    #[case::varargs("f(...)", "f(...)")]
    #[case::numbers("1 .. 2 .. .5", "1 ..X..  2 ..X..  .5")]
    #[case::exponents("1e-5..x", "1e-5..x")]
    #[case::text(
        r#"'..' .. "\".." .. [[ .. ]] .. [==[ ]] .. ]==]"#,
        r#"'..' ..X..  "\".." ..X..  [[ .. ]] ..X..  [==[ ]] .. ]==]"#
    )]
    #[case::comments("a -- .. \n .. b --[[ .. \n ]] .. c", "a -- .. \n ..X..  b --[[ .. \n ]] ..X..  c")]
    #[case::fields("a.b['c'] .. a[b[1]]", "a.b['c'] ..X..  a[b[1]]")]
    #[case::beyond_ascii("'ä' .. 'ö'", "'ä' ..X..  'ö'")]
    #[case::unfinished("x = 'abc", "x = 'abc")]
    fn rewrites(#[case] script: &str, #[case] expected: &str) {
        assert_eq!(rewrite(script, "X"), expected);
    }
}
