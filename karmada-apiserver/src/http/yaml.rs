//! Writing YAML in the form that Go's encoder gives it.

use serde_json::Value;

/// Texts that a YAML 1.1 reader takes for something else.
const RESERVED: [&str; 27] = [
    "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
    "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N",
];
/// Column at which long texts are folded.
const WIDTH: usize = 80;

/// Returns a value as a YAML document.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => write_map(&mut out, value, 0, Indent::Now),
        Value::Array(items) if !items.is_empty() => write_list(&mut out, value, 0),
        _ => {
            write_scalar(&mut out, value, 0, 0);
            out.push('\n');
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Indent {
    Now,
    /// The first line goes on after `- `.
    AfterDash,
}

fn write_map(out: &mut String, value: &Value, depth: usize, indent: Indent) {
    for (index, (key, value)) in value.as_object().into_iter().flatten().enumerate() {
        if index > 0 || indent == Indent::Now {
            out.push_str(&" ".repeat(depth));
        }
        let key = scalar_text(key, depth + 2, depth);
        out.push_str(&key);
        out.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push('\n');
                write_map(out, value, depth + 2, Indent::Now);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                write_list(out, value, depth);
            }
            _ => {
                out.push(' ');
                write_scalar(out, value, depth + 2, depth + key.chars().count() + 2);
                out.push('\n');
            }
        }
    }
}

fn write_list(out: &mut String, value: &Value, depth: usize) {
    for item in value.as_array().into_iter().flatten() {
        out.push_str(&" ".repeat(depth));
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(out, item, depth + 2, Indent::AfterDash),
            Value::Array(items) if !items.is_empty() => {
                let mut nested = String::new();
                write_list(&mut nested, item, depth + 2);
                out.push_str(nested.trim_start_matches(' '));
            }
            _ => {
                write_scalar(out, item, depth + 2, depth + 2);
                out.push('\n');
            }
        }
    }
}

fn write_scalar(out: &mut String, value: &Value, indent: usize, column: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&scalar_text(text, indent, column)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn scalar_text(text: &str, indent: usize, column: usize) -> String {
    if text.contains('\n') && text.chars().all(|c| c == '\n' || !c.is_control()) {
        return block_text(text, indent);
    }
    if text.chars().any(|c| c.is_control() || c == '\u{feff}') {
        return double_quoted(text);
    }
    if is_reserved(text) {
        return double_quoted(text);
    }
    if is_plain(text) {
        return fold(text, indent, column);
    }
    fold(&format!("'{}'", text.replace('\'', "''")), indent, column)
}

fn block_text(text: &str, indent: usize) -> String {
    let chomp = if !text.ends_with('\n') {
        "-"
    } else if text.ends_with("\n\n") || text == "\n" {
        "+"
    } else {
        ""
    };
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let mut out = format!("|{hint}{chomp}");
    let body = text.strip_suffix('\n').unwrap_or(text);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&" ".repeat(indent));
            out.push_str(line);
        }
    }
    out
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 0x100 => {
                let code = u8::try_from(u32::from(c)).unwrap_or_default();
                out.push_str("\\x");
                out.push_str(&crate::http::hex(&[code]).to_uppercase());
            }
            '\u{feff}' => out.push_str("\\uFEFF"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Breaks a text at spaces where a line gets too long.
fn fold(text: &str, indent: usize, column: usize) -> String {
    if column + text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = column;
    let characters: Vec<char> = text.chars().collect();
    for (index, c) in characters.iter().enumerate() {
        let single_space = *c == ' '
            && index > 0
            && characters.get(index - 1) != Some(&' ')
            && characters.get(index + 1).is_some_and(|next| *next != ' ');
        if single_space && column > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(*c);
            column += 1;
        }
    }
    out
}

/// Says whether a plain text would be read as another type.
fn is_reserved(text: &str) -> bool {
    if RESERVED.contains(&text) || text == "<<" || text == "=" {
        return true;
    }
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let cleaned = number.replace('_', "");
    let digits = !cleaned.is_empty() && cleaned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_float = digits && cleaned.parse::<f64>().is_ok() && !cleaned.contains(['n', 'i']);
    let based = ["0x", "0o", "0b"].iter().any(|prefix| {
        cleaned
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit()))
    });
    let special = matches!(number, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN");
    is_float || based || special || is_sexagesimal(number) || is_time(text)
}

fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && !first.is_empty()
        && first.chars().all(|c| c.is_ascii_digit())
        && rest.iter().all(|part| {
            part.len() <= 2
                && part.parse::<u8>().is_ok_and(|n| n < 60)
                && part.chars().all(|c| c.is_ascii_digit())
        })
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = |index: usize, byte: u8| bytes.get(index) == Some(&byte);
    bytes.len() >= 10
        && shape(4, b'-')
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && (text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok())
}

/// Says whether a text can stand without quotes.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let second = text.chars().nth(1);
    let indicator =
        "&*!|>'\"%@`#{}[],".contains(first) || ("-?:".contains(first) && second.is_none_or(|c| c == ' '));
    !indicator
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.ends_with(':')
        && !text.contains(": ")
        && !text.contains(" #")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_what_gos_encoder_writes() {
        let value = json!({"a": {"b": [1, {"c": "x", "d": []}], "e": {}}, "f": "1\n2\n", "g": "2024-01-02T03:04:05Z",
            "h": "true", "i": "a: b", "j": "", "k": null, "l": "x\n\ny", "m": "0644"});
        let expected = "a:\n  b:\n  - 1\n  - c: x\n    d: []\n  e: {}\nf: |\n  1\n  2\ng: \"2024-01-02T03:04:05Z\"\nh: \"true\"\ni: 'a: b'\nj: \"\"\nk: null\nl: |-\n  x\n\n  y\nm: \"0644\"\n";
        assert_eq!(to_yaml(&value), expected);
    }

    #[test]
    fn long_texts_are_folded() {
        let text = "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
        assert_eq!(
            to_yaml(&json!({"message": text})),
            "message: 'only the following media types are accepted: application/json;stream=watch,\n  application/vnd.kubernetes.protobuf;stream=watch'\n"
        );
    }
}
