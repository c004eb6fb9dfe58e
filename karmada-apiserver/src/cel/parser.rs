//! From tokens to the syntax tree, with the macros expanded.

use super::ast::{Entry, Expr, Fold, Kind, Operation, SelectMode};
use super::error::Issue;
use super::lexer::{Token, TokenKind, tokenize};
use super::value::Value;

/// Nesting that a source may have. Bounds the stack of everything that walks a tree.
const MAX_DEPTH: usize = 60;
/// Levels that a tree may have; more than nesting, as chains of operators and selections make trees too.
const MAX_HEIGHT: usize = 150;
/// Characters that a source may have.
const MAX_LENGTH: usize = 100_000;
/// Nodes that an expression may have, after expansion.
const MAX_NODES: usize = 50_000;
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];
/// Functions are named `namespace.function` in these.
const NAMESPACES: &[&str] = &["sets", "ip", "strings", "format", "lists", "optional"];
const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Parses a source. Returns the tree and how many nodes it has.
pub(super) fn parse(source: &str) -> Result<(Expr, usize), Vec<Issue>> {
    let length = source.chars().count();
    if length > MAX_LENGTH {
        let message = format!("expression code point size exceeds limit: size: {length}, limit {MAX_LENGTH}");
        return Err(vec![Issue { offset: 0, message }]);
    }
    let (tokens, mut issues) = tokenize(source);
    let mut parser = Parser { tokens, position: 0, nodes: 0, depth: 0 };
    match parser.whole() {
        Ok(expr) if issues.is_empty() => return Ok((expr, parser.nodes)),
        Ok(_) => {}
        Err(issue) => issues.push(issue),
    }
    Err(issues)
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    nodes: usize,
    depth: usize,
}

impl Parser {
    fn whole(&mut self) -> Result<Expr, Issue> {
        let expr = self.expr()?;
        if self.peek().kind != TokenKind::End {
            let word = if self.tokens.len() - self.position == 2 { "extraneous" } else { "mismatched" };
            return Err(self.unexpected(word, "<EOF>"));
        }
        Ok(expr)
    }

