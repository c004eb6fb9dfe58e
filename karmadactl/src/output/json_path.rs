//! kubectl's JSONPath templates: `{range .items[*]}{.metadata.name}{"\n"}{end}`.

use serde_json::Value;

use super::scan::{Scanner, text_of};

/// Deepest nesting of `range`; templates are typed by hand.
const DEEPEST: usize = 32;

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    parts: Vec<Part>,
}

/// What a key that is not there means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKeys {
    Ignored,
    Refused,
}

/// A template that cannot be read, or does not fit an object.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JsonPathError {
    #[error("unclosed action in the template")]
    Unclosed,
    #[error("`range` without `end` in the template")]
    RangeWithoutEnd,
    #[error("`end` without `range` in the template")]
    EndWithoutRange,
    #[error("`range` is nested too deeply in the template")]
    TooDeep,
    #[error("unexpected {found:?} in the template")]
    Unexpected { found: String },
    #[error("{text:?} is no path such as .metadata.name")]
    NotAPath { text: String },
    #[error("{name} is not found")]
    Missing { name: String },
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds { index: i64, length: usize },
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Path),
    Range(Path, Vec<Self>),
}

#[derive(Clone, Debug, PartialEq)]
struct Path {
    from_root: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    /// `*`
    All,
    /// `..`: everything below, for the next step.
    Below,
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: Option<i64>,
    },
    Index(i64),
    /// `['a','b']` and `[0,2]`
    Union(Vec<Self>),
    Filter {
        left: Operand,
        comparison: Option<(Comparison, Operand)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Path(Path),
    Value(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Reads a template.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let mut scanner = Scanner::new(text);
        let parts = parse_parts(&mut scanner, 0)?;
        Ok(Self { parts })
    }

    /// Returns the template with the values of an object in it.
    ///
    /// # Errors
    /// When a key or an index is not there and that matters.
    pub fn render(&self, object: &Value, missing: MissingKeys) -> Result<String, JsonPathError> {
        let mut text = String::new();
        render(&self.parts, Scope { root: object, current: object, missing }, &mut text)?;
        Ok(text)
    }

    /// Returns the values that the paths of the template find.
    ///
    /// # Errors
    /// When a key or an index is not there and that matters.
    pub fn find<'a>(&self, object: &'a Value, missing: MissingKeys) -> Result<Vec<&'a Value>, JsonPathError> {
        let scope = Scope { root: object, current: object, missing };
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Path(path) = part {
                found.extend(walk(path, scope)?);
            }
        }
        Ok(found)
    }
}

#[derive(Clone, Copy)]
struct Scope<'a> {
    root: &'a Value,
    current: &'a Value,
    missing: MissingKeys,
}

fn render(parts: &[Part], scope: Scope<'_>, text: &mut String) -> Result<(), JsonPathError> {
    for part in parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Path(path) => {
                let found: Vec<String> = walk(path, scope)?.into_iter().map(text_of).collect();
                text.push_str(&found.join(" "));
            }
            Part::Range(path, body) => {
                for current in walk(path, scope)? {
                    render(body, Scope { current, ..scope }, text)?;
                }
            }
        }
    }
    Ok(())
}

fn walk<'a>(path: &Path, scope: Scope<'a>) -> Result<Vec<&'a Value>, JsonPathError> {
    let mut values = vec![if path.from_root { scope.root } else { scope.current }];
    for step in &path.steps {
        let mut next = Vec::new();
        for value in values {
            apply(step, value, scope, &mut next)?;
        }
        values = next;
    }
    Ok(values)
}

