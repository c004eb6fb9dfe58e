//! The part of Go's templates that people use on objects: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.
//!
//! Known are fields, variables, `range`, `if`, `with`, `else`, comments, trimming, pipelines and the functions of
//! [`call`]. Definitions of templates, methods and loops that are left early are not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scan::{Scanner, text_of};

/// Deepest nesting of blocks and parentheses; templates are typed by hand.
const DEEPEST: usize = 32;
const NO_VALUE: &str = "<no value>";

/// A template that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct GoTemplate {
    nodes: Vec<Node>,
}

/// A template that cannot be read, or does not fit an object.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GoTemplateError {
    #[error("unclosed action in the template")]
    Unclosed,
    #[error("unexpected {found:?} in the template")]
    Unexpected { found: String },
    #[error("unexpected end of the template: a block is not ended")]
    BlockNotEnded,
    #[error("the template is nested too deeply")]
    TooDeep,
    #[error("function {name:?} not defined")]
    UnknownFunction { name: String },
    #[error("undefined variable {name:?}")]
    UnknownVariable { name: String },
    #[error("range can't iterate over {value}")]
    NotIterable { value: String },
    #[error("error calling {function}: {why}")]
    Call { function: String, why: String },
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Print(Pipeline),
    Range { pipeline: Pipeline, body: Vec<Self>, otherwise: Vec<Self> },
    If { pipeline: Pipeline, body: Vec<Self>, otherwise: Vec<Self> },
    With { pipeline: Pipeline, body: Vec<Self>, otherwise: Vec<Self> },
}

#[derive(Clone, Debug, PartialEq)]
struct Pipeline {
    /// Variables that are set: one, or index and item of a range.
    variables: Vec<String>,
    commands: Vec<Vec<Term>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Fields(Vec<String>),
    Variable(String, Vec<String>),
    Literal(Value),
    Function(String),
    Group(Box<Pipeline>, Vec<String>),
}

/// One thing between `{{` and `}}`.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Action(String),
}

/// What ends a list of nodes.
#[derive(Clone, Debug, PartialEq)]
enum Ending {
    Template,
    End,
    Else(Option<String>),
}

impl GoTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// When it makes no sense or needs more than is known here.
    pub fn parse(text: &str) -> Result<Self, GoTemplateError> {
        let tokens = tokens(text)?;
        let mut tokens = tokens.iter();
        match parse_nodes(&mut tokens, 0)? {
            (nodes, Ending::Template) => Ok(Self { nodes }),
            (_, Ending::End) => Err(GoTemplateError::Unexpected { found: "end".to_owned() }),
            (_, Ending::Else(_)) => Err(GoTemplateError::Unexpected { found: "else".to_owned() }),
        }
    }

    /// Returns the template with the values of an object in it.
    ///
    /// # Errors
    /// When a function does not fit its arguments.
    pub fn render(&self, object: &Value) -> Result<String, GoTemplateError> {
        let mut text = String::new();
        let mut variables = BTreeMap::from([(String::new(), object.clone())]);
        render(&self.nodes, object, &mut variables, &mut text)?;
        Ok(text)
    }
}

/// Splits a template into text and actions, with blanks trimmed where `{{-` and `-}}` say so.
fn tokens(text: &str) -> Result<Vec<Token>, GoTemplateError> {
    let mut tokens = Vec::new();
    let mut scanner = Scanner::new(text);
    let mut trims = false;
    loop {
        let Some(literal) = scanner.take_until("{{") else {
            let rest = scanner.rest();
            tokens.push(Token::Text(if trims { rest.trim_start() } else { rest }.to_owned()));
            return Ok(tokens);
        };
        let literal = if trims { literal.trim_start() } else { literal };
        let trims_before = scanner.rest().starts_with("- ");
        tokens.push(Token::Text(if trims_before { literal.trim_end() } else { literal }.to_owned()));
        if trims_before {
            scanner.take("-");
        }
        let mut action = String::new();
        // `}}` in quotes ends nothing.
        loop {
            match scanner.peek() {
                None => return Err(GoTemplateError::Unclosed),
                Some('"' | '`') => {
                    let before = scanner.rest();
                    scanner.take_quoted().ok_or(GoTemplateError::Unclosed)?;
                    action.push_str(&before[..before.len() - scanner.rest().len()]);
                }
                Some(_) if scanner.take("}}") => break,
                Some(letter) => {
                    action.push(letter);
                    scanner.next();
                }
            }
        }
        trims = action.ends_with(" -");
        let action = action.strip_suffix(" -").unwrap_or(&action).trim();
        if !action.starts_with("/*") {
            tokens.push(Token::Action(action.to_owned()));
        }
    }
}

