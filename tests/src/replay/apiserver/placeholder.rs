//! Placeholders of the transcripts: what they stand for and what they are bound to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Placeholders that are bound at first sight, with a number after the name.
const BOUND: [&str; 9] = ["UID", "NAME", "IP", "PORT", "CONT", "JWT", "ETAG", "LRV", "RV"];
/// Placeholders that stand for anything of their kind. Longer names first.
const FREE: [&str; 21] = [
    "WEBHOOK_URL",
    "WEBHOOK_HOST",
    "WEBHOOK_CA",
    "MICROTIME",
    "TIME",
    "AGE",
    "HEX",
    "B64TOKEN",
    "B64CA",
    "HASH",
    "VERSION",
    "COMMIT",
    "TMPFILE",
    "PROXY",
    "KLOG",
    "SERVER",
    "KID",
    "INT",
    "LRV",
    "CONVERTED",
    "ANY",
];

/// A piece of a text that may hold placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(String),
    /// A placeholder: its name without the number, and the whole of it.
    Placeholder {
        kind: &'static str,
        name: String,
    },
}

/// What the placeholders of a scenario are bound to.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    values: BTreeMap<String, String>,
}

impl Bindings {
    /// Returns what a placeholder is bound to.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Binds a placeholder; false when another of its kind has the value already.
    pub fn bind(&mut self, kind: &str, name: &str, value: &str) -> bool {
        let must_differ = matches!(kind, "UID" | "NAME" | "RV");
        let taken = |(other, bound): (&String, &String)| {
            bound == value
                && other != name
                && other.strip_prefix('$').is_some_and(|other| is_numbered(other, kind))
        };
        if must_differ && self.values.iter().any(taken) {
            return false;
        }
        self.values.insert(name.to_owned(), value.to_owned());
        true
    }

    /// Replaces placeholders in a value that is about to be sent.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let pieces = split(text);
                if let [Piece::Placeholder { kind: "PORT", name }] = pieces.as_slice()
                    && let Some(port) = self.value(name).and_then(|port| port.parse::<u32>().ok())
                {
                    return Value::from(port);
                }
                Value::String(self.fill_text(text))
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill(item)).collect()),
            Value::Object(fields) => {
                let filled = fields.iter().map(|(key, value)| (self.fill_text(key), self.fill(value)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    /// Replaces placeholders in a text that is about to be sent.
    pub fn fill_text(&self, text: &str) -> String {
        let pieces = split(text).into_iter().map(|piece| match piece {
            Piece::Literal(text) => text,
            Piece::Placeholder { kind: "TIME", .. } => {
                Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
            }
            Piece::Placeholder { kind: "MICROTIME", .. } => {
                Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
            Piece::Placeholder { name, .. } => self.value(&name).map(str::to_owned).unwrap_or(name),
        });
        pieces.collect()
    }

    /// Returns the placeholders that are bound here and were not in `before`.
    pub fn new_since(&self, before: &Self) -> Vec<String> {
        self.values.keys().filter(|name| !before.values.contains_key(*name)).cloned().collect()
    }

    /// Checks that the bound placeholders of `order` ascend; two that are both `unordered` may stand either way.
    ///
    /// # Errors
    /// The first pair that does not ascend.
    pub fn check_order(&self, order: &[Value], unordered: &BTreeSet<String>) -> Result<(), String> {
        let bound = order.iter().filter_map(Value::as_str).filter_map(|name| {
            let number: u64 = self.value(name)?.parse().ok()?;
            Some((name, number))
        });
        let bound: Vec<(&str, u64)> = bound.collect();
        for (index, (first, low)) in bound.iter().enumerate() {
            let is_free = |name: &str| unordered.contains(*first) && unordered.contains(name);
            let later = bound.iter().skip(index + 1).find(|(name, high)| low >= high && !is_free(name));
            if let Some((name, high)) = later {
                return Err(format!("{first} = {low} is not below {name} = {high}"));
            }
        }
        Ok(())
    }
}

/// Splits a text into literals and placeholders.
pub fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        let (before, from) = rest.split_at(start);
        literal.push_str(before);
        if let Some((kind, length)) = placeholder_at(&from[1..]) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Placeholder { kind, name: from[..=length].to_owned() });
            rest = &from[length + 1..];
        } else {
            literal.push('$');
            rest = &from[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

fn placeholder_at(text: &str) -> Option<(&'static str, usize)> {
    for kind in BOUND {
        let Some(rest) = text.strip_prefix(kind) else { continue };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            return Some((kind, kind.len() + digits));
        }
    }
    FREE.into_iter().find(|kind| text.starts_with(kind)).map(|kind| (kind, kind.len()))
}

fn is_numbered(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Matches a text against a pattern and binds what is seen for the first time.
pub fn match_text(pattern: &str, text: &str, bindings: &mut Bindings) -> bool {
    let pieces = split(pattern);
    let mut seen = Vec::new();
    if !match_pieces(&pieces, text, bindings, &mut seen) {
        return false;
    }
    seen.into_iter().all(|(kind, name, value)| bindings.bind(kind, &name, &value))
}

type Seen = Vec<(&'static str, String, String)>;

fn match_pieces(pieces: &[Piece], text: &str, bindings: &Bindings, seen: &mut Seen) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    let (kind, name) = match first {
        Piece::Literal(literal) => {
            return text
                .strip_prefix(literal.as_str())
                .is_some_and(|text| match_pieces(rest, text, bindings, seen));
        }
        Piece::Placeholder { kind, name } => (*kind, name),
    };
    let now = seen.iter().find(|(_, seen, _)| seen == name).map(|(_, _, value)| value.clone());
    // The revision of a list may move on between two answers.
    let known = now.or_else(|| bindings.value(name).filter(|_| kind != "LRV").map(str::to_owned));
    if let Some(known) = known {
        return text
            .strip_prefix(known.as_str())
            .is_some_and(|text| match_pieces(rest, text, bindings, seen));
    }
    let ends = text.char_indices().map(|(index, _)| index).chain([text.len()]);
    let ends: Vec<usize> = ends.take_while(|end| could_grow(kind, &text[..*end])).collect();
    for end in ends.into_iter().rev().filter(|end| fits(kind, &text[..*end])) {
        let length = seen.len();
        let is_bound = name.len() > kind.len() + 1;
        if is_bound {
            seen.push((kind, name.clone(), text[..end].to_owned()));
        }
        if match_pieces(rest, &text[end..], bindings, seen) {
            return true;
        }
        seen.truncate(length);
    }
    false
}

/// Returns whether `text` could be the beginning of a value of this kind.
fn could_grow(kind: &str, text: &str) -> bool {
    let all = |allowed: fn(char) -> bool| text.chars().all(allowed);
    match kind {
        "UID" | "HEX" => all(|c| c.is_ascii_hexdigit() || c == '-'),
        "NAME" => all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.'),
        "IP" => all(|c| c.is_ascii_hexdigit() || c == '.' || c == ':'),
        "PORT" | "RV" | "LRV" | "INT" => all(|c| c.is_ascii_digit()),
        "CONT" => all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=')),
        "JWT" => all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
        "TIME" | "MICROTIME" => all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | 'T' | 'Z' | '.' | '+')),
        "AGE" => all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '<' | '>')),
        _ => true,
    }
}

