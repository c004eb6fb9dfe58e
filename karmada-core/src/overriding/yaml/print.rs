//! Writing of YAML text.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

/// Column after which a text with blanks is folded.
const BEST_WIDTH: usize = 80;

/// Writes a value as one YAML document.
pub fn print(value: &Value) -> String {
    let mut printer = Printer { text: String::new(), column: 0 };
    match value {
        Value::Object(members) if !members.is_empty() => printer.members(members, 0, false),
        Value::Array(elements) if !elements.is_empty() => printer.elements(elements, 0, false),
        other => {
            printer.scalar(other, 0, Position::Value);
            printer.newline();
        }
    }
    printer.text
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Key,
    Value,
}

struct Printer {
    text: String,
    column: usize,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn newline(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }

    fn indent(&mut self, indent: usize) {
        self.push(&" ".repeat(indent));
    }

    /// Writes members; the first one continues the line when `continued`.
    fn members(&mut self, members: &serde_json::Map<String, Value>, indent: usize, continued: bool) {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by(|a, b| natural_order(a.0, b.0));
        for (index, (key, value)) in sorted.into_iter().enumerate() {
            if index > 0 || !continued {
                self.indent(indent);
            }
            self.string(key, indent, Position::Key);
            self.push(":");
            self.member_value(value, indent);
        }
    }

    fn member_value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                self.newline();
                self.members(members, indent + 2, false);
            }
            Value::Array(elements) if !elements.is_empty() => {
                self.newline();
                self.elements(elements, indent, false);
            }
            other => {
                self.push(" ");
                self.scalar(other, indent, Position::Value);
                self.newline();
            }
        }
    }

    /// Writes elements; the first one continues the line when `continued`.
    fn elements(&mut self, elements: &[Value], indent: usize, continued: bool) {
        for (index, element) in elements.iter().enumerate() {
            if index > 0 || !continued {
                self.indent(indent);
            }
            self.push("- ");
            match element {
                Value::Object(members) if !members.is_empty() => self.members(members, indent + 2, true),
                Value::Array(elements) if !elements.is_empty() => self.elements(elements, indent + 2, true),
                other => {
                    self.scalar(other, indent, Position::Value);
                    self.newline();
                }
            }
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize, position: Position) {
        match value {
            Value::Null => self.push("null"),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Number(number) => self.push(&number_text(number)),
            Value::String(string) => self.string(string, indent, position),
            Value::Array(_) => self.push("[]"),
            Value::Object(_) => self.push("{}"),
        }
    }

    fn string(&mut self, string: &str, indent: usize, position: Position) {
        let multiline = string.contains('\n');
        let literal = multiline
            && position == Position::Value
            && !string.chars().any(needs_escape)
            && !string.starts_with(['\n', ' '])
            && !blank_before_break(string);
        if literal {
            self.literal(string, indent);
        } else if multiline || string.chars().any(needs_escape) || reads_as_other_type(string) {
            self.double_quoted(string);
        } else if plain_is_safe(string) {
            self.folded(string, indent, position);
        } else {
            self.push("'");
            self.folded(&string.replace('\'', "''"), indent, position);
            self.push("'");
        }
    }

    fn literal(&mut self, string: &str, indent: usize) {
        let body = string.trim_end_matches('\n');
        let breaks = string.len() - body.len();
        self.push("|");
        match breaks {
            0 => self.push("-"),
            1 => {}
            _ => self.push("+"),
        }
        for line in body.split('\n') {
            self.newline();
            if !line.is_empty() {
                self.indent(indent + 2);
                self.push(line);
            }
        }
        for _ in 1..breaks {
            self.newline();
        }
    }

    /// Writes text, folded at blanks beyond the best width.
    fn folded(&mut self, string: &str, indent: usize, position: Position) {
        let characters: Vec<char> = string.chars().collect();
        let mut after_blank = false;
        for (index, character) in characters.iter().enumerate() {
            let blank = *character == ' ';
            let next_is_blank = characters.get(index + 1).is_none_or(|next| *next == ' ');
            if blank
                && position == Position::Value
                && !after_blank
                && index > 0
                && self.column > BEST_WIDTH
                && !next_is_blank
            {
                self.newline();
                self.indent(indent + 2);
            } else {
                self.text.push(*character);
                self.column += 1;
            }
            after_blank = blank;
        }
    }

    fn double_quoted(&mut self, string: &str) {
        self.push("\"");
        for character in string.chars() {
            match character {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\t' => self.push("\\t"),
                '\0' => self.push("\\0"),
                '\u{7}' => self.push("\\a"),
                '\u{8}' => self.push("\\b"),
                '\u{b}' => self.push("\\v"),
                '\u{c}' => self.push("\\f"),
                '\u{1b}' => self.push("\\e"),
                '\u{85}' => self.push("\\N"),
                '\u{a0}' => self.push("\\_"),
                '\u{2028}' => self.push("\\L"),
                '\u{2029}' => self.push("\\P"),
                other if needs_escape(other) => {
                    let code = u32::from(other);
                    let escaped = match code {
                        0..=0xff => format!("\\x{code:02X}"),
                        0x100..=0xffff => format!("\\u{code:04X}"),
                        _ => format!("\\U{code:08X}"),
                    };
                    self.push(&escaped);
                }
                other => {
                    self.text.push(other);
                    self.column += 1;
                }
            }
        }
        self.push("\"");
    }
}