fn parse_nodes(
    tokens: &mut std::slice::Iter<'_, Token>,
    depth: usize,
) -> Result<(Vec<Node>, Ending), GoTemplateError> {
    if depth > DEEPEST {
        return Err(GoTemplateError::TooDeep);
    }
    let mut nodes = Vec::new();
    while let Some(token) = tokens.next() {
        let action = match token {
            Token::Text(text) => {
                if !text.is_empty() {
                    nodes.push(Node::Text(text.clone()));
                }
                continue;
            }
            Token::Action(action) => action.as_str(),
        };
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
        match word {
            "end" => return Ok((nodes, Ending::End)),
            "else" => {
                return Ok((
                    nodes,
                    Ending::Else(Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty())),
                ));
            }
            "range" | "if" | "with" => nodes.push(parse_block(word, rest, tokens, depth)?),
            _ => nodes.push(Node::Print(parse_pipeline(action)?)),
        }
    }
    Ok((nodes, Ending::Template))
}

fn parse_block(
    word: &str,
    rest: &str,
    tokens: &mut std::slice::Iter<'_, Token>,
    depth: usize,
) -> Result<Node, GoTemplateError> {
    let pipeline = parse_pipeline(rest)?;
    let (body, ending) = parse_nodes(tokens, depth + 1)?;
    let otherwise = match ending {
        Ending::End => Vec::new(),
        Ending::Template => return Err(GoTemplateError::BlockNotEnded),
        // `else if X` is an `if` of its own whose end ends both.
        Ending::Else(Some(next)) => {
            let (word, rest) = next.split_once(char::is_whitespace).unwrap_or((&next, ""));
            if !matches!(word, "if" | "with") {
                return Err(GoTemplateError::Unexpected { found: next.clone() });
            }
            vec![parse_block(word, rest, tokens, depth + 1)?]
        }
        Ending::Else(None) => match parse_nodes(tokens, depth + 1)? {
            (nodes, Ending::End) => nodes,
            (_, Ending::Template) => return Err(GoTemplateError::BlockNotEnded),
            (_, Ending::Else(_)) => return Err(GoTemplateError::Unexpected { found: "else".to_owned() }),
        },
    };
    Ok(match word {
        "range" => Node::Range { pipeline, body, otherwise },
        "with" => Node::With { pipeline, body, otherwise },
        _ => Node::If { pipeline, body, otherwise },
    })
}

fn parse_pipeline(text: &str) -> Result<Pipeline, GoTemplateError> {
    let mut scanner = Scanner::new(text);
    let pipeline = parse_commands(&mut scanner, 0)?;
    if scanner.is_at_end() { Ok(pipeline) } else { Err(unexpected(&scanner)) }
}

fn unexpected(scanner: &Scanner<'_>) -> GoTemplateError {
    GoTemplateError::Unexpected { found: scanner.rest().chars().take(20).collect() }
}

fn parse_commands(scanner: &mut Scanner<'_>, depth: usize) -> Result<Pipeline, GoTemplateError> {
    if depth > DEEPEST {
        return Err(GoTemplateError::TooDeep);
    }
    let mut variables = Vec::new();
    if let Some((before, after)) = scanner.rest().split_once(":=")
        && before.trim_start().starts_with('$')
        && !before.contains('"')
    {
        variables = before.split(',').map(|name| name.trim().trim_start_matches('$').to_owned()).collect();
        *scanner = Scanner::new(after);
    }
    let mut commands = vec![Vec::new()];
    loop {
        scanner.skip_blanks();
        if scanner.is_at_end() || scanner.peek() == Some(')') {
            break;
        }
        if scanner.take("|") {
            commands.push(Vec::new());
            continue;
        }
        let term = parse_term(scanner, depth)?;
        if let Some(command) = commands.last_mut() {
            command.push(term);
        }
    }
    if commands.iter().any(Vec::is_empty) {
        return Err(GoTemplateError::Unexpected { found: "nothing".to_owned() });
    }
    Ok(Pipeline { variables, commands })
}

