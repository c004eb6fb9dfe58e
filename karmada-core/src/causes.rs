//! Errors with their causes, as events print them.

use std::error::Error;

/// Returns the text of an error and its causes, leaving out a cause that the text before it already contains.
pub(crate) fn text_with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
