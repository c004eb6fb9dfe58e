//! The grammar, by recursive descent.

use std::collections::BTreeSet;

use super::{
    error::ScriptError,
    lexer::{Lexer, Token, TokenKind},
};

const SYNTAX: &str = "syntax error";
/// Blocks, functions, tables and brackets within each other, as many as Lua itself allows.
const MAX_DEPTH: usize = 190;
const BINARY: &[&str] = &["+", "-", "*", "/", "%", "^", "..", "<", "<=", ">", ">=", "==", "~=", "and", "or"];

/// Checks that a script can be compiled.
pub(in crate::admission) fn check(script: &str) -> Result<(), ScriptError> {
    let mut lexer = Lexer::new(script);
    let token = lexer.next_token()?;
    let mut parser = Parser {
        lexer,
        token,
        previous_closes: false,
        depth: 0,
        function: Function { takes_rest: true, ..Function::default() },
        meaningless: None,
    };
    parser.block()?;
    parser.expect_end()?;
    parser.check_jumps();
    parser.meaningless.map_or(Ok(()), Err)
}

/// What the first part of a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    /// Something that can be assigned to.
    Variable,
    /// Something that is a statement by itself.
    Call,
    /// Neither.
    Parenthesis,
}

/// What is known of the function that is being read.
#[derive(Debug, Default)]
struct Function {
    /// Whether it has `...`.
    takes_rest: bool,
    /// How many loops are open.
    loops: usize,
    labels: BTreeSet<String>,
    /// Labels that are jumped to, with the lines.
    jumps: Vec<(String, usize)>,
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// Whether the token before was `)`.
    previous_closes: bool,
    depth: usize,
    function: Function,
    /// The first mistake that the grammar allows; mistakes of grammar come before it.
    meaningless: Option<ScriptError>,
}

type Parsed<T = ()> = Result<T, ScriptError>;