fn parse_term(scanner: &mut Scanner<'_>, depth: usize) -> Result<Term, GoTemplateError> {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    match scanner.peek() {
        Some('.') => Ok(Term::Fields(parse_fields(scanner)?)),
        Some('$') => {
            scanner.next();
            let name = scanner.take_while(is_name).to_owned();
            Ok(Term::Variable(name, parse_fields(scanner)?))
        }
        Some('"' | '`') => {
            Ok(Term::Literal(Value::String(scanner.take_quoted().ok_or(GoTemplateError::Unclosed)?)))
        }
        Some('(') => {
            scanner.next();
            let pipeline = parse_commands(scanner, depth + 1)?;
            if !scanner.take(")") {
                return Err(GoTemplateError::Unclosed);
            }
            Ok(Term::Group(Box::new(pipeline), parse_fields(scanner)?))
        }
        Some(letter) if letter.is_ascii_digit() || letter == '-' => {
            let start = scanner.clone();
            let text = scanner.take_while(|letter| letter.is_ascii_digit() || matches!(letter, '-' | '.'));
            serde_json::from_str(text).map(Term::Literal).map_err(|_| unexpected(&start))
        }
        Some(letter) if is_name(letter) => {
            let word = scanner.take_while(is_name);
            Ok(match word {
                "true" => Term::Literal(true.into()),
                "false" => Term::Literal(false.into()),
                "nil" => Term::Literal(Value::Null),
                _ => Term::Function(word.to_owned()),
            })
        }
        _ => Err(unexpected(scanner)),
    }
}

/// Reads `.a.b`; a lone dot is no field.
fn parse_fields(scanner: &mut Scanner<'_>) -> Result<Vec<String>, GoTemplateError> {
    let mut fields = Vec::new();
    while scanner.take(".") {
        let name = scanner.take_while(|letter| letter.is_alphanumeric() || letter == '_');
        if name.is_empty() {
            return if fields.is_empty() { Ok(fields) } else { Err(unexpected(scanner)) };
        }
        fields.push(name.to_owned());
    }
    Ok(fields)
}

type Variables = BTreeMap<String, Value>;

fn render(
    nodes: &[Node],
    dot: &Value,
    variables: &mut Variables,
    text: &mut String,
) -> Result<(), GoTemplateError> {
    for node in nodes {
        match node {
            Node::Text(literal) => text.push_str(literal),
            Node::Print(pipeline) => {
                let value = evaluate(pipeline, dot, variables)?;
                match pipeline.variables.first() {
                    Some(name) => drop(variables.insert(name.clone(), value)),
                    None => text.push_str(&print(&value)),
                }
            }
            Node::If { pipeline, body, otherwise } => {
                let mut scope = variables.clone();
                let value = evaluate_into(pipeline, dot, &mut scope)?;
                render(if is_true(&value) { body } else { otherwise }, dot, &mut scope, text)?;
            }
            Node::With { pipeline, body, otherwise } => {
                let mut scope = variables.clone();
                let value = evaluate_into(pipeline, dot, &mut scope)?;
                if is_true(&value) {
                    render(body, &value, &mut scope, text)?;
                } else {
                    render(otherwise, dot, &mut scope, text)?;
                }
            }
            Node::Range { pipeline, body, otherwise } => {
                let items: Vec<(Value, Value)> = match evaluate(pipeline, dot, variables)? {
                    Value::Array(items) => {
                        items.into_iter().enumerate().map(|(index, item)| (index.into(), item)).collect()
                    }
                    Value::Object(fields) => {
                        fields.into_iter().map(|(key, value)| (key.into(), value)).collect()
                    }
                    Value::Null => Vec::new(),
                    other => return Err(GoTemplateError::NotIterable { value: other.to_string() }),
                };
                if items.is_empty() {
                    render(otherwise, dot, &mut variables.clone(), text)?;
                }
                for (key, item) in items {
                    let mut scope = variables.clone();
                    match &pipeline.variables[..] {
                        [value] => drop(scope.insert(value.clone(), item.clone())),
                        [index, value, ..] => {
                            scope.insert(index.clone(), key);
                            scope.insert(value.clone(), item.clone());
                        }
                        [] => {}
                    }
                    render(body, &item, &mut scope, text)?;
                }
            }
        }
    }
    Ok(())
}

