//! Label and field selectors.

use serde_json::Value;

use crate::store::Stored;

/// What a list or watch is limited to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) labels: Vec<LabelRequirement>,
    pub(crate) fields: Vec<FieldRequirement>,
}

/// One requirement on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabelRequirement {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

/// One requirement on a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldRequirement {
    pub(crate) path: String,
    pub(crate) value: String,
    pub(crate) equal: bool,
}

impl Selection {
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Says whether an object is selected.
    pub(crate) fn matches(&self, object: &Stored) -> bool {
        if !self.labels.iter().all(|requirement| requirement.matches(object.label(&requirement.key))) {
            return false;
        }
        // Names need no parsing, other fields do.
        let mut parsed = None;
        self.fields.iter().all(|requirement| {
            let found = match requirement.path.as_str() {
                "metadata.name" => object.name().to_owned(),
                "metadata.namespace" => object.namespace().to_owned(),
                path => field_text(parsed.get_or_insert_with(|| object.value()), path),
            };
            (found == requirement.value) == requirement.equal
        })
    }
}

impl LabelRequirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<i64>().ok();
        let compare = |test: fn(&i64, &i64) -> bool| {
            let (Some(value), Some(limit)) =
                (value.and_then(number), self.values.first().and_then(|v| number(v)))
            else {
                return false;
            };
            test(&value, &limit)
        };
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.iter().any(|v| v == value)),
            Operator::NotIn => value.is_none_or(|value| self.values.iter().all(|v| v != value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan => compare(i64::gt),
            Operator::LessThan => compare(i64::lt),
        }
    }
}

/// Returns a field's value as selectors compare it: missing is empty, booleans and numbers as printed.
fn field_text(object: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(object, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => String::new(),
    }
}

/// Reads a field selector: `path=value,path!=value`.
///
/// # Errors
/// With the message of the real server.
pub(crate) fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, String> {
    let mut requirements = Vec::new();
    for term in split_escaped(text) {
        if term.is_empty() {
            continue;
        }
        let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
            (path, value, false)
        } else if let Some((path, value)) = term.split_once("==") {
            (path, value, true)
        } else if let Some((path, value)) = term.split_once('=') {
            (path, value, true)
        } else {
            return Err(format!("invalid selector: '{text}'; can't understand '{term}'"));
        };
        let value = unescape(value)
            .map_err(|sequence| format!("invalid field selector: invalid escape sequence: {sequence}"))?;
        if path.is_empty() && value.is_empty() {
            continue;
        }
        requirements.push(FieldRequirement { path: path.to_owned(), value, equal });
    }
    Ok(requirements)
}

fn split_escaped(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some(next @ ('\\' | ',' | '=')) => out.push(next),
                Some(next) => return Err(format!("\\{next}")),
                None => return Err("\\".to_owned()),
            }
        } else {
            out.push(character);
        }
    }
    Ok(out)
}

/// Reads a label selector.
///
/// # Errors
/// With the message of the real server.
pub(crate) fn parse_labels(text: &str) -> Result<Vec<LabelRequirement>, String> {
    Parser { tokens: tokens(text), position: 0 }.selector()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
}

