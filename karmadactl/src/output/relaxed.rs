//! Paths without braces and dots, as `--sort-by` and custom columns take them.

use super::json_path::JsonPathError;

/// Returns `{.a.b}` for `a.b`, `.a.b`, `{a.b}` and `{.a.b}`.
///
/// # Errors
/// When the text is no such path.
pub fn relaxed(text: &str) -> Result<String, JsonPathError> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    if inner.contains(['{', '}']) {
        return Err(JsonPathError::NotAPath { text: text.to_owned() });
    }
    let dot = if inner.starts_with(['.', '[', '$', '@']) { "" } else { "." };
    Ok(format!("{{{dot}{inner}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_and_the_first_dot_may_be_left_out() {
        for text in ["a.b", ".a.b", "{a.b}", "{.a.b}"] {
            assert_eq!(relaxed(text).unwrap(), "{.a.b}", "{text}");
        }
        assert!(relaxed("{.a}{.b}").is_err());
    }
}