    fn peek(&self) -> &Token {
        // The last token is the end, and nothing moves beyond it.
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek().kind, TokenKind::Symbol(found) if found == symbol)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != TokenKind::End {
            self.position += 1;
        }
        token
    }

    fn accept(&mut self, symbol: &str) -> Option<usize> {
        self.is(symbol).then(|| self.advance().offset)
    }

    fn expect(&mut self, symbol: &str) -> Result<usize, Issue> {
        if let Some(offset) = self.accept(symbol) {
            return Ok(offset);
        }
        let found = self.peek();
        let message = if found.kind == TokenKind::End {
            format!("Syntax error: missing '{symbol}' at '<EOF>'")
        } else {
            format!("Syntax error: mismatched input '{}' expecting '{symbol}'", found.text)
        };
        Err(Issue { offset: found.offset, message })
    }

    fn unexpected(&self, word: &str, expected: &str) -> Issue {
        let found = self.peek();
        let message = format!("Syntax error: {word} input '{}' expecting {expected}", found.text);
        Issue { offset: found.offset, message }
    }

    fn node(&mut self, offset: usize, kind: Kind) -> Result<Expr, Issue> {
        let id = self.nodes;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Issue { offset, message: "expression is too large".to_owned() });
        }
        let mut height = 0;
        kind.each_child(&mut |child| height = height.max(child.height));
        if height >= MAX_HEIGHT {
            return Err(too_deep());
        }
        Ok(Expr { id, offset, height: height + 1, kind })
    }

    fn operator(&mut self, offset: usize, name: &str, args: Vec<Expr>) -> Result<Expr, Issue> {
        self.node(offset, Kind::Call { function: name.to_owned(), target: None, args })
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Issue>) -> Result<T, Issue> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn expr(&mut self) -> Result<Expr, Issue> {
        self.deeper(|parser| {
            let condition = parser.chain(0)?;
            let Some(offset) = parser.accept("?") else { return Ok(condition) };
            let yes = parser.chain(0)?;
            parser.expect(":")?;
            let no = parser.expr()?;
            parser.operator(offset, "_?_:_", vec![condition, yes, no])
        })
    }

    /// Reads a chain of binary operators of one level of precedence.
    fn chain(&mut self, level: usize) -> Result<Expr, Issue> {
        const LEVELS: &[&[(&str, &str)]] = &[
            &[("||", "_||_")],
            &[("&&", "_&&_")],
            &[
                ("==", "_==_"),
                ("!=", "_!=_"),
                ("<", "_<_"),
                ("<=", "_<=_"),
                (">", "_>_"),
                (">=", "_>=_"),
                ("in", "@in"),
            ],
            &[("+", "_+_"), ("-", "_-_")],
            &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
        ];
        // One loop for all levels instead of one call for each keeps the stack small.
        let mut left = self.unary()?;
        for (current, operators) in LEVELS.iter().enumerate().skip(level).rev() {
            let mut operands = vec![left];
            let mut calls = Vec::new();
            while let Some((symbol, name)) = operators.iter().find(|(symbol, _)| self.is(symbol)) {
                let offset = self.expect(symbol)?;
                operands.push(self.chain(current + 1)?);
                calls.push((offset, *name));
            }
            left = if current < 2 { self.balance(operands, &calls)? } else { self.nest(operands, calls)? };
        }
        Ok(left)
    }

    /// Other operators apply from left to right.
    fn nest(&mut self, operands: Vec<Expr>, calls: Vec<(usize, &str)>) -> Result<Expr, Issue> {
        let mut operands = operands.into_iter();
        let first = operands.next().expect("a chain has an operand");
        calls
            .into_iter()
            .zip(operands)
            .try_fold(first, |left, ((offset, name), right)| self.operator(offset, name, vec![left, right]))
    }

    /// Long chains of `&&` and `||` become balanced trees, so that they do not nest deeply.
    fn balance(&mut self, mut operands: Vec<Expr>, calls: &[(usize, &str)]) -> Result<Expr, Issue> {
        if calls.is_empty() {
            return Ok(operands.pop().expect("a chain has an operand"));
        }
        let middle = calls.len() / 2;
        let right = operands.split_off(middle + 1);
        let (offset, name) = calls[middle];
        let left = self.balance(operands, &calls[..middle])?;
        let right = self.balance(right, &calls[middle + 1..])?;
        self.operator(offset, name, vec![left, right])
    }

    fn unary(&mut self) -> Result<Expr, Issue> {
        for (symbol, name) in [("!", "!_"), ("-", "-_")] {
            if symbol == "-" && self.is("-") && self.is_number_next() {
                continue;
            }
            let Some(offset) = self.accept(symbol) else { continue };
            let mut count = 1;
            while self.accept(symbol).is_some() {
                count += 1;
            }
            let operand = self.member()?;
            // Pairs cancel out.
            return if count % 2 == 0 { Ok(operand) } else { self.operator(offset, name, vec![operand]) };
        }
        self.member()
    }

    fn is_number_next(&self) -> bool {
        self.tokens
            .get(self.position + 1)
            .is_some_and(|next| matches!(next.kind, TokenKind::Int | TokenKind::Float))
    }

    fn member(&mut self) -> Result<Expr, Issue> {
        let mut operand = self.primary()?;
        loop {
            if let Some(dot) = self.accept(".") {
                let optional = self.accept("?").is_some();
                if self.peek().kind != TokenKind::Ident {
                    let found = self.peek();
                    let text = if found.kind == TokenKind::End { "" } else { found.text.as_str() };
                    let message = format!("Syntax error: no viable alternative at input '.{text}'");
                    return Err(Issue { offset: found.offset, message });
                }
                let name = self.advance().text;
                if !optional && self.is("(") {
                    let open = self.expect("(")?;
                    let args = self.arguments(")")?;
                    operand = self.method(operand, name, open, args)?;
                    continue;
                }
                if let Some(name) = message_type(&operand, &name) {
                    operand = self.node(operand.offset, Kind::Ident(name.to_owned()))?;
                    continue;
                }
                let mode = if optional { SelectMode::Optional } else { SelectMode::Plain };
                operand = self.node(dot, Kind::Select { operand: Box::new(operand), field: name, mode })?;
            } else if let Some(open) = self.accept("[") {
                let optional = self.accept("?").is_some();
                let index = self.expr()?;
                self.expect("]")?;
                let name = if optional { "_[?_]" } else { "_[_]" };
                operand = self.operator(open, name, vec![operand, index])?;
            } else {
                return Ok(operand);
            }
        }
    }

    fn arguments(&mut self, close: &'static str) -> Result<Vec<Expr>, Issue> {
        let mut args = Vec::new();
        if self.accept(close).is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if self.accept(",").is_none() {
                self.expect(close)?;
                return Ok(args);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Issue> {
        let negative = self.is("-").then(|| self.advance().offset);
        let leading_dot = self.is(".") && negative.is_none();
        if leading_dot {
            self.advance();
        }
        let token = self.peek().clone();
        let start = negative.unwrap_or(token.offset);
        match token.kind {
            TokenKind::Int | TokenKind::Uint | TokenKind::Float => {
                self.advance();
                let value = number(&token, negative.is_some(), start)?;
                self.node(start, Kind::Literal(value))
            }
            TokenKind::String(text) => {
                self.advance();
                self.node(start, Kind::Literal(Value::string(text)))
            }
            TokenKind::Bytes(data) => {
                self.advance();
                self.node(start, Kind::Literal(Value::Bytes(data.into())))
            }
            TokenKind::Ident => {
                self.advance();
                if RESERVED.contains(&token.text.as_str()) {
                    let message = format!("reserved identifier: {}", token.text);
                    return Err(Issue { offset: start, message });
                }
                if let Some(open) = self.accept("(") {
                    let args = self.arguments(")")?;
                    return self.global(token.text, open, args);
                }
                self.node(start, Kind::Ident(token.text))
            }
            TokenKind::Symbol(symbol @ ("true" | "false" | "null")) => {
                self.advance();
                let value = if symbol == "null" { Value::Null } else { Value::Bool(symbol == "true") };
                self.node(start, Kind::Literal(value))
            }
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            TokenKind::Symbol("[") => {
                self.advance();
                self.list(start)
            }
            TokenKind::Symbol("{") => {
                self.advance();
                self.map(start)
            }
            _ => {
                let one_left = self.tokens.len() - self.position > 2;
                let next_starts = self.tokens.get(self.position + 1).is_some_and(|next| {
                    !matches!(next.kind, TokenKind::Symbol(_) | TokenKind::End)
                        || matches!(
                            next.kind,
                            TokenKind::Symbol("[" | "{" | "(" | "-" | "!" | "true" | "false" | "null")
                        )
                });
                let word = if token.kind != TokenKind::End && one_left && next_starts {
                    "extraneous"
                } else {
                    "mismatched"
                };
                Err(self.unexpected(word, OPERAND))
            }
        }
    }

    fn list(&mut self, start: usize) -> Result<Expr, Issue> {
        let mut entries = Vec::new();
        while !self.is("]") {
            let optional = self.accept("?").is_some();
            entries.push(Entry { item: self.expr()?, optional });
            if self.accept(",").is_none() {
                break;
            }
        }
        self.expect("]")?;
        self.node(start, Kind::List(entries))
    }

    fn map(&mut self, start: usize) -> Result<Expr, Issue> {
        let mut entries = Vec::new();
        while !self.is("}") {
            let optional = self.accept("?").is_some();
            let key = self.expr()?;
            self.expect(":")?;
            entries.push(Entry { item: (key, self.expr()?), optional });
            if self.accept(",").is_none() {
                break;
            }
        }
        self.expect("}")?;
        self.node(start, Kind::Map(entries))
    }

    fn global(&mut self, name: String, open: usize, mut args: Vec<Expr>) -> Result<Expr, Issue> {
        if name == "has" && args.len() == 1 {
            let argument = args.remove(0);
            return match argument.kind {
                Kind::Select { operand, field, mode: SelectMode::Plain } => {
                    self.node(open, Kind::Select { operand, field, mode: SelectMode::Test })
                }
                _ => Err(Issue {
                    offset: argument.offset,
                    message: "invalid argument to has() macro".to_owned(),
                }),
            };
        }
        self.node(open, Kind::Call { function: name, target: None, args })
    }

    fn method(
        &mut self,
        target: Expr,
        name: String,
        open: usize,
        mut args: Vec<Expr>,
    ) -> Result<Expr, Issue> {
        if let Kind::Ident(namespace) = &target.kind
            && NAMESPACES.contains(&namespace.as_str())
        {
            let qualified = format!("{namespace}.{name}");
            if super::signatures::is_function(&qualified) {
                return self.node(open, Kind::Call { function: qualified, target: None, args });
            }
        }
        let operation = match (name.as_str(), args.len()) {
            ("all", 2 | 3) => Operation::All,
            ("exists", 2 | 3) => Operation::Exists,
            ("exists_one" | "existsOne", 2 | 3) => Operation::ExistsOne,
            ("filter", 2) => Operation::Filter,
            ("map", 2 | 3) | ("transformList", 3 | 4) => Operation::Map,
            ("sortBy", 2) => Operation::SortBy,
            ("transformMap", 3 | 4) => Operation::TransformMap,
            ("transformMapEntry", 3 | 4) => Operation::TransformMapEntry,
            ("optMap" | "optFlatMap", 2) => {
                let body = Box::new(args.pop().expect("there are two"));
                let variable = simple_name(&args[0])?;
                let flat = name == "optFlatMap";
                let kind = Kind::OptionalMap { target: Box::new(target), variable, body, flat };
                return self.node(open, kind);
            }
            _ => {
                let kind = Kind::Call { function: name, target: Some(Box::new(target)), args };
                return self.node(open, kind);
            }
        };
        let body = args.pop().expect("a macro has arguments");
        let variable = simple_name(&args[0])?;
        let two = match operation {
            Operation::All | Operation::Exists | Operation::ExistsOne => args.len() == 2,
            Operation::Map => name == "transformList",
            Operation::Filter | Operation::SortBy => false,
            Operation::TransformMap | Operation::TransformMapEntry => true,
        };
        let second = if two { Some(simple_name(&args[1])?) } else { None };
        let filter = args.drain(1 + usize::from(two)..).next();
        if second.as_deref() == Some(variable.as_str()) {
            let message = format!("duplicate variable name: {variable}");
            return Err(Issue { offset: args[1].offset, message });
        }
        let fold = Fold { operation, range: target, variable, second, filter, body };
        self.node(open, Kind::Fold(Box::new(fold)))
    }
}

/// Returns the name of a type that is written with dots.
fn message_type(operand: &Expr, name: &str) -> Option<&'static str> {
    let Kind::Select { operand, field, mode: SelectMode::Plain } = &operand.kind else { return None };
    let is_google = matches!(&operand.kind, Kind::Ident(root) if root == "google") && field == "protobuf";
    match name {
        "Timestamp" if is_google => Some("google.protobuf.Timestamp"),
        "Duration" if is_google => Some("google.protobuf.Duration"),
        _ => None,
    }
}

