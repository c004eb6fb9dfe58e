//! Tokens of a script.

use super::error::ScriptError;

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil",
    "not", "or", "return", "repeat", "then", "true", "until", "while", "goto",
];
/// Symbols; longer ones come before those they begin with.
const SYMBOLS: &[&str] = &[
    "...", "..", "==", "~=", "<=", ">=", "::", "+", "-", "*", "/", "%", "^", "#", "<", ">", "=", "(", ")",
    "{", "}", "[", "]", ";", ":", ",", ".",
];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Name,
    Number,
    Text,
    /// A reserved word or a symbol.
    Fixed(&'static str),
    End,
}

/// A token and the place of its last character.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) text: String,
    pub(super) position: Option<(usize, usize)>,
    pub(super) line: usize,
    /// Whether it stands on a later line than the token before.
    pub(super) begins_line: bool,
}

impl Token {
    pub(super) fn error(&self, message: &'static str) -> ScriptError {
        ScriptError::Syntax { position: self.position, token: self.text.clone(), message }
    }
}

/// Cuts a script into tokens.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(script: &'a str) -> Self {
        Self { rest: script, line: 1, column: 0 }
    }

    pub(super) fn next_token(&mut self) -> Result<Token, ScriptError> {
        let line = self.line;
        self.skip_blanks()?;
        let begins_line = self.line > line;
        let line = self.line;
        let before = self.rest;
        let kind = self.scan()?;
        let text = match kind {
            TokenKind::Text => unquoted(&before[..before.len() - self.rest.len()]),
            _ => before[..before.len() - self.rest.len()].to_owned(),
        };
        let position = (kind != TokenKind::End).then_some((self.line, self.column));
        Ok(Token { kind, text, position, line, begins_line })
    }

    fn scan(&mut self) -> Result<TokenKind, ScriptError> {
        let Some(first) = self.peek() else {
            return Ok(TokenKind::End);
        };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(self.scan_name()),
            '0'..='9' => self.scan_number(),
            '.' if self.rest[1..].starts_with(|next: char| next.is_ascii_digit()) => self.scan_number(),
            '"' | '\'' => self.scan_text(first),
            '[' if long_level(self.rest).is_some() => {
                self.skip_long("unterminated multiline string")?;
                Ok(TokenKind::Text)
            }
            _ => {
                let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) else {
                    self.bump();
                    return Err(self.error(&first.to_string(), "Invalid token"));
                };
                self.advance(symbol.len());
                Ok(TokenKind::Fixed(symbol))
            }
        }
    }

    fn scan_name(&mut self) -> TokenKind {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let length = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        let name = &self.rest[..length];
        let keyword = KEYWORDS.iter().find(|keyword| **keyword == name);
        self.advance(length);
        keyword.map_or(TokenKind::Name, |keyword| TokenKind::Fixed(keyword))
    }

    fn scan_number(&mut self) -> Result<TokenKind, ScriptError> {
        let start = self.rest;
        if start.len() > 1 && matches!(&start.as_bytes()[..2], b"0x" | b"0X") {
            self.advance(2);
            if self.skip_while(|character| character.is_ascii_hexdigit()) == 0 {
                return Err(self.error("0x", "illegal hexadecimal number"));
            }
            return Ok(TokenKind::Number);
        }
        self.skip_while(|character| character.is_ascii_digit());
        if self.peek() == Some('.') {
            self.bump();
            self.skip_while(|character| character.is_ascii_digit());
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            if self.skip_while(|character| character.is_ascii_digit()) == 0 {
                let text = &start[..start.len() - self.rest.len()];
                return Err(self.error(text, "malformed number"));
            }
        }
        Ok(TokenKind::Number)
    }

    fn scan_text(&mut self, quote: char) -> Result<TokenKind, ScriptError> {
        let start = self.rest;
        self.bump();
        loop {
            match self.bump() {
                Some(character) if character == quote => return Ok(TokenKind::Text),
                Some('\\') => {
                    self.bump();
                }
                Some('\n') | None => {
                    let text = start[1..start.len() - self.rest.len()].trim_end_matches('\n');
                    return Err(self.error(text, "unterminated string"));
                }
                Some(_) => {}
            }
        }
    }

    fn skip_blanks(&mut self) -> Result<(), ScriptError> {
        loop {
            self.skip_while(|character| matches!(character, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c'));
            if !self.rest.starts_with("--") {
                return Ok(());
            }
            self.advance(2);
            if long_level(self.rest).is_some() {
                self.skip_long("unterminated multiline comment")?;
            } else {
                self.skip_while(|character| character != '\n');
            }
        }
    }

    /// Skips text between long brackets.
    fn skip_long(&mut self, message: &'static str) -> Result<(), ScriptError> {
        let level = long_level(self.rest).unwrap_or_default();
        let end = format!("]{}]", "=".repeat(level));
        if let Some(at) = self.rest.find(&end) {
            self.advance(at + end.len());
            return Ok(());
        }
        let text = self.rest;
        self.advance(text.len());
        Err(ScriptError::Syntax { position: None, token: text.to_owned(), message })
    }

    fn skip_while(&mut self, accept: impl Fn(char) -> bool) -> usize {
        let length = self.rest.find(|character| !accept(character)).unwrap_or(self.rest.len());
        self.advance(length);
        length
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.advance(character.len_utf8());
        Some(character)
    }

    /// Goes on by so many bytes; columns count bytes.
    fn advance(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at(length);
        for byte in passed.bytes() {
            if byte == b'\n' {
                self.line += 1;
                self.column = 0;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
    }

    fn error(&self, token: &str, message: &'static str) -> ScriptError {
        let ended = self.rest.is_empty() && message == "unterminated string";
        let position = (!ended).then_some((self.line, self.column));
        ScriptError::Syntax { position, token: token.to_owned(), message }
    }
}

/// Returns how many `=` are in the long bracket that a text begins with.
fn long_level(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let rest = inner.trim_start_matches('=');
    rest.starts_with('[').then_some(inner.len() - rest.len())
}

fn unquoted(text: &str) -> String {
    text.trim_matches(['"', '\'']).to_owned()
}