const SYMBOLS: [&str; 10] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<", "\0"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            rest = rest[symbol.len()..].trim_start();
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=!(),><".contains(c)).unwrap_or(rest.len());
        tokens.push(Token::Word(rest[..end].to_owned()));
        rest = rest[end..].trim_start();
    }
    tokens
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn literal(token: Option<&Token>) -> String {
        match token {
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Symbol(symbol)) => (*symbol).to_owned(),
            None => String::new(),
        }
    }

    fn selector(mut self) -> Result<Vec<LabelRequirement>, String> {
        let mut requirements: Vec<LabelRequirement> = Vec::new();
        if self.tokens.is_empty() {
            return Ok(requirements);
        }
        loop {
            match self.peek() {
                Some(Token::Word(_)) => {}
                Some(Token::Symbol("!")) => {}
                other => {
                    let found = Self::literal(other);
                    return Err(format!("found '{found}', expected: !, identifier, or 'end of string'"));
                }
            }
            requirements
                .push(self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?);
            match self.next() {
                None => break,
                Some(Token::Symbol(",")) => match self.peek() {
                    Some(Token::Word(_) | Token::Symbol("!")) => {}
                    other => {
                        return Err(format!(
                            "found '{}', expected: identifier after ','",
                            Self::literal(other)
                        ));
                    }
                },
                other => {
                    let found = Self::literal(other.as_ref());
                    return Err(format!("found '{found}', expected: ',' or 'end of string'"));
                }
            }
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<LabelRequirement, String> {
        let mut operator = None;
        if self.is("!") {
            self.next();
            operator = Some(Operator::DoesNotExist);
        }
        let key = match self.next() {
            Some(Token::Word(word)) => word,
            other => return Err(format!("found '{}', expected: identifier", Self::literal(other.as_ref()))),
        };
        check_key(&key)?;
        let at_end = self.peek().is_none() || self.is(",");
        if operator == Some(Operator::DoesNotExist) || at_end {
            let operator = operator.unwrap_or(Operator::Exists);
            return Ok(LabelRequirement { key, operator, values: Vec::new() });
        }
        let token = self.next();
        let operator = match &token {
            Some(Token::Symbol("=" | "==")) => Operator::In,
            Some(Token::Symbol("!=")) => Operator::NotIn,
            Some(Token::Symbol(">")) => Operator::GreaterThan,
            Some(Token::Symbol("<")) => Operator::LessThan,
            Some(Token::Word(word)) if word == "in" => return self.set(key, Operator::In),
            Some(Token::Word(word)) if word == "notin" => return self.set(key, Operator::NotIn),
            other => {
                let found = Self::literal(other.as_ref());
                return Err(format!("found '{found}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        };
        let value = match self.peek() {
            None | Some(Token::Symbol(",")) => String::new(),
            Some(Token::Word(_)) => Self::literal(self.next().as_ref()),
            other => return Err(format!("found '{}', expected: identifier", Self::literal(other))),
        };
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
            return Err(format!(
                "values[0][{key}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            ));
        }
        check_value(&key, 0, &value)?;
        Ok(LabelRequirement { key, operator, values: vec![value] })
    }

    fn set(&mut self, key: String, operator: Operator) -> Result<LabelRequirement, String> {
        let open = self.next();
        if open != Some(Token::Symbol("(")) {
            return Err(format!("found '{}' expected: '('", Self::literal(open.as_ref())));
        }
        let mut values = Vec::new();
        // Two commas, or a comma at an end, stand for the empty value.
        let mut expect_value = true;
        loop {
            match self.next() {
                Some(Token::Word(word)) => {
                    values.push(word);
                    expect_value = false;
                    if !self.is(",") && !self.is(")") {
                        let found = Self::literal(self.peek());
                        return Err(format!("found '{found}', expected: ',' or ')'"));
                    }
                }
                Some(Token::Symbol(",")) => {
                    if expect_value {
                        values.push(String::new());
                    }
                    expect_value = true;
                }
                Some(Token::Symbol(")")) => {
                    if expect_value {
                        values.push(String::new());
                    }
                    break;
                }
                other => {
                    let found = Self::literal(other.as_ref());
                    return Err(format!("found '{found}', expected: ',', ')' or identifier"));
                }
            }
        }
        values.sort();
        values.dedup();
        for (index, value) in values.iter().enumerate() {
            check_value(&key, index, value)?;
        }
        Ok(LabelRequirement { key, operator, values })
    }
}

const NAME_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn check_key(key: &str) -> Result<(), String> {
    let invalid = |why: String| Err(format!("key: Invalid value: \"{key}\": {why}"));
    let name = match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] => *name,
        ["", _] => return invalid("prefix part must be non-empty".to_owned()),
        [_, name] => *name,
        _ => {
            return invalid(format!(
                "a valid label key {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
        }
    };
    if name.is_empty() {
        return invalid("name part must be non-empty".to_owned());
    }
    if name.len() > 63 {
        return invalid("name part must be no more than 63 bytes".to_owned());
    }
    if !is_label_text(name) {
        return invalid(format!(
            "name part {NAME_RULE} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ));
    }
    Ok(())
}

fn check_value(key: &str, index: usize, value: &str) -> Result<(), String> {
    let invalid = |why: &str| Err(format!("values[{index}][{key}]: Invalid value: \"{value}\": {why}"));
    if value.len() > 63 {
        return invalid("must be no more than 63 bytes");
    }
    if !value.is_empty() && !is_label_text(value) {
        return invalid(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
        );
    }
    Ok(())
}

fn is_label_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        parse_labels(selector).unwrap().iter().all(|requirement| {
            requirement.matches(labels.iter().find(|(k, _)| *k == requirement.key).map(|(_, v)| *v))
        })
    }

    #[rstest]
    #[case("app=web", true)]
    #[case(" app = web ", true)]
    #[case("app==web,tier", true)]
    #[case("app!=web", false)]
    #[case("!app", false)]
    #[case("none!=x", true)]
    #[case("!none", true)]
    #[case("app in (web,db)", true)]
    #[case("app in (,db)", false)]
    #[case("app notin (db)", true)]
    #[case("n>2", true)]
    #[case("n<2", false)]
    #[case("env=", false)]
    fn label_selectors_select(#[case] selector: &str, #[case] expected: bool) {
        assert_eq!(selects(selector, &[("app", "web"), ("tier", "a"), ("n", "3")]), expected);
    }

    #[rstest]
    #[case("app=web,", "found '', expected: identifier after ','")]
    #[case("a in", "unable to parse requirement: found '' expected: '('")]
    fn label_selector_errors_read_as_the_real_servers(#[case] selector: &str, #[case] message: &str) {
        assert_eq!(parse_labels(selector).unwrap_err(), message);
    }

    #[test]
    fn field_selectors_compare_text() {
        let requirements = parse_fields("a.b=1,a.c!=x,").unwrap();
        let object = json!({"a": {"b": 1}});
        assert_eq!(requirements.len(), 2);
        assert_eq!(field_text(&object, "a.b"), "1");
        assert_eq!(field_text(&object, "a.c"), "");
        assert!(parse_fields("metadata.name").is_err());
        assert!(parse_fields("=").unwrap().is_empty());
    }
}