fn too_deep() -> Issue {
    Issue { offset: 0, message: format!("expression recursion limit exceeded: {MAX_HEIGHT}") }
}

fn simple_name(argument: &Expr) -> Result<String, Issue> {
    match &argument.kind {
        Kind::Ident(name) => Ok(name.clone()),
        _ => Err(Issue { offset: argument.offset, message: "argument must be a simple name".to_owned() }),
    }
}

fn number(token: &Token, negative: bool, start: usize) -> Result<Value, Issue> {
    let sign = if negative { "-" } else { "" };
    let invalid = |kind: &str| Issue { offset: start, message: format!("invalid {kind} literal") };
    match token.kind {
        TokenKind::Float => format!("{sign}{}", token.text)
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .map(Value::Double)
            .ok_or_else(|| invalid("double")),
        TokenKind::Uint => {
            let text = token.text.trim_end_matches(['u', 'U']);
            let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            hex.map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16))
                .map(Value::Uint)
                .map_err(|_| invalid("uint"))
        }
        _ => {
            let hex = token.text.strip_prefix("0x").or_else(|| token.text.strip_prefix("0X"));
            let (digits, radix) = hex.map_or((token.text.as_str(), 10), |hex| (hex, 16));
            i64::from_str_radix(&format!("{sign}{digits}"), radix).map(Value::Int).map_err(|_| invalid("int"))
        }
    }
}
