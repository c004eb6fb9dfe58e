//! What stands in the file: advice and problems as comments, then the objects.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::error::CliError;
use crate::manifest::{ManifestError, read_text};
use crate::printer::{DocumentFormat, render_document};

const ADVICE: &str = "\
# Edit and save. Lines that begin with '#' are ignored, an empty file changes nothing.
# What the server refuses is opened again with its reason.
#
";

/// The language of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum EditFormat {
    /// YAML
    #[default]
    Yaml,
    /// JSON
    Json,
}

impl EditFormat {
    /// Extension of the file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
        }
    }
}

/// A saved file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Returns the text of a file with objects, and problems above them.
pub fn compose(objects: &[Value], format: EditFormat, problems: &[String]) -> Result<String, CliError> {
    let document = match objects {
        [object] => object.clone(),
        several => json!({ "apiVersion": "v1", "kind": "List", "items": several }),
    };
    let format = match format {
        EditFormat::Yaml => DocumentFormat::Yaml,
        EditFormat::Json => DocumentFormat::Json,
    };
    Ok(with_problems(&render_document(&document, format)?, problems))
}

/// Returns a text with advice and problems above it, in place of those that stood there.
pub fn with_problems(text: &str, problems: &[String]) -> String {
    let mut composed = ADVICE.to_owned();
    for line in problems.iter().flat_map(|problem| problem.lines()) {
        writeln!(composed, "# {line}").expect("writing to a text cannot fail");
    }
    if !problems.is_empty() {
        composed.push_str("#\n");
    }
    composed + without_comments(text)
}

/// Takes the comments off the beginning of a text.
fn without_comments(text: &str) -> &str {
    let mut rest = text;
    while rest.starts_with('#') {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    rest
}

/// Whether two texts say the same beside their comments.
pub fn is_same(left: &str, right: &str) -> bool {
    without_comments(left).trim_end() == without_comments(right).trim_end()
}

/// Reads the objects of a saved file; none when it is empty.
pub fn parse(text: &str) -> Result<Vec<Value>, TextError> {
    let body = without_comments(text);
    let is_empty = body.lines().all(|line| line.trim().is_empty() || line.starts_with('#'));
    if is_empty {
        return Ok(Vec::new());
    }
    let manifests = read_text("the saved file", body)?;
    Ok(manifests.into_iter().map(|manifest| manifest.object).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_from_the_text() {
        let object = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "# v\n"}});
        for format in [EditFormat::Yaml, EditFormat::Json] {
            let one = compose(&[object("a")], format, &[]).unwrap();
            assert!(one.starts_with("# Edit and save."), "{one}");
            assert_eq!(parse(&one).unwrap(), [object("a")]);
            let two = compose(&[object("a"), object("b")], format, &["no\nway".to_owned()]).unwrap();
            assert!(two.contains("#\n# no\n# way\n#\n"), "{two}");
            assert_eq!(parse(&two).unwrap(), [object("a"), object("b")]);
        }
    }

    #[test]
    fn comments_change_nothing_and_an_empty_file_has_no_objects() {
        let text = compose(
            &[json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}})],
            EditFormat::Yaml,
            &[],
        )
        .unwrap();
        let again = with_problems(&text, &["refused".to_owned()]);
        assert!(is_same(&text, &again));
        assert!(!is_same(&text, &(again + "x: 1\n")));
        assert!(parse("# only\n\n# comments\n").unwrap().is_empty());
        assert!(parse("a: [\n").is_err());
    }
}
