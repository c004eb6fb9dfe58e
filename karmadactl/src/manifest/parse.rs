//! One document, parsed: JSON as JSON, everything else as YAML.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::NonFiniteFloatPolicy;

use super::node::{Location, Node};

/// How deep lists and objects may be nested, in YAML and in JSON.
pub const MAX_DEPTH: usize = 128;
/// Most values of one document.
const MAX_NODES: usize = 4_000_000;
/// Most values that aliases may stand for in one document.
const MAX_ALIASED_EVENTS: usize = 100_000;

/// A document that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// In the document, not in the file.
    pub location: Option<Location>,
    pub message: String,
    pub hint: Option<&'static str>,
}

/// Parses a document; JSON may be several values one after the other.
pub(super) fn parse(text: &str) -> Result<Vec<(Range<usize>, Value)>, SyntaxError> {
    let body = text.strip_prefix("---").unwrap_or(text).trim_start();
    if !body.starts_with('{') {
        return Ok(vec![(0..text.len(), parse_yaml(text)?)]);
    }
    match parse_json(text, text.len() - body.len()) {
        Ok(values) => Ok(values),
        // YAML has braces too. Where both refuse, the one that got further knows better.
        Err(json) => match parse_yaml(text) {
            Ok(value) => Ok(vec![(0..text.len(), value)]),
            Err(yaml) => Err(if yaml.location > json.location { yaml } else { json }),
        },
    }
}

/// Parses a value with its places.
///
/// For a text that [`parse`] accepts; the places are those in `text`.
pub(super) fn parse_node(text: &str) -> Option<Node> {
    if let Ok(node) = serde_saphyr::from_str_with_options(text, options()) {
        return Some(node);
    }
    // JSON may be indented by tabs, and they stand nowhere else than between its parts.
    serde_saphyr::from_str_with_options(&text.replace('\t', " "), options()).ok()
}

fn options() -> serde_saphyr::Options {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget.max_nodes = MAX_NODES;
    budget.max_events = 3 * MAX_NODES;
    let mut options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        budget: Some(budget),
    };
    options.alias_limits.max_total_replayed_events = MAX_ALIASED_EVENTS;
    options
}

fn parse_yaml(text: &str) -> Result<Value, SyntaxError> {
    serde_saphyr::from_str_with_options(text, options()).map(|Strict(value)| value).map_err(|error| {
        let location = error.location().map(Location::from).filter(|location| location.line > 0);
        let (message, hint) = explain(&error);
        SyntaxError { location, message, hint }
    })
}

/// Parses the JSON values that start at an offset.
fn parse_json(text: &str, offset: usize) -> Result<Vec<(Range<usize>, Value)>, SyntaxError> {
    let mut stream = serde_json::Deserializer::from_str(&text[offset..]).into_iter::<Strict>();
    let mut values = Vec::new();
    loop {
        let start = offset + stream.byte_offset();
        match stream.next() {
            Some(Ok(Strict(value))) => {
                let blanks = text[start..].len() - text[start..].trim_start().len();
                values.push((start + blanks..offset + stream.byte_offset(), value));
            }
            Some(Err(error)) => {
                let text = error.to_string();
                let message = text.split(" at line ").next().unwrap_or(&text);
                // Places in later values of a stream count from the first one, too.
                let above = &text[..offset];
                let lines = above.matches('\n').count();
                let indent = if error.line() == 1 {
                    above.len() - above.rfind('\n').map_or(0, |end| end + 1)
                } else {
                    0
                };
                let location = Location {
                    line: (error.line() + lines) as u64,
                    column: (error.column() + indent).max(1) as u64,
                };
                let message = match message {
                    "recursion limit exceeded" => format!("it is nested deeper than {MAX_DEPTH} levels"),
                    twice if twice.starts_with("the key ") => twice.to_owned(),
                    other => format!("this is not valid JSON: {other}"),
                };
                return Err(SyntaxError { location: Some(location), message, hint: None });
            }
            None => return Ok(values),
        }
    }
}

/// Words a parser's error: without the place, which stands before it, and with our limits named.
fn explain(error: &serde_saphyr::Error) -> (String, Option<&'static str>) {
    use serde_saphyr::Error as Yaml;

    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let plain = text.split(" at line ").next().unwrap_or(text).to_owned();
    let aliases = || {
        let message = format!("its aliases stand for more than {MAX_ALIASED_EVENTS} values");
        (message, Some("write the values out"))
    };
    match error.without_snippet() {
        Yaml::Budget { .. } if text.to_lowercase().contains("depth") => {
            (format!("it is nested deeper than {MAX_DEPTH} levels"), None)
        }
        _ if text.starts_with("recursion limit exceeded") => {
            (format!("it is nested deeper than {MAX_DEPTH} levels"), None)
        }
        Yaml::Budget { .. } if text.to_lowercase().contains("alias") => aliases(),
        Yaml::Budget { .. } => {
            (format!("the document is too large: {plain}"), Some("split it into documents"))
        }
        _ if text.starts_with("alias replay") || text.starts_with("alias expansion") => aliases(),
        Yaml::DuplicateMappingKey { key: Some(key), .. } => (format!("the key {key} is there twice"), None),
        Yaml::NonFiniteFloat { .. } => ("infinity and not-a-number are no numbers of JSON".to_owned(), None),
        Yaml::NullIntoString { .. } => ("a key must be a text, not null".to_owned(), None),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an anchor contains an alias to itself".to_owned(), None)
        }
        _ => (plain, None),
    }
}