fn apply<'a>(
    step: &Step,
    value: &'a Value,
    scope: Scope<'a>,
    found: &mut Vec<&'a Value>,
) -> Result<(), JsonPathError> {
    match step {
        Step::Field(name) => match value {
            Value::Object(fields) => match fields.get(name) {
                Some(field) => found.push(field),
                None if scope.missing == MissingKeys::Refused => {
                    return Err(JsonPathError::Missing { name: name.clone() });
                }
                None => {}
            },
            _ if scope.missing == MissingKeys::Refused => {
                return Err(JsonPathError::Missing { name: name.clone() });
            }
            _ => {}
        },
        Step::All => match value {
            Value::Array(items) => found.extend(items),
            Value::Object(fields) => found.extend(fields.values()),
            _ => {}
        },
        Step::Below => below(value, found),
        Step::Index(index) => {
            if let Value::Array(items) = value {
                let length = items.len();
                let at = if *index < 0 { index + length as i64 } else { *index };
                match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                    Some(item) => found.push(item),
                    None if scope.missing == MissingKeys::Refused => {
                        return Err(JsonPathError::OutOfBounds { index: *index, length });
                    }
                    None => {}
                }
            }
        }
        Step::Slice { start, end, step } => {
            if let Value::Array(items) = value {
                let length = items.len() as i64;
                let place = |at: i64| if at < 0 { (at + length).max(0) } else { at.min(length) };
                let (start, end) = (place(start.unwrap_or(0)), place(end.unwrap_or(length)));
                let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1).max(1);
                let range = start as usize..(end.max(start)) as usize;
                found.extend(items[range].iter().step_by(step));
            }
        }
        Step::Union(steps) => {
            for step in steps {
                apply(step, value, scope, found)?;
            }
        }
        Step::Filter { left, comparison } => {
            if let Value::Array(items) = value {
                for item in items {
                    if matches(left, comparison.as_ref(), Scope { current: item, ..scope })? {
                        found.push(item);
                    }
                }
            }
        }
    }
    Ok(())
}

/// Collects a value and everything in it.
fn below<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    found.push(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| below(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| below(field, found)),
        _ => {}
    }
}

fn matches(
    left: &Operand,
    comparison: Option<&(Comparison, Operand)>,
    scope: Scope<'_>,
) -> Result<bool, JsonPathError> {
    let scope = Scope { missing: MissingKeys::Ignored, ..scope };
    let values = |operand: &Operand| -> Result<Vec<Value>, JsonPathError> {
        Ok(match operand {
            Operand::Value(value) => vec![value.clone()],
            Operand::Path(path) => walk(path, scope)?.into_iter().cloned().collect(),
        })
    };
    let left = values(left)?;
    let Some((comparison, right)) = comparison else { return Ok(!left.is_empty()) };
    let (left, right) = (left.first().cloned(), values(right)?.first().cloned());
    let (Some(left), Some(right)) = (left, right) else { return Ok(false) };
    let order = match (&left, &right) {
        (Value::Number(left), Value::Number(right)) => {
            left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right))
        }
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => Some(text_of(&left).cmp(&text_of(&right))),
    };
    Ok(order.is_some_and(|order| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }))
}

/// Reads parts until the end of the template, or until the `end` of a range.
fn parse_parts(scanner: &mut Scanner<'_>, depth: usize) -> Result<Vec<Part>, JsonPathError> {
    if depth > DEEPEST {
        return Err(JsonPathError::TooDeep);
    }
    let mut parts = Vec::new();
    loop {
        let literal = scanner.take_while(|letter| letter != '{');
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_owned()));
        }
        if !scanner.take("{") {
            return if depth == 0 { Ok(parts) } else { Err(JsonPathError::RangeWithoutEnd) };
        }
        loop {
            scanner.skip_blanks();
            if scanner.take("}") {
                break;
            }
            if is_word(scanner, "end") {
                scanner.take("end");
                scanner.skip_blanks();
                if !scanner.take("}") {
                    return Err(unexpected(scanner));
                }
                return if depth == 0 { Err(JsonPathError::EndWithoutRange) } else { Ok(parts) };
            }
            if is_word(scanner, "range") {
                scanner.take("range");
                scanner.skip_blanks();
                let path = parse_path(scanner)?;
                scanner.skip_blanks();
                if !scanner.take("}") {
                    return Err(unexpected(scanner));
                }
                parts.push(Part::Range(path, parse_parts(scanner, depth + 1)?));
                break;
            }
            match scanner.peek() {
                Some('"' | '\'') => {
                    parts.push(Part::Text(scanner.take_quoted().ok_or(JsonPathError::Unclosed)?));
                }
                Some('.' | '[' | '$' | '@') => parts.push(Part::Path(parse_path(scanner)?)),
                Some(letter) if letter.is_alphanumeric() || letter == '_' => {
                    return Err(unexpected(scanner));
                }
                Some(_) => return Err(unexpected(scanner)),
                None => return Err(JsonPathError::Unclosed),
            }
        }
    }
}

