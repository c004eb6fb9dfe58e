//! Flags that are on, off, or given a word as Go reads it.

/// A word that is no truth value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strconv.ParseBool: parsing {value:?}: invalid syntax")]
pub struct NotABool {
    pub value: String,
}

/// Reads `--flag=true`, `--flag=0` and so on, the words that Go takes.
pub fn parse_flag(text: &str) -> Result<bool, NotABool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(NotABool { value: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_values_are_the_words_that_go_takes() {
        assert_eq!((parse_flag("T"), parse_flag("0")), (Ok(true), Ok(false)));
        assert_eq!(
            parse_flag("client").unwrap_err().to_string(),
            "strconv.ParseBool: parsing \"client\": invalid syntax"
        );
    }
}
