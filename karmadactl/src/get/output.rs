//! How what was read is printed: `-o`.

use std::path::PathBuf;

use crate::output::{ColumnsError, CustomColumns, GoTemplate, GoTemplateError, JsonPath, JsonPathError};

/// A form of output, as it was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum GetOutput {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    JsonPath(JsonPath),
    CustomColumns(CustomColumns),
    GoTemplate(GoTemplate),
}

/// The word after `-o`: a form, and its template if it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputChoice {
    form: Form,
    /// A template, or the name of a file.
    argument: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    JsonPath,
    JsonPathFile,
    CustomColumns,
    CustomColumnsFile,
    GoTemplate,
    GoTemplateFile,
}

/// Every word that may follow `-o`.
const FORMS: [(&str, Form); 13] = [
    ("custom-columns", Form::CustomColumns),
    ("custom-columns-file", Form::CustomColumnsFile),
    ("go-template", Form::GoTemplate),
    ("go-template-file", Form::GoTemplateFile),
    ("json", Form::Json),
    ("jsonpath", Form::JsonPath),
    ("jsonpath-file", Form::JsonPathFile),
    ("name", Form::Name),
    ("table", Form::Table),
    ("template", Form::GoTemplate),
    ("templatefile", Form::GoTemplateFile),
    ("wide", Form::Wide),
    ("yaml", Form::Yaml),
];

/// A form of output that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error(
        "unable to match a printer suitable for the output format {word:?}, allowed formats are: {}",
        words()
    )]
    Unknown { word: String },
    #[error("template format specified but no template given")]
    NoTemplate,
    #[error("cannot read {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("error parsing jsonpath {text:?}")]
    JsonPath {
        text: String,
        #[source]
        source: JsonPathError,
    },
    #[error("error parsing template {text:?}")]
    GoTemplate {
        text: String,
        #[source]
        source: GoTemplateError,
    },
    #[error(transparent)]
    Columns(#[from] ColumnsError),
}

fn words() -> String {
    FORMS.map(|(word, _)| word).join(",")
}

/// Reads the word after `-o`.
///
/// # Errors
/// When it is none of the forms.
pub fn parse_output(text: &str) -> Result<OutputChoice, OutputError> {
    let (word, argument) = match text.split_once('=') {
        Some((word, argument)) => (word, Some(argument.to_owned())),
        None => (text, None),
    };
    let is_plain = |form| matches!(form, Form::Json | Form::Yaml | Form::Wide | Form::Name | Form::Table);
    let known = FORMS.iter().find(|(known, form)| *known == word && (argument.is_none() || !is_plain(*form)));
    match known {
        Some((_, form)) => Ok(OutputChoice { form: *form, argument }),
        None => Err(OutputError::Unknown { word: text.to_owned() }),
    }
}

impl OutputChoice {
    /// Reads the template, from its file where it is in one; `template` is that of `--template`.
    ///
    /// # Errors
    /// When there is none, or it makes no sense.
    pub fn load(self, template: Option<String>) -> Result<GetOutput, OutputError> {
        let form = match (self.form, &template) {
            // `--template` alone says what is wanted.
            (Form::Table, Some(_)) => Form::GoTemplate,
            (form, _) => form,
        };
        let argument = || self.argument.clone().or(template.clone()).filter(|text| !text.is_empty());
        let text = || argument().ok_or(OutputError::NoTemplate);
        let file = || -> Result<String, OutputError> {
            let path = PathBuf::from(text()?);
            std::fs::read_to_string(&path).map_err(|source| OutputError::File { path, source })
        };
        let json_path = |text: String| match JsonPath::parse(&text) {
            Ok(path) => Ok(GetOutput::JsonPath(path)),
            Err(source) => Err(OutputError::JsonPath { text, source }),
        };
        let go_template = |text: String| match GoTemplate::parse(&text) {
            Ok(template) => Ok(GetOutput::GoTemplate(template)),
            Err(source) => Err(OutputError::GoTemplate { text, source }),
        };
        Ok(match form {
            Form::Table => GetOutput::Table,
            Form::Wide => GetOutput::Wide,
            Form::Json => GetOutput::Json,
            Form::Yaml => GetOutput::Yaml,
            Form::Name => GetOutput::Name,
            Form::JsonPath => json_path(text()?)?,
            Form::JsonPathFile => json_path(file()?)?,
            Form::CustomColumns => {
                GetOutput::CustomColumns(CustomColumns::parse(&argument().unwrap_or_default())?)
            }
            Form::CustomColumnsFile => GetOutput::CustomColumns(CustomColumns::parse_file(&file()?)?),
            Form::GoTemplate => go_template(text()?)?,
            Form::GoTemplateFile => go_template(file()?)?,
        })
    }
}

/// Reads a path to sort by; the dot and the braces may be left out.
///
/// # Errors
/// When it is no path.
pub fn parse_sort_path(text: &str) -> Result<JsonPath, JsonPathError> {
    JsonPath::parse(&crate::output::relaxed(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_after_o_says_the_form_and_its_template() {
        let load = |text: &str, template: Option<&str>| {
            parse_output(text).and_then(|choice| choice.load(template.map(str::to_owned)))
        };
        assert_eq!(load("wide", None).unwrap(), GetOutput::Wide);
        assert!(matches!(load("jsonpath={.a}", None), Ok(GetOutput::JsonPath(_))));
        assert!(matches!(load("template", Some("{{.a}}")), Ok(GetOutput::GoTemplate(_))));
        assert!(matches!(load("custom-columns=A:.a", None), Ok(GetOutput::CustomColumns(_))));
        assert!(matches!(load("jsonpath", None), Err(OutputError::NoTemplate)));
        assert!(matches!(load("jsonpath={.a", None), Err(OutputError::JsonPath { .. })));
        for text in ["nope", "json=x", ""] {
            let error = load(text, None).unwrap_err().to_string();
            assert!(error.contains("allowed formats are: custom-columns,"), "{error}");
        }
    }
}