fn is_word(scanner: &Scanner<'_>, word: &str) -> bool {
    scanner
        .rest()
        .strip_prefix(word)
        .is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_'))
}

fn unexpected(scanner: &Scanner<'_>) -> JsonPathError {
    match scanner.peek() {
        None => JsonPathError::Unclosed,
        Some(_) => JsonPathError::Unexpected { found: scanner.rest().chars().take(20).collect() },
    }
}

fn parse_path(scanner: &mut Scanner<'_>) -> Result<Path, JsonPathError> {
    let from_root = scanner.take("$");
    if !from_root {
        scanner.take("@");
    }
    let mut steps = Vec::new();
    loop {
        if scanner.take("..") {
            steps.push(Step::Below);
            if scanner.take("*") {
                steps.push(Step::All);
            } else if scanner.peek() != Some('[') {
                steps.push(parse_field(scanner)?);
            }
        } else if scanner.take(".") {
            if scanner.take("*") {
                steps.push(Step::All);
            } else if !matches!(scanner.peek(), Some('[')) {
                match parse_field(scanner) {
                    Ok(step) => steps.push(step),
                    // A lone dot is the object itself.
                    Err(_) if steps.is_empty() && matches!(scanner.peek(), None | Some('}' | ' ' | ')')) => {}
                    Err(error) => return Err(error),
                }
            }
        } else if scanner.take("[") {
            steps.push(parse_brackets(scanner)?);
        } else {
            return Ok(Path { from_root, steps });
        }
    }
}

fn parse_field(scanner: &mut Scanner<'_>) -> Result<Step, JsonPathError> {
    let mut name = String::new();
    loop {
        match scanner.peek() {
            Some('\\') => {
                scanner.next();
                name.extend(scanner.next());
            }
            Some(letter) if letter.is_alphanumeric() || matches!(letter, '_' | '-' | '/' | ':' | '~') => {
                name.push(letter);
                scanner.next();
            }
            _ => break,
        }
    }
    if name.is_empty() { Err(unexpected(scanner)) } else { Ok(Step::Field(name)) }
}

fn parse_brackets(scanner: &mut Scanner<'_>) -> Result<Step, JsonPathError> {
    scanner.skip_blanks();
    if scanner.take("?(") {
        let left = parse_operand(scanner)?;
        scanner.skip_blanks();
        let comparisons = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let comparison = comparisons.into_iter().find(|(sign, _)| scanner.take(sign));
        let comparison = match comparison {
            Some((_, comparison)) => Some((comparison, parse_operand(scanner)?)),
            None => None,
        };
        scanner.skip_blanks();
        if !scanner.take(")") || !scanner.take("]") {
            return Err(unexpected(scanner));
        }
        return Ok(Step::Filter { left, comparison });
    }
    let mut steps = Vec::new();
    loop {
        scanner.skip_blanks();
        match scanner.peek() {
            Some('\'' | '"') => {
                steps.push(Step::Field(scanner.take_quoted().ok_or(JsonPathError::Unclosed)?));
            }
            Some('*') => {
                scanner.next();
                steps.push(Step::All);
            }
            _ => steps.push(parse_index(scanner)?),
        }
        scanner.skip_blanks();
        if scanner.take("]") {
            break;
        }
        if !scanner.take(",") {
            return Err(unexpected(scanner));
        }
    }
    Ok(if steps.len() == 1 { steps.swap_remove(0) } else { Step::Union(steps) })
}