/// A value of which every key is there once.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("infinity and not-a-number are no numbers of JSON"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key} is there twice")));
            }
            let Strict(value) = entries.next_value()?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::printer::{DocumentFormat, render_document};

    fn values(text: &str) -> Vec<Value> {
        parse(text).unwrap().into_iter().map(|(_, value)| value).collect()
    }

    fn error(text: &str) -> String {
        let error = parse(text).unwrap_err();
        let place = error.location.map(|location| location.to_string()).unwrap_or_default();
        format!("{place} {}", error.message)
    }

    #[test]
    fn yaml_and_json_become_the_same_values() {
        let expected = json!({"a": [1, -2, 1.5, true, null, "x"], "b": {"420": 420}});
        assert_eq!(values("a: [1, -2, 1.5, yes, ~, x]\nb:\n  420: 0644\n"), std::slice::from_ref(&expected));
        assert_eq!(values("{\"a\": [1, -2, 1.5, true, null, \"x\"], \"b\": {\"420\": 420}}"), [expected]);
        assert_eq!(values("{a: b}"), [json!({"a": "b"})]);
        assert_eq!(values("{\"a\": 1}\n{\"b\": 2} "), [json!({"a": 1}), json!({"b": 2})]);
        assert_eq!(values("a: |\r\n  x\r\n  y\r\nb: 1\r\n"), [json!({"a": "x\ny\n", "b": 1})]);
        assert_eq!(
            values("x: &x {a: 1}\ny: *x\nz: {<<: *x, b: 2}"),
            [json!({"x": {"a": 1}, "y": {"a": 1}, "z": {"a": 1, "b": 2}})]
        );
    }

    #[test]
    fn broken_documents_are_refused_with_their_place() {
        assert_eq!(error("a: 1\na: 2\n"), "2:1 the key a is there twice");
        assert_eq!(error("{\"a\": 1,\n \"a\": 2}"), "2:4 the key a is there twice");
        assert_eq!(
            error("--- # x\n {\"a\": 1,\n \"b\" 1}"),
            "3:6 invalid trailing content after double-quoted scalar"
        );
        assert_eq!(error("a: *b\n"), "1:4 alias references unknown anchor");
        assert_eq!(error("a: .inf\n"), "1:4 infinity and not-a-number are no numbers of JSON");
        assert_eq!(error("a:\n\tb: 1\n"), "2:2 tabs disallowed within this context (block indentation)");
        assert_eq!(error("a: b: c\n"), "1:5 mapping values are not allowed in this context");
        assert_eq!(error("a: [1, 2\n"), "1:4 unclosed bracket '['");
        assert_eq!(error("~: w\n"), "1:1 a key must be a text, not null");
        assert_eq!(error("? [a]\n: b\n"), "1:3 expected string scalar");
    }

    /// Runs on the stack that the reader gives its threads.
    fn deep(text: String) -> String {
        std::thread::Builder::new().stack_size(16 << 20).spawn(move || error(&text)).unwrap().join().unwrap()
    }

    #[test]
    fn hostile_documents_end_in_an_error_soon() {
        let nested = |open: &str, close: &str, count: usize| {
            format!("a: {}{}", open.repeat(count), close.repeat(count))
        };
        let too_deep = "it is nested deeper than 128 levels";
        assert_eq!(deep(nested("[", "]", 100_000)), format!("1:259 {too_deep}"));
        assert_eq!(deep("- ".repeat(100_000)), format!("1:257 {too_deep}"));
        assert_eq!(deep("- ".repeat(129)), format!("1:257 {too_deep}"));
        assert_eq!(deep(format!("{{\"a\": {}", "[".repeat(100_000))), format!("1:261 {too_deep}"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        assert_eq!(deep(bomb), "6:10 its aliases stand for more than 100000 values");
        assert_eq!(deep("a: &a [*a]\n".to_owned()), "1:8 an anchor contains an alias to itself");
    }

    /// Any JSON value of a few levels, with texts that look like other things.
    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z0-9 .:#'\"\\\\\\-\\n\\té~]{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "yes", "null", "0644", "1e3", "---", "~", "*a", "&a", "- x", "a: b", "{", "!x"
            ])
            .prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z0-9./_-]{1,8}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_value()) {
            // A document is an object, which also keeps JSON from being taken for YAML.
            let object = json!({"value": value});
            let yaml = render_document(&object, DocumentFormat::Yaml).unwrap();
            prop_assert_eq!(values(&yaml), vec![object.clone()], "{}", yaml);
            let json = render_document(&object, DocumentFormat::Json).unwrap();
            prop_assert_eq!(values(&json), vec![object.clone()], "{}", json);
            prop_assert_eq!(parse_node(&json).map(|node| node.to_json()), Some(object), "{}", json);
        }

        #[test]
        fn no_text_ends_in_a_panic(text in "([a-c]|[-:#{}\\[\\],&*!|>'\"%@`?\n\t ]|---\n|\\PC){0,60}") {
            if let Ok(values) = parse(&text) {
                for (range, _) in values {
                    prop_assert!(text.get(range).is_some());
                }
            }
            let _node = parse_node(&text);
        }
    }

    #[test]
    fn places_are_found_in_json_with_tabs() {
        let node = parse_node("{\n\t\"a\": {\n\t\t\"b\": 1}}").unwrap();
        assert_eq!(node.locate("a.b").to_string(), "3:8");
    }
}