fn evaluate_into(
    pipeline: &Pipeline,
    dot: &Value,
    variables: &mut Variables,
) -> Result<Value, GoTemplateError> {
    let value = evaluate(pipeline, dot, variables)?;
    if let Some(name) = pipeline.variables.first() {
        variables.insert(name.clone(), value.clone());
    }
    Ok(value)
}

fn evaluate(pipeline: &Pipeline, dot: &Value, variables: &Variables) -> Result<Value, GoTemplateError> {
    let mut piped: Option<Value> = None;
    for command in &pipeline.commands {
        let (first, rest) = command.split_first().ok_or(GoTemplateError::Unclosed)?;
        let mut arguments =
            rest.iter().map(|term| term_value(term, dot, variables)).collect::<Result<Vec<_>, _>>()?;
        arguments.extend(piped.take());
        piped = Some(match first {
            Term::Function(name) => call(name, &arguments)?,
            term if arguments.is_empty() => term_value(term, dot, variables)?,
            term => {
                return Err(GoTemplateError::Unexpected { found: format!("arguments of {term:?}") });
            }
        });
    }
    Ok(piped.unwrap_or_default())
}

fn term_value(term: &Term, dot: &Value, variables: &Variables) -> Result<Value, GoTemplateError> {
    let field = |value: &Value, fields: &[String]| {
        fields.iter().fold(value.clone(), |value, field| value.get(field).cloned().unwrap_or_default())
    };
    match term {
        Term::Fields(fields) => Ok(field(dot, fields)),
        Term::Variable(name, fields) => {
            let value = variables.get(name);
            let value = value.ok_or_else(|| GoTemplateError::UnknownVariable { name: format!("${name}") })?;
            Ok(field(value, fields))
        }
        Term::Literal(value) => Ok(value.clone()),
        Term::Function(name) => call(name, &[]),
        Term::Group(pipeline, fields) => Ok(field(&evaluate(pipeline, dot, variables)?, fields)),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Prints a value as Go does.
fn print(value: &Value) -> String {
    match value {
        Value::Null => NO_VALUE.to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let pairs: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}:{}", print(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => text_of(other),
    }
}

fn call(name: &str, arguments: &[Value]) -> Result<Value, GoTemplateError> {
    let failed = |why: &str| GoTemplateError::Call { function: name.to_owned(), why: why.to_owned() };
    let order = || match arguments {
        [Value::Number(left), Value::Number(right)] => left.as_f64().partial_cmp(&right.as_f64()),
        [Value::String(left), Value::String(right)] => Some(left.cmp(right)),
        _ => None,
    };
    let compare = |wanted: fn(std::cmp::Ordering) -> bool| {
        order().map(|order| wanted(order).into()).ok_or_else(|| failed("incompatible types for comparison"))
    };
    match name {
        "eq" => match arguments.split_first() {
            Some((first, rest)) if !rest.is_empty() => Ok(rest.contains(first).into()),
            _ => Err(failed("missing argument for comparison")),
        },
        "ne" => match arguments {
            [left, right] => Ok((left != right).into()),
            _ => Err(failed("two arguments are needed")),
        },
        "lt" => compare(std::cmp::Ordering::is_lt),
        "le" => compare(std::cmp::Ordering::is_le),
        "gt" => compare(std::cmp::Ordering::is_gt),
        "ge" => compare(std::cmp::Ordering::is_ge),
        "and" => {
            let found = arguments.iter().find(|value| !is_true(value)).or(arguments.last());
            found.cloned().ok_or_else(|| failed("an argument is needed"))
        }
        "or" => {
            let found = arguments.iter().find(|value| is_true(value)).or(arguments.last());
            found.cloned().ok_or_else(|| failed("an argument is needed"))
        }
        "not" => match arguments {
            [value] => Ok((!is_true(value)).into()),
            _ => Err(failed("one argument is needed")),
        },
        "len" => match arguments {
            [Value::String(text)] => Ok(text.len().into()),
            [Value::Array(items)] => Ok(items.len().into()),
            [Value::Object(fields)] => Ok(fields.len().into()),
            _ => Err(failed("the argument has no length")),
        },
        "index" => {
            let (value, keys) = arguments.split_first().ok_or_else(|| failed("an argument is needed"))?;
            keys.iter().try_fold(value.clone(), |value, key| match (&value, key) {
                (Value::Object(fields), Value::String(key)) => {
                    Ok(fields.get(key).cloned().unwrap_or_default())
                }
                (Value::Array(items), Value::Number(index)) => {
                    let at = index.as_u64().and_then(|at| usize::try_from(at).ok());
                    let item = at.and_then(|at| items.get(at)).cloned();
                    item.ok_or_else(|| failed(&format!("index out of range: {index}")))
                }
                _ => Err(failed("the argument cannot be indexed")),
            })
        }
        "print" => Ok(arguments.iter().map(print).collect::<Vec<_>>().join(" ").into()),
        "println" => Ok((arguments.iter().map(print).collect::<Vec<_>>().join(" ") + "\n").into()),
        "printf" => match arguments.split_first() {
            Some((Value::String(format), rest)) => Ok(printf(format, rest).into()),
            _ => Err(failed("a format is needed")),
        },
        "exists" => {
            let (value, keys) = arguments.split_first().ok_or_else(|| failed("an argument is needed"))?;
            let found = keys.iter().try_fold(value, |value, key| match key {
                Value::String(key) => value.get(key),
                Value::Number(index) => index.as_u64().and_then(|at| value.get(at as usize)),
                _ => None,
            });
            Ok(found.is_some().into())
        }
        "base64decode" => {
            let [Value::String(text)] = arguments else { return Err(failed("a text is needed")) };
            let bytes = decode_base64(text).ok_or_else(|| failed("the text is not base64"))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned().into())
        }
        _ => Err(GoTemplateError::UnknownFunction { name: name.to_owned() }),
    }
}

