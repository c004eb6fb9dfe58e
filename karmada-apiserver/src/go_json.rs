//! JSON syntax errors in the words of Go's decoder, which clients of the real server know.

/// Returns the first syntax error, or `None` for one well-formed value.
pub(crate) fn syntax_error(bytes: &[u8]) -> Option<String> {
    Scanner { bytes, position: 0 }.document().err()
}

/// Levels of objects and arrays that a document has at most.
const DEEPEST: usize = 10_000;
const END: &str = "unexpected end of JSON input";

struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

type Scan = Result<(), String>;

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
    }

    fn fail(&self, context: &str) -> String {
        self.peek()
            .map_or_else(|| END.to_owned(), |byte| format!("invalid character {} {context}", quote(byte)))
    }

    fn document(&mut self) -> Scan {
        // The open objects and arrays: clients nest deeper than stacks are.
        let mut open: Vec<u8> = Vec::new();
        self.skip_space();
        loop {
            if open.len() >= DEEPEST && matches!(self.peek(), Some(b'{' | b'[')) {
                return Err("exceeded max depth".to_owned());
            }
            match self.value()? {
                Some(bracket) => {
                    open.push(bracket);
                    if bracket == b'{' {
                        self.key()?;
                    }
                    continue;
                }
                None if open.is_empty() => break,
                None => {}
            }
            if !self.next_member(&mut open)? {
                break;
            }
        }
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fail("after top-level value")),
        }
    }

    /// Reads what closes or separates values, up to the next value. Says whether there is one.
    fn next_member(&mut self, open: &mut Vec<u8>) -> Result<bool, String> {
        while let Some(&bracket) = open.last() {
            self.skip_space();
            match (bracket, self.peek()) {
                (b'{', Some(b',')) => {
                    self.position += 1;
                    self.skip_space();
                    self.key()?;
                    return Ok(true);
                }
                (_, Some(b',')) => {
                    self.position += 1;
                    self.skip_space();
                    return Ok(true);
                }
                (b'{', Some(b'}')) | (b'[', Some(b']')) => {
                    self.position += 1;
                    open.pop();
                }
                (b'{', _) => return Err(self.fail("after object key:value pair")),
                (_, _) => return Err(self.fail("after array element")),
            }
        }
        Ok(false)
    }

    /// Reads a value; of one that has members only its bracket, which is returned.
    fn value(&mut self) -> Result<Option<u8>, String> {
        match self.peek() {
            Some(bracket @ (b'{' | b'[')) => {
                self.position += 1;
                self.skip_space();
                let end = if bracket == b'{' { b'}' } else { b']' };
                if self.peek() != Some(end) {
                    return Ok(Some(bracket));
                }
                self.position += 1;
            }
            Some(b'"') => self.string()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.fail("looking for beginning of value")),
        }
        Ok(None)
    }

    /// Reads the key of a member and its colon.
    fn key(&mut self) -> Scan {
        if self.peek() != Some(b'"') {
            return Err(self.fail("looking for beginning of object key string"));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fail("after object key"));
        }
        self.position += 1;
        self.skip_space();
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Scan {
        for (index, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
                debug_assert!(index > 0, "the caller looked at the first byte");
                return Err(self.fail(&format!("in literal {word} (expecting {})", quote(expected))));
            }
            self.position += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Scan {
        self.position += 1;
        loop {
            match self.peek() {
                None => return Err(END.to_owned()),
                Some(b'"') => {
                    self.position += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.position += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.position += 1,
                        Some(b'u') => {
                            self.position += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.fail("in \\u hexadecimal character escape"));
                                }
                                self.position += 1;
                            }
                        }
                        _ => return Err(self.fail("in string escape code")),
                    }
                }
                Some(byte) if byte < 0x20 => return Err(self.fail("in string literal")),
                Some(_) => self.position += 1,
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.position;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        self.position - start
    }

    fn number(&mut self) -> Scan {
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        match self.peek() {
            Some(b'0') => self.position += 1,
            _ if self.digits() > 0 => {}
            _ => return Err(self.fail("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            if self.digits() == 0 {
                return Err(self.fail("after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            if self.digits() == 0 {
                return Err(self.fail("in exponent of numeric literal"));
            }
        }
        Ok(())
    }
}

/// Quotes one byte as Go does: as the character of that code.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0x20..=0x7e => format!("'{}'", byte as char),
        0xa1..=0xac | 0xae..=0xff => format!("'{}'", char::from(byte)),
        _ => format!("'\\x{byte:02x}'"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{", "unexpected end of JSON input")]
    #[case("not json", "invalid character 'o' in literal null (expecting 'u')")]
    #[case("{} x", "invalid character 'x' after top-level value")]
    #[case("apiVersion: v1", "invalid character 'a' looking for beginning of value")]
    #[case("{\"a\" 1}", "invalid character '1' after object key")]
    #[case("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair")]
    #[case("[1 2]", "invalid character '2' after array element")]
    #[case("{a:1}", "invalid character 'a' looking for beginning of object key string")]
    #[case("1.x", "invalid character 'x' after decimal point in numeric literal")]
    fn syntax_errors_read_as_gos(#[case] text: &str, #[case] message: &str) {
        assert_eq!(syntax_error(text.as_bytes()).as_deref(), Some(message));
    }

    #[test]
    fn well_formed_text_has_no_error() {
        for text in ["null", " {\"a\":[1,-2.5e+3,\"\\u00e4\",true,null]} ", "0", "\"x\""] {
            assert_eq!(syntax_error(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn depth_is_limited_by_a_number_and_not_by_the_stack() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(syntax_error(nested(10_000).as_bytes()), None);
        assert_eq!(syntax_error(nested(10_001).as_bytes()).as_deref(), Some("exceeded max depth"));
        assert_eq!(
            syntax_error("{\"a\":".repeat(1_000_000).as_bytes()).as_deref(),
            Some("exceeded max depth")
        );
    }
}
