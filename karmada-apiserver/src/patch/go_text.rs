//! Texts that clients know from the Go server: JSON syntax errors and printed values.

use std::fmt::Write as _;

use serde_json::Value;

/// Reads a JSON document; the error text is the one that a Go decoder gives.
///
/// # Errors
///
/// The first syntax error, for example `unexpected end of JSON input`.
pub fn decode_json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        let mut scanner = Scanner { bytes, position: 0 };
        match scanner.document() {
            Err(Stop::End) => "unexpected end of JSON input".to_owned(),
            Err(Stop::Bad(byte, context)) => format!("invalid character {} {context}", quote_char(byte)),
            // Valid for Go but not for serde_json: bad UTF-8, numbers out of range, deep nesting.
            Ok(()) => format!("json: {error}"),
        }
    })
}

/// Prints a value as Go prints the decoded value with `%v`: `map[a:1 b:[x y]]`.
pub fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key}:{}", go_value(value)));
            format!("map[{}]", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Prints a value as Go prints the decoded value with `%#v`: `map[string]interface {}{"a":1}`.
pub(super) fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value)));
            format!("map[string]interface {{}}{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Names the JSON type of a value as Go's decoder does.
pub(super) fn go_json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn quote_char(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0..=0x1f | 0x7f => format!(r"'\x{byte:02x}'"),
        // Go shows the byte as the character with that number.
        _ => format!("'{}'", char::from(byte)),
    }
}

enum Stop {
    End,
    Bad(u8, String),
}

/// A JSON recogniser that knows what Go's decoder says at the first byte that does not fit.
struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Stop> {
        self.value("looking for beginning of value")?;
        self.skip_space();
        match self.bytes.get(self.position) {
            None => Ok(()),
            Some(byte) => Err(Stop::Bad(*byte, "after top-level value".to_owned())),
        }
    }

    fn value(&mut self, context: &str) -> Result<(), Stop> {
        self.skip_space();
        match self.next()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' => match self.next()? {
                digit @ b'0'..=b'9' => self.number(digit),
                byte => Err(Stop::Bad(byte, "in numeric literal".to_owned())),
            },
            digit @ b'0'..=b'9' => self.number(digit),
            byte => Err(Stop::Bad(byte, context.to_owned())),
        }
    }

    fn object(&mut self) -> Result<(), Stop> {
        let mut first = true;
        loop {
            self.skip_space();
            match self.next()? {
                b'"' => self.string()?,
                b'}' if first => return Ok(()),
                byte => return Err(Stop::Bad(byte, "looking for beginning of object key string".to_owned())),
            }
            first = false;
            self.expect(b':', "after object key")?;
            self.value("looking for beginning of value")?;
            self.skip_space();
            match self.next()? {
                b',' => {}
                b'}' => return Ok(()),
                byte => return Err(Stop::Bad(byte, "after object key:value pair".to_owned())),
            }
        }
    }

    fn array(&mut self) -> Result<(), Stop> {
        self.skip_space();
        if self.bytes.get(self.position) == Some(&b']') {
            self.position += 1;
            return Ok(());
        }
        loop {
            self.value("looking for beginning of value")?;
            self.skip_space();
            match self.next()? {
                b',' => {}
                b']' => return Ok(()),
                byte => return Err(Stop::Bad(byte, "after array element".to_owned())),
            }
        }
    }

    fn string(&mut self) -> Result<(), Stop> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.next()?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(Stop::Bad(
                                    byte,
                                    r"in \u hexadecimal character escape".to_owned(),
                                ));
                            }
                        }
                    }
                    byte => return Err(Stop::Bad(byte, "in string escape code".to_owned())),
                },
                byte @ 0..=0x1f => return Err(Stop::Bad(byte, "in string literal".to_owned())),
                _ => {}
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), Stop> {
        for expected in word.bytes().skip(1) {
            let byte = self.next()?;
            if byte != expected {
                let mut context = String::new();
                let _ = write!(context, "in literal {word} (expecting {})", quote_char(expected));
                return Err(Stop::Bad(byte, context));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), Stop> {
        if first != b'0' {
            self.digits();
        }
        if self.bytes.get(self.position) == Some(&b'.') {
            self.position += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.bytes.get(self.position), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.bytes.get(self.position), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, context: &str) -> Result<(), Stop> {
        match self.next()? {
            b'0'..=b'9' => Ok(()),
            byte => Err(Stop::Bad(byte, context.to_owned())),
        }
    }

    fn digits(&mut self) {
        while self.bytes.get(self.position).is_some_and(u8::is_ascii_digit) {
            self.position += 1;
        }
    }

    fn expect(&mut self, wanted: u8, context: &str) -> Result<(), Stop> {
        self.skip_space();
        match self.next()? {
            byte if byte == wanted => Ok(()),
            byte => Err(Stop::Bad(byte, context.to_owned())),
        }
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.position).ok_or(Stop::End)?;
        self.position += 1;
        Ok(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.position), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.position += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_a_go_decoder_says() {
        let check = |text: &str, expected: &str| {
            assert_eq!(decode_json(text.as_bytes()), Err(expected.to_owned()), "{text}");
        };
        check("", "unexpected end of JSON input");
        check("{", "unexpected end of JSON input");
        check("not json", "invalid character 'o' in literal null (expecting 'u')");
        check("{a:1}", "invalid character 'a' looking for beginning of object key string");
        check("{\"a\" 1}", "invalid character '1' after object key");
        check("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair");
        check("[1 2]", "invalid character '2' after array element");
        check("{} x", "invalid character 'x' after top-level value");
        check("[1.x]", "invalid character 'x' after decimal point in numeric literal");
        check("x", "invalid character 'x' looking for beginning of value");
        check("\"a\nb\"", r"invalid character '\n' in string literal");
    }

    #[test]
    fn prints_values_as_go_does() {
        let value = json!({"b": [1, "x", null], "a": {"t": true}});
        assert_eq!(go_value(&value), "map[a:map[t:true] b:[1 x <nil>]]");
        assert_eq!(
            go_syntax(&value),
            r#"map[string]interface {}{"a":map[string]interface {}{"t":true}, "b":[]interface {}{1, "x", interface {}(nil)}}"#
        );
    }
}