/// Returns whether `text` is a value of this kind.
fn fits(kind: &str, text: &str) -> bool {
    match kind {
        "UID" => text.len() == 36,
        "TIME" => text.len() == 20 && text.parse::<Timestamp>().is_ok(),
        "MICROTIME" => text.contains('.') && text.parse::<Timestamp>().is_ok(),
        "LRV" | "PROXY" | "KLOG" => true,
        _ => !text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_at_first_sight_and_compares_afterwards() {
        let mut bindings = Bindings::default();
        let uid = "0b1c2d3e-0100-4a5b-8c6d-000000490889";
        assert!(match_text(
            "k:{\"uid\":\"$UID1\"} at $TIME",
            &format!("k:{{\"uid\":\"{uid}\"}} at 2024-01-01T00:00:00Z"),
            &mut bindings
        ));
        assert_eq!(bindings.value("$UID1"), Some(uid));
        assert!(match_text("$UID1", uid, &mut bindings));
        assert!(!match_text("$UID2", uid, &mut bindings), "different numbers are different values");
        assert!(match_text("$LRV1", "5", &mut bindings) && match_text("$LRV1", "6", &mut bindings));
        assert_eq!(bindings.value("$LRV1"), Some("6"));
        assert!(match_text("x-$NAME1", "x-abc12", &mut bindings));
        assert_eq!(bindings.fill_text("/$NAME1/$deleteFrom/$UID1"), format!("/abc12/$deleteFrom/{uid}"));
    }

    #[test]
    fn backtracks_over_neighbouring_placeholders() {
        let mut bindings = Bindings::default();
        assert!(match_text("rv $RV1$AGE", "rv 125s", &mut bindings));
        assert!(match_text("kubectl/$VERSION (linux) $COMMIT.", "kubectl/v1.32 (linux) abc.", &mut bindings));
        assert!(!match_text("$TIME", "yesterday", &mut bindings));
    }

    #[test]
    fn checks_the_order_of_revisions() {
        let mut bindings = Bindings::default();
        bindings.bind("RV", "$RV1", "9");
        bindings.bind("RV", "$RV3", "10");
        let order = [Value::from("$RV1"), Value::from("$RV2"), Value::from("$RV3")];
        assert_eq!(bindings.check_order(&order, &BTreeSet::new()), Ok(()));
        bindings.bind("RV", "$RV2", "11");
        assert!(bindings.check_order(&order, &BTreeSet::new()).unwrap_err().contains("$RV2 = 11"));
        let polled = BTreeSet::from(["$RV2".to_owned(), "$RV3".to_owned()]);
        assert_eq!(bindings.check_order(&order, &polled), Ok(()));
    }
}
