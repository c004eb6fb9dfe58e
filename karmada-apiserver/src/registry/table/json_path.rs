//! The part of JSONPath that printer columns and selectable fields use.

use serde_json::Value;

/// A parsed path such as `.status.conditions[?(@.type=="Ready")].status`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    All,
    /// Everything below, at any depth.
    Descend,
    Filter(Filter),
}

#[derive(Clone, Debug, PartialEq)]
struct Filter {
    path: JsonPath,
    /// Absent: the path has to exist.
    comparison: Option<(Operator, Value)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses a path; `None` for what is not understood.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let mut rest = text.strip_prefix(['$', '@']).unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            rest = if let Some(tail) = rest.strip_prefix('[') {
                let end = closing(tail)?;
                steps.push(bracket(&tail[..end])?);
                &tail[end + 1..]
            } else if let Some(tail) = rest.strip_prefix("..") {
                steps.push(Step::Descend);
                field(tail, &mut steps)?
            } else if let Some(tail) = rest.strip_prefix('.') {
                if tail.starts_with('[') || tail.is_empty() { tail } else { field(tail, &mut steps)? }
            } else if steps.is_empty() {
                field(rest, &mut steps)?
            } else {
                return None;
            };
        }
        Some(Self(steps))
    }

    /// Returns the values that the path finds.
    pub(crate) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.apply(value)).collect();
        }
        found
    }
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let Some(items) = value.as_array() else { return Vec::new() };
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let index = if *index < 0 { length + index } else { *index };
                usize::try_from(index).ok().and_then(|index| items.get(index)).into_iter().collect()
            }
            Self::All => children(value),
            Self::Descend => {
                let mut all = vec![value];
                let mut next = 0;
                while next < all.len() {
                    let below = children(all[next]);
                    all.extend(below);
                    next += 1;
                }
                all
            }
            Self::Filter(filter) => children(value).into_iter().filter(|item| filter.accepts(item)).collect(),
        }
    }
}

impl Filter {
    fn accepts(&self, value: &Value) -> bool {
        let found = self.path.find(value);
        let Some((operator, wanted)) = &self.comparison else { return !found.is_empty() };
        let Some(found) = found.first() else { return false };
        let order = match (found, wanted) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => None,
        };
        match operator {
            Operator::Equal => *found == wanted || order.is_some_and(std::cmp::Ordering::is_eq),
            Operator::NotEqual => *found != wanted && !order.is_some_and(std::cmp::Ordering::is_eq),
            Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Operator::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
            Operator::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
            Operator::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// Reads a field name; a backslash takes the next character as it is. Returns what follows.
fn field<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            '.' | '[' => {
                push_name(name, steps)?;
                return Some(&text[index..]);
            }
            letter => name.push(letter),
        }
    }
    push_name(name, steps)?;
    Some("")
}

fn push_name(name: String, steps: &mut Vec<Step>) -> Option<()> {
    if name.is_empty() {
        return None;
    }
    steps.push(if name == "*" { Step::All } else { Step::Field(name) });
    Some(())
}

/// Returns where the bracket that is open at the start closes; quoted brackets do not count.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    for (index, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(index),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(text: &str) -> Option<Step> {
    let text = text.trim();
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(name) = quoted(text) {
        return Some(Step::Field(name));
    }
    if let Some(expression) = text.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        return filter(expression).map(Step::Filter);
    }
    text.parse().ok().map(Step::Index)
}

fn filter(text: &str) -> Option<Filter> {
    const OPERATORS: [(&str, Operator); 6] = [
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let first = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, *sign, *operator)));
    // At the same place the longer sign wins: it is listed first.
    let Some((index, sign, operator)) = first.min_by_key(|(index, _, _)| *index) else {
        return Some(Filter { path: JsonPath::parse(text)?, comparison: None });
    };
    let (path, value) = (&text[..index], text[index + sign.len()..].trim());
    let value = match quoted(value) {
        Some(text) => Value::from(text),
        None => serde_json::from_str(value).ok()?,
    };
    Some(Filter { path: JsonPath::parse(path)?, comparison: Some((operator, value)) })
}

fn quoted(text: &str) -> Option<String> {
    let inner = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    Some(inner('\'').or_else(|| inner('"'))?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(path: &str, expected: Value) {
        let object = json!({
            "spec": {"l": [{"k": "p", "v": 1}, {"k": "q", "v": 2}], "a.b": "dot", "replicas": 3},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]},
        });
        let found =
            JsonPath::parse(path).map(|path| path.find(&object).into_iter().cloned().collect::<Vec<_>>());
        assert_eq!(found.map(Value::from), Some(expected), "{path}");
    }

    #[test]
    fn finds_fields_items_and_filtered_items() {
        check(".spec.replicas", json!([3]));
        check("{.spec.replicas}", json!([3]));
        check(".spec.l[*].k", json!(["p", "q"]));
        check(".spec.l[0].v", json!([1]));
        check(".spec.l[-1].v", json!([2]));
        check(".status.conditions[?(@.type==\"Ready\")].status", json!(["True"]));
        check(".status.conditions[?(@.type=='Synced')].status", json!(["False"]));
        check(".spec.l[?(@.v>1)].k", json!(["q"]));
        check(".spec['a.b']", json!(["dot"]));
        check(".spec.a\\.b", json!(["dot"]));
        check(
            "..status",
            json!([{"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]}, "True", "False"]),
        );
        check(".none.at.all", json!([]));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for path in [".a[", ".a[x]", ".a[?(@.b==)]"] {
            assert_eq!(JsonPath::parse(path), None, "{path}");
        }
    }
}