/// Decodes base64 as the values of a Secret are written.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    serde_json::from_value::<k8s_openapi::ByteString>(Value::String(text.to_owned()))
        .ok()
        .map(|bytes| bytes.0)
}

fn printf(format: &str, arguments: &[Value]) -> String {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let mut width = String::new();
        let verb = loop {
            match letters.next() {
                Some(letter) if letter.is_ascii_digit() || letter == '-' => width.push(letter),
                other => break other,
            }
        };
        let printed = match verb {
            Some('%') => "%".to_owned(),
            Some('q') => arguments.next().map_or_else(String::new, |value| format!("{:?}", print(value))),
            Some(_) => arguments.next().map_or_else(|| "%!(MISSING)".to_owned(), print),
            None => "%!(NOVERB)".to_owned(),
        };
        let least = width.trim_start_matches('-').parse::<usize>().unwrap_or(0).min(200);
        let blanks = " ".repeat(least.saturating_sub(printed.chars().count()));
        if width.starts_with('-') {
            text.push_str(&printed);
            text.push_str(&blanks);
        } else {
            text.push_str(&blanks);
            text.push_str(&printed);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "data": {"p": "aGk=", "x.y": "z"}, "empty": []})
    }

    fn check(template: &str, expected: &str) {
        let rendered = GoTemplate::parse(template).and_then(|template| template.render(&object()));
        assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
    }

    #[test]
    fn templates_print_what_go_prints() {
        check("{{range .items}}{{.name}}={{.n}}{{\"\\n\"}}{{end}}", "a=1\nb=2\n");
        check("{{range $i, $v := .items}}{{if $i}},{{end}}{{$v.name}}{{end}}", "a,b");
        check("{{range .empty}}x{{else}}none{{end}}", "none");
        check("{{if eq (len .items) 2}}two{{else if .empty}}?{{else}}other{{end}}", "two");
        check("{{with .data}}{{.p | base64decode}}{{end}} {{index .data \"x.y\"}}", "hi z");
        check("a {{- /* nothing */ -}} b {{ .nope }}", "ab <no value>");
        check("{{$n := .items}}{{printf \"%-3s|%3d|%q\" \"a\" (index $n 1).n \"t\"}}", "a  |  2|\"t\"");
        check("{{.data}} {{.items}}", "map[p:aGk= x.y:z] [map[n:1 name:a] map[n:2 name:b]]");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["{{.a", "{{range .a}}", "{{end}}", "{{nope .a}}", "{{$x}}", "{{index .items 7}}", "{{}}"]
        {
            assert!(
                GoTemplate::parse(text).and_then(|template| template.render(&object())).is_err(),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}.$a-c0-2|()\" `=:-]{0,40}|(\\{\\{(range|if|with|end|else) ?[.a-c$]*\\}\\}){0,6}") {
            let _ = GoTemplate::parse(&text).and_then(|template| template.render(&object()));
        }
    }
}