fn needs_escape(character: char) -> bool {
    !matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        || matches!(character, '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn blank_before_break(string: &str) -> bool {
    string.contains(" \n") || string.ends_with(' ')
}

/// Returns whether a YAML 1.1 reader takes the plain text for something that is no string.
fn reads_as_other_type(string: &str) -> bool {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*",
            r"|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?",
            r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|\.(?:inf|Inf|INF))$"
        ))
        .expect("the pattern is a constant that compiles")
    });
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?$",
        )
        .expect("the pattern is a constant that compiles")
    });
    matches!(
        string,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "y"
            | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | ".nan"
            | ".NaN"
            | ".NAN"
            | "<<"
    ) || NUMBER.is_match(string)
        || DATE.is_match(string)
}

fn plain_is_safe(string: &str) -> bool {
    let mut characters = string.chars().peekable();
    let Some(first) = characters.peek().copied() else { return false };
    let second_is_blank = string.chars().nth(1).is_none_or(|second| second == ' ');
    if string.starts_with(' ')
        || string.ends_with(' ')
        || string.starts_with("---")
        || string.starts_with("...")
    {
        return false;
    }
    match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
            return false;
        }
        '?' | ':' | '-' if second_is_blank => return false,
        _ => {}
    }
    !string.contains(": ") && !string.ends_with(':') && !string.contains(" #")
}

/// Returns a number as Go writes it.
pub(super) fn number_text(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let exponent = if float == 0.0 { 0 } else { float.abs().log10().floor() as i32 };
    if (-4..21).contains(&exponent) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Orders keys as people do: digits by number, letters after other characters.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(start) = left.iter().zip(&right).position(|(x, y)| x != y) else {
        return left.len().cmp(&right.len());
    };
    let (x, y) = (left[start], right[start]);
    let in_number = start > 0 && left[start - 1].is_ascii_digit();
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return if in_number { Ordering::Less } else { Ordering::Greater },
        (false, true) => return if in_number { Ordering::Greater } else { Ordering::Less },
        (false, false) => {}
    }
    let common: String = left[..start].iter().rev().take_while(|c| c.is_ascii_digit()).collect();
    let leading = (x == '0' || y == '0') && common.chars().any(|digit| digit != '0');
    let number = |text: &[char]| {
        let digits = text[start..].iter().take_while(|c| c.is_ascii_digit());
        let (length, value) = digits.fold((0_usize, i128::from(leading)), |(length, value), digit| {
            (
                length + 1,
                value.saturating_mul(10).saturating_add(i128::from(u32::from(*digit) - u32::from('0'))),
            )
        });
        (value, length)
    };
    number(&left).cmp(&number(&right)).then(x.cmp(&y))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::parse;
    use super::*;

    #[test]
    fn writes_block_style_with_list_items_at_the_indent_of_their_key() {
        let value = json!({"list": ["x", true, {"k": "v", "z": []}, ["a", "b"]], "a": {"b": {}}, "n": null});
        assert_eq!(
            print(&value),
            "a:\n  b: {}\nlist:\n- x\n- true\n- k: v\n  z: []\n- - a\n  - b\n\"n\": null\n"
        );
    }

    #[test]
    fn quotes_what_would_be_read_as_something_else() {
        let value = json!({"a": "2", "b": "true", "c": "a: b", "d": "", "e": "1:30", "f": "x\ny\n", "g": "# x", "h": "it's"});
        assert_eq!(
            print(&value),
            "a: \"2\"\nb: \"true\"\nc: 'a: b'\nd: \"\"\ne: \"1:30\"\nf: |\n  x\n  \"y\"\ng: '# x'\nh: it's\n"
                .replace("  \"y\"\n", "  y\n")
        );
    }

    #[test]
    fn sorts_keys_in_natural_order() {
        assert_eq!(natural_order("a2", "a10"), Ordering::Less);
        assert_eq!(natural_order("a-b", "ab"), Ordering::Less);
        assert_eq!(natural_order("a", "ab"), Ordering::Less);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~]{0,12}",
            "[a-z #:\\n'\"-]{0,20}",
            prop::sample::select(vec![
                "yes",
                "0644",
                "1:30",
                "~",
                "",
                "- x",
                "null",
                "1e3",
                ".5",
                "+1",
                "0x1f",
                "2024-01-01"
            ])
            .prop_map(str::to_owned),
            prop::collection::vec("[a-z]{1,9}", 12..20).prop_map(|words| words.join(" ")),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z0-9./ -]{1,6}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_what_it_has_written(value in values()) {
            let text = print(&value);
            let read = parse(&text);
            prop_assert!(read.is_ok(), "{text}");
            prop_assert_eq!(read.unwrap(), value, "{}", text);
        }
    }
}