/// Reads `1`, `-1`, `1:3`, `:2` and `::2`.
fn parse_index(scanner: &mut Scanner<'_>) -> Result<Step, JsonPathError> {
    let text = scanner.take_while(|letter| letter.is_ascii_digit() || matches!(letter, '-' | ':'));
    let bad = || JsonPathError::Unexpected { found: text.to_owned() };
    if text.is_empty() {
        return Err(unexpected(scanner));
    }
    let numbers: Vec<Option<i64>> = text
        .split(':')
        .map(|number| if number.is_empty() { Ok(None) } else { number.parse().map(Some) })
        .collect::<Result<_, _>>()
        .map_err(|_| bad())?;
    match numbers[..] {
        [Some(index)] => Ok(Step::Index(index)),
        [start, end] => Ok(Step::Slice { start, end, step: None }),
        [start, end, step] => Ok(Step::Slice { start, end, step }),
        _ => Err(bad()),
    }
}

fn parse_operand(scanner: &mut Scanner<'_>) -> Result<Operand, JsonPathError> {
    scanner.skip_blanks();
    match scanner.peek() {
        Some('@' | '$' | '.') => Ok(Operand::Path(parse_path(scanner)?)),
        Some('"' | '\'') => {
            Ok(Operand::Value(Value::String(scanner.take_quoted().ok_or(JsonPathError::Unclosed)?)))
        }
        _ => {
            let text =
                scanner.take_while(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '+'));
            let value = serde_json::from_str(text).ok().filter(|value: &Value| !value.is_object());
            value.map(Operand::Value).ok_or_else(|| unexpected(scanner))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pods() -> Value {
        json!({"kind": "List", "items": [
            {"metadata": {"name": "a", "labels": {"app.io/x": "1"}}, "spec": {"n": 1, "list": [1, 2, 3]}, "status": {"c": [{"type": "Ready", "status": "True"}]}},
            {"metadata": {"name": "b"}, "spec": {"n": 2, "list": [4, 5, 6]}, "status": {"c": [{"type": "Ready", "status": "False"}]}},
        ]})
    }

    fn check(template: &str, expected: &str) {
        let rendered = JsonPath::parse(template).unwrap().render(&pods(), MissingKeys::Ignored);
        assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
    }

    #[test]
    fn templates_print_what_kubectl_prints() {
        check("{.items[*].metadata.name}", "a b");
        check("{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.n}{\"\\n\"}{end}", "a\t1\nb\t2\n");
        check("{.items[?(@.spec.n>1)].metadata.name}", "b");
        check("{.items[?(@.metadata.name==\"a\")].status.c[?(@.type=='Ready')].status}", "True");
        check("{.items[?(@.metadata.labels)].metadata.name}", "a");
        check("{.items[0].metadata.labels.app\\.io/x}", "1");
        check("{.items[0].metadata.labels['app.io/x']}", "1");
        check("{.items[-1:].metadata.name}{.items[0]['metadata','spec'].name}", "ba");
        check(
            "{.items[0].spec.list[0,2]} {.items[0].spec.list[1:]} {.items[1].spec.list[::2]}",
            "1 3 2 3 4 6",
        );
        check("{..name}", "a b");
        check("{$.kind}: {.items[1].spec}", "List: {\"list\":[4,5,6],\"n\":2}");
        check("plain {.nothing.here}", "plain ");
    }

    #[test]
    fn a_missing_key_is_an_error_where_it_matters() {
        let path = JsonPath::parse("{.items[0].nope}").unwrap();
        let error = path.render(&pods(), MissingKeys::Refused).unwrap_err();
        assert_eq!(error.to_string(), "nope is not found");
        let path = JsonPath::parse("{.items[7]}").unwrap();
        assert!(path.render(&pods(), MissingKeys::Refused).is_err());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, error) in [
            ("{.a", JsonPathError::Unclosed),
            ("{range .a[*]}", JsonPathError::RangeWithoutEnd),
            ("{end}", JsonPathError::EndWithoutRange),
            ("{.a[}", JsonPathError::Unexpected { found: "}".into() }),
            ("{a}", JsonPathError::Unexpected { found: "a}".into() }),
        ] {
            assert_eq!(JsonPath::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}.\\[\\]()?@$a-c0-9:,'\" \\\\*-]{0,40}") {
            if let Ok(path) = JsonPath::parse(&text) {
                let _ = path.render(&pods(), MissingKeys::Refused);
            }
        }
    }
}
