//! From text to tokens.

use super::error::Issue;

/// A token and where it starts, in characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) offset: usize,
    /// The text as written, for messages.
    pub(super) text: String,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Ident,
    Int,
    Uint,
    Float,
    String(String),
    Bytes(Vec<u8>),
    /// An operator, bracket or the keywords `in`, `true`, `false`, `null`.
    Symbol(&'static str),
    End,
}

/// Longest first, so that the first match is the right one.
const SYMBOLS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "(", ")", "[", "]", "{", "}", ".", ",", "-", "!", "?", ":",
    "+", "*", "/", "%",
];
const WORDS: &[&str] = &["in", "true", "false", "null"];

/// Cuts a source into tokens; the last is [`TokenKind::End`]. What is no token is left out and reported.
pub(super) fn tokenize(source: &str) -> (Vec<Token>, Vec<Issue>) {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { chars: &chars, position: 0 };
    let (mut tokens, mut issues) = (Vec::new(), Vec::new());
    loop {
        let start = lexer.position;
        match lexer.next_token() {
            Ok(token) => {
                let is_end = token.kind == TokenKind::End;
                tokens.push(token);
                if is_end {
                    return (tokens, issues);
                }
            }
            Err(issue) => {
                issues.push(issue);
                // Every mistake takes at least the character it is at.
                lexer.position = lexer.position.max(start + 1);
            }
        }
    }
}

struct Lexer<'a> {
    chars: &'a [char],
    position: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.position + ahead).copied()
    }

    fn skip_blank(&mut self) {
        while let Some(c) = self.peek(0) {
            if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') {
                self.position += 1;
            } else if c == '/' && self.peek(1) == Some('/') {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.position += 1;
                }
            } else {
                break;
            }
        }
    }

    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, offset: start, text: self.chars[start..self.position].iter().collect() }
    }

    fn next_token(&mut self) -> Result<Token, Issue> {
        self.skip_blank();
        let start = self.position;
        let Some(c) = self.peek(0) else {
            return Ok(Token { kind: TokenKind::End, offset: start, text: "<EOF>".to_owned() });
        };
        if let Some(token) = self.quoted(start)? {
            return Ok(token);
        }
        if c.is_ascii_alphabetic() || c == '_' {
            while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                self.position += 1;
            }
            let token = self.token(TokenKind::Ident, start);
            let word = WORDS.iter().find(|word| **word == token.text);
            return Ok(match word {
                Some(word) => Token { kind: TokenKind::Symbol(word), ..token },
                None => token,
            });
        }
        if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|c| c.is_ascii_digit())) {
            let kind = self.number();
            return Ok(self.token(kind, start));
        }
        for symbol in SYMBOLS {
            if symbol.chars().enumerate().all(|(index, c)| self.peek(index) == Some(c)) {
                self.position += symbol.len();
                return Ok(self.token(TokenKind::Symbol(symbol), start));
            }
        }
        // Half an operator takes the character with it that does not fit.
        self.position += if matches!(c, '=' | '&' | '|') { 2 } else { 1 };
        self.position = self.position.min(self.chars.len());
        let shown: String = self.chars[start..self.position].iter().collect();
        Err(Issue { offset: start, message: format!("Syntax error: token recognition error at: '{shown}'") })
    }

    fn number(&mut self) -> TokenKind {
        if self.peek(0) == Some('0') && matches!(self.peek(1), Some('x' | 'X')) {
            self.position += 2;
            self.digits(|c| c.is_ascii_hexdigit());
        } else {
            self.digits(|c| c.is_ascii_digit());
            let mut float = false;
            if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
                float = true;
                self.position += 1;
                self.digits(|c| c.is_ascii_digit());
            }
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            if matches!(self.peek(0), Some('e' | 'E'))
                && self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit())
            {
                float = true;
                self.position += 1 + sign;
                self.digits(|c| c.is_ascii_digit());
            }
            if float {
                return TokenKind::Float;
            }
        }
        if matches!(self.peek(0), Some('u' | 'U')) {
            self.position += 1;
            return TokenKind::Uint;
        }
        TokenKind::Int
    }

    fn digits(&mut self, accept: fn(char) -> bool) {
        while self.peek(0).is_some_and(accept) {
            self.position += 1;
        }
    }

    /// Reads a string or bytes literal, if there is one.
    fn quoted(&mut self, start: usize) -> Result<Option<Token>, Issue> {
        let mut ahead = 0;
        let (mut raw, mut bytes) = (false, false);
        while let Some(c) = self.peek(ahead) {
            match c {
                'r' | 'R' if !raw => raw = true,
                'b' | 'B' if !bytes => bytes = true,
                '\'' | '"' => break,
                _ => return Ok(None),
            }
            ahead += 1;
        }
        let Some(quote) = self.peek(ahead) else { return Ok(None) };
        self.position += ahead;
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let width = if triple { 3 } else { 1 };
        self.position += width;
        let mut text = String::new();
        let mut data = Vec::new();
        loop {
            let Some(c) = self.peek(0).filter(|&c| triple || c != '\n') else {
                let shown: String = self.chars[start..self.position].iter().collect();
                let message = format!("Syntax error: token recognition error at: '{shown}'");
                return Err(Issue { offset: start, message });
            };
            if c == quote && (!triple || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote))) {
                self.position += width;
                break;
            }
            self.position += 1;
            let (value, is_byte) = if c == '\\' && !raw { self.escape(start)? } else { (c, false) };
            if bytes {
                if is_byte {
                    data.push(value as u32 as u8);
                } else {
                    data.extend(value.to_string().as_bytes());
                }
            } else {
                text.push(value);
            }
        }
        let kind = if bytes { TokenKind::Bytes(data) } else { TokenKind::String(text) };
        Ok(Some(self.token(kind, start)))
    }

    /// Reads what follows a backslash. The flag tells numeric escapes of one byte.
    fn escape(&mut self, start: usize) -> Result<(char, bool), Issue> {
        let invalid = |lexer: &Self| Issue {
            offset: start,
            message: format!(
                "Syntax error: token recognition error at: '{}'",
                lexer.chars[start..lexer.position.min(lexer.chars.len())].iter().collect::<String>()
            ),
        };
        let Some(c) = self.peek(0) else { return Err(invalid(self)) };
        self.position += 1;
        let (digits, radix, is_byte) = match c {
            'n' => return Ok(('\n', false)),
            't' => return Ok(('\t', false)),
            'r' => return Ok(('\r', false)),
            'a' => return Ok(('\u{7}', false)),
            'b' => return Ok(('\u{8}', false)),
            'f' => return Ok(('\u{c}', false)),
            'v' => return Ok(('\u{b}', false)),
            '\\' | '\'' | '"' | '`' | '?' => return Ok((c, false)),
            'x' | 'X' => (2, 16, true),
            'u' => (4, 16, false),
            'U' => (8, 16, false),
            '0'..='3' => {
                self.position -= 1;
                (3, 8, true)
            }
            _ => return Err(invalid(self)),
        };
        let mut code = 0_u32;
        for _ in 0..digits {
            let digit = self.peek(0).and_then(|c| c.to_digit(radix));
            let Some(digit) = digit else { return Err(invalid(self)) };
            code = code.wrapping_mul(radix).wrapping_add(digit);
            self.position += 1;
        }
        char::from_u32(code).map(|c| (c, is_byte)).ok_or_else(|| invalid(self))
    }
}