impl Parser<'_> {
    fn is(&self, text: &str) -> bool {
        matches!(self.token.kind, TokenKind::Fixed(fixed) if fixed == text)
    }

    fn is_one_of(&self, texts: &[&str]) -> bool {
        matches!(self.token.kind, TokenKind::Fixed(fixed) if texts.contains(&fixed))
    }

    fn advance(&mut self) -> Parsed {
        self.previous_closes = self.is(")");
        self.token = self.lexer.next_token()?;
        Ok(())
    }

    /// Returns true when the token after this one is `text`.
    fn is_followed_by(&self, text: &str) -> bool {
        let next = self.lexer.clone().next_token();
        next.is_ok_and(|next| matches!(next.kind, TokenKind::Fixed(fixed) if fixed == text))
    }

    fn accept(&mut self, text: &str) -> Parsed<bool> {
        let accepted = self.is(text);
        if accepted {
            self.advance()?;
        }
        Ok(accepted)
    }

    fn expect(&mut self, text: &str) -> Parsed {
        if self.accept(text)? { Ok(()) } else { Err(self.token.error(SYNTAX)) }
    }

    fn expect_kind(&mut self, kind: TokenKind) -> Parsed {
        if self.token.kind == kind { self.advance() } else { Err(self.token.error(SYNTAX)) }
    }

    fn expect_end(&self) -> Parsed {
        if self.token.kind == TokenKind::End { Ok(()) } else { Err(self.token.error(SYNTAX)) }
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.token.error("chunk has too many syntax levels"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn block(&mut self) -> Parsed {
        self.nested(|parser| {
            loop {
                if parser.accept(";")? {
                    continue;
                }
                if parser.ends_block() {
                    return Ok(());
                }
                if parser.is_one_of(&["return", "break"]) {
                    return parser.last_statement();
                }
                parser.statement()?;
            }
        })
    }

    fn loop_body(&mut self) -> Parsed {
        self.function.loops += 1;
        self.block()?;
        self.function.loops -= 1;
        Ok(())
    }

    fn mean_nothing(&mut self, line: usize, message: String) {
        self.meaningless.get_or_insert(ScriptError::Meaning { line, message });
    }

    /// Checks that what is jumped to in the function is there.
    fn check_jumps(&mut self) {
        for (label, line) in std::mem::take(&mut self.function.jumps) {
            if !self.function.labels.contains(&label) {
                self.mean_nothing(line, format!("no visible label '{label}' for <goto>"));
            }
        }
    }

    fn ends_block(&self) -> bool {
        self.token.kind == TokenKind::End || self.is_one_of(&["end", "else", "elseif", "until"])
    }

    fn last_statement(&mut self) -> Parsed {
        let returns = self.is("return");
        if !returns && self.function.loops == 0 {
            self.mean_nothing(self.token.line, "no loop to break".to_owned());
        }
        self.advance()?;
        if returns && !self.ends_block() && !self.is(";") {
            self.expressions()?;
        }
        self.accept(";")?;
        Ok(())
    }

    fn statement(&mut self) -> Parsed {
        let TokenKind::Fixed(first) = self.token.kind else {
            return self.assignment_or_call();
        };
        match first {
            "do" => {
                self.advance()?;
                self.block()?;
                self.expect("end")
            }
            "while" => {
                self.advance()?;
                self.expression()?;
                self.expect("do")?;
                self.loop_body()?;
                self.expect("end")
            }
            "repeat" => {
                self.advance()?;
                self.loop_body()?;
                self.expect("until")?;
                self.expression()
            }
            "if" => self.conditional(),
            "for" => self.for_loop(),
            "function" => {
                self.advance()?;
                self.expect_kind(TokenKind::Name)?;
                while self.accept(".")? {
                    self.expect_kind(TokenKind::Name)?;
                }
                if self.accept(":")? {
                    self.expect_kind(TokenKind::Name)?;
                }
                self.function_body()
            }
            "local" => self.local(),
            "goto" => {
                self.advance()?;
                self.function.jumps.push((self.token.text.clone(), self.token.line));
                self.expect_kind(TokenKind::Name)
            }
            "::" => {
                self.advance()?;
                self.function.labels.insert(self.token.text.clone());
                self.expect_kind(TokenKind::Name)?;
                self.expect("::")
            }
            _ => self.assignment_or_call(),
        }
    }

    fn conditional(&mut self) -> Parsed {
        self.advance()?;
        self.expression()?;
        self.expect("then")?;
        self.block()?;
        while self.accept("elseif")? {
            self.expression()?;
            self.expect("then")?;
            self.block()?;
        }
        if self.accept("else")? {
            self.block()?;
        }
        self.expect("end")
    }

    fn for_loop(&mut self) -> Parsed {
        self.advance()?;
        self.expect_kind(TokenKind::Name)?;
        if self.accept("=")? {
            self.expression()?;
            self.expect(",")?;
            self.expression()?;
            if self.accept(",")? {
                self.expression()?;
            }
        } else {
            while self.accept(",")? {
                self.expect_kind(TokenKind::Name)?;
            }
            self.expect("in")?;
            self.expressions()?;
        }
        self.expect("do")?;
        self.loop_body()?;
        self.expect("end")
    }

    fn local(&mut self) -> Parsed {
        self.advance()?;
        if self.accept("function")? {
            self.expect_kind(TokenKind::Name)?;
            return self.function_body();
        }
        self.expect_kind(TokenKind::Name)?;
        while self.accept(",")? {
            self.expect_kind(TokenKind::Name)?;
        }
        if self.accept("=")? {
            self.expressions()?;
        }
        Ok(())
    }

    fn assignment_or_call(&mut self) -> Parsed {
        match self.prefix()? {
            Prefix::Variable if self.is_one_of(&["=", ","]) => {
                while self.accept(",")? {
                    if self.prefix()? != Prefix::Variable {
                        return Err(self.token.error(SYNTAX));
                    }
                }
                self.expect("=")?;
                self.expressions()
            }
            Prefix::Call => Ok(()),
            Prefix::Variable | Prefix::Parenthesis => Err(self.token.error("parse error")),
        }
    }

    fn prefix(&mut self) -> Parsed<Prefix> {
        let mut prefix = if self.token.kind == TokenKind::Name {
            self.advance()?;
            Prefix::Variable
        } else {
            self.expect("(")?;
            self.expression()?;
            self.expect(")")?;
            Prefix::Parenthesis
        };
        loop {
            if self.accept("[")? {
                self.expression()?;
                self.expect("]")?;
                prefix = Prefix::Variable;
            } else if self.accept(".")? {
                self.expect_kind(TokenKind::Name)?;
                prefix = Prefix::Variable;
            } else if self.accept(":")? {
                self.expect_kind(TokenKind::Name)?;
                self.arguments()?;
                prefix = Prefix::Call;
            } else if self.is_one_of(&["(", "{"]) || self.token.kind == TokenKind::Text {
                self.arguments()?;
                prefix = Prefix::Call;
            } else {
                return Ok(prefix);
            }
        }
    }

    fn arguments(&mut self) -> Parsed {
        if self.token.kind == TokenKind::Text {
            return self.advance();
        }
        if self.is("{") {
            return self.table();
        }
        if self.is("(") && self.token.begins_line && self.previous_closes {
            return Err(self.token.error("ambiguous syntax (function call x new statement)"));
        }
        self.expect("(")?;
        if self.accept(")")? {
            return Ok(());
        }
        self.expressions()?;
        self.expect(")")
    }

    fn expressions(&mut self) -> Parsed {
        self.expression()?;
        while self.accept(",")? {
            self.expression()?;
        }
        Ok(())
    }

    fn expression(&mut self) -> Parsed {
        self.nested(|parser| {
            loop {
                while parser.is_one_of(&["not", "-", "#"]) {
                    parser.advance()?;
                }
                parser.operand()?;
                if !parser.is_one_of(BINARY) {
                    return Ok(());
                }
                parser.advance()?;
            }
        })
    }

    fn operand(&mut self) -> Parsed {
        match self.token.kind {
            TokenKind::Number | TokenKind::Text => self.advance(),
            TokenKind::Fixed("nil" | "true" | "false") => self.advance(),
            TokenKind::Fixed("...") => {
                if !self.function.takes_rest {
                    let message = "cannot use '...' outside of a vararg function";
                    self.mean_nothing(self.token.line, message.to_owned());
                }
                self.advance()
            }
            TokenKind::Fixed("{") => self.table(),
            TokenKind::Fixed("function") => {
                self.advance()?;
                self.function_body()
            }
            _ => self.prefix().map(|_| ()),
        }
    }

    fn function_body(&mut self) -> Parsed {
        self.expect("(")?;
        let mut takes_rest = false;
        if !self.accept(")")? {
            loop {
                if self.accept("...")? {
                    takes_rest = true;
                    break;
                }
                self.expect_kind(TokenKind::Name)?;
                if !self.accept(",")? {
                    break;
                }
            }
            self.expect(")")?;
        }
        let inner = Function { takes_rest, ..Function::default() };
        let outer = std::mem::replace(&mut self.function, inner);
        self.block()?;
        self.check_jumps();
        self.function = outer;
        self.expect("end")
    }

    fn table(&mut self) -> Parsed {
        self.expect("{")?;
        while !self.is("}") {
            if self.accept("[")? {
                self.expression()?;
                self.expect("]")?;
                self.expect("=")?;
                self.expression()?;
            } else {
                if self.token.kind == TokenKind::Name && self.is_followed_by("=") {
                    self.advance()?;
                    self.advance()?;
                }
                self.expression()?;
            }
            if !self.accept(",")? && !self.accept(";")? {
                break;
            }
        }
        self.expect("}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_lua_allows_passes() {
        for script in [
            "",
            ";;",
            "-- a comment\n--[==[ a long\n one ]==]\nlocal a",
            "function a.b.c:d(x, ...) return ... end",
            "local function f() return end; f{1, a = 2; [3] = 'x'}.b[1] = -#x ^ not y",
            "for i = 1, 2, 3 do break end for k, v in pairs(t) do goto next ::next:: end",
            "repeat local x = [[a]] until x == 0x1F or x ~= 1e-3 and x .. .5",
            "if a then elseif b then else end while true do end do end",
            "a, b.c, d[1] = f 'x', ('y'):rep(2), function() end",
            "x = \"a\\\"b\\\n\"",
        ] {
            assert_eq!(check(script), Ok(()), "{script}");
        }
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        for (script, error) in [
            ("function x( return end", "<string> line:1(column:18) near 'return':   syntax error\n"),
            ("if if", "<string> line:1(column:5) near 'if':   syntax error\n"),
            ("x = 1 // 2", "<string> line:1(column:8) near '/':   syntax error\n"),
            ("function (", "<string> line:1(column:10) near '(':   syntax error\n"),
            ("x =\n  ", "<string> at EOF:   syntax error\n"),
            ("x", "<string> at EOF:   parse error\n"),
            ("f()\n = 1", "<string> line:2(column:2) near '=':   syntax error\n"),
            ("x = 'a", "<string> at EOF:   unterminated string\n"),
            ("return 1 x = 2", "<string> line:1(column:10) near 'x':   syntax error\n"),
            ("x = ~1", "<string> line:1(column:5) near '~':   Invalid token\n"),
            ("break", "compile error near line(1) <string>: no loop to break"),
            (
                "\nfunction f() return ... end",
                "compile error near line(2) <string>: cannot use '...' outside of a vararg function",
            ),
            ("goto a", "compile error near line(1) <string>: no visible label 'a' for <goto>"),
        ] {
            assert_eq!(check(script).unwrap_err().to_string(), error, "{script}");
        }
    }

    #[test]
    fn deep_scripts_are_refused_and_not_followed() {
        for (open, close) in [("(", ")"), ("{", "}"), ("do ", " end"), ("function() return ", " end")] {
            let script = format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
            assert!(check(&script).is_err());
        }
        assert_eq!(check(&format!("x = {}1", "- ".repeat(100_000))), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_text_is_answered(
            text in ".{0,60}",
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "if", "then", "end", "function", "(", ")", "{", "}", "=", "x", "1", "'a'", "[[", "]]", "--",
                    "\n", "return", ",", "..", "do", "for", "in", "~", "é", "\\", "goto", "::", "[=",
                ]),
                0..40,
            ),
        ) {
            let _ = check(&text);
            let _ = check(&words.join(" "));
        }
    }
}
